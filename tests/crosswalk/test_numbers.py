"""Our numbers are made of theirs, fit where they must go, and are never two orders' at once."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.crosswalk.numbers import MESSAGE_PREFIXES, interchange_key, message_key, order_number

partner_ids = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)
order_numbers = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1, max_size=22).filter(
    lambda number: number == number.strip()
)


def test_a_plain_purchase_order_can_be_read_in_our_number():
    assert order_number("acme", "PO100001") == "ACME-PO100001"
    assert order_number("acme", "4500-17") == "ACME-4500-17"
    assert order_number("acme", "PO100001  ") == "ACME-PO100001"


def test_a_long_number_keeps_its_beginning():
    number = order_number("acme", "PO1000012345678901234567")
    assert number.startswith("ACME-PO100001-")
    assert len(number) == 22


def test_a_release_of_a_blanket_order_is_an_order_of_its_own():
    assert len({order_number("acme", "B1"), order_number("acme", "B1", "1"), order_number("acme", "B1", "2")}) == 3


def test_case_and_odd_characters_tell_orders_apart():
    numbers = {order_number("acme", n) for n in ("ab/1", "AB/1", "AB1", "ab1", "AB 1", "AB-1")}
    assert len(numbers) == 6


@given(st.tuples(partner_ids, order_numbers), st.tuples(partner_ids, order_numbers))
@example(("a-b", "C"), ("a", "B-C"))
def test_two_orders_never_share_a_number_and_every_number_fits_element_324(one, other):
    first, second = order_number(*one), order_number(*other)
    assert re.fullmatch(r"[A-Z0-9-]{1,22}", first)
    assert (first == second) == (one == other)


@pytest.mark.parametrize("partner", ["in", "msg"])
def test_no_order_is_numbered_like_a_message(partner):
    number = order_number(partner, "PO1")
    assert not number.startswith(MESSAGE_PREFIXES)
    assert number != order_number(f"{partner}po1", "")


def test_an_interchange_is_known_by_its_identity_and_date():
    key = interchange_key("acme", "000000001", "ZZ", "ACMERETAIL", "ZZ", "US", "260115", "0800")
    assert key.startswith("IN-acme-000000001-")
    assert key != interchange_key("acme", "000000001", "ZZ", "ACMERETAIL", "ZZ", "US", "260116", "0800")


def test_a_held_transaction_is_named_within_its_message():
    assert message_key(17) == "MSG-17"
    assert message_key(17, "000000001", "1", "0004") == "MSG-17-000000001-1-0004"
