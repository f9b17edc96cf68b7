"""What the retailer orders: made-up purchase orders, the same for the same seed, and their 850s and 860s.

Pure: no clock, no file but the catalogue. `orders` makes interchanges for benchmarks without any process.
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec

from crossdock.testing.configs import CatalogueItem, Identity, Retailer, Store, Style
from crossdock.testing.faults import RetailerFaults, strikes
from crossdock.testing.simulators import x12

UNKNOWN_ITEM = "NOSUCHITEM"
CENT = Decimal("0.01")


class PlannedLine(msgspec.Struct, frozen=True):
    """One line as it will be ordered; `price` is what the order says, which a fault may have put off."""

    line: str
    item: CatalogueItem
    quantity: int
    price: str


class PlannedOrder(msgspec.Struct, frozen=True):
    """One purchase order to be."""

    number: str
    store: Store
    lines: tuple[PlannedLine, ...]


def _product(digits: str) -> str:
    return digits + x12.check_digit(digits)


MADE_UP_CATALOGUE = tuple(
    CatalogueItem(
        buyer_item=f"B{1000 + n}",
        upc=_product(f"61414100{n:03d}"),
        price=f"{Decimal(199 + 137 * n) / 100:.2f}",
        pack=(6, 12, 24)[n % 3],
        description=f"ITEM {n:03d}",
    )
    for n in range(40)
)
MADE_UP_STORES = (
    Store(number="0007", name="STORE 7", street="700 MAIN STREET", city="COLUMBUS", region="OH", postal_code="43004"),
    Store(number="0012", name="STORE 12", street="12 OAK AVENUE", city="AUSTIN", region="TX", postal_code="73301"),
    Store(number="0031", name="STORE 31", street="31 HARBOR ROAD", city="SEATTLE", region="WA", postal_code="98101"),
)


def catalogue(config: Retailer) -> tuple[CatalogueItem, ...]:
    """The declared items, those of the CSV file, or made-up ones."""
    if config.catalogue:
        return config.catalogue
    if config.catalogue_file is None:
        return MADE_UP_CATALOGUE
    with config.catalogue_file.open(newline="", encoding="utf-8") as file:
        return tuple(msgspec.convert(row, CatalogueItem, strict=False) for row in csv.DictReader(file))


def plan(
    seed: int,
    number: str,
    items: Sequence[CatalogueItem],
    stores: Sequence[Store],
    lines: tuple[int, int],
    quantities: tuple[int, int],
    faults: RetailerFaults | None = None,
) -> PlannedOrder:
    """The order that bears this number; depends on nothing but the arguments."""
    low, high = lines
    least, most = quantities
    dice = hashlib.shake_128(f"{seed}/{number}".encode()).digest(4 + 4 * high)
    count = low + dice[0] % (high - low + 1)
    # Distinct items on one order: start somewhere and step by a stride, as repeated items would be two lines for one
    # thing.
    first, stride = int.from_bytes(dice[1:3]), 1 + dice[3] % 3
    made = []
    for position in range(count):
        item = items[(first + position * stride) % len(items)]
        amount = least + int.from_bytes(dice[4 + 4 * position : 8 + 4 * position]) % (most - least + 1)
        made.append(PlannedLine(str(position + 1), item, amount, item.price))
    if faults is not None:
        made[0] = _spoilt(made[0], seed, number, faults)
    return PlannedOrder(number, stores[first % len(stores)], tuple(made))


def _spoilt(line: PlannedLine, seed: int, number: str, faults: RetailerFaults) -> PlannedLine:
    if strikes(seed, "unknown_item", faults.unknown_item, number):
        nobody = CatalogueItem(buyer_item=UNKNOWN_ITEM, upc="", price=line.price, description="NOT IN ANY CATALOGUE")
        line = msgspec.structs.replace(line, item=nobody)
    if strikes(seed, "price_off", faults.price_off, number):
        factor = 1 + Decimal(str(faults.price_off_percent)) / 100
        line = msgspec.structs.replace(line, price=str((Decimal(line.price) * factor).quantize(CENT)))
    return line


def planned(config: Retailer) -> Iterator[PlannedOrder]:
    """All orders that this retailer will place, in the order of their numbers."""
    items, stores = catalogue(config), config.stores or MADE_UP_STORES
    for number in range(config.first_po, config.first_po + config.orders):
        po = f"{config.po_prefix}{number}"
        yield plan(config.seed, po, items, stores, config.lines, config.quantities, config.faults)


@lru_cache(maxsize=4096)
def _item(item: CatalogueItem) -> tuple[str, str]:
    """The item's identifiers as the end of a PO1, and its PID."""
    ids = f"*IN*{item.buyer_item}*UP*{item.upc}" if item.upc else f"*IN*{item.buyer_item}"
    return ids, f"PID*F****{x12.plain(item.description)}~" if item.description else ""


@lru_cache(maxsize=4096)
def _ship_to(store: Store) -> str:
    return "".join(
        (
            f"N1*ST*{x12.plain(store.name)}*92*{store.number}~",
            f"N3*{x12.plain(store.street)}~" if store.street else "",
            f"N4*{x12.plain(store.city)}*{store.region}*{store.postal_code}*{store.country}~" if store.city else "",
        )
    )


@lru_cache(maxsize=64)
def _dates(day: date, vendor: str) -> tuple[str, str]:
    """The order date, and what stands between BEG and the parties."""
    wanted, cancel = day + timedelta(days=2), day + timedelta(days=14)
    reference = f"REF*IA*{vendor}~" if vendor else ""
    return f"{day:%Y%m%d}", f"CUR*BY*USD~REF*DP*042~{reference}DTM*010*{wanted:%Y%m%d}~DTM*001*{cancel:%Y%m%d}~"


def purchase_order(order: PlannedOrder, day: date, vendor: str = "") -> str:
    """The body of an 850 (X12 004010): BEG, CUR, REF, DTM, ship-to, PO1 and PID per line, CTT."""
    issued, dates = _dates(day, vendor)
    parts = [f"BEG*00*SA*{order.number}**{issued}~{dates}{_ship_to(order.store)}"]
    for line in order.lines:
        ids, description = _item(line.item)
        parts.append(f"PO1*{line.line}*{line.quantity}*{line.item.unit}*{line.price}*{ids}~{description}")
    parts.append(f"CTT*{len(order.lines)}~")
    return "".join(parts)


def change(order: PlannedOrder, day: date, quantity: int) -> str:
    """The body of an 860 that sets the first line to `quantity` and leaves the others alone."""
    line = order.lines[0]
    code = "QI" if quantity > line.quantity else "QD"
    return (
        f"BCH*04*SA*{order.number}**1*{day:%Y%m%d}*****{day:%Y%m%d}~"
        f"POC*{line.line}*{code}*{quantity}*{quantity}*{line.item.unit}*{line.price}*{_item(line.item)[0]}~"
        "CTT*1~"
    )


def cancellation(order: PlannedOrder, day: date) -> str:
    """The body of an 860 that cancels the order."""
    return f"BCH*01*SA*{order.number}**1*{day:%Y%m%d}*****{day:%Y%m%d}~"


def orders(
    seed: int,
    n: int,
    lines: int | tuple[int, int] = 5,
    *,
    per_interchange: int = 1,
    first_po: int = 100001,
    first_control_number: int = 1,
    po_prefix: str = "PO",
    day: date = date(2026, 1, 15),
    identity: Identity = Identity(),  # noqa: B008 - frozen
    style: Style = Style(),  # noqa: B008 - frozen
    items: Sequence[CatalogueItem] = MADE_UP_CATALOGUE,
    stores: Sequence[Store] = MADE_UP_STORES,
    quantities: tuple[int, int] = (1, 48),
) -> Iterator[bytes]:
    """`n` purchase orders as 850 interchanges, the same for the same arguments. For benchmarks: no process, no fault,
    no clock."""
    span = (lines, lines) if isinstance(lines, int) else lines
    moment = datetime.combine(day, time(8))
    batch: list[tuple[str, str]] = []
    control_number = first_control_number
    for number in range(first_po, first_po + n):
        batch.append(("850", purchase_order(plan(seed, f"{po_prefix}{number}", items, stores, span, quantities), day)))
        if len(batch) == per_interchange or number == first_po + n - 1:
            yield x12.join("PO", batch, control_number=control_number, identity=identity, style=style, moment=moment)
            batch, control_number = [], control_number + 1
