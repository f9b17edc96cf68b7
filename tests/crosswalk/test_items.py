"""Which item is meant: the partner's numbers first, every GTIN as the same number, no guess where two contradict."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.crosswalk.items import Items, normalised
from crossdock.trade.documents import ItemReference


def ref(qualifier: str, id: str) -> ItemReference:
    return ItemReference(qualifier=qualifier, id=id)


def found(items: Items, partner, *references: ItemReference) -> tuple[str, str]:
    item, trouble = items.find(partner, references)
    return (item.id if item is not None else ""), trouble


def test_a_partners_own_number_means_what_it_says_to_that_partner(crosswalk, directory):
    assert found(crosswalk.items, directory.partners["acme"], ref("buyer-item", "B1000")) == ("W-100", "")
    assert found(crosswalk.items, directory.partners["bolt"], ref("buyer-item", "B1000")) == ("W-200", "")
    assert found(crosswalk.items, directory.partners["quick3pl"], ref("buyer-item", "B1000")) == ("", "unknown-item")


@pytest.mark.parametrize(
    ("qualifier", "id"),
    [
        ("gtin-12", "614141000012"),
        ("gtin-13", "0614141000012"),
        ("gtin-14", "00614141000012"),
        ("gtin-14", "10614141000019"),
    ],
)
def test_a_gtin_is_the_same_number_with_leading_zeros(crosswalk, acme, qualifier, id):
    assert found(crosswalk.items, acme, ref(qualifier, id)) == ("W-100", "")


def test_our_own_item_number_is_known_without_an_entry(crosswalk, acme):
    assert found(crosswalk.items, acme, ref("seller-item", "W-200")) == ("W-200", "")


def test_a_number_nobody_knows_does_not_speak_against_one_that_we_know(crosswalk, acme):
    assert found(crosswalk.items, acme, ref("buyer-item", "NEW"), ref("gtin-12", "614141000012")) == ("W-100", "")


def test_two_numbers_that_mean_different_items_are_a_conflict(crosswalk, acme):
    references = ref("buyer-item", "B2000"), ref("gtin-12", "614141000012")
    assert found(crosswalk.items, acme, *references) == ("", "item-conflict")
    assert found(crosswalk.items, acme, *reversed(references)) == ("", "item-conflict")


def test_a_qualifier_that_the_partner_is_not_trusted_in_does_not_count(crosswalk, acme):
    wary = msgspec.structs.replace(acme, item_qualifiers=("gtin-12",))
    assert found(crosswalk.items, wary, ref("buyer-item", "B2000"), ref("gtin-12", "614141000012")) == ("W-100", "")
    assert found(crosswalk.items, wary, ref("buyer-item", "B2000")) == ("", "unknown-item")


def test_a_number_that_two_items_bear_means_neither(directory, acme):
    twins = {
        id: msgspec.structs.replace(directory.items["W-200"], id=id, references=(("gtin-12", "614141000098"),))
        for id in ("A", "B")
    }
    items = Items(msgspec.structs.replace(directory, items=twins))
    assert found(items, acme, ref("gtin-12", "614141000098")) == ("", "item-conflict")


def test_a_warehouse_echoes_the_number_that_we_gave_it(crosswalk, quick3pl, acme):
    assert found(crosswalk.items, quick3pl, ref("sku", "W-200")) == ("W-200", "")
    assert found(crosswalk.items, acme, ref("sku", "W-200")) == ("", "unknown-item")


def test_no_reference_at_all_is_an_unknown_item(crosswalk, acme):
    assert found(crosswalk.items, acme) == ("", "unknown-item")


def test_an_item_is_told_to_a_partner_by_the_numbers_it_trusts_most_trusted_first(crosswalk, acme):
    told = crosswalk.items.references(acme, crosswalk.items.by_id["W-100"])
    assert told == (
        ref("seller-item", "W-100"),
        ref("gtin-12", "614141000012"),
        ref("gtin-14", "10614141000019"),
        ref("buyer-item", "B1000"),
    )


@given(st.text(max_size=20))
def test_whatever_stands_in_a_gtin_is_compared_without_an_error(text):
    qualifier, id = normalised("gtin-13", text)
    assert qualifier == "gtin"
    assert normalised("gtin-14", id) == (qualifier, id)
