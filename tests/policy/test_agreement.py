"""What is agreed: defaults that a new partner can live with, and prices within tolerance."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.policy import Agreement
from crossdock.process.order_to_cash.lines import within_tolerance


def test_an_agreement_survives_being_written_down() -> None:
    agreement = Agreement(partner="bigmart", price_tolerance_percent=Decimal("1.5"), billing=("tax-received",))
    assert msgspec.json.decode(msgspec.json.encode(agreement), type=Agreement) == agreement


def test_a_checkpoint_that_nobody_knows_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="billing"):
        msgspec.json.decode(b'{"partner":"p","billing":["full-moon"]}', type=Agreement)


def test_a_price_per_dozen_is_not_refused_for_its_sixth_decimal() -> None:
    assert within_tolerance(Decimal(10) / 12, Decimal("0.8333"), Agreement(partner="p"))


prices = st.decimals(min_value=Decimal("0.01"), max_value=1000, places=2)


@given(price=prices, agreed=prices, percent=st.integers(0, 20))
def test_a_price_is_taken_within_the_percentage_above_and_below(price: Decimal, agreed: Decimal, percent: int) -> None:
    agreement = Agreement(partner="p", price_tolerance_percent=Decimal(percent))
    assert within_tolerance(price, agreed, agreement) is (abs(price - agreed) * 100 <= percent * agreed)


@given(price=prices, agreed=prices)
def test_the_looser_of_the_two_tolerances_holds(price: Decimal, agreed: Decimal) -> None:
    loose = Agreement(partner="p", price_tolerance_percent=Decimal(1), price_tolerance_amount=Decimal(5))
    assert within_tolerance(price, agreed, loose) is (abs(price - agreed) <= max(Decimal(5), agreed / 100))
