"""Demands to promises: from which sites, with which substitutes, what is reserved and what waits for which receipts. Pure and deterministic.

Never gives what is not free. What a demand holds it keeps as long as it wants it and it is there: a firm reservation is never taken for another's sake, a soft
one only where policy lets a better demand have it, or where stock has shrunk (the last in rank loses first). The same demands plan to the same promises.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from crossdock.ledger.allocation import NOTHING, ONE, Sharing, rank, share, whole
from crossdock.ledger.demand import Demand, ExpectedReceipt, Promise, Reservation
from crossdock.ledger.expected import arrivals

Pair = tuple[str, str]
"""An item at a site."""

_Taken = dict[Pair, Decimal]


class Planning(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How stock is given out. sharing: who gets what is short. preempt: a better demand takes from soft reservations of those behind it. multiples: by item, what
    a part of a demand is a multiple of (1 where not named). overdue_days: an expected receipt overdue by more is not counted on; None: always."""

    sharing: Sharing = "first-come"
    preempt: bool = False
    multiples: Mapping[str, Decimal] = {}
    overdue_days: int | None = None


FIRST_COME = Planning()


def pairs(demands: Iterable[Demand]) -> list[Pair]:
    """All that these demands may be given from, in the order in which it is locked."""
    return sorted({pair for demand in demands for pair in _pairs(demand)})


def plan(
    demands: Sequence[Demand],
    free: Mapping[Pair, Decimal],
    expected: Sequence[ExpectedReceipt] = (),
    *,
    now: datetime,
    today: date,
    held: Sequence[Reservation] = (),
    planning: Planning = FIRST_COME,
    claimed: Mapping[Pair, Decimal] | None = None,
) -> list[Promise]:
    """What each demand has now, in the order of `demands`: one promise each.

    free: what nobody has reserved, by (item, site); below nothing where more is reserved than there is. A pair that is not named has nothing. held: what these
    demands have reserved already (it is not in `free`). expected: receipts of these items, for the dates. claimed: how much of the receipts of a pair others,
    who are not planned here, wait for already. A demand whose expires_at has come, and that is not firm, gives back what it has and gets nothing.

    A line that may not be split comes from one site: the first in its order that has all of it, else the one that has most. One that may be split comes from one
    site where one has all of it, else from its sites in order. Substitutes fill what the item itself does not. Raises ValueError when a line is given twice.
    """
    holding: dict[tuple[str, str], _Taken] = {}
    for each in held:
        mine = holding.setdefault((each.key, each.line), {})
        mine[each.item, each.site] = mine.get((each.item, each.site), NOTHING) + each.quantity
    names = [(demand.key, demand.line) for demand in demands]
    if len(set(names)) < len(names):
        raise ValueError("a line was given twice to be planned")
    table = _Table(dict(free), planning.multiples)
    ordered = sorted(demands, key=lambda demand: rank(demand, planning.sharing))
    for demand in ordered:
        name = (demand.key, demand.line)
        mine = holding.get(name, {})
        keeps = {} if _over(demand, now) or (planning.preempt and not demand.firm) else _still_wanted(demand, mine)
        table.give_back(mine)
        table.take(name, keeps)
    _shrink(table, ordered)
    waiting = [demand for demand in ordered if not _over(demand, now) and table.wants(demand) > 0]
    if planning.sharing == "fair-share":
        _give_fairly(table, waiting)
    _give(table, waiting)
    dates = _dates(table, waiting, arrivals(expected, today, overdue_days=planning.overdue_days), today, claimed or {})
    return [_promise(demand, table.taken[demand.key, demand.line], dates) for demand in demands]


class _Table:
    """What is free, and what each line has taken of it."""

    def __init__(self, free: _Taken, multiples: Mapping[str, Decimal]) -> None:
        self.free = free
        self.multiples = multiples
        self.taken: dict[tuple[str, str], _Taken] = {}

    def give_back(self, taken: _Taken) -> None:
        for pair, quantity in taken.items():
            self.free[pair] = self.free.get(pair, NOTHING) + quantity

    def take(self, name: tuple[str, str], taken: _Taken) -> None:
        for pair, quantity in taken.items():
            self.free[pair] = self.free.get(pair, NOTHING) - quantity
        self.taken[name] = taken

    def settle(self, demand: Demand, taken: _Taken) -> None:
        """Put `taken` in the place of what the demand had."""
        name = (demand.key, demand.line)
        self.give_back(self.taken[name])
        self.take(name, taken)

    def of(self, demand: Demand) -> _Taken:
        return self.taken[demand.key, demand.line]

    def wants(self, demand: Demand) -> Decimal:
        return demand.quantity - sum(self.of(demand).values(), NOTHING)

    def fill(self, want: Decimal, order: Iterable[Pair]) -> _Taken:
        """As much of `want` as there is in these pairs, in this order."""
        got: _Taken = {}
        for pair in order:
            if want <= 0:
                break
            some = whole(want, self.free.get(pair, NOTHING), self.multiples.get(pair[0], ONE))
            if some > 0:
                got[pair] = some
                want -= some
        return got


def _over(demand: Demand, now: datetime) -> bool:
    if demand.quantity <= 0:
        return True
    return not demand.firm and demand.expires_at is not None and demand.expires_at <= now


def _pairs(demand: Demand, *, substitutes: bool = True) -> list[Pair]:
    items = (demand.item, *demand.substitutes) if substitutes else (demand.item,)
    return [(item, site) for item in items for site in demand.sites]


def _still_wanted(demand: Demand, held: _Taken) -> _Taken:
    """What the demand goes on holding: the preferred first, no more than it wants; a soft one only where it may come from, and of one site if it may not be split."""
    if not held:
        return {}
    order = [pair for pair in _pairs(demand) if pair in held]
    if demand.firm:
        order += sorted(set(held) - set(order))
    elif not demand.split and order:
        by_site: dict[str, Decimal] = {}
        for pair in order:
            by_site[pair[1]] = by_site.get(pair[1], NOTHING) + held[pair]
        stays = max(by_site, key=lambda site: (by_site[site], -demand.sites.index(site)))
        order = [pair for pair in order if pair[1] == stays]
    kept: _Taken = {}
    left = demand.quantity
    for pair in order:
        some = min(held[pair], left)
        if some > 0:
            kept[pair] = some
            left -= some
    return kept


def _shrink(table: _Table, ordered: Sequence[Demand]) -> None:
    """Where more is taken than there is, the last in rank give back first; firm ones never."""
    lacking = sorted(pair for pair, quantity in table.free.items() if quantity < 0)
    if not lacking:
        return
    holders: dict[Pair, list[Demand]] = {}
    for demand in reversed(ordered):
        if not demand.firm:
            for pair in table.of(demand):
                holders.setdefault(pair, []).append(demand)
    for pair in lacking:
        for demand in holders.get(pair, ()):
            missing = -table.free[pair]
            if missing <= 0:
                break
            mine = table.of(demand)
            if demand.short == "ship-complete":
                table.settle(demand, {})
            elif pair in mine:
                stays = whole(mine[pair], mine[pair] - missing, table.multiples.get(pair[0], ONE))
                table.settle(
                    demand,
                    {each: stays if each == pair else q for each, q in mine.items() if each != pair or stays > 0},
                )


def _give(table: _Table, waiting: Sequence[Demand]) -> None:
    """To each in rank, and over again as long as somebody got more: a line that moved to another site has left something behind."""
    progress = True
    while progress:
        progress = False
        for demand in waiting:
            before = table.wants(demand)
            if before > 0:
                table.settle(demand, _filled(table, demand))
                progress = progress or table.wants(demand) != before


def _filled(table: _Table, demand: Demand, *, limit: Decimal | None = None) -> _Taken:
    """What the demand has when it gets as much as it may: with what it had. limit: at most so many more, and of the item itself."""
    had = table.of(demand)
    more = table.wants(demand)
    if limit is not None:
        more = min(more, limit)
    ways = (False,) if limit is not None or not demand.substitutes else (False, True)
    got = _from_several(table, demand, more, ways) if demand.split else _from_one(table, demand, had, more, ways)
    if demand.short == "ship-complete" and sum(got.values(), NOTHING) < demand.quantity:
        return had if demand.firm else {}
    return got


def _from_several(table: _Table, demand: Demand, more: Decimal, ways: tuple[bool, ...]) -> _Taken:
    got: _Taken = {}
    for way in ways:
        for site in demand.sites:
            got = table.fill(more, _at(demand, site, way))
            if sum(got.values(), NOTHING) == more:
                return _together(table.of(demand), got)
        got = table.fill(more, _pairs(demand, substitutes=way))
        if sum(got.values(), NOTHING) == more:
            break
    return _together(table.of(demand), got)


def _from_one(table: _Table, demand: Demand, had: _Taken, more: Decimal, ways: tuple[bool, ...]) -> _Taken:
    want = more + sum(had.values(), NOTHING)
    topped: list[_Taken] = []
    if had:
        here = next(iter(had))[1]
        topped = [_together(had, table.fill(more, _at(demand, here, way))) for way in ways]
        for got in topped:
            if sum(got.values(), NOTHING) == want:
                return got
        if demand.firm:
            return topped[-1]
    # A soft line moves to another site only where that has all of it.
    most: _Taken = {}
    for way in ways:
        for site in demand.sites:
            got = table.fill(want, _at(demand, site, way))
            if sum(got.values(), NOTHING) == want:
                return got
            if sum(got.values(), NOTHING) > sum(most.values(), NOTHING):
                most = got
    return topped[-1] if topped else most


def _at(demand: Demand, site: str, substitutes: bool) -> list[Pair]:
    return [(item, site) for item in ((demand.item, *demand.substitutes) if substitutes else (demand.item,))]


def _together(one: _Taken, other: _Taken) -> _Taken:
    return {
        pair: one.get(pair, NOTHING) + other.get(pair, NOTHING) for pair in (*one, *(p for p in other if p not in one))
    }


def _give_fairly(table: _Table, waiting: Sequence[Demand]) -> None:
    """Shares of the items themselves, over again as long as somebody can still take some: a share is of no use where it lies at another's site. Who wants all
    or nothing has no share of a shortage, and has its turn behind."""
    by_item: dict[str, list[Demand]] = {}
    for demand in waiting:
        if demand.short != "ship-complete":
            by_item.setdefault(demand.item, []).append(demand)
    for item in sorted(by_item):
        multiple = table.multiples.get(item, ONE)
        unserved = by_item[item]
        while unserved:
            unserved = _share_once(table, item, unserved, multiple)


def _share_once(table: _Table, item: str, among: Sequence[Demand], multiple: Decimal) -> list[Demand]:
    """Who took some and wants more still. Only who can reach something has a share."""
    among = [each for each in among if any(table.free.get((item, site), NOTHING) > 0 for site in _reached(table, each))]
    sites = {site for demand in among for site in _reached(table, demand)}
    supply = sum((max(table.free.get((item, site), NOTHING), NOTHING) for site in sites), NOTHING)
    wants = [replace(demand, quantity=table.wants(demand)) for demand in among]
    shares = share(wants, supply, "fair-share", multiple=multiple)
    progress = False
    for demand in among:
        before = table.wants(demand)
        limit = shares[demand.key, demand.line]
        if limit > 0:
            table.settle(demand, _filled(table, demand, limit=limit))
            progress = progress or table.wants(demand) < before
    return [demand for demand in among if table.wants(demand) > 0] if progress else []


def _reached(table: _Table, demand: Demand) -> tuple[str, ...]:
    has = table.of(demand)
    return demand.sites if demand.split or not has else (next(iter(has))[1],)


def _dates(
    table: _Table,
    waiting: Sequence[Demand],
    coming: Iterable[tuple[int, Decimal, ExpectedReceipt]],
    today: date,
    claimed: Mapping[Pair, Decimal],
) -> dict[tuple[str, str], date]:
    """By which day each line that waits should be covered, in rank: what one waits for is not counted on by the next."""
    lines: dict[Pair, list[tuple[int, Decimal]]] = {pair: [(0, q)] for pair, q in table.free.items() if q > 0}
    for days, quantity, receipt in coming:
        lines.setdefault((receipt.item, receipt.site), []).append((days, quantity))
    for line in lines.values():
        line.sort()
    # What is already owed of it: to firm reservations beyond what there is, and to those who wait and are not planned here.
    for pair, quantity in (*((pair, -q) for pair, q in table.free.items() if q < 0), *claimed.items()):
        if pair in lines:
            _draw(lines, [pair], quantity)
    found: dict[tuple[str, str], date] = {}
    for demand in waiting:
        want = table.wants(demand)
        if want <= 0 or demand.short == "cancel":
            continue
        ways = _ways_to_wait(demand, table.of(demand))
        best = min(
            ((covered, n) for n, way in enumerate(ways) if (covered := _covered(lines, way, want)) is not None),
            default=None,
        )
        if best is not None:
            found[demand.key, demand.line] = date.fromordinal(today.toordinal() + best[0])
            _draw(lines, ways[best[1]], want)
        elif demand.short == "backorder" and ways:
            _draw(lines, ways[0], want)
    return found


def _ways_to_wait(demand: Demand, has: _Taken) -> list[list[Pair]]:
    if demand.split:
        return [[(demand.item, site) for site in demand.sites]]
    sites = (next(iter(has))[1],) if has else demand.sites
    return [[(demand.item, site)] for site in sites]


def _covered(lines: Mapping[Pair, list[tuple[int, Decimal]]], way: Sequence[Pair], want: Decimal) -> int | None:
    for days, quantity in sorted(each for pair in way for each in lines.get(pair, ())):
        want -= quantity
        if want <= 0:
            return days
    return None


def _draw(lines: dict[Pair, list[tuple[int, Decimal]]], way: Sequence[Pair], want: Decimal) -> None:
    """Take `want` out of what comes in these pairs, the earliest first, of one day in the order of sites."""
    for days, n, quantity in sorted((days, n, q) for n, pair in enumerate(way) for days, q in lines.get(pair, ())):
        if want <= 0:
            return
        line = lines[way[n]]
        line.remove((days, quantity))
        if quantity > want:
            line.append((days, quantity - want))
            line.sort()
        want -= quantity


def _promise(demand: Demand, taken: _Taken, dates: Mapping[tuple[str, str], date]) -> Promise:
    name = (demand.key, demand.line)
    place = _place_in(demand)
    reserved = tuple(
        Reservation(key=demand.key, line=demand.line, item=item, site=site, quantity=taken[item, site])
        for item, site in sorted(taken, key=place)
    )
    rest = max(demand.quantity - sum(taken.values(), NOTHING), NOTHING)
    waited_for, cut = (NOTHING, rest) if demand.short == "cancel" else (rest, NOTHING)
    return Promise(
        key=demand.key,
        line=demand.line,
        reserved=reserved,
        backordered=waited_for,
        promised_on=dates.get(name),
        cut=cut,
    )


def _place_in(demand: Demand) -> Callable[[Pair], tuple[int, int, Pair]]:
    items, sites = (demand.item, *demand.substitutes), demand.sites

    def place(pair: Pair) -> tuple[int, int, Pair]:
        item = items.index(pair[0]) if pair[0] in items else len(items)
        return item, sites.index(pair[1]) if pair[1] in sites else len(sites), pair

    return place
