"""What a system says that there is, as of a moment of its own: the other side of every reconciliation."""

from datetime import datetime
from decimal import Decimal

import msgspec

from crossdock.ledger.movement import Place


class SnapshotLine(msgspec.Struct, frozen=True, gc=False):
    """So many of an item in one place of a site, in our stock unit."""

    item: str
    site: str
    place: Place
    quantity: Decimal
    lot: str = ""
    owner: str = "own"
    entity: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that `system` says of `sites` (empty: of those in its lines) as of `as_of`. source_id: its own id of it. whole: what it does not list, it has none of.
    places: of which places it speaks."""

    system: str
    source_id: str
    as_of: datetime
    lines: tuple[SnapshotLine, ...]
    sites: tuple[str, ...] = ()
    places: tuple[Place, ...] = (Place.STORAGE,)
    whole: bool = True
    message: int | None = None
