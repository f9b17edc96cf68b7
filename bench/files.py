"""X12 files for benchmarks, of any size and the same every time: purchase orders (850) and ship notices (856) without a fault, SSCC check digits and all."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from random import Random

from crossdock.testing.configs import CatalogueItem, Identity, Store, Style
from crossdock.testing.simulators import x12
from crossdock.testing.simulators.confirmations import sscc
from crossdock.testing.simulators.orders import orders

MOMENT = datetime(2026, 1, 15, 8)
PER_INTERCHANGE = 20
"""Transaction sets to an interchange."""

ITEMS = tuple(
    CatalogueItem(
        buyer_item=f"B{10000 + n}",
        upc=f"61414{n:06d}" + x12.check_digit(f"61414{n:06d}"),
        price=f"{Decimal(199 + 37 * n % 9000) / 100:.2f}",
        description=f"ITEM {n:05d} BLUE",
    )
    for n in range(3000)
)
STORES = tuple(
    Store(
        number=f"{n:04d}",
        name=f"STORE {n}",
        street=f"{n * 7} MAIN STREET",
        city=("COLUMBUS", "AUSTIN", "SEATTLE", "RENO")[n % 4],
        region=("OH", "TX", "WA", "NV")[n % 4],
        postal_code=f"{43000 + n:05d}",
    )
    for n in range(1, 401)
)
"""As many items and stores as a mid-sized retailer has: what is remembered of a file must not be all of it."""


def one_order() -> bytes:
    """One 850 of some 640 bytes, envelope and all."""
    return next(orders(7, 1, 4, items=ITEMS, stores=STORES))


def order_file(size: int) -> list[bytes]:
    """Interchanges of 850s, some `size` bytes in all: 1 to 12 lines an order, 20 orders to an interchange."""
    return _upto(size, orders(11, 1_000_000, (1, 12), per_interchange=PER_INTERCHANGE, items=ITEMS, stores=STORES))


def notice_file(size: int) -> list[bytes]:
    """Interchanges of 856s, some `size` bytes in all: shipment, 1 to 3 orders, 2 to 24 cartons each with its SSCC-18, one or two items in a carton."""
    return _upto(size, _notices())


def _upto(size: int, interchanges: Iterator[bytes]) -> list[bytes]:
    kept, total = [], 0
    for each in interchanges:
        kept.append(each)
        total += len(each)
        if total >= size:
            break
    return kept


def _notices() -> Iterator[bytes]:
    random = Random(856)
    shipment = control_number = 0
    while True:
        control_number += 1
        bodies = []
        for _ in range(PER_INTERCHANGE):
            shipment += 1
            bodies.append(("856", _notice(random, shipment)))
        yield x12.join(
            "SH",
            bodies,
            control_number=control_number,
            identity=Identity(id="NORTHWHOLESALE", partner="ACMERETAIL"),
            style=Style(),
            moment=MOMENT,
        )


def _notice(random: Random, shipment: int) -> str:
    store = random.choice(STORES)
    shapes = [[random.randint(1, 2) for _ in range(random.randint(2, 24))] for _ in range(random.randint(1, 3))]
    cartons = sum(map(len, shapes))
    parts = [
        f"BSN*00*SHP-{shipment:07d}*20260115*0812*0001~HL*1**S*1~TD1*CTN*{cartons}****G*{cartons * 11}*LB~TD5**2*UPSN*M~"
        f"REF*BM*BOL{shipment:07d}~REF*CN*PRO{shipment:08d}~DTM*011*20260115~DTM*017*20260119~"
        f"N1*ST*{store.name}*92*{store.number}~N3*{store.street}~N4*{store.city}*{store.region}*{store.postal_code}*US~"
    ]
    level = 1
    serial = shipment * 100
    for n, packs in enumerate(shapes):
        level += 1
        order = level
        parts.append(f"HL*{order}*1*O*1~PRF*PO{shipment * 10 + n}***20260112~REF*VN*SO-{shipment * 10 + n}~")
        for items in packs:
            level += 1
            pack = level
            serial += 1
            parts.append(f"HL*{pack}*{order}*P*1~MAN*GM*{sscc('0614141', serial)}~")
            for _ in range(items):
                level += 1
                item = random.choice(ITEMS)
                ids = f"IN*{item.buyer_item}*UP*{item.upc}"
                parts.append(f"HL*{level}*{pack}*I*0~LIN**{ids}~SN1**{random.randint(1, 24)}*EA~")
    parts.append(f"CTT*{level}~")
    return "".join(parts)
