"""Folding: whatever the batches, the same rows; and a fold that dies leaves nothing."""

import itertools
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from play import AGREEMENT, Play, order, ordered, shipped

from crossdock.facts import Fact
from crossdock.facts.order import (
    ChangedLine,
    EffectRefused,
    EffectRetried,
    HoldPlaced,
    HoldReleased,
    OrderCancelled,
    OrderChanged,
)
from crossdock.flow.fold import fold_once
from crossdock.policy import Agreement
from crossdock.store.log import ClaimedLanes

from .hub import Hub, ScriptedSink

NO_CREDIT = Agreement(partner="bigmart", channel="bigmart-edi", credit_check=False)


def road(key: str) -> list[Fact]:
    """An order that is held, changed, let go, shipped short and invoiced."""
    play = Play(AGREEMENT, key)
    change = ChangedLine(line="1", change="quantity", quantity=Decimal(8), partner_quantity=Decimal(8))
    play.tell(order(), HoldPlaced(hold="fraud")).run()
    play.tell(OrderChanged(change="1", lines=(change,))).run()
    play.tell(HoldReleased(hold="fraud")).run()
    play.tell(shipped("SHP-7", ("1", 8), ("2", 3), release=play.standing.obligations[-1].subject)).run()
    return play.facts


def waiting(key: str) -> list[Fact]:
    """An order that waits for a price to be decided."""
    return Play(AGREEMENT, key).tell(order(ordered("1", 3, "9.00", agreed="8.00"), ordered("2", 1))).facts


def fresh(key: str) -> list[Fact]:
    """An order that calls for its first step."""
    return Play(AGREEMENT, key).tell(order()).facts


STORY = [fact for key in ("SO-1", "SO-2", "SO-3") for fact in (*road(key), *waiting(f"{key}W"), *fresh(f"{key}N"))]
STORY = [
    Fact(key=f.key, data=f.data, source=f.source, source_id=f"{f.key}/{f.source_id}", occurred_at=f.occurred_at)
    for f in STORY
]


async def standing_rows(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """What stands in the tables of the folds: how it came about (what was opened and closed, queued and withdrawn on the way) apart."""
    return {
        "processes": await hub.rows(
            "SELECT lane, key, process, state, positions, milestone, summary::text, wake_at FROM processes ORDER BY key"
        ),
        "obligations": await hub.rows(
            "SELECT lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount "
            "FROM obligations WHERE status <> 'void' ORDER BY id"
        ),
        "exceptions": await hub.rows(
            "SELECT lane, id, key, category, cause, detail, action, subject, obligations, amount "
            "FROM exceptions WHERE closed_at IS NULL ORDER BY id"
        ),
        "deliveries": await hub.rows(
            "SELECT lane, id, key, system, document, partner, ordering_key, content, number, told FROM deliveries "
            "WHERE status = 'queued' AND id IN (SELECT id FROM obligations WHERE status = 'ready') ORDER BY id"
        ),
        "names": await hub.rows("SELECT * FROM names ORDER BY value, kind, key"),
    }


async def fold_in(hub: Hub, story: list[Fact], cuts: list[int], lanes: int, per_lane: int) -> dict[str, Any]:
    """Records the story in parts, folding after each."""
    await hub.forget()
    edges = sorted({0, *cuts, len(story)})
    for start, end in itertools.pairwise(edges):
        await hub.log.record(story[start:end], hub.now)
        await hub.fold(lanes, per_lane)
    return await standing_rows(hub)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    cuts=st.lists(st.integers(0, len(STORY)), max_size=12), lanes=st.sampled_from([1, 16]), per_lane=st.integers(1, 9)
)
async def test_folding_in_any_batches_leaves_the_same_rows(
    hub: Hub, cuts: list[int], lanes: int, per_lane: int
) -> None:
    hub.now = STORY[-1].occurred_at + timedelta(hours=1)
    at_once = await fold_in(hub, STORY, [], 16, 500)
    assert await fold_in(hub, STORY, cuts, lanes, per_lane) == at_once


async def test_folding_one_by_one_leaves_the_same_rows_and_rebuild_agrees(hub: Hub) -> None:
    hub.now = STORY[-1].occurred_at + timedelta(hours=1)
    at_once = await fold_in(hub, STORY, [], 16, 500)
    one_by_one = await fold_in(hub, STORY, list(range(len(STORY))), 1, 1)
    assert one_by_one == at_once
    assert at_once["deliveries"], "something is to be sent in this story"
    assert at_once["exceptions"], "something is wrong in this story"
    assert await hub.differences() == []


async def test_facts_told_again_in_another_order_change_nothing(hub: Hub) -> None:
    await hub.log.record(STORY, hub.now)
    await hub.fold()
    before = await standing_rows(hub)
    again = [*STORY, *STORY]
    random.Random(3).shuffle(again)
    assert await hub.log.record(again, hub.now) == 0
    await hub.fold()
    assert await standing_rows(hub) == before


async def test_every_row_that_the_fold_writes_carries_the_lane_of_its_key(hub: Hub) -> None:
    hub.now = STORY[-1].occurred_at + timedelta(days=30)
    await hub.log.record(STORY, hub.now)
    await hub.fold()
    for table in ("processes", "obligations", "exceptions", "deliveries", "names"):
        rows = await hub.rows(f"SELECT key, lane FROM {table}")
        assert rows, table
        assert all(row["lane"] == hub.outbox.lane_of(row["key"]) for row in rows), table
    intervals = await hub.rows("SELECT v.lane, x.lane AS of FROM exception_intervals v JOIN exceptions x USING (id)")
    assert intervals
    assert all(row["lane"] == row["of"] for row in intervals)


@pytest.mark.parametrize(
    ("what", "tamper"),
    [
        ("state", "UPDATE processes SET state = state || '\\x00'::bytea"),
        ("positions", "UPDATE processes SET positions = positions || 99::bigint"),
        ("milestone", "UPDATE processes SET milestone = 'dreamt'"),
        ("wake-at", "UPDATE processes SET wake_at = '2001-01-01'"),
        ("process", "DELETE FROM processes"),
        ("process", "UPDATE processes SET key = 'SO-2'"),
        ("obligation", "UPDATE obligations SET status = 'met' WHERE kind = 'credit-check'"),
        ("obligation", "UPDATE obligations SET due_at = due_at + interval '1 second' WHERE kind = 'credit-check'"),
        ("obligation", "UPDATE obligations SET amount = 1 WHERE kind = 'credit-check'"),
        ("obligation", "UPDATE obligations SET blocked_by = '{}' WHERE kind = 'acknowledge'"),
        ("obligation", "DELETE FROM obligations WHERE kind = 'acknowledge'"),
        (
            "obligation",
            "INSERT INTO obligations SELECT lane, 'SO-1001/invoice/X', key, kind, debtor, creditor, status, due_at, blocked_by, "
            "evidence, subject, amount, opened_at, updated_at FROM obligations WHERE kind = 'credit-check'",
        ),
        ("exception", "UPDATE exceptions SET detail = 'all is well'"),
        ("exception", "UPDATE exceptions SET closed_at = now()"),
        ("exception", "DELETE FROM exceptions"),
        ("exception", "UPDATE exceptions SET id = id || '/1'"),
        ("delivery", "DELETE FROM deliveries"),
        ("delivery", "UPDATE deliveries SET status = 'cancelled'"),
    ],
)
async def test_rebuild_finds_what_was_tampered_with(hub: Hub, what: str, tamper: str) -> None:
    await hub.tell(order())
    hub.wait(days=2)
    await hub.wake()
    assert await hub.differences() == []
    await hub.do(tamper)
    assert what in {difference.what for difference in await hub.differences()}


async def test_queueing_an_effect_twice_does_nothing(hub: Hub) -> None:
    (id_,) = await hub.orders("SO-1")
    before = await hub.delivery(id_)
    hub.wait(minutes=1)
    await hub.do("UPDATE cursors SET position = 0")
    await hub.do("DELETE FROM processes")  # the fold has forgotten that it ever queued it
    await hub.fold()
    assert await hub.delivery(id_) == before


async def test_what_is_no_longer_owed_is_withdrawn_while_it_is_queued(hub: Hub) -> None:
    hub.agreement = NO_CREDIT
    await hub.tell(order())
    assert await hub.statuses() == {"SO-1001/acknowledge": "queued", "SO-1001/create-in-erp": "queued"}
    await hub.tell(OrderCancelled())
    assert (await hub.statuses())["SO-1001/create-in-erp"] == "cancelled"
    assert await hub.obligation("SO-1001/create-in-erp") == "void"
    assert await hub.differences() == []
    sink = ScriptedSink("erp")
    await hub.work(hub.dispatch(sink))
    assert sink.sent == []


async def test_what_was_sent_stays_sent_when_the_order_is_cancelled(hub: Hub) -> None:
    hub.agreement = NO_CREDIT
    await hub.tell(order())
    await hub.work(hub.dispatch(ScriptedSink("bigmart-edi")))
    await hub.tell(OrderCancelled())
    assert (await hub.statuses())["SO-1001/acknowledge"] == "accepted"


async def test_what_a_hold_withdrew_is_queued_again_when_the_hold_is_gone(hub: Hub) -> None:
    play = Play(AGREEMENT).tell(order()).hold_back("release/1").run(lambda p: "SO-1001/release/1" in p.effects)
    await hub.log.record(play.facts, hub.now)
    await hub.fold()
    release = next(id_ for id_ in await hub.statuses() if "/release/" in id_)
    await hub.tell(HoldPlaced(hold="fraud"))
    assert (await hub.delivery(release))["status"] == "cancelled"
    await hub.tell(HoldReleased(hold="fraud"))
    assert (await hub.delivery(release))["status"] == "queued"
    await hub.tell(HoldPlaced(hold="export"))
    await hub.tell(HoldReleased(hold="export"))
    assert (await hub.delivery(release))["status"] == "queued"


async def test_an_exception_that_closes_and_opens_again_has_two_intervals(hub: Hub) -> None:
    await hub.tell(order())
    refusal = EffectRefused(obligation="SO-1001/credit-check", reason="no such customer")
    await hub.tell(refusal)
    (id_,) = await hub.open_exceptions()
    hub.wait(hours=1)
    await hub.tell(EffectRetried(obligation="SO-1001/credit-check", who="ann"))
    assert id_ not in await hub.open_exceptions()
    hub.wait(hours=1)
    await hub.tell(refusal)
    assert id_ in await hub.open_exceptions()
    intervals = await hub.rows("SELECT * FROM exception_intervals WHERE id = $1 ORDER BY opened_at", id_)
    assert [(row["closed_at"] is None) for row in intervals] == [False, True]
    assert intervals[0]["closed_at"] - intervals[0]["opened_at"] == timedelta(hours=1)
    assert intervals[1]["opened_at"] - intervals[0]["closed_at"] == timedelta(hours=1)
    assert await hub.differences() == []


@pytest.mark.parametrize(
    "step", ["_save_obligations", "_save_exceptions", "_save_deliveries"], ids=lambda step: step.strip("_")
)
async def test_a_fold_that_dies_half_way_leaves_nothing_and_is_done_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await hub.log.record([hub.fact(order())], hub.now)
    real = getattr(ClaimedLanes, step)

    async def dies(self: ClaimedLanes, *arguments: Any) -> None:
        await real(self, *arguments)
        raise ConnectionResetError("the machine is gone")

    with monkeypatch.context() as patched:
        patched.setattr(ClaimedLanes, step, dies)
        with pytest.raises(ConnectionResetError):
            await fold_once(hub.log, hub.agreements, hub.now)
    for table in ("processes", "obligations", "exceptions", "deliveries", "names"):
        assert await hub.rows(f"SELECT * FROM {table}") == [], table
    assert (await hub.rows("SELECT sum(position) AS position FROM cursors"))[0]["position"] == 0
    await hub.fold()
    assert await hub.statuses() == {"SO-1001/credit-check": "queued"}
    assert await hub.differences() == []


async def test_a_clock_that_runs_out_opens_overdue_without_any_fact(hub: Hub) -> None:
    await hub.tell(order())
    assert await hub.wake() == 0
    assert await hub.open_exceptions() == set()
    hub.wait(minutes=16)
    assert await hub.wake() == 1
    assert "SO-1001/overdue/credit-check" in await hub.open_exceptions()
    assert await hub.wake() == 0
    assert await hub.differences() == []


async def test_overdue_closes_when_what_was_late_is_done(hub: Hub) -> None:
    await hub.tell(order())
    hub.wait(minutes=16)
    await hub.wake()
    await hub.work(hub.dispatch(ScriptedSink("erp")))
    assert "SO-1001/overdue/credit-check" not in await hub.open_exceptions()
    assert await hub.differences() == []


async def test_two_who_fold_at_once_take_different_lanes_and_miss_nothing(hub: Hub) -> None:
    await hub.log.record([hub.fact(order(purchase_order=str(n)), f"SO-{n}") for n in range(60)], hub.now)
    async with hub.log.claim(8, 500) as one, hub.log.claim(8, 500) as other:
        lanes = {fact.lane for fact in one.facts}, {fact.lane for fact in other.facts}
    assert not lanes[0] & lanes[1]
    await hub.fold()
    assert len(await hub.rows("SELECT FROM processes")) == 60
