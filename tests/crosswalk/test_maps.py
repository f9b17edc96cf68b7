"""Maps: every digit kept, and errors that say where."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.crosswalk.maps import Expression, Map, MapError, read_json, to_json

ORDER = {"order": "SO-1", "lines": [{"line": "1", "item": "A", "quantity": "12.50", "price": "9.250"}]}


def evaluate(expression: str, value: Any = ORDER) -> Any:
    return Expression(expression, "test").evaluate(value)


def test_a_map_makes_one_object_of_another() -> None:
    order = Map(
        {
            "number": "order",
            "customer": {"id": "'C-7'", "vip": True, "tier": "missing.tier"},
            "lines": "map(lines, {sku: #.item, qty: #.quantity})",
            "tags": ["order", 5],
            "nothing": "missing",
        },
        "documents.sales-order.body",
    )
    expected = {
        "number": "SO-1",
        "customer": {"id": "C-7", "vip": True},
        "lines": [{"sku": "A", "qty": "12.50"}],
        "tags": ["SO-1", 5],
    }
    assert order.apply(ORDER) == expected
    assert order.apply(to_json(ORDER)) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_money_as_text_passes_unchanged(amount: Decimal) -> None:
    assert evaluate("amount", {"amount": str(amount)}) == str(amount)
    assert evaluate("amount", msgspec.json.encode({"amount": amount})) == str(amount)


@given(st.decimals(min_value=-(10**20), max_value=10**20, places=6))
def test_a_number_with_a_fraction_in_json_keeps_its_digits(amount: Decimal) -> None:
    value = read_json(b'{"amount": %s}' % f"{amount:f}".encode())
    assert evaluate("amount", value) == f"{amount:f}"


@given(st.integers(-(2**63), 2**63))
def test_an_integer_in_json_keeps_its_digits(number: int) -> None:
    assert str(evaluate("number", read_json(b'{"number": %d}' % number))) == str(number)


def test_exact_arithmetic_is_written_with_string() -> None:
    assert evaluate("string(number(lines[0].quantity) * number(lines[0].price))") == "115.62500"
    with pytest.raises(MapError, match="write string"):
        evaluate("number(lines[0].quantity) * number(lines[0].price)")


def test_a_float_never_comes_out_not_even_deep_inside() -> None:
    assert type(evaluate("len(lines)")) is int
    with pytest.raises(MapError, match="fraction"):
        evaluate("map(lines, {q: number(#.quantity)})")
    with pytest.raises(MapError, match="too long"):
        evaluate("number('123456789012345678')")


def test_an_error_names_the_map_the_key_and_the_expression() -> None:
    with pytest.raises(MapError) as compiling:
        Map({"customer": {"id": "map(lines, "}}, "documents.sales-order.body")
    assert compiling.value.where == "documents.sales-order.body.customer.id"
    assert compiling.value.expression == "map(lines, "
    assert "Stack" not in str(compiling.value)
    evaluating = Map({"fine": "order", "wrong": "number(order)"}, "documents.sales-order.body")
    with pytest.raises(MapError, match=r"documents\.sales-order\.body\.wrong: .*Invalid number.*in `number\(order\)`"):
        evaluating.apply(ORDER)


@pytest.mark.parametrize("table", [{"a": ""}, {"a": 1.5}, {"a": None}, {'a"b': "order"}, {"a": "order, b: order"}])
def test_what_is_no_map_is_refused_when_it_is_read(table: dict[str, Any]) -> None:
    with pytest.raises(MapError, match="body"):
        Map(table, "body")


def test_a_condition_says_true_or_false() -> None:
    assert Expression("order == 'SO-1'", "when").holds(ORDER)
    assert not Expression("missing", "when").holds(ORDER)
    with pytest.raises(MapError, match="should say true or false"):
        Expression("order", "when").holds(ORDER)


def test_what_is_no_json_is_told_with_its_name() -> None:
    with pytest.raises(MapError, match=r"hook-7: is not JSON"):
        read_json(b"{", "hook-7")
    with pytest.raises(MapError):
        read_json(b"\xff")
