"""Stock set apart for orders: never more than there is, under any concurrency, and without deadlock.

Who gets what is planned by `ledger.planning`; here are the locks and the rows. All rows of stock that a plan may touch are locked first, in the one order, within the caller's
transaction; what was read before the locks is read again behind them, and should it reach further than what is locked, the locks are given back and taken anew.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.ledger.demand import Demand, ExpectedReceipt, Promise, Reservation
from crossdock.ledger.planning import FIRST_COME, Planning, pairs, plan
from crossdock.ports.stock import Pair
from crossdock.store.queries import SQL
from crossdock.store.stock_moving import lock, note_changed

NOTHING = Decimal(0)
TRIES = 8
"""How often the locks are taken anew before it is given up: each time, somebody else has changed the very same lines in between."""

Name = tuple[str, str]
"""(key, line)."""

_terms = msgspec.json.Encoder()
_demand = msgspec.json.Decoder(Demand)


class Standing(msgspec.Struct):
    """Lines as the store has them: what they want, what they have, and what they were promised."""

    demands: dict[Name, Demand]
    held: dict[Name, dict[Pair, Decimal]]
    promised: dict[Name, tuple[Decimal, date | None]]

    def pairs(self, names: Collection[Name]) -> set[Pair]:
        """All that these lines have, or may have."""
        found = {pair for name in names for pair in self.held.get(name, ())}
        return found.union(pairs(self.demands[name] for name in names if name in self.demands))


def _standing(demands: Sequence[Any], reservations: Sequence[Any]) -> Standing:
    held: dict[Name, dict[Pair, Decimal]] = {}
    for key, line, item, site, quantity in reservations:
        held.setdefault((key, line), {})[item, site] = quantity
    return Standing(
        {(key, line): _demand.decode(terms) for key, line, terms, _, _ in demands},
        held,
        {(key, line): (reserved, promised_on) for key, line, _, reserved, promised_on in demands},
    )


async def reserve(
    connection: Any,
    demands: Sequence[Demand],
    now: datetime,
    planning: Planning = FIRST_COME,
    *,
    whole: Collection[str] = (),
    shipped: Sequence[Reservation] = (),
    today: date | None = None,
) -> list[Promise]:
    """Sets apart what these lines want, as far as it is there, and gives back what they want no longer; gives a promise for each line that wants something else than before.

    The same demand again changes nothing and gives no promise. whole: orders of which `demands` names all lines; others that are stored give back what they have.
    shipped: what has left the house of what was set apart, by movements of this transaction: no longer held. today: the day from which receipts are dated; None: that of
    `now` in UTC. Raises ValueError when a line is given twice.
    """
    asked = {(demand.key, demand.line): demand for demand in demands}
    if len(asked) < len(demands):
        raise ValueError("a line was given twice to be reserved for")
    keys = sorted({demand.key for demand in demands} | set(whole) | {each.key for each in shipped})
    if not keys:
        return []

    async def read() -> Standing:
        return _standing(
            await connection.fetch(SQL["demands_of_keys"], keys),
            await connection.fetch(SQL["reservations_of_keys"], keys),
        )

    def wanted(stands: Standing) -> dict[Name, Demand]:
        changed = {name: d for name, d in asked.items() if stands.demands.get(name) != d}
        for name, stored in stands.demands.items():
            if name not in asked and name[0] in whole:
                changed[name] = replace(stored, quantity=NOTHING)
        for each in shipped:
            name = (each.key, each.line)
            if name in stands.demands:
                changed.setdefault(name, asked.get(name, stands.demands[name]))
        return {name: d for name, d in changed.items() if d.quantity > 0 or name in stands.demands}

    async def reach() -> tuple[Standing, dict[Name, Demand], set[Pair]]:
        stands = await read()
        changed = wanted(stands)
        return stands, changed, stands.pairs(changed).union(pairs(changed.values()))

    stands, changed, _ = await _locked(connection, reach, now)
    if not changed:
        return []
    gone: dict[Pair, Decimal] = {}
    for each in shipped:
        had = stands.held.get((each.key, each.line), {})
        out = min(each.quantity, had.get((each.item, each.site), NOTHING))
        if out > 0:
            had[each.item, each.site] -= out
            gone[each.item, each.site] = gone.get((each.item, each.site), NOTHING) + out
    promises = await _plan(connection, list(changed.values()), stands, now, planning, today, gone)
    return [promise for promise in promises if (promise.key, promise.line) in changed]


async def replan(
    connection: Any, limit: int, now: datetime, planning: Planning = FIRST_COME, *, today: date | None = None
) -> list[Promise]:
    """Plans anew for up to `limit` items at sites whose stock has changed: gives to those who wait, takes from soft reservations where more is reserved than there is.
    Gives the promises that are now others; empty, too, when nothing was to be planned. Items that another is planning are passed over."""
    due = [(item, site) for item, site in await connection.fetch(SQL["to_plan"], limit)]
    if not due:
        return []
    items, sites = [item for item, _ in due], [site for _, site in due]

    async def reach() -> tuple[Standing, dict[Name, Demand], set[Pair]]:
        names = [
            (key, line) for key, line in await connection.fetch(SQL["lines_to_plan"], items, sites, planning.preempt)
        ]
        stands = await _read_lines(connection, names)
        return stands, dict(stands.demands), stands.pairs(names).union(due)

    stands, waiting, _ = await _locked(connection, reach, now)
    await connection.execute(SQL["drop_changed"], "plan", items, sites)
    return _other(await _plan(connection, list(waiting.values()), stands, now, planning, today, {}), stands)


async def expire(
    connection: Any, now: datetime, limit: int = 1000, planning: Planning = FIRST_COME, *, today: date | None = None
) -> list[Promise]:
    """Gives back soft reservations that have expired, the earliest first; gives the promises that are now others."""

    async def reach() -> tuple[Standing, dict[Name, Demand], set[Pair]]:
        names = [(key, line) for key, line in await connection.fetch(SQL["expired_lines"], now, limit)]
        stands = await _read_lines(connection, names)
        return stands, dict(stands.demands), stands.pairs(names)

    stands, expired, _ = await _locked(connection, reach, now)
    return _other(await _plan(connection, list(expired.values()), stands, now, planning, today, {}), stands)


async def changed_for_offer(connection: Any, limit: int, now: datetime) -> list[Pair]:
    """Takes up to `limit` items at sites whose figures are to be offered anew. Their rows of stock are locked to the end of the transaction, so what is read
    of them from now on is what has last been committed; what changes later is noted again."""
    due = [(item, site) for item, site in await connection.fetch(SQL["changed_for_offer"], limit)]
    if due:
        await lock(connection, due, now)
        await connection.execute(SQL["drop_changed"], "offer", [i for i, _ in due], [s for _, s in due])
    return due


async def expect(connection: Any, receipts: Sequence[ExpectedReceipt], now: datetime) -> None:
    """Writes what is expected, by source's id and line; the last of those given twice stands. Those who wait for it are planned anew."""
    last = {(r.source, r.source_id, r.line): r for r in receipts}
    if not last:
        return
    names = sorted(last)
    ordered = [last[name] for name in names]
    parts = [list(part) for part in zip(*names, strict=True)]
    before = {(item, site) for item, site in await connection.fetch(SQL["receipts_known"], *parts)}
    await lock(connection, before.union((r.item, r.site) for r in ordered), now)
    told = await connection.fetch(
        SQL["save_receipts"],
        *parts,
        [r.kind for r in ordered],
        [r.item for r in ordered],
        [r.site for r in ordered],
        [r.quantity for r in ordered],
        [r.received for r in ordered],
        [r.due_on for r in ordered],
        [r.closed for r in ordered],
    )
    changed = {(item, site) for item, site in told}
    if changed:
        await note_changed(connection, dict.fromkeys(changed | before, True))


async def _read_lines(connection: Any, names: Sequence[Name]) -> Standing:
    keys, lines = [key for key, _ in names], [line for _, line in names]
    return _standing(
        await connection.fetch(SQL["demands_at"], keys, lines),
        await connection.fetch(SQL["reservations_at"], keys, lines),
    )


async def _locked(
    connection: Any, reach: Callable[[], Awaitable[tuple[Standing, dict[Name, Demand], set[Pair]]]], now: datetime
) -> tuple[Standing, dict[Name, Demand], set[Pair]]:
    """What `reach` gives when all the rows of stock that it speaks of are locked. They are given back before more are taken: never out of order."""
    first = await reach()
    wide = first[2]
    if not wide:
        return first
    for _ in range(TRIES):
        savepoint = connection.transaction()
        await savepoint.start()
        await lock(connection, wide, now)
        again = await reach()
        if again[2] <= wide:
            await savepoint.commit()
            return again
        await savepoint.rollback()
        wide = wide | again[2]
    raise TimeoutError("others have changed the same lines again and again: do it once more")


async def _plan(
    connection: Any,
    demands: Sequence[Demand],
    stands: Standing,
    now: datetime,
    planning: Planning,
    today: date | None,
    gone: Mapping[Pair, Decimal],
) -> list[Promise]:
    """Plans these lines over what is free, and writes what came out. Needs the locks."""
    if not demands:
        return []
    names = [(demand.key, demand.line) for demand in demands]
    touched = sorted(stands.pairs(names).union(pairs(demands)))
    items, sites = [item for item, _ in touched], [site for _, site in touched]
    free: dict[Pair, Decimal] = {}
    for item, site, storage, taken, reserved in await connection.fetch(SQL["what_is_free"], items, sites):
        held = reserved - gone.get((item, site), NOTHING)
        free[item, site] = storage + taken - max(held, taken)
    expected = [
        ExpectedReceipt(
            source=source,
            source_id=source_id,
            line=line,
            kind=kind,
            item=item,
            site=site,
            quantity=quantity,
            due_on=due_on,
            received=received,
        )
        for source, source_id, line, kind, item, site, quantity, due_on, received in await connection.fetch(
            SQL["receipts_at"], items, sites
        )
    ]
    claimed: dict[Pair, Decimal] = {}
    if expected:
        rows = await connection.fetch(
            SQL["claimed_at"],
            sorted({r.item for r in expected}),
            [key for key, _ in names],
            [line for _, line in names],
        )
        claimed = {(item, site): lacking for item, site, lacking in rows}
    held_now = [
        Reservation(key=name[0], line=name[1], item=pair[0], site=pair[1], quantity=quantity)
        for name in names
        for pair, quantity in stands.held.get(name, {}).items()
        if quantity > 0
    ]
    promises = plan(
        demands,
        free,
        expected,
        now=now,
        today=today or now.astimezone(UTC).date(),
        held=held_now,
        planning=planning,
        claimed=claimed,
    )
    revision = await connection.fetchval(SQL["next_revision"])
    promises = [replace(promise, revision=revision) for promise in promises]
    await _write(connection, demands, promises, stands, now, gone)
    return promises


async def _write(
    connection: Any,
    demands: Sequence[Demand],
    promises: Sequence[Promise],
    stands: Standing,
    now: datetime,
    gone: Mapping[Pair, Decimal],
) -> None:
    given: dict[Pair, Decimal] = {pair: -quantity for pair, quantity in gone.items()}
    saved: list[tuple[str, str, str, str, Decimal]] = []
    dropped: list[tuple[str, str, str, str]] = []
    for promise in promises:
        name = (promise.key, promise.line)
        had = stands.held.get(name, {})
        has = {(r.item, r.site): r.quantity for r in promise.reserved}
        for pair, quantity in has.items():
            saved.append((*name, *pair, quantity))
            given[pair] = given.get(pair, NOTHING) + quantity - had.get(pair, NOTHING)
        for pair, quantity in had.items():
            if pair not in has:
                dropped.append((*name, *pair))
                given[pair] = given.get(pair, NOTHING) - quantity
    if dropped:
        await connection.execute(SQL["drop_reservations"], *map(list, zip(*dropped, strict=True)))
    if saved:
        await connection.execute(SQL["save_reservations"], *map(list, zip(*saved, strict=True)))
    given = {pair: given[pair] for pair in sorted(given) if given[pair]}
    if given:
        await connection.execute(
            SQL["add_to_reserved"], [i for i, _ in given], [s for _, s in given], list(given.values()), now
        )
    await _write_demands(connection, demands, promises, stands, now)
    await note_changed(connection, {pair: quantity < 0 for pair, quantity in given.items()})


async def _write_demands(
    connection: Any, demands: Sequence[Demand], promises: Sequence[Promise], stands: Standing, now: datetime
) -> None:
    over = [d for d in demands if d.quantity <= 0]
    if over:
        await connection.execute(SQL["drop_demands"], [d.key for d in over], [d.line for d in over])
    kept = [(d, p) for d, p in zip(demands, promises, strict=True) if d.quantity > 0]
    waits = [(*pair, d.key, d.line) for d, p in kept if p.backordered and not _expired(d, now) for pair in pairs([d])]
    known = [name for name in ((d.key, d.line) for d in demands) if name in stands.demands]
    if known:
        await connection.execute(SQL["drop_waits"], [key for key, _ in known], [line for _, line in known])
    if waits:
        await connection.execute(SQL["save_waits"], *map(list, zip(*sorted(waits), strict=True)))
    if kept:
        await connection.execute(
            SQL["save_demands"],
            [d.key for d, _ in kept],
            [d.line for d, _ in kept],
            [d.item for d, _ in kept],
            [d.quantity for d, _ in kept],
            [sum((r.quantity for r in p.reserved), NOTHING) for _, p in kept],
            [_terms.encode(d).decode() for d, _ in kept],
            [d.priority for d, _ in kept],
            [d.asked_at for d, _ in kept],
            [d.needed_on for d, _ in kept],
            [None if d.firm or _expired(d, now) else d.expires_at for d, _ in kept],
            [p.promised_on for _, p in kept],
            kept[0][1].revision,
        )


def _expired(demand: Demand, now: datetime) -> bool:
    return not demand.firm and demand.expires_at is not None and demand.expires_at <= now


def _other(promises: Sequence[Promise], stands: Standing) -> list[Promise]:
    """Those promises that are not what stood."""
    return [
        promise
        for promise in promises
        if {(r.item, r.site): r.quantity for r in promise.reserved} != stands.held.get((promise.key, promise.line), {})
        or promise.promised_on != stands.promised[promise.key, promise.line][1]
    ]
