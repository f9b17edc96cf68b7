"""A simulated year (`testing.year`) run through the real books and the real reconciliation, and what of the planted faults was found, named right, or raised for nothing."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.facts.variance import VarianceFound
from crossdock.flow.reconcile import reconcile_once
from crossdock.ports.reconcile import Catalogue
from crossdock.store.database import Database
from crossdock.store.lookup import Lookup
from crossdock.store.reconcile import StockReconciliation
from crossdock.store.stock_moving import move
from crossdock.store.stock_reserving import expect
from crossdock.testing.year import BEGIN, Planted, Year, factor_of

FOUND_WITHIN = timedelta(days=4)


class Score(msgspec.Struct, kw_only=True):
    """What came of a year. found, named: of the faults that have a cause; raised: variances where none was planted, by (item, site, place, cause, quantity)."""

    days: int = 0
    movements: int = 0
    compared: int = 0
    planted: int = 0
    harmless: int = 0
    found: int = 0
    named: int = 0
    raised: list[tuple[str, str, str, str, Decimal]] = []
    missed: list[str] = []
    misnamed: list[str] = []
    causes: dict[str, int] = {}


def catalogue(items: Sequence[str]) -> Catalogue:
    """Values and packs of the simulated items."""
    return Catalogue(
        values={item: Decimal(3 + int(item[2:]) % 40) for item in items},
        factors={item: (Decimal(factor_of(item)),) for item in items},
    )


async def run(database: Database, year: Year, opening_batch: int = 20_000) -> Score:
    """Lets the year pass: each day's movements are heard, each night's snapshots compared two hours after their moment."""
    books, score = StockReconciliation(database), Score()
    batch: list[Any] = []
    for movement in year.opening():
        batch.append(movement)
        if len(batch) == opening_batch:
            await _record(database, batch, BEGIN - timedelta(days=30))
            batch = []
    await _record(database, batch, BEGIN - timedelta(days=30))
    planted: list[Planted] = []
    for day in year.days():
        score.days += 1
        score.movements += len(day.told)
        planted.extend(day.planted)
        looked = day.end + timedelta(hours=2)
        async with database.transaction() as connection:
            await expect(connection, day.announced, day.end)
            closed = [replace(r, received=r.quantity, closed=True) for r in day.received]
            await expect(connection, closed, day.end)
        # Heard in a few batches, as messages come.
        for start in range(0, len(day.told), 500):
            part = day.told[start : start + 500]
            await _record(database, [each.movement for each in part], part[-1].at)
        for snapshot in day.snapshots:
            await books.keep(snapshot, looked, looked)
        while await reconcile_once(books, looked, catalogue):
            score.compared += 1
    return await _judged(database, planted, score)


async def _record(database: Database, movements: Sequence[Any], at: Any) -> None:
    async with database.transaction() as connection:
        # A lost receipt must not hold up the shipments behind it: that the books fall below nothing is for reconciliation to find.
        await move(connection, movements, at, allow_negative=lambda _: True)


async def _judged(database: Database, planted: Sequence[Planted], score: Score) -> Score:
    told = await found_variances(database)
    used: set[int] = set()
    for fault in planted:
        if not fault.cause:
            score.harmless += 1
            continue
        score.planted += 1
        score.causes[fault.fault] = score.causes.get(fault.fault, 0) + 1
        about = [
            n
            for n, each in enumerate(told)
            if (each.item, each.site) == (fault.item, fault.site) and fault.at <= each.as_of <= fault.at + FOUND_WITHIN
        ]
        used.update(about)
        if not about:
            score.missed.append(f"{fault.fault} {fault.item}/{fault.site} {fault.quantity} {fault.at}")
            continue
        score.found += 1
        if told[about[-1]].cause == fault.cause:
            score.named += 1
        else:
            last = told[about[-1]]
            score.misnamed.append(
                f"{fault.fault} {fault.item}/{fault.site} {fault.quantity}: {last.cause} {last.detail}"
            )
    score.raised = [
        (each.item, each.site, each.place, each.cause, each.quantity) for n, each in enumerate(told) if n not in used
    ]
    return score


async def found_variances(database: Database) -> list[VarianceFound]:
    """Every finding that was told, in the order of comparisons."""
    told = [fact.data for fact in await Lookup(database).latest_facts(limit=10_000_000)]
    return sorted((each for each in told if isinstance(each, VarianceFound)), key=lambda each: each.run)
