"""Proof of the books: balances computed anew from the movements, what is reserved anew from the reservations, and compared with what stands. Changes nothing."""

from typing import Any

from crossdock.ports.stock import Unequal
from crossdock.store.queries import SQL


async def unequal(connection: Any, limit: int = 1000) -> list[Unequal]:
    """Every figure, at most `limit` of each kind, that stands otherwise than its movements or reservations say; empty: the books are proven. Each kind is compared
    as of one moment, so others may go on moving stock meanwhile."""
    found = [
        Unequal("balance", item, site, f"{place} {part}".strip(), folded, stands)
        for item, site, place, part, folded, stands in await connection.fetch(SQL["positions_unequal"], limit)
    ]
    found += [
        Unequal("stock", item, site, place, folded, stands)
        for item, site, place, folded, stands in await connection.fetch(SQL["sums_unequal"], limit)
    ]
    found += [
        Unequal("reserved", item, site, "reserved", folded, stands)
        for item, site, folded, stands in await connection.fetch(SQL["reserved_unequal"], limit)
    ]
    found += [
        Unequal("demand", item, "", f"{key} line {line}", folded, stands)
        for key, line, item, folded, stands in await connection.fetch(SQL["demands_unequal"], limit)
    ]
    return found
