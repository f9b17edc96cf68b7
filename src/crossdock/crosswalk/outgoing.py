"""Our documents in the words of who gets them: our item numbers and stock units as the partner knows them.

What a customer named itself is echoed as it was; only what speaks of an item by our number alone is translated.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec.structs import replace

from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.partners import inverse
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.trade.documents import (
    Invoice,
    ItemReference,
    Pack,
    PackedItem,
    PartyReference,
    ShipNotice,
    ShippedOrder,
    WarehouseOrder,
    WarehouseOrderLine,
)
from crossdock.trade.stock import InventoryAdvice, ShippedStockLine, StockTransferShipmentAdvice

WAREHOUSE_NUMBERS = 3
"""How many numbers of an item a line to a warehouse has room for (X12 W01)."""


def in_their_words(crosswalk: Crosswalk, partner: Partner, document: Any) -> Any:
    """`document` as it is told to `partner`."""
    if isinstance(document, WarehouseOrder):
        units = inverse(partner.units)
        to_ship = [_to_ship(crosswalk, partner, units, line) for line in document.lines]
        return replace(document, parties=_at_site(partner, document.parties), lines=tuple(to_ship))
    if isinstance(document, StockTransferShipmentAdvice):
        units = inverse(partner.units)
        on_way = [_to_ship(crosswalk, partner, units, line) for line in document.lines]
        return replace(document, parties=_at_site(partner, document.parties), lines=tuple(on_way))
    if isinstance(document, Invoice) and any(_ours_alone(line.items) for line in document.lines):
        lines = [replace(line, items=_items(crosswalk, partner, line.items)) for line in document.lines]
        return replace(document, lines=tuple(lines))
    if isinstance(document, InventoryAdvice) and any(_ours_alone(line.items) for line in document.lines):
        told = [replace(line, items=_items(crosswalk, partner, line.items)) for line in document.lines]
        return replace(document, lines=tuple(told))
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


def _at_site(partner: Partner, parties: tuple[PartyReference, ...]) -> tuple[PartyReference, ...]:
    """The parties, the site of ours that they name by the code that the warehouse has for it."""
    if not any(party.role == "warehouse" for party in parties):
        return parties
    theirs = inverse(partner.locations)
    return tuple([_there(theirs, party) if party.role == "warehouse" else party for party in parties])


def _there(theirs: dict[str, str], party: PartyReference) -> PartyReference:
    code = theirs.get(party.name, party.name)
    return replace(party, qualifier="assigned-by-buyer", id=code) if len(code) > 1 else party


_Line = TypeVar("_Line", WarehouseOrderLine, ShippedStockLine)


def _to_ship(crosswalk: Crosswalk, partner: Partner, units: dict[str, str], line: _Line) -> _Line:
    items = line.items
    item = crosswalk.items.by_id.get(items[0].id) if items and items[0].qualifier == "sku" else None
    if item is not None:
        # The customer's own numbers, which follow ours, mean nothing to the warehouse.
        known: list[ItemReference] = [
            each for each in crosswalk.items.references(partner, item) if each.qualifier != "seller-item"
        ]
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
