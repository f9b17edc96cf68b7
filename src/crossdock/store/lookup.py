"""What people ask: read models over the folds. Reads only; each answer is plain rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.facts import Fact, lane_of
from crossdock.ports.translation import Message
from crossdock.store.database import Database
from crossdock.store.inbox import message_of
from crossdock.store.log import digest_of, fact_of
from crossdock.store.queries import SQL

Row = dict[str, Any]


class Lookup:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: str, *arguments: Any) -> list[Row]:
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]

    def lane(self, key: str) -> int:
        """The lane of a key."""
        return lane_of(key, self._database.lanes)

    async def find(self, reference: str, limit: int = 20) -> list[Row]:
        """Processes that a reference leads to: value, kind, key. A key itself is found too."""
        found = await self._rows("find_names", reference, limit)
        if not any(row["key"] == reference for row in found) and await self.process(reference):
            found.insert(0, {"value": reference, "kind": "key", "key": reference, "lane": self.lane(reference)})
        return found

    async def process(self, key: str) -> Row | None:
        """One process with its summary decoded, or None."""
        rows = await self._rows("process", self.lane(key), key)
        if not rows:
            return None
        return {**rows[0], "summary": msgspec.json.decode(rows[0]["summary"])}

    async def facts(self, lane: int, positions: Sequence[int]) -> list[Fact]:
        """Facts by their place, in order."""
        async with self._database.pool.acquire() as connection:
            return [fact_of(row) for row in await connection.fetch(SQL["facts_at"], lane, positions)]

    async def facts_of(self, lane: int, keys: Sequence[str]) -> list[Fact]:
        """All facts of these processes of one lane, in order."""
        async with self._database.pool.acquire() as connection:
            return [fact_of(row) for row in await connection.fetch(SQL["facts_of_keys"], lane, keys)]

    async def facts_of_message(self, message: int) -> list[Fact]:
        """Facts read from a message."""
        async with self._database.pool.acquire() as connection:
            return [fact_of(row) for row in await connection.fetch(SQL["facts_of_message"], message)]

    async def latest_facts(self, limit: int = 20) -> list[Fact]:
        """What was recorded last, newest first."""
        async with self._database.pool.acquire() as connection:
            return [fact_of(row) for row in await connection.fetch(SQL["latest_facts"], limit)]

    async def recorded(self, facts: Sequence[Fact]) -> set[str]:
        """Which of these facts the log has, by id."""
        lanes = [self.lane(fact.key) for fact in facts]
        rows = await self._rows("known_digests", lanes, [digest_of(fact.source, fact.source_id) for fact in facts])
        return {facts[row["n"] - 1].id for row in rows}

    async def message(self, id_: int) -> Row | None:
        """One message, whole; its findings decoded."""
        rows = await self._rows("message", id_)
        if not rows:
            return None
        findings = msgspec.json.decode(rows[0]["findings"]) if rows[0]["findings"] else []
        return {**rows[0], "findings": findings, "attributes": msgspec.json.decode(rows[0]["attributes"])}

    async def received(self, id_: int) -> Message | None:
        """A message that came in, as a reader wants it; None where there is none."""
        rows = await self._rows("message", id_)
        return message_of(rows[0]) if rows and rows[0]["direction"] == "in" else None

    async def message_heads(self, ids: Sequence[int]) -> list[Row]:
        """Messages without their bytes."""
        return await self._rows("message_heads", ids)

    async def held_messages(self, limit: int = 100) -> list[Row]:
        """Messages that wait to be understood."""
        return await self._rows("held_messages", limit)

    async def obligations_of(self, key: str) -> list[Row]:
        """All obligations of a process."""
        return await self._rows("obligations_of", self.lane(key), key)

    async def obligation(self, id_: str) -> Row | None:
        """One obligation by its id. Its lane is its order's; ids begin with their key."""
        for key in _keys_in(id_):
            rows = await self._rows("obligation", self.lane(key), id_)
            if rows:
                return rows[0]
        return None

    async def owed(
        self,
        to: str | None = None,
        by: str | None = None,
        kind: str | None = None,
        due_before: datetime | None = None,
        status: str | None = None,
        limit: int = 100,
    ) -> list[Row]:
        """Open obligations, the earliest due first."""
        return await self._rows("owed", to, by, kind, due_before, status, limit)

    async def owed_counts(self, now: datetime) -> list[Row]:
        """Open obligations by kind, debtor and status."""
        return await self._rows("owed_counts", now)

    async def exceptions(self, cause: str | None = None, key: str | None = None, limit: int = 100) -> list[Row]:
        """Exceptions that stand open."""
        return await self._rows("open_exceptions_list", cause, key, limit)

    async def exceptions_of(self, key: str) -> list[Row]:
        """All exceptions of a process, with each time they were open."""
        rows = await self._rows("exceptions_of", self.lane(key), key)
        return [{**row, "intervals": msgspec.json.decode(row["intervals"]) if row["intervals"] else []} for row in rows]

    async def exception_counts(self) -> list[Row]:
        """Exceptions by cause."""
        return await self._rows("exception_counts")

    async def deliveries(
        self, system: str | None = None, status: str | None = None, key: str | None = None, limit: int = 100
    ) -> list[Row]:
        """Deliveries, newest first."""
        return await self._rows("deliveries_list", system, status, key, limit)

    async def deliveries_of(self, key: str, ids: Sequence[str]) -> list[Row]:
        """Deliveries by id, of one process."""
        return await self._rows("deliveries_of", self.lane(key), ids)

    async def delivery_contents(self, key: str) -> list[Row]:
        """Deliveries of one process with their content."""
        return await self._rows("delivery_contents", self.lane(key), key)

    async def attempts_of(self, key: str, ids: Sequence[str]) -> list[Row]:
        """Every attempt at these deliveries of one process."""
        return await self._rows("attempts_of", self.lane(key), ids)

    async def counts(self, now: datetime) -> dict[str, Any]:
        """Where everything stands, in figures."""
        return {
            "facts": (await self._rows("count_facts"))[0],
            "messages": await self._rows("message_counts"),
            "processes": await self._rows("milestones"),
            "obligations": {row["status"]: row["count"] for row in await self._rows("obligation_counts")},
            "owed": await self._rows("owed_counts", now),
            "exceptions": await self._rows("exception_counts"),
            "deliveries": await self._rows("delivery_counts"),
            "systems": await self._rows("healths"),
        }

    async def attempt_counts(self) -> list[Row]:
        """Attempts by kind (send, look-up) and outcome."""
        return await self._rows("attempt_counts")

    async def recent(self, process: str, limit: int = 20) -> list[Row]:
        """Processes of a kind that changed last, with their summaries."""
        rows = await self._rows("recent_processes", process, limit)
        return [{**row, "summary": msgspec.json.decode(row["summary"])} for row in rows]

    async def summaries(self, process: str) -> list[Row]:
        """Every process of a kind, with its summary."""
        return [
            {**row, "summary": msgspec.json.decode(row["summary"])} for row in await self._rows("summaries", process)
        ]

    async def keys_in_trouble(self, causes: Sequence[str]) -> list[tuple[int, str]]:
        """Processes with an open exception of one of these causes."""
        return [(row["lane"], row["key"]) for row in await self._rows("keys_in_trouble", list(causes))]


def _keys_in(obligation: str) -> list[str]:
    """The keys that an obligation's id may begin with, the shortest first: ids are `{key}/{kind}...`, and a key may hold a slash."""
    parts = obligation.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
