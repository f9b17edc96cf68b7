"""Goods that are expected at a warehouse, from being announced until all of them are there; the key is RECEIPT-{our number of it}.

Obligations: `{key}/expect` (kind expect: us to the warehouse, a 943; `{key}/expect/2` and so on when what is expected has changed) and `{key}/confirm` (kind
confirm-receipt: the warehouse to us, its 944s, by the last due day and the agreed hours after it).
Troubles: short-receipt, over-receipt, damaged-receipt, wrong-item-receipt (with figures; what is short closes when the rest comes), unannounced-receipt (the
warehouse received what nobody told us to expect), refused-by-warehouse and rejected-by-warehouse (our 943), overdue. All but the last three close
too when somebody closes the receipt as it is.
Milestones: waiting (nobody announced it), expected, announced, partial, received (all is there, with troubles), complete, cancelled.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.facts.fact import Fact
from crossdock.facts.order import AcknowledgementReceived, DocumentSent, EffectRefused, EffectRetried
from crossdock.facts.receipt import (
    ExpectedLine,
    ReceiptCancelled,
    ReceiptChanged,
    ReceiptClosed,
    ReceiptConfirmed,
    ReceiptExpected,
)
from crossdock.policy.agreement import Agreement
from crossdock.process.agreed import Agreed
from crossdock.process.obligation import Effect, Name, Obligation, Standing, Status, Trouble
from crossdock.process.overdue import overdue
from crossdock.trade.documents import ItemReference, PartyReference
from crossdock.trade.stock import ShippedStockLine, StockTransferShipmentAdvice

PREFIX = "RECEIPT-"
"""How the keys of receipts begin."""

DOCUMENT = "stock-transfer-shipment-advice"
NOTHING = Decimal(0)

ReceiptData = ReceiptExpected | ReceiptChanged | ReceiptCancelled | ReceiptClosed | ReceiptConfirmed
_RECEIPT_DATA = (ReceiptExpected, ReceiptChanged, ReceiptCancelled, ReceiptClosed, ReceiptConfirmed)


def receipt_key(number: str) -> str:
    """The key of the receipt that we call `number`."""
    return f"{PREFIX}{number}"


class Telling(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something told of the receipt itself."""

    at: datetime
    data: ReceiptData


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something said of an obligation: `code` and `text` in words."""

    at: datetime
    fact: str
    code: str = ""
    text: str = ""


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told: of the receipt, by fact; of our announcements the last of each kind, by obligation."""

    key: str
    told: dict[str, Telling] = {}
    sent: dict[str, Said] = {}
    refused: dict[str, Said] = {}
    retried: dict[str, Said] = {}
    acknowledged: dict[str, Said] = {}


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new."""
    d, at, name = fact.data, fact.occurred_at, fact.id
    if isinstance(d, _RECEIPT_DATA):
        return state if name in state.told else replace(state, told={**state.told, name: Telling(at, d)})
    if isinstance(d, DocumentSent):
        return _with(state, "sent", d.obligation, Said(at, name, d.number))
    if isinstance(d, EffectRefused):
        return _with(state, "refused", d.obligation, Said(at, name, d.code, d.reason))
    if isinstance(d, EffectRetried):
        return _with(state, "retried", d.obligation, Said(at, name, d.who))
    if isinstance(d, AcknowledgementReceived):
        return _with(state, "acknowledged", d.obligation, Said(at, name, d.status, "; ".join(d.errors)))
    return state


def _with(state: State, field: str, obligation: str, said: Said) -> State:
    known: dict[str, Said] = getattr(state, field)
    before = known.get(obligation)
    if before is not None and (before.at, before.fact) >= (said.at, said.fact):
        return state
    return replace(state, **{field: {**known, obligation: said}})


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line as it stands: expected, received of it, and what of that was bad."""

    line: str
    item: str
    quantity: Decimal
    due_on: date
    lot: str = ""
    received: Decimal = NOTHING
    damaged: Decimal = NOTHING
    held: Decimal = NOTHING


class Position(msgspec.Struct, frozen=True, gc=False):
    """All that was told, in the order of its time. expected: the announcement that counts; revision: how often what is expected has changed, from 1.
    strangers: (item, quantity) that came and was not expected."""

    expected: ReceiptExpected | None
    revision: int
    due_on: date | None
    lines: tuple[Line, ...]
    strangers: tuple[tuple[str, Decimal], ...]
    confirmed: tuple[tuple[str, ReceiptConfirmed], ...]
    cancelled: str
    closed: str
    first_at: datetime | None


def position(state: State) -> Position:
    """How the receipt stands, whatever the order in which its facts came."""
    expected: ReceiptExpected | None = None
    lines: dict[str, ExpectedLine] = {}
    due_on: date | None = None
    revision, cancelled, closed = 0, "", ""
    first_at: datetime | None = None
    confirmed: list[tuple[str, ReceiptConfirmed]] = []
    for name, told in sorted(state.told.items(), key=lambda each: (each[1].at, each[0])):
        d, before = told.data, (expected and expected.site, dict(lines), due_on)
        if isinstance(d, ReceiptExpected):
            expected, due_on, cancelled = d, d.due_on, ""
            lines = {line.line: line for line in d.lines}
            first_at = first_at or told.at
        elif isinstance(d, ReceiptChanged):
            lines |= {line.line: line for line in d.lines}
            due_on = d.due_on or due_on
        elif isinstance(d, ReceiptCancelled):
            cancelled = name
        elif isinstance(d, ReceiptClosed):
            closed = name
        else:
            confirmed.append((name, d))
        if expected is not None and ((expected.site, lines, due_on) != before or revision == 0):
            revision += 1
    standing, strangers = _received(lines, due_on, confirmed)
    return Position(expected, revision, due_on, standing, strangers, tuple(confirmed), cancelled, closed, first_at)


def _received(
    lines: dict[str, ExpectedLine], due_on: date | None, confirmed: list[tuple[str, ReceiptConfirmed]]
) -> tuple[tuple[Line, ...], tuple[tuple[str, Decimal], ...]]:
    """What came, to the lines that expect it: to the line that the warehouse names if it is of that item, else to the lines of the item in their order."""
    open_: dict[str, Line] = {}
    for each in lines.values():
        if each.quantity or each.item:
            open_[each.line] = Line(each.line, each.item, each.quantity, each.due_on or due_on or date.max, each.lot)
    strangers: dict[str, Decimal] = {}
    for _, receipt in confirmed:
        for came in receipt.lines:
            named = open_.get(came.line)
            own = [line for line in open_.values() if line.item == came.item]
            if named is not None and named.item == came.item:
                target = named
            elif own:
                target = next((line for line in own if line.received < line.quantity), own[-1])
            else:
                strangers[came.item] = strangers.get(came.item, NOTHING) + came.quantity
                continue
            open_[target.line] = replace(
                target,
                received=target.received + came.quantity,
                damaged=target.damaged + came.damaged,
                held=target.held + came.held,
            )
    return tuple(open_.values()), tuple(strangers.items())


def derive(state: State, agreement: Agreement | None, now: datetime) -> Standing:
    """What follows at `now`."""
    p, key = position(state), state.key
    obligations: list[Obligation] = []
    if p.expected is not None:
        announce = _expect(state, p, agreement)
        obligations = (
            [announce, _confirm(state, p, announce, agreement)] if announce else [_confirm(state, p, None, agreement)]
        )
    troubles = [*_differences(key, p), *_refusals(state, obligations), *overdue(key, obligations, now)]
    wakes = [
        o.due_at
        for o in obligations
        if o.due_at is not None and o.due_at > now and o.status in (Status.READY, Status.WAITING, Status.BLOCKED)
    ]
    names = [Name("receipt", receipt.receipt) for _, receipt in p.confirmed]
    if p.expected is not None:
        told = (("purchase-order", p.expected.purchase_order), ("shipment", p.expected.shipment))
        names += [Name(kind, value) for kind, value in told if value]
    return Standing(
        _milestone(p, obligations, troubles),
        tuple(obligations),
        tuple(troubles),
        tuple(names),
        min(wakes, default=None),
        _summary(p),
    )


def _expect(state: State, p: Position, agreement: Agreement | None) -> Obligation | None:
    """Our announcement to the warehouse; None where no system keeps the site."""
    expected = p.expected
    if expected is None or not expected.warehouse:
        return None
    id_ = f"{state.key}/expect" if p.revision == 1 else f"{state.key}/expect/{p.revision}"
    due = None
    if agreement is not None and agreement.clocks.release_minutes is not None and p.first_at is not None:
        due = p.first_at + timedelta(minutes=agreement.clocks.release_minutes)
    status: Status = Status.READY
    evidence: tuple[str, ...] = ()
    sent, refused, retried = state.sent.get(id_), state.refused.get(id_), state.retried.get(id_)
    if sent is not None:
        status, evidence = Status.MET, (sent.fact,)
    elif p.cancelled or p.closed or p.confirmed:
        # The warehouse has it already, or is not to have it: there is nothing left to announce.
        status, evidence = Status.VOID, tuple(name for name in (p.cancelled, p.closed) if name)
    elif refused is not None and (retried is None or (retried.at, retried.fact) < (refused.at, refused.fact)):
        status, evidence = Status.REFUSED, (refused.fact,)
    return Obligation(id_, "expect", "us", expected.warehouse, status, due, (), evidence, state.key[len(PREFIX) :])


def _confirm(state: State, p: Position, announce: Obligation | None, agreement: Agreement | None) -> Obligation:
    expected = p.expected
    assert expected is not None
    last = max((line.due_on for line in p.lines), default=p.due_on or expected.due_on)
    hours = agreement.clocks.confirm_receipt_hours if agreement is not None else None
    due = (
        datetime.combine(last + timedelta(days=1), time(), UTC) + timedelta(hours=hours) if hours is not None else None
    )
    status: Status = Status.WAITING
    blocked: tuple[str, ...] = ()
    evidence = tuple(name for name, _ in p.confirmed)
    if p.cancelled:
        status, evidence = Status.VOID, (p.cancelled,)
    elif p.closed:
        status, evidence = Status.MET, (*evidence, p.closed)
    elif all(line.received >= line.quantity for line in p.lines):
        status = Status.MET
    elif announce is not None and announce.status in (Status.READY, Status.REFUSED):
        status, blocked = Status.BLOCKED, ("expect: the warehouse has not been told of it",)
    who = expected.warehouse or expected.sender or expected.site
    return Obligation(
        f"{state.key}/confirm", "confirm-receipt", who, "us", status, due, blocked, evidence, state.key[len(PREFIX) :]
    )


def _differences(key: str, p: Position) -> list[Trouble]:
    """What came otherwise than it was expected; nothing once somebody took it as it is."""
    if p.closed or not p.confirmed:
        return []
    numbers = ", ".join(dict.fromkeys(receipt.receipt for _, receipt in p.confirmed))
    confirm = (f"{key}/confirm",)
    if p.expected is None or p.cancelled:
        what = ", ".join(f"{line.quantity} {line.item}" for _, receipt in p.confirmed for line in receipt.lines)
        why = "it was called off" if p.cancelled else "nobody announced it"
        return [
            Trouble(
                f"{key}/unannounced-receipt",
                "unannounced-receipt",
                f"receipt {numbers}: {what}; {why}",
                "announce it, or close it as it is",
            )
        ]
    found: list[Trouble] = []

    def add(cause: str, line: str, detail: str, action: str) -> None:
        found.append(Trouble(f"{key}/{cause}/{line}", cause, f"{detail}, by receipt {numbers}", action, line, confirm))

    for line in p.lines:
        what = f"line {line.line}: {line.received} of {line.quantity} {line.item} came"
        if line.received < line.quantity:
            add(
                "short-receipt",
                line.line,
                f"{what}, {line.quantity - line.received} fewer",
                "wait for the rest, change what is expected, or close it",
            )
        elif line.received > line.quantity:
            add(
                "over-receipt",
                line.line,
                f"{what}, {line.received - line.quantity} more",
                "agree on it with the sender, and close it",
            )
        if line.damaged or line.held:
            bad = f"{line.damaged} of them damaged, {line.held} held back"
            add("damaged-receipt", line.line, f"{what}, {bad}", "claim them, and close it")
    for item, quantity in p.strangers:
        add("wrong-item-receipt", item, f"{quantity} {item} came that were not expected", "agree on it, and close it")
    return found


def _refusals(state: State, obligations: list[Obligation]) -> list[Trouble]:
    found = []
    for o in obligations:
        if o.status is Status.REFUSED:
            said = state.refused[o.id]
            detail = f"{o.creditor} would not take it: {f'{said.code} {said.text}'.strip()}"
            found.append(
                Trouble(
                    f"{state.key}/refused-by-warehouse",
                    "refused-by-warehouse",
                    detail,
                    "mend the cause and retry",
                    o.subject,
                    (o.id,),
                )
            )
        answer = state.acknowledged.get(o.id)
        if answer is not None and answer.code == "rejected":
            detail = f"{o.creditor} could not use it: {answer.text or 'no reason told'}"
            action = "mend the cause, and change or announce it anew"
            found.append(
                Trouble(
                    f"{state.key}/rejected-by-warehouse", "rejected-by-warehouse", detail, action, o.subject, (o.id,)
                )
            )
    return found


def _milestone(p: Position, obligations: list[Obligation], troubles: list[Trouble]) -> str:
    if p.expected is None:
        return "waiting"
    if p.cancelled:
        return "cancelled"
    by_kind = {o.kind: o.status for o in obligations}
    if by_kind["confirm-receipt"] is Status.MET:
        return "received" if troubles else "complete"
    if p.confirmed:
        return "partial"
    return "announced" if by_kind.get("expect") is Status.MET else "expected"


def _summary(p: Position) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "lines": len(p.lines),
        "expected": sum((line.quantity for line in p.lines), NOTHING),
        "received": sum((line.received for line in p.lines), NOTHING),
        "damaged": sum((line.damaged for line in p.lines), NOTHING),
    }
    if p.expected is not None:
        summary |= {"site": p.expected.site, "warehouse": p.expected.warehouse, "kind": p.expected.kind}
        summary["due_on"] = p.due_on
    return summary


def effect(state: State, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect:
    """The 943. Raises KeyError for what is not ours to do."""
    p = position(state)
    announce = _expect(state, p, agreement)
    if p.expected is None or announce is None or announce.id != obligation.id:
        raise KeyError(obligation.id)
    expected, number = p.expected, state.key[len(PREFIX) :]
    lines = [line for line in p.lines if line.quantity > 0]
    units = {line.line: line.unit for line in expected.lines}
    parties = [PartyReference(role="warehouse", name=expected.site)]
    if expected.sender:
        parties.append(PartyReference(role="ship-from", name=expected.sender))
    content = StockTransferShipmentAdvice(
        depositor_order=number,
        shipment=expected.shipment,
        purchase_order=expected.purchase_order,
        expected=p.due_on,
        carrier=expected.carrier,
        parties=tuple(parties),
        lines=tuple(
            ShippedStockLine(
                line=line.line,
                quantity=line.quantity,
                unit=units.get(line.line) or "EA",
                items=(ItemReference(qualifier="sku", id=line.item),),
                lot=line.lot,
            )
            for line in lines
        ),
        total_quantity=sum((line.quantity for line in lines), NOTHING),
    )
    return Effect(
        obligation=obligation.id,
        system=expected.warehouse,
        document=DOCUMENT,
        content=content,
        partner=expected.partner,
        ordering_key=state.key,
        number=number,
        told=tuple((line.line, line.quantity) for line in lines),
    )


def agreement_of(state: State) -> tuple[str, int] | None:
    """That of the warehouse, as it was when the receipt was last announced."""
    expected = position(state).expected
    return (expected.partner, expected.workspace_version) if expected is not None and expected.partner else None


PROCESS = Agreed("receipt", State, evolve, agreement_of, derive, effect)
