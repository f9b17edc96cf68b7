"""Orders as those see them who may: every read takes `only`, None for everybody's rows or the one partner whose rows are seen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from crossdock.facts import lane_of
from crossdock.store.database import Database
from crossdock.store.log import digest_of
from crossdock.store.queries import SQL

Row = dict[str, Any]

_LAST = "\U0010ffff"
_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class Orders:
    """The orders of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, key: str, only: str | None) -> Any:
        """A row of key, milestone, summary as JSON text, created_at and updated_at; None when there is none to see."""
        async with self._database.pool.acquire() as connection:
            return await connection.fetchrow(SQL["order_of"], lane_of(key, self._database.lanes), key, only)

    async def page(
        self,
        customer: str | None,
        milestone: str | None,
        purchase_order: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[Any]:
        """Orders of a customer, None: of all, the newest first, those behind `after` (created_at, key). Rows as `order` gives."""
        at = after or (_EVER, _LAST)
        async with self._database.pool.acquire() as connection:
            if customer is not None:
                return await connection.fetch(SQL["orders_of_partner"], customer, *at, milestone, purchase_order, limit)
            return await connection.fetch(SQL["orders_of_all"], *at, milestone, purchase_order, limit)

    async def named(self, kind: str, value: str, only: str | None) -> list[str]:
        """Keys of the orders that a reference (a shipment, an invoice) belongs to."""
        async with self._database.pool.acquire() as connection:
            return [row["key"] for row in await connection.fetch(SQL["orders_by_name"], value, kind, only)]

    async def so_far(self, submitted: Sequence[tuple[str, str, str]]) -> list[Row]:
        """How far submissions (channel, source's id, key of the process or "") have come: n (from 0), id, status, note, position, folded. Those that
        are not kept yet are left out."""
        lanes = [lane_of(key, self._database.lanes) for _, _, key in submitted]
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(
                SQL["submissions_so_far"],
                [channel for channel, _, _ in submitted],
                [source_id for _, source_id, _ in submitted],
                lanes,
                [digest_of(channel, source_id) for channel, source_id, _ in submitted],
            )
        return [{**row, "n": row["n"] - 1} for row in rows]
