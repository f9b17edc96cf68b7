"""Why the books differ about one item: what movements, packs, owed confirmations and missing messages can explain, each with how sure it is and why.

An explanation must give the very quantity; nothing here explains a difference roughly. What nothing explains is `unknown`.
"""

import enum
from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations

import msgspec

from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.reconcile.evidence import Evidence, Gap, Owed, Terms, Unequal, Where, leg

NOTHING = Decimal(0)
MANY = 12
"""Of more movements around the moment than this, only those next to each other are taken together: any sum could be found among them."""


_Moved = tuple[Movement, Decimal]


class Cause(enum.StrEnum):
    """missing-message: one side was never told of a movement. doubled-adjustment: one side counted a movement twice. unit-mix-up: packs were taken for single
    units or the other way round. status-mix-up: goods stand in another place (or lot) on one side. timing: in flight or awaited, no drift (yet). unknown: nothing
    that is known explains it."""

    MISSING_MESSAGE = "missing-message"
    DOUBLED_ADJUSTMENT = "doubled-adjustment"
    UNIT_MIX_UP = "unit-mix-up"
    STATUS_MIX_UP = "status-mix-up"
    TIMING = "timing"
    UNKNOWN = "unknown"


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """A likely cause. confidence: 0 to 1. evidence: ids of movements ("source:source_id"), gaps ("source:stream#sequence") and owed confirmations."""

    cause: Cause
    confidence: Decimal
    detail: str
    evidence: tuple[str, ...] = ()


class Open(msgspec.Struct, frozen=True, gc=False):
    """What is left to explain of a position: `rest` came up after `since`. told_at: the snapshot's moment in which it was seen first."""

    row: Unequal
    rest: Decimal
    since: datetime
    first_as_of: datetime

    @property
    def where(self) -> Where:
        return self.row.where


class Around(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The moment that is compared, and from when it is looked at."""

    system: str
    as_of: datetime
    now: datetime
    terms: Terms
    evidence: Evidence


def id_of(movement: Movement) -> str:
    """How evidence quotes a movement."""
    return f"{movement.source}:{movement.source_id}"


def _sure(text: str) -> Decimal:
    return Decimal(text)


def in_flight(where: Where, quantity: Decimal, at: Around) -> Explanation | None:
    """Whether movements within the grace around the snapshot's moment account for `quantity`: one that it has or lacks, all behind (before) a moment of its own,
    two, or, among few, any of them."""
    early: list[_Moved] = []
    late: list[_Moved] = []
    for movement in at.evidence.movements.get(where.item, ()):
        if abs(movement.occurred_at - at.as_of) <= at.terms.grace and (moved := leg(movement, where)):
            # Ours has what happened up to the moment: theirs may lack it. Ours lacks what came after: theirs may have it.
            (early if movement.occurred_at <= at.as_of else late).append(
                (movement, -moved if movement.occurred_at <= at.as_of else moved)
            )
    early.sort(key=lambda pair: pair[0].occurred_at, reverse=True)
    late.sort(key=lambda pair: pair[0].occurred_at)
    for chosen in _choices(early, late):
        if sum((moved for _, moved in chosen), NOTHING) == quantity:
            names = tuple(id_of(movement) for movement, _ in chosen)
            what = "movement" if len(names) == 1 else "movements"
            detail = f"{len(names)} {what} within {_span(at.terms.grace)} of the snapshot account{'s' if len(names) == 1 else ''} for it"
            return Explanation(Cause.TIMING, _sure("0.9"), detail, names)
    return None


def _choices(early: Sequence[_Moved], late: Sequence[_Moved]) -> Iterator[Sequence[_Moved]]:
    for side in (early, late):
        yield from ([each] for each in side)
        yield from (side[:n] for n in range(2, len(side) + 1))
    every = [*early, *late]
    if len(every) <= MANY:
        for n in (2, 3):
            yield from combinations(every, n)


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return (
        f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:.3g} min" if seconds < 3600 else f"{seconds / 3600:.3g} h"
    )


def likely(open_: Open, at: Around) -> Explanation | None:
    """The best explanation of one position by itself; None when only a missing message could be the reason, or nothing."""
    found = [*_doubled(open_, at), *_units(open_, at), *_owed(open_, at), *_lacking(open_, at)]
    return max(found, key=lambda each: each.confidence, default=None)


def _recent(open_: Open, at: Around) -> Iterator[tuple[Movement, Decimal]]:
    low, high = open_.since - at.terms.grace, at.as_of + at.terms.grace
    for movement in at.evidence.movements.get(open_.where.item, ()):
        # What happened before the books agreed last, and was told after that, came up since as well.
        new = low <= movement.occurred_at or (movement.recorded_at is not None and low <= movement.recorded_at)
        if new and movement.occurred_at <= high and (moved := leg(movement, open_.where)):
            yield movement, moved


def twin_of(movement: Movement, among: Sequence[Movement], within: timedelta) -> Movement | None:
    """A movement that says the same under another id. Only adjustments may be told apart by their moment alone; all others by their reference too."""
    for other in among:
        if (
            other is not movement
            and other.kind is movement.kind
            and other.quantity == movement.quantity
            and (other.item, other.site, other.origin, other.destination, other.lot, other.owner)
            == (movement.item, movement.site, movement.origin, movement.destination, movement.lot, movement.owner)
            and (other.reference, other.line) == (movement.reference, movement.line)
            and (movement.kind is Kind.ADJUST or movement.reference)
            and other.reason == movement.reason
            and abs(other.occurred_at - movement.occurred_at) <= within
        ):
            return other
    return None


def _doubled(open_: Open, at: Around) -> Iterator[Explanation]:
    among = at.evidence.movements.get(open_.where.item, ())
    for movement, moved in _recent(open_, at):
        if moved == -open_.rest:
            twin = twin_of(movement, among, at.terms.twin)
            if twin is not None:
                sure = "0.95" if movement.reference else "0.9"
                detail = f"{id_of(movement)} and {id_of(twin)} say the same: ours counts it twice"
                yield Explanation(Cause.DOUBLED_ADJUSTMENT, _sure(sure), detail, (id_of(movement), id_of(twin)))
        elif moved == open_.rest and movement.kind is Kind.ADJUST and movement.source != at.system:
            detail = f"theirs differs by {id_of(movement)} once more: it seems to be counted twice there"
            yield Explanation(Cause.DOUBLED_ADJUSTMENT, _sure("0.75"), detail, (id_of(movement),))


def _units(open_: Open, at: Around) -> Iterator[Explanation]:
    factors = [f for f in at.evidence.factors.get(open_.where.item, ()) if f not in (0, 1)]
    if not factors:
        return
    theirs = open_.row.theirs
    expected = theirs - open_.rest
    for factor in factors:
        # What the snapshot says as a whole is in another unit.
        if expected and theirs and (theirs == expected * factor or theirs * factor == expected):
            more, less = (theirs, expected) if abs(theirs) > abs(expected) else (expected, theirs)
            detail = f"{more.normalize():f} is {factor.normalize():f} times {less.normalize():f}: one side tells packs"
            yield Explanation(Cause.UNIT_MIX_UP, _sure("0.9"), detail)
        for movement, moved in _recent(open_, at):
            if moved * (factor - 1) == open_.rest or moved - moved * factor == open_.rest * factor:
                meant = "packs" if abs(moved + open_.rest) > abs(moved) else "single units"
                detail = (
                    f"{id_of(movement)} told {movement.quantity.normalize():f}, and would account for it in {meant} of "
                    f"{factor.normalize():f}"
                )
                yield Explanation(Cause.UNIT_MIX_UP, _sure("0.92"), detail, (id_of(movement),))


_GIVES = {"receipt": 1, "transfer": 1, "shipment": -1}


def _owed(open_: Open, at: Around) -> Iterator[Explanation]:
    for owed in at.evidence.owed.get(open_.where.item, ()):
        fits = owed.site == open_.where.site and owed.since <= at.as_of and open_.where.owner == "own"
        # A transfer that has arrived is missed in transit and found in storage.
        arrived = owed.what == "transfer" and open_.where.place is Place.TRANSIT
        if fits and _GIVES[owed.what] * owed.quantity == (-open_.rest if arrived else open_.rest):
            detail = f"the {owed.what} {owed.id} of {owed.quantity.normalize():f} was never confirmed"
            gaps = gaps_for(open_, at)
            if awaited(gaps, open_, at):
                yield Explanation(Cause.TIMING, _sure("0.8"), f"{detail} yet", _names(owed, gaps))
            else:
                sure = "0.9" if gaps else "0.85"
                yield Explanation(Cause.MISSING_MESSAGE, _sure(sure), detail, _names(owed, gaps))


def _names(owed: Owed, gaps: Sequence[Gap]) -> tuple[str, ...]:
    return (owed.id, *(gap.id for gap in gaps[:5]))


def _lacking(open_: Open, at: Around) -> Iterator[Explanation]:
    for movement, moved in _recent(open_, at):
        if moved == -open_.rest and movement.source != at.system:
            detail = f"theirs lacks {id_of(movement)}, which {movement.source} told"
            yield Explanation(Cause.MISSING_MESSAGE, _sure("0.8"), detail, (id_of(movement),))


def gaps_for(open_: Open, at: Around, used: Set[str] = frozenset()) -> list[Gap]:
    """Missing messages, but for those `used` up, that may have told of this difference: of a stream that speaks of its site, missed since the books agreed. Those that were
    missed by the time that it was seen first come before all others, so that one missed later does not have it waited for again."""
    found = [
        gap
        for gap in at.evidence.gaps
        if gap.noticed_at > open_.since - at.terms.grace
        and (not gap.sites or open_.where.site in gap.sites)
        and gap.id not in used
    ]
    return [gap for gap in found if gap.noticed_at <= open_.first_as_of + at.terms.grace] or found


def awaited(gaps: Sequence[Gap], open_: Open, at: Around) -> bool:
    """Whether what is missing may still come: some gap is younger than the patience, or, where messages bear no numbers, the difference is."""
    if gaps:
        return any(at.now - gap.noticed_at < at.terms.patience for gap in gaps)
    return at.now - open_.first_as_of < at.terms.patience


def missing(open_: Open, gaps: Sequence[Gap], unexplained: int, at: Around) -> Explanation:
    """One of `gaps` should account for the difference; `unexplained` items of the site compete for them."""
    share = min(Decimal(1), Decimal(len(gaps)) / unexplained)
    sure = (Decimal("0.85") * share).quantize(Decimal("0.01"))
    names = tuple(gap.id for gap in gaps[:5])
    count = "a message is" if len(gaps) == 1 else f"{len(gaps)} messages are"
    if awaited(gaps, open_, at):
        return Explanation(Cause.TIMING, sure, f"{count} missing and may still come", names)
    return Explanation(Cause.MISSING_MESSAGE, sure, f"{count} missing since the books agreed", names)


def moved_between(one: Open, other: Open, at: Around) -> Explanation:
    """Two positions of an item differ by the same, the other way round: why, if no message is missing."""
    for first, second in ((one, other), (other, one)):
        for movement, moved in _recent(first, at):
            across = leg(movement, second.where)
            if (moved, across) == (-first.rest, -second.rest):
                twin = twin_of(movement, at.evidence.movements[one.where.item], at.terms.twin)
                if twin is not None:
                    detail = f"{id_of(movement)} and {id_of(twin)} say the same: ours counts it twice"
                    names = (id_of(movement), id_of(twin))
                    return Explanation(Cause.DOUBLED_ADJUSTMENT, _sure("0.9"), detail, names)
                if movement.source != at.system:
                    detail = f"theirs lacks {id_of(movement)}, which {movement.source} told"
                    return Explanation(Cause.MISSING_MESSAGE, _sure("0.8"), detail, (id_of(movement),))
            for factor in at.evidence.factors.get(one.where.item, ()):
                fits = [
                    part * (factor - 1) == whole or part - part * factor == whole * factor
                    for part, whole in ((moved, first.rest), (across, second.rest))
                ]
                if across and factor not in (0, 1) and all(fits):
                    detail = f"{id_of(movement)} told {movement.quantity.normalize():f}, in packs of {factor.normalize():f} or in single units"
                    return Explanation(Cause.UNIT_MIX_UP, _sure("0.9"), detail, (id_of(movement),))
    gone, come = (one, other) if one.rest < 0 else (other, one)
    told = [id_of(m) for m, moved in (*_recent(gone, at), *_recent(come, at)) if moved in (-gone.rest, -come.rest)]
    between = (
        f"{gone.where.place} to {come.where.place}"
        if gone.where.place is not come.where.place
        else f"lot {gone.where.lot or 'none'} to lot {come.where.lot or 'none'}"
    )
    detail = f"{abs(one.rest).normalize():f} moved from {between} there, not here"
    return Explanation(Cause.STATUS_MIX_UP, _sure("0.9" if told else "0.8"), detail, tuple(dict.fromkeys(told)))
