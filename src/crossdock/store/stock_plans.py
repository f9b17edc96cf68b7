"""Promises that change without their orders: stock came or went, or a soft reservation ran out. Implements `ports.stock.Plans`."""

from datetime import datetime

from crossdock.ledger.planning import FIRST_COME, Planning
from crossdock.store.database import Database
from crossdock.store.log import append
from crossdock.store.stock_of_orders import promised
from crossdock.store.stock_reserving import expire, replan


class StockPlans:
    """The new promises are facts in the logs of their orders, written in the transaction that plans them."""

    def __init__(self, database: Database, planning: Planning = FIRST_COME) -> None:
        self._database = database
        self._planning = planning

    async def replan(self, limit: int, now: datetime) -> int:
        """Plans anew for up to `limit` items at sites that have changed; returns how many orders were told."""
        async with self._database.transaction() as connection:
            promises = await replan(connection, limit, now, self._planning)
            return await append(connection, promised(promises, now, "stock changed"), self._database.lanes, now)

    async def expire(self, now: datetime) -> int:
        """Gives back what was reserved for too long without being released; returns how many orders were told."""
        async with self._database.transaction() as connection:
            promises = await expire(connection, now, planning=self._planning)
            return await append(
                connection, promised(promises, now, "the reservation expired"), self._database.lanes, now
            )
