"""The log of facts in lanes, and the claiming of lanes by the fold. Implements `ports.log.Log`."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.crosswalk.plain import plain, plain_json
from crossdock.facts import Fact, decode, encode, lane_of
from crossdock.facts.codec import type_of
from crossdock.ledger.planning import FIRST_COME, Planning
from crossdock.ports.log import Folded, Stored
from crossdock.process.obligation import Trouble
from crossdock.store.database import Database
from crossdock.store.queries import SQL
from crossdock.store.stock_of_orders import tell_stock

SEPARATOR = "\x1f"

LANES_FULL = 4
"""What is claimed at once comes to no more facts than so many full lanes have, as far as can be said before."""

_content = msgspec.json.Encoder()


def digest_of(source: str, source_id: str) -> uuid.UUID:
    """The idempotency key of a fact as the store keeps it: 128 bits of BLAKE2b over source and source's id."""
    return uuid.UUID(bytes=hashlib.blake2b(f"{source}\0{source_id}".encode(), digest_size=16).digest())


def fact_of(row: Any) -> Fact:
    """A row of `facts` as a fact."""
    lane, position, key, type_, version, source, source_id, occurred_at, recorded_at, message, body = row
    return Fact(
        key=key,
        # What was recorded before NULs were kept out is folded all the same.
        data=decode(type_, version, plain_json(body)),
        source=source,
        source_id=source_id,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        message=message,
        lane=lane,
        position=position,
    )


def _keepable(fact: Fact) -> Fact:
    """`fact` as PostgreSQL can keep it. Who tells it has refused a NUL with its place; this is for whoever did not."""
    if "\0" not in fact.key and "\0" not in fact.source_id and "\0" not in fact.source:
        return fact
    return replace(fact, key=plain(fact.key), source=plain(fact.source), source_id=plain(fact.source_id))


async def append(connection: Any, facts: Sequence[Fact], lanes: int, now: datetime) -> int:
    """Appends the facts that are new, inside the caller's transaction, which then holds the locks of their lanes; returns how many were."""
    if not facts:
        return 0
    facts = [_keepable(fact) for fact in facts]
    places = [lane_of(fact.key, lanes) for fact in facts]
    await connection.fetch(SQL["lock_lanes"], sorted(set(places)))
    rows = [
        (
            lane,
            digest_of(fact.source, fact.source_id),
            fact.key,
            *type_of(fact.data),
            fact.source,
            fact.source_id,
            fact.occurred_at,
            fact.message,
            plain_json(encode(fact.data)),
        )
        for lane, fact in zip(places, facts, strict=True)
    ]
    status: str = await connection.execute(SQL["record"], rows, now)
    return int(status.rsplit(" ", 1)[1])


async def save_names(connection: Any, names: Sequence[tuple[str, str, str]], lanes: int) -> None:
    """Writes references as (key, kind, value), in one order everywhere so that two writers never deadlock."""
    if names:
        named = sorted({(plain(value), kind, plain(key), lane_of(plain(key), lanes)) for key, kind, value in names})
        await connection.execute(SQL["save_names"], named)


class ClaimedLanes:
    """Lanes held to the end of the transaction. Implements `ports.log.Lanes`."""

    def __init__(
        self,
        connection: Any,
        lanes: int,
        facts: Sequence[Fact],
        processes: Mapping[str, Stored],
        heads: Mapping[int, int] | None = None,
        planning: Planning = FIRST_COME,
    ) -> None:
        self._connection = connection
        self._planning = planning
        self._lanes = lanes
        self._heads = heads or {}
        self.facts = facts
        self.processes = processes

    async def save(self, folded: Sequence[Folded], now: datetime) -> None:
        """Writes how each process stands, what it owes, what is to be sent, what the stock ledger answers, and how far the fold has come."""
        connection = self._connection
        promises = await tell_stock(connection, folded, now, self._planning)
        aside = [f for f in folded if f.defect]
        if aside:
            await self._set_aside(aside, now)
            folded = [f for f in folded if not f.defect]
        if folded:
            await connection.execute(
                SQL["save_processes"],
                [
                    (
                        f.lane,
                        f.key,
                        f.process,
                        f.state,
                        f.known,
                        f.positions,
                        f.milestone,
                        f.summary.decode(),
                        f.wake_at,
                        f.created_at,
                    )
                    for f in folded
                ],
                now,
            )
        await self._save_obligations(folded, now)
        await self._save_exceptions(folded, now)
        await save_names(connection, [(f.key, name.kind, name.value) for f in folded for name in f.names], self._lanes)
        await self._save_deliveries(folded, now)
        if self._heads:
            await connection.execute(SQL["move_cursors"], list(self._heads), list(self._heads.values()))
        # The lanes are locked last: whoever holds a lane waits for no stock.
        await append(connection, promises, self._lanes, now)

    async def _set_aside(self, folded: Sequence[Folded], now: datetime) -> None:
        await self._connection.execute(
            SQL["set_aside"],
            [f.lane for f in folded],
            [f.key for f in folded],
            [f.process for f in folded],
            [f.state for f in folded],
            [f.known for f in folded],
            [",".join(map(str, f.positions)) for f in folded],
            [f.milestone for f in folded],
            [f.defect for f in folded],
            [f.created_at for f in folded],
            now,
        )
        await self._open_exceptions([(f.lane, f.key, t) for f in folded for t in f.opened], "defect", now)

    async def _save_obligations(self, folded: Sequence[Folded], now: datetime) -> None:
        owed = [
            (
                f.lane,
                o.id,
                f.key,
                o.kind,
                o.debtor,
                o.creditor,
                o.status.value,
                o.due_at,
                o.blocked_by,
                o.evidence,
                o.subject,
                o.amount,
            )
            for f in folded
            for o in f.obligations
        ]
        if owed:
            await self._connection.execute(SQL["save_obligations"], owed, now)
        dropped = [(f.lane, id_) for f in folded for id_ in f.dropped]
        if dropped:
            await self._connection.execute(
                SQL["drop_obligations"], [lane for lane, _ in dropped], [id_ for _, id_ in dropped], now
            )

    async def _save_exceptions(self, folded: Sequence[Folded], now: datetime) -> None:
        await self._open_exceptions([(f.lane, f.key, t) for f in folded for t in f.opened], "business", now)
        closed = [(f.lane, id_) for f in folded for id_ in f.closed]
        if closed:
            await self._connection.execute(
                SQL["close_exceptions"], [lane for lane, _ in closed], [id_ for _, id_ in closed], now
            )

    async def _open_exceptions(self, opened: Sequence[tuple[int, str, Trouble]], category: str, now: datetime) -> None:
        if opened:
            await self._connection.execute(
                SQL["open_exceptions"],
                [lane for lane, _, _ in opened],
                [t.id for _, _, t in opened],
                [key for _, key, _ in opened],
                [category] * len(opened),
                [t.cause for _, _, t in opened],
                [t.detail for _, _, t in opened],
                [t.action for _, _, t in opened],
                [t.subject for _, _, t in opened],
                [SEPARATOR.join(t.obligations) for _, _, t in opened],
                [t.amount for _, _, t in opened],
                now,
            )

    async def _save_deliveries(self, folded: Sequence[Folded], now: datetime) -> None:
        revived = [(f.lane, e) for f in folded for e in f.revive]
        if revived:
            redo = {id_ for f in folded for id_ in f.redo}
            await self._connection.execute(
                SQL["revive_deliveries"],
                [lane for lane, _ in revived],
                [e.obligation for _, e in revived],
                [_content.encode(e.content) for _, e in revived],
                now,
                [e.number for _, e in revived],
                [_content.encode(e.told) for _, e in revived],
                [e.obligation in redo for _, e in revived],
            )
            await self._connection.execute(
                SQL["owe_deliveries_again"], [lane for lane, _ in revived], [e.obligation for _, e in revived], now
            )
        queued = [
            (
                f.lane,
                e.obligation,
                f.key,
                e.system,
                e.document,
                e.partner,
                e.ordering_key,
                _content.encode(e.content),
                e.number,
                _content.encode(e.told),
            )
            for f in folded
            for e in (*f.queue, *f.revive)
        ]
        if queued:
            await self._connection.execute(SQL["queue_deliveries"], queued, now)
        cancelled = [(f.lane, id_) for f in folded for id_ in f.cancel]
        if cancelled:
            await self._connection.execute(
                SQL["cancel_deliveries"], [lane for lane, _ in cancelled], [id_ for _, id_ in cancelled], now
            )


def stored_of(row: Any) -> Stored:
    """A row of `processes` as the fold wants it."""
    return Stored(
        row["lane"], row["key"], row["state"], row["known"], row["positions"], row["created_at"], row["defect"]
    )


class FactLog:
    """Implements `ports.log.Log`."""

    def __init__(self, database: Database, planning: Planning = FIRST_COME) -> None:
        """`planning`: how stock is given out where it is kept."""
        self._database = database
        self._planning = planning

    async def record(self, facts: Sequence[Fact], now: datetime) -> int:
        async with self._database.transaction() as connection:
            return await append(connection, facts, self._database.lanes, now)

    @asynccontextmanager
    async def claim(self, lanes: int, per_lane: int) -> AsyncIterator[ClaimedLanes]:
        """Up to `lanes` lanes that nobody holds, the one that has waited longest first, with at most `per_lane` facts each; fewer lanes where much waits."""
        async with self._database.repeatable() as connection:
            claimed = await connection.fetch(SQL["claim_lanes"], lanes, LANES_FULL * per_lane)
            facts: list[Fact] = []
            processes: dict[str, Stored] = {}
            if claimed:
                rows = await connection.fetch(
                    SQL["facts_after"], [row["lane"] for row in claimed], [row["position"] for row in claimed], per_lane
                )
                facts = [fact_of(row) for row in rows]
                keys = {fact.key: fact.lane for fact in facts}
                touched = await connection.fetch(SQL["load_processes"], list(keys.values()), list(keys))
                processes = {row["key"]: stored_of(row) for row in touched}
            heads = {fact.lane: fact.position for fact in facts}
            yield ClaimedLanes(connection, self._database.lanes, facts, processes, heads, self._planning)

    @asynccontextmanager
    async def claim_set_aside(self, lane: int, limit: int, after: str) -> AsyncIterator[ClaimedLanes]:
        """Processes of a lane that are set aside, with all their facts and their lane held. Saving them moves no cursor: the fold has passed their facts."""
        async with self._database.repeatable() as connection:
            await connection.fetchval(SQL["cursor_of_lane"], lane)
            rows = await connection.fetch(SQL["set_aside_processes"], lane, after, limit)
            processes = {row["key"]: stored_of(row) for row in rows}
            told = await connection.fetch(SQL["facts_of_keys"], lane, list(processes)) if processes else []
            yield ClaimedLanes(
                connection, self._database.lanes, [fact_of(row) for row in told], processes, planning=self._planning
            )

    @asynccontextmanager
    async def claim_waking(self, limit: int, now: datetime) -> AsyncIterator[ClaimedLanes]:
        """Processes that time alone changes, with their lanes held."""
        async with self._database.repeatable() as connection:
            claimed = await connection.fetch(SQL["claim_waking_lanes"], self._database.lanes, now)
            processes: dict[str, Stored] = {}
            if claimed:
                rows = await connection.fetch(SQL["waking_processes"], [row["lane"] for row in claimed], now, limit)
                processes = {row["key"]: stored_of(row) for row in rows}
            yield ClaimedLanes(connection, self._database.lanes, [], processes, planning=self._planning)
