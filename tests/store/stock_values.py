"""What the tests of the books of stock say: movements and demands with little to spell out, and shorthand for the figures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from crossdock.ledger.balances import balances
from crossdock.ledger.demand import Demand
from crossdock.ledger.legs import USUAL
from crossdock.ledger.movement import Kind, Movement, Place, Position
from crossdock.store.database import Database
from crossdock.store.stock import StockBooks
from crossdock.store.stock_reading import movement_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = count(1)


def moved(
    kind: Kind | str, quantity: int | str, item: str = "A", site: str = "S1", at: int = 0, **told: Any
) -> Movement:
    """A movement with the usual legs, `at` minutes after NOW."""
    kind = Kind(kind)
    origin, destination = USUAL[kind]
    return Movement(
        **{
            "source": "wms",
            "source_id": f"m{next(_numbers)}",
            "kind": kind,
            "item": item,
            "site": site,
            "quantity": Decimal(quantity),
            "origin": origin,
            "destination": destination,
            "occurred_at": NOW + timedelta(minutes=at),
            **told,
        }
    )


def stocked(quantity: int, item: str = "A", site: str = "S1", **told: Any) -> Movement:
    """A receipt that is in storage at once."""
    return moved(Kind.RECEIPT, quantity, item, site, destination=Place.STORAGE, **told)


def wanted(quantity: int | str, key: str = "SO-1", line: str = "1", item: str = "A", **told: Any) -> Demand:
    """A demand for one line at site S1."""
    return Demand(
        **{
            "key": key,
            "line": line,
            "item": item,
            "quantity": Decimal(quantity),
            "sites": ("S1",),
            "asked_at": NOW,
            **told,
        }
    )


async def standing(books: StockBooks) -> dict[tuple[str, str, str], int]:
    """What stands in places of ours, by (item, site, place), all lots and owners together."""
    found: dict[tuple[str, str, str], int] = {}
    for p, quantity in (await books.positions()).items():
        if p.place not in (Place.SUPPLIER, Place.CUSTOMER, Place.ADJUSTMENT, Place.COMPANY):
            key = (p.item, p.site, p.place.value)
            found[key] = found.get(key, 0) + int(quantity)
    return {key: quantity for key, quantity in found.items() if quantity}


async def recorded(database: Database) -> list[Movement]:
    """Every movement that stands in the store, as it moved."""
    return [movement_of(row) for row in await database.pool.fetch("SELECT * FROM movements")]


async def folded(database: Database) -> dict[Position, Decimal]:
    """The fold of the movements that stand in the store; what is nothing left out."""
    return {p: q for p, q in balances(await recorded(database)).items() if q}


TABLES = "movements, stock, balances, stock_changed, demands, waits, reservations, expected_receipts, streams, stream_gaps, movement_conflicts"


async def emptied(database: Database) -> None:
    """Takes everything out of the books."""
    await database.pool.execute(f"TRUNCATE {TABLES}")
