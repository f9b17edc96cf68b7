"""What is wrong with an order, and what a person can do. A trouble follows from the state: it goes when its cause goes. Ids are `{order}/{cause}[/{subject}]`.

Lines: unknown-item, unknown-unit, inexact-unit (or whatever the line's `trouble` says; mend the workspace, or cancel the line), price-mismatch (approve the
customer's price or another, or cancel the line), total-mismatch (decide: accept lets it pass). Order: unknown-customer, no-route (add a routing rule), credit-declined
(accept takes the order all the same; or ask again, or cancel), order-conflict (accept: what was received first holds), change-conflict (the same of a change),
change-after-release (accept applies it and takes the release back; decline leaves it), unknown-line (a change speaks of a line that the order does not have),
past-cancel-date (accept ships all the same). Shipments: over-shipped (accept bills all; decline bills up to the ordered quantity), substituted-not-allowed (accept bills
it; decline does not), shipped-after-cancel (the same), shipped-unreleased (goes when the
release is known to be out; accept bills it and lets more be released), short-shipped (only where shipments must be complete, by line:
accept releases the rest; or cancel the line;
under backorder and cancel the agreement has decided, and the counters tell), pack-mismatch (accept sends the notice as it is; or the warehouse replaces its
confirmation), shipment-conflict (accept: what was said first, or replaced last, holds), shipment-for-unknown-order, quantity-breach (a counter is impossible).
Partners and systems: rejected-by-partner (their 997; accept lets it pass, a retry sends again), refused-by-erp, refused-by-warehouse, refused-by-tax,
refused-by-partner (retry; for a refused release, accept
gives it up and releases anew), overdue (by obligation; ours and theirs). accept and decline are told by the fact order.exception-decided.
"""

from datetime import datetime, timedelta

from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Obligation, Status, Trouble
from crossdock.process.order_to_cash.counters import Position, ShipmentNow, decision
from crossdock.process.order_to_cash.lines import total_mismatch
from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.obligations import past
from crossdock.process.order_to_cash.state import State
from crossdock.process.overdue import overdue

UNKNOWN_ORDER_HOURS = 4
"""How long facts may wait for the order that they are about."""

_CLOSED = frozenset((Status.MET, Status.VOID))


def troubles_of(
    state: State, p: Position, agreement: Agreement, obligations: list[Obligation], now: datetime
) -> list[Trouble]:
    """All troubles of an order that has been received, in the order in which an order goes its way."""
    found: list[Trouble] = []
    if not p.decided:
        found.extend(_lines(state, p, obligations))
    if (
        len(state.orders) > 1
        or p.order.expects_total
        or state.changes
        or state.cancelled
        or not p.warehouse
        or p.cancel_after
    ):
        found.extend(_order(state, p, obligations, now))
    if state.answers:
        found.extend(_credit(state, p, obligations))
    for ship in p.shipments:
        if (
            ship.over
            or ship.substituted
            or ship.conflict
            or ship.foreign
            or ship.mispacked
            or ship.after_cancel
            or ship.unreleased
        ):
            found.extend(_shipment(state, p, ship, agreement))
    if p.short:
        found.extend(_short(state, p))
    found.extend(_counters(state, p))
    if state.refused or state.acknowledged:
        found.extend(_said_no(state, p, agreement, obligations))
    found.extend(overdue(state.key, obligations, now))
    return found


def unknown_order(state: State, now: datetime) -> Trouble | None:
    """The trouble of facts that have waited too long for their order."""
    if state.since is None or now < state.since + timedelta(hours=UNKNOWN_ORDER_HOURS):
        return None
    about = ", ".join(f"shipment {n}" for n in sorted(state.shipments)) or "facts"
    return Trouble(
        f"{state.key}/shipment-for-unknown-order",
        "shipment-for-unknown-order",
        f"{about} told since {state.since:%Y-%m-%d %H:%M} of an order that nobody has received",
        "find the order, or tell the sender that it is not ours",
    )


def _ids(obligations: list[Obligation], *kinds: str) -> tuple[str, ...]:
    return tuple([o.id for o in obligations if o.kind in kinds and o.status not in _CLOSED])


def _lines(state: State, p: Position, obligations: list[Obligation]) -> list[Trouble]:
    held = _ids(obligations, "acknowledge", "create-in-erp", "credit-check", "release")
    found = []
    for name, now in p.lines.items():
        cause = now.undecided
        if not cause or now.cancelled is not None or now.deleted:
            continue
        x = now.line
        amount = (x.partner_price or ZERO) * x.partner_quantity
        if cause == "price-mismatch":
            agreed = "no price is agreed" if x.agreed_price is None else f"agreed is {x.agreed_price}"
            detail = (
                f"line {name}: the customer says {'no price' if x.price is None else x.price} per {x.unit}, {agreed}"
            )
            action = "approve the customer's price or another, or cancel the line"
        else:
            items = ", ".join(f"{q} {i}" for q, i in x.items) or "nothing"
            detail = f"line {name}: {x.partner_quantity} {x.partner_unit} of {items}" + (
                f" ({x.description})" if x.description else ""
            )
            action = "add it to the workspace, or cancel the line"
        found.append(Trouble(f"{state.key}/{cause}/{name}", cause, detail, action, name, held, amount))
    return found


def _order(state: State, p: Position, obligations: list[Obligation], now: datetime) -> list[Trouble]:
    key, order = state.key, p.order
    found = []
    if len(state.orders) > 1 and decision(state, "order-conflict") != "accept":
        detail = f"purchase order {order.purchase_order} was received {len(state.orders)} times with different content"
        held = _ids(obligations, "acknowledge", "create-in-erp", "release", "invoice")
        found.append(
            Trouble(
                f"{key}/order-conflict",
                "order-conflict",
                detail,
                "ask the customer; accept: the first holds",
                "",
                held,
                p.total,
            )
        )
    for number, versions in sorted(state.changes.items()):
        if len(versions) > 1 and decision(state, f"change-conflict/{number}") != "accept":
            detail = f"change {number or 'without a number'} was received {len(versions)} times with different content"
            found.append(
                Trouble(
                    f"{key}/change-conflict/{number}",
                    "change-conflict",
                    detail,
                    "ask the customer; accept: the first holds",
                    number,
                )
            )
    for name in p.late:
        what = "the cancellation" if name == "cancel" else f"change {name}"
        detail = f"{what} came after the order was released to {p.warehouse}"
        action = "accept: take the release back and apply it; decline: leave the order as it is"
        held = _ids(obligations, "invoice")
        found.append(
            Trouble(f"{key}/change-after-release/{name}", "change-after-release", detail, action, name, held, p.total)
        )
    for number, line in p.foreign_changes:
        if decision(state, f"unknown-line/{number}/{line}") != "accept":
            detail = f"change {number} speaks of line {line}, which the order does not have"
            found.append(
                Trouble(
                    f"{key}/unknown-line/{number}/{line}",
                    "unknown-line",
                    detail,
                    "ask the customer; accept lets it pass",
                    line,
                )
            )
    if not p.warehouse and p.cancelled is None:
        found.append(
            Trouble(
                f"{key}/no-route",
                "no-route",
                "no routing rule names a warehouse",
                "add a routing rule",
                "",
                _ids(obligations, "release"),
                p.total,
            )
        )
    if order.expects_total and (off := total_mismatch(p, state)) is not None:
        detail = f"the customer's total is {order.total}, {abs(off)} {'more' if off > 0 else 'less'} than its lines"
        found.append(
            Trouble(
                f"{key}/total-mismatch",
                "total-mismatch",
                detail,
                "accept lets it pass",
                "",
                _ids(obligations, "invoice"),
                abs(off),
            )
        )
    if (
        p.cancel_after is not None
        and p.candidate
        and past(p.cancel_after, now)
        and decision(state, "past-cancel-date") != "accept"
    ):
        detail = f"the customer takes nothing after {p.cancel_after}"
        held = _ids(obligations, "release")
        found.append(
            Trouble(
                f"{key}/past-cancel-date",
                "past-cancel-date",
                detail,
                "cancel the order, or accept to ship all the same",
                "",
                held,
                p.total,
            )
        )
    return found


def _credit(state: State, p: Position, obligations: list[Obligation]) -> list[Trouble]:
    if p.cancelled is not None or decision(state, "credit-declined") == "accept":
        return []
    for what in sorted(state.answers):
        answer = state.answers[what]
        if (
            what.startswith("credit-check")
            and not answer.good
            and any(o.kind == "credit-check" and o.id.endswith(what) and o.status is Status.MET for o in obligations)
        ):
            held = _ids(obligations, "acknowledge", "create-in-erp", "release")
            action = "accept takes the order all the same; or ask again, or cancel"
            return [
                Trouble(
                    f"{state.key}/credit-declined",
                    "credit-declined",
                    f"{p.order.partner}: {answer.value or 'no reason told'}",
                    action,
                    "",
                    held,
                    p.total,
                )
            ]
    return []


def _shipment(state: State, p: Position, ship: ShipmentNow, agreement: Agreement) -> list[Trouble]:
    key, number = state.key, ship.number
    billing = (f"{key}/tax/{ship.tax_subject}", f"{key}/invoice/{number}")
    telling = (f"{key}/ship-notice/{number}", f"{key}/post-shipment/{number}", *billing)
    found = []
    for name, quantity in ship.over.items():
        now = p.lines[name]
        detail = f"line {name}: {quantity} {now.line.unit} more than ordered and allowed ({agreement.over_tolerance_percent} %)"
        action = "accept bills all; decline bills up to the ordered quantity"
        found.append(
            Trouble(
                f"{key}/over-shipped/{number}/{name}",
                "over-shipped",
                detail,
                action,
                name,
                billing,
                now.amount(quantity),
            )
        )
    items = {x.line: x.item for x in ship.told.lines}
    for name in ship.substituted:
        if not decision(state, f"substituted-not-allowed/{number}/{name}"):
            detail = f"line {name}: {items[name]} was shipped for {p.lines[name].line.item}"
            found.append(
                Trouble(
                    f"{key}/substituted-not-allowed/{number}/{name}",
                    "substituted-not-allowed",
                    detail,
                    "accept bills it; decline does not",
                    name,
                    billing,
                )
            )
    if ship.after_cancel and not decision(state, f"shipped-after-cancel/{number}"):
        detail = f"shipment {number} left after the cancellation"
        action = "accept bills it; decline does not (have it brought back)"
        found.append(
            Trouble(
                f"{key}/shipped-after-cancel/{number}",
                "shipped-after-cancel",
                detail,
                action,
                number,
                billing,
                ship.amount,
            )
        )
    if ship.unreleased and ship.quantities:
        detail = f"shipment {number} left under {f'release {ship.told.release}' if ship.told.release else 'a release'} that is not known to be out"
        action = "wait for word of the release; accept: it was ours"
        found.append(
            Trouble(
                f"{key}/shipped-unreleased/{number}", "shipped-unreleased", detail, action, number, billing, ship.amount
            )
        )
    if ship.conflict:
        detail = f"shipment {number} was {ship.conflict}"
        action = "ask the warehouse to replace it; accept: what stands now holds"
        found.append(
            Trouble(
                f"{key}/shipment-conflict/{number}", "shipment-conflict", detail, action, number, telling, ship.amount
            )
        )
    if ship.mispacked:
        action = "have the warehouse replace its confirmation; accept sends the notice as it is"
        held = (telling[0], billing[1])
        found.append(
            Trouble(
                f"{key}/pack-mismatch/{number}",
                "pack-mismatch",
                f"shipment {number}: {ship.mispacked}",
                action,
                number,
                held,
                ship.amount,
            )
        )
    for name in ship.foreign:
        detail = f"shipment {number}: line {name} is not of this order, or its quantity is below nothing"
        found.append(
            Trouble(
                f"{key}/quantity-breach/{number}/{name}",
                "quantity-breach",
                detail,
                "ask the warehouse to replace its confirmation",
                name,
                telling,
            )
        )
    return found


def _short(state: State, p: Position) -> list[Trouble]:
    found = []
    for name in p.short:
        now = p.lines[name]
        left = f"{now.backordered} {now.line.unit} not shipped"
        detail = f"line {name}: {left}, and shipments to {p.order.partner} must be complete"
        action = "accept releases the rest; or cancel the line"
        amount = now.amount(now.backordered)
        found.append(Trouble(f"{state.key}/short-shipped/{name}", "short-shipped", detail, action, name, (), amount))
    return found


def _counters(state: State, p: Position) -> list[Trouble]:
    """The inequalities that hold for every line; a breach is a trouble, never a crash."""
    found = []
    for name, now in p.lines.items():
        if now.invoiced > now.shipped:
            wrong = f"{now.invoiced} invoiced, {now.shipped} shipped"
        elif now.quantity < 0:
            wrong = f"{now.quantity} ordered"
        else:
            continue
        amount = now.amount(abs(now.invoiced - now.shipped))
        action = "credit the customer, or have the warehouse correct its confirmation"
        found.append(
            Trouble(
                f"{state.key}/quantity-breach/{name}",
                "quantity-breach",
                f"line {name}: {wrong}",
                action,
                name,
                (),
                amount,
            )
        )
    return found


def _said_no(state: State, p: Position, agreement: Agreement, obligations: list[Obligation]) -> list[Trouble]:
    """Refused effects and releases, rejected documents."""
    found = []
    for o in obligations:
        if o.status is not Status.REFUSED:
            continue
        what = o.id[len(state.key) + 1 :]
        if o.kind == "functional-ack":
            said = state.acknowledged[o.subject]
            document = f"{state.key}/{o.subject}"
            detail = f"{o.debtor} rejected {o.subject}: {said.text or 'no reason told'}"
            action = "mend the cause and retry; accept lets it pass"
            found.append(
                Trouble(
                    f"{state.key}/rejected-by-partner/{o.subject}",
                    "rejected-by-partner",
                    detail,
                    action,
                    document,
                    (o.id, document),
                )
            )
            continue
        refusal = state.refused[what]
        other = o.creditor if o.debtor == "us" else o.debtor
        role = _role(o.kind)
        detail = f"{other} refused {what}: {f'{refusal.code} {refusal.text}'.strip() or 'no reason told'}"
        action = "mend the cause and retry"
        if o.kind == "confirm-shipment":
            what = f"release/{o.subject}"
            action = "accept gives the release up and releases anew; or cancel"
        found.append(
            Trouble(
                f"{state.key}/refused-by-{role}/{what}", f"refused-by-{role}", detail, action, o.id, (o.id,), o.amount
            )
        )
    return found


def _role(kind: str) -> str:
    if kind in ("release", "cancel-release", "confirm-shipment"):
        return "warehouse"
    if kind == "tax":
        return "tax"
    return "partner" if kind in ("acknowledge", "ship-notice", "invoice") else "erp"
