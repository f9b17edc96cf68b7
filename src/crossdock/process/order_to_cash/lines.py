"""The order's lines as they stand: what was resolved, altered, cancelled and decided, and under which mark."""

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.counters import LineNow, Position, checksum, decision, latest
from crossdock.process.order_to_cash.money import ZERO, amount_of, rounded
from crossdock.process.order_to_cash.state import AlteredLine, Change, Line, State

_SAME_PRICE = Decimal("0.0001")
"""Prices per stock unit closer than this are the same: a price per dozen is not exact per piece."""


def resolve(p: Position, state: State) -> None:
    """Lines and the route that the workspace could tell after all."""
    for name, resolved in state.resolved.items():
        if name == "":
            if not p.warehouse:
                p.warehouse, p.site = resolved.warehouse, resolved.site
                p.decided_at = latest(p.decided_at, resolved.at)
            continue
        now = p.lines.get(name)
        if now is not None and now.line.trouble and resolved.line is not None:
            now.line = resolved.line
            now.original = now.quantity = resolved.line.quantity
            p.decided_at = latest(p.decided_at, resolved.at)


def change_order(number: str) -> tuple[int, int, str]:
    """Changes apply in the order of their numbers: as numbers where they are, else as text behind those."""
    return (0, int(number), number) if number.isdecimal() else (1, 0, number)


def alter(p: Position, state: State, agreement: Agreement) -> None:
    """Changes and cancellations, each applied or put aside as late."""
    released_at = min((r.sent.first_at for r in p.releases), default=None)
    marks: list[str] = []
    late: list[str] = []
    foreign: list[tuple[str, str]] = []

    def applies(at: datetime, name: str, dates: bool = False) -> bool:
        if released_at is None or at <= released_at or (agreement.changes_until == "never" and not dates):
            return True
        decided = decision(state, f"change-after-release/{name}")
        if not decided:
            late.append(name)
        return decided == "accept"

    for number in sorted(state.changes, key=change_order):
        change = state.changes[number][0]
        if applies(change.at, number, _moves_dates(change)):
            marks.append(number or "change")
            p.altered_at = latest(p.altered_at, change.at)
            foreign.extend((number, line) for line in _apply(p, change))
    for name, cut in state.line_cancels.items():
        for now in p.lines.values() if name == "" else filter(None, (p.lines.get(name),)):
            if now.cancelled is None or (cut.at, cut.fact) < (now.cancelled.at, now.cancelled.fact):
                now.cancelled = cut
        p.altered_at = latest(p.altered_at, cut.at)
    ended = [word for by, word in state.cancelled.items() if by != "customer" or applies(word.at, "cancel")]
    if ended:
        p.cancelled = min(ended, key=lambda word: (word.at, word.fact))
        p.altered_at = latest(p.altered_at, p.cancelled.at)
        for now in p.lines.values():
            now.cancelled = now.cancelled or p.cancelled
    p.late, p.foreign_changes, p.applied = tuple(late), tuple(foreign), tuple(marks)
    if p.altered_at is not None:
        p.decided_at = latest(p.decided_at, p.altered_at)


def _mark(p: Position, state: State) -> None:
    """Names what was altered. A line that was cancelled before it was ever decided alters nothing: nobody was told of it."""
    cuts = sorted(n for n in state.line_cancels if n in p.lines and not p.lines[n].undecided)
    marks = [f"cancel-{n}" for n in cuts]
    if "" in state.line_cancels:
        marks.append("cancel-lines")
    marks.extend(p.applied)
    if p.cancelled is not None:
        marks.append("cancel")
    if marks:
        p.mark = marks[-1] if len(marks) == 1 else f"{marks[-1]}-{checksum('|'.join(marks))}"


def _moves_dates(change: Change) -> bool:
    return change.ship_not_before is not None or change.ship_no_later is not None or change.cancel_after is not None


def _apply(p: Position, change: Change) -> list[str]:
    """Applies one change; returns the lines that it speaks of and the order does not have."""
    foreign = []
    for altered in change.lines:
        now = p.lines.get(altered.line)
        if altered.change == "add" and altered.ordered is not None and now is None:
            p.lines[altered.line] = LineNow(altered.ordered, ZERO, altered.ordered.quantity)
        elif now is None:
            if altered.line not in foreign:
                foreign.append(altered.line)
        else:
            _apply_line(now, altered)
    p.ship_not_before = change.ship_not_before or p.ship_not_before
    p.ship_no_later = change.ship_no_later or p.ship_no_later
    p.cancel_after = change.cancel_after or p.cancel_after
    return foreign


def _apply_line(now: LineNow, altered: AlteredLine) -> None:
    if altered.change == "delete":
        now.quantity, now.deleted = ZERO, True
        return
    line = now.line
    if altered.quantity is not None:
        now.quantity, now.deleted = altered.quantity, not altered.quantity
        partner_quantity = line.partner_quantity if altered.partner_quantity is None else altered.partner_quantity
        line = replace(line, quantity=altered.quantity, partner_quantity=partner_quantity)
    if altered.price is not None:
        line = replace(line, price=altered.price, partner_price=altered.partner_price)
    now.line = line


def decide(p: Position, state: State, agreement: Agreement) -> None:
    """Which lines can be accepted, and at which price."""
    everything = state.approved.get("")
    for name, now in p.lines.items():
        line = now.line
        price = now.price = line.price
        now.partner_price = line.partner_price
        agreed = line.agreed_price
        approval = state.approved.get(name, everything) if state.approved else None
        if line.trouble:
            now.undecided = line.trouble
        elif approval is not None and approval.price is not None:
            now.price, now.partner_price, now.price_changed = approval.price, None, True
            p.decided_at = latest(p.decided_at, approval.at)
        elif price is None:
            now.price, now.partner_price = agreed, None
            if agreed is None:
                now.undecided = "price-mismatch"
        elif agreed is not None and price != agreed and not within_tolerance(price, agreed, agreement):
            if approval is None:
                now.undecided = "price-mismatch"
            else:
                p.decided_at = latest(p.decided_at, approval.at)
        if now.undecided and now.cancelled is None and not now.deleted:
            p.decided = False
        now.worth = amount_of(line, now.price, now.partner_price, now.quantity)
        if now.cancelled is None:
            p.total += now.worth
    if p.altered_at is not None:
        _mark(p, state)
    if p.mark:
        p.original_total = sum([amount_of(*line) for line in as_it_came(p)], ZERO)
    else:
        p.original_total = p.total


def as_it_came(p: Position) -> list[tuple[Line, Decimal | None, Decimal | None, Decimal]]:
    """(line, price, customer's price where it holds, quantity) of each line that could be taken, before any change or cancellation:
    what we tell once, and alter by telling more."""
    found: list[tuple[Line, Decimal | None, Decimal | None, Decimal]] = []
    for line in p.order.lines:
        now = p.lines[line.line]
        if now.undecided or not now.original:
            continue
        base = now.line if line.trouble else line
        if now.price_changed:
            found.append((base, now.price, None, now.original))
        elif base.price is None:
            found.append((base, base.agreed_price, None, now.original))
        else:
            found.append((base, base.price, base.partner_price, now.original))
    return found


def within_tolerance(price: Decimal, agreed: Decimal, agreement: Agreement) -> bool:
    """Whether the customer's price may stand: by the amount per unit, or by the percentage, whichever allows more."""
    off = abs(price - agreed)
    return (
        off < _SAME_PRICE
        or off <= agreement.price_tolerance_amount
        or off * 100 <= agreement.price_tolerance_percent * agreed
    )


def total_mismatch(p: Position, state: State) -> Decimal | None:
    """The customer's total less that of the customer's own lines, when it is off by a cent or more and nobody let it pass."""
    lines = p.order.lines
    if p.order.total is None or any(x.partner_price is None for x in lines):
        return None
    off = p.order.total - sum([rounded(x.partner_quantity * (x.partner_price or 0)) for x in lines], ZERO)
    return off if off and decision(state, "total-mismatch") != "accept" else None
