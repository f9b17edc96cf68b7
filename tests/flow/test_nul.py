"""A NUL in a text, which PostgreSQL cannot keep: where a reader meets it, it is refused with its place; where it comes another way, it is replaced. It stops nothing."""

import json
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from play import order

from crossdock.connectors.api import CHANNEL, ApiReader
from crossdock.connectors.csv import CsvReader
from crossdock.connectors.json.reader import JsonReader
from crossdock.connectors.json.spec import CsvFormat, JsonFact, json_spec
from crossdock.connectors.json.stock_reader import StockMaps
from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.directory import Directory
from crossdock.crosswalk.plain import may_hold_nul, nul_in, plain_json
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts import Fact
from crossdock.facts.order import HoldPlaced
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.ports.translation import Message, Reader, Reading

from .hub import Hub

JSON_FACT = JsonFact(type="order.hold-placed", when="kind == 'hold'", key="order", data={"hold": "name"})


async def read(hub: Hub, readers: Mapping[str, Reader], channel: str, data: bytes, **more: dict[str, str]) -> str:
    """What became of a message."""
    await hub.inbox.keep([Arrival(channel=channel, source_id=repr(data), data=data, **more)], hub.now)
    await interpret_once(hub.inbox, readers, hub.now)
    await hub.fold()
    [row] = await hub.rows("SELECT status FROM messages ORDER BY id DESC LIMIT 1")
    return str(row["status"])


async def detail(hub: Hub) -> str:
    """Why the last message is held."""
    [row] = await hub.rows("SELECT detail FROM exceptions WHERE closed_at IS NULL ORDER BY opened_at DESC LIMIT 1")
    return str(row["detail"])


async def test_a_json_message_with_a_nul_is_held_with_its_place_and_the_next_is_read(hub: Hub) -> None:
    readers = {"erp": JsonReader("erp", {"hold": JSON_FACT})}
    poisoned = json.dumps({"kind": "hold", "order": "SO-1", "name": "cre\0dit"}).encode()
    assert await read(hub, readers, "erp", poisoned) == "held"
    assert "holds a NUL at #/name" in await detail(hub)
    assert await read(hub, readers, "erp", b'{"kind": "hold", "order": "SO-1", "name": "credit"}') == "read"
    assert await hub.facts_of_type("order.hold-placed")


async def test_an_edi_message_with_a_nul_is_held_and_stops_nothing(hub: Hub) -> None:
    crosswalk = Crosswalk(Directory(version=1))
    isa = b"ISA*00*          *00*          *ZZ*AC\0ME          *ZZ*US             *260302*0900*U*00401*000000\0001*0*P*>~IEA*0*000000001~"
    assert await read(hub, {"acme": X12Reader(crosswalk)}, "acme", isa) == "held"
    assert "\0" not in await detail(hub)


async def test_a_csv_file_with_a_nul_is_held_with_its_line(hub: Hub) -> None:
    spec, _ = json_spec(
        {
            "movements": {
                "m": {
                    "when": "true",
                    "id": "id",
                    "kind": "'receipt'",
                    "item": "item",
                    "site": "'A'",
                    "quantity": "quantity",
                }
            }
        }
    )
    reader = CsvReader(StockMaps(spec, None, "settings"), CsvFormat())  # type: ignore[arg-type]
    assert await read(hub, {"wms": reader}, "wms", b"id,item,quantity\n1,ITEM\0,3\n") == "held"
    assert "line 2 holds a NUL" in await detail(hub)


async def test_what_is_submitted_with_a_nul_is_held_should_the_door_have_let_it_in(hub: Hub) -> None:
    reader = ApiReader(Crosswalk(Directory(version=1)))
    data = b'[{"key": "SO-1", "type": "order.hold-placed", "id": "1", "data": {"hold": "a\\u0000b"}}]'
    attributes = {"kind": "facts", "who": "key:1", "system": "erp"}
    assert await read(hub, {CHANNEL: reader}, CHANNEL, data, attributes=attributes) == "held"
    assert "holds a NUL at #/0/data/hold" in await detail(hub)


class Careless:
    """A reader of somebody else's that looks at nothing."""

    def read(self, message: Message) -> Iterator[Reading]:
        fact = Fact(
            key="SO-\0", data=HoldPlaced(hold="a\0"), source="x", source_id="\0", occurred_at=message.received_at
        )
        yield Reading(facts=(fact,), names=(("SO-\0", "purchase-order", "PO\0"),))
        raise ValueError("odd \0 thing")


async def test_what_a_careless_reader_tells_is_recorded_without_its_nul_and_folded(hub: Hub) -> None:
    assert await read(hub, {"odd": Careless()}, "odd", b"x") == "held"
    [fact] = await hub.facts_of_type("order.hold-placed")
    assert fact["key"] == "SO-\ufffd" and b"\\ufffd" in fact["body"]
    assert await hub.rows("SELECT key FROM processes WHERE key = 'SO-\ufffd'")


async def test_a_fact_that_was_recorded_with_a_nul_before_holds_up_no_lane(hub: Hub) -> None:
    await hub.log.record([hub.fact(order(purchase_order="PO-1"), "SO-1")], hub.now)
    await hub.do("UPDATE facts SET body = convert_to(replace(convert_from(body, 'UTF8'), 'PO-1', 'PO\\u0000'), 'UTF8')")
    await hub.fold()
    [row] = await hub.rows("SELECT summary ->> 'purchase_order' AS number FROM processes")
    assert row["number"] == "PO\ufffd"
    assert await hub.differences() == []


@given(
    st.recursive(
        st.text(alphabet='a\\\0u0\n"/~'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="k\0"), inner),
    )
)
def test_json_is_told_to_hold_a_nul_exactly_when_it_does_and_holds_none_afterwards(value: object) -> None:
    data = msgspec.json.encode(value)
    place = nul_in(msgspec.json.decode(data))
    assert (place is not None) == _holds(value)
    assert place is None or may_hold_nul(data)
    assert nul_in(msgspec.json.decode(plain_json(data))) is None
    if place is None:
        assert plain_json(data) == data


def _holds(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, list):
        return any(map(_holds, value))
    assert isinstance(value, dict)
    return any(_holds(name) or _holds(each) for name, each in value.items())


@pytest.mark.parametrize(
    ("value", "place"), [({"a": ["x", "\0"]}, "#/a/1"), ({"a/b~\0": 1}, "#/a~1b~0\ufffd"), ("x", None), (3, None)]
)
def test_the_place_is_a_json_pointer(value: object, place: str | None) -> None:
    assert nul_in(value) == place
