"""Sending: whatever the other side answers or does not, each effect is made once, or a person is told."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

import pytest
from play import order

from crossdock.facts.order import EffectRetried, HoldPlaced, OrderCancelled
from crossdock.flow.dispatch import Dispatch
from crossdock.flow.settle import Settlement, settle
from crossdock.policy import Agreement
from crossdock.ports.log import Claimed
from crossdock.ports.outbound import Absent, Accepted, Later, Outcome, Pace, Refused, Transmission, Unknown
from crossdock.store.outbox import DeliveryOutbox, Reserved

from .hub import ANSWERED, Hub, PlainWriter, ScriptedSink


async def test_what_is_accepted_is_told_once_with_its_message(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[ANSWERED])
    await hub.work(hub.dispatch(sink))
    assert await hub.obligation(id_) == "met"
    (told,) = await hub.facts_of_type("credit.answered")
    delivery = await hub.delivery(id_)
    assert (delivery["status"], told["message"]) == ("accepted", delivery["message"])
    (attempt,) = await hub.rows("SELECT * FROM attempts")
    assert (attempt["kind"], attempt["outcome"], attempt["status"]) == ("send", "accepted", "200")


async def test_later_is_tried_again_after_the_back_off(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Later("busy"), Later("busy"), ANSWERED])
    dispatch = hub.dispatch(sink, first_retry_seconds=2, factor=3)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["due_at"] == hub.now + timedelta(seconds=2)
    hub.wait(seconds=1.9)
    await hub.work(dispatch)
    assert len(sink.sent) == 1
    hub.wait(seconds=0.1)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["due_at"] == hub.now + timedelta(seconds=6)
    hub.wait(seconds=6)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "accepted"
    outcomes = await hub.rows("SELECT attempt, outcome FROM attempts ORDER BY attempt")
    assert [(row["attempt"], row["outcome"]) for row in outcomes] == [(1, "later"), (2, "later"), (3, "accepted")]


async def test_retry_after_shuts_the_door_for_everything_to_that_system(hub: Hub) -> None:
    first, second = await hub.orders("SO-1", "SO-2")
    sink = ScriptedSink(sends=[Later("slow down", "429", 30)])
    dispatch = hub.dispatch(sink, concurrency=1, first_retry_seconds=1)
    await hub.work(dispatch)
    sent = len(sink.sent)
    (refused,) = [row for row in await hub.rows("SELECT * FROM deliveries") if row["outcome"] == "slow down"]
    assert refused["due_at"] >= hub.now + timedelta(seconds=30)
    await hub.orders("SO-3")
    hub.wait(seconds=29)
    await hub.work(dispatch)
    assert len(sink.sent) == sent
    hub.wait(seconds=2)
    await hub.work(dispatch)
    assert set((await hub.statuses()).values()) >= {"accepted"}
    assert (await hub.statuses())[first] == (await hub.statuses())[second] == "accepted"


async def test_a_business_no_is_a_fact_and_an_exception_and_not_tried_again(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Refused("no such customer", "E404", "422")])
    dispatch = hub.dispatch(sink)
    await hub.work(dispatch)
    hub.wait(hours=1)
    await hub.work(dispatch)
    assert len(sink.sent) == 1
    assert (await hub.delivery(id_))["status"] == "refused"
    assert await hub.obligation(id_) == "refused"
    (told,) = await hub.facts_of_type("effect.refused")
    assert b"no such customer" in told["body"]
    (row,) = await hub.rows("SELECT category FROM exceptions WHERE closed_at IS NULL AND cause <> 'overdue'")
    assert row["category"] == "business"


@pytest.mark.parametrize("named", [True, False], ids=["a-request-by-its-key", "a-file-with-a-new-number"])
async def test_what_was_refused_and_is_retried_is_sent_again_and_told_again(hub: Hub, named: bool) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Refused("no", "E1"), Refused("still no", "E2")])
    dispatch = hub.dispatch(sink, PlainWriter("erp", named=named))
    await hub.work(dispatch)
    for again in range(4):
        hub.wait(minutes=1)
        assert (await hub.delivery(id_))["status"] in ("refused", "accepted")
        await hub.tell(EffectRetried(obligation=id_, who="ann"), key="SO-1")
        assert (await hub.delivery(id_))["status"] == "queued"
        hub.wait(minutes=1)
        await hub.work(dispatch)
        assert len(sink.sent) == again + 2
    assert len(await hub.facts_of_type("effect.refused")) == 2
    assert len(await hub.facts_of_type("credit.answered")) == 3
    assert await hub.obligation(id_) == "met"
    assert await hub.differences() == []


async def test_an_unknown_outcome_that_is_found_is_settled_without_a_second_send(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=[Unknown("no answer in time")], look_ups=[Accepted({"approved": False}, "found")])
    dispatch = hub.dispatch(sink)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "unknown"
    hub.wait(seconds=1)
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "accepted"
    assert (len(sink.sent), len(sink.asked)) == (1, 1)
    assert [row["kind"] for row in await hub.rows("SELECT kind FROM attempts ORDER BY started_at")] == [
        "send",
        "look-up",
    ]


async def test_an_unknown_outcome_that_is_absent_is_sent_again_as_it_was(hub: Hub) -> None:
    ids = await hub.orders("SO-1", "SO-2")
    sink = ScriptedSink(sends=[Unknown("cut off")], look_ups=[Absent()])
    dispatch = hub.dispatch(sink, PlainWriter("erp", batch=5), batch=5)
    await hub.work(dispatch)
    hub.wait(seconds=1)
    await hub.work(dispatch)
    first, second = sink.sent
    assert second == first
    assert first.control
    assert {(await hub.delivery(id_))["control"] for id_ in ids} == set(first.control.values())
    assert len(await hub.rows("SELECT FROM messages WHERE direction = 'out'")) == 1
    assert set((await hub.statuses()).values()) == {"accepted"}


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


def settled(claimed: Claimed, outcome: Outcome, now: datetime) -> Settlement:
    """What a worker writes of one delivery, with a retry in a minute."""
    message = claimed.message or 1
    return settle("send", [claimed], message, {}, outcome, 60, PlainWriter("erp"), Pace(), now, now)


async def overtaken(hub: Hub) -> tuple[Claimed, Claimed]:
    """One delivery as a worker claimed it whose lease has run out, and as another has it now."""
    await hub.orders("SO-1")
    writer = PlainWriter("erp")
    async with hub.outbox.loading("erp", 5, False, hub.now, hub.now + timedelta(seconds=5)) as loading:
        (slow,) = loading.claimed
        made = writer.compose([slow.delivery], await loading.numbers(writer.needs([slow.delivery])), hub.now)
        await loading.load("erp", made.transmissions, [], [], hub.now)
    hub.wait(seconds=6)
    ((_, _, (heir,)),) = await hub.outbox.uncertain("erp", 5, hub.now, hub.now + timedelta(seconds=60))
    return slow, heir


@pytest.mark.parametrize(
    "late", [Refused("no", "E1"), Later("busy"), Unknown("cut off")], ids=["refused", "later", "unknown"]
)
async def test_a_late_settlement_does_not_undo_what_a_newer_attempt_is_at(hub: Hub, late: Outcome) -> None:
    slow, heir = await overtaken(hub)
    before = await hub.delivery(slow.delivery.id)
    said = settled(slow, late, hub.now)
    await hub.outbox.settle(said.settled, said.attempts, said.facts, hub.now)
    assert await hub.delivery(slow.delivery.id) == before
    assert await hub.facts_of_type("effect.refused") == []
    said = settled(heir, ANSWERED, hub.now)
    await hub.outbox.settle(said.settled, said.attempts, said.facts, hub.now)
    assert (await hub.delivery(slow.delivery.id))["status"] == "accepted"
    attempts = await hub.rows("SELECT attempt, outcome FROM attempts ORDER BY attempt")
    assert [row["attempt"] for row in attempts] == [1, 2], "each is kept all the same"


async def test_what_was_accepted_is_so_though_it_is_told_late_and_stays_so(hub: Hub) -> None:
    slow, heir = await overtaken(hub)
    for claimed, outcome in ((slow, ANSWERED), (heir, Unknown("cut off")), (heir, Refused("twice"))):
        said = settled(claimed, outcome, hub.now)
        await hub.outbox.settle(said.settled, said.attempts, said.facts, hub.now)
        assert (await hub.delivery(slow.delivery.id))["status"] == "accepted"
    await hub.fold()
    assert await hub.obligation(slow.delivery.id) == "met"
    assert await hub.facts_of_type("effect.refused") == []


async def test_other_bytes_under_a_name_that_was_sent_are_another_message(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    kept: list[int] = []
    for data in (b"one", b"one", b"other", b"one", b"other"):
        async with hub.outbox.loading("erp", 5, False, hub.now, hub.now) as loading:
            transmission = Transmission(name="request-1", data=data, deliveries=(id_,))
            ids = await loading.load("erp", [transmission], [], [], hub.now)
            kept.append(ids["request-1"])
        await hub.do("UPDATE deliveries SET status = 'queued'")
    rows = await hub.rows("SELECT id, data, name FROM messages WHERE direction = 'out' ORDER BY id")
    first, other = (row["id"] for row in rows)
    assert kept == [first, first, other, first, other]
    assert [(row["data"], row["name"]) for row in rows] == [(b"one", "request-1"), (b"other", "request-1")]


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


async def test_stopping_gives_back_what_was_claimed_and_has_not_begun(hub: Hub) -> None:
    ids = await hub.orders("SO-1", "SO-2", "SO-3")
    never = asyncio.Event()

    async def hangs() -> Outcome:
        await never.wait()
        return ANSWERED

    sink = ScriptedSink(sends=lambda _: hangs())
    dispatch = hub.dispatch(sink, concurrency=1, timeout_seconds=5)
    await dispatch.step()
    await asyncio.sleep(0.01)
    with pytest.raises(TimeoutError):
        await dispatch.drain(0.05)
    (begun,) = sink.deliveries
    assert await hub.statuses() == {id_: "sending" if id_ == begun else "queued" for id_ in ids}
    given_back = await hub.rows("SELECT attempts, leased_until, message FROM deliveries WHERE status = 'queued'")
    assert [(row["attempts"], row["leased_until"], row["message"]) for row in given_back] == [(0, None, None)] * 2
    notes = await hub.rows("SELECT note FROM messages WHERE direction = 'out' AND note LIKE 'not sent%'")
    assert len(notes) == 2
    heir = ScriptedSink()
    await hub.work(hub.dispatch(heir))
    assert sorted(heir.deliveries) == sorted(set(ids) - {begun})
    never.set()
    await dispatch.drain()
    assert set((await hub.statuses()).values()) == {"accepted"}


async def test_throttling_for_ever_ends_in_a_dead_letter_too(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=lambda _: Later("busy"))
    dispatch = hub.dispatch(sink, attempts=3, breaker_failures=0)
    for _ in range(6):
        await hub.work(dispatch)
        hub.wait(seconds=60)
    assert ((await hub.delivery(id_))["status"], len(sink.sent)) == ("dead", 3)


async def test_where_sending_again_is_safe_it_is_sent_again_and_still_not_for_ever(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink(sends=lambda _: Unknown("cut off"), look_ups=lambda _: Unknown("there is no look-up"))
    dispatch = hub.dispatch(sink, resend_is_safe=True, attempts=3, breaker_failures=0)
    for _ in range(6):
        await dispatch.step()
        await dispatch.drain()
        hub.wait(seconds=60)
    assert ((await hub.delivery(id_))["status"], len(sink.sent)) == ("dead", 3)
    assert len(set(sink.names)) == 1


class Died(BaseException):
    """What a process that is killed looks like from within."""


async def test_a_worker_that_dies_after_sending_leaves_a_question_and_not_a_second_send(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    arrived = ScriptedSink()
    dying = hub.dispatch(arrived, timeout_seconds=1)
    await dying.step()
    await asyncio.sleep(0.05)  # it has been sent; nobody will settle it
    assert arrived.deliveries == [id_]
    assert (await hub.delivery(id_))["status"] == "sending"
    heir_sink = ScriptedSink(look_ups=[Accepted({"approved": False})])
    heir = hub.dispatch(heir_sink)
    await hub.work(heir)
    assert heir_sink.asked == [], "its lease has not run out"
    hub.wait(seconds=60)
    await hub.work(heir)
    assert (heir_sink.sent, heir_sink.asked) == ([], arrived.sent)
    assert (await hub.delivery(id_))["status"] == "accepted"


async def test_a_worker_that_dies_before_sending_leaves_what_another_sends_as_it_was_written(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    async with hub.outbox.loading("erp", 5, False, hub.now, hub.now + timedelta(seconds=5)) as loading:
        deliveries = [claimed.delivery for claimed in loading.claimed]
        writer = PlainWriter("erp")
        made = writer.compose(deliveries, await loading.numbers(writer.needs(deliveries)), hub.now)
        await loading.load("erp", made.transmissions, [], [], hub.now)
    heir = ScriptedSink(look_ups=[Absent()])
    hub.wait(seconds=6)
    await hub.work(hub.dispatch(heir))
    assert heir.sent == list(made.transmissions)
    assert (await hub.delivery(id_))["status"] == "accepted"


async def test_a_worker_that_dies_while_it_writes_leaves_nothing(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    with pytest.raises(Died):
        async with hub.outbox.loading("erp", 5, False, hub.now, hub.now + timedelta(seconds=5)) as loading:
            await loading.numbers({("erp", "interchange"): 1})
            raise Died
    assert (await hub.delivery(id_))["status"] == "queued"
    assert await hub.rows("SELECT FROM control_numbers") == []


async def test_one_transmission_is_never_looked_up_in_pieces_by_two_workers(hub: Hub) -> None:
    await hub.orders(*(f"SO-{n}" for n in range(8)))
    sink = ScriptedSink(sends=[Unknown("cut off")])
    await hub.work(hub.dispatch(sink, PlainWriter("erp", batch=8), batch=8))
    hub.wait(seconds=5)
    later = hub.now + timedelta(seconds=60)
    one, other = await asyncio.gather(
        hub.outbox.uncertain("erp", 5, hub.now, later), DeliveryOutbox(hub.database).uncertain("erp", 5, hub.now, later)
    )
    found = [len(claimed) for _, _, claimed in (*one, *other)]
    assert found == [8]


async def test_what_cannot_be_written_is_an_exception_and_takes_nothing_else_down(hub: Hub) -> None:
    good, bad, other = await hub.orders("SO-1", "SO-2", "SO-3")
    sink = ScriptedSink()
    await hub.work(
        hub.dispatch(sink, PlainWriter("erp", batch=9, unwritable={bad: "no identifier of the buyer"}), batch=9)
    )
    assert sorted(sink.deliveries) == sorted([good, other])
    assert await hub.statuses() == {good: "accepted", bad: "refused", other: "accepted"}
    (told,) = await hub.facts_of_type("effect.refused")
    assert b"no identifier of the buyer" in told["body"]
    assert await hub.obligation(bad) == "refused"
    hub.wait(minutes=1)
    await hub.tell(EffectRetried(obligation=bad, who="ann"), key="SO-2")
    hub.wait(minutes=1)
    await hub.work(hub.dispatch(sink))
    assert await hub.obligation(bad) == "met"


class ForgetfulWriter(PlainWriter):
    """Leaves out a delivery without a word."""

    def compose(self, deliveries, numbers, now):  # type: ignore[no-untyped-def]
        return super().compose(deliveries[1:], numbers, now)


async def test_a_delivery_that_a_writer_forgets_is_not_lost(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    sink = ScriptedSink()
    dispatch = hub.dispatch(sink, ForgetfulWriter("erp"))
    await hub.work(dispatch)
    assert (await hub.delivery(id_))["status"] == "refused"
    assert await hub.obligation(id_) == "refused"


class BrokenWriter(PlainWriter):
    """Has a defect that one delivery brings out."""

    def __init__(self, culprit: str) -> None:
        super().__init__("erp", batch=9)
        self._culprit = culprit

    def compose(self, deliveries, numbers, now):  # type: ignore[no-untyped-def]
        if any(delivery.id == self._culprit for delivery in deliveries):
            raise ZeroDivisionError
        return super().compose(deliveries, numbers, now)


async def test_a_defect_that_one_delivery_brings_out_in_a_writer_takes_no_other_down(hub: Hub) -> None:
    good, bad = await hub.orders("SO-1", "SO-2")
    await hub.work(hub.dispatch(ScriptedSink(), BrokenWriter(bad), batch=9))
    assert {good: "accepted", bad: "refused"}.items() <= (await hub.statuses()).items()


@pytest.mark.parametrize("answer", [{}, {"approved": "perhaps"}], ids=["without", "of-another-kind"])
async def test_an_answer_without_what_it_must_tell_is_not_taken_for_done(hub: Hub, answer: dict[str, str]) -> None:
    (id_,) = await hub.orders("SO-1")
    dispatch = hub.dispatch(ScriptedSink(sends=[Accepted(answer, "200")]))
    await dispatch.step()
    await dispatch.drain()
    delivery = await hub.delivery(id_)
    assert delivery["status"] in ("unknown", "dead")
    assert "of no use" in delivery["outcome"]
    assert await hub.facts_of_type("credit.answered") == []
    assert await hub.obligation(id_) == "ready"


async def test_a_defect_in_a_sink_is_an_unknown_outcome(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    await hub.work(hub.dispatch(ScriptedSink(sends=[ZeroDivisionError()])))
    delivery = await hub.delivery(id_)
    assert (delivery["status"], delivery["outcome"]) == ("unknown", "sending failed: ZeroDivisionError")


async def test_effects_of_one_key_keep_their_order_where_the_system_asks_for_it(hub: Hub) -> None:
    hub.agreement = Agreement(partner="bigmart", channel="bigmart-edi", erp="bigmart-edi")
    await hub.orders("SO-1", "SO-2")
    await hub.do("UPDATE deliveries SET ordering_key = 'one'")
    sink = ScriptedSink("bigmart-edi", sends=[Later("busy")])
    dispatch = hub.dispatch(sink, PlainWriter("bigmart-edi"), ordered=True, concurrency=8)
    await hub.work(dispatch)
    assert len(sink.sent) == 1
    await hub.work(dispatch)
    assert len(sink.sent) == 1, "the second waits for the first, though it is due"
    hub.wait(seconds=1)
    await dispatch.step()
    await dispatch.drain()
    assert sink.deliveries[1] == sink.deliveries[0]
    await dispatch.step()
    await dispatch.drain()
    assert sink.deliveries[2] != sink.deliveries[0]


async def test_a_system_that_hangs_holds_up_no_other(hub: Hub) -> None:
    hub.agreement = Agreement(partner="bigmart", channel="bigmart-edi", credit_check=False)
    await hub.orders("SO-1")
    never = asyncio.Event()

    def hangs(_: Transmission) -> Awaitable[Outcome]:
        async def wait() -> Outcome:
            await never.wait()
            return ANSWERED

        return wait()

    hanging, well = ScriptedSink("erp", sends=hangs), ScriptedSink("bigmart-edi")
    stuck = hub.dispatch(hanging)
    await stuck.step()
    await hub.work(hub.dispatch(well))
    assert {"SO-1/acknowledge": "accepted", "SO-1/create-in-erp": "sending"}.items() <= (await hub.statuses()).items()
    never.set()
    await stuck.drain()


async def test_a_sink_that_does_not_keep_its_time_is_given_up_as_unknown(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")

    async def sleeps() -> Outcome:
        await asyncio.sleep(60)
        return ANSWERED

    await hub.work(hub.dispatch(ScriptedSink(sends=lambda _: sleeps()), timeout_seconds=-0.9))
    assert (await hub.delivery(id_))["outcome"] == "no answer in time"


async def test_no_control_number_is_used_twice_by_dispatchers_that_work_at_once(hub: Hub) -> None:
    await hub.orders(*(f"SO-{n}" for n in range(120)))
    sinks = [ScriptedSink() for _ in range(3)]
    dispatches = [hub.dispatch(sink, PlainWriter("erp", batch=2), concurrency=2, batch=2) for sink in sinks]
    await asyncio.gather(*(hub.work(dispatch) for dispatch in dispatches))
    controls = [control.split("/")[0] for sink in sinks for t in sink.sent for control in set(t.control.values())]
    names = [name for sink in sinks for name in sink.names]
    assert len(set(names)) == len(names)
    assert sorted(id_ for sink in sinks for id_ in sink.deliveries) == sorted(
        f"SO-{n}/credit-check" for n in range(120)
    )
    stood = await hub.rows(
        "SELECT interchange, transaction, count(*) FROM transmitted GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert (stood, len(controls)) == ([], 120)


async def test_reserved_numbers_rise_and_run_out() -> None:
    reserved = Reserved({("erp", "interchange"): 7}, {("erp", "interchange"): 2})
    assert [reserved.next("erp", "interchange"), reserved.next("erp", "interchange")] == [7, 8]
    with pytest.raises(KeyError):
        reserved.next("erp", "interchange")


async def test_the_circuit_opens_after_failures_in_a_row_and_one_probe_closes_it(hub: Hub) -> None:
    await hub.orders(*(f"SO-{n}" for n in range(30)))
    down = True
    sink = ScriptedSink(sends=lambda _: Later("connection refused") if down else ANSWERED)
    dispatch = hub.dispatch(sink, concurrency=2, breaker_failures=4, breaker_seconds=30, first_retry_seconds=1)
    await hub.work(dispatch)
    sent = len(sink.sent)
    assert dispatch.health()[0] == "open"
    assert sent < 30
    hub.wait(seconds=29)
    await hub.work(dispatch)
    assert len(sink.sent) == sent, "nothing goes out while it is open"
    hub.wait(seconds=2)
    await dispatch.step()
    await dispatch.drain()
    assert len(sink.sent) == sent + 1, "one probe"
    hub.wait(seconds=31)
    down = False
    await hub.work(dispatch)
    hub.wait(minutes=5)
    await hub.work(dispatch)
    assert dispatch.health()[0] == "closed"
    assert set((await hub.statuses()).values()) == {"accepted"}


async def test_what_goes_over_the_wire_is_on_our_disk_before_it_goes(hub: Hub) -> None:
    ids = await hub.orders("SO-1", "SO-2", "SO-3")
    seen = []

    def look(transmission: Transmission) -> Awaitable[Outcome]:
        async def answer() -> Outcome:
            seen.append(
                await hub.rows(
                    "SELECT data, status FROM messages WHERE source_id = $1 AND channel = 'erp' AND direction = 'out'",
                    transmission.name,
                )
            )
            return ANSWERED

        return answer()

    sink = ScriptedSink(sends=look)
    await hub.work(hub.dispatch(sink))
    assert sorted(rows[0]["data"] for rows in seen) == sorted(transmission.data for transmission in sink.sent)
    assert [(len(rows), rows[0]["status"]) for rows in seen] == [(1, "sent")] * 3
    assert sorted(sink.deliveries) == sorted(ids)


async def test_stopping_gracefully_settles_what_is_under_way(hub: Hub) -> None:
    ids = await hub.orders("SO-1", "SO-2", "SO-3")

    async def slow() -> Outcome:
        await asyncio.sleep(0.05)
        return ANSWERED

    dispatch = hub.dispatch(ScriptedSink(sends=lambda _: slow()), concurrency=1)
    await dispatch.step()
    assert set((await hub.statuses()).values()) == {"sending"}
    await dispatch.drain()
    assert {(await hub.delivery(id_))["status"] for id_ in ids} == {"accepted"}


async def test_what_could_not_be_settled_is_kept_and_settled_later(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    (id_,) = await hub.orders("SO-1")
    dispatch = hub.dispatch(ScriptedSink())
    await dispatch.step()
    with monkeypatch.context() as patched:

        async def fails(*_: object) -> None:
            raise ConnectionResetError

        patched.setattr(hub.outbox, "settle", fails)
        with pytest.raises(ConnectionResetError):
            await dispatch.drain()
    await dispatch.drain()
    assert (await hub.delivery(id_))["status"] == "accepted"


async def test_what_is_cancelled_while_an_attempt_is_under_way_is_not_tried_again(hub: Hub) -> None:
    hub.agreement = Agreement(partner="bigmart", channel="bigmart-edi", credit_check=False)
    await hub.orders("SO-1")
    cancelled = asyncio.Event()

    async def busy() -> Outcome:
        await cancelled.wait()
        return Later("busy")

    sink = ScriptedSink(sends=lambda _: busy())
    dispatch = hub.dispatch(sink)
    await dispatch.step()
    await hub.tell(OrderCancelled(), key="SO-1")
    assert await hub.obligation("SO-1/create-in-erp") == "void"
    cancelled.set()
    await dispatch.drain()
    assert (await hub.delivery("SO-1/create-in-erp"))["status"] == "cancelled"
    hub.wait(minutes=5)
    await hub.work(dispatch)
    assert len(sink.sent) == 1


async def test_what_is_held_while_an_attempt_is_under_way_and_then_let_go_is_tried_again(hub: Hub) -> None:
    from crossdock.facts.order import HoldReleased

    hub.agreement = Agreement(partner="bigmart", channel="bigmart-edi", credit_check=False, erp="", tax="")
    await hub.tell(order(), key="SO-1")
    release = next(id_ for id_ in await hub.statuses() if "/release/" in id_)
    held = asyncio.Event()

    async def busy() -> Outcome:
        await held.wait()
        return Later("busy")

    sink = ScriptedSink("wh-east", sends=lambda _: busy())
    dispatch = hub.dispatch(sink, PlainWriter("wh-east"))
    await dispatch.step()
    await hub.tell(HoldPlaced(hold="fraud"), key="SO-1")
    await hub.tell(HoldReleased(hold="fraud"), key="SO-1")
    held.set()
    await dispatch.drain()
    assert (await hub.delivery(release))["status"] == "queued"
    hub.wait(minutes=5)
    await hub.work(dispatch)
    assert len(sink.sent) >= 2
