"""What waits to be billed, how each partner does, what passes over each channel, and how an item's books differ: read models of the dashboard.

Reads only. Each goes by an index of what is open, late or last; none looks at every order. `only` narrows to the one partner whose rows may be seen, None to none.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.ports.stock import Stock
from crossdock.store.database import Database
from crossdock.store.queries import SQL

Row = dict[str, Any]

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
TRAFFIC_SEEN = 1000
"""So many of a channel's last messages are looked at: what passed is told up to that."""


class ToBill(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice that is owed and not sent. subject: its shipment. blocked_by: checkpoints, in words; none where it may go out, or was refused."""

    id: str
    key: str
    partner: str
    status: str
    due_at: datetime | None
    blocked_by: list[str]
    subject: str
    amount: Any
    opened_at: datetime
    purchase_order: str | None
    currency: str | None


class Traffic(msgspec.Struct, frozen=True):
    """What passed over a channel one way since some moment: messages, bytes; and when the last did. more: at least that many."""

    channel: str
    direction: str
    count: int
    size: int
    last_at: datetime | None
    more: bool


class Trading:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: str, *arguments: Any) -> list[Row]:
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]

    # --- billing ---

    async def to_bill_by_partner(self, now: datetime) -> list[Row]:
        """Invoices owed and not sent by customer: partner, count, amount, late, late_amount, ready, refused, since. Reads all that waits."""
        return await self._rows("to_bill_by_partner", now)

    async def to_bill_by_checkpoint(self) -> list[Row]:
        """The same by what they wait for and customer: checkpoint, partner, count, amount, since, alone, alone_amount. Reads all that waits."""
        return await self._rows("to_bill_by_checkpoint")

    async def to_bill(
        self,
        partner: str | None = None,
        checkpoint: str | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 50,
        only: str | None = None,
    ) -> list[ToBill]:
        """Invoices owed and not sent, the first due first; `after` as `place_of` gives it of the last row seen."""
        if only is not None and partner not in (None, only):
            return []
        due, id_ = after or (BEGINNING, "")
        customer = partner if only is None else only
        if customer is None:
            rows = await self._rows("to_bill", checkpoint, due, id_, limit)
        else:
            rows = await self._rows("to_bill_of_partner", customer, checkpoint, due, id_, limit)
        return [ToBill(**{name: row[name] for name in ToBill.__struct_fields__}) for row in rows]

    # --- partners ---

    async def late_by_party(self, parties: Sequence[str], now: datetime) -> dict[str, Row]:
        """What is late between us and each of these: by_them, unacknowledged (997s that they owe), by_us, since."""
        return {row["party"]: row for row in await self._rows("late_by_party", list(parties), now)}

    async def owed_by(self, party: str, kind: str | None = None, limit: int = 20) -> list[Row]:
        """What a party owes us, the first due first."""
        return await self._rows("owed_by_party", party, limit, kind)

    async def late_to(self, party: str, now: datetime, limit: int = 20) -> list[Row]:
        """What we owe a party and is late, the longest first."""
        return await self._rows("late_to_party", party, now, limit)

    async def orders_of(self, partner: str, limit: int = 10) -> list[Row]:
        """A partner's newest orders."""
        return await self._rows("last_orders_of_partner", partner, limit)

    async def messages_over(self, channel: str, limit: int = 15) -> list[Row]:
        """The last messages over a channel, newest first, without their bytes."""
        return await self._rows("messages_over_channel", channel, limit)

    # --- flows ---

    async def traffic(self, channels: Sequence[str], since: datetime) -> dict[tuple[str, str], Traffic]:
        """What passed over each channel since then, by (channel, direction)."""
        rows = await self._rows("traffic_of_channels", list(channels), since, TRAFFIC_SEEN)
        seen: dict[str, int] = {}
        for row in rows:
            seen[row["channel"]] = seen.get(row["channel"], 0) + row["count"]
        return {
            (row["channel"], row["direction"]): Traffic(**row, more=seen[row["channel"]] >= TRAFFIC_SEEN)
            for row in rows
        }

    # --- stock ---

    async def stock_of(self, items: Sequence[str], after: tuple[str, str] = ("", ""), limit: int = 100) -> list[Stock]:
        """Rows of stock of these items, by item and site, those behind `after` first."""
        return [Stock(**row) for row in await self._rows("stock_of_items", list(items), *after, limit)]

    async def variances_of(self, item: str) -> list[Row]:
        """Where our books of an item and what its warehouses say differ: the open ones, then those in flight or awaited."""
        return await self._rows("variances_of_item", item)


def place_of(invoice: ToBill) -> tuple[datetime, str]:
    """Where the page behind this invoice begins."""
    return invoice.due_at or datetime.max.replace(tzinfo=UTC), invoice.id
