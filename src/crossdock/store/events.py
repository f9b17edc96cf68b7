"""The feed of events in the database: announced under one lock, read from any place. Implements `ports.events.Announcements`.

Announcing is committed durably before a reader can see it: what somebody has read is never announced in another order after a crash.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from crossdock.events import Event, Kept
from crossdock.facts import Fact
from crossdock.ports.events import Available, GivenUp, Interval, Stands
from crossdock.store.database import Database
from crossdock.store.log import fact_of
from crossdock.store.queries import SQL

SWEPT_AT_ONCE = 2_000
"""Events of one transaction of sweeping."""

WINDOW = 20_000
"""So many of the feed are looked through for one page: types that are seldom are asked for again from there."""


class Swept(LookupError):
    """What was asked for has been swept. cursor: the first that still stands. since: what was announced later than that is kept."""

    def __init__(self, cursor: int, since: datetime) -> None:
        super().__init__(
            f"events up to {cursor}, announced until {since:%Y-%m-%d %H:%M:%S} UTC, are no longer kept; "
            f"the first cursor that still stands is {cursor}"
        )
        self.cursor, self.since = cursor, since


def must_stand(kept: Any, sequence: int | None = None, at: datetime | None = None) -> None:
    """Raises Swept where `kept`, the row of `feed_kept`, has nothing any more of what comes behind `sequence`, or of what was announced at `at`."""
    behind = sequence is not None and sequence < kept["first"] - 1
    before = at is not None and kept["since"] is not None and at <= kept["since"]
    if behind or before:
        raise Swept(kept["first"] - 1, kept["since"])


def kept_of(row: Any) -> Kept:
    """A row of `events`."""
    told = Event(row["id"], row["type"], row["key"], row["time"], row["partner"], row["data"])
    return Kept(row["sequence"], told, row["announced_at"])


class HeldAnnouncer:
    """Implements `ports.events.Announcing`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._swept: set[tuple[int, int]] = set()

    async def facts(self, per_lane: int) -> list[Fact]:
        rows = await self._connection.fetch(SQL["facts_to_announce"], per_lane)
        self._swept = {(row["lane"], row["position"]) for row in rows if row["swept"]}
        return [fact_of(row[:-1]) for row in rows]

    def swept(self, fact: Fact) -> bool:
        return (fact.lane, fact.position) in self._swept

    async def standings(self, keys: Mapping[str, tuple[int, int]]) -> dict[str, Stands]:
        lanes, firsts = [lane for lane, _ in keys.values()], [first for _, first in keys.values()]
        rows = await self._connection.fetch(SQL["standings_to_announce"], lanes, list(keys), firsts)
        return {row["key"]: Stands(*row) for row in rows}

    async def histories(self, upto: Mapping[str, tuple[int, int]]) -> dict[str, list[Fact]]:
        lanes, positions = [lane for lane, _ in upto.values()], [position for _, position in upto.values()]
        found: dict[str, list[Fact]] = {key: [] for key in upto}
        for row in await self._connection.fetch(SQL["histories_to_announce"], lanes, list(upto), positions):
            found[row["key"]].append(fact_of(row))
        return found

    async def exceptions(self, limit: int) -> list[Interval]:
        return [
            Interval(
                row["lane"],
                row["id"],
                row["key"],
                row["category"],
                row["cause"],
                row["detail"],
                row["action"],
                row["amount"],
                row["opened_at"],
                row["closed_at"],
                row["told"] == 0,
            )
            for row in await self._connection.fetch(SQL["exceptions_to_announce"], limit)
        ]

    async def stock(self, limit: int) -> list[Available]:
        return [Available(*row) for row in await self._connection.fetch(SQL["stock_to_announce"], limit)]

    async def given_up(self) -> list[GivenUp]:
        return [GivenUp(*row) for row in await self._connection.fetch(SQL["disabled_to_announce"])]

    async def save(
        self,
        events: Sequence[Event],
        now: datetime,
        told: Mapping[str, tuple[int, bytes]] | None = None,
        heads: Mapping[int, int] | None = None,
        exceptions: Sequence[Interval] = (),
        stock: Sequence[Available] = (),
        given_up: Sequence[GivenUp] = (),
    ) -> int:
        connection, new = self._connection, 0
        if events:
            once = {(e.key, e.id): (e.id, e.type, e.key, e.partner, e.time, e.data) for e in events}
            status: str = await connection.execute(SQL["announce"], list(once.values()), now)
            new = int(status.rsplit(" ", 1)[1])
        if told:
            lanes, data = [lane for lane, _ in told.values()], [data for _, data in told.values()]
            await connection.execute(SQL["save_announced"], lanes, list(told), data)
        if heads:
            await connection.execute(SQL["move_event_cursors"], list(heads), list(heads.values()))
        if exceptions:
            await connection.execute(
                SQL["exceptions_announced"],
                [x.lane for x in exceptions],
                [x.id for x in exceptions],
                [x.opened_at for x in exceptions],
                [x.closed_at is not None for x in exceptions],
            )
        if stock:
            await connection.execute(
                SQL["stock_was_announced"],
                [s.item for s in stock],
                [s.site for s in stock],
                [s.available for s in stock],
                [s.times for s in stock],
            )
        if given_up:
            await connection.execute(SQL["disabled_announced"], [g.id for g in given_up])
        return new


class EventFeed:
    """Implements `ports.events.Announcements`, and reads the feed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ready = False

    @asynccontextmanager
    async def announcing(self) -> AsyncIterator[HeldAnnouncer | None]:
        """The announcer's lock to the end of the block; None where another holds it."""
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["claim_announcer"]) is None:
                yield None
                return
            if not self._ready:
                await connection.execute(SQL["add_event_cursors"])
                self._ready = True
            yield HeldAnnouncer(connection)

    async def rewind(self) -> None:
        """Has every fact announced anew. What the feed has keeps its place and is not told twice; what it lacks (a new type of event, say) is appended, unless the fact is
        as old as what was swept."""
        async with self._database.transaction() as connection:
            await connection.fetchval(SQL["event_head"] + " FOR UPDATE")
            await connection.execute(SQL["rewind_events"])
            await connection.execute(SQL["forget_announced"])

    async def head(self) -> int:
        """The last sequence in the feed."""
        async with self._database.pool.acquire() as connection:
            head: int = await connection.fetchval(SQL["event_head"])
            return head

    async def before(self, at: datetime) -> int:
        """The sequence from behind which the feed tells what was announced at `at` and later. Raises Swept."""
        async with self._database.pool.acquire() as connection:
            sequence: int = await connection.fetchval(SQL["sequence_before"], at)
            must_stand(await connection.fetchrow(SQL["feed_kept"]), at=at)
            return sequence

    async def stands(self, sequence: int) -> None:
        """Raises Swept where what is behind `sequence` is not all kept any more."""
        async with self._database.pool.acquire() as connection:
            must_stand(await connection.fetchrow(SQL["feed_kept"]), sequence)

    async def sweep(self, before: datetime, at_once: int = SWEPT_AT_ONCE) -> int:
        """Forgets the oldest events, at most `at_once` of those announced before `before`, with what was sent of them; returns how many. One that is still to be sent to a
        webhook stays, and with it all that follow; one sweeps at a time."""
        async with self._database.transaction() as connection:
            kept = await connection.fetchrow(SQL["claim_feed_kept"])
            if kept is None:
                return 0
            first: int = kept["first"]
            upto: int = await connection.fetchval(SQL["sweepable_events"], before, first + at_once - 1)
            if upto >= first:
                await connection.execute(SQL["sweep_events"], first, upto, before)
            return max(0, upto - first + 1)

    async def after(
        self,
        sequence: int | None,
        limit: int,
        types: Sequence[str] | None = None,
        key: str | None = None,
        only: str | None = None,
    ) -> tuple[list[Kept], int, bool]:
        """Events behind `sequence`, at most `limit`; up to where the feed has been read with that; and whether there is more of it. Raises Swept.

        sequence: None for all that are kept. types: as events keep them, None for all. only: the one partner whose events are told.
        """
        wanted = None if types is None else list(types)
        async with self._database.pool.acquire() as connection:
            head: int = await connection.fetchval(SQL["event_head"])
            upto, asked = head, sequence
            if sequence is None:
                first: int = await connection.fetchval(SQL["feed_kept"])
                sequence = first - 1
            if key is not None:
                rows = await connection.fetch(SQL["key_events_after"], sequence, upto, wanted, limit, key, only)
            elif only is not None:
                rows = await connection.fetch(SQL["partner_events_after"], sequence, upto, wanted, limit, only)
            else:
                upto = min(head, sequence + max(WINDOW, limit))
                rows = await connection.fetch(SQL["events_after"], sequence, upto, wanted, limit)
            # Looked at afterwards: what is kept now was there when the page was read.
            must_stand(await connection.fetchrow(SQL["feed_kept"]), asked)
        kept = [kept_of(row) for row in rows]
        read = kept[-1].sequence if len(kept) == limit else max(sequence, upto)
        return kept, read, read < head
