"""Stock against what a warehouse (or any system) says it has: compare(ours, theirs, what is known around it) -> differences, each with its likely cause.

Ours are the books as of the snapshot's own moment. Where they agree nothing is said; movements in flight around that moment are told from drift, and what a missing
message may still explain is waited for. What was seen at an earlier comparison keeps its age and cause, and only what has changed since is explained anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from crossdock.ledger.snapshot import Snapshot
from crossdock.reconcile.causes import (
    NOTHING,
    Around,
    Cause,
    Explanation,
    Open,
    gaps_for,
    in_flight,
    likely,
    missing,
    moved_between,
)
from crossdock.reconcile.evidence import Evidence, Seen, Terms, Unequal, Where

UNEXPLAINED = Explanation(Cause.UNKNOWN, NOTHING, "nothing that is known here explains it")


class Difference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position about which the books differ. quantity: drift, theirs less ours less what is `in_flight`; amount: its money, signed as the quantity is,
    None without a value. since: the comparison before it came up; first_as_of: the first that saw it. also: causes of what was there before it changed."""

    where: Where
    ours: Decimal
    theirs: Decimal
    quantity: Decimal
    as_of: datetime
    first_as_of: datetime
    cause: Cause
    confidence: Decimal = NOTHING
    detail: str = ""
    evidence: tuple[str, ...] = ()
    amount: Decimal | None = None
    in_flight: Decimal = NOTHING
    since: datetime | None = None
    also: tuple[str, ...] = ()

    @property
    def drift(self) -> bool:
        """Whether it is one that somebody has to look at; timing is not."""
        return self.cause is not Cause.TIMING


def unequal(ours: Mapping[Where, Decimal], theirs: Snapshot) -> list[Unequal]:
    """The positions about which the books differ, among those that the snapshot speaks of: its sites, places and owners ("own" always). A snapshot that names no lot
    is compared without lots. The store finds the same rows (`unequal_positions`)."""
    lots = any(line.lot for line in theirs.lines)
    sites = frozenset(theirs.sites) or {line.site for line in theirs.lines}
    places = {*theirs.places, *(line.place for line in theirs.lines)}
    owners = {"own", *(line.owner for line in theirs.lines)}
    here: dict[Where, Decimal] = defaultdict(Decimal)
    there: dict[Where, Decimal] = defaultdict(Decimal)
    for where, quantity in ours.items():
        if where.site in sites and where.place in places and where.owner in owners:
            here[where if lots else replace(where, lot="")] += quantity
    for line in theirs.lines:
        if line.site in sites:
            there[Where(line.item, line.site, line.place, line.lot if lots else "", line.owner)] += line.quantity
    asked = {*here, *there} if theirs.whole else set(there)
    rows = [Unequal(where, here.get(where, NOTHING), there.get(where, NOTHING)) for where in sorted(asked)]
    return [row for row in rows if row.ours != row.theirs]


def compare(
    ours: Mapping[Where, Decimal], theirs: Snapshot, evidence: Evidence, now: datetime, terms: Terms | None = None
) -> list[Difference]:
    """The differences between our books as of the snapshot's moment and the snapshot, looked at from `now`."""
    return explain(unequal(ours, theirs), theirs.system, theirs.as_of, evidence, now, terms)


def explain(
    rows: Iterable[Unequal],
    system: str,
    as_of: datetime,
    evidence: Evidence,
    now: datetime,
    terms: Terms | None = None,
) -> list[Difference]:
    """What each of the differing rows is, in the order of positions. Rows are all that differ of what was compared: pairs that cancel are found among them."""
    at = Around(system=system, as_of=as_of, now=now, terms=terms or Terms(), evidence=evidence)
    found: list[Difference] = []
    pending: dict[str, list[tuple[Open, Difference]]] = defaultdict(list)
    for row in rows:
        plain = _plain(row, at)
        settled, rest = _seen_before(row, plain, at)
        if rest is None:
            found.append(settled)
        else:
            pending[row.where.item].append((rest, settled))
    open_items: list[list[tuple[Open, Difference]]] = []
    for each in pending.values():
        told, left = _of_one_item(each, at)
        found.extend(told)
        open_items.extend(left)
    found.extend(_by_gaps(open_items, at))
    return sorted((_valued(each, evidence) for each in found), key=lambda each: each.where)


def _plain(row: Unequal, at: Around) -> Difference:
    return Difference(
        where=row.where,
        ours=row.ours,
        theirs=row.theirs,
        quantity=row.theirs - row.ours,
        as_of=at.as_of,
        first_as_of=at.as_of,
        cause=Cause.UNKNOWN,
        since=at.evidence.since,
    )


def _as(difference: Difference, explanation: Explanation) -> Difference:
    return replace(
        difference,
        cause=explanation.cause,
        confidence=explanation.confidence,
        detail=explanation.detail,
        evidence=explanation.evidence,
    )


def _as_before(difference: Difference, seen: Seen) -> Difference:
    return replace(
        difference,
        quantity=seen.quantity,
        first_as_of=seen.first_as_of,
        since=seen.since,
        cause=Cause(seen.cause),
        confidence=seen.confidence,
        detail=seen.detail,
        evidence=seen.evidence,
    )


def _seen_before(row: Unequal, plain: Difference, at: Around) -> tuple[Difference, Open | None]:
    """The difference with what is certain of it, and what is left to be explained (None: nothing)."""
    total, seen = plain.quantity, at.evidence.seen.get(row.where)
    start = at.evidence.since or at.as_of - at.terms.look_back
    if seen is None:
        flying = in_flight(row.where, total, at)
        if flying is not None:
            return replace(_as(plain, flying), quantity=NOTHING, in_flight=total), None
        return plain, Open(row, total, start, at.as_of)
    before = seen.quantity + (seen.in_flight if seen.cause == Cause.TIMING else NOTHING)
    began = seen.since or seen.first_as_of - at.terms.look_back
    aged = replace(plain, first_as_of=seen.first_as_of, since=seen.since)
    if seen.cause != Cause.TIMING:
        if total == before:
            return _as_before(plain, seen), None
        if in_flight(row.where, total - before, at) is not None:
            return replace(_as_before(plain, seen), in_flight=total - before), None
        if (flying := in_flight(row.where, total, at)) is not None:
            return replace(_as(plain, flying), quantity=NOTHING, in_flight=total), None
        also = (seen.cause,)
        return replace(aged, also=also), Open(row, total - before, max(seen.as_of, began), at.as_of)
    # Timing passes: a difference that stays the same while the moment moves on was never in flight.
    moved_on = at.as_of - seen.first_as_of > at.terms.grace
    if not (total == before and moved_on):
        if (flying := in_flight(row.where, total, at)) is not None:
            return replace(_as(plain, flying), quantity=NOTHING, in_flight=total), None
        if moved_on and in_flight(row.where, total - before, at) is not None:
            rest = Open(row, before, began, seen.first_as_of)
            return replace(aged, quantity=before, in_flight=total - before), rest
    return aged, Open(row, total, began, seen.first_as_of)


Pending = tuple[Open, Difference]


def _of_one_item(pending: Sequence[Pending], at: Around) -> tuple[list[Difference], list[list[Pending]]]:
    """What the item's own movements explain, and the rest: positions, or pairs of them, which only a missing message may explain."""
    told: list[Difference] = []
    left: list[list[Pending]] = []
    waiting = list(pending)
    while waiting:
        first = waiting.pop(0)
        second = next((each for each in waiting if _cancel(first[0], each[0])), None)
        if second is not None:
            waiting.remove(second)
            left.append([first, second])
        elif (why := likely(first[0], at)) is not None:
            told.append(_as(first[1], why))
        else:
            left.append([first])
    return told, left


def _cancel(one: Open, other: Open) -> bool:
    same = (one.where.site, one.where.owner) == (other.where.site, other.where.owner)
    across = (one.where.place is other.where.place) != (one.where.lot == other.where.lot)
    return same and across and one.rest == -other.rest


def _by_gaps(left: Sequence[Sequence[Pending]], at: Around) -> list[Difference]:
    """Positions by themselves are put down to missing messages before pairs are: a pair has another good reason."""
    # What several gaps may have told of uses up none of them for sure.
    numbers = {gap.id for gap in at.evidence.gaps}
    named = [numbers.intersection(seen.evidence) for seen in at.evidence.seen.values()]
    used = {id_ for ids in named if len(ids) == 1 for id_ in ids}
    found: list[Difference] = []
    singles = [group[0] for group in left if len(group) == 1]
    pairs = [(group[0], group[1]) for group in left if len(group) == 2]
    competing: dict[str, int] = defaultdict(int)
    for open_, _ in singles:
        competing[open_.where.site] += 1
    for open_, difference in singles:
        own = at.evidence.seen.get(open_.where)
        gaps = gaps_for(open_, at, used - set(own.evidence if own else ()))
        why = missing(open_, gaps, competing[open_.where.site], at) if gaps else UNEXPLAINED
        found.append(_as(difference, why))
    for one, other in pairs:
        why = moved_between(one[0], other[0], at)
        if why.cause is Cause.STATUS_MIX_UP:
            own_names = {i for p in (one, other) if (s := at.evidence.seen.get(p[0].where)) for i in s.evidence}
            gaps = gaps_for(one[0], at, used - own_names)
            free = len(gaps) - competing[one[0].where.site]
            told = any(at.evidence.movements.get(one[0].where.item, ())) and bool(why.evidence)
            if free > 0 and not told:
                why = missing(one[0], gaps, 1 + competing[one[0].where.site], at)
        found.extend((_as(one[1], why), _as(other[1], why)))
    return found


def _valued(difference: Difference, evidence: Evidence) -> Difference:
    value = evidence.values.get(difference.where.item)
    return difference if value is None else replace(difference, amount=difference.quantity * value)
