"""Movements into the books: each once, balances kept in the same transaction, and what nobody could have moved refused and kept.

The common batch costs five statements however many movements it has: lock the rows of stock, ask which movements are known, add the sums by row, COPY the new
ones, note what changed. Counts and what happened before one go the careful way (`stock_counting`). All locks are taken in one order: stock by (item, site),
then streams. Within the caller's transaction; nothing stands when it is rolled back.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.ledger.balances import destination_of, origin_of
from crossdock.ledger.movement import OURS, Kind, Movement, Place, Position
from crossdock.ports.stock import AllowNegative, Conflict, Moved, Pair, never
from crossdock.store.queries import SQL
from crossdock.store.stock_counting import Told, settle_counts
from crossdock.store.stock_streams import hear

COLUMNS = (
    "source",
    "source_id",
    "kind",
    "item",
    "site",
    "to_site",
    "origin",
    "destination",
    "quantity",
    "lot",
    "owner",
    "entity",
    "occurred_at",
    "recorded_at",
    "stream",
    "sequence",
    "reason",
    "reference",
    "line",
    "message",
    "counted",
)
PLACES = tuple(Place)
"""The columns of stock and balances, in their order."""
_COLUMN = {place: n for n, place in enumerate(PLACES)}
_OURS = frozenset(_COLUMN[place] for place in OURS)

Balance = tuple[str, str, str, str, str]
"""(item, site, lot, owner, entity): a row of balances."""
Sums = dict[Any, list[Decimal | None]]

_body = msgspec.json.Encoder()
_told = msgspec.json.Decoder(Movement)


async def lock(connection: Any, pairs: Iterable[Pair], now: datetime) -> dict[Pair, tuple[bool, datetime | None]]:
    """Locks the rows of stock of these (item, site) to the end of the transaction, in the one order, making those that are missing. A transaction that needs
    several sets of rows locks all of them here first. Gives (split, counted_at) of those rows that are split or have been counted."""
    ordered = sorted(set(pairs))
    items, sites = [item for item, _ in ordered], [site for _, site in ordered]
    await connection.execute(SQL["insert_missing_stock"], items, sites, now)
    rows = await connection.fetch(SQL["lock_stock"], items, sites)
    return {(item, site): (split, counted_at) for item, site, split, counted_at in rows}


async def note_changed(connection: Any, changed: Mapping[Pair, bool]) -> None:
    """Notes that these rows of stock, whose locks are held, have changed; True: there may be more to promise than before."""
    if changed:
        ordered = sorted(changed)
        await connection.execute(
            SQL["note_changed"], [i for i, _ in ordered], [s for _, s in ordered], [changed[pair] for pair in ordered]
        )


async def move(
    connection: Any, movements: Sequence[Movement], now: datetime, *, allow_negative: AllowNegative = never
) -> Moved:
    """Records the movements that are new and keeps stock and balances. Raises ValueError, before anything is written, where a quantity is no number or below nothing.

    A movement that would leave less than nothing in a place of ours, and that policy does not allow to, is kept as a conflict, and tried again whenever its item
    moves; the others of the batch go on. Within the batch what comes in counts before what goes out, so its order does not matter.
    """
    told: dict[tuple[str, str], Movement] = {}
    doubled: list[Movement] = []
    pairs: set[Pair] = set()
    for m in movements:
        if not m.quantity.is_finite() or m.quantity < 0:
            raise ValueError(f"{m.source} {m.source_id}: a movement of {m.quantity} {m.item}")
        name = (m.source, m.source_id)
        if name in told:
            doubled.append(m)
            continue
        told[name] = m
        pairs.add((m.item, m.site))
        if m.to_site and m.to_site != m.site:
            pairs.add((m.item, m.to_site))
    if not told:
        return Moved()
    retried = await _refused_before(connection, told, pairs)
    care = await lock(connection, pairs, now)
    names = list(told)
    known = {n for (n,) in await connection.fetch(SQL["known_movements"], [s for s, _ in names], [i for _, i in names])}
    new = list(told.values())
    if known:
        doubled += [m for n, m in enumerate(new) if n in known and names[n] not in retried]
        new = [m for n, m in enumerate(new) if n not in known]
    careful = _careful(new, care)
    ready = [Told(m) for m in new if m.item not in careful] if careful else [Told(m) for m in new]
    settled, conflicts = (
        await settle_counts(connection, [m for m in new if m.item in careful], allow_negative) if careful else ([], [])
    )
    refused = await _add(connection, ready, settled, care, now, allow_negative)
    conflicts += [(m, detail) for m, detail in refused.values()]
    accepted = [t for t in ready if id(t) not in refused] if refused else ready
    recorded = accepted + settled
    await _copy(connection, recorded, now)
    before = await _keep_conflicts(connection, conflicts, now)
    reopened = await _close_conflicts(connection, recorded, now)
    heard = [m for m in new if (m.source, m.source_id) not in before and (m.source, m.source_id) not in reopened]
    doubled += [m for m, _ in conflicts if (m.source, m.source_id) in before and (m.source, m.source_id) not in retried]
    late, gaps = await hear(connection, heard, doubled, now)
    corrections = sum(1 for t in settled if t.correction)
    return Moved(
        new=len(recorded) - corrections - len(reopened),
        doubled=len(doubled),
        late=late,
        gaps=gaps,
        retried=len(reopened),
        corrections=corrections,
        conflicts=tuple(
            Conflict(m.source, m.source_id, "negative", detail)
            for m, detail in conflicts
            if (m.source, m.source_id) not in before
        ),
    )


async def _refused_before(
    connection: Any, told: dict[tuple[str, str], Movement], pairs: set[Pair]
) -> set[tuple[str, str]]:
    """Adds to the batch what was refused before and may now be possible; gives its names."""
    items = await connection.fetch(SQL["items_in_conflict"], list({item for item, _ in pairs}))
    if not items:
        return set()
    again: set[tuple[str, str]] = set()
    for (body,) in await connection.fetch(SQL["conflicts_of_items"], [item for (item,) in items]):
        m = _told.decode(body)
        name = (m.source, m.source_id)
        if name not in told:
            told[name] = m
            again.add(name)
            pairs.update(((m.item, m.site), (m.item, m.to_site or m.site)))
    return again


def _careful(new: Iterable[Movement], care: dict[Pair, tuple[bool, datetime | None]]) -> set[str]:
    """Items of which something was counted, or moved before a count that is recorded already."""
    counted = {pair: at for pair, (_, at) in care.items() if at is not None}
    if not counted:
        return {m.item for m in new if m.kind is Kind.COUNT}
    return {
        m.item
        for m in new
        if m.kind is Kind.COUNT
        or ((at := counted.get((m.item, m.site))) is not None and m.occurred_at <= at)
        or (m.to_site and (at := counted.get((m.item, m.to_site))) is not None and m.occurred_at <= at)
    }


async def _add(
    connection: Any,
    ready: Sequence[Told],
    settled: Sequence[Told],
    care: dict[Pair, tuple[bool, datetime | None]],
    now: datetime,
    allow_negative: AllowNegative,
) -> dict[int, tuple[Movement, str]]:
    """Adds the movements to stock and balances; takes back, of `ready`, those that would leave less than nothing, by the id of what was told."""
    split = {pair for pair, (divided, _) in care.items() if divided}
    everything = (*ready, *settled) if settled else ready
    plain = not split and all(
        t.movement.owner == "own" and not t.movement.lot and not t.movement.entity for t in everything
    )
    if not plain:
        fresh = {
            pair
            for t in everything
            if t.movement.owner == "own" and (t.movement.lot or t.movement.entity)
            for pair in ((t.movement.item, t.movement.site), (t.movement.item, t.movement.to_site or t.movement.site))
        } - split
        if fresh:
            ordered = sorted(fresh)
            await connection.execute(SQL["split_stock"], [i for i, _ in ordered], [s for _, s in ordered])
            split |= fresh
    stock, balances = _sums([t.movement for t in everything], split, plain)
    changed = {
        pair
        for pair, (_, storage, allocated, staging, *_) in stock.items()
        if storage or (allocated or 0) + (staging or 0)
    }
    refused: dict[int, tuple[Movement, str]] = {}
    decided = {t.movement.item for t in settled}
    while True:
        short = await _apply(connection, stock, balances, split, now)
        short = {position: left for position, left in short.items() if position.item not in decided}
        taken = _take_back(short, [t for t in ready if id(t) not in refused], allow_negative) if short else {}
        if not taken:
            break
        refused |= taken
        back = [m for m, _ in taken.values()]
        stock, balances = _sums(back, split, plain)
        for sums in (stock, balances):
            for row in sums.values():
                row[:] = [None if q is None else -q for q in row]
    await note_changed(connection, dict.fromkeys(changed, True))
    counts: dict[Pair, datetime] = {}
    for t in settled:
        if t.counted is not None:
            pair = (t.movement.item, t.movement.to_site or t.movement.site)
            counts[pair] = max(counts.get(pair, t.movement.occurred_at), t.movement.occurred_at)
    if counts:
        await connection.execute(
            SQL["note_counted"], [i for i, _ in counts], [s for _, s in counts], list(counts.values())
        )
    return refused


def _sums(movements: Iterable[Movement], split: set[Pair], plain: bool) -> tuple[Sums, Sums]:
    """What the movements add to each row of stock and of balances, by place."""
    stock: Sums = {}
    balances: Sums = {}
    for m in movements:
        quantity = m.quantity
        for site, column, amount in (
            (m.site, _COLUMN[m.origin], -quantity),
            (m.to_site or m.site, _COLUMN[m.destination], quantity),
        ):
            pair = (m.item, site)
            if plain or m.owner == "own":
                row = stock.get(pair)
                if row is None:
                    row = stock[pair] = [None] * 11
                there = row[column]
                row[column] = amount if there is None else there + amount
            if not plain and (m.owner != "own" or pair in split):
                key = (m.item, site, m.lot, m.owner, m.entity)
                row = balances.get(key)
                if row is None:
                    row = balances[key] = [None] * 11
                there = row[column]
                row[column] = amount if there is None else there + amount
    return stock, balances


def _columns(keys: Sequence[Any], sums: Sums) -> list[list[str | None]]:
    rows = [sums[key] for key in keys]
    return [[None if q is None else str(q) for q in column] for column in zip(*rows, strict=True)]


async def _apply(
    connection: Any, stock: Sums, balances: Sums, split: set[Pair], now: datetime
) -> dict[Position, Decimal]:
    """Writes the sums; gives the positions of ours that they left with less than nothing."""
    short: dict[Position, Decimal] = {}
    if stock:
        keys = sorted(stock)
        rows = await connection.fetch(
            SQL["add_to_stock"], [i for i, _ in keys], [s for _, s in keys], now, *_columns(keys, stock)
        )
        for item, site, *left in rows:
            if (item, site) not in split:
                _note_short(short, (item, site, "", "own", ""), left, stock[item, site])
    if balances:
        keys = sorted(balances)
        parts = [list(part) for part in zip(*keys, strict=True)]
        await connection.execute(SQL["insert_missing_balances"], *parts)
        for item, site, lot, owner, entity, *left in await connection.fetch(
            SQL["add_to_balances"], *parts, *_columns(keys, balances)
        ):
            key = (item, site, lot, owner, entity)
            _note_short(short, key, left, balances[key])
    return short


def _note_short(
    short: dict[Position, Decimal], key: Balance, left: Sequence[Decimal], added: Sequence[Decimal | None]
) -> None:
    item, site, lot, owner, entity = key
    for column in _OURS:
        amount = added[column]
        if amount is not None and amount < 0 and left[column] < 0:
            short[Position(item, site, PLACES[column], lot, owner, entity)] = left[column]


def _take_back(
    short: dict[Position, Decimal], ready: Sequence[Told], allow_negative: AllowNegative
) -> dict[int, tuple[Movement, str]]:
    """Which movements out of these positions cannot have been: those that are left when what came in, what policy allows, and then what went out in the order
    of its time have been taken."""
    taken: dict[int, tuple[Movement, str]] = {}
    out: dict[Position, list[Told]] = {}
    for t in ready:
        origin = origin_of(t.movement)
        if origin in short and destination_of(t.movement) != origin:
            out.setdefault(origin, []).append(t)
    for position, left in short.items():
        going = [t for t in out.get(position, ()) if id(t) not in taken and not allow_negative(t.movement)]
        there = left + sum((t.movement.quantity for t in going), Decimal(0))
        for t in sorted(going, key=lambda t: t.movement.occurred_at):
            if t.movement.quantity and there < t.movement.quantity:
                taken[id(t)] = (t.movement, f"{there} in {position.place}, {t.movement.quantity} were to go")
            else:
                there -= t.movement.quantity
    return taken


async def _copy(connection: Any, recorded: Sequence[Told], now: datetime) -> None:
    if recorded:
        await connection.copy_records_to_table(
            "movements",
            records=[
                (
                    m.source,
                    m.source_id,
                    m.kind,
                    m.item,
                    m.site,
                    m.to_site,
                    m.origin,
                    m.destination,
                    m.quantity,
                    m.lot,
                    m.owner,
                    m.entity,
                    m.occurred_at,
                    now,
                    m.stream,
                    m.sequence,
                    m.reason,
                    m.reference,
                    m.line,
                    m.message,
                    t.counted,
                )
                for t in recorded
                for m in (t.movement,)
            ],
            columns=COLUMNS,
        )


async def _keep_conflicts(
    connection: Any, conflicts: Sequence[tuple[Movement, str]], now: datetime
) -> set[tuple[str, str]]:
    """Keeps what was refused; gives what had been refused before."""
    if not conflicts:
        return set()
    rows = await connection.fetch(
        SQL["keep_conflicts"],
        [m.source for m, _ in conflicts],
        [m.source_id for m, _ in conflicts],
        ["negative"] * len(conflicts),
        [detail for _, detail in conflicts],
        [_body.encode(m) for m, _ in conflicts],
        [m.item for m, _ in conflicts],
        now,
    )
    return {(source, source_id) for source, source_id, before in rows if before}


async def _close_conflicts(connection: Any, recorded: Sequence[Told], now: datetime) -> set[tuple[str, str]]:
    """Closes the conflicts of what has been recorded after all; gives which those were."""
    if not recorded or not await connection.fetchval(SQL["any_refused"]):
        return set()
    rows = await connection.fetch(
        SQL["close_conflicts"],
        [t.movement.source for t in recorded],
        [t.movement.source_id for t in recorded],
        now,
    )
    return {(source, source_id) for source, source_id in rows}
