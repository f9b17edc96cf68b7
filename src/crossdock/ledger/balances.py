"""Movements to balances: the fold that the store keeps and must equal, counts settled as of their own moment, and the figures that people ask for.

Movements are folded in the order in which they happened, so the order of arrival changes nothing. A count stands for what its moment found: a movement that
happened before it and is heard of later is taken back by a correction at the count's moment.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from crossdock.ledger.movement import ON_HAND, OURS, Kind, Movement, Place, Position

NOTHING = Decimal(0)

Balances = dict[Position, Decimal]


class Figures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What there is of our own stock of an item at a site. in_transit: on the way to it. available: what can be sold from the shelf now; below nothing where
    more is reserved than there is."""

    on_hand: Decimal = NOTHING
    allocated: Decimal = NOTHING
    picked: Decimal = NOTHING
    in_transit: Decimal = NOTHING
    damaged: Decimal = NOTHING
    quarantined: Decimal = NOTHING
    reserved: Decimal = NOTHING
    available: Decimal = NOTHING


class Negative(msgspec.Struct, frozen=True, gc=False):
    """Less than nothing in a place of ours: a movement is missing, doubled or wrong. A finding, never an error: the movements stand as they were told."""

    position: Position
    quantity: Decimal

    def __str__(self) -> str:
        where = f"{self.position.place} at {self.position.site}"
        return f"{self.quantity} of {self.position.item} in {where}: more went out than ever came in"


def happened(movement: Movement) -> tuple[datetime, bool, str, str]:
    """The order in which movements happened. A count comes behind all else of its moment: it found what they left."""
    return movement.occurred_at, movement.kind is Kind.COUNT, movement.source, movement.source_id


def origin_of(movement: Movement) -> Position:
    """What the movement takes from."""
    return Position(movement.item, movement.site, movement.origin, movement.lot, movement.owner, movement.entity)


def destination_of(movement: Movement) -> Position:
    """What the movement gives to; of a count as it was told, what was counted."""
    site = movement.to_site or movement.site
    return Position(movement.item, site, movement.destination, movement.lot, movement.owner, movement.entity)


def once(movements: Iterable[Movement]) -> list[Movement]:
    """Each (source, source's id) once: the first that was told stays."""
    known: dict[tuple[str, str], Movement] = {}
    for movement in movements:
        known.setdefault((movement.source, movement.source_id), movement)
    return list(known.values())


def settle(count: Movement, there: Decimal) -> Movement:
    """A count as it moves, when the books had `there` in the place that was counted: the difference, from or to `adjustment`."""
    if count.quantity >= there:
        return replace(count, quantity=count.quantity - there)
    return replace(count, quantity=there - count.quantity, origin=count.destination, destination=count.origin)


def correction(count: Movement, position: Position, late: Decimal, number: int) -> Movement:
    """What takes back, at the moment of `count`, that `late` more (or less) came into `position` by something that happened before it and was told later.

    Only the first count behind the late movement needs it: what the next ones found is what that one left. `count` gives ids and moment only; `number` rises
    with each correction of the same count.
    """
    inwards = late < 0
    return Movement(
        source="ledger",
        source_id=f"{count.source}:{count.source_id}/correction/{number}",
        kind=Kind.ADJUST,
        item=position.item,
        site=position.site,
        quantity=abs(late),
        origin=Place.ADJUSTMENT if inwards else position.place,
        destination=position.place if inwards else Place.ADJUSTMENT,
        occurred_at=count.occurred_at,
        lot=position.lot,
        owner=position.owner,
        entity=position.entity,
        reason="count-correction",
        reference=count.source_id,
    )


def settled(told: Iterable[Movement]) -> list[Movement]:
    """Movements as they were told, in any order, to movements as they move: in the order in which they happened, each once, every count's quantity the
    difference that it found."""
    kept: Balances = {}
    moved: list[Movement] = []
    for each in sorted(once(told), key=happened):
        movement = settle(each, kept.get(destination_of(each), NOTHING)) if each.kind is Kind.COUNT else each
        _move(kept, movement)
        moved.append(movement)
    return moved


def balances(moved: Iterable[Movement], *, as_of: datetime | None = None) -> Balances:
    """The balance of every position that these movements touch, by what happened up to and at `as_of`.

    Of settled movements (a count's quantity is what it moved): what the store has. For movements as they were told: `balances(settled(told))`.
    """
    kept: Balances = {}
    for movement in moved:
        if as_of is None or movement.occurred_at <= as_of:
            _move(kept, movement)
    return kept


def _move(kept: Balances, movement: Movement) -> None:
    origin, destination = origin_of(movement), destination_of(movement)
    kept[origin] = kept.get(origin, NOTHING) - movement.quantity
    kept[destination] = kept.get(destination, NOTHING) + movement.quantity


def unbalanced(kept: Mapping[Position, Decimal]) -> dict[tuple[str, str, str, str], Decimal]:
    """By (item, lot, owner, entity): the sum over all places where it is not nothing. Empty: goods were moved, none made."""
    sums: dict[tuple[str, str, str, str], Decimal] = {}
    for position, quantity in kept.items():
        key = (position.item, position.lot, position.owner, position.entity)
        sums[key] = sums.get(key, NOTHING) + quantity
    return {key: total for key, total in sums.items() if total}


def _never(position: Position) -> bool:
    return False


def negatives(kept: Mapping[Position, Decimal], *, may_be: Callable[[Position], bool] = _never) -> list[Negative]:
    """Every place of ours with less than nothing in it where policy (`may_be`) does not allow that, in the order of positions."""
    found = [
        Negative(position, quantity)
        for position, quantity in kept.items()
        if quantity < 0 and position.place in OURS and not may_be(position)
    ]
    return sorted(found, key=lambda negative: negative.position)


def available(storage: Decimal, allocated: Decimal, staging: Decimal, reserved: Decimal) -> Decimal:
    """What can be sold now. What the warehouse has allocated or picked is taken to be for what we reserved; what it took beyond that is gone as well."""
    taken = allocated + staging
    return storage + taken - max(reserved, taken)


def figures(
    kept: Mapping[Position, Decimal], reserved: Mapping[tuple[str, str], Decimal] | None = None
) -> dict[tuple[str, str], Figures]:
    """Figures of our own stock by (item, site). Consigned and customers' goods are not counted: they are not ours to sell."""
    by_place: dict[tuple[str, str], dict[Place, Decimal]] = {}
    for position, quantity in kept.items():
        if position.owner == "own" and position.place in OURS:
            places = by_place.setdefault((position.item, position.site), {})
            places[position.place] = places.get(position.place, NOTHING) + quantity
    held = reserved or {}
    for pair in held:
        by_place.setdefault(pair, {})
    found = {}
    for pair, places in by_place.items():
        allocated, staging = places.get(Place.ALLOCATED, NOTHING), places.get(Place.STAGING, NOTHING)
        set_apart = held.get(pair, NOTHING)
        found[pair] = Figures(
            on_hand=sum((quantity for place, quantity in places.items() if place in ON_HAND), NOTHING),
            allocated=allocated,
            picked=staging,
            in_transit=places.get(Place.TRANSIT, NOTHING),
            damaged=places.get(Place.DAMAGED, NOTHING),
            quarantined=places.get(Place.QUARANTINE, NOTHING),
            reserved=set_apart,
            available=available(places.get(Place.STORAGE, NOTHING), allocated, staging, set_apart),
        )
    return found
