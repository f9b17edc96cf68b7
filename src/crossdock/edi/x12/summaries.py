"""A document in a few lines for people: who, what, how much, when. One function a kind of document."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from crossdock.trade import documents as d
from crossdock.trade import stock


def summary(document: d.Document) -> list[str]:
    """What a person wants to know first, in order; the first line says what it is."""
    return [line for line in _BY_TYPE[type(document)](document) if line]


def _parties(parties: Iterable[d.PartyReference]) -> str:
    return ", ".join(
        f"{party.role} {party.name or ''}".strip() + (f" ({party.id})" if party.id else "") for party in parties
    )


def _contacts(contacts: Iterable[d.Contact]) -> str:
    told = (" ".join(filter(None, (each.name, each.phone, each.email))) for each in contacts)
    return ", ".join(f"contact {each}" for each in told if each)


def _references(references: Iterable[d.Reference]) -> str:
    return ", ".join(f"{each.kind} {each.value or each.description}" for each in references)


def _told(**facts: Any) -> str:
    """Facts that are there: "ship by 2026-01-12, carrier UPSN"."""
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value not in (None, "", ())
    )


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _quantities(lines: Sequence[Any], field: str = "quantity") -> str:
    """How many lines, and how much of each unit."""
    totals: dict[str, Decimal] = {}
    for line in lines:
        value = getattr(line, field)
        if value is not None:
            totals[line.unit] = totals.get(line.unit, Decimal(0)) + value
    count = f"{len(lines)} line{'' if len(lines) == 1 else 's'}"
    return (
        f"{count}: " + ", ".join(f"{_plain(total)} {unit}".strip() for unit, total in totals.items())
        if totals
        else count
    )


def _worth(lines: Iterable[Any]) -> str:
    priced = [line.quantity * line.price for line in lines if line.quantity is not None and line.price is not None]
    return f"worth {_plain(sum(priced, Decimal(0)))} at its prices" if priced else ""


def _order(order: d.PurchaseOrder) -> list[str]:
    return [
        f"purchase order {order.number} ({order.purpose}{', ' + order.kind if order.kind else ''})"
        + (f" of {order.issued}" if order.issued else ""),
        _parties(order.parties),
        _contacts([*order.contacts, *(contact for party in order.parties for contact in party.contacts)]),
        _references(order.references),
        _told(
            requested_ship=order.requested_ship,
            requested_delivery=order.requested_delivery,
            ship_not_before=order.ship_not_before,
            ship_no_later=order.ship_no_later,
            cancel_after=order.cancel_after,
            carrier=order.carrier,
            routing=order.routing,
            service=order.service,
        ),
        _quantities(order.lines),
        _worth(order.lines),
        _told(total=order.total_amount, currency=order.currency),
    ]


def _change(change: d.PurchaseOrderChange) -> list[str]:
    return [
        f"change {change.change_number} of purchase order {change.number} ({change.purpose})".replace(
            "change  ", "change "
        ),
        _parties(change.parties),
        *(
            f"line {line.line}: {line.change}, {_told(quantity=line.quantity, unit=line.unit, price=line.price)}"
            for line in change.lines[:20]
        ),
        f"and {len(change.lines) - 20} lines more" if len(change.lines) > 20 else "",
    ]


def _acknowledgement(told: d.PurchaseOrderAcknowledgement) -> list[str]:
    answers: dict[str, Decimal] = {}
    for line in told.lines:
        for answer in line.answers:
            answers[answer.status] = answers.get(answer.status, Decimal(0)) + (answer.quantity or Decimal(0))
    return [
        f"acknowledgement of purchase order {told.number}: {told.status}"
        + (f", as our order {told.seller_order}" if told.seller_order else ""),
        _parties(told.parties),
        _quantities(told.lines),
        "; ".join(f"{status} {_plain(quantity)}" for status, quantity in answers.items()),
    ]


def _warehouse_order(order: d.WarehouseOrder) -> list[str]:
    return [
        f"order to ship {order.depositor_order} ({order.purpose})"
        + (f", release {order.release}" if order.release else "")
        + (f", for purchase order {order.purchase_order}" if order.purchase_order else ""),
        _parties(order.parties),
        _told(
            requested_ship=order.requested_ship,
            requested_delivery=order.requested_delivery,
            carrier=order.carrier,
            service=order.service,
        ),
        _quantities(order.lines),
    ]


def _advice(advice: d.ShippingAdvice) -> list[str]:
    short = [line for line in advice.lines if line.difference]
    return [
        f"shipment {advice.shipment} of order {advice.depositor_order}"
        + (f", left {advice.shipped}" if advice.shipped else ""),
        _parties(advice.parties),
        _told(
            carrier=advice.carrier,
            bill_of_lading=advice.bill_of_lading,
            pro=advice.pro,
            tracking=", ".join(advice.tracking),
            packages=advice.packages,
            weight=advice.weight,
        ),
        _quantities(advice.lines, "shipped"),
        *(
            f"line {line.line}: {line.status}, {_plain(line.difference or Decimal(0))} fewer than ordered"
            for line in short[:20]
        ),
    ]


def _packs(packs: Iterable[d.Pack]) -> tuple[int, list[d.PackedItem]]:
    """How many packs, and all items in them."""
    count, items = 0, []
    for pack in packs:
        inner, further = _packs(pack.packs)
        count += 1 + inner
        items += [*pack.items, *further]
    return count, items


def _notice(notice: d.ShipNotice) -> list[str]:
    lines = [
        f"ship notice {notice.shipment} ({notice.purpose})" + (f", shipped {notice.shipped}" if notice.shipped else ""),
        _parties(notice.parties),
        _told(
            expected=notice.expected,
            carrier=notice.carrier,
            bill_of_lading=notice.bill_of_lading,
            pro=notice.pro,
            packages=notice.packages,
            weight=notice.weight,
        ),
    ]
    for order in notice.orders:
        count, items = _packs(order.packs)
        count += sum(_packs(item.packs)[0] for item in order.items)
        lines.append(f"purchase order {order.purchase_order}: {count} packs, {_quantities([*items, *order.items])}")
    return lines


def _invoice(invoice: d.Invoice) -> list[str]:
    return [
        f"{invoice.kind} {invoice.number}"
        + (f" of {invoice.issued}" if invoice.issued else "")
        + (f" for purchase order {invoice.purchase_order}" if invoice.purchase_order else ""),
        _parties(invoice.parties),
        _told(shipment=invoice.shipment, shipped=invoice.shipped, bill_of_lading=invoice.bill_of_lading),
        _quantities(invoice.lines),
        _told(total=invoice.total, currency=invoice.currency, tax=invoice.tax),
        _told(terms=invoice.terms.description, net_days=invoice.terms.net_days) if invoice.terms else "",
    ]


def _functional(told: d.FunctionalAcknowledgement) -> list[str]:
    return [
        f"acknowledgement of group {told.functional_group} {told.group_control_number}: {told.status}",
        _told(received=told.received, accepted=told.accepted),
        *(
            f"{each.transaction_set} {each.control_number}: {each.status}"
            + "".join(f"; {error}" for error in each.errors)
            for each in told.transactions[:50]
        ),
        *told.errors,
    ]


def _interchange(told: d.InterchangeAcknowledgement) -> list[str]:
    note = f", note {told.note}" if told.note.strip("0") else ""
    return [f"acknowledgement of interchange {told.control_number}: {told.status}{note}"]


def _received(told: stock.StockTransferReceiptAdvice) -> list[str]:
    return [
        f"receipt {told.receipt}" + (f" of {told.received}" if told.received else ""),
        _told(depositor_order=told.depositor_order, shipment=told.shipment, arrived=told.arrived),
        _parties(told.parties),
        _quantities(told.lines),
    ]


def _adjusted(told: stock.InventoryAdjustmentAdvice) -> list[str]:
    return [
        f"stock adjustment {told.number}".strip() + (f" of {told.adjusted}" if told.adjusted else ""),
        _told(reasons=", ".join(dict.fromkeys(line.reason for line in told.lines))),
        _parties(told.parties),
        _quantities(told.lines),
    ]


def _levels(told: stock.InventoryAdvice) -> list[str]:
    items = f"{len(told.lines)} item{'' if len(told.lines) == 1 else 's'}"
    return [
        f"stock levels {told.number}" + (f" as of {told.as_of:%Y-%m-%d %H:%M}" if told.as_of else ""),
        _parties(told.parties),
        f"{items}: " + ", ".join(dict.fromkeys(level.status for line in told.lines for level in line.levels)),
    ]


def _moved(told: stock.StockTransferShipmentAdvice) -> list[str]:
    return [
        f"stock on its way: {told.depositor_order}" + (f", shipped {told.shipped}" if told.shipped else ""),
        _told(shipment=told.shipment, purchase_order=told.purchase_order, expected=told.expected),
        _parties(told.parties),
        _quantities(told.lines),
    ]


_BY_TYPE: dict[type, Callable[[Any], list[str]]] = {
    d.PurchaseOrder: _order,
    d.PurchaseOrderChange: _change,
    d.PurchaseOrderAcknowledgement: _acknowledgement,
    d.WarehouseOrder: _warehouse_order,
    d.ShippingAdvice: _advice,
    d.ShipNotice: _notice,
    d.Invoice: _invoice,
    d.FunctionalAcknowledgement: _functional,
    d.InterchangeAcknowledgement: _interchange,
    stock.StockTransferReceiptAdvice: _received,
    stock.StockTransferShipmentAdvice: _moved,
    stock.InventoryAdjustmentAdvice: _adjusted,
    stock.InventoryAdvice: _levels,
}
