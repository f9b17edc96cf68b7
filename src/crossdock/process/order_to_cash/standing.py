"""Where an order stands: obligations, troubles, names, milestone and figures, all from its state.

Milestones, in this order: waiting-for-order (facts came before it), received, accepted (every line decided and credit good), in-erp, released, partly-shipped,
shipped (nothing more will), invoiced (all that shipped and is to be billed), complete (nothing is open), cancelled (nothing shipped, nothing will, nothing is open).
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Name, Obligation, Standing, Status, Trouble
from crossdock.process.order_to_cash.counters import Position
from crossdock.process.order_to_cash.effects import invoice_number
from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.obligations import Owing
from crossdock.process.order_to_cash.position import Worked, position_of
from crossdock.process.order_to_cash.state import State
from crossdock.process.order_to_cash.stocking import demands_of, taken_of
from crossdock.process.order_to_cash.troubles import UNKNOWN_ORDER_HOURS, troubles_of, unknown_order

_OPEN = frozenset((Status.BLOCKED, Status.READY, Status.WAITING))

MILESTONES = (
    "waiting-for-order",
    "received",
    "accepted",
    "in-erp",
    "released",
    "partly-shipped",
    "shipped",
    "invoiced",
    "complete",
    "cancelled",
)


def derive(state: State, agreement: Agreement | None, now: datetime, before: Standing | None = None) -> Standing:
    """All that follows from `state` at `now`. Without an agreement nothing can be owed yet. `before`: how the order stood in an earlier state, to save work."""
    if not state.orders or agreement is None:
        return _without_order(state, now)
    worked: Worked | None = before.workings if before is not None else None
    p = position_of(state, agreement, worked)
    owing = Owing(state, p, agreement, now)
    obligations = owing.all()
    troubles = troubles_of(state, p, agreement, obligations, now)
    # Names and figures follow from the position, which has the invoices that are out, and the answers; and where something is to be sent again, from what was rejected.
    same = (
        worked is not None
        and worked.position is p
        and worked.agreement is agreement
        and worked.state.answers is state.answers
        and (worked.state.acknowledged is state.acknowledged or not state.retried)
    )
    return Standing(
        milestone=_milestone(state, p, owing),
        obligations=tuple(obligations),
        troubles=tuple(troubles),
        names=before.names if same and before is not None else tuple(_names(state, p)),
        wake_at=_wake_at(p, obligations, owing.opens, now),
        summary=before.summary if same and before is not None else _summary(p, agreement, obligations),
        demands=demands_of(state, p, agreement),
        taken=taken_of(p, agreement),
        workings=Worked(state, agreement, p),
    )


def agreement_of(state: State) -> tuple[str, int] | None:
    """The partner and the workspace version whose agreement holds for the order; None before it is received."""
    return (state.orders[0].partner, state.orders[0].workspace_version) if state.orders else None


def _without_order(state: State, now: datetime) -> Standing:
    names = [Name("order", state.key), *[Name("shipment", n) for n in sorted(state.shipments)]]
    if state.orders:
        order = state.orders[0]
        names[1:1] = [Name("purchase-order", order.purchase_order), Name("customer", order.partner)]
        detail = f"workspace version {order.workspace_version} has no agreement with {order.partner or 'the sender'}"
        trouble = Trouble(
            f"{state.key}/unknown-customer", "unknown-customer", detail, "add the partner to the workspace"
        )
        return Standing("received", (), (trouble,), tuple(names))
    lost = unknown_order(state, now)
    wake_at = state.since + timedelta(hours=UNKNOWN_ORDER_HOURS) if state.since is not None and lost is None else None
    return Standing("waiting-for-order", (), (lost,) if lost else (), tuple(names), wake_at)


def _milestone(state: State, p: Position, owing: Owing) -> str:
    going, shipped = bool(p.candidate), False
    for line in p.lines.values():
        going = going or line.open > 0
        shipped = shipped or line.shipped > 0
    going = going or any(r.open for r in p.releases)
    unbilled = False
    if not going:
        closed = True
        for o in owing.found:
            if o.status is not Status.MET and o.status is not Status.VOID:
                closed = False
                unbilled = unbilled or o.kind == "invoice"
        if closed:
            return "complete" if shipped else "cancelled"
    if shipped:
        return "partly-shipped" if going else "shipped" if unbilled else "invoiced"
    if p.releases:
        return "released"
    if "create-in-erp" in state.answers:
        return "in-erp"
    return "accepted" if p.decided and not owing.credit else "received"


def _names(state: State, p: Position) -> list[Name]:
    order = p.order
    found = [Name("order", state.key), Name("purchase-order", order.purchase_order), Name("customer", order.partner)]
    for what, answer in state.answers.items():
        if what == "create-in-erp":
            found.append(Name("erp-order", answer.value))
        elif what.startswith("post-shipment/"):
            found.append(Name("posting", answer.value))
    for ship in p.shipments:
        told = ship.told
        found.append(Name("shipment", ship.number))
        if told.bill_of_lading:
            found.append(Name("bill-of-lading", told.bill_of_lading))
        if told.pro:
            found.append(Name("pro", told.pro))
        found.extend([Name("tracking", t) for t in told.tracking])
        for package in told.packages:
            if package.sscc:
                found.append(Name("sscc", package.sscc))
            if package.tracking:
                found.append(Name("tracking", package.tracking))
        if f"invoice/{ship.number}" in state.sent:
            found.append(
                Name("invoice", state.sent[f"invoice/{ship.number}"].number or invoice_number(state.key, ship.number))
            )
    return sorted(set(found), key=lambda n: (n.kind, n.value)) if len(found) > 3 else found


def _wake_at(p: Position, obligations: list[Obligation], opens: datetime | None, now: datetime) -> datetime | None:
    wake = opens
    for o in obligations:
        due = o.due_at
        if due is not None and due > now and o.status in _OPEN and (wake is None or due < wake):
            wake = due
    if p.cancel_after is not None and p.candidate:
        after = datetime.combine(p.cancel_after + timedelta(days=1), time(), UTC)
        if after > now and (wake is None or after < wake):
            wake = after
    return wake


def _summary(p: Position, agreement: Agreement, obligations: list[Obligation]) -> dict[str, Any]:
    lines: dict[str, dict[str, str | Decimal]] = {}
    invoiced = ZERO
    for o in obligations:
        if o.kind == "invoice" and o.status is Status.MET and o.amount is not None:
            invoiced += o.amount
    for name, now in p.lines.items():
        lines[name] = {
            "item": now.line.item,
            "ordered": now.quantity,
            "accepted": now.accepted,
            "released": now.released,
            "shipped": now.shipped,
            "invoiced": now.invoiced,
            "cancelled": now.cut,
            "backordered": now.backordered,
        }
    return {
        "customer": p.order.partner,
        "purchase_order": p.order.purchase_order,
        "currency": p.order.currency or agreement.currency,
        "total": p.total,
        "invoiced": invoiced,
        "lines": lines,
    }


def counters_of(state: State, agreement: Agreement) -> dict[str, dict[str, Decimal]]:
    """The counters of each line of an order that has been received, in our stock unit."""
    return {
        name: {
            "ordered": now.quantity,
            "accepted": now.accepted,
            "released": now.released,
            "outstanding": now.outstanding,
            "shipped": now.shipped,
            "invoiced": now.invoiced,
            "cancelled": now.cut,
            "backordered": now.backordered,
            "open": now.open,
        }
        for name, now in position_of(state, agreement).lines.items()
    }
