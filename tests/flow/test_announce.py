"""Announcing on a real PostgreSQL: the same events however it is cut, one sequence without gaps, nothing missed by a reader who goes on from its cursor."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from play import Play, order, ordered, shipped

from crossdock.facts import order as facts
from crossdock.facts.variance import VarianceFound, VarianceGone
from crossdock.flow.announce import announce_once, announce_stock_once
from crossdock.flow.following import Followed
from crossdock.store.database import connect
from crossdock.store.events import EventFeed, HeldAnnouncer

from .hub import Hub

TABLES = "events, announced, stock_announced"


class Announcer:
    """A hub whose facts are announced."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.feed, self.followed = hub, EventFeed(hub.database), Followed()

    async def announce(self, per_lane: int = 25) -> None:
        """Announces until nothing is ahead."""
        while await announce_once(self.feed, self.hub.agreements, self.hub.now, per_lane, self.followed):
            pass

    async def forget(self) -> None:
        """The feed is lost, and nothing of it was told."""
        await self.hub.do(f"TRUNCATE {TABLES}")
        await self.hub.do("UPDATE event_cursors SET position = 0, furthest = 0")
        await self.hub.do("UPDATE announcer SET sequence = 0")
        await self.hub.do("UPDATE feed_kept SET first = 1, since = NULL")

    async def events(self, *types: str, key: str | None = None) -> list[Any]:
        """All events, as the feed has them."""
        kept, _, more = await self.feed.after(0, 10_000, types or None, key)
        assert not more
        return [each.event for each in kept]


@pytest.fixture
async def announcer(hub: Hub) -> AsyncIterator[Announcer]:
    """The flow on an empty database, and its announcer."""
    announcer = Announcer(hub)
    await announcer.forget()
    yield announcer


def road(key: str, *quantities: int) -> list[Any]:
    """A whole order's facts, of other numbers than any other's."""
    lines = [ordered(str(n), quantity) for n, quantity in enumerate(quantities, 1)]
    play = Play(key=key).tell(order(*lines, purchase_order=f"PO-{key}")).run()
    play.tell(shipped(f"SHP-{key}", *[(line.line, int(line.quantity)) for line in lines])).run()
    return [fact.data for fact in play.facts]


async def test_what_is_folded_is_announced_and_no_more(announcer: Announcer) -> None:
    hub = announcer.hub
    await hub.log.record([hub.fact(order())], hub.now)
    await announcer.announce()
    assert await announcer.events() == []
    await hub.fold()
    await announcer.announce()
    assert [e.type for e in await announcer.events()] == ["order.received.v1", "demand.accepted.v1"]


async def test_announcing_fact_by_fact_and_all_at_once_makes_the_same_events(announcer: Announcer) -> None:
    hub, story = announcer.hub, road("SO-1001", 10, 4)
    for data in story:
        await hub.tell(data)
        await announcer.announce()
    live = await announcer.events()
    await announcer.forget()
    await announcer.announce(per_lane=500)
    assert await announcer.events() == live
    await announcer.forget()
    await announcer.announce(per_lane=3)
    assert await announcer.events() == live
    assert live[-1].type == "order.closed.v1"


async def test_announcers_that_take_turns_and_remember_what_they_told_tell_what_one_would(announcer: Announcer) -> None:
    hub, story = announcer.hub, road("SO-1001", 10, 4)
    turns = [Followed(), Followed(), Followed(limit=0)]
    for n in range(0, len(story), 2):
        await hub.tell(*story[n : n + 2])
        await announce_once(announcer.feed, hub.agreements, hub.now, 500, turns[n // 2 % 3])
    live = await announcer.events()
    await announcer.forget()
    announcer.followed = Followed()
    await announcer.announce(per_lane=500)
    assert await announcer.events() == live


async def test_what_is_remembered_of_an_order_spares_reading_its_history(
    announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, story, asked = announcer.hub, road("SO-1001", 10, 4), []
    histories = HeldAnnouncer.histories

    async def counted(held: HeldAnnouncer, upto: Any) -> Any:
        asked.append(sorted(upto))
        return await histories(held, upto)

    monkeypatch.setattr(HeldAnnouncer, "histories", counted)
    for n in range(0, len(story), 3):
        await hub.tell(*story[n : n + 3])
        await announcer.announce(per_lane=500)
    assert asked == []
    await announcer.forget()
    await announce_once(announcer.feed, hub.agreements, hub.now, 3, announcer.followed)
    announcer.followed = Followed()
    await announcer.announce(per_lane=500)
    assert asked == [["SO-1001"]], "another announcer reads it, once"


async def test_announcing_anew_tells_nothing_twice_and_appends_what_is_lacking(announcer: Announcer) -> None:
    hub = announcer.hub
    await hub.tell(*road("SO-1001", 10, 4))
    await announcer.announce()
    before = await announcer.events()
    await hub.do("DELETE FROM events WHERE type = 'order.accepted.v1'")
    await announcer.feed.rewind()
    await announcer.announce()
    kept, _, _ = await announcer.feed.after(0, 1000)
    assert sorted(e.event.id for e in kept) == sorted(e.id for e in before)
    assert kept[-1].event.type == "order.accepted.v1"
    assert kept[-1].sequence == len(before) + 1


async def test_announcing_anew_does_not_tell_what_was_swept_and_goes_on_from_it(announcer: Announcer) -> None:
    hub, story = announcer.hub, road("SO-1001", 10, 4)
    await hub.tell(*story[:4])
    await announcer.announce()
    long_ago = await announcer.events()
    hub.now += timedelta(days=100)
    await announcer.feed.sweep(hub.now - timedelta(days=90))
    await hub.tell(*story[4:])
    await announcer.announce()
    kept, _, _ = await announcer.feed.after(None, 1000)
    assert [e.sequence for e in kept] == list(range(len(long_ago) + 1, len(long_ago) + 1 + len(kept)))
    assert {e.event.type for e in kept} >= {"shipment.confirmed.v1", "demand.shipped.v1"}
    await hub.do("DELETE FROM events WHERE type = 'shipment.confirmed.v1'")
    await announcer.feed.rewind()
    await announcer.announce(per_lane=3)
    again, _, _ = await announcer.feed.after(None, 1000)
    by_id = {e.event.id: e.event for e in kept}
    assert {e.event.id: e.event for e in again} == by_id
    assert len(again) == len(by_id)


async def test_a_reader_behind_a_cursor_misses_nothing_while_many_record_fold_and_announce(
    announcer: Announcer, flow_url: str
) -> None:
    hub, folded, told, chance = announcer.hub, asyncio.Event(), asyncio.Event(), random.Random(7)
    stories = [(f"SO-{n}", road(f"SO-{n}", 3, 5)) for n in range(24)]
    databases = [await connect(flow_url, 3) for _ in range(3)]

    async def write(part: int) -> None:
        for key, story in stories[part::4]:
            while story:
                some = [story.pop(0) for _ in range(min(len(story), chance.randint(1, 5)))]
                await hub.log.record([hub.fact(data, key) for data in some], hub.now)
                await hub.fold(4, 20)
                await asyncio.sleep(0)

    async def announce(database: Any) -> None:
        feed = EventFeed(database)
        while not folded.is_set():
            await announce_once(feed, hub.agreements, hub.now, chance.randint(1, 9))
            await asyncio.sleep(0)

    seen: list[Any] = []

    async def read() -> None:
        cursor, feed = 0, EventFeed(databases[-1])
        while True:
            ended = told.is_set()
            kept, cursor, more = await feed.after(cursor, chance.randint(1, 50))
            seen.extend(kept)
            if ended and not more:
                return
            await asyncio.sleep(0)

    announcers = [asyncio.create_task(announce(database)) for database in databases]
    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(part) for part in range(4)))
    await hub.fold()
    folded.set()
    await asyncio.gather(*announcers)
    await announcer.announce()
    told.set()
    await reader
    rows = await hub.rows("SELECT sequence, id FROM events ORDER BY sequence")
    assert [kept.sequence for kept in seen] == [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    live = {(e.key, e.id): e for e in await announcer.events()}
    assert len([key for key, id_ in live if id_.endswith("#order.closed")]) == len(stories)
    await announcer.forget()
    await announcer.announce(per_lane=1000)
    assert {(e.key, e.id): e for e in await announcer.events()} == live
    for database in databases:
        await database.close()


async def test_a_demand_event_sums_over_all_orders_to_what_they_hold(announcer: Announcer) -> None:
    hub = announcer.hub
    for n in range(5):
        await hub.tell(*road(f"SO-{n}", 10 + n, 4), key=f"SO-{n}")
    await announcer.announce()

    total = sum(
        Decimal(line["quantity"])
        for e in await announcer.events("demand.shipped.v1")
        for line in msgspec.json.decode(e.data)["lines"]
    )
    assert total == sum(10 + n + 4 for n in range(5))


async def test_exceptions_are_told_when_they_open_and_when_they_close(announcer: Announcer) -> None:
    hub = announcer.hub
    await hub.tell(order(ordered("1", 10, "3.00", "2.50")))
    await announcer.announce()
    (opened,) = await announcer.events("exception.opened.v1")
    assert opened.partner == ""
    hub.wait(minutes=5)
    await hub.tell(facts.PriceApproved(who="ann"))
    await announcer.announce()
    (closed,) = await announcer.events("exception.closed.v1")
    assert closed.key == opened.key == "SO-1001"
    assert closed.time - opened.time == timedelta(minutes=5)


async def test_variances_are_told_when_found_and_when_closed(announcer: Announcer) -> None:
    hub, key = announcer.hub, "VARIANCE-wms/ITEM-1/EAST/storage"
    found = VarianceFound(
        system="wms", run=1, snapshot=1, item="ITEM-1", site="EAST", place="storage", ours=Decimal(4), theirs=Decimal(6),
        quantity=Decimal(2), cause="unknown", as_of=hub.now, first_as_of=hub.now,
    )  # fmt: skip
    await hub.tell(found, VarianceGone(run=2, as_of=hub.now), key=key)
    await announcer.announce()
    assert [e.type for e in await announcer.events(key=key)][:2] == ["variance.found.v1", "variance.closed.v1"]


async def test_available_stock_is_told_when_it_differs_from_what_was_told_last(announcer: Announcer) -> None:
    hub = announcer.hub
    await hub.do("DELETE FROM stock")
    await hub.do(
        "INSERT INTO stock (item, site, storage, reserved, changed_at) VALUES ('A', 'EAST', 10, 3, now()), ('B', 'EAST', 0, 0, now())"
    )
    while await announce_stock_once(announcer.feed, hub.now):
        pass
    await hub.do("UPDATE stock SET reserved = 5 WHERE item = 'A'")
    while await announce_stock_once(announcer.feed, hub.now):
        pass

    told = [msgspec.json.decode(e.data) for e in await announcer.events("stock.available-changed.v1")]
    assert [(t["item"], t["available"], t["previous"]) for t in told] == [
        ("A", "7", None),
        ("B", "0", None),
        ("A", "5", "7"),
    ]
    await hub.do("DELETE FROM stock")


async def test_an_order_that_cannot_be_worked_out_holds_up_no_other(
    announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = announcer.hub
    await hub.tell(*road("SO-1001", 10, 4))
    await hub.tell(*road("SO-1002", 10, 4), key="SO-1002")
    from crossdock.process import order_to_cash

    derive = order_to_cash.PROCESS.derive

    def torn(state: Any, *more: Any) -> Any:
        if state.key == "SO-1001":
            raise ArithmeticError("a defect")
        return derive(state, *more)

    monkeypatch.setattr("crossdock.flow.announce.order_to_cash.derive", torn)
    await announcer.announce()
    assert "order.closed.v1" in [e.type for e in await announcer.events(key="SO-1002")]
    assert "shipment.confirmed.v1" in [e.type for e in await announcer.events(key="SO-1001")]
