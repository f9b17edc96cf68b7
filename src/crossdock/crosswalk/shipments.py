"""What a warehouse's ship confirmation means for us: its units into stock units, its item numbers into ours, its
cartons by line.
"""

from collections.abc import Sequence
from decimal import Decimal

from crossdock.crosswalk.directory import Item, Partner
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.order import ConfirmedLine, ConfirmedPackage, ShipmentConfirmed
from crossdock.trade.documents import ShippedLine, ShippingAdvice


def confirmed(crosswalk: Crosswalk, warehouse: str, partner: Partner, advice: ShippingAdvice) -> ShipmentConfirmed:
    """A ship confirmation as a fact. `warehouse` is the system that told it, `partner` the 3PL whose words it uses.

    A line is known by the line number that the warehouse echoes. An item that nobody knows keeps the warehouse's
    own number ("gtin-12:614141999996"), which differs from any ordered item. Raises NotUnderstood for a unit that
    cannot be converted, a line that names neither line nor item, and for a purpose that neither tells nor replaces.
    """
    if advice.purpose not in ("original", "replace", ""):
        raise NotUnderstood(f"a ship confirmation with purpose {advice.purpose!r} is not applied by itself")
    lines: dict[tuple[str, str, str], ConfirmedLine] = {}
    packed: dict[str, list[tuple[str, Decimal]]] = {}
    for line in advice.lines:
        item, quantity = _understood(crosswalk, partner, line)
        told = ConfirmedLine(
            line=line.line,
            quantity=quantity,
            item=item.id if item is not None else _their_number(line),
            status=line.status,
            lot=line.lot,
        )
        if not told.line and not told.item:
            raise NotUnderstood("a confirmed line names neither its line nor its item")
        # One line is told several times when it lies in several cartons: its parts add up.
        key = (told.line, told.item, told.lot)
        before = lines.get(key)
        lines[key] = told if before is None else _sum(before, told)
        for sscc, share in zip(line.packages, shares(quantity, len(line.packages), item), strict=True):
            packed.setdefault(sscc, []).append((told.line, share))
    return ShipmentConfirmed(
        shipment=advice.shipment,
        warehouse=warehouse,
        purpose=advice.purpose or "original",
        release=advice.release,
        lines=tuple(lines.values()),
        packages=tuple([ConfirmedPackage(sscc=sscc, contents=tuple(contents)) for sscc, contents in packed.items()]),
        complete=advice.complete,
        shipped=advice.shipped,
        bill_of_lading=advice.bill_of_lading,
        pro=advice.pro,
        carrier=advice.carrier,
        service=advice.service,
        tracking=advice.tracking,
        weight=advice.weight,
        weight_unit=advice.weight_unit,
    )


def _understood(crosswalk: Crosswalk, partner: Partner, line: ShippedLine) -> tuple[Item | None, Decimal]:
    item, trouble = crosswalk.items.find(partner, line.items) if line.items else (None, "")
    if trouble == "item-conflict":
        raise NotUnderstood(f"line {line.line}: its item numbers mean different items")
    if item is None or not line.unit:
        # We released in stock units; without an item of ours there is nothing else that the number could be in.
        return item, line.shipped
    ratio = crosswalk.units.ratio(partner, item, line.unit)
    if ratio is None:
        raise NotUnderstood(f"line {line.line}: item {item.id} has no unit {line.unit}")
    quantity = ratio.to_stock(line.shipped)
    if quantity is None:
        raise NotUnderstood(f"line {line.line}: {line.shipped} {line.unit} are no exact number of {item.unit}")
    return item, quantity


def _their_number(line: ShippedLine) -> str:
    return f"{line.items[0].qualifier}:{line.items[0].id}" if line.items else ""


def _sum(one: ConfirmedLine, other: ConfirmedLine) -> ConfirmedLine:
    return ConfirmedLine(
        line=one.line,
        quantity=one.quantity + other.quantity,
        item=one.item,
        status=one.status if one.status == other.status else other.status or one.status,
        lot=one.lot,
    )


def shares(quantity: Decimal, packages: int, item: Item | None) -> Sequence[Decimal]:
    """How a line's quantity lies in its `packages`, where the warehouse names the cartons and not what each holds.

    Full cartons and a rest, if the item has a pack by which exactly so many are needed; else as even as whole units
    allow, the first ones fuller. The shares always add up to `quantity`.
    """
    if packages <= 1:
        return (quantity,) * packages
    for pack in sorted(item.packs.values(), reverse=True) if item is not None else ():
        if pack.denominator == 1 and pack > 1:
            size = Decimal(pack.numerator)
            rest = quantity - size * (packages - 1)
            if 0 < rest <= size:
                return (*(size,) * (packages - 1), rest)
    even = quantity // packages
    left = quantity - even * packages
    whole = int(left)
    return [even + (1 if n < whole else 0) + (left - whole if n == whole else 0) for n in range(packages)]
