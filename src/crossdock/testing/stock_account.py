"""The account of stock that is drawn when a run is over: what retailers were promised against what the warehouse has had, and what the shop was told against its shelves.

It asks the hub nothing. Every 855 is held against what the warehouse had put away when it was written: at no moment may more be promised than had come.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial

import msgspec

from crossdock.testing.tallies import Drift, RetailerTally, ShopTally, Tally, WarehouseTally

NONE = Decimal(0)
Pair = tuple[str, str]
"""(item, site), in our own words."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Our items by retailer and its number for them; stock units in one of a retailer's unit, by item (nothing: one); our sites by the warehouse's code, and by region
    of the ship-to ("": of all others)."""

    items: Mapping[tuple[str, str], str]
    packs: Mapping[str, int]
    sites: Mapping[str, str]
    regions: Mapping[str, str]

    def pair(self, shelf: str) -> Pair:
        """`site/item` of a warehouse's tally."""
        site, _, item = shelf.partition("/")
        return item, self.sites.get(site, site)


class Short(msgspec.Struct, frozen=True, kw_only=True):
    """An item at a site of which orders wanted more than had come first: `wanted` in all, `there` at first, `promised` at the most before more came, `late` what came then,
    and `promised_in_the_end`."""

    item: str
    site: str
    wanted: Decimal
    there: Decimal
    promised: Decimal
    late: Decimal
    promised_in_the_end: Decimal


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A drift that was made on purpose, in our words."""

    item: str
    site: str
    quantity: Decimal
    cause: str


class StockAccount(msgspec.Struct, frozen=True, kw_only=True):
    """oversold: where more was promised than there was, or the warehouse was asked for more. offered: where the shop is told of more than lies on the shelves.
    shelves, unusable: as the warehouse has them. offers, fulls: what the shop was told; advised: 846s that retailers got."""

    oversold: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    short: tuple[Short, ...] = ()
    planted: tuple[Planted, ...] = ()
    shelves: Mapping[Pair, Decimal] = {}
    unusable: Mapping[Pair, Decimal] = {}
    snapshots: int = 0
    offers: int = 0
    fulls: int = 0
    advised: int = 0

    def problems(self) -> list[str]:
        """All that must not be, one a line."""
        told = [f"oversold: {each}" for each in self.oversold]
        told += [f"offered and not there: {each}" for each in self.offered]
        return [*told, *(f"the shop missed something: {each}" for each in self.missed)]

    def unlike(self, storage: Mapping[Pair, Decimal], damaged: Mapping[Pair, Decimal]) -> list[str]:
        """Where our books say something else than the shelves, in words."""
        found = []
        for what, ours, theirs in (("good", storage, self.shelves), ("damaged", damaged, self.unusable)):
            for item, site in sorted({*ours, *theirs}):
                mine, his = ours.get((item, site), NONE), theirs.get((item, site), NONE)
                if mine != his:
                    found.append(
                        f"{item} at {site}: our books have {mine.normalize():f} {what}, the warehouse has {his.normalize():f}"
                    )
        return found


def account_of_stock(tallies: Iterable[Tally] | Mapping[str, Tally], words: Words) -> StockAccount:
    """Draws it up."""
    these = list(tallies.values() if isinstance(tallies, Mapping) else tallies)
    retailers = [each for each in these if isinstance(each, RetailerTally)]
    warehouses = [each for each in these if isinstance(each, WarehouseTally)]
    shops = [each for each in these if isinstance(each, ShopTally)]
    shelves = {words.pair(key): Decimal(n) for each in warehouses for key, n in each.shelves.items()}
    oversold, short = _promises(retailers, warehouses, words)
    return StockAccount(
        oversold=(*(each for warehouse in warehouses for each in warehouse.oversold), *oversold),
        offered=tuple(_offered(shops, shelves)),
        missed=tuple(each for shop in shops for each in (*shop.missed, *shop.malformed)),
        short=tuple(short),
        planted=tuple(_planted(drift, words) for each in warehouses for drift in each.drifts),
        shelves=shelves,
        unusable={words.pair(key): Decimal(n) for each in warehouses for key, n in each.unusable.items()},
        snapshots=sum(each.snapshots for each in warehouses),
        offers=sum(len(each.numbers) for each in shops),
        fulls=sum(each.fulls for each in shops),
        advised=sum(each.advised for each in retailers),
    )


def _planted(drift: Drift, words: Words) -> Planted:
    return Planted(
        item=drift.item,
        site=words.sites.get(drift.site, drift.site),
        quantity=Decimal(drift.quantity),
        cause=drift.cause,
    )


def _offered(shops: Iterable[ShopTally], shelves: Mapping[Pair, Decimal]) -> list[str]:
    found = []
    for shop in shops:
        for key, quantity in shop.levels.items():
            site, _, item = key.partition("/")
            there = shelves.get((item, site), NONE)
            if Decimal(quantity) > there:
                found.append(f"{shop.name} may sell {quantity} of {item} at {site}, where {there} are")
    return found


Lines = dict[Pair, Decimal]


class _Sweep:
    """Goes through what came and what was answered in the order of their moments."""

    def __init__(self) -> None:
        self.there: Lines = {}
        self.first: Lines = {}
        self.promised: Lines = {}
        self.before_more_came: Lines = {}
        self.too_much: dict[Pair, str] = {}
        self._answers: dict[str, Lines] = {}

    def came(self, lines: Lines) -> None:
        """A receipt."""
        for pair, quantity in lines.items():
            if pair in self.first:
                self.before_more_came.setdefault(pair, self.promised.get(pair, NONE))
            self.first.setdefault(pair, quantity)
        self.changed(lines)

    def changed(self, lines: Lines) -> None:
        """So many more, or less, on the shelves."""
        for pair, quantity in lines.items():
            self.there[pair] = self.there.get(pair, NONE) + quantity

    def answered(self, order: str, lines: Lines) -> None:
        """An 855: what it promises of an order takes the place of what was promised of it before."""
        for pair, quantity in self._answers.get(order, {}).items():
            self.promised[pair] -= quantity
        self._answers[order] = lines
        for pair, quantity in lines.items():
            self.promised[pair] = promised = self.promised.get(pair, NONE) + quantity
            there = self.there.get(pair, NONE)
            if promised > there:
                self.too_much[pair] = (
                    f"{promised.normalize():f} of {pair[0]} at {pair[1]} were promised, where {there.normalize():f} had come"
                )

    def short(self, pair: Pair, wanted: Decimal) -> Short | None:
        """What became of an item that more was wanted of than came first; None where there was enough."""
        if pair not in self.first or wanted <= self.first[pair]:
            return None
        in_the_end = self.promised.get(pair, NONE)
        return Short(
            item=pair[0],
            site=pair[1],
            wanted=wanted,
            there=self.first[pair],
            promised=self.before_more_came.get(pair, in_the_end),
            late=self.there[pair] - self.first[pair],
            promised_in_the_end=in_the_end,
        )


def _promises(
    retailers: Iterable[RetailerTally], warehouses: Iterable[WarehouseTally], words: Words
) -> tuple[list[str], list[Short]]:
    """What was promised too much, and what there was too little of. Moments are those of the files; of one moment, goods come before answers."""
    sweep = _Sweep()
    events: list[tuple[int, int, Callable[[], None]]] = []
    wanted: Lines = {}
    for warehouse in warehouses:
        for receipt in warehouse.received:
            lines = {words.pair(f"{receipt.site}/{item}"): Decimal(n) for item, n in receipt.items.items()}
            events.append((receipt.moment, 0, partial(sweep.came, lines)))
        for change in warehouse.changes:
            lines = {words.pair(f"{change.site}/{change.item}"): Decimal(change.quantity)}
            events.append((change.moment, 0, partial(sweep.changed, lines)))
    for retailer in retailers:
        for po, order in retailer.orders.items():
            for pair, quantity in _pairs(retailer, po, order.lines, words).items():
                wanted[pair] = wanted.get(pair, NONE) + quantity
        for seen in retailer.documents:
            if seen.set_id == "855" and seen.purchase_order in retailer.orders:
                lines = _pairs(retailer, seen.purchase_order, seen.lines, words)
                events.append((seen.moment, 1, partial(sweep.answered, seen.purchase_order, lines)))
    for _, _, happen in sorted(events, key=lambda each: each[:2]):
        happen()
    short = (sweep.short(pair, wanted[pair]) for pair in sorted(wanted))
    return list(sweep.too_much.values()), [each for each in short if each is not None]


def _pairs(retailer: RetailerTally, po: str, lines: Mapping[str, str], words: Words) -> Lines:
    """Quantities by line as stock units of our items at the order's site; what nobody knows is left out."""
    order = retailer.orders[po]
    site = words.regions.get(order.region) or words.regions.get("", "")
    found: Lines = {}
    for line, quantity in lines.items():
        item = words.items.get((retailer.name, order.items.get(line, "")))
        if item is not None:
            units = Decimal(quantity) * (1 if order.unit == "EA" else words.packs.get(item, 1))
            found[item, site] = found.get((item, site), NONE) + units
    return found
