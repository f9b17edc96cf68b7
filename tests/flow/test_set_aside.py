"""A defect of ours costs the one process that it is about, and that only until it is mended."""

from typing import Any

import pytest
from play import AGREEMENT, order

from crossdock.facts import Fact
from crossdock.facts.order import HoldPlaced
from crossdock.flow.fold import VersionNotRead, fold_once
from crossdock.flow.rebuild import mend_lane
from crossdock.policy import Agreement
from crossdock.process.order_to_cash import OrderToCash
from crossdock.run.worker import Worker

from .hub import Hub, ScriptedSink

BROKEN = "SO-BROKEN"


class Defect:
    """A process that fails for one key, until it is mended."""

    def __init__(self, patched: pytest.MonkeyPatch, what: str) -> None:
        self.there = True
        real = getattr(OrderToCash, what)

        def fails(process: OrderToCash, state: Any, *arguments: Any, **named: Any) -> Any:
            if self.there and state.key == BROKEN:
                raise ZeroDivisionError("a price per nothing\0")
            return real(process, state, *arguments, **named)

        patched.setattr(OrderToCash, what, fails)


@pytest.fixture(params=["evolve", "derive", "effect", "encode"])
def defect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Defect:
    return Defect(monkeypatch, request.param)


async def mend(hub: Hub) -> tuple[int, list[str]]:
    count, left = 0, []
    for lane in range(hub.database.lanes):
        did, still = await mend_lane(hub.log, lane, hub.agreements, hub.now, at_once=1)
        count += did
        left.extend(each.key for each in still)
    return count, left


async def test_one_that_cannot_be_folded_is_set_aside_and_the_others_are_folded(hub: Hub, defect: Defect) -> None:
    keys = ["SO-1", BROKEN, "SO-2", "SO-3"]
    await hub.log.record([hub.fact(order(purchase_order=key), key) for key in keys], hub.now)
    await hub.fold()
    assert await hub.statuses() == {f"{key}/credit-check": "queued" for key in keys if key != BROKEN}
    (row,) = await hub.rows("SELECT * FROM exceptions WHERE closed_at IS NULL")
    assert (row["id"], row["cause"], row["category"]) == (f"{BROKEN}/defect", "defect", "defect")
    assert "ZeroDivisionError: a price per nothing (test_set_aside.py" in row["detail"]
    assert "crossdock rebuild --mend" in row["action"]
    (stands,) = await hub.rows("SELECT * FROM processes WHERE key = $1", BROKEN)
    assert "Traceback" in stands["defect"] and len(stands["positions"]) == 1
    assert (await hub.rows("SELECT sum(head - position) AS ahead FROM lanes JOIN cursors USING (lane)"))[0][
        "ahead"
    ] == 0


async def test_what_is_told_of_one_that_is_set_aside_is_kept_and_mended_with_the_rest(hub: Hub, defect: Defect) -> None:
    await hub.tell(order(purchase_order=BROKEN), key=BROKEN)
    await hub.tell(HoldPlaced(hold="fraud"), key=BROKEN)
    await hub.tell(HoldPlaced(hold="export"), key=BROKEN)
    (stands,) = await hub.rows("SELECT positions FROM processes WHERE key = $1", BROKEN)
    assert len(stands["positions"]) == 3
    (difference,) = await hub.differences()
    assert (difference.what, difference.key) == ("defect", BROKEN)
    defect.there = False
    assert "it can be folded" in [d.log_says for d in await hub.differences()]
    assert await mend(hub) == (1, [])
    assert await hub.differences() == []
    assert await hub.open_exceptions() == set()
    assert await hub.statuses() == {f"{BROKEN}/credit-check": "queued"}
    assert await mend(hub) == (0, [])


async def test_an_order_on_its_way_that_meets_a_defect_owes_what_it_owed_until_it_is_mended(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (id_,) = await hub.orders(BROKEN)
    defect = Defect(monkeypatch, "derive")
    await hub.work(hub.dispatch(ScriptedSink()))
    assert await hub.obligation(id_) == "ready"
    (stands,) = await hub.rows("SELECT milestone, wake_at FROM processes WHERE key = $1", BROKEN)
    assert stands == {"milestone": "received", "wake_at": None}
    defect.there = False
    assert await mend(hub) == (1, [])
    assert await hub.obligation(id_) == "met"
    assert (await hub.statuses())[id_] == "accepted", "what was done is not done again"
    assert await hub.differences() == []


async def test_mending_leaves_aside_what_is_still_broken(hub: Hub, defect: Defect) -> None:
    await hub.tell(order(), key=BROKEN)
    assert await mend(hub) == (0, [BROKEN])
    assert await hub.open_exceptions() == {f"{BROKEN}/defect"}


async def test_a_clock_that_meets_a_defect_sets_aside_too_and_does_not_ring_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.orders(BROKEN, "SO-1")
    defect = Defect(monkeypatch, "derive")
    hub.wait(days=2)
    assert await hub.wake() == 2
    assert f"{BROKEN}/defect" in await hub.open_exceptions()
    assert "SO-1/overdue/credit-check" in await hub.open_exceptions()
    assert BROKEN not in [
        row["key"] for row in await hub.rows("SELECT key FROM processes WHERE wake_at <= $1", hub.now)
    ]
    defect.there = False
    assert await mend(hub) == (1, [])
    assert f"{BROKEN}/overdue/credit-check" in await hub.open_exceptions()
    assert await hub.differences() == []


async def test_a_version_that_has_not_been_read_is_no_defect(hub: Hub) -> None:
    """The order was taken by a process that knew the version first: reading it is all that it takes."""
    read: dict[int, Agreement] = {}

    def agreements(partner: str, version: int) -> Agreement:
        if version not in read:
            raise VersionNotRead(f"version {version}")
        return read[version]

    async def learn() -> None:
        read[1] = AGREEMENT

    facts: list[Fact] = [hub.fact(order(), key) for key in ("SO-1", "SO-2")]
    await hub.log.record(facts, hub.now)
    with pytest.raises(VersionNotRead):
        await fold_once(hub.log, agreements, hub.now)
    assert await hub.rows("SELECT * FROM processes") == []
    worker = Worker(hub.inbox, hub.log, hub.outbox, {}, [], agreements, lambda: hub.now, learn=learn)
    assert await worker._fold()
    assert len(await hub.statuses()) == 2
    assert await hub.open_exceptions() == set()
