"""What messages tell of stock, written in the transaction that marks them as read: movements, snapshots, expected receipts, and what was refused.

The rows of stock are locked first, all of them, in the one order; lanes come after. Everything is idempotent: a message that is read again changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.movement import Kind
from crossdock.ports.stock import AllowNegative, never
from crossdock.ports.translation import Reading
from crossdock.store.queries import SQL
from crossdock.store.reconcile import keep_snapshot
from crossdock.store.stock_moving import lock, move

RECEIPTS = "receipt"
"""The source of expected receipts that the process of a receipt follows; the source's id is the receipt's number."""

_encode = msgspec.json.Encoder().encode


class Terms(msgspec.Struct, frozen=True):
    """allow_negative: whether a movement may leave less than nothing. grace: how long after its own moment a snapshot is held against the books, when movements
    under way have come in; None: not by itself."""

    allow_negative: AllowNegative = never
    grace: timedelta | None = None


AS_USUAL = Terms()


async def keep_stock(connection: Any, readings: Sequence[Reading], now: datetime, terms: Terms) -> None:
    """Writes what these readings tell of stock, within the caller's transaction."""
    movements = [m for reading in readings for m in reading.movements]
    expected = [each for reading in readings for each in reading.expected]
    pairs = {(m.item, site) for m in movements for site in (m.site, m.to_site or m.site)}
    pairs |= {(each.item, each.site) for each in expected if each.line}
    pairs |= await _called_off(connection, expected)
    if pairs:
        await lock(connection, pairs, now)
    if movements:
        await move(connection, movements, now, allow_negative=terms.allow_negative)
    await _expect(connection, expected)
    numbers = {m.reference for m in movements if m.kind is Kind.RECEIPT} | {each.source_id for each in expected}
    if numbers:
        await connection.execute(SQL["count_received"], sorted(numbers), RECEIPTS)
    if expected:
        changed = sorted(
            {(each.item, each.site) for each in expected if each.line} | await _called_off(connection, expected)
        )
        await connection.execute(SQL["note_expected"], [i for i, _ in changed], [s for _, s in changed])
    refused = [each for reading in readings for each in reading.refused]
    if refused:
        await connection.execute(
            SQL["keep_not_owned"],
            [m.source for m, _ in refused],
            [m.source_id for m, _ in refused],
            [rule for _, rule in refused],
            [_encode(m) for m, _ in refused],
            [m.item for m, _ in refused],
            now,
        )
    for reading in readings:
        for snapshot in reading.snapshots:
            due_at = snapshot.as_of + terms.grace if terms.grace is not None else None
            await keep_snapshot(connection, snapshot, due_at, now)


async def _called_off(connection: Any, expected: Sequence[ExpectedReceipt]) -> set[tuple[str, str]]:
    """Where the receipts were to come that are called off as a whole (a line without a name)."""
    off = [each for each in expected if not each.line]
    if not off:
        return set()
    rows = await connection.fetch(SQL["pairs_of_receipts"], [e.source for e in off], [e.source_id for e in off])
    return {(item, site) for item, site in rows}


async def _expect(connection: Any, expected: Sequence[ExpectedReceipt]) -> None:
    """The rows of expected receipts; of a line that is told twice the last telling counts."""
    lines = {(each.source, each.source_id, each.line): each for each in expected if each.line}
    told = list(lines.values())
    if told:
        await connection.execute(
            SQL["expect_receipts"],
            [e.source for e in told],
            [e.source_id for e in told],
            [e.line for e in told],
            [e.kind for e in told],
            [e.item for e in told],
            [e.site for e in told],
            [e.quantity for e in told],
            [e.due_on for e in told],
            [e.closed for e in told],
        )
    off = [each for each in expected if not each.line]
    if off:
        await connection.execute(SQL["close_receipts"], [e.source for e in off], [e.source_id for e in off])
