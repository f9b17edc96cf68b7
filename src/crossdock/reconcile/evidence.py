"""What a comparison of stock is explained from: the movements around its moment, messages that are missing, confirmations that never came. Values only."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from crossdock.ledger.movement import Movement, Place


class Where(msgspec.Struct, frozen=True, order=True, gc=False):
    """What a difference is kept by. `lot` is "" where their snapshot tells no lots; legal entities are not told apart, because a warehouse does not know them."""

    item: str
    site: str
    place: Place
    lot: str = ""
    owner: str = "own"


class Unequal(msgspec.Struct, frozen=True, gc=False):
    """A position about which the books do not agree: what ours say as of the snapshot's time, and what theirs say."""

    where: Where
    ours: Decimal
    theirs: Decimal


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A message of a numbered stream that never came. noticed_at: when a later one showed that it is missing. sites: those that the stream speaks of; empty: unknown."""

    source: str
    stream: str
    sequence: int
    noticed_at: datetime
    sites: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """How evidence quotes it."""
        return f"{self.source}:{self.stream}#{self.sequence}"


class Owed(msgspec.Struct, frozen=True, gc=False):
    """A confirmation that never came. what: receipt (announced and not received), shipment (reserved for an order and not told as shipped), transfer (sent off
    and not told as arrived). quantity: what is still open of it. since: when it was due."""

    what: str
    id: str
    item: str
    site: str
    quantity: Decimal
    since: datetime


class Seen(msgspec.Struct, frozen=True, gc=False):
    """How a position differed when it was compared last. Its difference came up after `since` (the comparison before it, which agreed; None: nobody knows) and
    by `first_as_of`. cause: one of `Cause`, "timing" for what was not taken for drift. in_flight: how much of it was put down to timing."""

    quantity: Decimal
    cause: str
    first_as_of: datetime
    as_of: datetime
    since: datetime | None = None
    in_flight: Decimal = Decimal(0)
    confidence: Decimal = Decimal(0)
    detail: str = ""
    evidence: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the comparison goes by.

    grace: movements as near as this to the snapshot's moment may be in it or not. patience: for so long a missing message is waited for before it counts as lost.
    twin: two equal movements no further apart than this may be one told twice. look_back: how far back causes are looked for when no comparison came before.
    """

    grace: timedelta = timedelta(hours=2)
    patience: timedelta = timedelta(hours=24)
    twin: timedelta = timedelta(days=3)
    look_back: timedelta = timedelta(days=14)


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that was found around the differences. movements: of the items that differ, as our books have them (a count with the quantity that it moved).
    factors: stock units in one pack, by item. values: money for one stock unit, by item. since: when these sites were compared before; None: never."""

    movements: Mapping[str, Sequence[Movement]] = {}
    gaps: Sequence[Gap] = ()
    owed: Mapping[str, Sequence[Owed]] = {}
    factors: Mapping[str, Sequence[Decimal]] = {}
    values: Mapping[str, Decimal] = {}
    seen: Mapping[Where, Seen] = {}
    since: datetime | None = None


def leg(movement: Movement, where: Where) -> Decimal:
    """What a movement adds to a position: its quantity, taken away where it is the origin; nothing when it touches it not (or both ways)."""
    if movement.item != where.item or movement.owner != where.owner or (where.lot and movement.lot != where.lot):
        return Decimal(0)
    moved = Decimal(0)
    # Goods under way stand at the site that they go to, on both sides of the journey.
    to_site = movement.to_site or movement.site
    origin_site = movement.site
    if movement.destination is where.place and to_site == where.site:
        moved += movement.quantity
    if movement.origin is where.place and origin_site == where.site:
        moved -= movement.quantity
    return moved
