"""The order's position, worked out from its state in one pass: lines, releases, shipments, and what to release next.

Whoever is given a position reads it and alters nothing: the last one is kept, because the effects of an order are asked for right after its standing.
"""

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.counters import LineNow, Position
from crossdock.process.order_to_cash.lines import alter, decide, resolve
from crossdock.process.order_to_cash.releasing import plan, releases_of, settle
from crossdock.process.order_to_cash.shipping import ship
from crossdock.process.order_to_cash.state import State

_last: list[tuple[State, Agreement, Position]] = []
"""The position worked out last, with the very objects that it follows from."""


def position_of(state: State, agreement: Agreement) -> Position:
    """The position of an order that has been received."""
    for of, under, position in _last:
        if of is state and under is agreement:
            return position
    position = _work_out(state, agreement)
    _last[:] = [(state, agreement, position)]
    return position


def _work_out(state: State, agreement: Agreement) -> Position:
    order = state.orders[0]
    p = Position(order, {}, order.warehouse, order.site, order.ship_not_before, order.ship_no_later, order.cancel_after)
    p.decided_at = order.at
    for line in order.lines:
        p.lines[line.line] = LineNow(line, line.quantity, line.quantity)
    if state.resolved:
        resolve(p, state)
    p.releases = releases_of(p, state)
    if state.changes or state.cancelled or state.line_cancels:
        alter(p, state, agreement)
    decide(p, state, agreement)
    if state.shipments:
        ship(p, state, agreement)
    if p.releases:
        settle(p, state)
    plan(p, state, agreement)
    return p
