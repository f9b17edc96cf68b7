"""Channels on a real PostgreSQL: what changed is told once, gathered, in order, by one publisher at a time; and sources that fall silent are seen by all of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.facts import Fact
from crossdock.facts.feed import StockOffered
from crossdock.facts.order import DocumentSent
from crossdock.flow.fold import fold_once, wake_once
from crossdock.flow.offering import Selling, sellings
from crossdock.flow.publish import hear_once, publish_once
from crossdock.policy.stock import Channel, Schedule, StaleRule, StockPolicy, StockSite
from crossdock.store.channels import ChannelFeeds, HeldChannel
from crossdock.store.database import Database
from crossdock.store.log import FactLog, fact_of
from crossdock.store.queries import SQL

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = StockPolicy(
    sites={"RENO": StockSite(system="wms"), "MAIN": StockSite(system="wms")}, silent_after_minutes=None
)


class Shop:
    """Stock, a channel or several, and the time."""

    def __init__(self, database: Database, *channels: Channel) -> None:
        self.database, self.feeds, self.now = database, ChannelFeeds(database), START
        self.sellings: list[Selling] = sellings(POLICY, {c.id: c for c in channels}, {})

    async def do(self, statement: str, *arguments: Any) -> None:
        async with self.database.pool.acquire() as connection:
            await connection.execute(statement, *arguments)

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.pool.acquire() as connection:
            return list(await connection.fetch(query, *arguments))

    async def set(self, item: str, quantity: int, site: str = "RENO") -> None:
        """So many are in storage, and that is marked as a mover marks it."""
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO stock (item, site, storage, changed_at) VALUES ($1, $2, $3, now()) "
                "ON CONFLICT (item, site) DO UPDATE SET storage = excluded.storage",
                item,
                site,
                Decimal(quantity),
            )
            mark = "INSERT INTO stock_changed (need, item, site) VALUES ('offer', $1, $2) ON CONFLICT DO NOTHING"
            await connection.execute(mark, item, site)

    async def publish(self) -> None:
        await publish_once(self.feeds, self.sellings, self.now)
        await publish_once(self.feeds, self.sellings, self.now)

    async def later(self, **by: float) -> None:
        """Time passes, and what is to be told then is."""
        self.now += timedelta(**by)
        await self.publish()

    async def fold(self) -> None:
        while await fold_once(FactLog(self.database), lambda partner, version: None, self.now):
            pass

    async def delivered(self) -> None:
        """Everything that was offered has arrived."""
        await self.fold()
        rows = await self.rows("SELECT key, id FROM obligations WHERE kind = 'offer' AND status = 'ready'")
        sent = [
            Fact(
                key=row["key"],
                data=DocumentSent(obligation=row["id"], document="inventory-advice"),
                source="shop",
                source_id=row["id"],
                occurred_at=self.now,
            )
            for row in rows
        ]
        await FactLog(self.database).record(sent, self.now)
        await self.fold()

    async def offers(self, channel: str = "shop") -> list[StockOffered]:
        """What was offered, by number."""
        found = [
            fact_of(tuple(r)).data
            for r in await self.rows(
                "SELECT lane, position, key, type, version, source, source_id, occurred_at, recorded_at, message, body "
                "FROM facts WHERE type = 'stock.offered'"
            )
        ]
        return sorted([o for o in found if o.channel == channel], key=lambda o: o.sequence)

    async def open_exceptions(self) -> list[str]:
        return [r["cause"] for r in await self.rows("SELECT cause FROM exceptions WHERE closed_at IS NULL ORDER BY 1")]


def told(offer: StockOffered) -> dict[tuple[str, str], int]:
    return {(line.item, line.site): int(line.quantity) for line in offer.lines}


SHOP = Channel(id="shop", system="shop")


async def test_a_channel_is_first_told_all_and_then_what_changed(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 10)
    await shop.set("B", 5, "MAIN")
    await shop.publish()
    await shop.delivered()
    await shop.set("A", 7)
    await shop.later(seconds=1)
    assert len(await shop.offers()) == 1, "changes are gathered first"
    await shop.later(seconds=6)
    full, delta = await shop.offers()
    assert (full.full, told(full)) == (True, {("A", "RENO"): 10, ("B", "MAIN"): 5})
    assert (delta.full, delta.sequence, told(delta)) == (False, 2, {("A", "RENO"): 7})


async def test_a_hundred_changes_are_one_delta_and_a_change_that_was_taken_back_is_none(database: Database) -> None:
    shop = Shop(database, SHOP)
    for n in range(20):
        await shop.set(f"I{n:02}", 10)
    await shop.publish()
    await shop.delivered()
    for change in range(100):
        await shop.set(f"I{change % 20:02}", 20 + change)
        await shop.feeds.spread({"RENO": ["shop"]}, 100, shop.now)
    await shop.later(seconds=6)
    await shop.delivered()
    assert [len(o.lines) for o in await shop.offers()] == [20, 20]
    await shop.set("I00", 1)
    await shop.publish()
    await shop.set("I00", 100)
    await shop.later(seconds=6)
    assert len(await shop.offers()) == 2


async def test_a_channel_that_is_down_is_told_the_present_when_it_is_back(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 10)
    await shop.publish()
    for quantity in range(5):
        await shop.set("A", quantity)
        await shop.later(seconds=6)
    assert len(await shop.offers()) == 1
    await shop.delivered()
    await shop.later(seconds=6)
    assert told((await shop.offers())[-1]) == {("A", "RENO"): 4}


async def test_a_full_offer_by_schedule_overtakes_what_is_not_delivered(database: Database) -> None:
    shop = Shop(database, Channel(id="shop", system="shop", snapshot=Schedule(every_hours=1), lines=2))
    for item in "ABC":
        await shop.set(item, 3)
    await shop.publish()
    await shop.later(minutes=59)
    assert len(await shop.offers()) == 2
    await shop.fold()
    await wake_once(FactLog(database), lambda partner, version: None, shop.now)
    assert await shop.open_exceptions() == ["feed-late", "feed-late"]
    await shop.later(minutes=2)
    await shop.fold()
    parts = await shop.offers()
    assert [(o.sequence, o.part, o.parts, len(o.lines)) for o in parts[2:]] == [(3, 1, 2, 2), (4, 2, 2, 1)]
    assert await shop.open_exceptions() == []
    rows = await shop.rows("SELECT key, status FROM deliveries ORDER BY key")
    assert [(r["key"], r["status"]) for r in rows] == [
        ("FEED-shop.1", "cancelled"),
        ("FEED-shop.2", "cancelled"),
        ("FEED-shop.3", "queued"),
        ("FEED-shop.4", "queued"),
    ]


async def test_after_a_refusal_everything_is_told_anew(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 10)
    await shop.publish()
    await shop.fold()
    await shop.do("UPDATE obligations SET status = 'refused'")
    await shop.later(minutes=14)
    assert len(await shop.offers()) == 1
    await shop.later(minutes=2)
    assert [o.full for o in await shop.offers()] == [True, True]


async def test_publishers_at_once_tell_each_number_once_and_every_change(database: Database) -> None:
    shop = Shop(database, Channel(id="shop", system="shop", delta_seconds=0), Channel(id="other", system="other"))
    for n in range(10):
        await shop.set(f"I{n}", 1)
    await asyncio.gather(*(publish_once(shop.feeds, shop.sellings, shop.now) for _ in range(6)))
    assert [[o.full for o in await shop.offers(c)] for c in ("shop", "other")] == [[True], [True]]

    async def move() -> None:
        for n in range(40):
            await shop.set(f"I{n % 10}", 100 + n)

    async def publish() -> None:
        for _ in range(15):
            await publish_once(shop.feeds, shop.sellings, shop.now)
            await shop.delivered()

    await asyncio.gather(move(), publish(), publish(), publish())
    await shop.delivered()
    await shop.publish()
    offers = await shop.offers()
    assert [o.sequence for o in offers] == list(range(1, len(offers) + 1))
    known: dict[tuple[str, str], int] = {}
    for offer in offers:
        known.update(told(offer))
    assert known == {(f"I{n}", "RENO"): 130 + n for n in range(10)}


async def test_a_crash_between_telling_and_committing_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 10)
    await shop.publish()
    await shop.delivered()
    await shop.set("A", 3)
    await shop.publish()
    with monkeypatch.context() as broken:

        async def die(*_: Any) -> None:
            raise ConnectionError("killed")

        broken.setattr(HeldChannel, "finish", die)
        with pytest.raises(ConnectionError):
            await shop.later(seconds=6)
    assert len(await shop.offers()) == 1
    await shop.publish()
    assert [(o.sequence, told(o)) for o in (await shop.offers())[1:]] == [(2, {("A", "RENO"): 3})]


async def test_a_mover_that_has_not_committed_keeps_its_mark(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 10)
    async with database.transaction() as connection:
        await connection.execute("UPDATE stock SET storage = 4")
        assert await shop.feeds.spread({"RENO": ["shop"]}, 10, shop.now) == 0
    assert await shop.feeds.spread({"RENO": ["shop"]}, 10, shop.now) == 1


async def test_a_silent_source_stops_widens_and_is_believed_again(database: Database) -> None:
    shop = Shop(
        database,
        Channel(
            id="shop", system="shop", buffer=Decimal(2), snapshot=Schedule(), stale=(StaleRule(factor=Decimal(3)),)
        ),
        Channel(id="zero", system="zero", snapshot=Schedule(), stale=(StaleRule(action="zero"),)),
        Channel(id="stop", system="stop", snapshot=Schedule(), stale=(StaleRule(action="stop"),)),
    )
    hear = "INSERT INTO streams (source, stream, heard_at, told_at) VALUES ('wms', '', $1, $1) ON CONFLICT (source, stream) DO UPDATE SET heard_at = $1"
    await shop.do(hear, shop.now)
    await shop.set("A", 10)

    async def look() -> list[dict[tuple[str, str], int]]:
        await hear_once(shop.feeds, shop.sellings, shop.now)
        await shop.later(seconds=6)
        await shop.delivered()
        await wake_once(FactLog(database), lambda partner, version: None, shop.now)
        return [told((await shop.offers(channel))[-1]) for channel in ("shop", "zero", "stop")]

    at = ("A", "RENO")
    assert await look() == [{at: 8}, {at: 10}, {at: 10}]
    assert await shop.open_exceptions() == []
    shop.now += timedelta(minutes=61)
    await shop.set("A", 9)
    assert await look() == [{at: 3}, {at: 0}, {at: 10}]
    assert await shop.open_exceptions() == ["stale-source"]
    await shop.do(hear, shop.now)
    assert await look() == [{at: 7}, {at: 9}, {at: 9}]
    assert await shop.open_exceptions() == []


async def test_expected_goods_are_told_when_they_are_more_than_what_waits(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.set("A", 0)
    due = (START + timedelta(days=9)).date()
    await shop.do(
        "INSERT INTO expected_receipts (source, source_id, line, kind, item, site, quantity, due_on) "
        "VALUES ('erp', 'PO-1', '1', 'purchase-order', 'A', 'RENO', 40, $1)",
        due,
    )
    await shop.publish()
    (line,) = (await shop.offers())[0].lines
    assert (line.quantity, line.next_on, line.next_quantity) == (0, due, 40)


async def test_the_marks_of_a_busy_channel_are_found_by_index(database: Database) -> None:
    shop = Shop(database, SHOP)
    await shop.do(
        "INSERT INTO channel_changed SELECT 'c' || n % 50, 'I' || n, 'RENO', now() FROM generate_series(1, 20000) n"
    )
    await shop.do("ANALYZE channel_changed")
    plan = await shop.rows("EXPLAIN " + SQL["oldest_mark"].replace("$1", "'c7'"))
    assert not any("Seq Scan" in row[0] for row in plan)
