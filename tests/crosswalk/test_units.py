"""Units are converted exactly or not at all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.crosswalk.units import PRICE_PLACES, Ratio, Units

quantities = st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False)
ratios = st.fractions(min_value=Fraction(1, 500), max_value=5000, max_denominator=500)


def test_a_case_of_twelve_is_twelve_each(crosswalk, acme):
    ratio = Units().ratio(acme, crosswalk.items.by_id["W-100"], "CA")
    assert ratio is not None
    assert ratio.to_stock(Decimal(3)) == 36
    assert ratio.price_to_stock(Decimal("23.88")) == Decimal("1.99")
    assert ratio.text == "12/1"


def test_a_partners_own_unit_code_is_translated_first(crosswalk, acme):
    ratio = Units().ratio(acme, crosswalk.items.by_id["W-100"], "CT")
    assert ratio is not None
    assert ratio.text == "12/1"


def test_a_dozen_needs_no_agreement(crosswalk, acme):
    ratio = Units().ratio(acme, crosswalk.items.by_id["W-200"], "DZ")
    assert ratio is not None
    assert ratio.to_stock(Decimal(2)) == 24


def test_a_unit_that_an_item_does_not_have_has_no_ratio(crosswalk, acme):
    assert Units().ratio(acme, crosswalk.items.by_id["W-200"], "PL") is None


def test_what_is_no_finite_decimal_is_not_rounded(crosswalk, acme):
    ratio = Units().ratio(acme, crosswalk.items.by_id["ROPE"], "IN")
    assert ratio is not None
    assert ratio.to_stock(Decimal(6)) == Decimal("0.5")
    assert ratio.to_stock(Decimal(4)) is None


def test_ounces_of_something_kept_by_the_pound_are_exact(crosswalk, acme):
    ratio = Units().ratio(acme, crosswalk.items.by_id["NAILS"], "OZ")
    assert ratio is not None
    assert ratio.to_stock(Decimal(1)) == Decimal("0.0625")


def test_a_price_by_the_dozen_that_does_not_end_is_kept_at_twelve_places():
    assert Ratio(Fraction(12)).price_to_stock(Decimal("10.00")) == Decimal("0.833333333333")


def test_a_price_for_each_becomes_one_for_the_case():
    case, each = Ratio(Fraction(12)), Ratio(Fraction(1))
    assert case.price_from(Decimal("1.99"), each) == Decimal("23.88")


def test_a_pack_of_nothing_is_refused():
    with pytest.raises(ValueError, match="more than nothing"):
        Ratio(Fraction(0))


@given(quantities, ratios)
def test_there_and_back_again_is_the_same_quantity(quantity, fraction):
    ratio = Ratio(fraction)
    there = ratio.to_stock(quantity)
    exact = Fraction(quantity) * fraction
    if there is None:
        assert set(_primes(exact.denominator)) - {2, 5}
    else:
        assert Fraction(there) == exact
        assert ratio.to_partner(there) == quantity


@given(quantities, ratios)
def test_a_price_is_exact_or_off_by_less_than_its_last_place(price, fraction):
    per_stock = Fraction(Ratio(fraction).price_to_stock(price))
    assert abs(per_stock - Fraction(price) / fraction) <= Fraction(PRICE_PLACES) / 2


@given(ratios)
def test_a_ratio_is_read_back_from_its_text(fraction):
    ratio = Ratio(fraction)
    assert Ratio.parse(ratio.text).text == ratio.text


def _primes(number: int) -> list[int]:
    found, divisor = [], 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found
