"""What a customer's order, change or cancellation means for us: documents of any format to facts.

An order is always understood, line by line, with its troubles; a change that we have no word for is not guessed at:
`NotUnderstood`.
"""

from decimal import Decimal

from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.crosswalk.routing import Destination, Route
from crossdock.crosswalk.units import Ratio
from crossdock.facts.order import ChangedLine, OrderCancelled, OrderChanged, OrderedLine, OrderReceived
from crossdock.trade.documents import (
    Address,
    PartyReference,
    PurchaseOrder,
    PurchaseOrderChange,
    PurchaseOrderChangeLine,
    PurchaseOrderLine,
)

ORDERS = frozenset({"original", "confirmation", "duplicate", ""})
"""Purposes of an 850 that place the order. A duplicate places it if the original has not."""


class NotUnderstood(ValueError):
    """The document is well formed, and says something that we cannot act on. `str()` is for a person; place: where in the document, as a JSON pointer, where one place is it."""

    def __init__(self, words: str, place: str = "") -> None:
        super().__init__(words)
        self.place = place


def received(crosswalk: Crosswalk, partner: Partner, order: PurchaseOrder) -> OrderReceived | OrderCancelled:
    """A purchase order as a fact. Raises NotUnderstood for a purpose that neither places nor cancels."""
    if order.purpose == "cancellation":
        return OrderCancelled(by="customer", reason=order.notes[0] if order.notes else "")
    if order.purpose not in ORDERS:
        raise NotUnderstood(f"a purchase order with purpose {order.purpose!r} neither places nor cancels an order")
    lines = tuple([crosswalk.ordered_line(partner, line) for line in order.lines])
    found = route(crosswalk, partner, order, lines)
    return OrderReceived(
        partner=partner.id,
        purchase_order=order.number,
        workspace_version=crosswalk.directory.version,
        lines=lines,
        warehouse=found.warehouse,
        site=found.site,
        sites=found.sites,
        currency=order.currency or crosswalk.directory.currency,
        issued=order.issued,
        kind=order.kind,
        contract=order.contract,
        parties=order.parties,
        references=order.references,
        allowances=order.allowances,
        notes=order.notes,
        ship_not_before=order.ship_not_before or order.requested_ship,
        ship_no_later=order.ship_no_later,
        cancel_after=order.cancel_after,
        requested_delivery=order.requested_delivery,
        total=order.total_amount,
    )


def ship_to(parties: tuple[PartyReference, ...]) -> PartyReference | None:
    """Where it goes."""
    return next((party for party in parties if party.role == "ship-to"), None)


def route(crosswalk: Crosswalk, partner: Partner, order: PurchaseOrder, lines: tuple[OrderedLine, ...]) -> Route:
    """Which warehouse ships the order: by its customer, destination, quantity and weight."""
    if not crosswalk.router.rules:
        return crosswalk.router.default
    party = ship_to(order.parties)
    address = (party.address if party is not None else None) or Address()
    location = party.id if party is not None else ""
    weight = quantity = Decimal(0)
    for line in lines:
        item = crosswalk.directory.items.get(line.item)
        quantity += line.quantity
        if item is not None and item.weight is not None:
            weight += item.weight * line.quantity
    return crosswalk.router.route(
        Destination(
            customer=partner.id,
            region=address.region,
            country=address.country,
            postal_code=address.postal_code,
            location=partner.locations.get(location, location),
            kind=order.kind,
            lines=len(lines),
            quantity=quantity,
            weight=weight,
        )
    )


def changed(crosswalk: Crosswalk, partner: Partner, change: PurchaseOrderChange) -> OrderChanged | OrderCancelled:
    """A change of an order as a fact. Raises NotUnderstood, naming purpose or line, for what we have no word for."""
    if change.purpose == "cancellation":
        return OrderCancelled(by="customer", change=change.change_number)
    if change.purpose != "change":
        raise NotUnderstood(f"a change of an order with purpose {change.purpose!r}")
    return OrderChanged(
        change=change.change_number,
        lines=tuple([told for line in change.lines for told in _changed_line(crosswalk, partner, line)]),
        ship_not_before=change.ship_not_before or change.requested_ship,
        ship_no_later=change.ship_no_later,
        cancel_after=change.cancel_after,
    )


def _changed_line(crosswalk: Crosswalk, partner: Partner, line: PurchaseOrderChangeLine) -> list[ChangedLine]:
    match line.change:
        case "no-change":
            return []
        case "delete":
            return [ChangedLine(line=line.line, change="delete")]
        case "add":
            return [ChangedLine(line=line.line, change="add", ordered=_as_ordered(crosswalk, partner, line))]
        case "change-quantity":
            told = [_quantity(crosswalk, partner, line)]
        case "change-price":
            told = [_price(crosswalk, partner, line)]
        case "change":
            told = [_quantity(crosswalk, partner, line), _price(crosswalk, partner, line)]
            if not any(told):
                raise NotUnderstood(f"line {line.line} is changed, and neither a quantity nor a price says how")
        case _:
            raise NotUnderstood(f"line {line.line}: {line.change!r} is a change that is not applied by itself")
    if line.change != "change" and not any(told):
        raise NotUnderstood(f"line {line.line}: {line.change} without the new value")
    return [one for one in told if one is not None]


def _as_ordered(crosswalk: Crosswalk, partner: Partner, line: PurchaseOrderChangeLine) -> OrderedLine:
    quantity = line.quantity if line.quantity is not None else line.quantity_left
    if quantity is None:
        raise NotUnderstood(f"line {line.line} is added without a quantity")
    return crosswalk.ordered_line(
        partner,
        PurchaseOrderLine(
            line=line.line,
            quantity=quantity,
            unit=line.unit,
            price=line.price,
            items=line.items,
            description=line.description,
        ),
    )


def _quantity(crosswalk: Crosswalk, partner: Partner, line: PurchaseOrderChangeLine) -> ChangedLine | None:
    if line.quantity is None:
        return None
    quantity = _ratio(crosswalk, partner, line).to_stock(line.quantity)
    if quantity is None:
        raise NotUnderstood(f"line {line.line}: {line.quantity} {line.unit} are no exact number of stock units")
    return ChangedLine(line=line.line, change="quantity", quantity=quantity, partner_quantity=line.quantity)


def _price(crosswalk: Crosswalk, partner: Partner, line: PurchaseOrderChangeLine) -> ChangedLine | None:
    if line.price is None:
        return None
    price = _ratio(crosswalk, partner, line).price_to_stock(line.price)
    return ChangedLine(line=line.line, change="price", price=price, partner_price=line.price)


def _ratio(crosswalk: Crosswalk, partner: Partner, line: PurchaseOrderChangeLine) -> Ratio:
    # A change speaks of an order that is not at hand here: its own words must say how much it means.
    item, trouble = crosswalk.items.find(partner, line.items)
    ratio = crosswalk.units.ratio(partner, item, line.unit) if item is not None else None
    if ratio is None:
        trouble = trouble or "unknown-unit"
        raise NotUnderstood(f"line {line.line}: {trouble}, so that {line.change} cannot be told in stock units")
    return ratio
