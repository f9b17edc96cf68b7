"""What orders and the stock ledger tell each other, in one transaction: demands and shipments one way, promises the other, as facts in the orders' own log.

The rows of stock are locked before anything else, all of them, in the one order; the lanes that the promises are appended to come last.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from crossdock.facts import Fact
from crossdock.facts.stock import ReservedLine, StockReserved
from crossdock.ledger.demand import Promise
from crossdock.ledger.planning import FIRST_COME, Planning
from crossdock.ledger.planning import pairs as pairs_of
from crossdock.ports.log import Folded
from crossdock.store.queries import SQL
from crossdock.store.stock_moving import lock, move
from crossdock.store.stock_reserving import reserve

SOURCE = "stock"
"""Who says what is promised."""


async def tell_stock(
    connection: Any, folded: Sequence[Folded], now: datetime, planning: Planning = FIRST_COME
) -> list[Fact]:
    """Books what left, serves what is wanted, and gives what to tell the orders. To be called before any other row is written."""
    movements = [m for f in folded for m in f.movements]
    demands = [d for f in folded for d in f.demands]
    if not movements and not demands:
        return []
    pairs = {(m.item, m.site) for m in movements}
    if demands:
        pairs.update(pairs_of(demands))
        rows = await connection.fetch(SQL["reservations_at"], [d.key for d in demands], [d.line for d in demands])
        pairs.update((row["item"], row["site"]) for row in rows)
    await lock(connection, pairs, now)
    if movements:
        await move(connection, movements, now)
    return promised(await reserve(connection, demands, now, planning), now) if demands else []


def promised(promises: Iterable[Promise], now: datetime, reason: str = "") -> list[Fact]:
    """What the orders are told: one fact an order and revision."""
    lines: dict[tuple[str, int], list[ReservedLine]] = {}
    for promise in promises:
        line = ReservedLine(
            line=promise.line,
            reserved=tuple([(r.item, r.site, r.quantity) for r in promise.reserved]),
            # The order itself says what becomes of what is not there; it knows by the sum which demand was answered.
            backordered=promise.backordered + promise.cut,
            promised_on=promise.promised_on,
        )
        lines.setdefault((promise.key, promise.revision), []).append(line)
    return [
        Fact(
            key=key,
            data=StockReserved(revision=revision, lines=tuple(told), reason=reason),
            source=SOURCE,
            source_id=f"{key}/{revision}",
            occurred_at=now,
        )
        for (key, revision), told in lines.items()
    ]
