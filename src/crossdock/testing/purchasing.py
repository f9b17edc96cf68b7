"""What purchasing has bought for a day of the example wholesaler: the deliveries that it announces by CSV, of which all stock there is comes, and what goes wrong with that stock.

Everything follows from the day's orders and the seed. One item at one site is bought too little of, and the rest of it comes late; elsewhere there is plenty.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from crossdock.testing.configs import Adjustment, Config, Retailer, Shelving
from crossdock.testing.rig import Delivery, Rig
from crossdock.testing.simulators.orders import planned
from crossdock.testing.stock_account import Words

PLENTY = 6000
SCARCE_PERCENT = 45
CODES = {"RENO": "RNO1", "COLUMBUS": "CMH1"}
"""Our sites, and what the warehouse calls them."""
WEST = frozenset(("WA", "OR", "CA", "NV", "ID", "UT", "AZ"))
"""Where the example's routing ships from Reno."""


class Scarce(msgspec.Struct, frozen=True, kw_only=True):
    """The item of which there is too little: `wanted` by the day's orders as placed, `bought` at first, and the rest in the delivery `later`."""

    item: str
    site: str
    wanted: int
    bought: int
    later: str


def stock_up(rig: Rig, quantity: int = PLENTY, but: Mapping[tuple[str, str], int] | None = None) -> Shelving:
    """The same quantity of everything at every site, `but` of these (item, site), with the first delivery; the warehouse that keeps it."""
    rig.deliver(_opening(rig, but or {}, quantity))
    return Shelving(site=CODES["COLUMBUS"])


def scarce_item(rig: Rig, retailers: Iterable[Config], struck: Iterable[str], better_not: Iterable[str] = ()) -> Scarce:
    """The item and site that most orders of both retailers want, none of them among `struck` nor, where that can be had, among `better_not`.
    Raises ValueError when there is none."""
    ours = rig.tables.our_items()
    packs = rig.tables.packs()
    spoilt, disturbed = frozenset(struck), frozenset(better_not)
    orders: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for each in retailers:
        if not isinstance(each, Retailer):
            continue
        for order in planned(each):
            site = "RENO" if order.store.region in WEST else "COLUMBUS"
            for line in order.lines:
                item = ours.get((each.name, line.item.buyer_item), "")
                units = line.quantity * (packs.get(item, 1) if line.item.unit != "EA" else 1)
                orders[item, site].append((order.number, units))
    best: tuple[bool, int, tuple[str, str]] | None = None
    for (item, site), these in sorted(orders.items()):
        sound = [number for number, _ in these if number not in spoilt]
        buyers = {number[:2] for number, _ in these}
        if item and item not in rig.tables.with_substitutes() and len(buyers) > 1 and len(sound) == len(these):
            calm = not any(number in disturbed for number, _ in these)
            best = max(best or (False, 0, ("", "")), (calm, len(these), (item, site)))
    if best is None:
        raise ValueError("no item is wanted by both retailers on orders that nothing else happens to")
    item, site = best[2]
    wanted = sum(units for _, units in orders[item, site])
    return Scarce(item=item, site=site, wanted=wanted, bought=wanted * SCARCE_PERCENT // 100, later="BUY-3001")


def buy(rig: Rig, scarce: Scarce, seed: int, late_seconds: float) -> Shelving:
    """Announces the day's deliveries and gives the warehouse that takes them in: one of its adjustments is lost on the way to us."""
    first = _opening(rig, {(scarce.item, scarce.site): scarce.bought}, PLENTY)
    later = Delivery(
        number=scarce.later, site=scarce.site, item=scarce.item, quantity=scarce.wanted, due=_day(2), supplier="MILL"
    )
    rig.deliver(first, later=[later])
    return Shelving(
        site=CODES["COLUMBUS"],
        late_receipts={scarce.later: late_seconds},
        snapshot_seconds=2.5,
        adjustments=_adjustments(sorted(rig.tables.items() - {scarce.item}), seed),
    )


def words(rig: Rig) -> Words:
    """By what the account of stock understands the counterparties of the example."""
    regions = {**dict.fromkeys(WEST, "RENO"), "": "COLUMBUS"}
    tables = rig.tables
    return Words(items=tables.our_items(), packs=tables.packs(), sites=tables.sites("quick3pl"), regions=regions)


def _adjustments(items: Sequence[str], seed: int) -> tuple[Adjustment, ...]:
    """Damage, a count whose message is lost, and a find after it, by which the loss can be noticed: each of another item."""
    chance = random.Random(seed)
    broken, drifting, found = chance.sample(items, 3)
    east, west = CODES["COLUMBUS"], CODES["RENO"]
    return (
        Adjustment(after_seconds=2.0, site=east, item=broken, quantity=-chance.randint(2, 9), reason="AV"),
        Adjustment(after_seconds=5.0, site=west, item=drifting, quantity=-chance.randint(11, 40), lost=True),
        Adjustment(after_seconds=8.0, site=west, item=found, quantity=chance.randint(2, 9)),
    )


def _opening(rig: Rig, but: Mapping[tuple[str, str], int], quantity: int) -> list[Delivery]:
    return [
        Delivery(number=f"BUY-{1001 + n}", site=site, item=item, quantity=but.get((item, site), quantity), due=_day(0))
        for n, site in enumerate(CODES)
        for item in sorted(rig.tables.items())
    ]


def _day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()
