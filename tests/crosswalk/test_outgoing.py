"""Our documents in the words of who gets them."""

from decimal import Decimal

from crossdock.crosswalk.outgoing import in_their_words
from crossdock.trade.documents import (
    Invoice,
    InvoiceLine,
    ItemReference,
    Pack,
    PackedItem,
    ShipNotice,
    ShippedOrder,
    WarehouseOrder,
    WarehouseOrderLine,
)


def ref(qualifier: str, id: str) -> ItemReference:
    return ItemReference(qualifier=qualifier, id=id)


SUBSTITUTE = (ref("sku", "W-100"),)
ECHOED = (ref("buyer-item", "B2000"),)


def test_a_warehouse_gets_our_number_and_the_gtins_in_its_own_unit_codes(crosswalk, quick3pl):
    line = WarehouseOrderLine(
        line="1", quantity=Decimal(2), unit="CA", items=(ref("sku", "W-100"), ref("buyer-item", "B1000"))
    )
    told = in_their_words(crosswalk, quick3pl, WarehouseOrder(depositor_order="ACME-PO1", lines=(line,)))
    assert told.lines[0].unit == "CS"
    assert told.lines[0].items == (
        ref("sku", "W-100"),
        ref("gtin-12", "614141000012"),
        ref("gtin-14", "10614141000019"),
    )


def test_an_invoice_names_a_substitute_by_the_customers_numbers_and_echoes_the_rest(crosswalk, acme):
    lines = [
        InvoiceLine(line=str(n), quantity=Decimal(1), unit="EA", price=Decimal(1), items=items)
        for n, items in enumerate((SUBSTITUTE, ECHOED))
    ]
    told = in_their_words(crosswalk, acme, Invoice(number="INV-1", purchase_order="PO1", lines=tuple(lines)))
    assert ref("buyer-item", "B1000") in told.lines[0].items
    assert told.lines[1].items == ECHOED


def test_a_ship_notice_does_the_same_in_its_cartons(crosswalk, acme):
    inner = Pack(sscc="2", items=(PackedItem(line="1", quantity=Decimal(1), unit="EA", items=SUBSTITUTE),))
    order = ShippedOrder(purchase_order="PO1", packs=(Pack(sscc="1", packs=(inner,)),))
    told = in_their_words(crosswalk, acme, ShipNotice(shipment="S", orders=(order,)))
    assert ref("buyer-item", "B1000") in told.orders[0].packs[0].packs[0].items[0].items


def test_what_names_every_item_in_the_customers_words_is_left_as_it_is(crosswalk, acme):
    order = ShippedOrder(
        purchase_order="PO1", items=(PackedItem(line="1", quantity=Decimal(1), unit="EA", items=ECHOED),)
    )
    notice = ShipNotice(shipment="S", orders=(order,))
    assert in_their_words(crosswalk, acme, notice) is notice
