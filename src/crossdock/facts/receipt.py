"""Facts about goods that are expected at a site: announced, changed, called off, received, taken as they came. Quantities are in our stock unit."""

from datetime import date
from decimal import Decimal

import msgspec

from crossdock.facts.told import Told

NOTHING = Decimal(0)


class ExpectedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """So many of `item` are expected; `line` is our line number, which the warehouse echoes. due_on: its own day, where it differs from the receipt's."""

    line: str
    item: str
    quantity: Decimal
    unit: str = ""
    lot: str = ""
    due_on: date | None = None


class ReceiptExpected(Told, frozen=True, kw_only=True, tag="receipt.expected"):
    """Goods are to come to `site`, which `warehouse` (a system) keeps, by `due_on`. kind: purchase-order, transfer, asn. sender: who sends them. partner: the warehouse as
    a partner, whose agreement with us in `workspace_version` holds. Told again, the latest counts."""

    warehouse: str
    site: str
    due_on: date
    lines: tuple[ExpectedLine, ...]
    kind: str = "purchase-order"
    partner: str = ""
    workspace_version: int = 0
    sender: str = ""
    purchase_order: str = ""
    shipment: str = ""
    carrier: str = ""


class ReceiptChanged(Told, frozen=True, kw_only=True, tag="receipt.changed"):
    """Some lines are now as `lines` say (nothing of one: it will not come), or all are due on another day."""

    lines: tuple[ExpectedLine, ...] = ()
    due_on: date | None = None


class ReceiptCancelled(Told, frozen=True, kw_only=True, tag="receipt.cancelled"):
    """Nothing more of it will come."""

    reason: str = ""


class ReceiptClosed(Told, frozen=True, kw_only=True, tag="receipt.closed"):
    """Somebody who may took the receipt as it is: short, over or damaged. Nothing more is waited for."""

    who: str
    reason: str = ""


class ConfirmedReceiptLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """So many came in, `damaged` and `held` ones among them."""

    line: str
    item: str
    quantity: Decimal
    damaged: Decimal = NOTHING
    held: Decimal = NOTHING
    lot: str = ""


class ReceiptConfirmed(Told, frozen=True, kw_only=True, tag="receipt.confirmed"):
    """The warehouse says what came in (944), under its number `receipt`. A receipt may be confirmed in parts, which add up."""

    receipt: str
    warehouse: str
    lines: tuple[ConfirmedReceiptLine, ...]
    partner: str = ""
    site: str = ""
    received: date | None = None
    shipment: str = ""
    workspace_version: int = 0


ReceiptFact = ReceiptExpected | ReceiptChanged | ReceiptCancelled | ReceiptClosed | ReceiptConfirmed
