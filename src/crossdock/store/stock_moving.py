"""Movements into the books: each once, balances kept in the same transaction, and what nobody could have moved refused and kept.

The common batch costs five statements however many movements it has: make the rows of stock that are missing, lock them, ask which movements are known, add the
sums by row, COPY the new ones. What it comes to if all of it is new is drawn up while the locks are waited for, so that they are held for the database's work alone.
Counts and what happened before one go the careful way (`stock_counting`). All locks are taken in one order: stock by (item, site), then streams. Within the
caller's transaction; nothing stands when it is rolled back.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import BytesIO
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
_COLUMN = {id(place): n for n, place in enumerate(PLACES)}
"""By identity: members of an enumeration hash slowly, and this is looked up twice a movement."""
_NOTHING: list[Decimal | None] = [None] * len(PLACES)
_OURS = tuple(n for n, place in enumerate(PLACES) if place in OURS)

SEPARATOR = "\x1f"

Balance = tuple[str, str, str, str, str]
"""(item, site, lot, owner, entity): a row of balances."""
Sums = dict[Any, list[Decimal | None]]

_body = msgspec.json.Encoder()
_told = msgspec.json.Decoder(Movement)


class Drawn(msgspec.Struct, gc=False):
    """What movements come to as it is written. rows: themselves, as text for COPY, None where a text would have to be escaped. added: what they add to stock,
    row by row and place by place, `amounts` the same as `add_to_stock` takes it; both are true where all is new, our own, and of no lot or entity."""

    rows: bytes | None
    added: Sums
    amounts: list[str]


def listed(texts: Sequence[str]) -> str:
    """A list of texts as one, as the queries take it. Raises ValueError where a text contains the separator."""
    joined = SEPARATOR.join(texts)
    if joined.count(SEPARATOR) >= max(len(texts), 1):
        raise ValueError("an item, site or id contains the control character U+001F")
    return joined


async def lock(connection: Any, pairs: Iterable[Pair], now: datetime) -> dict[Pair, tuple[bool, datetime | None]]:
    """Locks the rows of stock of these (item, site) to the end of the transaction, in the one order, making those that are missing. A transaction that needs
    several sets of rows locks all of them here first. Gives (split, counted_at) of those rows that are split or have been counted."""
    ordered = sorted(set(pairs))
    items, sites = listed([item for item, _ in ordered]), listed([site for _, site in ordered])
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
        name = (m.source, m.source_id)
        if ((quantity := m.quantity).is_signed() and quantity) or not quantity.is_finite():
            raise ValueError(f"{m.source} {m.source_id}: a movement of {m.quantity} {m.item}")
        if not (m.item and m.site and m.source and m.source_id) or m.occurred_at.tzinfo is None:
            raise ValueError(f"{m.source} {m.source_id}: a movement names its item, site, source, id and moment")
        if name in told:
            doubled.append(m)
            continue
        told[name] = m
        pairs.add((m.item, m.site))
        if m.to_site and m.to_site != m.site:
            pairs.add((m.item, m.to_site))
    if not told:
        return Moved()
    refused_items = {item for (item,) in await connection.fetch(SQL["items_in_conflict"])}
    retried = await _refused_before(connection, told, pairs, refused_items) if refused_items else set()
    names, new = list(told), list(told.values())
    locking = asyncio.create_task(lock(connection, pairs, now))
    try:
        drawn: Drawn | None = await _draw_up(new, now)
    except BaseException:
        locking.cancel()
        await asyncio.gather(locking, return_exceptions=True)
        raise
    care = await locking
    rows = await connection.fetch(
        SQL["known_movements"], listed([source for source, _ in names]), listed([id_ for _, id_ in names])
    )
    if rows:
        known = {n for (n,) in rows}
        doubled += [m for n, m in enumerate(new) if n in known and names[n] not in retried]
        new = [m for n, m in enumerate(new) if n not in known]
        drawn = None
    ready, settled, conflicts = new, list[Told](), list[tuple[Movement, str]]()
    if careful := _careful(new, care):
        ready = [m for m in new if m.item not in careful]
        settled, conflicts = await settle_counts(connection, [m for m in new if m.item in careful], allow_negative)
        drawn = None
    if refused := await _add(connection, ready, settled, care, now, allow_negative, drawn):
        conflicts += [(m, detail) for m, detail in refused.values()]
        ready = [m for m in ready if id(m) not in refused]
        drawn = None
    await _copy(connection, ready, settled, now, drawn.rows if drawn else _rows(ready, now))
    before = await _keep_conflicts(connection, conflicts, now)
    reopened = (
        await _close_conflicts(connection, [*ready, *(t.movement for t in settled)], now) if refused_items else set()
    )
    heard = new
    if before or reopened:
        heard = [m for m in new if (m.source, m.source_id) not in before and (m.source, m.source_id) not in reopened]
        doubled += [
            m for m, _ in conflicts if (m.source, m.source_id) in before and (m.source, m.source_id) not in retried
        ]
    late, gaps = await hear(connection, heard, doubled, now)
    corrections = sum(1 for t in settled if t.correction)
    return Moved(
        new=len(ready) + len(settled) - corrections - len(reopened),
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
    connection: Any, told: dict[tuple[str, str], Movement], pairs: set[Pair], refused_items: set[str]
) -> set[tuple[str, str]]:
    """Adds to the batch what was refused before and may now be possible; gives its names."""
    items = sorted(refused_items.intersection(item for item, _ in pairs))
    again: set[tuple[str, str]] = set()
    for (body,) in await connection.fetch(SQL["conflicts_of_items"], items) if items else ():
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
    ready: Sequence[Movement],
    settled: Sequence[Told],
    care: dict[Pair, tuple[bool, datetime | None]],
    now: datetime,
    allow_negative: AllowNegative,
    drawn: Drawn | None,
) -> dict[int, tuple[Movement, str]]:
    """Adds the movements to stock and balances; takes back, of `ready`, those that would leave less than nothing, by their identity."""
    split = {pair for pair, (divided, _) in care.items() if divided}
    everything = [*ready, *(t.movement for t in settled)] if settled else ready
    plain = not split and all(m.owner == "own" and not m.lot and not m.entity for m in everything)
    if not plain:
        fresh = {
            pair
            for m in everything
            if m.owner == "own" and (m.lot or m.entity)
            for pair in ((m.item, m.site), (m.item, m.to_site or m.site))
        } - split
        if fresh:
            ordered = sorted(fresh)
            await connection.execute(SQL["split_stock"], [i for i, _ in ordered], [s for _, s in ordered])
            split |= fresh
    if drawn is not None and plain:
        stock, balances, amounts = drawn.added, Sums(), drawn.amounts
    else:
        stock, balances = _sums(everything, split, plain)
        amounts = _amounts(stock)
    refused: dict[int, tuple[Movement, str]] = {}
    decided = {t.movement.item for t in settled}
    while short := await _apply(connection, stock, amounts, balances, split, now):
        short = {position: left for position, left in short.items() if position.item not in decided}
        taken = _take_back(short, [m for m in ready if id(m) not in refused], allow_negative) if short else {}
        if not taken:
            break
        refused |= taken
        stock, balances = _sums([m for m, _ in taken.values()], split, plain)
        for sums in (stock, balances):
            for row in sums.values():
                row[:] = [None if q is None else -q for q in row]
        amounts = _amounts(stock)
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


async def _draw_up(movements: Sequence[Movement], now: datetime) -> Drawn:
    """In three parts, so that whatever waits for the database meanwhile is heard between them."""
    added = _sums_of_own(movements)
    await asyncio.sleep(0)
    amounts = _amounts(added)
    await asyncio.sleep(0)
    return Drawn(_rows(movements, now), added, amounts)


def _sums_of_own(movements: Iterable[Movement]) -> Sums:
    """What movements of our own goods add to each row of stock, by place."""
    stock: Sums = {}
    for m in movements:
        quantity, pair = m.quantity, (m.item, m.site)
        row = stock.get(pair)
        if row is None:
            row = stock[pair] = _NOTHING.copy()
        column = _COLUMN[id(m.origin)]
        there = row[column]
        row[column] = -quantity if there is None else there - quantity
        if m.to_site:
            pair = (m.item, m.to_site)
            row = stock.get(pair)
            if row is None:
                row = stock[pair] = _NOTHING.copy()
        column = _COLUMN[id(m.destination)]
        there = row[column]
        row[column] = quantity if there is None else there + quantity
    return stock


def _sums(movements: Sequence[Movement], split: set[Pair], plain: bool) -> tuple[Sums, Sums]:
    """What the movements add to each row of stock and of balances, by place."""
    stock = _sums_of_own(movements if plain else (m for m in movements if m.owner == "own"))
    balances: Sums = {}
    for m in () if plain else movements:
        source = (m.item, m.site)
        target = (m.item, m.to_site) if m.to_site else source
        for pair, place, amount in ((source, m.origin, -m.quantity), (target, m.destination, m.quantity)):
            if m.owner != "own" or pair in split:
                row = balances.setdefault((*pair, m.lot, m.owner, m.entity), _NOTHING.copy())
                row[_COLUMN[id(place)]] = (row[_COLUMN[id(place)]] or 0) + amount
    return stock, balances


def _columns(keys: Sequence[Any], sums: Sums) -> list[str]:
    """The amounts of each place as a list of texts, empty where there is none."""
    columns = zip(*[sums[key] for key in keys], strict=True)
    return [SEPARATOR.join(["" if q is None else str(q) for q in column]) for column in columns]


def _amounts(stock: Sums) -> list[str]:
    """Items, sites and what is added in each place, as `add_to_stock` takes them, in the order of (item, site)."""
    keys = sorted(stock)
    return [listed([item for item, _ in keys]), listed([site for _, site in keys]), *_columns(keys, stock)]


async def _apply(
    connection: Any, stock: Sums, amounts: Sequence[str], balances: Sums, split: set[Pair], now: datetime
) -> dict[Position, Decimal]:
    """Writes the sums; gives the positions of ours that they left with less than nothing."""
    short: dict[Position, Decimal] = {}
    if stock:
        rows = await connection.fetch(SQL["add_to_stock"], *amounts[:2], now, *amounts[2:])
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
    short: dict[Position, Decimal], ready: Sequence[Movement], allow_negative: AllowNegative
) -> dict[int, tuple[Movement, str]]:
    """Which movements out of these positions cannot have been: those that are left when what came in, what policy allows, and then what went out in the order
    of its time have been taken."""
    taken: dict[int, tuple[Movement, str]] = {}
    out: dict[Position, list[Movement]] = {}
    for m in ready:
        origin = origin_of(m)
        if origin in short and destination_of(m) != origin:
            out.setdefault(origin, []).append(m)
    for position, left in short.items():
        going = [m for m in out.get(position, ()) if id(m) not in taken and not allow_negative(m)]
        there = left + sum((m.quantity for m in going), Decimal(0))
        for m in sorted(going, key=lambda m: m.occurred_at):
            if m.quantity and there < m.quantity:
                taken[id(m)] = (m, f"{there} in {position.place}, {m.quantity} were to go")
            else:
                there -= m.quantity
    return taken


def _rows(movements: Sequence[Movement], now: datetime) -> bytes | None:
    """Movements as text for COPY, which Python makes at half the price of PostgreSQL's binary format; None where a text would have to be escaped."""
    nothing, at = SEPARATOR, str(now)
    rows = [
        "\t".join(
            (
                m.source,
                m.source_id,
                m.kind,
                m.item,
                m.site,
                m.to_site,
                m.origin,
                m.destination,
                str(m.quantity),
                m.lot,
                m.owner,
                m.entity,
                str(m.occurred_at),
                at,
                m.stream,
                nothing if m.sequence is None else str(m.sequence),
                m.reason,
                m.reference,
                m.line,
                nothing if m.message is None else str(m.message),
                nothing,
            )
        )
        for m in movements
    ]
    text = "\n".join(rows)
    plain = text.count("\t") == len(rows) * (len(COLUMNS) - 1) and text.count("\n") == max(len(rows) - 1, 0)
    if not plain or "\\" in text or "\r" in text or SEPARATOR in text.replace(f"\t{SEPARATOR}", ""):
        return None
    return text.encode()


async def _copy(
    connection: Any, ready: Sequence[Movement], settled: Sequence[Told], now: datetime, rows: bytes | None
) -> None:
    """Writes movements; `rows` are the ready ones as text, where they can be."""
    if rows and not settled:
        await connection.copy_to_table(
            "movements", source=BytesIO(rows), columns=COLUMNS, format="text", null=SEPARATOR
        )
        return
    if not ready and not settled:
        return
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
            for t in (*map(Told, ready), *settled)
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


async def _close_conflicts(connection: Any, recorded: Sequence[Movement], now: datetime) -> set[tuple[str, str]]:
    """Closes the conflicts of what has been recorded after all; gives which those were."""
    rows = await connection.fetch(
        SQL["close_conflicts"], [m.source for m in recorded], [m.source_id for m in recorded], now
    )
    return {(source, source_id) for source, source_id in rows}
