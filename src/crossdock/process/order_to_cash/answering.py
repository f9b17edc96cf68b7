"""The answer to the customer (855): what it says of each line, and under which name it is owed so that other words are another answer."""

from datetime import date
from decimal import Decimal

from crossdock.process.order_to_cash.counters import LineNow, Position
from crossdock.process.order_to_cash.money import ZERO, said_to_customer
from crossdock.process.order_to_cash.state import State
from crossdock.process.order_to_cash.stocking import lacking, promise_mark
from crossdock.trade.documents import AcknowledgedLine


def acknowledge_id(p: Position, state: State) -> str:
    """Named by what it tells beyond the order as it came. What was told before and has become true again is told once more, under a number."""
    marks = "/".join([mark for mark in (p.mark, promise_mark(p)) if mark])
    current = f"acknowledge/{marks}" if marks else "acknowledge"
    if not p.stocked or current not in state.sent:
        return current
    told = [what for what in state.sent if what.startswith("acknowledge")]
    last = max(told, key=lambda what: (state.sent[what].first_at, what))
    if last.partition("~")[0] == current:
        return last
    return f"{current}~{sum(what.partition('~')[0] == current for what in told) + 1}"


def answer_of(now: LineNow) -> tuple[AcknowledgedLine, ...]:
    """The seller's answers to one line, in the customer's unit: where stock is kept, what is there and what is not are two."""
    line = now.line
    if now.deleted:
        return (AcknowledgedLine(status="cancelled", quantity=ZERO, unit=line.partner_unit),)
    if now.cancelled is not None:
        status = "rejected" if now.undecided else "cancelled"
        return (AcknowledgedLine(status=status, quantity=line.partner_quantity, unit=line.partner_unit),)
    status = (
        "price-changed" if now.price_changed else "accepted" if now.quantity == now.original else "quantity-changed"
    )
    if missing := lacking(now):
        return _by_stock(now, status, missing)
    quantity, unit, _ = said_to_customer(line, now.price, now.partner_price, now.quantity)
    return (AcknowledgedLine(status=status, quantity=quantity, unit=unit),)


def _by_stock(now: LineNow, status: str, missing: Decimal) -> tuple[AcknowledgedLine, ...]:
    """What there is under `status`, the rest backordered with the day by which it should be there, or cancelled where nobody waits."""

    def said(quantity: Decimal, status: str, day: date | None = None) -> AcknowledgedLine:
        theirs, unit, _ = said_to_customer(now.line, now.price, now.partner_price, quantity)
        return AcknowledgedLine(status=status, quantity=theirs, unit=unit, ship_date=day)

    there = now.quantity - missing
    day = now.promise.promised_on if now.promise is not None else None
    rest = said(missing, "cancelled") if now.unavailable else said(missing, "backordered", day)
    return (said(there, status), rest) if there > 0 else (rest,)
