"""What stands behind a figure of ATP, as data: each movement, reservation, receipt and waiting demand with its sign. The sum of the causes is the figure."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from crossdock.ledger.atp import Promisable, SiteStock
from crossdock.ledger.balances import destination_of, origin_of
from crossdock.ledger.demand import Reservation
from crossdock.ledger.movement import Movement, Place

NOTHING = Decimal(0)

What = Literal[
    "storage", "allocated", "staging", "reserved", "taken", "buffer", "receipt", "waiting", "oversold", "elsewhere"
]


class Cause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Part of a figure; `quantity` is what it adds, below nothing what it takes.

    what: storage, allocated, staging (stock of that place: one movement of it, or without a source what stood there before those that were given); reserved;
    taken (allocated or picked by the warehouse beyond what is reserved); buffer; receipt; waiting; oversold (adds what a site lacks: others' goods are not taken
    for it, and nothing less than nothing is promised); elsewhere (takes what demands that may come from any site wait for).
    source, source_id, line: the movement, the receipt, or the order and line. on: when it happened, or counts from.
    """

    what: What
    quantity: Decimal
    site: str = ""
    source: str = ""
    source_id: str = ""
    line: str = ""
    on: date | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`figure` of `item` can be promised for `day`, at `site` ("": in total). decided_on: the day whose balance it is: `day`, or a later one that has
    less."""

    item: str
    site: str
    day: date
    figure: Decimal
    decided_on: date
    causes: tuple[Cause, ...]


def explain(
    promisable: Promisable,
    day: date,
    site: str | None = None,
    *,
    reservations: Sequence[Reservation] = (),
    movements: Sequence[Movement] = (),
) -> Explanation:
    """Why so many can be promised for `day`. reservations, movements (settled; the latest page will do): of this item, where they are to be named one by one; what
    they do not account for stands as one cause without a source."""
    days = min(max((day - promisable.today).days, 0), promisable.horizon_days)
    step = promisable.total.step(days)
    if site is None:
        decided = promisable.total.decided[step]
        causes = [
            cause
            for each in promisable.sites
            for cause in _lifted(_at_site(promisable, each, decided, reservations, movements), each)
        ]
        causes += _waiting(promisable, "", decided)
        causes = _lifted(causes, "")
    else:
        curve = promisable.sites.get(site)
        decided = curve.decided[curve.step(days)] if curve else 0
        causes = _lifted(_at_site(promisable, site, days, reservations, movements), site)
        over = _sum(causes) - promisable.total.at(days)
        if over > 0:
            causes.append(Cause(what="elsewhere", quantity=-over))
    return Explanation(
        item=promisable.item,
        site=site or "",
        day=promisable.today + timedelta(days),
        figure=promisable.quantity_on(day, site),
        decided_on=promisable.today + timedelta(max(days, decided)),
        causes=tuple(causes),
    )


def _at_site(
    promisable: Promisable, site: str, days: int, reservations: Sequence[Reservation], movements: Sequence[Movement]
) -> list[Cause]:
    curve = promisable.sites.get(site)
    if curve is None:
        return []
    decided = curve.decided[curve.step(days)]
    stock = promisable.stocks.get(site)
    causes = _on_hand(promisable.item, stock, reservations, movements) if stock else []
    causes += [
        Cause(
            what="receipt",
            quantity=quantity,
            site=site,
            source=receipt.source,
            source_id=receipt.source_id,
            line=receipt.line,
            on=promisable.today + timedelta(day),
        )
        for day, quantity, receipt in promisable.receipts
        if receipt.site == site and day <= decided
    ]
    return causes + _waiting(promisable, site, decided)


def _waiting(promisable: Promisable, site: str, decided: int) -> list[Cause]:
    return [
        Cause(
            what="waiting",
            quantity=-wait.quantity,
            site=site,
            source_id=wait.key,
            line=wait.line,
            on=promisable.today + timedelta(day),
        )
        for day, where, wait in promisable.waits
        if where == site and day <= decided
    ]


def _on_hand(
    item: str, stock: SiteStock, reservations: Sequence[Reservation], movements: Sequence[Movement]
) -> list[Cause]:
    site = stock.site
    causes: list[Cause] = []
    places: tuple[tuple[What, Place, Decimal], ...] = (
        ("storage", Place.STORAGE, stock.storage),
        ("allocated", Place.ALLOCATED, stock.allocated),
        ("staging", Place.STAGING, stock.staging),
    )
    for what, place, there in places:
        named = [
            Cause(what=what, quantity=q, site=site, source=m.source, source_id=m.source_id, on=m.occurred_at.date())
            for m in movements
            if (q := _moved(m, item, site, place))
        ]
        before = there - _sum(named)
        if before:
            causes.append(Cause(what=what, quantity=before, site=site))
        causes += named
    held = [
        Cause(what="reserved", quantity=-r.quantity, site=site, source_id=r.key, line=r.line)
        for r in reservations
        if r.item == item and r.site == site
    ]
    rest = -stock.reserved - _sum(held)
    if rest:
        held.append(Cause(what="reserved", quantity=rest, site=site))
    causes += held
    beyond = stock.allocated + stock.staging - stock.reserved
    if beyond > 0:
        causes.append(Cause(what="taken", quantity=-beyond, site=site))
    if stock.buffer:
        causes.append(Cause(what="buffer", quantity=-stock.buffer, site=site))
    return causes


def _moved(movement: Movement, item: str, site: str, place: Place) -> Decimal:
    if movement.item != item or movement.owner != "own":
        return NOTHING
    moved = NOTHING
    for position, quantity in (
        (origin_of(movement), -movement.quantity),
        (destination_of(movement), movement.quantity),
    ):
        if position.site == site and position.place is place:
            moved += quantity
    return moved


def _lifted(causes: list[Cause], site: str) -> list[Cause]:
    lacking = _sum(causes)
    if lacking < 0:
        causes.append(Cause(what="oversold", quantity=-lacking, site=site))
    return causes


def _sum(causes: Sequence[Cause]) -> Decimal:
    return sum((cause.quantity for cause in causes), NOTHING)
