"""NaN, Infinity and numbers of a million digits pass for decimals in JSON; readers refuse them where they stand, and everything that trade needs they take."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectors.api.reader import ApiReader, Submission, ToldFact, fact_of
from crossdock.connectors.json.answers import tell
from crossdock.crosswalk.amounts import countable, uncountable_in
from crossdock.crosswalk.directory import Directory
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.edi.x12.values import decimal
from crossdock.facts.interchange import MessageHeld
from crossdock.ports.translation import Message
from crossdock.trade.documents import PurchaseOrder

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HOSTILE = ["NaN", "-NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "0E+999999", "1" * 19]

each_hostile = pytest.mark.parametrize("amount", HOSTILE)


def said(kind: str, value: Any, **more: str) -> Message:
    submission = Submission(kind=kind, who="key:1", **more)
    data = msgspec.json.encode(value)
    return Message(id=7, channel="api", source_id="x", data=data, received_at=NOW, attributes=submission.attributes())


@given(st.decimals(min_value=-(10**17), max_value=10**17, places=6))
def test_what_trade_needs_can_be_counted_with(amount: Decimal) -> None:
    assert countable(amount)
    assert uncountable_in({"lines": [amount]}) is None


@each_hostile
def test_what_nobody_can_count_with_is_located(amount: str) -> None:
    order = PurchaseOrder(number="1")
    assert uncountable_in(order) is None
    assert uncountable_in({"a/b": [1, {"quantity": Decimal(amount)}]}) == "#/a~1b/1/quantity"


@each_hostile
def test_an_order_by_the_api_is_not_taken_with_it(amount: str) -> None:
    reader = ApiReader(Crosswalk(Directory(version=1)))
    body = {"number": "1", "lines": [{"line": "1", "quantity": amount, "unit": "EA", "items": []}]}
    order = msgspec.convert(body, PurchaseOrder)
    with pytest.raises(NotUnderstood, match="#/lines/0/quantity"):
        reader.received("acme", order)
    (reading,) = reader.read(said("order", body, partner="acme"))
    (fact,) = reading.facts
    assert isinstance(fact.data, MessageHeld)
    assert "#/lines/0/quantity" in fact.data.detail


@each_hostile
def test_a_fact_told_by_a_system_is_not_taken_with_it(amount: str) -> None:
    data = {"obligation": "SO-1/tax/S", "shipment": "S", "total": amount, "lines": []}
    told = ToldFact(key="SO-1", type="tax.received", id="1", data=data)
    with pytest.raises(NotUnderstood, match="#/total"):
        fact_of(told, "tax", said("facts", []))


@each_hostile
def test_an_answer_of_a_tax_service_is_not_taken_with_it(amount: str) -> None:
    with pytest.raises(ValueError, match="#/total"):
        tell("tax-request", "SO-1/tax/S", b"{}", {"total": amount, "lines": []})


@each_hostile
def test_an_element_of_x12_does_not_hold_it(amount: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        decimal(amount)
