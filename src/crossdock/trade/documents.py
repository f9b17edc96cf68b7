"""Business documents between trading partners, free of any format: X12, EDIFACT and JSON all read to and write from these.

A document keeps the words of the party that wrote it (its item numbers, units and location codes). Codes that X12 and
EDIFACT spell differently are told in one vocabulary, named in each docstring; a code without a place there is kept as
received. Dates are calendar dates at the party's site; moments carry a zone. All fields but the identifying ones are optional,
because real partners leave them out: what *must* be there is a rule of the partner's guide, not of the noun.
"""

from datetime import date, datetime
from decimal import Decimal

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Common base: frozen, keyword-only; empty fields are left out of its JSON."""


class Address(Document, frozen=True, kw_only=True):
    """A postal address. `country` is ISO 3166-1 alpha-2, `region` the state or province code."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class Contact(Document, frozen=True, kw_only=True):
    """A person or desk to ask. function: the code as received, such as X12's DC (delivery) or BD (buyer)."""

    function: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    fax: str = ""


class PartyReference(Document, frozen=True, kw_only=True):
    """Who plays a role in a document, as the sender names them.

    role: ship-to, bill-to, buyer, seller, ship-from, warehouse, depositor, remit-to, carrier, or the code as received.
    `further_names` are name lines after the first: a department, a consumer at a shop, "attention of".
    qualifier: gln, duns, duns+4, assigned-by-buyer, assigned-by-seller, mutually-defined, scac, or the code as received.
    """

    role: str
    name: str = ""
    further_names: tuple[str, ...] = ()
    qualifier: str = ""
    id: str = ""
    address: Address | None = None
    contacts: tuple[Contact, ...] = ()


class ItemReference(Document, frozen=True, kw_only=True):
    """An identifier of an item. qualifier: gtin-12, gtin-13, gtin-14, buyer-item, seller-item, manufacturer-part, sku, or as received."""

    qualifier: str
    id: str


class Reference(Document, frozen=True, kw_only=True):
    """A further number under which people know the document. kind: bill-of-lading, pro, tracking, department, contract, appointment,
    customer-order, vendor, invoice, purchase-order, shipment, or the code as received."""

    kind: str
    value: str
    description: str = ""


class AllowanceCharge(Document, frozen=True, kw_only=True):
    """An allowance (negative to the buyer's debt) or a charge. `amount` is unsigned; `percent` per hundred."""

    is_charge: bool
    kind: str = ""
    amount: Decimal | None = None
    percent: Decimal | None = None
    description: str = ""


class Terms(Document, frozen=True, kw_only=True):
    """Payment terms. Days count from the invoice date; discount in percent."""

    description: str = ""
    net_days: int | None = None
    discount_percent: Decimal | None = None
    discount_days: int | None = None


# --- Orders -----------------------------------------------------------------------------------------------------------


class PurchaseOrderLine(Document, frozen=True, kw_only=True):
    """`line` is the buyer's line identifier (kept as text: partners write 1, 001 and 10). `price` per one `unit` unless `price_basis` says otherwise."""

    line: str
    quantity: Decimal
    unit: str
    price: Decimal | None = None
    price_basis: str = ""
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    requested_date: date | None = None
    references: tuple[Reference, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()


class PurchaseOrder(Document, frozen=True, kw_only=True):
    """A buyer's order (X12 850, EDIFACT ORDERS). purpose: original, cancellation, change, duplicate, confirmation, or as received.
    `carrier` (SCAC), `routing` (in words) and `service` are how the buyer wants it shipped."""

    number: str
    issued: date | None = None
    purpose: str = "original"
    kind: str = ""
    release: str = ""
    contract: str = ""
    currency: str = ""
    parties: tuple[PartyReference, ...] = ()
    contacts: tuple[Contact, ...] = ()
    requested_ship: date | None = None
    requested_delivery: date | None = None
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None
    carrier: str = ""
    routing: str = ""
    service: str = ""
    terms: Terms | None = None
    references: tuple[Reference, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[PurchaseOrderLine, ...] = ()
    line_count: int | None = None
    total_amount: Decimal | None = None


class PurchaseOrderChangeLine(Document, frozen=True, kw_only=True):
    """One changed line (X12 POC). change: add, delete, change-quantity, change-price, change-item, change-date, change, no-change, or as received.
    `quantity` is the new ordered quantity, `quantity_left` what is left to receive."""

    line: str
    change: str
    quantity: Decimal | None = None
    quantity_left: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    items: tuple[ItemReference, ...] = ()
    description: str = ""


class PurchaseOrderChange(Document, frozen=True, kw_only=True):
    """A buyer's change of an order (X12 860, EDIFACT ORDCHG). purpose: change, cancellation, replace, or as received.
    `number` is the purchase order's, `change_number` the change's own sequence or number."""

    number: str
    change_number: str = ""
    issued: date | None = None
    changed: date | None = None
    purpose: str = "change"
    kind: str = ""
    release: str = ""
    parties: tuple[PartyReference, ...] = ()
    requested_ship: date | None = None
    requested_delivery: date | None = None
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None
    references: tuple[Reference, ...] = ()
    lines: tuple[PurchaseOrderChangeLine, ...] = ()
    line_count: int | None = None


class AcknowledgedLine(Document, frozen=True, kw_only=True):
    """What the seller answers for one line.

    status: accepted, backordered, rejected, quantity-changed, price-changed, date-changed, substituted, on-hold, cancelled, accepted-with-change, or as received.
    `quantity` is how much of the line the status speaks of. An order line may have several.
    """

    status: str
    quantity: Decimal | None = None
    unit: str = ""
    ship_date: date | None = None
    items: tuple[ItemReference, ...] = ()


class PurchaseOrderAcknowledgementLine(Document, frozen=True, kw_only=True):
    """The order's line as ordered (`quantity`, `unit`, `price`, `items`) and the seller's answers to it."""

    line: str
    quantity: Decimal
    unit: str
    price: Decimal | None = None
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    answers: tuple[AcknowledgedLine, ...] = ()


class PurchaseOrderAcknowledgement(Document, frozen=True, kw_only=True):
    """The seller's answer (X12 855, EDIFACT ORDRSP). status: accepted, accepted-with-change, rejected, received, or as received."""

    number: str
    status: str
    order_issued: date | None = None
    acknowledged: date | None = None
    purpose: str = "original"
    seller_order: str = ""
    currency: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[PurchaseOrderAcknowledgementLine, ...] = ()
    line_count: int | None = None


# --- Warehouse --------------------------------------------------------------------------------------------------------


class WarehouseOrderLine(Document, frozen=True, kw_only=True):
    """One item to ship. `line` is the depositor's line number, echoed by the warehouse."""

    line: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""


class WarehouseOrder(Document, frozen=True, kw_only=True):
    """The depositor's order to ship (X12 940, W05). `depositor_order` is our order number, `release` our number of this release.
    purpose: original, cancellation, change, or as received."""

    depositor_order: str
    purpose: str = "original"
    release: str = ""
    purchase_order: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    requested_ship: date | None = None
    requested_delivery: date | None = None
    carrier: str = ""
    service: str = ""
    notes: tuple[str, ...] = ()
    lines: tuple[WarehouseOrderLine, ...] = ()
    total_quantity: Decimal | None = None


class ShippedLine(Document, frozen=True, kw_only=True):
    """What the warehouse says of one line. status: shipped, short, over, substituted, backordered, cancelled, or as received.
    `difference` is ordered less shipped (W12-04). `packages` are the SSCC-18s that hold it, where told."""

    line: str
    status: str = ""
    ordered: Decimal | None = None
    shipped: Decimal = Decimal(0)
    difference: Decimal | None = None
    unit: str = ""
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    lot: str = ""
    packages: tuple[str, ...] = ()


class ShippingAdvice(Document, frozen=True, kw_only=True):
    """The warehouse's ship confirmation (X12 945, W06). `shipment` is its shipment number, `shipped` the day it left. purpose: original, replace, cancellation, or as received.
    `complete`: true when nothing more will come for this release, false when more follows, None when not told."""

    depositor_order: str
    shipment: str
    purpose: str = "original"
    complete: bool | None = None
    shipped: date | None = None
    release: str = ""
    purchase_order: str = ""
    bill_of_lading: str = ""
    pro: str = ""
    carrier: str = ""
    service: str = ""
    tracking: tuple[str, ...] = ()
    packages: int | None = None
    weight: Decimal | None = None
    weight_unit: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    lines: tuple[ShippedLine, ...] = ()
    total_quantity: Decimal | None = None


# --- Ship notice ------------------------------------------------------------------------------------------------------


class PackedItem(Document, frozen=True, kw_only=True):
    """So many of an item of an order line, in a pack or, unpacked, in the order. `packs` hold it where the sender tells
    the packs below the item (shipment-order-item-pack)."""

    line: str
    quantity: Decimal
    unit: str
    items: tuple[ItemReference, ...] = ()
    ordered: Decimal | None = None
    description: str = ""
    lot: str = ""
    packs: tuple["Pack", ...] = ()


class Pack(Document, frozen=True, kw_only=True):
    """A carton, pallet or tare. `sscc` is the 18-digit serial shipping container code with its check digit (GS1 General Specifications 7.9)."""

    sscc: str = ""
    kind: str = "carton"
    tracking: str = ""
    items: tuple[PackedItem, ...] = ()
    packs: tuple["Pack", ...] = ()


class ShippedOrder(Document, frozen=True, kw_only=True):
    """The part of a shipment that answers one purchase order. `parties` are its own, such as the store that it is for."""

    purchase_order: str
    purchase_order_date: date | None = None
    seller_order: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    packs: tuple[Pack, ...] = ()
    items: tuple[PackedItem, ...] = ()


class ShipNotice(Document, frozen=True, kw_only=True):
    """Advance ship notice (X12 856, EDIFACT DESADV). hierarchy: shipment-order-pack-item (0001), shipment-order-item-pack (0002), or as received."""

    shipment: str
    issued: datetime | None = None
    purpose: str = "original"
    hierarchy: str = "shipment-order-pack-item"
    shipped: date | None = None
    expected: date | None = None
    bill_of_lading: str = ""
    pro: str = ""
    carrier: str = ""
    service: str = ""
    packages: int | None = None
    package_kind: str = ""
    weight: Decimal | None = None
    weight_unit: str = ""
    tracking: tuple[str, ...] = ()
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    orders: tuple[ShippedOrder, ...] = ()
    line_count: int | None = None


# --- Invoice ----------------------------------------------------------------------------------------------------------


class InvoiceLine(Document, frozen=True, kw_only=True):
    """`quantity` invoiced, `price` per one `unit`."""

    line: str
    quantity: Decimal
    unit: str
    price: Decimal
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    tax: Decimal | None = None
    allowances: tuple[AllowanceCharge, ...] = ()


class Invoice(Document, frozen=True, kw_only=True):
    """X12 810, EDIFACT INVOIC. kind: invoice, credit-memo, or as received. `total` is what is to be paid: lines, charges less allowances, and tax."""

    number: str
    purchase_order: str
    issued: date | None = None
    kind: str = "invoice"
    order_issued: date | None = None
    seller_order: str = ""
    shipment: str = ""
    shipped: date | None = None
    currency: str = ""
    bill_of_lading: str = ""
    carrier: str = ""
    terms: Terms | None = None
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    lines: tuple[InvoiceLine, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    tax: Decimal | None = None
    total: Decimal = Decimal(0)
    line_count: int | None = None


# --- Acknowledgements of syntax ----------------------------------------------------------------------------------------


class TransactionAcknowledgement(Document, frozen=True, kw_only=True):
    """One transaction set's syntactic fate (AK2..AK5, IK5). status: accepted, accepted-with-errors, rejected, or as received.
    `errors` are the AK3/AK4/AK5 codes as located text, e.g. "IT1[7]: segment has data element errors; IT1-06 (212): invalid character"."""

    transaction_set: str
    control_number: str
    status: str
    errors: tuple[str, ...] = ()


class FunctionalAcknowledgement(Document, frozen=True, kw_only=True):
    """X12 997 or 999: what became of one functional group that we sent. status as in `TransactionAcknowledgement`, or partially-accepted."""

    functional_group: str
    group_control_number: str
    status: str
    received: int | None = None
    included: int | None = None
    accepted: int | None = None
    transactions: tuple[TransactionAcknowledgement, ...] = ()
    errors: tuple[str, ...] = ()


class InterchangeAcknowledgement(Document, frozen=True, kw_only=True):
    """X12 TA1. status: accepted, accepted-with-errors, rejected. `note` is the interchange note code (I18) as received."""

    control_number: str
    dated: date | None = None
    time: str = ""
    status: str = "accepted"
    note: str = ""


class PreparedSegments(Document, frozen=True, kw_only=True):
    """A syntax acknowledgement whose segments were made when the message was read: each is its tag and elements. transaction_set: 997, 999 or TA1.
    The writer adds envelopes (and, but for a TA1, ST and SE where they are not there) and delimiters only."""

    transaction_set: str
    segments: tuple[tuple[str, ...], ...] = ()


AnyDocument = (
    PurchaseOrder
    | PurchaseOrderChange
    | PurchaseOrderAcknowledgement
    | WarehouseOrder
    | ShippingAdvice
    | ShipNotice
    | Invoice
    | FunctionalAcknowledgement
    | InterchangeAcknowledgement
    | PreparedSegments
)
