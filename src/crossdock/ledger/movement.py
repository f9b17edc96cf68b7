"""A movement of stock: so many of an item out of one place into another. Append-only, told once by a source under an id of its own.

Each movement has two legs, so the sum over all places of an item is always nothing: what came from a supplier is missing there. A quantity is never
negative; which way goods went is said by origin and destination. Quantities are in the item's stock unit.
"""

import enum
from datetime import datetime
from decimal import Decimal

import msgspec


class Place(enum.StrEnum):
    """Where goods are, as the books see it. A stock status is a place: what is damaged stands in `damaged`.

    Ours: receiving, storage (free to be promised), allocated (in storage, set apart by the warehouse), staging (picked), transit (on the way to `site`),
    quarantine, damaged. Not ours: supplier, customer, adjustment (what was found or lost), company (another legal entity)."""

    RECEIVING = "receiving"
    STORAGE = "storage"
    ALLOCATED = "allocated"
    STAGING = "staging"
    TRANSIT = "transit"
    QUARANTINE = "quarantine"
    DAMAGED = "damaged"
    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    ADJUSTMENT = "adjustment"
    COMPANY = "company"


OURS = frozenset(
    {
        Place.RECEIVING,
        Place.STORAGE,
        Place.ALLOCATED,
        Place.STAGING,
        Place.TRANSIT,
        Place.QUARANTINE,
        Place.DAMAGED,
    }
)
"""Places whose goods are on our books; a balance there may be negative only where policy says so."""

ON_HAND = OURS - {Place.TRANSIT}
"""Places whose goods a count at the site would find."""


class Kind(enum.StrEnum):
    """What happened. `count` tells how many were found: its `quantity` is what was counted in its destination, and what it moves (from or to `adjustment`)
    is worked out by the ledger as of its moment."""

    RECEIPT = "receipt"
    PUTAWAY = "putaway"
    ALLOCATE = "allocate"
    DEALLOCATE = "deallocate"
    PICK = "pick"
    PACK = "pack"
    SHIP = "ship"
    RETURN = "return"
    ADJUST = "adjust"
    TRANSFER_OUT = "transfer-out"
    TRANSFER_IN = "transfer-in"
    HOLD = "hold"
    RELEASE = "release"
    COUNT = "count"


class Movement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many of `item` from `origin` at `site` to `destination` at `to_site` ("": the same site).

    source, source_id: who says so and under which id of its own: the idempotency key. stream, sequence: the place among what this source says, where it
    numbers it. lot: lot or serial number, "" where none is kept. owner: own, consigned, or a customer's id. entity: the legal entity on whose books it stands.
    occurred_at: when it happened there. reason: for an adjustment. reference, line: the order, receipt or shipment it belongs to. message: the raw message it was read from.
    """

    source: str
    source_id: str
    kind: Kind
    item: str
    site: str
    quantity: Decimal
    origin: Place
    destination: Place
    occurred_at: datetime
    to_site: str = ""
    lot: str = ""
    owner: str = "own"
    entity: str = ""
    stream: str = ""
    sequence: int | None = None
    reason: str = ""
    reference: str = ""
    line: str = ""
    message: int | None = None
    recorded_at: datetime | None = None


class Position(msgspec.Struct, frozen=True, order=True, gc=False):
    """What a balance is kept by."""

    item: str
    site: str
    place: Place
    lot: str = ""
    owner: str = "own"
    entity: str = ""
