"""An order's state in the words of the API: the answer to its customer, its shipments and its invoices. Pure; what is said of a line is what the
process says of it in its own answer (855), and nothing is decided here.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from crossdock.policy import Agreement
from crossdock.process import Obligation, Standing, Status
from crossdock.process.order_to_cash import derive
from crossdock.process.order_to_cash.answering import answer_of
from crossdock.process.order_to_cash.effects import invoice_number
from crossdock.process.order_to_cash.position import position_of
from crossdock.process.order_to_cash.state import State
from crossdock.trade.documents import AcknowledgedLine

Said = Literal["accepted", "accepted-with-backorder", "accepted-with-change", "refused", "cancelled", "pending", "held"]

ANSWERING = ("acknowledge", "create-in-erp", "release")
"""Obligations that wait for our yes or no, in the order in which an order goes its way."""


class AnsweredLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line and what is said of it. undecided: why nothing can be said yet, "" where something is."""

    line: str
    item: str
    quantity: Decimal
    unit: str
    price: Decimal | None
    undecided: str
    answers: tuple[AcknowledgedLine, ...]


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an order. answer: accepted, accepted-with-backorder, accepted-with-change, refused, cancelled; pending: a system that must be asked has not answered;
    held: a person has to decide. reasons: what is waited for, or why not. order: our number, under which its status stands."""

    order: str
    customer: str
    purchase_order: str
    answer: Said
    milestone: str
    reasons: tuple[str, ...] = ()
    lines: tuple[AnsweredLine, ...] = ()

    @property
    def decided(self) -> bool:
        """Whether a yes or no stands."""
        return self.answer not in ("pending", "held")


class ShippedQuantity(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a line, in our stock unit."""

    line: str
    item: str
    quantity: Decimal


class ShipmentView(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment of an order as the warehouse confirmed it. invoice: its invoice's number once it is out, else ""."""

    shipment: str
    order: str
    purchase_order: str
    shipped: date | None
    carrier: str
    bill_of_lading: str
    pro: str
    tracking: tuple[str, ...]
    lines: tuple[ShippedQuantity, ...]
    notice: str
    invoice: str


class InvoiceView(msgspec.Struct, frozen=True, kw_only=True):
    """What is or will be invoiced for a shipment. status: blocked, ready, met (it is out), refused, void. blocked_by: what it waits for, in words. number: its own,
    the same from the beginning."""

    number: str
    order: str
    purchase_order: str
    shipment: str
    status: str
    currency: str
    amount: Decimal | None
    due_at: datetime | None
    blocked_by: tuple[str, ...]


def answer(state: State, agreement: Agreement | None, now: datetime) -> OrderAnswer:
    """What an order is answered at `now`."""
    standing = derive(state, agreement, now)
    if not state.orders or agreement is None:
        return OrderAnswer(
            order=state.key,
            customer="",
            purchase_order="",
            answer="held",
            milestone=standing.milestone,
            reasons=_troubles(standing),
        )
    p = position_of(state, agreement)
    lines = tuple(
        AnsweredLine(
            line=now_line.line.line,
            item=now_line.line.item,
            quantity=now_line.line.partner_quantity,
            unit=now_line.line.partner_unit,
            price=now_line.price,
            undecided=now_line.undecided,
            answers=answer_of(now_line),
        )
        for now_line in p.lines.values()
    )
    waits = _waits(standing.obligations)
    said: Said
    reasons: tuple[str, ...]
    if p.cancelled is not None:
        said, reasons = "cancelled", (p.cancelled.text,) if p.cancelled.text else ()
    elif waits or not p.decided or not p.promised:
        reasons = _troubles(standing) or waits
        said = "held" if standing.troubles else "pending"
    else:
        said, reasons = _yes_or_no(lines), ()
    return OrderAnswer(
        order=state.key,
        customer=p.order.partner,
        purchase_order=p.order.purchase_order,
        answer=said,
        milestone=standing.milestone,
        reasons=reasons,
        lines=lines,
    )


def _troubles(standing: Standing) -> tuple[str, ...]:
    return tuple(f"{trouble.cause}: {trouble.detail}" for trouble in standing.troubles)


def _waits(obligations: Sequence[Obligation]) -> tuple[str, ...]:
    """What keeps us from answering; that no channel is agreed does not, for the API is one."""
    for kind in ANSWERING[:2]:
        owed = [o for o in obligations if o.kind == kind]
        if owed:
            last = owed[-1]
            if last.status is not Status.BLOCKED:
                return ()
            return tuple(why for why in last.blocked_by if not why.startswith(("channel:", "in-erp:")))
    return ()


def _yes_or_no(lines: Sequence[AnsweredLine]) -> Said:
    statuses = {said.status for line in lines for said in line.answers}
    if statuses <= {"accepted"}:
        return "accepted"
    if statuses <= {"rejected", "cancelled"}:
        return "refused"
    return "accepted-with-backorder" if statuses <= {"accepted", "backordered"} else "accepted-with-change"


def shipments(state: State, agreement: Agreement | None, now: datetime) -> list[ShipmentView]:
    """What has left for an order."""
    if not state.orders or agreement is None:
        return []
    p = position_of(state, agreement)
    return [
        ShipmentView(
            shipment=ship.number,
            order=state.key,
            purchase_order=p.order.purchase_order,
            shipped=ship.told.shipped,
            carrier=ship.told.carrier,
            bill_of_lading=ship.told.bill_of_lading,
            pro=ship.told.pro,
            tracking=tuple(ship.told.tracking),
            lines=tuple(
                ShippedQuantity(line=line, item=p.lines[line].line.item, quantity=quantity)
                for line, quantity in ship.quantities.items()
            ),
            notice="sent" if f"ship-notice/{ship.number}" in state.sent else "",
            invoice=invoice_number(state.key, ship.number) if f"invoice/{ship.number}" in state.sent else "",
        )
        for ship in p.shipments
    ]


def invoices(state: State, agreement: Agreement | None, now: datetime) -> list[InvoiceView]:
    """What is invoiced for an order, and what is going to be."""
    if not state.orders or agreement is None:
        return []
    order = state.orders[0]
    return [
        InvoiceView(
            number=invoice_number(state.key, owed.subject),
            order=state.key,
            purchase_order=order.purchase_order,
            shipment=owed.subject,
            status=owed.status.value,
            currency=order.currency or agreement.currency,
            amount=owed.amount,
            due_at=owed.due_at,
            blocked_by=owed.blocked_by,
        )
        for owed in derive(state, agreement, now).obligations
        if owed.kind == "invoice"
    ]
