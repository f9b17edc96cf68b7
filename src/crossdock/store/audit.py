"""One lane at one moment, for comparing it with its log: the cursor is locked, so nothing folds in between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from crossdock.facts import Fact
from crossdock.flow.rebuild import Standing
from crossdock.store.database import Database
from crossdock.store.log import fact_of
from crossdock.store.queries import SQL

PAGE_FACTS = 2000


class LaneAudit:
    """A lane held still. `pages()` is its log as far as it has been folded; `standing()` is what was made of it."""

    def __init__(self, connection: Any, lane: int, position: int) -> None:
        self._connection = connection
        self._lane = lane
        self.position = position

    async def pages(self) -> AsyncIterator[Sequence[Fact]]:
        """The facts in order."""
        after = 0
        while True:
            rows = await self._connection.fetch(SQL["facts_page"], self._lane, after, self.position, PAGE_FACTS)
            if not rows:
                return
            after = rows[-1]["position"]
            yield [fact_of(row) for row in rows]

    async def standing(self) -> Standing:
        """All that the fold has written of this lane."""

        async def by(query: str, name: str) -> dict[str, Any]:
            return {row[name]: row for row in await self._connection.fetch(SQL[query], self._lane)}

        return Standing(
            processes=await by("processes_of_lane", "key"),
            obligations=await by("obligations_of_lane", "id"),
            exceptions=await by("exceptions_of_lane", "id"),
            deliveries=await by("deliveries_of_lane", "id"),
        )


@asynccontextmanager
async def audit(database: Database, lane: int) -> AsyncIterator[LaneAudit]:
    """Holds a lane still for as long as the block lasts."""
    async with database.transaction() as connection:
        position = await connection.fetchval(SQL["cursor_of_lane"], lane)
        yield LaneAudit(connection, lane, position)
