"""Facts about stock that concern an order: what it has been promised. Quantities are in our stock unit."""

from datetime import date
from decimal import Decimal

import msgspec

from crossdock.facts.told import Told


class ReservedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a line has now: `reserved` is (item, site, quantity); `backordered` is wanted and not there, expected by `promised_on` where anybody knows."""

    line: str
    reserved: tuple[tuple[str, str, Decimal], ...] = ()
    backordered: Decimal = Decimal(0)
    promised_on: date | None = None


class StockReserved(Told, frozen=True, kw_only=True, tag="stock.reserved"):
    """The ledger set stock apart for an order, or took some back. `lines` are those that changed, each as it stands now; what a higher `revision` says of a line counts."""

    revision: int
    lines: tuple[ReservedLine, ...] = ()
    reason: str = ""


StockFact = StockReserved
