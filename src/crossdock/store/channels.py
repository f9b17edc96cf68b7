"""Channels in the database: what each was told, what has changed since, and the systems that tell stock. Implements `ports.channels.Feeds`.

A publisher holds a channel's row, and writes what was told in the transaction that records the offer: after a crash either both stand or neither. These commits are
repeatable work; what leaves the house is flushed by its dispatch.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from crossdock.facts import Fact, lane_of
from crossdock.facts.feed import OfferedLine
from crossdock.ports.channels import ChannelRow, Figure, Pair
from crossdock.store.database import Database
from crossdock.store.log import append
from crossdock.store.queries import SQL

EVERYTHING = 2**31 - 1


async def _heard(connection: Any, systems: Sequence[str]) -> dict[str, datetime | None]:
    rows = await connection.fetch(SQL["sources_heard"], list(systems))
    return {row["system"]: row["heard_at"] for row in rows}


async def _figures(connection: Any, channel: str, pairs: Sequence[Pair]) -> list[Figure]:
    items, sites = [item for item, _ in pairs], [site for _, site in pairs]
    rows = await connection.fetch(SQL["figures_of_channel"], items, sites, channel)
    return [
        Figure(
            row["item"],
            row["site"],
            row["available"],
            tuple(zip(row["dues"], row["quantities"], strict=True)),
            row["lacking"],
            row["told"],
            row["next_on"],
            row["next_quantity"],
        )
        for row in rows
    ]


class HeldChannel:
    """Implements `ports.channels.Held`."""

    def __init__(self, database: Database, connection: Any, channel: str, row: Any) -> None:
        self._database, self._connection, self._channel = database, connection, channel
        self.row = ChannelRow(
            sequence=row["sequence"],
            open=tuple(row["open"]),
            offered_at=row["offered_at"],
            full_at=row["full_at"],
            slot=row["slot"],
            terms=row["terms"],
        )

    async def standing(self) -> Mapping[str, tuple[str, str]]:
        keys = list(self.row.open)
        lanes = [lane_of(key, self._database.lanes) for key in keys]
        rows = await self._connection.fetch(SQL["offers_standing"], lanes, keys)
        return {row["key"]: (row["obligation"], row["delivery"]) for row in rows}

    async def in_trouble(self) -> Mapping[str, str]:
        rows = await self._connection.fetch(SQL["offers_in_trouble"], self._channel)
        return {row["key"]: row["cause"] for row in rows}

    async def waiting_since(self) -> datetime | None:
        since: datetime | None = await self._connection.fetchval(SQL["oldest_mark"], self._channel)
        return since

    async def take(self, limit: int | None) -> Sequence[Pair]:
        rows = await self._connection.fetch(SQL["take_marks"], self._channel, EVERYTHING if limit is None else limit)
        return sorted({(row["item"], row["site"]) for row in rows})

    async def everything(self, sites: Sequence[str], items: Sequence[str] | None) -> Sequence[Pair]:
        rows = await self._connection.fetch(
            SQL["pairs_of_channel"], list(sites), None if items is None else list(items)
        )
        return [(row["item"], row["site"]) for row in rows]

    async def figures(self, pairs: Sequence[Pair]) -> Sequence[Figure]:
        return await _figures(self._connection, self._channel, pairs)

    async def heard(self, systems: Sequence[str]) -> Mapping[str, datetime | None]:
        return await _heard(self._connection, systems)

    async def tell(self, lines: Sequence[OfferedLine], sequence: int, facts: Sequence[Fact], now: datetime) -> None:
        await self._connection.execute(
            SQL["save_told"],
            self._channel,
            [line.item for line in lines],
            [line.site for line in lines],
            [line.quantity for line in lines],
            [line.next_on for line in lines],
            [line.next_quantity for line in lines],
            sequence,
            now,
        )
        await append(self._connection, facts, self._database.lanes, now)

    async def finish(
        self, sequence: int, open: Sequence[str], now: datetime, full: tuple[int, datetime | None, str] | None
    ) -> None:
        if full is not None:
            await self._connection.execute(SQL["forget_told"], self._channel, full[0])
        _, slot, terms = full or (0, None, "")
        await self._connection.execute(
            SQL["save_channel"], self._channel, sequence, list(open), now, full is not None, slot, terms
        )


class HeldSources:
    """Implements `ports.channels.Listening`."""

    def __init__(self, database: Database, connection: Any, rows: Sequence[Any], states: Sequence[Any]) -> None:
        self._database, self._connection = database, connection
        self.sources = {row["system"]: (row["heard_at"], row["silent"], row["terms"]) for row in rows}
        self.states = {(row["channel"], row["system"]): row["state"] for row in states}

    async def heard(self, systems: Sequence[str]) -> Mapping[str, datetime | None]:
        return await _heard(self._connection, systems)

    async def save(
        self, system: str, heard_at: datetime | None, silent: bool, terms: str, facts: Sequence[Fact], now: datetime
    ) -> None:
        await self._connection.execute(SQL["save_source"], system, heard_at, silent, terms)
        await append(self._connection, facts, self._database.lanes, now)

    async def change(self, channel: str, system: str, state: str, sites: Sequence[str], now: datetime) -> None:
        await self._connection.execute(SQL["save_source_state"], channel, system, state, now)
        await self._connection.execute(SQL["mark_sites"], channel, list(sites), now)


class ChannelFeeds:
    """Implements `ports.channels.Feeds`, and answers for the command line."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spread(self, sites: Mapping[str, Sequence[str]], limit: int, now: datetime) -> int:
        async with self._database.repeatable() as connection:
            rows = await connection.fetch(SQL["take_to_offer"], limit)
            marks = [(channel, row["item"], row["site"]) for row in rows for channel in sites.get(row["site"], ())]
            if marks:
                marks.sort()
                await connection.execute(
                    SQL["mark_channels"], *(list(column) for column in zip(*marks, strict=True)), now
                )
            return len(rows)

    @asynccontextmanager
    async def holding(self, channel: str) -> AsyncIterator[HeldChannel | None]:
        """The channel, or None where another publisher has it."""
        async with self._database.repeatable() as connection:
            row = await connection.fetchrow(SQL["hold_channel"], channel)
            if row is None:
                await connection.execute(SQL["add_channels"], [channel])
                row = await connection.fetchrow(SQL["hold_channel"], channel)
            yield HeldChannel(self._database, connection, channel, row) if row is not None else None

    @asynccontextmanager
    async def listening(self, systems: Sequence[str]) -> AsyncIterator[HeldSources]:
        async with self._database.repeatable() as connection:
            await connection.execute(SQL["add_sources"], list(systems))
            rows = await connection.fetch(SQL["hold_sources"], list(systems))
            states = await connection.fetch(SQL["source_states"])
            yield HeldSources(self._database, connection, rows, states)

    # --- for people ---

    async def figures(self, channel: str, pairs: Sequence[Pair]) -> Sequence[Figure]:
        """What these items at sites can be offered from now, and what the channel was told."""
        async with self._database.pool.acquire() as connection:
            return await _figures(connection, channel, pairs)

    async def pairs(self, sites: Sequence[str], items: Sequence[str] | None) -> list[Pair]:
        """Items at sites that have stock, in order."""
        rows = await self._rows("pairs_of_channel", list(sites), None if items is None else list(items))
        return [(row["item"], row["site"]) for row in rows]

    async def heard(self, systems: Sequence[str]) -> Mapping[str, datetime | None]:
        """When each of these systems last told us of stock."""
        async with self._database.pool.acquire() as connection:
            return await _heard(connection, systems)

    async def now(self) -> list[dict[str, Any]]:
        """How each channel stands."""
        return await self._rows("channels_now")

    async def states(self) -> list[dict[str, Any]]:
        """What each channel does about each source."""
        return await self._rows("source_states")

    async def sources(self) -> list[dict[str, Any]]:
        """The sources as their facts say."""
        return await self._rows("sources_now")

    async def standing(self, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
        """How offers stand: the obligation's status and the delivery's."""
        lanes = [lane_of(key, self._database.lanes) for key in keys]
        rows = await self._rows("offers_standing", lanes, list(keys))
        return {row["key"]: (row["obligation"], row["delivery"]) for row in rows}

    async def told(self, channel: str, item: str | None, limit: int) -> list[dict[str, Any]]:
        """What a channel was last told."""
        return await self._rows("told_of_channel", channel, item, limit)

    async def want_full(self, channel: str) -> bool:
        """Has everything told to a channel anew; False where it was never told anything."""
        async with self._database.transaction() as connection:
            return await connection.fetchval(SQL["want_full"], channel) is not None

    async def _rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]
