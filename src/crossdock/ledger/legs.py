"""What each kind of movement takes from where to where: the usual legs, those that are allowed, and which states of stock a movement changes.

The tables are the rules; a movement that they do not allow is told why, in a sentence, and moves nothing.
"""

import enum
from collections.abc import Mapping

from msgspec.structs import replace

from crossdock.ledger.movement import ON_HAND, OURS, Kind, Movement, Place


class State(enum.StrEnum):
    """What people call stock by. All but `on-hand` are places (see STATES); on hand is the sum of what a count at the site would find."""

    ON_HAND = "on-hand"
    AVAILABLE = "available"
    ALLOCATED = "allocated"
    PICKED = "picked"
    IN_TRANSIT = "in-transit"
    DAMAGED = "damaged"
    QUARANTINED = "quarantined"


STATES: Mapping[State, frozenset[Place]] = {
    State.ON_HAND: ON_HAND,
    State.AVAILABLE: frozenset({Place.STORAGE}),
    State.ALLOCATED: frozenset({Place.ALLOCATED}),
    State.PICKED: frozenset({Place.STAGING}),
    State.IN_TRANSIT: frozenset({Place.TRANSIT}),
    State.DAMAGED: frozenset({Place.DAMAGED}),
    State.QUARANTINED: frozenset({Place.QUARANTINE}),
}
"""The places of each state. What is available to be promised is less than what stands in storage, by what is reserved: `balances.available`."""

_STATE_OF = {place: state for state, places in STATES.items() if len(places) == 1 for place in places}

USUAL: Mapping[Kind, tuple[Place, Place]] = {
    Kind.RECEIPT: (Place.SUPPLIER, Place.RECEIVING),
    Kind.PUTAWAY: (Place.RECEIVING, Place.STORAGE),
    Kind.ALLOCATE: (Place.STORAGE, Place.ALLOCATED),
    Kind.DEALLOCATE: (Place.ALLOCATED, Place.STORAGE),
    Kind.PICK: (Place.ALLOCATED, Place.STAGING),
    Kind.PACK: (Place.STAGING, Place.STAGING),
    Kind.SHIP: (Place.STAGING, Place.CUSTOMER),
    Kind.RETURN: (Place.CUSTOMER, Place.QUARANTINE),
    Kind.ADJUST: (Place.ADJUSTMENT, Place.STORAGE),
    Kind.TRANSFER_OUT: (Place.STORAGE, Place.TRANSIT),
    Kind.TRANSFER_IN: (Place.TRANSIT, Place.STORAGE),
    Kind.HOLD: (Place.STORAGE, Place.QUARANTINE),
    Kind.RELEASE: (Place.QUARANTINE, Place.STORAGE),
    Kind.COUNT: (Place.ADJUSTMENT, Place.STORAGE),
}
"""Origin and destination where a source does not say."""


def _each(
    origins: frozenset[Place] | set[Place], destinations: frozenset[Place] | set[Place]
) -> frozenset[tuple[Place, Place]]:
    return frozenset((o, d) for o in origins for d in destinations if o is not d)


_BOOKED = frozenset({Place.ADJUSTMENT})

ALLOWED: Mapping[Kind, frozenset[tuple[Place, Place]]] = {
    Kind.RECEIPT: _each({Place.SUPPLIER}, {Place.RECEIVING, Place.STORAGE, Place.QUARANTINE, Place.DAMAGED}),
    Kind.PUTAWAY: _each({Place.RECEIVING}, {Place.STORAGE}),
    Kind.ALLOCATE: _each({Place.STORAGE}, {Place.ALLOCATED}),
    Kind.DEALLOCATE: frozenset(
        {
            (Place.ALLOCATED, Place.STORAGE),
            (Place.STAGING, Place.STORAGE),
            (Place.STAGING, Place.ALLOCATED),
        }
    ),
    Kind.PICK: _each({Place.ALLOCATED, Place.STORAGE}, {Place.STAGING}),
    Kind.PACK: frozenset({(Place.STAGING, Place.STAGING)}),
    Kind.SHIP: _each({Place.STAGING, Place.ALLOCATED, Place.STORAGE}, {Place.CUSTOMER}),
    Kind.RETURN: _each({Place.CUSTOMER}, {Place.QUARANTINE, Place.RECEIVING, Place.STORAGE, Place.DAMAGED})
    | _each({Place.QUARANTINE, Place.DAMAGED, Place.STORAGE, Place.STAGING}, {Place.SUPPLIER}),
    Kind.ADJUST: _each(_BOOKED, OURS) | _each(OURS, _BOOKED),
    Kind.TRANSFER_OUT: _each({Place.STORAGE, Place.ALLOCATED, Place.STAGING}, {Place.TRANSIT, Place.COMPANY}),
    Kind.TRANSFER_IN: _each(
        {Place.TRANSIT, Place.COMPANY}, {Place.STORAGE, Place.RECEIVING, Place.QUARANTINE, Place.DAMAGED}
    ),
    Kind.HOLD: _each(
        {Place.STORAGE, Place.RECEIVING, Place.ALLOCATED, Place.STAGING, Place.QUARANTINE},
        {Place.QUARANTINE, Place.DAMAGED},
    ),
    Kind.RELEASE: _each({Place.QUARANTINE, Place.DAMAGED}, {Place.STORAGE}),
    Kind.COUNT: _each(_BOOKED, ON_HAND),
}
"""What a source may say. A return may also go back to the supplier. What is lost on the way is an adjustment out of transit."""


def usual(
    kind: Kind, *, less: bool = False, reason: str = "", puts_away: bool = False, tells_picks: bool = True
) -> tuple[Place, Place]:
    """Origin and destination of a movement whose source says neither.

    less: an adjustment takes away. reason: a hold whose reason begins with "damage" goes to damaged. puts_away: the source tells of a receipt when it is in
    storage already, as a 3PL's 944 does. tells_picks: False for a source that ships without a word of picking.
    """
    origin, destination = USUAL[kind]
    if kind is Kind.ADJUST and less:
        return destination, origin
    if kind is Kind.HOLD and reason.lower().startswith("damage"):
        return origin, Place.DAMAGED
    if kind is Kind.RECEIPT and puts_away:
        return origin, Place.STORAGE
    if kind is Kind.SHIP and not tells_picks:
        return Place.STORAGE, destination
    return origin, destination


def wrong(movement: Movement) -> str:
    """Why this movement cannot be as it was told, in a sentence; "" where it can."""
    kind, quantity = movement.kind, movement.quantity
    if not quantity.is_finite() or quantity < 0:
        return f"a {kind} moves a quantity, not {quantity}"
    if quantity == 0 and kind is not Kind.COUNT:
        return f"a {kind} of nothing says nothing"
    if (movement.origin, movement.destination) not in ALLOWED[kind]:
        return f"a {kind} does not go from {movement.origin} to {movement.destination}"
    elsewhere = movement.to_site not in ("", movement.site)
    leaves = kind is Kind.TRANSFER_OUT and movement.destination is Place.TRANSIT
    if leaves and not elsewhere:
        return "a transfer-out says to which other site it goes"
    if elsewhere and not leaves:
        return f"a {kind} stays at its site, and does not go from {movement.site} to {movement.to_site}"
    if not movement.item or not movement.site:
        return f"a {kind} names its item and its site"
    return ""


def touched(movement: Movement) -> frozenset[State]:
    """The states whose figure this movement changes: of each place that it takes from or gives to, and on hand where it changes how much there is. A count
    speaks of its place, and of on hand."""
    origin, destination = movement.origin, movement.destination
    states = {_STATE_OF[place] for place in (origin, destination) if origin is not destination and place in _STATE_OF}
    if (origin in ON_HAND) is not (destination in ON_HAND):
        states.add(State.ON_HAND)
    return frozenset(states)


def between_entities(
    sold: Movement, to_entity: str, *, to_site: str = "", destination: Place = Place.STORAGE
) -> tuple[Movement, Movement]:
    """Goods that change hands between two legal entities of ours: out of the books of `sold.entity`, into those of `to_entity`.

    Two movements, since each entity's books balance by themselves: what one sold to a company, the other got from one. `sold` gives item, site, lot, quantity,
    origin and ids; the second has its source_id with "/in" behind. Raises ValueError where both are the same entity.
    """
    if to_entity == sold.entity:
        raise ValueError(f"{to_entity or 'the one entity'} sells nothing to itself")
    out = replace(sold, kind=Kind.TRANSFER_OUT, destination=Place.COMPANY, to_site="")
    taken = replace(
        sold,
        source_id=f"{sold.source_id}/in",
        kind=Kind.TRANSFER_IN,
        site=to_site or sold.site,
        to_site="",
        origin=Place.COMPANY,
        destination=destination,
        entity=to_entity,
        sequence=None,
    )
    return out, taken
