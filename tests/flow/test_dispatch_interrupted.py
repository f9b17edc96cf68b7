"""Sending cut short: a worker dies, stops, is overtaken, or what it sends is cancelled meanwhile; nothing is done twice and nothing forgotten."""

import asyncio
from datetime import datetime, timedelta

import pytest
from play import order

from crossdock.facts.order import HoldPlaced, OrderCancelled
from crossdock.flow.settle import Settlement, settle
from crossdock.policy import Agreement
from crossdock.ports.log import Claimed
from crossdock.ports.outbound import Absent, Accepted, Later, Outcome, Pace, Refused, Unknown
from crossdock.store.outbox import DeliveryOutbox

from .hub import ANSWERED, Hub, PlainWriter, ScriptedSink


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
