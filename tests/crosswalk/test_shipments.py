"""What a ship confirmation means for us."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.shipments import confirmed, shares
from crossdock.trade.documents import ItemReference, ShippedLine, ShippingAdvice

WIDGET = (ItemReference(qualifier="gtin-12", id="614141000012"),)


def advice(*lines: ShippedLine, **said) -> ShippingAdvice:
    return ShippingAdvice(depositor_order="ACME-PO1", shipment="SHP-7", lines=lines, **said)


def shipped(**said) -> ShippedLine:
    return ShippedLine(
        **{"line": "1", "shipped": Decimal(12), "unit": "EA", "items": WIDGET, "status": "shipped"} | said
    )


def test_what_left_is_told_by_our_line_in_our_units(crosswalk, quick3pl):
    fact = confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(shipped=Decimal(2), unit="CS")))
    (line,) = fact.lines
    assert (line.line, line.item, line.quantity) == ("1", "W-100", 24)
    assert (fact.shipment, fact.warehouse) == ("SHP-7", "quick3pl")


def test_parts_of_a_line_in_several_cartons_add_up(crosswalk, quick3pl):
    fact = confirmed(
        crosswalk,
        "quick3pl",
        quick3pl,
        advice(
            shipped(packages=("A",)), shipped(packages=("B",), shipped=Decimal(3)), shipped(line="2", packages=("B",))
        ),
    )
    assert [(line.line, line.quantity) for line in fact.lines] == [("1", 15), ("2", 12)]
    assert [(p.sscc, p.contents) for p in fact.packages] == [("A", (("1", 12),)), ("B", (("1", 3), ("2", 12)))]


def test_an_item_sent_in_place_of_another_is_named(crosswalk, quick3pl):
    other = (ItemReference(qualifier="gtin-12", id="614141000029"),)
    fact = confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(items=other, status="substituted")))
    assert (fact.lines[0].item, fact.lines[0].status) == ("W-200", "substituted")


def test_an_item_that_nobody_knows_keeps_the_warehouses_number_and_passes_for_no_other(crosswalk, quick3pl):
    fact = confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(items=(ItemReference(qualifier="sku", id="X"),))))
    assert fact.lines[0].item == "sku:X"


def test_a_line_without_item_numbers_is_known_by_its_line_alone(crosswalk, quick3pl):
    fact = confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(items=())))
    assert (fact.lines[0].line, fact.lines[0].item, fact.lines[0].quantity) == ("1", "", 12)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"unit": "DR"}, "W-100 has no unit DR"),
        ({"line": "", "items": ()}, "neither its line nor its item"),
        ({"items": (*WIDGET, ItemReference(qualifier="gtin-12", id="614141000029"))}, "different items"),
    ],
)
def test_a_line_that_cannot_be_understood_is_not_guessed_at(crosswalk, quick3pl, said, words):
    with pytest.raises(NotUnderstood, match=words):
        confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(**said)))


def test_a_confirmation_that_replaces_one_says_so(crosswalk, quick3pl):
    assert confirmed(crosswalk, "quick3pl", quick3pl, advice(shipped(), purpose="replace")).purpose == "replace"
    with pytest.raises(NotUnderstood, match="'cancellation'"):
        confirmed(crosswalk, "quick3pl", quick3pl, advice(purpose="cancellation"))


def test_cartons_are_filled_one_after_the_other_where_the_pack_is_known(crosswalk):
    widget = crosswalk.items.by_id["W-100"]
    assert shares(Decimal(30), 3, widget) == (12, 12, 6)
    assert shares(Decimal(30), 4, widget) == [8, 8, 7, 7]
    assert shares(Decimal(30), 3, None) == [10, 10, 10]


@given(st.decimals(0, 10**6, places=3), st.integers(1, 60))
def test_shares_of_cartons_always_add_up(quantity, packages):
    parts = shares(quantity, packages, None)
    assert len(parts) == packages
    assert sum(parts) == quantity
    assert min(parts) >= 0
