"""The books of stock in PostgreSQL: the one door to what moves (`stock_moving`), is promised (`stock_reserving`), read (`stock_reading`) and proven (`stock_rebuilding`).

Functions work in the caller's transaction; `StockBooks` gives each call one of its own. Implements `ports.stock.Books`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from crossdock.ledger.demand import Demand, ExpectedReceipt, Promise
from crossdock.ledger.movement import Movement, Position
from crossdock.ledger.planning import FIRST_COME, Planning
from crossdock.ports.stock import AllowNegative, Explained, Gap, Moved, Pair, Stock, Supply, Unequal, never
from crossdock.store import stock_reading
from crossdock.store.database import Database
from crossdock.store.queries import SQL
from crossdock.store.stock_moving import lock, move
from crossdock.store.stock_rebuilding import unequal
from crossdock.store.stock_reserving import changed_for_offer, expect, expire, replan, reserve

__all__ = ["StockBooks", "changed_for_offer", "expect", "expire", "lock", "move", "replan", "reserve", "unequal"]


class StockBooks:
    """The books of stock of one database."""

    def __init__(self, database: Database, planning: Planning = FIRST_COME) -> None:
        self._database = database
        self.planning = planning

    async def record(
        self, movements: Sequence[Movement], now: datetime, allow_negative: AllowNegative = never
    ) -> Moved:
        """Movements into the books: see `move`."""
        async with self._database.transaction() as connection:
            return await move(connection, movements, now, allow_negative=allow_negative)

    async def reserve(self, demands: Sequence[Demand], now: datetime, whole: Collection[str] = ()) -> list[Promise]:
        """Stock set apart for lines: see `reserve`."""
        async with self._database.transaction() as connection:
            return await reserve(connection, demands, now, self.planning, whole=whole)

    async def expect(self, receipts: Sequence[ExpectedReceipt], now: datetime) -> None:
        """What is expected: see `expect`."""
        async with self._database.transaction() as connection:
            await expect(connection, receipts, now)

    async def supply(self, pairs: Sequence[Pair]) -> Supply:
        """All that promising of these (item, site) goes by, in one round trip."""
        async with self._database.pool.acquire() as connection:
            return await stock_reading.supply(connection, pairs)

    async def positions(
        self, pairs: Sequence[Pair] | None = None, as_of: datetime | None = None
    ) -> Mapping[Position, Decimal]:
        """What stands, or stood at `as_of`, in each place, lot, owner and entity."""
        async with self._database.pool.acquire() as connection:
            return await stock_reading.positions(connection, pairs, as_of)

    async def explain(
        self,
        item: str,
        site: str,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: tuple[datetime, str, str] | None = None,
    ) -> Explained:
        """What stands behind the figures of an item at a site, all of it as of one moment."""
        async with self._database.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            return await stock_reading.explain(connection, item, site, as_of, limit, cursor)

    async def listed(self, prefix: str = "", after: Pair = ("", ""), limit: int = 100) -> list[Stock]:
        """The stock page: rows by item and site, of items that begin with `prefix`, those behind `after`."""
        async with self._database.pool.acquire() as connection:
            return await stock_reading.listed(connection, prefix, after, limit)

    async def gaps(self, now: datetime, older_than_seconds: float = 0.0) -> list[Gap]:
        """Numbers of streams that have been missing for so long."""
        async with self._database.pool.acquire() as connection:
            return await stock_reading.gaps(connection, now, older_than_seconds)

    async def movements(self) -> int:
        """How many movements the books hold."""
        async with self._database.pool.acquire() as connection:
            found: int = await connection.fetchval(SQL["movements_kept"])
        return found

    async def rebuild(self) -> list[Unequal]:
        """What stands otherwise than its movements and reservations say; empty: the books are proven."""
        async with self._database.pool.acquire() as connection:
            return await unequal(connection)
