"""What warehouses and others tell each other of stock, free of any format: receipts, adjustments, levels, and what is on its way.

As in `trade.documents`: a document keeps the words of the party that wrote it, codes have one vocabulary named here, and a code
without a place there is kept as received. Quantities are in the `unit` told, and signed only where that is said.
"""

from datetime import date, datetime
from decimal import Decimal

from crossdock.trade.documents import Document, ItemReference, PartyReference, Reference


class ReceivingException(Document, frozen=True, kw_only=True):
    """So many of a received line that were not as announced (X12 W13). condition: damaged, short, over, quality, wrong-item, good, rejected, on-hold, or as received.
    `cause`: the code of why it was damaged, as received."""

    quantity: Decimal
    unit: str
    condition: str
    lot: str = ""
    cause: str = ""


class ReceivedLine(Document, frozen=True, kw_only=True):
    """So many of an item that came in, bad ones among them; `exceptions` say of how many what was wrong. `line` is our line where the warehouse echoes it, else its place."""

    line: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    references: tuple[Reference, ...] = ()
    exceptions: tuple[ReceivingException, ...] = ()


class StockTransferReceiptAdvice(Document, frozen=True, kw_only=True):
    """The warehouse's receipt (X12 944, W17). `receipt` is its own number, `depositor_order` our number of what we announced (943), `shipment` the shipment's number there.
    purpose: original, or as received. `received` is the day it was taken in, `arrived` that of its arrival."""

    receipt: str
    purpose: str = "original"
    received: date | None = None
    depositor_order: str = ""
    shipment: str = ""
    arrived: date | None = None
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[ReceivedLine, ...] = ()
    total_quantity: Decimal | None = None


class AdjustedLine(Document, frozen=True, kw_only=True):
    """A change of so many, signed: less than nothing takes away. `reason` is the warehouse's code, as received; `line` ours where it is echoed, else its place."""

    line: str
    reason: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    references: tuple[Reference, ...] = ()


class InventoryAdjustmentAdvice(Document, frozen=True, kw_only=True):
    """The warehouse changed its stock (X12 947, W15). `number` is its own, `depositor_number` ours; one of them is there. purpose: original, or as received."""

    number: str = ""
    purpose: str = "original"
    adjusted: date | None = None
    depositor_number: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[AdjustedLine, ...] = ()


class PlacedQuantity(Document, frozen=True, kw_only=True):
    """The part of a level that is at one site: `site` is its code or name as the sender writes it, `role` what it is (warehouse, or as received)."""

    quantity: Decimal
    unit: str
    site: str = ""
    role: str = "warehouse"
    on: date | None = None


class StockLevel(Document, frozen=True, kw_only=True):
    """So many of one status. status: available (may be sold), on-hand, on-order, expected (more to be sold, from the day `on`), backordered, or as received.
    `places` divide it by site, where the sender does."""

    status: str
    quantity: Decimal
    unit: str = ""
    on: date | None = None
    places: tuple[PlacedQuantity, ...] = ()


class InventoryLine(Document, frozen=True, kw_only=True):
    """The levels of an item."""

    line: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    levels: tuple[StockLevel, ...] = ()


class InventoryAdvice(Document, frozen=True, kw_only=True):
    """What there is (X12 846, BIA). kind: seller, distributor (whose report it is), or as received. purpose: original, change (what is not listed is as it was), or as received.
    `as_of` is the moment its figures speak of, without a zone. `channel` is to whom it is told, in our words: it stays with us."""

    number: str
    kind: str = "seller"
    purpose: str = "original"
    as_of: datetime | None = None
    channel: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    lines: tuple[InventoryLine, ...] = ()
    line_count: int | None = None


class ShippedStockLine(Document, frozen=True, kw_only=True):
    """So many of an item that are on their way to the warehouse. `line` is our line number, echoed in the receipt."""

    line: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    references: tuple[Reference, ...] = ()


class StockTransferShipmentAdvice(Document, frozen=True, kw_only=True):
    """Stock is on its way to a warehouse (X12 943, W06): our announcement of an expected receipt. `depositor_order` is our number of it, which the warehouse's receipt echoes.
    purpose: original, or as received."""

    depositor_order: str
    purpose: str = "original"
    shipped: date | None = None
    shipment: str = ""
    purchase_order: str = ""
    expected: date | None = None
    carrier: str = ""
    routing: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[ShippedStockLine, ...] = ()
    total_quantity: Decimal | None = None
