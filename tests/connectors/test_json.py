"""Requests made of documents, facts made of answers and of messages, by declared maps."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.connectors.json import JsonReader, JsonWriter, json_spec
from crossdock.crosswalk.maps import MapError
from crossdock.facts.interchange import MessageHeld
from crossdock.facts.order import (
    CreditAnswered,
    DocumentSent,
    ErpOrderCreated,
    ErpOrderRevised,
    HoldPlaced,
    HoldReleased,
    ShipmentPosted,
    TaxReceived,
)
from crossdock.ports.outbound import Delivery
from crossdock.ports.translation import Message, Reader, Reading, Writer
from crossdock.trade.requests import RequestedLine, SalesOrderEntry, SalesOrderRevision

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENTS: dict[str, Any] = {
    "sales-order": {
        "path": "/v1/sales-orders",
        "body": {
            "reference": "reference",
            "customer": "customer",
            "lines": "map(lines, {item: #.item, quantity: #.quantity, price: #.price})",
        },
        "answer": {"number": "number"},
        "look_up": {
            "path": "/v1/sales-orders?reference={reference}",
            "found": "len(items) > 0",
            "answer": {"number": "items[0].number"},
        },
    },
    "sales-order-revision": {
        "path": "/v1/sales-orders/{erp_order}/revisions",
        "body": {"cancelled": "cancelled ?? false"},
        "answer": {"revision": "revision"},
    },
}


def writer(documents: dict[str, Any] = DOCUMENTS) -> JsonWriter:
    return JsonWriter("erp", json_spec({"documents": documents})[0].documents)


def delivery(document: str, content: Any, id: str = "SO-1/erp") -> Delivery:
    data = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Delivery(id=id, key="SO-1", system="erp", document=document, content=data)


ENTRY = SalesOrderEntry(
    reference="SO-1/erp",
    order="SO-1",
    customer="acme",
    purchase_order="PO 7",
    currency="USD",
    lines=(RequestedLine(line="1", item="A", quantity=Decimal("12.50"), unit="EA", price=Decimal("9.250")),),
)


def test_a_delivery_becomes_one_request_named_after_it() -> None:
    plug: Writer = writer()
    assert plug.needs([delivery("sales-order", ENTRY)]) == {}
    composition = plug.compose([delivery("sales-order", ENTRY)], None, NOW)  # type: ignore[arg-type]
    [sent] = composition.transmissions
    assert (sent.name, sent.deliveries, sent.content_type) == ("SO-1/erp", ("SO-1/erp",), "application/json")
    assert sent.request == {
        "document": "sales-order",
        "method": "POST",
        "path": "/v1/sales-orders",
        "headers": {},
        "look_up": {"method": "GET", "path": "/v1/sales-orders?reference=SO-1%2Ferp"},
    }
    assert msgspec.json.decode(sent.data) == {
        "reference": "SO-1/erp",
        "customer": "acme",
        "lines": [{"item": "A", "quantity": "12.50", "price": "9.250"}],
    }


def test_a_path_takes_words_out_of_the_document_quoted_for_their_place() -> None:
    revision = SalesOrderRevision(reference="r", order="SO-1", erp_order="E/1 ?", cancelled=True)
    [sent] = writer().compose([delivery("sales-order-revision", revision)], None, NOW).transmissions  # type: ignore[arg-type]
    assert sent.request["path"] == "/v1/sales-orders/E%2F1%20%3F/revisions"
    assert msgspec.json.decode(sent.data) == {"cancelled": True}


def test_what_a_map_cannot_write_is_unwritable_with_the_reason_and_holds_up_nothing_else() -> None:
    deliveries = [
        delivery("sales-order-revision", b'{"order": "SO-1"}', "a"),
        delivery("sales-order", ENTRY, "b"),
        delivery("no-such-document", b"{}", "c"),
        delivery("sales-order", b'{"reference": "r", "lines": 5}', "d"),
    ]
    composition = writer().compose(deliveries, None, NOW)  # type: ignore[arg-type]
    assert [sent.name for sent in composition.transmissions] == ["b"]
    reasons = dict(composition.unwritable)
    assert "documents.sales-order-revision.path" in reasons["a"]
    assert "no map for no-such-document" in reasons["c"]
    assert "documents.sales-order.body.lines" in reasons["d"]


@pytest.mark.parametrize(
    ("document", "answer", "fact"),
    [
        (
            "credit-check",
            {"approved": False, "reason": "limit"},
            CreditAnswered(obligation="o", approved=False, reason="limit"),
        ),
        ("sales-order", {"number": "E-1"}, ErpOrderCreated(obligation="o", number="E-1")),
        ("sales-order", {"number": 100001}, ErpOrderCreated(obligation="o", number="100001")),
        ("sales-order-revision", {"revision": "R-1"}, ErpOrderRevised(obligation="o", revision="R-1")),
        ("shipment-posting", {"posting": "JE-1"}, ShipmentPosted(obligation="o", shipment="SHP-7", posting="JE-1")),
        (
            "tax-request",
            {"total": "9.92", "lines": [{"line": 1, "tax": "9.92"}, {"line": "2", "tax": 0}]},
            TaxReceived(
                obligation="o",
                shipment="SHP-7",
                total=Decimal("9.92"),
                lines=(("1", Decimal("9.92")), ("2", Decimal(0))),
            ),
        ),
        ("invoice", {"file": "x"}, DocumentSent(obligation="o", document="invoice", control="1/2/3")),
    ],
)
def test_an_accepted_answer_tells_a_fact(document: str, answer: dict[str, Any], fact: Any) -> None:
    assert writer().settle(delivery(document, b'{"shipment":"SHP-7"}', "o"), "1/2/3", answer) == fact


@pytest.mark.parametrize(
    ("document", "answer"),
    [("sales-order", {}), ("tax-request", {"total": "much"}), ("credit-check", {"approved": "yes"})],
)
def test_an_answer_that_lacks_what_it_must_have_is_an_error_by_name(document: str, answer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"the answer to {document} o: "):
        writer().settle(delivery(document, b"{}", "o"), "", answer)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"path": "v1"}, "documents.sales-order.path: a path starts with /"),
        ({"path": "/v1/{reference"}, "brace"),
        ({"path": "/v1/a b"}, "%XX"),
        ({"answer": {}}, "documents.sales-order.answer: sales-order must answer with number"),
        ({"answer": {"numbr": "number"}}, "did you mean `number`"),
        ({"body": {"a": "map("}}, "documents.sales-order.body.a"),
    ],
)
def test_a_map_that_cannot_work_is_refused_when_it_is_read(change: dict[str, Any], told: str) -> None:
    with pytest.raises(MapError, match=told):
        writer({"sales-order": {**DOCUMENTS["sales-order"], **change}})


FACTS: dict[str, Any] = {
    "held": {
        "when": "type == 'order.held'",
        "type": "order.hold-placed",
        "key": "order",
        "occurred_at": "occurred_at",
        "data": {"hold": "'erp'", "reason": "reason ?? ''"},
    },
    "released": {
        "when": "type == 'order.hold-released'",
        "type": "order.hold-released",
        "key": "order",
        "data": {"hold": "'erp'"},
    },
    "many": {
        "when": "type == 'batch'",
        "each": "events",
        "type": "order.hold-released",
        "key": "order",
        "data": {"hold": "name"},
    },
}


def reader() -> JsonReader:
    spec, _ = json_spec({"facts": FACTS, "tells_nothing": "type == 'ping'"})
    return JsonReader("erp-events", spec.facts, spec.tells_nothing)


def read(body: Any) -> Reading:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    message = Message(id=9, channel="erp-events", source_id="evt_1", data=data, received_at=NOW)
    plug: Reader = reader()
    [reading] = plug.read(message)
    return reading


def test_a_message_tells_the_fact_that_its_map_declares() -> None:
    reading = read({"type": "order.held", "order": "SO-1", "reason": "limit", "occurred_at": "2026-02-28T23:00:00Z"})
    [fact] = reading.facts
    assert fact.data == HoldPlaced(hold="erp", reason="limit")
    assert (fact.key, fact.source, fact.source_id, fact.message) == ("SO-1", "erp-events", "evt_1/held", 9)
    assert fact.occurred_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert not reading.held


def test_a_message_without_a_time_happened_when_it_came() -> None:
    [fact] = read({"type": "order.hold-released", "order": "SO-1"}).facts
    assert (fact.data, fact.occurred_at) == (HoldReleased(hold="erp"), NOW)


def test_a_list_in_a_message_tells_a_fact_for_each_element() -> None:
    events = [{"order": "SO-1", "name": "x"}, {"order": "SO-2", "name": "y"}]
    facts = read({"type": "batch", "events": events}).facts
    assert [(fact.key, fact.source_id) for fact in facts] == [("SO-1", "evt_1/many/0"), ("SO-2", "evt_1/many/1")]


def test_a_message_that_tells_nothing_is_read_and_passed_over() -> None:
    assert read({"type": "ping"}) == Reading()


@pytest.mark.parametrize(
    ("body", "cause", "told"),
    [
        (b"{", "unreadable", "is not JSON"),
        ({"type": "order.shipped"}, "map-failed", "no fact map knows"),
        ({"type": "order.held"}, "map-failed", "facts.held.key"),
        ({"type": "order.held", "order": "SO-1", "reason": 7}, "map-failed", "facts.held.data"),
        ({"type": "order.held", "order": "SO-1", "occurred_at": "yesterday"}, "map-failed", "RFC 3339"),
        ({"type": "batch", "events": 5}, "map-failed", "should give a list"),
        ([1], "unreadable", "is no JSON object"),
    ],
)
def test_a_message_that_cannot_be_understood_is_held_with_its_reason(body: Any, cause: str, told: str) -> None:
    reading = read(body)
    assert reading.held == cause
    [fact] = reading.facts
    assert isinstance(fact.data, MessageHeld)
    assert fact.data.cause == cause
    assert told in fact.data.detail


def test_a_fact_map_that_cannot_work_is_refused_when_it_is_read() -> None:
    for change, told in (({"type": "order.hold"}, "there is no such fact"), ({"data": {"why": "x"}}, "has no why")):
        spec, _ = json_spec({"facts": {"held": {**FACTS["held"], **change}}})
        with pytest.raises(MapError, match=told):
            JsonReader("x", spec.facts)
