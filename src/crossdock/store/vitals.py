"""How the installation does, in a few figures: lag, backlog, lateness, freshness, trouble. Each is a look into an index of what is open: cheap enough for every few seconds."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from crossdock.ports.tracing import TraceContext, read_traceparent
from crossdock.store.database import Database, migrations
from crossdock.store.queries import SQL


class LaneVitals(msgspec.Struct, frozen=True):
    """head, position: how far it is recorded and folded. waiting_since: since when the first fact that is not folded yet has been recorded."""

    lane: int
    head: int
    position: int
    waiting_since: datetime | None


class Open(msgspec.Struct, frozen=True):
    """What is open under two names (system and status, debtor and kind, category and cause): how much, and since when the oldest."""

    name: str
    kind: str
    count: int
    since: datetime | None = None


class SystemVitals(msgspec.Struct, frozen=True):
    """breaker: closed, open or half-open."""

    system: str
    breaker: str
    seen_at: datetime


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, as of one moment. held: by channel; sources: when heard last; channels: pairs to be told; unannounced: facts
    that are folded and not looked through for events; subscriptions: by status; webhooks: to be told."""

    at: datetime
    lanes: Sequence[LaneVitals]
    deliveries: Sequence[Open]
    late: Sequence[Open]
    exceptions: Sequence[Open]
    unread: int
    unread_since: datetime | None
    held: Mapping[str, int]
    set_aside: int
    systems: Sequence[SystemVitals]
    sources: Mapping[str, datetime | None]
    channels: Mapping[str, int]
    events: int
    unannounced: int
    subscriptions: Mapping[str, int]
    webhooks: int
    webhooks_since: datetime | None


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """What of it concerns the ways in and out."""

    lanes: Sequence[LaneVitals]
    deliveries: Sequence[Open]
    unread: int
    unread_since: datetime | None
    held: Mapping[str, int]
    systems: Sequence[SystemVitals]


class VitalSigns:
    """Reads them off a database. Raises what an unreachable one does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, now: datetime) -> Vitals:
        """The figures at `now`."""
        async with self._database.pool.acquire() as connection:
            unread = await connection.fetchrow(SQL["vital_unread"])
            events = await connection.fetchrow(SQL["vital_events"])
            webhooks = await connection.fetchrow(SQL["vital_webhooks"])
            assert unread is not None
            assert events is not None
            assert webhooks is not None
            return Vitals(
                at=now,
                lanes=[LaneVitals(*row) for row in await connection.fetch(SQL["vital_lanes"])],
                deliveries=[Open(*row) for row in await connection.fetch(SQL["vital_deliveries"])],
                late=[Open(*row) for row in await connection.fetch(SQL["vital_late"], now)],
                exceptions=[Open(*row) for row in await connection.fetch(SQL["vital_exceptions"])],
                unread=unread["count"],
                unread_since=unread["waiting_since"],
                held={row["channel"]: row["count"] for row in await connection.fetch(SQL["vital_held"])},
                set_aside=await connection.fetchval(SQL["vital_set_aside"]),
                systems=[SystemVitals(*row) for row in await connection.fetch(SQL["vital_systems"])],
                sources={row["system"]: row["heard_at"] for row in await connection.fetch(SQL["vital_sources"])},
                channels={row["channel"]: row["count"] for row in await connection.fetch(SQL["vital_channels"])},
                events=events["events"],
                unannounced=events["behind"],
                subscriptions={
                    row["status"]: row["count"] for row in await connection.fetch(SQL["vital_subscriptions"])
                },
                webhooks=webhooks["count"],
                webhooks_since=webhooks["due_since"],
            )

    async def passing(self) -> Passing:
        """What waits on the ways in and out, without what is owed."""
        async with self._database.pool.acquire() as connection:
            unread = await connection.fetchrow(SQL["vital_unread"])
            assert unread is not None
            return Passing(
                lanes=[LaneVitals(*row) for row in await connection.fetch(SQL["vital_lanes"])],
                deliveries=[Open(*row) for row in await connection.fetch(SQL["vital_deliveries"])],
                unread=unread["count"],
                unread_since=unread["waiting_since"],
                held={row["channel"]: row["count"] for row in await connection.fetch(SQL["vital_held"])},
                systems=[SystemVitals(*row) for row in await connection.fetch(SQL["vital_systems"])],
            )

    async def lanes(self) -> Sequence[LaneVitals]:
        """The lanes alone."""
        async with self._database.pool.acquire() as connection:
            return [LaneVitals(*row) for row in await connection.fetch(SQL["vital_lanes"])]

    async def missing_migrations(self) -> Sequence[str]:
        """Names of the migrations that this program knows and the database lacks."""
        async with self._database.pool.acquire() as connection:
            done = {row["number"] for row in await connection.fetch(SQL["applied_migrations"])}
        return [name for number, name, _ in migrations() if number not in done]

    async def callers_traces(self, lanes: Sequence[int], keys: Sequence[str]) -> Mapping[str, TraceContext]:
        """The place in a caller's trace that each of these processes began at, of those that began at one that is sampled."""
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["callers_traces"], lanes, keys)
        found = {row["key"]: read_traceparent(row["traceparent"]) for row in rows}
        return {key: place for key, place in found.items() if place is not None and place.sampled}
