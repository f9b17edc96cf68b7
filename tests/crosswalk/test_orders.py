"""What an order, a change and a cancellation mean for us."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from crossdock.crosswalk.orders import NotUnderstood, changed, received
from crossdock.facts.order import OrderCancelled, OrderChanged, OrderReceived
from crossdock.trade.documents import (
    ItemReference,
    PurchaseOrder,
    PurchaseOrderChange,
    PurchaseOrderChangeLine,
    PurchaseOrderLine,
)

WIDGET = (ItemReference(qualifier="buyer-item", id="B1000"), ItemReference(qualifier="gtin-12", id="614141000012"))


def line(**said) -> PurchaseOrderLine:
    return PurchaseOrderLine(**{"line": "1", "quantity": Decimal(3), "unit": "CA", "items": WIDGET} | said)


def test_an_order_in_cases_is_understood_in_stock_units_with_the_customers_words_beside(crosswalk, acme):
    order = PurchaseOrder(number="PO1", lines=(line(price=Decimal("23.88")),), requested_ship=date(2026, 1, 17))
    fact = received(crosswalk, acme, order)
    assert isinstance(fact, OrderReceived)
    (told,) = fact.lines
    assert (told.item, told.quantity, told.unit, told.price) == ("W-100", 36, "EA", Decimal("1.99"))
    assert (told.partner_quantity, told.partner_unit, told.partner_price) == (3, "CA", Decimal("23.88"))
    assert told.per_partner_unit == "12/1"
    assert told.agreed_price == Decimal("1.99")
    assert told.items == WIDGET
    assert (fact.partner, fact.workspace_version, fact.currency) == ("acme", 3, "USD")
    assert (fact.warehouse, fact.site) == ("quick3pl", "main")
    assert fact.ship_not_before == date(2026, 1, 17)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ({"items": (ItemReference(qualifier="buyer-item", id="NOSUCH"),)}, "unknown-item"),
        ({"items": (WIDGET[0], ItemReference(qualifier="gtin-12", id="614141000029"))}, "item-conflict"),
        ({"unit": "BX"}, "unknown-unit"),
        (
            {"items": (ItemReference(qualifier="seller-item", id="ROPE"),), "unit": "IN", "quantity": Decimal(5)},
            "inexact-unit",
        ),
    ],
)
def test_a_line_that_is_not_understood_says_why_and_keeps_its_words(crosswalk, acme, said, trouble):
    spoken = line(**said)
    told = crosswalk.ordered_line(acme, spoken)
    assert told.trouble == trouble
    assert told.quantity == 0
    assert (told.partner_quantity, told.partner_unit, told.items) == (spoken.quantity, spoken.unit, spoken.items)


def test_a_line_in_trouble_is_understood_once_the_workspace_has_learned(crosswalk, acme, directory):
    unknown = crosswalk.ordered_line(acme, line(items=(ItemReference(qualifier="buyer-item", id="B3000"),)))
    learned = msgspec.structs.replace(
        directory, partner_items={**directory.partner_items, ("acme", "buyer-item", "B3000"): "W-100"}
    )
    again = type(crosswalk)(learned).resolved_again(acme, unknown)
    assert (again.item, again.quantity, again.trouble) == ("W-100", 36, "")


@pytest.mark.parametrize(
    ("said", "per_stock_unit", "per_their_unit"),
    [
        ({"price": "1.99", "price_basis": "PE"}, "1.99", "23.88"),
        ({"price": "199", "price_basis": "HP"}, "1.99", "23.88"),
        ({"price": "23.88", "price_basis": "CT"}, "1.99", "23.88"),
        ({"price": "23.88", "price_basis": "PD", "unit": "EA"}, "1.99", "1.99"),
        ({"price": "10", "price_basis": "PD", "unit": "EA"}, "0.833333333333", None),
    ],
)
def test_a_price_is_for_as_many_pieces_as_its_basis_says(crosswalk, acme, said, per_stock_unit, per_their_unit):
    told = crosswalk.ordered_line(acme, line(**said | {"price": Decimal(said["price"])}))
    assert told.price == Decimal(per_stock_unit)
    assert told.partner_price == (None if per_their_unit is None else Decimal(per_their_unit))


def test_an_order_with_the_purpose_of_a_cancellation_cancels(crosswalk, acme):
    assert isinstance(received(crosswalk, acme, PurchaseOrder(number="PO1", purpose="cancellation")), OrderCancelled)


def test_an_order_with_a_purpose_that_means_nothing_to_us_is_not_guessed_at(crosswalk, acme):
    with pytest.raises(NotUnderstood, match="'proposed'"):
        received(crosswalk, acme, PurchaseOrder(number="PO1", purpose="proposed"))


def change(*lines: PurchaseOrderChangeLine, **said) -> PurchaseOrderChange:
    return PurchaseOrderChange(number="PO1", change_number="1", lines=lines, **said)


def test_a_changed_quantity_is_told_in_stock_units(crosswalk, acme):
    said = PurchaseOrderChangeLine(
        line="1", change="change-quantity", quantity=Decimal(2), unit="CA", items=WIDGET, price=Decimal(9)
    )
    fact = changed(crosswalk, acme, change(said))
    assert isinstance(fact, OrderChanged)
    (told,) = fact.lines
    assert (told.change, told.quantity, told.partner_quantity, told.price) == ("quantity", 24, 2, None)


@pytest.mark.parametrize(("said", "trouble"), [({"items": ()}, "unknown-item"), ({"unit": ""}, "unknown-unit")])
def test_a_changed_quantity_that_cannot_be_told_in_stock_units_is_not_guessed_at(crosswalk, acme, said, trouble):
    words = {"line": "1", "change": "change-quantity", "quantity": Decimal(2), "unit": "CA", "items": WIDGET}
    with pytest.raises(NotUnderstood, match=trouble):
        changed(crosswalk, acme, change(PurchaseOrderChangeLine(**words | said)))


def test_a_line_is_added_whole_one_deleted_and_one_left_alone(crosswalk, acme):
    fact = changed(
        crosswalk,
        acme,
        change(
            PurchaseOrderChangeLine(line="9", change="add", quantity=Decimal(1), unit="CA", items=WIDGET),
            PurchaseOrderChangeLine(line="2", change="delete"),
            PurchaseOrderChangeLine(line="1", change="no-change"),
        ),
    )
    added, deleted = fact.lines
    assert added.ordered is not None
    assert (added.line, added.ordered.quantity) == ("9", 12)
    assert (deleted.line, deleted.change) == ("2", "delete")


@pytest.mark.parametrize("kind", ["change-item", "change-date", "XX"])
def test_a_change_that_we_have_no_word_for_is_not_guessed_at(crosswalk, acme, kind):
    with pytest.raises(NotUnderstood, match="line 1"):
        changed(crosswalk, acme, change(PurchaseOrderChangeLine(line="1", change=kind, quantity=Decimal(1), unit="EA")))


def test_a_change_with_the_purpose_of_a_cancellation_cancels_and_keeps_its_number(crosswalk, acme):
    assert changed(crosswalk, acme, change(purpose="cancellation")) == OrderCancelled(by="customer", change="1")
