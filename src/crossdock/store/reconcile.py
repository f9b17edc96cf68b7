"""Snapshots of stock beside our books: kept, compared in one pass of the database, and what came of it written together with its facts. Implements `ports.reconcile`.

Only the rows that differ leave the database. `unequal` looks for suspects by one join of present balances and lines, and works out exactly those; that no balance met
two lines proves that none was missed, and where one did (lines that stand twice), all is added up instead.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossdock.facts import Fact, lane_of
from crossdock.ledger.movement import OURS, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.ports.reconcile import Catalogue, KeptSnapshot, Run
from crossdock.process.variance import variance_key
from crossdock.reconcile.causes import Cause
from crossdock.reconcile.evidence import Evidence, Gap, Owed, Seen, Terms, Unequal, Where
from crossdock.reconcile.stock import Difference
from crossdock.store.database import Database
from crossdock.store.log import SEPARATOR, append
from crossdock.store.queries import SQL
from crossdock.store.stock_files import COLUMNS, SnapshotError, copied, header_of
from crossdock.store.stock_moving import move
from crossdock.store.stock_reading import movement_of

__all__ = [
    "ClaimedSnapshot",
    "SnapshotError",
    "StockReconciliation",
    "keep_snapshot",
    "kept_of",
    "key_of",
    "unequal_rows",
]

SUSPECTS = 100_000
"""More rows than these are not looked at one by one: all are added up."""
KEEP_LINES = timedelta(days=3)
"""So long lines of a snapshot that a later one has overtaken are kept."""


class StockReconciliation:
    """The books' side of reconciliation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, snapshot: Snapshot, due_at: datetime, now: datetime) -> int | None:
        """Stores a snapshot to be compared at `due_at`; its number, None where it is known already."""
        async with self._database.transaction() as connection:
            return await keep_snapshot(connection, snapshot, due_at, now)

    async def keep_file(
        self, path: Path, system: str, source_id: str, as_of: datetime, due_at: datetime | None, now: datetime
    ) -> int | None:
        """Stores the snapshot in a CSV file (columns item, site, quantity, and place, lot, owner, entity where it has them) as it lies on the disk. Raises SnapshotError
        where it cannot be read; then nothing of it is kept."""
        header_of(path)
        async with self._database.transaction() as connection:
            id_: int | None = await connection.fetchval(SQL["new_snapshot"], system, source_id, as_of, now, True, None)
            if id_ is None:
                return None
            async with copied(self._database, connection, id_, path) as scope:
                await _finish(connection, id_, system, scope, (), (), due_at, now)
            return id_

    @asynccontextmanager
    async def comparing(
        self, now: datetime, system: str | None = None, as_of: datetime | None = None, snapshot: int | None = None
    ) -> AsyncIterator["ClaimedSnapshot | None"]:
        """The oldest snapshot that is due; of a system: its latest (at or before `as_of`), or that very one. None where there is none."""
        async with self._database.transaction() as connection:
            row = (
                await connection.fetchrow(SQL["claim_due_snapshot"], now)
                if system is None
                else await connection.fetchrow(SQL["claim_snapshot"], system, as_of, snapshot)
            )
            if row is None:
                yield None
                return
            kept = kept_of(row)
            await connection.fetch(SQL["lock_reconciled_system"], kept.system)
            run = await connection.fetchval(SQL["note_reconciliation"], kept.id, kept.system, kept.as_of, now)
            yield ClaimedSnapshot(connection, self._database.lanes, kept, run)

    @asynccontextmanager
    async def repairing(self, key: str) -> AsyncIterator["ClaimedVariance | None"]:
        """A variance to be repaired; None where there is no such variance, or its snapshot's lines are gone."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["variances"], None, None, key, 1)
            if not rows:
                yield None
                return
            await connection.fetch(SQL["lock_reconciled_system"], rows[0]["system"])
            (row,) = await connection.fetch(SQL["variances"], None, None, key, 1)
            kept = await connection.fetchrow(SQL["snapshot_by_id"], row["snapshot"])
            if kept is None or kept["dropped"]:
                yield None
                return
            yield await _claimed(connection, self._database.lanes, row, kept_of(kept))

    async def variances(
        self,
        system: str | None = None,
        statuses: Sequence[str] | None = None,
        key: str | None = None,
        limit: int = 1000,
    ) -> list[dict[str, Any]]:
        """Variances as rows for people, the dearest first."""
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["variances"], system, statuses, key, limit)
        return [{**row, "evidence": [each for each in row["evidence"].split(SEPARATOR) if each]} for row in rows]

    async def runs(self, system: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """The latest comparisons, the newest first."""
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL["reconciliation_runs"], system, limit)]


async def keep_snapshot(connection: Any, snapshot: Snapshot, due_at: datetime | None, now: datetime) -> int | None:
    """Stores a snapshot inside the caller's transaction; its number, None where it is known already. Raises SnapshotError for a place that is not ours."""
    id_: int | None = await connection.fetchval(
        SQL["new_snapshot"],
        snapshot.system,
        snapshot.source_id,
        snapshot.as_of,
        now,
        snapshot.whole,
        snapshot.message,
    )
    if id_ is None:
        return None
    for start in range(0, len(snapshot.lines), 50_000):
        await connection.copy_to_table(
            "snapshot_lines",
            source=_csv(snapshot.lines[start : start + 50_000]),
            columns=COLUMNS,
            format="csv",
            force_not_null=COLUMNS[:-1],
        )
    scope = await connection.fetch(SQL["snapshot_scope"], id_)
    await _finish(connection, id_, snapshot.system, scope, snapshot.sites, snapshot.places, due_at, now)
    return id_


def _csv(lines: Iterable[SnapshotLine]) -> io.BytesIO:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [(n.item, n.site, n.place.value, n.lot, n.owner, n.entity, n.quantity) for n in lines]
    )
    return io.BytesIO(text.getvalue().encode())


async def _finish(
    connection: Any,
    id_: int,
    system: str,
    scope: Sequence[Any],
    sites: Sequence[str],
    places: Sequence[Place],
    due_at: datetime | None,
    now: datetime,
) -> None:
    spoken = {row["place"] for row in scope} | {place.value for place in places} or {Place.STORAGE.value}
    if wrong := sorted(spoken - {place.value for place in OURS}):
        raise SnapshotError(f"{wrong[0]!r} is no place that stock is in; places are {', '.join(sorted(OURS))}")
    await connection.execute(
        SQL["finish_snapshot"],
        id_,
        sorted({row["site"] for row in scope} | set(sites)),
        sorted(spoken),
        sorted({row["owner"] for row in scope} | {"own"}),
        any(row["lots"] for row in scope),
        sum(row["lines"] for row in scope),
        due_at,
    )
    if await connection.fetchval(SQL["drop_old_lines"], system, now - KEEP_LINES):
        await connection.execute(SQL["drop_lines_of_none"], now - KEEP_LINES)


def kept_of(row: Any) -> KeptSnapshot:
    """A row of `snapshots`."""
    return KeptSnapshot(
        id=row["id"],
        system=row["system"],
        source_id=row["source_id"],
        as_of=row["as_of"],
        whole=row["whole"],
        sites=tuple(row["sites"]),
        places=tuple(row["places"]),
        owners=tuple(row["owners"]),
        lots=row["lots"],
        lines=row["lines"],
        message=row["message"],
    )


async def unequal_rows(connection: Any, snapshot: KeptSnapshot, suspects: int = SUSPECTS) -> list[Unequal]:
    """What differs between our books as of the snapshot's moment and the snapshot, in the order of positions; the same as `reconcile.stock.unequal` finds."""
    await connection.fetch(SQL["wide_hashing"])
    items = await _suspects(connection, snapshot, suspects)
    if items is not None and not items:
        return []
    return await _added_up(connection, snapshot, None if items is None else sorted(items))


async def _suspects(connection: Any, snapshot: KeptSnapshot, most: int) -> set[str] | None:
    """Items of which a position may differ; None: too many of them, or lines stand twice, so that it may be any."""
    sites = list(snapshot.sites)
    if not snapshot.whole and snapshot.lines <= most:
        return {item for (item,) in await connection.fetch(SQL["items_of_snapshot"], snapshot.id)}
    scope = (snapshot.id, snapshot.whole, sites)
    if snapshot.lots or snapshot.owners != ("own",):
        wide = (list(snapshot.places), most, list(snapshot.owners))
        rows = [await connection.fetchrow(SQL["suspects_by_lot"], *scope, *wide)]
    else:
        rows = [await connection.fetchrow(SQL["suspects_in_place"], *scope, place, most) for place in snapshot.places]
    moved = [item for (item,) in await connection.fetch(SQL["moved_since"], snapshot.as_of, sites, most + 1)]
    if any(row["met"] > row["there"] for row in rows) or sum(row["differing"] for row in rows) + len(moved) > most:
        return None
    return set(moved).union(*(row["items"] or () for row in rows))


async def _added_up(connection: Any, snapshot: KeptSnapshot, items: Sequence[str] | None) -> list[Unequal]:
    scope = (list(snapshot.sites), list(snapshot.places), list(snapshot.owners), snapshot.lots, snapshot.whole)
    rows = await connection.fetch(SQL["unequal_positions"], snapshot.id, snapshot.as_of, *scope, items)
    return [_unequal(row) for row in rows]


def _unequal(row: Any) -> Unequal:
    item, site, place, lot, owner, ours, theirs = row
    return Unequal(Where(item, site, Place(place), lot, owner), ours, theirs)


class ClaimedSnapshot:
    """Implements `ports.reconcile.Comparing`."""

    def __init__(self, connection: Any, lanes: int, snapshot: KeptSnapshot, run: int) -> None:
        self._connection = connection
        self._lanes = lanes
        self.snapshot = snapshot
        self.run = run

    async def overtaken(self) -> bool:
        s = self.snapshot
        later: bool = await self._connection.fetchval(SQL["later_compared"], s.system, s.as_of, list(s.sites))
        return later

    async def unequal(self) -> Sequence[Unequal]:
        return await unequal_rows(self._connection, self.snapshot)

    async def standing(self) -> Mapping[Where, tuple[str, Seen]]:
        s = self.snapshot
        rows = await self._connection.fetch(
            SQL["standing_variances"], s.system, list(s.sites), list(s.places), list(s.owners)
        )
        return {
            Where(row["item"], row["site"], Place(row["place"]), row["lot"], row["owner"]): (
                row["status"],
                Seen(
                    row["quantity"],
                    row["cause"],
                    row["first_as_of"],
                    row["as_of"],
                    row["since"],
                    row["in_flight"],
                    row["confidence"],
                    row["detail"],
                    _split(row["evidence"]),
                ),
            )
            for row in rows
        }

    async def evidence(
        self, rows: Sequence[Unequal], seen: Mapping[Where, Seen], catalogue: Catalogue, terms: Terms
    ) -> Evidence:
        """All that stands around these differences, three queries for all of them. Movements further back are read only for those whose difference is not new."""
        s = self.snapshot
        since = await self._connection.fetchval(SQL["compared_before"], s.system, list(s.sites), s.as_of)
        start = since or s.as_of - terms.look_back
        for row in rows:
            known = seen.get(row.where)
            if known is not None and (known.cause == Cause.TIMING or row.theirs - row.ours != known.quantity):
                start = min(start, known.since or known.first_as_of - terms.look_back)
        start = max(start, s.as_of - terms.look_back)
        items = sorted({row.where.item for row in rows})
        movements: dict[str, list[Movement]] = {}
        for row in await self._connection.fetch(
            SQL["movements_around"], items, start - terms.twin, s.as_of + terms.grace
        ):
            movements.setdefault(row["item"], []).append(movement_of(row))
        gaps = [
            Gap(row["source"], row["stream"], row["sequence"], row["missing_at"], tuple(row["sites"]))
            for row in await self._connection.fetch(SQL["gaps_around"], start - terms.grace, start - terms.look_back)
        ]
        owed: dict[str, list[Owed]] = {}
        for row in await self._connection.fetch(SQL["owed_of_items"], items, s.as_of - timedelta(days=90)):
            owed.setdefault(row["item"], []).append(Owed(*row))
        return Evidence(
            movements=movements,
            gaps=gaps,
            owed=owed,
            factors=catalogue.factors,
            values=catalogue.values,
            seen=seen,
            since=since,
        )

    async def finish(
        self,
        differences: Sequence[Difference],
        gone: Sequence[Where],
        facts: Sequence[Fact],
        outcome: Run,
        again_at: datetime | None,
        now: datetime,
    ) -> None:
        """Writes how each position differs, tells the facts, and when the snapshot is to be compared again."""
        connection, s = self._connection, self.snapshot
        if differences:
            keys = [key_of(s.system, d.where) for d in differences]
            await connection.execute(
                SQL["save_variances"],
                [lane_of(key, self._lanes) for key in keys],
                keys,
                [d.where.item for d in differences],
                [d.where.site for d in differences],
                [d.where.place.value for d in differences],
                [d.where.lot for d in differences],
                [d.where.owner for d in differences],
                ["open" if d.drift else "timing" for d in differences],
                [d.ours for d in differences],
                [d.theirs for d in differences],
                [d.quantity for d in differences],
                [d.in_flight for d in differences],
                [d.amount for d in differences],
                [d.cause.value for d in differences],
                [d.confidence for d in differences],
                [d.detail for d in differences],
                [SEPARATOR.join(d.evidence) for d in differences],
                [d.since for d in differences],
                [d.first_as_of for d in differences],
                s.system,
                s.as_of,
                s.id,
                self.run,
            )
        if gone:
            keys = [key_of(s.system, where) for where in gone]
            await connection.execute(
                SQL["close_variances"], [lane_of(key, self._lanes) for key in keys], keys, now, self.run
            )
        await connection.execute(
            SQL["finish_reconciliation"],
            self.run,
            outcome.differing,
            outcome.timing,
            outcome.found,
            outcome.gone,
            outcome.amount,
            outcome.note,
        )
        await connection.execute(SQL["set_snapshot_due"], s.id, again_at)
        await append(connection, facts, self._lanes, now)


class ClaimedVariance:
    """Implements `ports.reconcile.Repairing`."""

    def __init__(self, connection: Any, lanes: int, row: Any, now_differs: Decimal, counted: bool, entity: str) -> None:
        self._connection = connection
        self._lanes = lanes
        self.key: str = row["key"]
        self.system: str = row["system"]
        self.status: str = row["status"]
        self.where = Where(row["item"], row["site"], Place(row["place"]), row["lot"], row["owner"])
        self.quantity: Decimal = row["quantity"]
        self.amount: Decimal | None = row["amount"]
        self.in_flight: Decimal = row["in_flight"]
        self.as_of: datetime = row["as_of"]
        self.run: int = row["run"]
        self.now_differs = now_differs
        self.counted_since = counted
        self.entity = entity

    async def adjust(self, movement: Movement, facts: Sequence[Fact], now: datetime) -> str:
        """Moves and tells, or says why it was refused ("": done). Stock is locked first, then lanes, as everywhere."""
        moved = await move(self._connection, [movement], now)
        if moved.conflicts:
            return moved.conflicts[0].detail
        await append(self._connection, facts, self._lanes, now)
        return ""


async def _claimed(connection: Any, lanes: int, row: Any, kept: KeptSnapshot) -> ClaimedVariance:
    place = (row["item"], row["site"], row["place"], row["lot"], row["owner"])
    await connection.fetch(SQL["wide_hashing"])
    where = Where(row["item"], row["site"], Place(row["place"]), row["lot"], row["owner"])
    differs = next((each for each in await _added_up(connection, kept, [where.item]) if each.where == where), None)
    counted = await connection.fetchval(SQL["counted_since"], row["item"], row["site"], kept.as_of)
    entity = await connection.fetchval(SQL["entities_of"], *place)
    now_differs = differs.theirs - differs.ours if differs else Decimal(0)
    return ClaimedVariance(connection, lanes, row, now_differs, counted, entity or "")


def key_of(system: str, where: Where) -> str:
    """The key of a position's variance."""
    return variance_key(system, where.item, where.site, where.place.value, where.lot, where.owner)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()
