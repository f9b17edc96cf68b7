"""Facts are written as JSON and read back the same; old versions are lifted; a key's lane never changes."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.facts import Fact, codec, decode, encode, fact_types, lane_of, lift
from crossdock.facts.order import DocumentSent, ExceptionDecided, OrderedLine, OrderReceived, ShipmentConfirmed, Told
from crossdock.trade.documents import ItemReference

ORDER = OrderReceived(
    partner="bigmart",
    purchase_order="4500",
    workspace_version=1,
    issued=date(2026, 3, 2),
    lines=(
        OrderedLine(
            line="001",
            item="I",
            quantity=Decimal("9.50"),
            price=Decimal("2.5"),
            items=(ItemReference(qualifier="sku", id="I"),),
        ),
    ),
)


@pytest.mark.parametrize(
    "data",
    [
        ORDER,
        DocumentSent(obligation="SO-1/release/1", document="warehouse-order", told=(("001", Decimal(4)),)),
        ExceptionDecided(trouble="SO-1/over-shipped/S1/001", accept=True, who="ann"),
        ShipmentConfirmed(shipment="S1", warehouse="w", purpose="replace"),
    ],
    ids=lambda d: type(d).__name__,
)
def test_what_is_written_is_read_back(data: Told) -> None:
    type_, version = codec.type_of(data)
    assert decode(type_, version, encode(data)) == data
    assert msgspec.json.decode(encode(data))["type"] == type_


def test_every_fact_has_a_name_of_its_own() -> None:
    types = fact_types()
    assert len(types) == len(set(types.values()))
    assert all(t.__doc__ for t in types.values())


def test_old_facts_are_lifted_version_by_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "VERSIONS", {"order.received": 3})
    lifts = {
        ("order.received", 1): lambda v: {**v, "two": True},
        ("order.received", 2): lambda v: {**v, "three": v["two"]},
    }
    monkeypatch.setattr(codec, "LIFTS", lifts)
    assert msgspec.json.decode(lift("order.received", 1, b'{"type":"order.received"}'))["three"] is True
    with pytest.raises(KeyError):
        lift("order.received", 0, b"{}")


def test_data_that_is_not_of_its_type_is_refused_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match="lines"):
        decode(
            "order.received",
            1,
            b'{"type":"order.received","partner":"p","purchase_order":"1","workspace_version":1,"lines":3}',
        )


@given(st.text(), st.integers(1, 64))
def test_a_key_has_one_lane(key: str, lanes: int) -> None:
    assert 0 <= lane_of(key, lanes) < lanes
    assert lane_of(key, lanes) == lane_of(key, lanes)


def test_the_lane_of_a_key_is_the_same_in_every_release() -> None:
    assert [lane_of(k, 16) for k in ("SO-1001", "SO-1002", "IN-ACME-1")] == [5, 15, 15]


def test_a_fact_is_named_by_its_source() -> None:
    fact = Fact(key="SO-1", data=ORDER, source="edi", source_id="17:1", occurred_at=datetime(2026, 3, 2, tzinfo=UTC))
    assert fact.id == "edi:17:1"
