"""Deliveries: claimed, written down before they go, settled with what became of them. Implements `ports.log.Outbox`."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.facts import Fact, lane_of
from crossdock.ports.log import Attempt, Claimed, Settled
from crossdock.ports.outbound import Delivery, Transmission
from crossdock.store.database import Database
from crossdock.store.log import append
from crossdock.store.queries import SQL

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
            rows = await connection.fetch(
                SQL["keep_transmissions"],
                [channel] * len(transmissions),
                [t.name for t in transmissions],
                [hashlib.sha256(t.data).digest() for t in transmissions],
                [t.data for t in transmissions],
                [t.content_type for t in transmissions],
                [msgspec.json.encode(Sent(t.deliveries, t.request, t.control)).decode() for t in transmissions],
                now,
            )
            ids = {row["name"]: row["id"] for row in rows}
            lane = {c.delivery.id: c.lane for c in self.claimed}
            key = {c.delivery.id: c.delivery.key for c in self.claimed}
            placed = [(lane[d], d, ids[t.name], t.control.get(d, "")) for t in transmissions for d in t.deliveries]
            await connection.execute(
                SQL["attach_transmissions"],
                [p[0] for p in placed],
                [p[1] for p in placed],
                [p[2] for p in placed],
                [p[3] for p in placed],
                self._lease_until,
            )
            controls = [(*control.split("/"), key[d], d) for _, d, _, control in placed if control]
            if controls:
                await connection.execute(
                    SQL["keep_control"],
                    [channel] * len(controls),
                    *(list(column) for column in zip(*controls, strict=True)),
                )
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


async def _settle(connection: Any, settled: Sequence[Settled], now: datetime) -> None:
    if not settled:
        return
    await connection.execute(
        SQL["settle_deliveries"],
        [s.lane for s in settled],
        [s.id for s in settled],
        [s.status for s in settled],
        [s.outcome for s in settled],
        [s.due_at if s.status == "queued" else None for s in settled],
        [s.due_at if s.status == "unknown" else None for s in settled],
        [s.status == "queued" for s in settled],
        now,
    )
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
    done = [s for s in settled if s.status in ("accepted", "refused")]
    if done:
        await connection.execute(
            SQL["close_exceptions"], [s.lane for s in done], [f"{s.id}/dead-letter" for s in done], now
        )


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
                    Claimed(row["lane"], _delivery(row), row["message"], row["control"], row["withdrawn"])
                )
            found = []
            for id_, claimed in by_message.items():
                row = await connection.fetchrow(SQL["message"], id_)
                sent = msgspec.json.decode(row["attributes"], type=Sent)
                transmission = Transmission(
                    name=row["source_id"],
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
            if attempts:
                await connection.execute(
                    SQL["write_attempts"],
                    [a.lane for a in attempts],
                    [a.delivery for a in attempts],
                    [a.attempt for a in attempts],
                    [a.kind for a in attempts],
                    [a.message for a in attempts],
                    [a.started_at for a in attempts],
                    [a.ended_at for a in attempts],
                    [a.outcome for a in attempts],
                    [a.status for a in attempts],
                    [a.detail for a in attempts],
                )
            await _settle(connection, settled, now)
            await append(connection, facts, self._database.lanes, now)

    async def give_back(self, claimed: Sequence[Claimed]) -> None:
        if claimed:
            async with self._database.transaction() as connection:
                await connection.execute(SQL["give_back"], [c.lane for c in claimed], [c.delivery.id for c in claimed])

    async def retry_dead(self, ids: Sequence[str] | None, system: str | None, now: datetime) -> list[str]:
        """Queues dead letters again and closes their exceptions; returns their ids."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["retry_deliveries"], ids, system, now)
            await connection.execute(
                SQL["close_exceptions"],
                [row["lane"] for row in rows],
                [f"{row['id']}/dead-letter" for row in rows],
                now,
            )
            return [row["id"] for row in rows]

    async def health(self, system: str, breaker: str, detail: Mapping[str, Any], now: datetime) -> None:
        async with self._database.repeatable() as connection:
            await connection.execute(SQL["save_health"], system, breaker, msgspec.json.encode(detail).decode(), now)

    def lane_of(self, key: str) -> int:
        """The lane of a key in this database."""
        return lane_of(key, self._database.lanes)
