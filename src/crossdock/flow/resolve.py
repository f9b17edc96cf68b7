"""Resolve: orders that could not be understood are understood once more when the workspace has learned. Pure; the outcome is a fact, so the log says why an order moved on."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from crossdock.crosswalk.orders import route
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts import Fact
from crossdock.facts.order import LinesResolved, OrderedLine, OrderReceived
from crossdock.trade.documents import PurchaseOrder

CAUSES = ("unknown-item", "item-conflict", "unknown-unit", "inexact-unit", "no-route")
"""Exceptions that a better workspace can close."""


def resolved(told: Sequence[Fact], crosswalk: Crosswalk, now: datetime) -> list[Fact]:
    """For each order in `told` (facts of any kind) the fact that what was not understood now is, where it is."""
    version = crosswalk.directory.version
    facts = []
    for fact in told:
        if not isinstance(fact.data, OrderReceived):
            continue
        learned = _learned(fact.data, crosswalk)
        if learned is not None:
            facts.append(
                Fact(
                    key=fact.key,
                    data=learned,
                    source="crossdock",
                    source_id=f"{fact.key}/resolved/{version}",
                    occurred_at=now,
                )
            )
    return facts


def _learned(order: OrderReceived, crosswalk: Crosswalk) -> LinesResolved | None:
    partner = crosswalk.directory.partners.get(order.partner)
    if partner is None:
        return None
    again = [crosswalk.resolved_again(partner, line) for line in order.lines if line.trouble]
    lines = tuple(line for line in again if not line.trouble)
    warehouse, site = order.warehouse, order.site
    if not warehouse:
        every = tuple(_best(order.lines, lines))
        found = route(crosswalk, partner, PurchaseOrder(number=order.purchase_order, parties=order.parties), every)
        warehouse, site = found.warehouse, found.site
    if not lines and warehouse == order.warehouse:
        return None
    return LinesResolved(
        workspace_version=crosswalk.directory.version,
        lines=lines,
        warehouse=warehouse if warehouse != order.warehouse else "",
        site=site if warehouse != order.warehouse else "",
    )


def _best(ordered: Iterable[OrderedLine], learned: Iterable[OrderedLine]) -> Iterable[OrderedLine]:
    known = {line.line: line for line in learned}
    return (known.get(line.line, line) for line in ordered)
