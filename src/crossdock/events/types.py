"""What events say: one struct a type, in the trade's words. Quantities are in our stock unit, money in the order's currency; both are decimals, written as text.

A type that is published is never broken: fields are added with a default, and whatever else must change is a new type with a higher version (`compatibility`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, get_args

import msgspec
from msgspec import Meta

Quantity = Annotated[Decimal, Meta(description="in our stock unit")]
Delta = Annotated[
    Decimal, Meta(description="in our stock unit; what it rose by, negative where it fell: sums of these are true")
]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Common base of what events say: every field is always written."""


class OrderedLine(Said, frozen=True):
    """A line as it was ordered and understood; `item` is empty where it was not."""

    line: str
    item: str
    quantity: Quantity
    unit: str = ""
    price: Decimal | None = None


class LineQuantity(Said, frozen=True):
    """So many of a line."""

    line: str
    quantity: Quantity
    item: str = ""


class AlteredLine(Said, frozen=True):
    """A line before and after; `before` is 0 for a line that is new."""

    line: str
    item: str
    before: Quantity
    after: Quantity


class DemandLine(Said, frozen=True):
    """Demand for an item at a site: what it rose by, negative where it fell. `requested_on`: the day for which the customer wants it."""

    line: str
    item: str
    site: str
    quantity: Delta
    unit: str = ""
    requested_on: date | None = None


class OrderReceived(Said, frozen=True):
    """A customer's order came in and was understood as far as it could be. Nothing is promised yet."""

    order: str
    purchase_order: str
    customer: str
    channel: str
    lines: tuple[OrderedLine, ...]
    currency: str = ""
    site: str = ""
    issued_on: date | None = None
    requested_on: date | None = None
    total: Decimal | None = None


class OrderAccepted(Said, frozen=True):
    """Every line is decided and the customer's credit is good. `lines` are those that are accepted."""

    order: str
    purchase_order: str
    customer: str
    lines: tuple[LineQuantity, ...]
    total: Decimal | None = None
    currency: str = ""


class OrderChanged(Said, frozen=True):
    """What is ordered is different now: quantities, items, further lines, or (with no `lines`) prices alone."""

    order: str
    purchase_order: str
    customer: str
    lines: tuple[AlteredLine, ...] = ()
    total: Decimal | None = None
    change: str = ""


class OrderCancelled(Said, frozen=True):
    """So much will never be shipped. whole: nothing of the order is left, and nothing has shipped. by: customer, us, or shortage."""

    order: str
    purchase_order: str
    customer: str
    lines: tuple[LineQuantity, ...]
    whole: bool
    by: str
    reason: str = ""


class OrderReleased(Said, frozen=True):
    """A warehouse has been told to ship."""

    order: str
    purchase_order: str
    customer: str
    release: str
    lines: tuple[LineQuantity, ...] = ()


class OrderShipped(Said, frozen=True):
    """All has shipped that will; the shipments are told one by one by `shipment.confirmed`. Told once an order."""

    order: str
    purchase_order: str
    customer: str
    lines: tuple[LineQuantity, ...]


class OrderInvoiced(Said, frozen=True):
    """All that has shipped and is to be billed is billed; the invoices are told one by one by `invoice.issued`. Told once an order."""

    order: str
    purchase_order: str
    customer: str
    amount: Decimal
    currency: str = ""


class OrderClosed(Said, frozen=True):
    """Nothing of the order is open any more, for us or for anyone. outcome: complete, or cancelled where nothing shipped. Told once an order."""

    order: str
    purchase_order: str
    customer: str
    outcome: str


class ShipmentConfirmed(Said, frozen=True):
    """The warehouse says what left. replaces: it stands in the place of what was told before under this number."""

    order: str
    purchase_order: str
    customer: str
    shipment: str
    warehouse: str
    lines: tuple[LineQuantity, ...]
    replaces: bool = False
    shipped_on: date | None = None
    carrier: str = ""
    service: str = ""
    bill_of_lading: str = ""
    pro: str = ""
    tracking: tuple[str, ...] = ()
    packages: int = 0


class InvoiceIssued(Said, frozen=True):
    """An invoice has gone out to the customer. amount: None where it cannot be told apart from others that went with it."""

    order: str
    purchase_order: str
    customer: str
    invoice: str
    shipment: str
    lines: tuple[LineQuantity, ...] = ()
    amount: Decimal | None = None
    currency: str = ""


class AcknowledgementSent(Said, frozen=True):
    """We have answered. kind: order (what we accept of a purchase order), functional or interchange (that we could read what came). `about`: the order, or the interchange."""

    about: str
    kind: str
    obligation: str
    number: str = ""


class ExceptionOpened(Said, frozen=True):
    """Something needs a person, or is known to be late. category: business, transport, defect. about: the process that it concerns."""

    exception: str
    about: str
    category: str
    cause: str
    detail: str
    action: str = ""
    amount: Decimal | None = None


class ExceptionClosed(Said, frozen=True):
    """Its cause is gone."""

    exception: str
    about: str
    category: str
    cause: str
    opened_at: datetime


class StockAvailableChanged(Said, frozen=True):
    """What of an item at a site can be promised now has changed. previous: what the event before told, None for the first."""

    item: str
    site: str
    available: Quantity
    previous: Decimal | None = None


class VarianceFound(Said, frozen=True):
    """Our books and a system's differ at a position, or now differ by another quantity. quantity: what the system has more than we."""

    variance: str
    system: str
    item: str
    site: str
    place: str
    ours: Quantity
    theirs: Quantity
    quantity: Delta
    cause: str
    as_of: datetime
    amount: Decimal | None = None


class VarianceClosed(Said, frozen=True):
    """The books agree again, or what is left is in flight."""

    variance: str
    as_of: datetime


class _Demand(Said, frozen=True):
    """What every event of demand tells: of an order's lines by item, site and day."""

    order: str
    customer: str
    channel: str
    day: date
    lines: tuple[DemandLine, ...]


class DemandAccepted(_Demand, frozen=True):
    """Demand that is taken on, line by line as lines are decided. day: on which it was."""


class DemandChanged(_Demand, frozen=True):
    """Demand that was taken on before and is another now; each quantity is the difference."""


class DemandCancelled(_Demand, frozen=True):
    """Demand that is gone: the quantities are negative."""


class DemandShipped(_Demand, frozen=True):
    """Demand that was served; negative where a confirmation was corrected. day: on which it shipped. It does not lessen what was accepted: what is open is the sum of
    the other three less this one."""


class SubscriptionDisabled(Said, frozen=True):
    """A webhook was given up: its receiver said that it is gone, or did not take a delivery for days."""

    subscription: str
    url: str
    reason: str


Data = (
    OrderReceived
    | OrderAccepted
    | OrderChanged
    | OrderCancelled
    | OrderReleased
    | OrderShipped
    | OrderInvoiced
    | OrderClosed
    | ShipmentConfirmed
    | InvoiceIssued
    | AcknowledgementSent
    | ExceptionOpened
    | ExceptionClosed
    | StockAvailableChanged
    | VarianceFound
    | VarianceClosed
    | DemandAccepted
    | DemandChanged
    | DemandCancelled
    | DemandShipped
    | SubscriptionDisabled
)

NAMES: Mapping[type[Said], str] = {
    OrderReceived: "order.received.v1",
    OrderAccepted: "order.accepted.v1",
    OrderChanged: "order.changed.v1",
    OrderCancelled: "order.cancelled.v1",
    OrderReleased: "order.released.v1",
    OrderShipped: "order.shipped.v1",
    OrderInvoiced: "order.invoiced.v1",
    OrderClosed: "order.closed.v1",
    ShipmentConfirmed: "shipment.confirmed.v1",
    InvoiceIssued: "invoice.issued.v1",
    AcknowledgementSent: "acknowledgement.sent.v1",
    ExceptionOpened: "exception.opened.v1",
    ExceptionClosed: "exception.closed.v1",
    StockAvailableChanged: "stock.available-changed.v1",
    VarianceFound: "variance.found.v1",
    VarianceClosed: "variance.closed.v1",
    DemandAccepted: "demand.accepted.v1",
    DemandChanged: "demand.changed.v1",
    DemandCancelled: "demand.cancelled.v1",
    DemandShipped: "demand.shipped.v1",
    SubscriptionDisabled: "subscription.disabled.v1",
}

PREFIX = "crossdock."
TYPES: Mapping[str, type[Said]] = {PREFIX + name: data for data, name in NAMES.items()}
"""Every published type by its full name, `crossdock.order.accepted.v1`."""

assert set(NAMES) == set(get_args(Data))
