"""Facts about a customer's order on its way to cash. Quantities and prices are in our stock unit unless a field says otherwise."""

from datetime import date
from decimal import Decimal

import msgspec

from crossdock.facts.told import Told
from crossdock.trade.documents import AllowanceCharge, ItemReference, PartyReference, Reference


class OrderedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line as ordered and as understood.

    partner_quantity, partner_unit, partner_price, items, description: the customer's words, echoed in every answer.
    item: our item id, "" when it could not be resolved, and then `trouble` says why ("unknown-item", "unknown-unit", "inexact-unit").
    quantity, unit, price: the same in our stock unit. agreed_price: what the price list says, None when nothing is agreed.
    per_partner_unit: stock units in one partner unit, as a ratio of integers "12/1".
    """

    line: str
    item: str = ""
    quantity: Decimal = Decimal(0)
    unit: str = ""
    price: Decimal | None = None
    agreed_price: Decimal | None = None
    trouble: str = ""
    partner_quantity: Decimal = Decimal(0)
    partner_unit: str = ""
    partner_price: Decimal | None = None
    per_partner_unit: str = "1/1"
    items: tuple[ItemReference, ...] = ()
    description: str = ""
    substitutes: tuple[str, ...] = ()


class OrderReceived(Told, frozen=True, kw_only=True, tag="order.received"):
    """A customer ordered. The key is our order number.

    partner: our id of the customer; workspace_version: the version whose agreement with the partner holds for this order.
    warehouse: the system that ships it, "" when no routing rule matched; site: from where; sites: further ones that may, the preferred first.
    total: what the customer expects to pay, None when not told.
    """

    partner: str
    purchase_order: str
    workspace_version: int
    lines: tuple[OrderedLine, ...]
    warehouse: str = ""
    site: str = ""
    sites: tuple[str, ...] = ()
    currency: str = ""
    issued: date | None = None
    kind: str = ""
    contract: str = ""
    parties: tuple[PartyReference, ...] = ()
    references: tuple[Reference, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    notes: tuple[str, ...] = ()
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None
    requested_delivery: date | None = None
    total: Decimal | None = None


class ChangedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """change: add, delete, quantity, price. `ordered` holds the whole line for add; quantity and price are the new ones, in our stock unit."""

    line: str
    change: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    partner_quantity: Decimal | None = None
    partner_price: Decimal | None = None
    ordered: OrderedLine | None = None


class OrderChanged(Told, frozen=True, kw_only=True, tag="order.changed"):
    """The customer changed the order (860). `change` is the customer's number or sequence of the change; they apply in the order of (change number, occurred_at)."""

    change: str
    lines: tuple[ChangedLine, ...] = ()
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None


class OrderCancelled(Told, frozen=True, kw_only=True, tag="order.cancelled"):
    """The whole order is cancelled, by the customer (`by="customer"`) or by us (`by="us"`, with who and why)."""

    by: str = "customer"
    change: str = ""
    reason: str = ""
    who: str = ""


class LinesResolved(Told, frozen=True, kw_only=True, tag="order.lines-resolved"):
    """Lines that could not be understood now can be: the workspace learned an item, a unit or a route."""

    workspace_version: int
    lines: tuple[OrderedLine, ...] = ()
    warehouse: str = ""
    site: str = ""


class PriceApproved(Told, frozen=True, kw_only=True, tag="order.price-approved"):
    """Somebody who may decided that we take the customer's price on these lines (empty: on all).
    `prices` is (line, price per our stock unit) where another price than the customer's was settled upon; the customer is then answered "price-changed"."""

    who: str
    lines: tuple[str, ...] = ()
    reason: str = ""
    prices: tuple[tuple[str, Decimal], ...] = ()


class LineCancelled(Told, frozen=True, kw_only=True, tag="order.line-cancelled"):
    """Somebody who may decided not to ship what is open of these lines."""

    who: str
    lines: tuple[str, ...] = ()
    reason: str = ""


class ExceptionDecided(Told, frozen=True, kw_only=True, tag="order.exception-decided"):
    """Somebody who may decided on an exception that facts alone cannot close. `trouble` is its id, `accept` what was decided; what either means
    for a cause is said in the docstring of `process.order_to_cash.troubles`."""

    trouble: str
    accept: bool
    who: str
    reason: str = ""


class HoldPlaced(Told, frozen=True, kw_only=True, tag="order.hold-placed"):
    """Nothing of this order may leave until the hold of the same name is released."""

    hold: str
    reason: str = ""


class HoldReleased(Told, frozen=True, kw_only=True, tag="order.hold-released"):
    """The hold is gone."""

    hold: str
    reason: str = ""


class CreditAnswered(Told, frozen=True, kw_only=True, tag="credit.answered"):
    """The ERP's answer to the credit check."""

    obligation: str
    approved: bool
    reason: str = ""


class ErpOrderCreated(Told, frozen=True, kw_only=True, tag="erp.order-created"):
    """The ERP knows the order as `number`."""

    obligation: str
    number: str


class ErpOrderRevised(Told, frozen=True, kw_only=True, tag="erp.order-revised"):
    """The ERP took a change or the cancellation of the order."""

    obligation: str
    revision: str


class ShipmentPosted(Told, frozen=True, kw_only=True, tag="erp.shipment-posted"):
    """The ERP posted the shipment; `posting` is the journal reference."""

    obligation: str
    shipment: str
    posting: str


class TaxReceived(Told, frozen=True, kw_only=True, tag="tax.received"):
    """The tax on a shipment's invoice. `lines` is (line, tax)."""

    obligation: str
    shipment: str
    total: Decimal
    lines: tuple[tuple[str, Decimal], ...] = ()


class DocumentSent(Told, frozen=True, kw_only=True, tag="document.sent"):
    """A document that an obligation called for has been accepted by the transport. `number` is the document's own, `control`
    interchange/group/transaction control numbers. `told` is the effect's `told`, copied: (line, quantity in our stock unit) that went out,
    because what was sent is not what would be sent now."""

    obligation: str
    document: str
    number: str = ""
    control: str = ""
    told: tuple[tuple[str, Decimal], ...] = ()


class EffectRefused(Told, frozen=True, kw_only=True, tag="effect.refused"):
    """The other side refused, for a business reason. round: the how manieth making of the effect it refused, from 1; 0 where nobody said (facts before rounds were told)."""

    obligation: str
    code: str = ""
    reason: str = ""
    round: int = 0


class EffectRetried(Told, frozen=True, kw_only=True, tag="effect.retried"):
    """Somebody had a refused effect tried again; its refusals up to `round`, the last that there was to see, no longer stand. Where no round is told (0: the effect
    is not ours to make, or the fact is old) those told before it no longer stand."""

    obligation: str
    who: str
    round: int = 0


class AcknowledgementReceived(Told, frozen=True, kw_only=True, tag="acknowledgement.received"):
    """Their 997 (or 999, CONTRL) for the document that met `obligation`. status: accepted, accepted-with-errors, rejected."""

    obligation: str
    status: str
    errors: tuple[str, ...] = ()


class ConfirmedPackage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A carton or pallet as packed: `contents` is (line, quantity in our stock unit)."""

    sscc: str = ""
    tracking: str = ""
    contents: tuple[tuple[str, Decimal], ...] = ()


class ConfirmedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """`line` is our (the customer's) line. quantity in our stock unit. `item` differs from the ordered one when substituted."""

    line: str
    quantity: Decimal
    item: str = ""
    status: str = ""
    lot: str = ""


class ShipmentConfirmed(Told, frozen=True, kw_only=True, tag="shipment.confirmed"):
    """The warehouse says what left (945). purpose: original, or replace when it stands in the place of what was said before under the same number.
    `release` is the release label that the 940 carried. `complete`: nothing more will come for this release; None is taken as complete
    when no line is backordered by the warehouse."""

    shipment: str
    warehouse: str
    purpose: str = "original"
    release: str = ""
    lines: tuple[ConfirmedLine, ...] = ()
    packages: tuple[ConfirmedPackage, ...] = ()
    complete: bool | None = None
    shipped: date | None = None
    bill_of_lading: str = ""
    pro: str = ""
    carrier: str = ""
    service: str = ""
    tracking: tuple[str, ...] = ()
    weight: Decimal | None = None
    weight_unit: str = ""


class ReleaseRefused(Told, frozen=True, kw_only=True, tag="release.refused"):
    """The warehouse will not ship this release, or could not cancel it (`cancellation`)."""

    release: str
    cancellation: bool = False
    reason: str = ""


OrderFact = (
    OrderReceived
    | OrderChanged
    | OrderCancelled
    | LinesResolved
    | PriceApproved
    | LineCancelled
    | ExceptionDecided
    | HoldPlaced
    | HoldReleased
    | CreditAnswered
    | ErpOrderCreated
    | ErpOrderRevised
    | ShipmentPosted
    | TaxReceived
    | DocumentSent
    | EffectRefused
    | EffectRetried
    | AcknowledgementReceived
    | ShipmentConfirmed
    | ReleaseRefused
)
