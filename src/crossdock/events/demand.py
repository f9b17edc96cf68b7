"""Demand for planning tools: what was taken on, changed, cancelled and shipped, by item, site, channel and day. Every quantity is a difference, so that a consumer may sum:
accepted + changed + cancelled is what customers want of us in all, shipped what they had of it.

A line counts from when it is decided. It is counted where the order was to ship from when it came, and stays there, so that corrections meet what they correct.
"""

from collections.abc import Iterator
from datetime import date

from crossdock.events.standing import ZERO, Told, ToldLine
from crossdock.events.types import (
    DemandAccepted,
    DemandCancelled,
    DemandChanged,
    DemandLine,
    DemandShipped,
    Said,
)
from crossdock.facts.fact import Fact
from crossdock.facts.order import ShipmentConfirmed


def demand_of(told: Told, after: Told, fact: Fact, cut: bool) -> Iterator[Said]:
    """What `fact` changed of the demand: from what was `told` to what stands `after` it. cut: it cancelled something."""
    accepted: list[DemandLine] = []
    changed: list[DemandLine] = []
    cancelled: list[DemandLine] = []
    shipped: list[DemandLine] = []
    day = fact.occurred_at.date()
    requested = date.fromisoformat(told.requested_on) if told.requested_on else None

    def line(name: str, item: str, quantity: object, unit: str) -> DemandLine:
        return DemandLine(line=name, item=item, site=told.site, quantity=quantity, unit=unit, requested_on=requested)  # type: ignore[arg-type]

    for name in {**told.lines, **after.lines}:
        was, now = told.lines.get(name, _NOTHING), after.lines.get(name, _NOTHING)
        if was.counted and was.item != now.item:
            changed.append(line(name, was.item, -was.counted, was.unit))
            rose = now.counted
        else:
            rose = now.counted - was.counted
        if rose and not was.taken:
            accepted.append(line(name, now.item, rose, now.unit))
        elif rose < 0 and cut:
            cancelled.append(line(name, now.item, rose, now.unit))
        elif rose:
            changed.append(line(name, now.item, rose, now.unit))
        if now.shipped != was.shipped:
            shipped.append(line(name, now.item or was.item, now.shipped - was.shipped, now.unit or was.unit))
    head = {"order": fact.key, "customer": told.customer, "channel": told.channel}
    if accepted:
        yield DemandAccepted(**head, day=day, lines=tuple(accepted))
    if changed:
        yield DemandChanged(**head, day=day, lines=tuple(changed))
    if cancelled:
        yield DemandCancelled(**head, day=day, lines=tuple(cancelled))
    if shipped:
        told_day = fact.data.shipped if isinstance(fact.data, ShipmentConfirmed) else None
        yield DemandShipped(**head, day=told_day or day, lines=tuple(shipped))


_NOTHING = ToldLine("", ZERO, ZERO, ZERO, ZERO)
