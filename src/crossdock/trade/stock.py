"""What warehouses and others tell each other of stock, free of any format: receipts, adjustments, levels, and what is on its way.

As in `trade.documents`: a document keeps the words of the party that wrote it, codes have one vocabulary named here, and a code
without a place there is kept as received. Quantities are in the `unit` told, and signed only where that is said.
"""

from datetime import date, datetime
from decimal import Decimal

from crossdock.trade.documents import Document, ItemReference, PartyReference, Reference


class ReceivingException(Document, frozen=True, kw_only=True):
    """So many of a received line that were not as announced (X12 W13). condition: damaged, short, over, on-hold, or as received."""

    quantity: Decimal
    unit: str
    condition: str
    references: tuple[Reference, ...] = ()


class ReceivedLine(Document, frozen=True, kw_only=True):
    """So many of an item that came in, those in `exceptions` that came in badly among them. `line` is the depositor's line where the warehouse echoes it, else its place."""

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
    status: complete, partial, cancellation, or as received. `received` is the day it came in, `arrived` the day of its arrival."""

    receipt: str
    status: str = "complete"
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
    """A change of so many, signed: less than nothing takes away. reason: the warehouse's code, as received. from_status, to_status: where a status code
    says that stock changed its status and not its quantity, as received."""

    reason: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    lot: str = ""
    from_status: str = ""
    to_status: str = ""
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()


class InventoryAdjustmentAdvice(Document, frozen=True, kw_only=True):
    """The warehouse changed its stock (X12 947, W15). `number` is its own, `depositor_number` ours where it echoes one."""

    number: str
    adjusted: date | None = None
    depositor_number: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[AdjustedLine, ...] = ()


class StockLevel(Document, frozen=True, kw_only=True):
    """So many of one status. status: available, on-hand, allocated, damaged, quarantined, in-transit, on-order, backordered, or as received.
    `site` is the place's code as the sender writes it, "" for that of the document; `on`: as of or from that day."""

    status: str
    quantity: Decimal
    unit: str = ""
    site: str = ""
    on: date | None = None


class InventoryLine(Document, frozen=True, kw_only=True):
    """The levels of an item. `next_on` and `next_quantity`: when the sender expects more, and how many."""

    line: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    levels: tuple[StockLevel, ...] = ()
    next_on: date | None = None
    next_quantity: Decimal | None = None
    next_unit: str = ""


class InventoryAdvice(Document, frozen=True, kw_only=True):
    """What there is (X12 846, BIA). kind: seller (what may be sold), warehouse (what is there), or as received. `as_of` is the moment its figures speak of,
    without a zone where the sender tells none. `channel` is to whom it is told, in our words, and stays with us."""

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


class StockTransferShipmentAdvice(Document, frozen=True, kw_only=True):
    """Stock is on its way to a warehouse (X12 943, W06): our announcement of an expected receipt. `depositor_order` is our number of it, which the warehouse's receipt echoes.
    purpose: original, replace, cancellation, or as received."""

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
