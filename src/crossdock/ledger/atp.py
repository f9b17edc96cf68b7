"""Available to promise, day by day: what is there and not reserved, plus what is expected, minus what others wait for, minus the safety buffer. Pure.

What can be promised for a day is the least that the balance comes to on that day or any later one, so a promise never eats what a later demand counts on. A site's
goods serve that site alone, and demands that may be served from several sites count against the total. The curves are steps, kept only where they change.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ledger.expected import arrivals

NOTHING = Decimal(0)

HORIZON_DAYS = 180
"""How far ahead is looked where nothing else is said. What is expected or wanted later is left out."""


class SiteStock(msgspec.Struct, frozen=True, gc=False):
    """Our own stock of one item at one site: what may be sold, by place; what is reserved of it; and the safety buffer that is never promised."""

    site: str
    storage: Decimal = NOTHING
    allocated: Decimal = NOTHING
    staging: Decimal = NOTHING
    reserved: Decimal = NOTHING
    buffer: Decimal = NOTHING


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """So many wanted by a line beyond what is reserved for it, on a day (None, or past: today). sites: where it may come from; of several, or none: of the total."""

    key: str
    line: str
    quantity: Decimal
    on: date | None = None
    sites: tuple[str, ...] = ()


class Curve(msgspec.Struct, frozen=True, gc=False):
    """A quantity by day, which never falls: `values[n]` from `days[n]` (days from today, the first 0) on. decided[n]: the day whose balance it is. Below nothing: oversold."""

    days: tuple[int, ...]
    values: tuple[Decimal, ...]
    decided: tuple[int, ...]

    def step(self, day: int) -> int:
        """Which step holds on that day."""
        return bisect_right(self.days, day) - 1 if day > 0 else 0

    def at(self, day: int) -> Decimal:
        """The quantity on that day, and never below nothing."""
        return max(self.values[self.step(day)], NOTHING)

    def first(self, quantity: Decimal) -> int | None:
        """The first day with at least so many; None: never within the horizon. Nothing at all is there today, even where less than nothing is."""
        if quantity <= 0:
            return 0
        for day, value in zip(self.days, self.values, strict=True):
            if value >= quantity:
                return day
        return None


def curve(opening: Decimal, changes: list[tuple[int, Decimal]]) -> Curve:
    """What can be promised by day, of a balance that opens with `opening` and then changes by so much on a day, in any order."""
    if not changes:
        return Curve(_TODAY, (opening,), _TODAY)
    changes.sort()
    days = [0]
    balances = [opening]
    last, balance, rises = 0, opening, True
    for day, quantity in changes:
        balance += quantity
        if quantity <= 0:
            rises = False
        if day == last:
            balances[-1] = balance
        else:
            days.append(day)
            balances.append(balance)
            last = day
    if rises:
        kept = tuple(days)
        return Curve(kept, tuple(balances), kept)
    return _looking_ahead(days, balances)


_TODAY = (0,)


def _looking_ahead(days: list[int], balances: list[Decimal]) -> Curve:
    """Of each day the least balance of that day and all later ones."""
    n = len(days) - 1
    least, decided = balances[n], days[n]
    starts: list[int] = []
    values: list[Decimal] = []
    deciding: list[int] = []
    while n:
        n -= 1
        balance = balances[n]
        if balance <= least:
            if balance < least:
                starts.append(days[n + 1])
                values.append(least)
                deciding.append(decided)
                least = balance
            decided = days[n]
    return Curve((0, *starts[::-1]), (least, *values[::-1]), (decided, *deciding[::-1]))


def waiting(demand: Demand, reserved: Decimal) -> Waiting | None:
    """What a demand waits for beyond what it has; None where it waits for nothing."""
    rest = demand.quantity - reserved
    if rest <= 0 or demand.short == "cancel":
        return None
    return Waiting(demand.key, demand.line, rest, demand.needed_on, demand.sites)


class Promisable(msgspec.Struct, frozen=True):
    """What can be promised of one item, by site and in total, and what it was worked out from: `receipts` and `waits` are those within the horizon that count, with the
    day (from today) on which they do."""

    item: str
    today: date
    horizon_days: int
    stocks: dict[str, SiteStock]
    sites: dict[str, Curve]
    total: Curve
    receipts: tuple[tuple[int, Decimal, ExpectedReceipt], ...]
    waits: tuple[tuple[int, str, Waiting], ...]

    def quantity_on(self, day: date, site: str | None = None) -> Decimal:
        """How many can be promised for that day, from `site` or (None) from all together. A day behind the horizon is taken for its last, a past one for today."""
        days = min((day - self.today).days, self.horizon_days)
        everywhere = self.total.at(days)
        return everywhere if site is None else min(self._of(site).at(days), everywhere)

    def promise_date(self, quantity: Decimal, by: date | None = None, site: str | None = None) -> date | None:
        """The first day on which so many can be promised, from `site` or from all together; None: not by then, or not within the horizon."""
        day = self.total.first(quantity)
        if site is not None and day is not None:
            there = self._of(site).first(quantity)
            day = None if there is None else max(day, there)
        if day is None:
            return None
        found = self.today + timedelta(day)
        return found if by is None or found <= by else None

    def by_day(self, site: str | None = None) -> list[tuple[date, Decimal]]:
        """The whole curve: from today to the horizon, a row for each day on which it changes."""
        curves = (self.total,) if site is None else (self.total, self._of(site))
        days = sorted({day for each in curves for day in each.days})
        rows: list[tuple[date, Decimal]] = []
        for day in days:
            quantity = min(each.at(day) for each in curves)
            if not rows or rows[-1][1] != quantity:
                rows.append((self.today + timedelta(day), quantity))
        return rows

    def _of(self, site: str) -> Curve:
        return self.sites.get(site, _NONE)


_NONE = curve(NOTHING, [])


def atp(
    item: str,
    stocks: Sequence[SiteStock],
    receipts: Sequence[ExpectedReceipt],
    waits: Sequence[Waiting],
    today: date,
    *,
    horizon_days: int = HORIZON_DAYS,
    overdue_days: int | None = None,
) -> Promisable:
    """What can be promised of `item`. receipts and waits are of this item; a receipt at a site that is not in `stocks` counts there as well.

    overdue_days: a receipt that is overdue by more is not counted; one that is overdue by less counts from today. None: all count. Raises ValueError when a site is
    given twice.
    """
    by_site = {stock.site: stock for stock in stocks}
    if len(by_site) < len(stocks):
        raise ValueError(f"a site was given twice for {item}")
    changes: dict[str, list[tuple[int, Decimal]]] = {site: [] for site in by_site}
    coming = []
    for each in arrivals(receipts, today, overdue_days=overdue_days):
        days, quantity, receipt = each
        if days <= horizon_days:
            coming.append(each)
            changes.setdefault(receipt.site, []).append((days, quantity))
    anywhere: list[tuple[int, Decimal]] = []
    waited = []
    for wait in waits:
        days = 0 if wait.on is None or wait.on <= today else (wait.on - today).days
        if days > horizon_days:
            continue
        site = wait.sites[0] if len(wait.sites) == 1 else ""
        waited.append((days, site, wait))
        (changes.setdefault(site, []) if site else anywhere).append((days, -wait.quantity))
    curves = {
        site: curve(_opening(by_site[site]) if site in by_site else NOTHING, changed)
        for site, changed in changes.items()
    }
    return Promisable(
        item, today, horizon_days, by_site, curves, _total(curves, anywhere), tuple(coming), tuple(waited)
    )


def _total(curves: dict[str, Curve], anywhere: list[tuple[int, Decimal]]) -> Curve:
    """What the sites can promise together, less what may come from any of them. What one site lacks is not taken from another."""
    if len(curves) == 1 and not anywhere:
        (only,) = curves.values()
        if only.values[0] >= 0:
            return only
    opening = NOTHING
    for each in curves.values():
        values = each.values
        before = values[0] if values[0] > 0 else NOTHING
        opening += before
        for n in range(1, len(values)):
            if values[n] > before:
                anywhere.append((each.days[n], values[n] - before))
                before = values[n]
    return curve(opening, anywhere)


def _opening(stock: SiteStock) -> Decimal:
    # balances.available, less the buffer.
    taken = stock.allocated + stock.staging
    return stock.storage + taken - (stock.reserved if stock.reserved > taken else taken) - stock.buffer
