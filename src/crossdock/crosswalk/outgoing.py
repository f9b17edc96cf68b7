"""Our documents in the words of who gets them: our item numbers and stock units as the partner knows them.

What a customer named itself is echoed as it was; only what speaks of an item by our number alone is translated.
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.partners import inverse
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.trade.documents import (
    Invoice,
    ItemReference,
    Pack,
    PackedItem,
    ShipNotice,
    ShippedOrder,
    WarehouseOrder,
    WarehouseOrderLine,
)

WAREHOUSE_NUMBERS = 3
"""How many numbers of an item a line to a warehouse has room for (X12 W01)."""


def in_their_words(crosswalk: Crosswalk, partner: Partner, document: Any) -> Any:
    """`document` as it is told to `partner`."""
    if isinstance(document, WarehouseOrder):
        units = inverse(partner.units)
        return replace(document, lines=tuple([_to_ship(crosswalk, partner, units, line) for line in document.lines]))
    if isinstance(document, Invoice) and any(_ours_alone(line.items) for line in document.lines):
        lines = [replace(line, items=_items(crosswalk, partner, line.items)) for line in document.lines]
        return replace(document, lines=tuple(lines))
    if isinstance(document, ShipNotice):
        orders = [
            replace(
                order,
                items=_packed(crosswalk, partner, order.items),
                packs=_packs(crosswalk, partner, order.packs),
            )
            if any(_ours_alone(item.items) for item in _all_items(order))
            else order
            for order in document.orders
        ]
        if any(made is not order for made, order in zip(orders, document.orders, strict=True)):
            return replace(document, orders=tuple(orders))
    return document


def _ours_alone(items: tuple[ItemReference, ...]) -> bool:
    return len(items) == 1 and items[0].qualifier == "sku"


def _items(crosswalk: Crosswalk, partner: Partner, items: tuple[ItemReference, ...]) -> tuple[ItemReference, ...]:
    item = crosswalk.items.by_id.get(items[0].id) if _ours_alone(items) else None
    return crosswalk.items.references(partner, item) if item is not None else items


def _to_ship(
    crosswalk: Crosswalk, partner: Partner, units: dict[str, str], line: WarehouseOrderLine
) -> WarehouseOrderLine:
    items = line.items
    item = crosswalk.items.by_id.get(items[0].id) if items and items[0].qualifier == "sku" else None
    if item is not None:
        # The customer's own numbers, which follow ours, mean nothing to the warehouse.
        known = [each for each in crosswalk.items.references(partner, item) if each.qualifier != "seller-item"]
        items = (items[0], *known[: WAREHOUSE_NUMBERS - 1])
    return replace(line, items=items, unit=units.get(line.unit, line.unit))


def _packed(crosswalk: Crosswalk, partner: Partner, items: tuple[PackedItem, ...]) -> tuple[PackedItem, ...]:
    return tuple([replace(item, items=_items(crosswalk, partner, item.items)) for item in items])


def _packs(crosswalk: Crosswalk, partner: Partner, packs: tuple[Pack, ...]) -> tuple[Pack, ...]:
    return tuple(
        [
            replace(
                pack,
                items=_packed(crosswalk, partner, pack.items),
                packs=_packs(crosswalk, partner, pack.packs),
            )
            for pack in packs
        ]
    )


def _all_items(part: ShippedOrder | Pack) -> Iterator[PackedItem]:
    yield from part.items
    for pack in part.packs:
        yield from _all_items(pack)
