"""What of an order others are told: from each fact, and from how the order stood after it. Pure.

`events_of` is a fold: the same facts with the same standings make the same events, ids included, however they are cut into batches. Nothing is decided here: whether a line
is accepted or a shipment complete is the process's word, and comes in as `Seen`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from crossdock.events.demand import demand_of
from crossdock.events.event import Event, event
from crossdock.events.standing import ZERO, Seen, Told, ToldLine
from crossdock.events.types import (
    AcknowledgementSent,
    AlteredLine,
    InvoiceIssued,
    LineQuantity,
    OrderAccepted,
    OrderCancelled,
    OrderChanged,
    OrderClosed,
    OrderedLine,
    OrderInvoiced,
    OrderReceived,
    OrderReleased,
    OrderShipped,
    Said,
    ShipmentConfirmed,
)
from crossdock.facts import order as facts
from crossdock.facts.fact import Fact

_MEETS_ONLY = frozenset(
    (
        facts.TaxReceived,
        facts.ErpOrderCreated,
        facts.ShipmentPosted,
        facts.ErpOrderRevised,
        facts.AcknowledgementReceived,
        facts.HoldPlaced,
        facts.HoldReleased,
    )
)
_BINDING = ("release/", "cancel-release/", "invoice/")


def moves(fact: Fact) -> bool:
    """Whether how an order stands is looked at after `fact`. Other facts only meet an obligation: of them only the one that closes the order counts."""
    data = fact.data
    if isinstance(data, facts.DocumentSent):
        return data.obligation.removeprefix(fact.key + "/").startswith(_BINDING)
    return type(data) not in _MEETS_ONLY


def tells(fact: Fact) -> bool:
    """Whether something may be told of `fact` itself, however the order stands."""
    return type(fact.data) in _READ


def events_of(told: Told, steps: Iterable[tuple[Fact, Seen | None]]) -> tuple[Told, list[Event]]:
    """What is told now of an order of which `told` has been: its next facts in order, each with how the order stood right after it (None: as before)."""
    found: list[Event] = []
    for fact, seen in steps:
        read = _READ.get(type(fact.data))
        if read is not None:
            told, said = read(told, fact)
            found.extend(_event(fact, data, told) for data in said)
        if seen is not None and seen.figures.lines and told.lines:
            after = _told_after(told, seen)
            found.extend(_event(fact, data, told) for data in _standing(told, after, seen, fact))
            told = after
    return told, found


def _event(fact: Fact, data: Said, told: Told) -> Event:
    return event(fact.id, data, fact.key, fact.occurred_at, told.customer)


def _head(told: Told, key: str) -> dict[str, str]:
    return {"order": key, "purchase_order": told.purchase_order, "customer": told.customer}


# --- From a fact alone ---


def _received(told: Told, fact: Fact) -> tuple[Told, tuple[Said, ...]]:
    d: facts.OrderReceived = fact.data
    if told.customer or told.purchase_order:
        return told, ()  # Told again: the first telling holds, and a difference is an exception.
    requested = d.requested_delivery or d.ship_no_later
    told = replace(
        told,
        customer=d.partner,
        purchase_order=d.purchase_order,
        channel=fact.source,
        site=d.site,
        currency=d.currency,
        requested_on=requested.isoformat() if requested else "",
        lines={x.line: ToldLine(x.item, x.quantity, ZERO, ZERO, ZERO, x.unit) for x in d.lines},
    )
    said = OrderReceived(
        **_head(told, fact.key),
        channel=told.channel,
        lines=tuple(
            [OrderedLine(line=x.line, item=x.item, quantity=x.quantity, unit=x.unit, price=x.price) for x in d.lines]
        ),
        currency=d.currency,
        site=d.site,
        issued_on=d.issued,
        requested_on=requested,
        total=d.total,
    )
    return told, (said,)


def _resolved(told: Told, fact: Fact) -> tuple[Told, tuple[Said, ...]]:
    """Units of lines that are understood after all; and the site, when the route is."""
    d: facts.LinesResolved = fact.data
    lines = dict(told.lines)
    for x in d.lines:
        known = lines.get(x.line)
        if known is not None and not known.taken:
            lines[x.line] = replace(known, unit=x.unit)
    return replace(told, lines=lines, site=told.site or d.site), ()


def _changed(told: Told, fact: Fact) -> tuple[Told, tuple[Said, ...]]:
    """Units of lines that a change adds."""
    d: facts.OrderChanged = fact.data
    added = {
        c.line: ToldLine(c.ordered.item, ZERO, ZERO, ZERO, ZERO, c.ordered.unit)
        for c in d.lines
        if c.ordered is not None and c.line not in told.lines
    }
    return (replace(told, lines={**told.lines, **added}) if added else told), ()


def _sent(told: Told, fact: Fact) -> tuple[Told, tuple[Said, ...]]:
    d: facts.DocumentSent = fact.data
    kind, _, subject = d.obligation.removeprefix(fact.key + "/").partition("/")
    if kind == "acknowledge":
        return told, (AcknowledgementSent(about=fact.key, kind="order", obligation=d.obligation, number=d.number),)
    if kind == "release":
        lines = tuple([LineQuantity(line=line, quantity=quantity, item=_item(told, line)) for line, quantity in d.told])
        return told, (OrderReleased(**_head(told, fact.key), release=d.number or subject, lines=lines),)
    return told, ()


def _confirmed(told: Told, fact: Fact) -> tuple[Told, tuple[Said, ...]]:
    d: facts.ShipmentConfirmed = fact.data
    said = ShipmentConfirmed(
        **_head(told, fact.key),
        shipment=d.shipment,
        warehouse=d.warehouse,
        lines=tuple(
            [LineQuantity(line=x.line, quantity=x.quantity, item=x.item or _item(told, x.line)) for x in d.lines]
        ),
        replaces=d.purpose == "replace",
        shipped_on=d.shipped,
        carrier=d.carrier,
        service=d.service,
        bill_of_lading=d.bill_of_lading,
        pro=d.pro,
        tracking=d.tracking,
        packages=len(d.packages),
    )
    return told, (said,)


def _item(told: Told, line: str) -> str:
    known = told.lines.get(line)
    return known.item if known is not None else ""


_READ: Mapping[type, Callable[[Told, Fact], tuple[Told, tuple[Said, ...]]]] = {
    facts.OrderReceived: _received,
    facts.LinesResolved: _resolved,
    facts.OrderChanged: _changed,
    facts.DocumentSent: _sent,
    facts.ShipmentConfirmed: _confirmed,
}


# --- From how the order stands after it ---


def _told_after(told: Told, seen: Seen) -> Told:
    figures, lines = seen.figures, {}
    for name, line in figures.lines.items():
        was = told.lines.get(name)
        counted = line.counted
        taken = counted > 0 or (was is not None and was.taken)
        unit = was.unit if was is not None else ""
        lines[name] = ToldLine(line.item, line.ordered, counted, line.shipped, line.cancelled, unit, taken)
    return replace(
        told,
        total=figures.total,
        invoiced=figures.invoiced,
        accepted=told.accepted or seen.accepted,
        shipped=told.shipped or seen.shipped,
        billed=told.billed or seen.milestone in ("invoiced", "complete"),
        closed=told.closed or seen.closed,
        lines=lines,
    )


def _standing(told: Told, after: Told, seen: Seen, fact: Fact) -> Iterable[Said]:
    head = _head(told, fact.key)
    first = told.total is None
    altered = () if first else _altered(told, after)
    cut = [
        LineQuantity(line=name, quantity=more, item=now.item)
        for name, now in after.lines.items()
        if (more := now.cancelled - _cancelled(told, name)) > 0
    ]
    if altered or (not first and not cut and told.total != after.total):
        change = fact.data.change if isinstance(fact.data, facts.OrderChanged) else ""
        yield OrderChanged(**head, lines=altered, total=after.total, change=change)
    if after.accepted and not told.accepted:
        accepted = tuple(
            [
                LineQuantity(line=n, quantity=x.accepted, item=x.item)
                for n, x in seen.figures.lines.items()
                if x.accepted
            ]
        )
        yield OrderAccepted(**head, lines=accepted, total=after.total, currency=told.currency)
    if cut:
        whole = not any(line.counted or line.shipped for line in after.lines.values())
        by, reason = _canceller(fact.data)
        yield OrderCancelled(**head, lines=tuple(cut), whole=whole, by=by, reason=reason)
    yield from demand_of(told, after, fact, bool(cut))
    if after.shipped and not told.shipped:
        gone = tuple(
            [LineQuantity(line=n, quantity=x.shipped, item=x.item) for n, x in after.lines.items() if x.shipped]
        )
        yield OrderShipped(**head, lines=gone)
    yield from _billed(told, after, fact)
    if after.closed and not told.closed:
        yield OrderClosed(**head, outcome=seen.milestone)


def _cancelled(told: Told, name: str) -> Any:
    was = told.lines.get(name)
    return was.cancelled if was is not None else ZERO


def _altered(told: Told, after: Told) -> tuple[AlteredLine, ...]:
    found = []
    for name, now in after.lines.items():
        was = told.lines.get(name)
        before = was.ordered if was is not None else ZERO
        if before != now.ordered or (was is not None and was.item != now.item):
            found.append(AlteredLine(line=name, item=now.item, before=before, after=now.ordered))
    return tuple(found)


def _canceller(data: Any) -> tuple[str, str]:
    if isinstance(data, facts.OrderCancelled):
        return data.by, data.reason
    if isinstance(data, facts.LineCancelled | facts.ExceptionDecided):
        return "us", data.reason
    return ("customer", "") if isinstance(data, facts.OrderChanged) else ("shortage", "")


def _billed(told: Told, after: Told, fact: Fact) -> Iterable[Said]:
    head, d = _head(told, fact.key), fact.data
    if isinstance(d, facts.DocumentSent):
        kind, _, subject = d.obligation.removeprefix(fact.key + "/").partition("/")
        if kind == "invoice":
            amount = after.invoiced - told.invoiced
            lines = tuple([LineQuantity(line=n, quantity=q, item=_item(after, n)) for n, q in d.told])
            yield InvoiceIssued(
                **head, invoice=d.number, shipment=subject, lines=lines, amount=amount or None, currency=told.currency
            )
    if after.billed and not told.billed and after.invoiced:
        yield OrderInvoiced(**head, amount=after.invoiced, currency=told.currency)
