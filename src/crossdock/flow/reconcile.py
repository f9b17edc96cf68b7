"""Reconcile: a snapshot that has come due is held against our books, and what has changed about how they differ is told. Repair, and leave alone, by a person's word.

A difference is told once, again when its quantity or cause changes, and once more when it is gone. What is in flight or awaited is kept and not told. A snapshot is compared
when the movements around its moment have had their time to come, and again every hour while something of it stands open.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.facts import Fact
from crossdock.facts.variance import RepairApproved, VarianceFound, VarianceGone, VarianceIgnored, VarianceRepaired
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ports.reconcile import Catalogue, Comparing, Items, ReconcileBooks, Repairing, Run
from crossdock.process.variance import variance_key
from crossdock.reconcile.evidence import Seen, Terms, Where
from crossdock.reconcile.stock import Difference, explain

SOURCE = "reconcile"
REPAIR = "repair"
"""The source of the movements that repair."""
AGAIN = timedelta(hours=1)
"""After so long a snapshot with open differences is compared again: what was missing may have come."""
DOUBTED_SHARE, DOUBTED_LEAST = Decimal("0.25"), 1000
"""Where more than this share of a snapshot's lines (and at least so many) are drift, it is the snapshot that is doubted, and no variance is told."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair may do. units, amount: at most so much; None: no such limit. An amount that is not known is above every limit of money."""

    units: Decimal | None = None
    amount: Decimal | None = None


class Refused(Exception):
    """A repair that may not be made; says why."""


def nothing_known(items: Sequence[str]) -> Catalogue:
    """A catalogue without values and packs."""
    return Catalogue()


async def reconcile_once(
    books: ReconcileBooks,
    now: datetime,
    items: Items = nothing_known,
    terms: Terms | None = None,
    again: timedelta = AGAIN,
) -> int:
    """Compares the oldest snapshot that is due, if there is one; returns how many were compared (0 or 1)."""
    async with books.comparing(now) as comparing:
        if comparing is None:
            return 0
        await _compare(comparing, now, items, terms or Terms(), again)
        return 1


async def reconcile_system(
    books: ReconcileBooks,
    system: str,
    now: datetime,
    items: Items = nothing_known,
    terms: Terms | None = None,
    as_of: datetime | None = None,
    snapshot: int | None = None,
) -> Run | None:
    """Compares the latest snapshot of a system (at or before `as_of`; that very one) at once; None where there is none."""
    async with books.comparing(now, system, as_of, snapshot) as comparing:
        if comparing is None:
            return None
        return await _compare(comparing, now, items, terms or Terms(), AGAIN)


async def _compare(comparing: Comparing, now: datetime, items: Items, terms: Terms, again: timedelta) -> Run:
    snapshot = comparing.snapshot
    outcome = Run(run=comparing.run, snapshot=snapshot.id, system=snapshot.system, as_of=snapshot.as_of)
    if await comparing.overtaken():
        outcome = replace(outcome, note="a later snapshot of these sites has been compared already")
        await comparing.finish((), (), (), outcome, None, now)
        return outcome
    rows = await comparing.unequal()
    if len(rows) >= DOUBTED_LEAST and len(rows) > DOUBTED_SHARE * max(snapshot.lines, 1):
        note = f"{len(rows)} positions differ from a snapshot of {snapshot.lines} lines: it is not believed"
        outcome = replace(outcome, differing=len(rows), note=note)
        await comparing.finish((), (), (), outcome, None, now)
        return outcome
    standing = await comparing.standing()
    seen = {where: how for where, (_, how) in standing.items()}
    catalogue = items(sorted({row.where.item for row in rows}))
    around = await comparing.evidence(rows, seen, catalogue, terms)
    differences = explain(rows, snapshot.system, snapshot.as_of, around, now, terms)
    facts, gone = _news(comparing, differences, standing)
    amounts = [abs(d.amount) for d in differences if d.drift and d.amount is not None]
    outcome = replace(
        outcome,
        differing=len(differences),
        timing=sum(not d.drift for d in differences),
        found=sum(isinstance(fact.data, VarianceFound) for fact in facts),
        gone=sum(isinstance(fact.data, VarianceGone) for fact in facts),
        amount=sum(amounts, Decimal(0)) if amounts else None,
    )
    await comparing.finish(differences, gone, facts, outcome, now + again if differences else None, now)
    return outcome


def _news(
    comparing: Comparing, differences: Sequence[Difference], standing: Mapping[Where, tuple[str, Seen]]
) -> tuple[list[Fact], list[Where]]:
    """What is to be told, and the positions that differ no more."""
    snapshot, run = comparing.snapshot, comparing.run
    facts: list[Fact] = []
    differing = set()
    for d in differences:
        differing.add(d.where)
        status, before = standing.get(d.where, ("", None))
        if d.drift:
            changed = before is None or (before.quantity, before.cause) != (d.quantity, d.cause)
            if status != "open" or changed:
                facts.append(
                    _told(snapshot.system, d.where, run, snapshot.as_of, _found(d, snapshot.system, comparing))
                )
        elif status == "open":
            facts.append(
                _told(snapshot.system, d.where, run, snapshot.as_of, VarianceGone(run=run, as_of=snapshot.as_of))
            )
    gone = [where for where in standing if where not in differing]
    facts.extend(
        _told(snapshot.system, where, run, snapshot.as_of, VarianceGone(run=run, as_of=snapshot.as_of))
        for where in gone
        if standing[where][0] == "open"
    )
    return facts, gone


def _told(system: str, where: Where, run: int, as_of: datetime, data: Any) -> Fact:
    key = variance_key(system, where.item, where.site, where.place.value, where.lot, where.owner)
    return Fact(key=key, data=data, source=SOURCE, source_id=f"{key}#{run}", occurred_at=as_of)


def _found(d: Difference, system: str, comparing: Comparing) -> VarianceFound:
    return VarianceFound(
        system=system,
        run=comparing.run,
        snapshot=comparing.snapshot.id,
        item=d.where.item,
        site=d.where.site,
        place=d.where.place.value,
        lot=d.where.lot,
        owner=d.where.owner,
        ours=d.ours,
        theirs=d.theirs,
        quantity=d.quantity,
        cause=d.cause.value,
        confidence=d.confidence,
        detail=d.detail,
        evidence=d.evidence,
        as_of=d.as_of,
        first_as_of=d.first_as_of,
        amount=d.amount,
        also=d.also,
    )


def ignored(key: str, quantity: Decimal, who: str, reason: str, until: datetime, now: datetime) -> Fact:
    """The fact that somebody leaves a difference of `quantity` alone."""
    data = VarianceIgnored(who=who, reason=reason, until=until, quantity=quantity)
    return Fact(key=key, data=data, source=SOURCE, source_id=f"{key}/ignored/{now.isoformat()}", occurred_at=now)


async def repair(
    books: ReconcileBooks, key: str, who: str, reason: str, now: datetime, limits: Limits | None = None
) -> Movement:
    """Adjusts our books by what a variance differs, as of the moment at which it was found: so that all that happened since stands on it. Raises KeyError where there is no
    such variance (or its snapshot is gone), Refused where it may not be made."""
    if not who.strip() or not reason.strip():
        raise Refused("a repair needs somebody who answers for it and a reason")
    async with books.repairing(key) as found:
        if found is None:
            raise KeyError(key)
        _guard(found, limits or Limits())
        movement = _adjustment(found, reason)
        quantity = found.quantity
        approved = RepairApproved(who=who, reason=reason, run=found.run, quantity=quantity)
        done = VarianceRepaired(run=found.run, quantity=quantity, movement=f"{movement.source}:{movement.source_id}")
        facts = [
            Fact(key=key, data=data, source=SOURCE, source_id=f"{movement.source_id}/{word}", occurred_at=now)
            for word, data in (("approved", approved), ("repaired", done))
        ]
        refused = await found.adjust(movement, facts, now)
        if refused:
            raise Refused(refused)
        return movement


def _guard(found: Repairing, limits: Limits) -> None:
    if found.status != "open":
        raise Refused("there is nothing to repair: the books agree, or what differs is in flight")
    if found.now_differs - found.in_flight != found.quantity:
        raise Refused(
            f"the difference has changed since it was found: {found.quantity.normalize():f} then, "
            f"{(found.now_differs - found.in_flight).normalize():f} now; reconcile again"
        )
    if found.counted_since:
        raise Refused("it was counted there since the snapshot; the next snapshot tells whether anything is left")
    if limits.units is not None and abs(found.quantity) > limits.units:
        raise Refused(
            f"{abs(found.quantity).normalize():f} units are more than the {limits.units} that may be repaired"
        )
    if limits.amount is not None:
        if found.amount is None:
            raise Refused("its value is not known, and repairs are limited by value")
        if abs(found.amount) > limits.amount:
            raise Refused(f"{abs(found.amount)} is more than the {limits.amount} that may be repaired")


def _adjustment(found: Repairing, reason: str) -> Movement:
    where, inwards = found.where, found.quantity > 0
    return Movement(
        source=REPAIR,
        source_id=f"{found.key}#{found.run}",
        kind=Kind.ADJUST,
        item=where.item,
        site=where.site,
        quantity=abs(found.quantity),
        origin=Place.ADJUSTMENT if inwards else where.place,
        destination=where.place if inwards else Place.ADJUSTMENT,
        occurred_at=found.as_of,
        lot=where.lot,
        owner=where.owner,
        entity=found.entity,
        reason=reason,
        reference=found.key,
    )
