"""What is given up waits for a person, holds up what must keep its order, and is asked after before it is sent again."""

import pytest

from crossdock.facts.order import EffectRetried, OrderCancelled
from crossdock.flow.dispatch import Dispatch
from crossdock.policy import Agreement
from crossdock.ports.outbound import Absent, Later, Outcome, Refused, Unknown

from .hub import ANSWERED, Hub, ScriptedSink


async def test_what_nobody_can_tell_is_held_and_in_the_end_a_dead_letter_until_it_is_retried(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Unknown("cut off")], look_ups=[Unknown("no idea")] * 2)
    dispatch = hub.dispatch(sink, attempts=3)
    await hub.work(dispatch)
    for status in ("unknown", "dead"):
        hub.wait(seconds=10)
        await hub.work(dispatch)
        assert (await hub.delivery(id_))["status"] == status
    assert len(sink.sent) == 1
    (letter,) = await hub.rows("SELECT * FROM exceptions WHERE cause = 'dead-letter' AND closed_at IS NULL")
    assert (letter["category"], letter["obligations"], letter["lane"]) == (
        "transport",
        [id_],
        hub.outbox.lane_of("SO-1"),
    )
    assert "no idea" in letter["detail"]
    assert await hub.outbox.retry_dead([id_], None, hub.now) == [id_]
    assert await hub.rows("SELECT FROM exceptions WHERE cause = 'dead-letter' AND closed_at IS NULL") == []
    hub.wait(seconds=2)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "accepted"
    assert len(sink.sent) == 1, "it had been done all along, and the look-up that the retry began with says so"
    assert (await hub.delivery(id_))["message"] is not None


async def dead_letter(hub: Hub, *last: Outcome | Absent) -> tuple[str, Dispatch, ScriptedSink]:
    """A credit check that was sent once, came to nothing and was given up; `last` is what look-ups say from then on."""
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Unknown("cut off")], look_ups=[Unknown("no idea"), *last])
    dispatch = hub.dispatch(sink, attempts=2)
    await hub.work(dispatch)
    hub.wait(seconds=10)
    await hub.work(dispatch)
    assert ((await hub.delivery(id_))["status"], len(sink.sent)) == ("dead", 1)
    hub.wait(seconds=10)
    return id_, dispatch, sink


async def test_a_retried_dead_letter_is_sent_as_it_was_only_when_the_look_up_says_absent(hub: Hub) -> None:
    id_, dispatch, sink = await dead_letter(hub, Absent())
    assert await hub.outbox.retry_dead([id_], None, hub.now) == [id_]
    assert (await hub.delivery(id_))["status"] == "unknown"
    await hub.work(dispatch)
    assert len(sink.asked) == 2
    assert sink.sent[1] == sink.sent[0]
    assert (await hub.delivery(id_))["status"] == "accepted"


async def test_a_retried_dead_letter_that_still_nobody_can_tell_is_not_sent(hub: Hub) -> None:
    id_, dispatch, sink = await dead_letter(hub, Unknown("down"), Unknown("down"))
    await hub.outbox.retry_dead([id_], None, hub.now)
    for status in ("unknown", "dead"):
        await hub.work(dispatch)
        assert ((await hub.delivery(id_))["status"], len(sink.sent)) == (status, 1)
        hub.wait(seconds=10)


async def test_a_retried_dead_letter_is_sent_where_there_is_no_look_up_to_ask_by(hub: Hub) -> None:
    id_, dispatch, sink = await dead_letter(hub, Unknown("none is declared", no_look_up=True))
    await hub.outbox.retry_dead([id_], None, hub.now)
    await hub.work(dispatch)
    assert ((await hub.delivery(id_))["status"], len(sink.sent)) == ("accepted", 2)


async def test_a_dead_letter_that_is_retried_by_force_is_sent_without_a_question(hub: Hub) -> None:
    id_, dispatch, sink = await dead_letter(hub)
    await hub.outbox.retry_dead([id_], None, hub.now, force=True)
    await hub.work(dispatch)
    assert ((await hub.delivery(id_))["status"], len(sink.sent), len(sink.asked)) == ("accepted", 2, 1)


async def test_a_dead_letter_that_was_surely_not_done_is_retried_without_a_question(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Later("busy")])
    dispatch = hub.dispatch(sink, attempts=1)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "dead"
    hub.wait(seconds=10)
    await hub.outbox.retry_dead([id_], None, hub.now)
    await hub.work(dispatch)
    assert ((await hub.delivery(id_))["status"], len(sink.sent), sink.asked) == ("accepted", 2, [])


@pytest.mark.parametrize("end", ["dead", "refused"])
async def test_nothing_overtakes_what_is_dead_or_refused_in_order_until_a_person_says_so(hub: Hub, end: str) -> None:
    await hub.orders("SO-1", "SO-2", "SO-3")
    await hub.do("UPDATE deliveries SET ordering_key = 'one' WHERE key <> 'SO-3'")
    first, second = (
        row["id"] for row in await hub.rows("SELECT id FROM deliveries WHERE ordering_key = 'one' ORDER BY sequence")
    )
    no = Later("busy") if end == "dead" else Refused("no", "E1")
    down = True
    sink = ScriptedSink(sends=lambda transmission: no if down and transmission.deliveries == (first,) else ANSWERED)
    dispatch = hub.dispatch(sink, ordered=True, attempts=1)
    for _ in range(3):
        await hub.work(dispatch)
        hub.wait(seconds=10)
    assert await hub.statuses() == {first: end, second: "queued", "SO-3/credit-check": "accepted"}
    down = False
    if end == "dead":
        await hub.outbox.retry_dead([first], None, hub.now)
    else:
        await hub.tell(EffectRetried(obligation=first, who="ann", round=1), key=first.partition("/")[0])
    for _ in range(2):
        hub.wait(seconds=10)
        await hub.work(dispatch)
    assert set((await hub.statuses()).values()) == {"accepted"}
    assert [id_ for id_ in sink.deliveries if id_ != "SO-3/credit-check"] == [first, first, second]


async def test_what_is_dead_and_no_longer_owed_holds_up_nothing(hub: Hub) -> None:
    hub.agreement = Agreement(partner="bigmart", channel="bigmart-edi")
    await hub.orders("SO-1", "SO-2")
    await hub.do("UPDATE deliveries SET ordering_key = 'one'")
    sink = ScriptedSink("erp", sends=[Later("busy")])
    dispatch = hub.dispatch(sink, ordered=True, attempts=1)
    await hub.work(dispatch)
    (dead,) = [id_ for id_, status in (await hub.statuses()).items() if status == "dead"]
    hub.wait(seconds=10)
    await hub.work(dispatch)
    assert len(sink.sent) == 1
    await hub.tell(OrderCancelled(), key=dead.partition("/")[0])
    assert await hub.obligation(dead) == "void"
    await hub.work(dispatch)
    assert len(sink.sent) == 2


async def test_throttling_for_ever_ends_in_a_dead_letter_too(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=lambda _: Later("busy"))
    dispatch = hub.dispatch(sink, attempts=3, breaker_failures=0)
    for _ in range(6):
        await hub.work(dispatch)
        hub.wait(seconds=60)
    assert ((await hub.delivery(id_))["status"], len(sink.sent)) == ("dead", 3)
