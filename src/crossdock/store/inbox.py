"""Messages as they came: kept first, read later. Implements `ports.log.Inbox`."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from crossdock.crosswalk.plain import plain
from crossdock.facts import Fact
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Marked, Met
from crossdock.ports.translation import Control, Identity, Message, Pending, Reading
from crossdock.store.database import Database
from crossdock.store.log import append, save_names
from crossdock.store.queries import SQL
from crossdock.store.stock_told import AS_USUAL, Terms, keep_stock


def message_of(row: Any) -> Message:
    """A row of `messages` as a reader wants it."""
    return Message(
        id=row["id"],
        channel=row["channel"],
        source_id=row["source_id"],
        data=row["data"],
        name=row["name"],
        content_type=row["content_type"],
        received_at=row["received_at"],
        attributes=msgspec.json.decode(row["attributes"]),
    )


async def _find(connection: Any, controls: Sequence[Control]) -> list[list[tuple[str, str, str]]]:
    found: list[list[tuple[str, str, str]]] = [[] for _ in controls]
    if controls:
        rows = await connection.fetch(
            SQL["obligations_by_control"],
            [c.channel for c in controls],
            [c.interchange for c in controls],
            [c.functional_id for c in controls],
            [c.group for c in controls],
            [c.transaction for c in controls],
        )
        for n, key, obligation, transaction in rows:
            found[n - 1].append((key, obligation, transaction))
    return found


class ClaimedMessages:
    """Messages held for reading. Implements `ports.log.Sheaf`."""

    def __init__(
        self,
        database: Database,
        connection: Any,
        messages: Sequence[Message],
        stock: Terms = AS_USUAL,
    ) -> None:
        self._database = database
        self._connection = connection
        self.messages = messages
        self._stock = stock

    async def earlier_bytes(self) -> Mapping[int, int]:
        """For each message whose very bytes came before on its channel, the first that brought them."""
        rows = await self._connection.fetch(SQL["earlier_bytes"], [m.id for m in self.messages])
        return {row["id"]: row["earlier"] for row in rows if row["earlier"] is not None}

    async def held_before(self) -> Mapping[int, Sequence[str]]:
        """The keys under which these messages were held when they were read before."""
        found: dict[int, list[str]] = {}
        for row in await self._connection.fetch(SQL["held_before"], [m.id for m in self.messages]):
            found.setdefault(row["id"], []).append(row["key"])
        return found

    async def find(self, controls: Sequence[Control]) -> Sequence[Sequence[tuple[str, str, str]]]:
        return await _find(self._connection, controls)

    async def meet(self, identities: Sequence[tuple[int, Identity]]) -> Sequence[Met]:
        if not identities:
            return []
        rows = await self._connection.fetch(
            SQL["meet_identities"],
            [identity.kind for _, identity in identities],
            [identity.value for _, identity in identities],
            [message for message, _ in identities],
        )
        return [Met(row["kind"], row["value"], row["message"], row["earlier"]) for row in rows]

    async def keep(self, facts: Sequence[Fact], names: Sequence[tuple[str, str, str]], now: datetime) -> int:
        async with self._database.transaction() as connection:
            await save_names(connection, names, self._database.lanes)
            return await append(connection, facts, self._database.lanes, now)

    async def keep_stock(self, readings: Sequence[Reading], now: datetime, *, apart: bool = False) -> None:
        if not apart:
            await keep_stock(self._connection, readings, now, self._stock)
            return
        async with self._database.transaction() as connection:
            await keep_stock(connection, readings, now, self._stock)

    async def finish(
        self,
        facts: Sequence[Fact],
        names: Sequence[tuple[str, str, str]],
        unmatched: Sequence[tuple[int, Pending]],
        marks: Sequence[Marked],
        now: datetime,
    ) -> int:
        connection = self._connection
        await save_names(connection, names, self._database.lanes)
        if unmatched:
            await connection.execute(
                SQL["keep_unmatched"],
                [message for message, _ in unmatched],
                [pending.source_id for _, pending in unmatched],
                [msgspec.msgpack.encode(pending) for _, pending in unmatched],
                now,
            )
        if marks:
            await connection.execute(
                SQL["mark_read"],
                [mark.message for mark in marks],
                ["held" if mark.held else "read" for mark in marks],
                [mark.findings for mark in marks],
                [plain(mark.note or mark.held) for mark in marks],
            )
        return await append(connection, facts, self._database.lanes, now)


class UnmatchedAcknowledgements:
    """Implements `ports.log.Unmatched`."""

    def __init__(self, database: Database, connection: Any, pending: Sequence[tuple[int, Pending]]) -> None:
        self._database = database
        self._connection = connection
        self.pending = pending

    async def find(self, controls: Sequence[Control]) -> Sequence[Sequence[tuple[str, str, str]]]:
        return await _find(self._connection, controls)

    async def settle(self, facts: Sequence[Fact], found: Sequence[tuple[int, str]], now: datetime) -> int:
        await self._connection.execute(SQL["drop_unmatched"], [m for m, _ in found], [s for _, s in found])
        return await append(self._connection, facts, self._database.lanes, now)


class MessageInbox:
    """Implements `ports.log.Inbox`. stock: how what messages tell of stock is written."""

    def __init__(self, database: Database, stock: Terms = AS_USUAL) -> None:
        self._database = database
        self._stock = stock

    async def keep(self, arrivals: Sequence[Arrival], now: datetime) -> int:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                SQL["keep_messages"],
                [a.channel for a in arrivals],
                [a.source_id for a in arrivals],
                [hashlib.sha256(a.data).digest() for a in arrivals],
                [a.data for a in arrivals],
                [a.name for a in arrivals],
                [a.content_type for a in arrivals],
                [msgspec.json.encode(a.attributes).decode() for a in arrivals],
                [a.received_at or now for a in arrivals],
            )
            return len(rows)

    async def read_again(self, ids: Sequence[int] | None) -> int:
        """Puts held messages back to be read, these or all; returns how many."""
        async with self._database.transaction() as connection:
            count: int = await connection.fetchval(SQL["read_again"], ids)
            return count

    @asynccontextmanager
    async def reading(self, limit: int) -> AsyncIterator[ClaimedMessages]:
        async with self._database.repeatable() as connection:
            rows = await connection.fetch(SQL["claim_messages"], limit)
            messages = [message_of(row) for row in rows]
            yield ClaimedMessages(self._database, connection, messages, self._stock)

    @asynccontextmanager
    async def unmatched(self, limit: int) -> AsyncIterator[UnmatchedAcknowledgements]:
        async with self._database.repeatable() as connection:
            rows = await connection.fetch(SQL["take_unmatched"], limit)
            pending = [(row["message"], msgspec.msgpack.decode(row["body"], type=Pending)) for row in rows]
            yield UnmatchedAcknowledgements(self._database, connection, pending)
