"""Sending: whatever the other side answers or does not, each effect is made once, or a person is told."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from crossdock.facts.order import EffectRetried
from crossdock.policy import Agreement
from crossdock.ports.outbound import Absent, Accepted, Later, Outcome, Refused, Transmission, Unknown
from crossdock.store.outbox import Reserved

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
