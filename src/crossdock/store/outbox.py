"""Deliveries: claimed, written down before they go, settled with what became of them. Implements `ports.log.Outbox`."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.crosswalk.plain import plain
from crossdock.facts import Fact, lane_of
from crossdock.facts.order import EffectRefused
from crossdock.ports.log import Attempt, Claimed, Settled
from crossdock.ports.outbound import Delivery, Transmission
from crossdock.store.database import Database
from crossdock.store.log import append
from crossdock.store.queries import SQL

_encode = msgspec.json.Encoder().encode
_told = msgspec.json.Decoder(tuple[tuple[str, Decimal], ...])


class Reserved:
    """Control numbers reserved for one batch. Implements `ports.translation.ControlNumbers`."""

    def __init__(self, first: Mapping[tuple[str, str], int], count: Mapping[tuple[str, str], int]) -> None:
        self._next = dict(first)
        self._end = {series: first[series] + count[series] for series in first}

    def next(self, channel: str, kind: str) -> int:
        """The next number of the series. Raises KeyError when more are taken than were asked for."""
        number = self._next[channel, kind]
        if number >= self._end[channel, kind]:
            raise KeyError(f"all reserved {kind} numbers of {channel} are used up")
        self._next[channel, kind] = number + 1
        return number


class Sent(msgspec.Struct, frozen=True):
    """What is kept of a transmission beside its bytes, so that it can be looked up and sent again as it was."""

    deliveries: tuple[str, ...]
    request: dict[str, Any] = {}
    control: dict[str, str] = {}


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row["id"],
        key=row["key"],
        system=row["system"],
        document=row["document"],
        content=row["content"],
        partner=row["partner"],
        number=row["number"],
        told=_told.decode(row["told"]) if row["told"] != b"[]" else (),
        attempt=row["attempts"],
        round=row["rounds"],
        created_at=row["created_at"],
    )


_NO_NUMBERS = (None, None, None, None)
"""Where a transmission is no X12: nobody will acknowledge it by its control numbers."""


class LoadingDeliveries:
    """Implements `ports.log.Loading`."""

    def __init__(self, database: Database, connection: Any, claimed: Sequence[Claimed], lease_until: datetime) -> None:
        self._lease_until = lease_until
        self._database = database
        self._connection = connection
        self.claimed = claimed

    async def numbers(self, needs: Mapping[tuple[str, str], int]) -> Reserved:
        first = {}
        for channel, kind in sorted(needs):
            last = await self._connection.fetchval(SQL["reserve_numbers"], channel, kind, needs[channel, kind])
            first[channel, kind] = last - needs[channel, kind] + 1
        return Reserved(first, needs)

    async def load(
        self,
        channel: str,
        transmissions: Sequence[Transmission],
        unwritable: Sequence[Settled],
        facts: Sequence[Fact],
        now: datetime,
    ) -> Mapping[str, int]:
        connection = self._connection
        ids: dict[str, int] = {}
        if transmissions:
            ids = await self._keep(channel, transmissions, now)
            claimed = {c.delivery.id: (c.lane, c.delivery.key) for c in self.claimed}
            attached = []
            for t in transmissions:
                for delivery in t.deliveries:
                    lane, key = claimed[delivery]
                    control = t.control.get(delivery, "")
                    numbers = control.split("/") if control else _NO_NUMBERS
                    attached.append((lane, delivery, ids[t.name], control, key, *numbers))
            await connection.execute(SQL["attach_transmissions"], attached, self._lease_until, channel)
        if unwritable:
            await connection.execute(
                SQL["refuse_unwritable"],
                [s.lane for s in unwritable],
                [s.id for s in unwritable],
                [s.outcome for s in unwritable],
                now,
            )
        await append(connection, facts, self._database.lanes, now)
        return ids

    async def _keep(self, channel: str, transmissions: Sequence[Transmission], now: datetime) -> dict[str, int]:
        """Message ids by name. What is written down under a name is kept as it is: only the very same is the same message."""
        connection = self._connection
        attributes = {t.name: _encode(Sent(t.deliveries, t.request, t.control)).decode() for t in transmissions}
        rows = await connection.fetch(
            SQL["keep_transmissions"],
            channel,
            [t.name for t in transmissions],
            [hashlib.sha256(t.data).digest() for t in transmissions],
            [t.data for t in transmissions],
            [t.content_type for t in transmissions],
            [attributes[t.name] for t in transmissions],
            now,
        )
        ids = {row["name"]: row["id"] for row in rows}
        if taken := [t for t in transmissions if t.name not in ids]:
            rows = await connection.fetch(
                SQL["kept_transmissions"],
                channel,
                [t.name for t in taken],
                [t.data for t in taken],
                [attributes[t.name] for t in taken],
            )
            ids.update((row["name"], row["id"]) for row in rows)
        for other in [t for t in taken if t.name not in ids]:
            apart = hashlib.sha256(attributes[other.name].encode() + b"\0" + other.data).hexdigest()[:32]
            ids[other.name] = await connection.fetchval(
                SQL["keep_other_transmission"],
                channel,
                f"{other.name}#{apart}",
                hashlib.sha256(other.data).digest(),
                other.data,
                other.name,
                other.content_type,
                attributes[other.name],
                now,
            )
        return ids


async def _settle(
    connection: Any, settled: Sequence[Settled], attempts: Sequence[Attempt], now: datetime
) -> frozenset[str]:
    """Ids of those that were overtaken by a newer attempt, and stand as that left them."""
    rows = await connection.fetch(
        SQL["settle_deliveries"],
        [
            (
                s.lane,
                s.id,
                s.attempt,
                s.round,
                s.status,
                plain(s.outcome),
                s.due_at,
                s.uncertain,
                a.kind,
                a.message,
                a.started_at,
                a.ended_at,
                a.outcome,
                a.status,
                plain(a.detail),
                a.answer,
            )
            for s, a in zip(settled, attempts, strict=True)
        ],
        now,
    )
    overtaken = {row["id"]: row["written"] for row in rows}
    stale = frozenset(id_ for id_, written in overtaken.items() if not written)
    settled = [s for s in settled if s.id not in stale]
    dead = [s for s in settled if s.status == "dead"]
    if dead:
        await connection.execute(
            SQL["open_exceptions"],
            [s.lane for s in dead],
            [f"{s.id}/dead-letter" for s in dead],
            [s.key for s in dead],
            ["transport"] * len(dead),
            ["dead-letter"] * len(dead),
            [f"{s.system} did not take it: {s.outcome}" for s in dead],
            ["see that the system is well, then `crossdock retry`"] * len(dead),
            [s.system for s in dead],
            [s.id for s in dead],
            [None] * len(dead),
            now,
        )
    # Only what was done again, or accepted after it had been given up, can have been a dead letter.
    if done := [s for s in settled if s.status in ("accepted", "refused") and (s.round or s.id in overtaken)]:
        await connection.execute(
            SQL["close_exceptions"], [s.lane for s in done], [f"{s.id}/dead-letter" for s in done], now
        )
    return stale


class DeliveryOutbox:
    """Implements `ports.log.Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def loading(
        self, system: str, limit: int, ordered: bool, now: datetime, lease_until: datetime
    ) -> AsyncIterator[LoadingDeliveries]:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["claim_deliveries"], system, now, limit, ordered)
            claimed = [Claimed(row["lane"], _delivery(row)) for row in sorted(rows, key=lambda row: row["sequence"])]
            yield LoadingDeliveries(self._database, connection, claimed, lease_until)

    async def uncertain(
        self, system: str, limit: int, now: datetime, lease_until: datetime
    ) -> Sequence[tuple[Transmission, int, Sequence[Claimed]]]:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["claim_uncertain"], system, now, limit, lease_until)
            by_message: dict[int, list[Claimed]] = {}
            for row in rows:
                by_message.setdefault(row["message"], []).append(
                    Claimed(
                        row["lane"], _delivery(row), row["message"], row["control"], row["withdrawn"], row["retried"]
                    )
                )
            found = []
            for id_, claimed in by_message.items():
                row = await connection.fetchrow(SQL["message"], id_)
                sent = msgspec.json.decode(row["attributes"], type=Sent)
                transmission = Transmission(
                    name=row["name"],
                    data=row["data"],
                    deliveries=sent.deliveries,
                    content_type=row["content_type"],
                    request=sent.request,
                    control=sent.control,
                )
                found.append((transmission, id_, claimed))
            return found

    async def settle(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], now: datetime
    ) -> None:
        async with self._database.repeatable() as connection:
            stale = await _settle(connection, settled, attempts, now)
            if stale:
                facts = [f for f in facts if not (isinstance(f.data, EffectRefused) and f.data.obligation in stale)]
            await append(connection, facts, self._database.lanes, now)

    async def give_back(self, claimed: Sequence[Claimed], messages: Sequence[int], now: datetime) -> None:
        if claimed:
            async with self._database.transaction() as connection:
                await connection.execute(
                    SQL["give_back"],
                    [c.lane for c in claimed],
                    [c.delivery.id for c in claimed],
                    [c.delivery.attempt for c in claimed],
                    [c.message is not None for c in claimed],
                    now,
                )
                await connection.execute(SQL["note_not_sent"], messages, "not sent: the worker was stopped before")

    async def retry_dead(
        self, ids: Sequence[str] | None, system: str | None, now: datetime, force: bool = False
    ) -> list[str]:
        """Takes dead letters up again and closes their exceptions; returns their ids. Those of which nobody knows whether they were done are looked up first,
        and sent only if they are absent or the connection has no look-up; with `force` they are sent."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["retry_deliveries"], ids, system, now, force)
            await connection.execute(
                SQL["close_exceptions"],
                [row["lane"] for row in rows],
                [f"{row['id']}/dead-letter" for row in rows],
                now,
            )
            return [row["id"] for row in rows]

    async def rounds(self, of: Mapping[str, str]) -> dict[str, int]:
        """How often each delivery was done again, by id; `of` gives their processes' keys. What is not ours to deliver is left out."""
        lanes = sorted({self.lane_of(key) for key in of.values()})
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["delivery_rounds"], lanes, list(of))
        return {row["id"]: row["rounds"] for row in rows}

    async def health(self, system: str, breaker: str, detail: Mapping[str, Any], now: datetime) -> None:
        async with self._database.repeatable() as connection:
            await connection.execute(SQL["save_health"], system, breaker, msgspec.json.encode(detail).decode(), now)

    def lane_of(self, key: str) -> int:
        """The lane of a key in this database."""
        return lane_of(key, self._database.lanes)
