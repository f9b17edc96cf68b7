"""The order's position, worked out from its state in one pass: lines, releases, shipments, and what to release next.

Whoever is given a position reads it and alters nothing: it is kept for as long as nothing is told that it follows from, and the last of all
because the effects of an order are asked for right after its standing.
"""

import msgspec

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.counters import LineNow, Position
from crossdock.process.order_to_cash.lines import alter, decide, resolve
from crossdock.process.order_to_cash.releasing import plan, releases_of, settle
from crossdock.process.order_to_cash.shipping import ship
from crossdock.process.order_to_cash.state import State


class Worked(msgspec.Struct, frozen=True, gc=False):
    """A position with the very objects that it follows from."""

    state: State
    agreement: Agreement
    position: Position

    def serves(self, state: State, agreement: Agreement) -> bool:
        """Whether it is the position of `state` as well: nothing differs that a position follows from. Most of what is told of an order only meets an obligation."""
        old = self.state
        if old is state:
            return agreement is self.agreement
        return (
            agreement is self.agreement
            and old.orders is state.orders
            and old.shipments is state.shipments
            and old.reserved is state.reserved
            and old.decided is state.decided
            and old.refused is state.refused
            and old.retried is state.retried
            and old.changes is state.changes
            and old.cancelled is state.cancelled
            and old.line_cancels is state.line_cancels
            and old.resolved is state.resolved
            and old.approved is state.approved
            and (old.sent is state.sent or _same_sendings(old, state))
            and (old.answers is state.answers or not _doubled(state))
        )


def _same_sendings(old: State, state: State) -> bool:
    """Whether the releases and invoices that are out are the same. Where a shipment was told twice it matters whether its notice is out."""
    if _doubled(state) or not old.sent.keys() <= state.sent.keys():
        return False
    known = old.sent
    return all(known.get(what) is sent for what, sent in state.sent.items() if what.startswith(_BINDING))


def _doubled(state: State) -> bool:
    """Whether some shipment was told in more than one version."""
    return any(len(versions) > 1 for versions in state.shipments.values())


_BINDING = ("release/", "cancel-release/", "invoice/")
_last: list[Worked] = []


def position_of(state: State, agreement: Agreement, before: Worked | None = None) -> Position:
    """The position of an order that has been received; that of `before` where it serves."""
    for worked in _last:
        if worked.state is state and worked.agreement is agreement:
            return worked.position
    position = (
        before.position if before is not None and before.serves(state, agreement) else _work_out(state, agreement)
    )
    _last[:] = [Worked(state, agreement, position)]
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
