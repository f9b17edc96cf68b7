"""What meets an obligation of ours: the document or request, from the order's position, in the words of who receives it.

To the customer we speak of its lines, items, units and prices; to the warehouse, the ERP and the tax service of our items and stock units.
One function per kind of obligation, looked up in `_EFFECTS`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from crossdock.crosswalk.numbers import digest
from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Effect, Obligation
from crossdock.process.order_to_cash.answering import answer_of
from crossdock.process.order_to_cash.counters import LineNow, Position, ShipmentNow
from crossdock.process.order_to_cash.lines import as_it_came
from crossdock.process.order_to_cash.money import ZERO, amount_of, said_to_customer
from crossdock.process.order_to_cash.position import position_of
from crossdock.process.order_to_cash.state import Line, ShippedLine, State
from crossdock.process.order_to_cash.stocking import site_labelled, terms_of
from crossdock.trade.documents import (
    Address,
    Invoice,
    InvoiceLine,
    ItemReference,
    Pack,
    PackedItem,
    PartyReference,
    PurchaseOrderAcknowledgement,
    PurchaseOrderAcknowledgementLine,
    ShipNotice,
    ShippedOrder,
    Terms,
    WarehouseOrder,
    WarehouseOrderLine,
)
from crossdock.trade.requests import (
    CreditCheck,
    RequestedLine,
    SalesOrderEntry,
    SalesOrderRevision,
    ShipmentPosting,
    TaxRequest,
)


def effect(state: State, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect:
    """The effect of an obligation that `derive` says is ready and ours. Raises KeyError for any other kind, or when the order is not known."""
    if agreement is None or not state.orders:
        raise KeyError(obligation.id)
    return _EFFECTS[obligation.kind](state, position_of(state, agreement), obligation, agreement, now)


def invoice_number(key: str, shipment: str) -> str:
    """`INV-{order}-{shipment}`; where that could be read as another order's, or exceeds the 22 characters that X12 allows (BIG02), 60 bits of a hash of both.
    Depends on nothing else, so it never changes."""
    number = f"INV-{key}-{shipment}"
    if len(number) <= 22 and "-" not in shipment:
        return number
    return f"INV-{digest(key, shipment, characters=12)}"


def _currency(p: Position, agreement: Agreement) -> str:
    return p.order.currency or agreement.currency


def _items(line: Line) -> tuple[ItemReference, ...]:
    return tuple([ItemReference(qualifier=q, id=i) for q, i in line.items])


def _sku(line: Line, item: str = "") -> tuple[ItemReference, ...]:
    return (
        (ItemReference(qualifier="sku", id=item or line.item), *_items(line))
        if not item or item == line.item
        else (ItemReference(qualifier="sku", id=item),)
    )


# --- To the customer -------------------------------------------------------------------------------------------------------


def _acknowledge(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    lines: list[PurchaseOrderAcknowledgementLine] = []
    statuses: set[str] = set()
    for line in p.lines.values():
        answers = answer_of(line)
        statuses.update(answer.status for answer in answers)
        x = line.line
        price = said_to_customer(x, line.price, line.partner_price, line.quantity)[2]
        lines.append(
            PurchaseOrderAcknowledgementLine(
                line=x.line,
                quantity=x.partner_quantity,
                unit=x.partner_unit,
                price=price,
                items=_items(x),
                description=x.description,
                answers=answers,
            )
        )
    status = (
        "accepted"
        if statuses <= {"accepted"}
        else "rejected"
        if statuses <= {"rejected", "cancelled"}
        else "accepted-with-change"
    )
    order = p.order
    content = PurchaseOrderAcknowledgement(
        number=order.purchase_order,
        status=status,
        order_issued=order.issued,
        acknowledged=now.date(),
        purpose="change" if p.mark else "original",
        seller_order=state.key,
        currency=_currency(p, agreement),
        parties=order.parties,
        references=order.references,
        lines=tuple(lines),
        line_count=len(lines),
    )
    return Effect(
        obligation=obligation.id,
        system=agreement.channel,
        document="purchase-order-acknowledgement",
        content=content,
        partner=order.partner,
        ordering_key=state.key,
        number=order.purchase_order,
    )


def _shipment_of(p: Position, number: str) -> ShipmentNow:
    return next(s for s in p.shipments if s.number == number)


def _packed(p: Position, line: str, quantity: Decimal, shipped: ShippedLine | None) -> PackedItem:
    now = p.lines[line]
    x = now.line
    said, unit, _ = said_to_customer(x, now.price, now.partner_price, quantity)
    items = _items(x)
    if shipped is not None and shipped.item and shipped.item != x.item:
        items = (ItemReference(qualifier="sku", id=shipped.item),)
    ordered = x.partner_quantity if unit == x.partner_unit else now.quantity
    return PackedItem(
        line=line,
        quantity=said,
        unit=unit,
        items=items,
        ordered=ordered,
        description=x.description,
        lot=shipped.lot if shipped else "",
    )


def _ship_notice(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    ship = _shipment_of(p, obligation.subject)
    told, order = ship.told, p.order
    by_line = {x.line: x for x in told.lines}
    packs = tuple(
        [
            Pack(
                sscc=package.sscc,
                tracking=package.tracking,
                items=tuple(
                    [
                        _packed(p, line, quantity, by_line.get(line))
                        for line, quantity in package.contents
                        if line in p.lines
                    ]
                ),
            )
            for package in told.packages
        ]
    )
    is_packed = any(pack.items for pack in packs)
    items = (
        ()
        if is_packed
        else tuple([_packed(p, line, quantity, by_line.get(line)) for line, quantity in ship.quantities.items()])
    )
    content = ShipNotice(
        shipment=ship.number,
        issued=now,
        shipped=told.shipped,
        bill_of_lading=told.bill_of_lading,
        pro=told.pro,
        carrier=told.carrier,
        service=told.service,
        packages=len(packs) or None,
        weight=told.weight,
        weight_unit=told.weight_unit,
        tracking=told.tracking,
        parties=order.parties,
        orders=(
            ShippedOrder(
                purchase_order=order.purchase_order,
                purchase_order_date=order.issued,
                seller_order=state.key,
                references=order.references,
                packs=packs,
                items=items,
            ),
        ),
        line_count=len(ship.quantities),
    )
    return Effect(
        obligation=obligation.id,
        system=agreement.channel,
        document="ship-notice",
        content=content,
        partner=order.partner,
        ordering_key=state.key,
        number=ship.number,
        told=tuple(ship.quantities.items()),
    )


def _terms(agreement: Agreement) -> Terms:
    percent = agreement.terms_discount_percent
    return Terms(
        net_days=agreement.terms_net_days,
        discount_percent=percent or None,
        discount_days=agreement.terms_discount_days or None,
    )


def _invoice(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    ship = _shipment_of(p, obligation.subject)
    order, told = p.order, ship.told
    by_line = {x.line: x for x in told.lines}
    lines = []
    for name, quantity in ship.billed.items():
        line = p.lines[name]
        x = line.line
        said, unit, price = said_to_customer(x, line.price, line.partner_price, quantity)
        shipped = by_line[name].item
        items = _items(x) if not shipped or shipped == x.item else (ItemReference(qualifier="sku", id=shipped),)
        lines.append(
            InvoiceLine(
                line=name,
                quantity=said,
                unit=unit,
                price=ZERO if price is None else price,
                items=items,
                description=x.description,
            )
        )
    tax = state.answers.get(f"tax/{ship.tax_subject}")
    number = invoice_number(state.key, ship.number)
    content = Invoice(
        number=number,
        purchase_order=order.purchase_order,
        issued=now.date(),
        order_issued=order.issued,
        seller_order=state.key,
        shipment=ship.number,
        shipped=told.shipped,
        currency=_currency(p, agreement),
        bill_of_lading=told.bill_of_lading,
        carrier=told.carrier,
        terms=_terms(agreement),
        parties=order.parties,
        references=order.references,
        lines=tuple(lines),
        tax=tax.amount if tax is not None else None,
        total=ship.amount + (tax.amount or ZERO) if tax is not None else ship.amount,
        line_count=len(lines),
    )
    return Effect(
        obligation=obligation.id,
        system=agreement.channel,
        document="invoice",
        content=content,
        partner=order.partner,
        ordering_key=state.key,
        number=number,
        told=tuple(ship.billed.items()),
    )


# --- To the warehouse ------------------------------------------------------------------------------------------------------


def _warehouse_order(
    state: State,
    p: Position,
    obligation: Obligation,
    agreement: Agreement,
    label: str,
    quantities: dict[str, Decimal],
    purpose: str,
    items: Mapping[str, str],
) -> Effect:
    order = p.order
    parties = order.parties
    if terms_of(p, agreement) is not None:
        # One warehouse may keep several sites, and our books say from which of them it is to take the goods.
        from_site = PartyReference(role="warehouse", name=site_labelled(p, label))
        parties = (*[party for party in parties if party.role != "warehouse"], from_site)
    lines = []
    for name, quantity in quantities.items():
        now = p.lines.get(name)
        if now is not None:
            x = now.line
            lines.append(
                WarehouseOrderLine(
                    line=name,
                    quantity=quantity,
                    unit=x.unit,
                    items=_sku(x, items.get(name, "")),
                    description=x.description,
                )
            )
    content = WarehouseOrder(
        depositor_order=state.key,
        purpose=purpose,
        release=label,
        purchase_order=order.purchase_order,
        parties=parties,
        references=order.references,
        ship_not_before=p.ship_not_before,
        ship_no_later=p.ship_no_later,
        requested_delivery=order.requested_delivery,
        notes=order.notes,
        lines=tuple(lines),
        total_quantity=sum([x.quantity for x in lines], ZERO),
    )
    return Effect(
        obligation=obligation.id,
        system=obligation.creditor,
        document="warehouse-order",
        content=content,
        partner=obligation.creditor,
        ordering_key=state.key,
        number=label,
        told=tuple(quantities.items()),
    )


def _release(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    label = obligation.subject
    quantities = next((r.told for r in p.releases if r.label == label), None)
    items: Mapping[str, str] = {}
    if quantities is None:
        if label != p.candidate_label:
            raise KeyError(obligation.id)
        quantities, items = p.candidate, p.candidate_items
    return _warehouse_order(state, p, obligation, agreement, label, quantities, "original", items)


def _cancel_release(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    release = next(r for r in p.releases if r.label == obligation.subject)
    return _warehouse_order(state, p, obligation, agreement, release.label, release.told, "cancellation", {})


# --- To the ERP and the tax service ----------------------------------------------------------------------------------------


def _request(now: LineNow, quantity: Decimal, item: str = "") -> RequestedLine:
    x = now.line
    return RequestedLine(
        line=x.line, item=item or x.item, quantity=quantity, unit=x.unit, price=now.price, amount=now.amount(quantity)
    )


def _credit_check(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    content = CreditCheck(
        reference=obligation.id,
        order=state.key,
        customer=p.order.partner,
        amount=obligation.amount or ZERO,
        currency=_currency(p, agreement),
    )
    return Effect(
        obligation=obligation.id, system=agreement.erp, document="credit-check", content=content, ordering_key=state.key
    )


def _create_in_erp(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    """The order as it came and was decided; whatever altered it since is told by a revision, so that this content cannot depend on when it is made."""
    lines = [
        RequestedLine(
            line=x.line,
            item=x.item,
            quantity=quantity,
            unit=x.unit,
            price=price,
            amount=amount_of(x, price, theirs, quantity),
        )
        for x, price, theirs, quantity in as_it_came(p)
    ]
    content = SalesOrderEntry(
        reference=obligation.id,
        order=state.key,
        customer=p.order.partner,
        purchase_order=p.order.purchase_order,
        currency=_currency(p, agreement),
        lines=tuple(lines),
    )
    return Effect(
        obligation=obligation.id, system=agreement.erp, document="sales-order", content=content, ordering_key=state.key
    )


def _erp_order(state: State) -> str:
    created = state.answers.get("create-in-erp")
    return created.value if created is not None else ""


def _revise_in_erp(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    """The whole order as altered. Of a cancelled line nothing more is wanted than was posted: it is left out, whatever has shipped, so that the content follows from the mark."""
    lines = [_request(x, x.quantity) for x in p.lines.values() if not (x.undecided or x.cancelled or x.deleted)]
    content = SalesOrderRevision(
        reference=obligation.id,
        order=state.key,
        erp_order=_erp_order(state),
        cancelled=p.cancelled is not None,
        lines=tuple(lines),
    )
    return Effect(
        obligation=obligation.id,
        system=agreement.erp,
        document="sales-order-revision",
        content=content,
        ordering_key=state.key,
    )


def _post_shipment(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    ship = _shipment_of(p, obligation.subject)
    items = {x.line: x.item for x in ship.told.lines}
    content = ShipmentPosting(
        reference=obligation.id,
        order=state.key,
        erp_order=_erp_order(state),
        shipment=ship.number,
        lines=tuple([_request(p.lines[n], q, items.get(n, "")) for n, q in ship.quantities.items()]),
    )
    return Effect(
        obligation=obligation.id,
        system=agreement.erp,
        document="shipment-posting",
        content=content,
        ordering_key=state.key,
    )


def _ship_to(parties: tuple[PartyReference, ...]) -> Address:
    for party in parties:
        if party.role == "ship-to" and party.address is not None:
            return party.address
    return Address()


def _tax(state: State, p: Position, obligation: Obligation, agreement: Agreement, now: datetime) -> Effect:
    ship = _shipment_of(p, obligation.subject)
    content = TaxRequest(
        reference=obligation.id,
        order=state.key,
        shipment=ship.number,
        currency=_currency(p, agreement),
        ship_to=_ship_to(p.order.parties),
        lines=tuple([_request(p.lines[n], q) for n, q in ship.billed.items()]),
    )
    return Effect(
        obligation=obligation.id, system=agreement.tax, document="tax-request", content=content, ordering_key=state.key
    )


_EFFECTS: dict[str, Callable[[State, Position, Obligation, Agreement, datetime], Effect]] = {
    "credit-check": _credit_check,
    "acknowledge": _acknowledge,
    "create-in-erp": _create_in_erp,
    "revise-in-erp": _revise_in_erp,
    "release": _release,
    "cancel-release": _cancel_release,
    "ship-notice": _ship_notice,
    "post-shipment": _post_shipment,
    "tax": _tax,
    "invoice": _invoice,
}
