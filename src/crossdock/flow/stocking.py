"""What a fold tells the stock ledger: the demands that changed, and the movements that make what was moved equal to what is now known to have moved. Pure.

A demand that is no longer listed is given back as a demand of nothing. A movement is never altered: where a confirmation was replaced, the difference
is a movement of its own, told under the next number.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zlib import crc32

import msgspec

from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.process import Taken

SOURCE = "order"
"""Under whose name the movements that follow from orders stand in the ledger."""

_ZERO = Decimal(0)
_encode = msgspec.msgpack.Encoder(decimal_format="string").encode

_LEGS: Mapping[Kind, tuple[Place, Place, Kind]] = {
    Kind.SHIP: (Place.STORAGE, Place.CUSTOMER, Kind.RETURN),
    Kind.HOLD: (Place.STORAGE, Place.QUARANTINE, Kind.RELEASE),
}
"""By what was done: origin, destination, and what undoing it is called. A third-party warehouse tells no picks: goods leave storage."""


class Wanted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the ledger has been told of a line's demand: its check sum and item."""

    mark: int
    item: str


class Moved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What has been written of one taking: so many in all, of an item at a site, in so many movements."""

    kind: Kind
    item: str
    site: str
    quantity: Decimal
    times: int = 1


def demands(
    key: str, known: Mapping[str, Wanted], wanted: Sequence[Demand], now: datetime
) -> tuple[list[Demand], dict[str, Wanted]]:
    """The demands of an order that the ledger was never told so, and what it has been told from now on, by line."""
    told: dict[str, Wanted] = {}
    changed: list[Demand] = []
    for demand in wanted:
        told[demand.line] = as_told = Wanted(crc32(_encode(demand)), demand.item)
        if known.get(demand.line) != as_told:
            changed.append(demand)
    changed.extend(
        [
            Demand(key=key, line=line, item=gone.item, quantity=_ZERO, sites=(), asked_at=now)
            for line, gone in known.items()
            if line not in told
        ]
    )
    return changed, told


def movements(
    key: str, known: Mapping[str, Moved], taken: Sequence[Taken], now: datetime
) -> tuple[list[Movement], dict[str, Moved]]:
    """The movements still to be written so that the ledger says what `taken` says, and what is written from now on, by the id of the taking."""
    found: list[Movement] = []
    moved = dict(known)
    listed = {one.id: one for one in taken}
    for what in (*listed, *[gone for gone in known if gone not in listed]):
        before, one = known.get(what), listed.get(what)
        times = before.times if before is not None else 0
        steps: list[tuple[Moved | Taken, Decimal, datetime]]
        if before is not None and one is not None and _alike(before, one):
            steps = [(one, one.quantity - before.quantity, one.at)]
        else:
            steps = [(before, -before.quantity, now)] if before is not None else []
            steps += [(one, one.quantity, one.at)] if one is not None else []
        for place, quantity, at in steps:
            if quantity:
                times += 1
                found.append(_movement(key, what, times, place, quantity, at))
        if one is not None:
            moved[what] = Moved(one.kind, one.item, one.site, one.quantity, times)
        elif before is not None:
            moved[what] = Moved(before.kind, before.item, before.site, _ZERO, times)
    return found, moved


def _alike(before: Moved, one: Taken) -> bool:
    return (before.kind, before.item, before.site) == (one.kind, one.item, one.site)


def _movement(key: str, what: str, times: int, place: Moved | Taken, quantity: Decimal, at: datetime) -> Movement:
    origin, destination, undone = _LEGS[place.kind]
    back = quantity < 0
    return Movement(
        source=SOURCE,
        source_id=f"{key}/{what}" if times == 1 else f"{key}/{what}#{times}",
        kind=undone if back else place.kind,
        item=place.item,
        site=place.site,
        quantity=abs(quantity),
        origin=destination if back else origin,
        destination=origin if back else destination,
        occurred_at=at,
        reason="the confirmation was replaced" if back else "short pick" if place.kind is Kind.HOLD else "",
        reference=key,
    )
