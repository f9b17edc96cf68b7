"""Promises out of the books: never more than there is, whoever asks at once; given back, taken away and planned anew."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from stock_values import NOW, moved, stocked, wanted

from crossdock.ledger.demand import ExpectedReceipt, Promise, Reservation
from crossdock.ledger.movement import Place
from crossdock.ledger.planning import Planning
from crossdock.store.database import Database, connect
from crossdock.store.stock import StockBooks, changed_for_offer, expire, move, replan, reserve


@pytest.fixture
def books(database: Database) -> StockBooks:
    return StockBooks(database)


@pytest.fixture
async def crowd(database_url: str) -> AsyncIterator[Database]:
    """A database with room for 64 at once."""
    database = await connect(database_url, 64)
    yield database
    await database.close()


def got(promises: list[Promise]) -> dict[tuple[str, str], int]:
    return {(p.key, p.line): int(sum((r.quantity for r in p.reserved), Decimal(0))) for p in promises}


async def plan_anew(database: Database, planning: Planning | None = None) -> list[Promise]:
    """Until there is nothing to be planned."""
    found: list[Promise] = []
    for _ in range(20):
        async with database.transaction() as connection:
            found += await replan(connection, 100, NOW, planning or Planning())
        if not await database.pool.fetchval("SELECT EXISTS (SELECT FROM stock_changed WHERE need = 'plan')"):
            return found
    raise AssertionError("planning does not come to an end")


async def test_a_demand_is_promised_what_there_is_and_told_what_is_lacking(books: StockBooks) -> None:
    await books.record([stocked(6)], NOW)
    (promise,) = await books.reserve([wanted(10)], NOW)
    assert promise.reserved == (Reservation(key="SO-1", line="1", item="A", site="S1", quantity=Decimal(6)),)
    assert promise.backordered == 4
    assert (await books.supply([("A", "S1")])).stock["A", "S1"].available == 0
    assert await books.rebuild() == []


async def test_the_same_demand_again_changes_nothing(books: StockBooks, database: Database) -> None:
    await books.record([stocked(6)], NOW)
    await books.reserve([wanted(4)], NOW)
    assert await books.reserve([wanted(4)], NOW) == []
    assert await database.pool.fetchval("SELECT reserved FROM stock") == 4


async def test_a_smaller_demand_gives_back_and_none_gives_back_all(books: StockBooks, database: Database) -> None:
    await books.record([stocked(6)], NOW)
    await books.reserve([wanted(6)], NOW)
    assert got(await books.reserve([wanted(2)], NOW)) == {("SO-1", "1"): 2}
    assert (await books.supply([("A", "S1")])).stock["A", "S1"].available == 4
    assert got(await books.reserve([wanted(0)], NOW)) == {("SO-1", "1"): 0}
    assert await books.reserve([wanted(0)], NOW) == []
    assert await database.pool.fetchval("SELECT count(*) FROM demands") == 0
    assert await books.rebuild() == []


async def test_a_line_that_an_order_has_no_longer_gives_back(books: StockBooks) -> None:
    await books.record([stocked(6)], NOW)
    await books.reserve([wanted(2), wanted(3, line="2")], NOW)
    assert got(await books.reserve([wanted(2)], NOW, whole=["SO-1"])) == {("SO-1", "2"): 0}
    assert (await books.supply([("A", "S1")])).stock["A", "S1"].reserved == 2


async def test_promises_of_one_order_have_rising_revisions(books: StockBooks) -> None:
    await books.record([stocked(6)], NOW)
    first = await books.reserve([wanted(2)], NOW)
    second = await books.reserve([wanted(3)], NOW)
    assert second[0].revision > first[0].revision > 0


async def test_what_never_may_be_sold_is_not_promised(books: StockBooks) -> None:
    await books.record(
        [moved("receipt", 5), stocked(5), moved("hold", 5), stocked(5, owner="consigned"), stocked(1)], NOW
    )
    assert got(await books.reserve([wanted(10)], NOW)) == {("SO-1", "1"): 1}


async def test_what_comes_in_goes_to_those_who_wait(books: StockBooks, database: Database) -> None:
    await books.reserve([wanted(5), wanted(5, key="SO-2", asked_at=NOW + timedelta(hours=1))], NOW)
    await books.record([stocked(7)], NOW)
    assert got(await plan_anew(database)) == {("SO-1", "1"): 5, ("SO-2", "1"): 2}
    assert await books.rebuild() == []


async def test_what_was_lost_is_taken_from_the_last_soft_reservation(books: StockBooks, database: Database) -> None:
    await books.record([stocked(10)], NOW)
    later = NOW + timedelta(hours=1)
    await books.reserve([wanted(5, firm=True), wanted(5, key="SO-2", asked_at=later)], NOW)
    await books.record([moved("adjust", 3, origin=Place.STORAGE, destination=Place.ADJUSTMENT, reason="damaged")], NOW)
    assert got(await plan_anew(database)) == {("SO-2", "1"): 2}
    assert (await books.supply([("A", "S1")])).stock["A", "S1"].available == 0


async def test_what_is_given_back_goes_to_those_who_wait(books: StockBooks, database: Database) -> None:
    await books.record([stocked(5)], NOW)
    await books.reserve([wanted(5)], NOW)
    await books.reserve([wanted(3, key="SO-2")], NOW)
    await books.reserve([wanted(0)], NOW)
    assert got(await plan_anew(database)) == {("SO-2", "1"): 3}


async def test_a_substitute_that_comes_in_serves_who_waits_for_the_item(books: StockBooks, database: Database) -> None:
    await books.reserve([wanted(3, substitutes=("B",))], NOW)
    await books.record([stocked(3, "B")], NOW)
    (promise,) = await plan_anew(database)
    assert [(r.item, r.quantity) for r in promise.reserved] == [("B", 3)]


async def test_a_soft_reservation_expires_and_a_firm_one_does_not(books: StockBooks, database: Database) -> None:
    await books.record([stocked(10)], NOW)
    until = NOW + timedelta(hours=1)
    await books.reserve(
        [wanted(5, expires_at=until), wanted(5, key="SO-2", expires_at=until, firm=True), wanted(2, key="SO-3")], NOW
    )
    async with database.transaction() as connection:
        assert await expire(connection, NOW) == []
    async with database.transaction() as connection:
        assert got(await expire(connection, until)) == {("SO-1", "1"): 0}
    async with database.transaction() as connection:
        assert await expire(connection, until) == []
    assert got(await plan_anew(database)) == {("SO-3", "1"): 2}


async def test_an_expected_receipt_dates_what_is_lacking(books: StockBooks, database: Database) -> None:
    await books.reserve([wanted(5)], NOW)
    purchase = ExpectedReceipt(
        source="erp",
        source_id="PO-9",
        line="1",
        kind="purchase-order",
        item="A",
        site="S1",
        quantity=Decimal(8),
        due_on=date(2026, 3, 20),
    )
    await books.expect([purchase], NOW)
    (promise,) = await plan_anew(database)
    assert (promise.backordered, promise.promised_on) == (5, date(2026, 3, 20))
    await books.expect([purchase], NOW)
    assert await plan_anew(database) == [], "told again, it changes nothing"
    supply = await books.supply([("A", "S1")])
    assert supply.receipts == [purchase]
    assert [(w.demand.key, w.reserved, w.promised_on) for w in supply.demands] == [("SO-1", 0, date(2026, 3, 20))]


async def test_what_left_the_house_is_no_longer_held_where_it_stood(books: StockBooks, database: Database) -> None:
    await books.record([stocked(5), stocked(5, site="S2")], NOW)
    line = wanted(10, sites=("S1", "S2"), split=True, firm=True)
    await books.reserve([line], NOW)
    async with database.transaction() as connection:
        await move(connection, [moved("ship", 5, origin=Place.STORAGE)], NOW)
        (promise,) = await reserve(
            connection,
            [wanted(5, sites=("S1", "S2"), split=True, firm=True)],
            NOW,
            shipped=[Reservation(key="SO-1", line="1", item="A", site="S1", quantity=Decimal(5))],
        )
    assert [(r.site, r.quantity) for r in promise.reserved] == [("S2", 5)]
    assert await books.rebuild() == []


async def test_an_offer_is_noted_once_and_drained_behind_the_locks(books: StockBooks, database: Database) -> None:
    await books.record([stocked(5), stocked(5, "B"), moved("receipt", 4, "C")], NOW)
    await books.reserve([wanted(1)], NOW)
    async with database.transaction() as connection:
        assert await changed_for_offer(connection, 10, NOW) == [("A", "S1"), ("B", "S1")]
        assert await changed_for_offer(connection, 10, NOW) == []


async def test_nothing_stands_of_a_transaction_that_is_rolled_back(books: StockBooks, database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await move(connection, [stocked(5)], NOW)
            await reserve(connection, [wanted(5)], NOW)
            raise ZeroDivisionError
    assert await books.positions() == {}
    assert await database.pool.fetchval("SELECT count(*) FROM demands") == 0


async def test_sixty_four_buyers_at_once_are_promised_exactly_the_last_hundred(crowd: Database) -> None:
    books = StockBooks(crowd)
    await books.record([stocked(100)], NOW)
    rng = random.Random(1)

    async def buy(buyer: int) -> int:
        mine = 0
        for order in range(3):
            promises = await books.reserve([wanted(rng.randrange(1, 4), key=f"SO-{buyer}-{order}")], NOW)
            mine += sum(got(promises).values())
        return mine

    assert sum(await asyncio.gather(*(buy(n) for n in range(64)))) == 100
    figures = (await books.supply([("A", "S1")])).stock["A", "S1"]
    assert (figures.reserved, figures.available) == (100, 0)
    assert await books.rebuild() == []


async def test_sixty_four_buyers_of_ten_items_in_any_order_never_lock_each_other_out(crowd: Database) -> None:
    books = StockBooks(crowd)
    items = [f"I{n}" for n in range(10)]
    await books.record([stocked(100, item) for item in items], NOW)
    rng = random.Random(2)

    async def buy(buyer: int) -> dict[str, int]:
        mine = dict.fromkeys(items, 0)
        for order in range(2):
            lines = rng.sample(items, 10)
            promises = await books.reserve(
                [wanted(1, key=f"SO-{buyer}-{order}", line=str(n), item=item) for n, item in enumerate(lines)], NOW
            )
            for promise in promises:
                for each in promise.reserved:
                    mine[each.item] += int(each.quantity)
        return mine

    taken = await asyncio.gather(*(buy(n) for n in range(64)))
    assert {item: sum(each[item] for each in taken) for item in items} == dict.fromkeys(items, 100)
    assert await books.rebuild() == []


async def test_buying_moving_and_planning_at_once_keep_the_books_true(crowd: Database) -> None:
    books = StockBooks(crowd)
    items = [f"I{n}" for n in range(6)]
    await books.record([stocked(40, item) for item in items], NOW)

    async def act(n: int) -> None:
        rng = random.Random(n)
        for turn in range(6):
            what = rng.random()
            picked = rng.sample(items, 4)
            if what < 0.5:
                lines = [wanted(rng.randrange(0, 9), key=f"SO-{n % 9}", line=item, item=item) for item in picked]
                await books.reserve(lines, NOW)
            elif what < 0.8:
                back = [
                    moved("adjust", 2, i, source="count", origin=Place.STORAGE, destination=Place.ADJUSTMENT)
                    for i in picked
                ]
                await books.record(
                    [*back, *(stocked(rng.randrange(1, 4), item, source=f"w{n}") for item in picked)], NOW
                )
            else:
                async with crowd.transaction() as connection:
                    await replan(connection, 3 + turn, NOW)

    await asyncio.gather(*(act(n) for n in range(40)))
    await plan_anew(crowd)
    assert await books.rebuild() == []
    for figures in await books.listed():
        assert figures.reserved <= figures.storage + figures.allocated + figures.staging


async def test_an_order_of_five_thousand_lines_is_promised_at_once(books: StockBooks) -> None:
    await books.record([stocked(5, f"I{n:05}") for n in range(5000)], NOW)
    lines = [wanted(6, line=str(n), item=f"I{n:05}", sites=("S1", "S2", "S3"), split=True) for n in range(5000)]
    promises = await books.reserve(lines, NOW)
    assert {int(p.backordered) for p in promises} == {1}
    assert len(promises) == 5000
    assert await books.reserve(lines, NOW) == []
