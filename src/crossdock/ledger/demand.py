"""What an order wants of the stock, and what it is promised. The values that orders and the ledger speak of with each other."""

from datetime import date, datetime
from decimal import Decimal

import msgspec


class Demand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many of `item` wanted for one line of one order, in all that is still to be shipped of it. A demand of nothing gives back what is reserved.

    key, line: the order and its line. sites: where it may come from, the preferred first. split: it may come from several of them. substitutes: items that may stand in,
    the preferred first. short: what is wanted when there is not enough: backorder (take what there is, wait for the rest), ship-complete (all of this line or
    nothing), cancel (take what there is). needed_on: the day it should leave. priority: lower goes first. asked_at: when it was first wanted. firm: given to the
    warehouse: not taken away for another's sake. expires_at: a soft reservation is given back then.
    """

    key: str
    line: str
    item: str
    quantity: Decimal
    sites: tuple[str, ...]
    asked_at: datetime
    split: bool = False
    substitutes: tuple[str, ...] = ()
    short: str = "backorder"
    needed_on: date | None = None
    priority: int = 100
    firm: bool = False
    expires_at: datetime | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many of `item` at `site` set apart for a line. One demand may have several: over sites and substitutes."""

    key: str
    line: str
    item: str
    site: str
    quantity: Decimal


class Promise(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a demand got: `reserved`, and of the rest (`backordered`) the day by which expected receipts should cover it; None: nobody knows of any. cut: the rest where
    nobody waits for it. revision: set by the store as it promises; what a higher one says of a line counts."""

    key: str
    line: str
    reserved: tuple[Reservation, ...] = ()
    backordered: Decimal = Decimal(0)
    promised_on: date | None = None
    cut: Decimal = Decimal(0)
    revision: int = 0


class ExpectedReceipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So many of `item` expected at `site` on `due_on`. source, source_id, line: the purchase order, transfer or ASN that says so; kind: purchase-order, transfer, asn.
    quantity is what was announced, received what has come of it."""

    source: str
    source_id: str
    line: str
    kind: str
    item: str
    site: str
    quantity: Decimal
    due_on: date
    received: Decimal = Decimal(0)
    closed: bool = False
