"""The examples of the OpenAPI document, in an order in which they tell a story: a test runs each, as its role, against a real server.

parameters: values of path, query and header. status: the answers that it may have.
"""

from typing import Any

import msgspec

ORDER = {
    "number": "PO100001",
    "issued": "2026-03-02",
    "ship_no_later": "2026-03-20",
    "parties": [{"role": "ship-to", "name": "ACME DC 7", "qualifier": "gln", "id": "0614141000012"}],
    "lines": [
        {
            "line": "1",
            "quantity": "24",
            "unit": "EA",
            "items": [{"qualifier": "buyer-item", "id": "700100"}],
        }
    ],
}


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `body` of text goes as it is, under `media_type`."""

    operation: str
    name: str
    role: str
    summary: str
    body: Any = None
    parameters: dict[str, str] = {}
    status: tuple[int, ...] = (200,)
    media_type: str = "application/json"


def _read(path: str, name: str, role: str, summary: str, parameters: dict[str, str] | None = None) -> Example:
    return Example(operation=f"GET {path}", name=name, role=role, summary=summary, parameters=parameters or {})


EXAMPLES = (
    Example(
        operation="POST /v1/orders",
        name="partner-orders",
        role="partner",
        summary="A partner's own system orders",
        body=ORDER,
        parameters={"Idempotency-Key": "example-order-1", "Prefer": "wait=0"},
        status=(201, 202),
    ),
    Example(
        operation="POST /v1/orders",
        name="shop-orders-for-a-customer",
        role="integration",
        summary="A web shop orders for a customer, and takes it that people mend what nobody understands",
        body={
            "customer": "acme",
            "number": "WEB-77",
            "lines": [
                {"line": "1", "quantity": "2", "unit": "EA", "items": [{"qualifier": "buyer-item", "id": "700107"}]},
                {"line": "2", "quantity": "1", "unit": "EA", "items": [{"qualifier": "buyer-item", "id": "000000"}]},
            ],
        },
        parameters={"Idempotency-Key": "example-order-2", "Prefer": "handling=lenient, wait=0"},
        status=(202,),
    ),
    _read(
        "/v1/orders",
        "own-orders",
        "partner",
        "The newest orders with this purchase order number",
        {"purchase_order": "PO100001"},
    ),
    _read("/v1/orders/{order}", "status", "partner", "How far an order is, line by line", {"order": "ACME-PO100001"}),
    _read("/v1/orders/{order}/answer", "answer", "partner", "The answer as it is now", {"order": "ACME-PO100001"}),
    Example(
        operation="POST /v1/orders/{order}/changes",
        name="less-of-a-line",
        role="partner",
        summary="Half as many of the first line",
        body={"lines": [{"line": "1", "change": "change-quantity", "quantity": "12"}]},
        parameters={
            "order": "ACME-PO100001",
            "If-Match": "*",
            "Idempotency-Key": "example-change-1",
            "Prefer": "wait=0",
        },
        status=(201, 202),
    ),
    Example(
        operation="POST /v1/orders/{order}/cancellation",
        name="not-needed",
        role="partner",
        summary="The order is not wanted any more",
        body={"reason": "ordered twice"},
        parameters={"order": "ACME-PO100001", "Idempotency-Key": "example-cancel-1", "Prefer": "wait=0"},
        status=(201, 202),
    ),
    _read("/v1/orders/{order}/shipments", "shipments", "partner", "What has left", {"order": "ACME-PO100001"}),
    _read(
        "/v1/orders/{order}/invoices",
        "invoices",
        "finance",
        "What is invoiced, and what it waits for",
        {"order": "ACME-PO100001"},
    ),
    Example(
        operation="POST /v1/atp",
        name="in-the-customers-words",
        role="partner",
        summary="What of these could be had by when",
        body={
            "lines": [
                {
                    "line": "1",
                    "quantity": "2",
                    "unit": "EA",
                    "items": [{"qualifier": "buyer-item", "id": "700100"}],
                },
                {"line": "2", "quantity": "30", "item": "NW-1002", "by": "2026-04-01"},
            ]
        },
    ),
    Example(
        operation="POST /v1/facts",
        name="a-hold",
        role="integration",
        summary="The ERP holds an order",
        body={
            "system": "erp",
            "key": "ACME-WEB-77",
            "type": "order.hold-placed",
            "id": "hold-4711",
            "data": {"hold": "credit", "reason": "limit exceeded"},
        },
        parameters={"Idempotency-Key": "example-fact-1"},
        status=(201,),
    ),
    Example(
        operation="POST /v1/facts/batch",
        name="two-lines",
        role="integration",
        summary="NDJSON: a hold is released, and a line that is no fact",
        body='{"key":"ACME-WEB-77","type":"order.hold-released","id":"hold-4711-gone","data":{"hold":"credit"}}\n{"key":"ACME-WEB-77"}\n',
        parameters={"system": "erp", "Idempotency-Key": "example-facts-1"},
        media_type="application/x-ndjson",
    ),
    Example(
        operation="POST /v1/movements",
        name="a-receipt",
        role="integration",
        summary="The warehouse has received fifty of an item",
        body={
            "system": "quick3pl",
            "movements": [
                {
                    "id": "GR-1-1",
                    "kind": "receipt",
                    "item": "NW-1003",
                    "site": "COLUMBUS",
                    "quantity": "50",
                    "occurred_at": "2026-03-02T09:00:00Z",
                    "destination": "storage",
                }
            ],
        },
        parameters={"Idempotency-Key": "example-movement-1"},
        status=(201,),
    ),
    _read("/v1/stock", "an-item", "operations", "What there is of items whose number begins so", {"item": "NW-1003"}),
    _read(
        "/v1/stock/{item}/{site}",
        "explained",
        "operations",
        "What stands behind the figures",
        {"item": "NW-1003", "site": "COLUMBUS"},
    ),
    Example(
        operation="POST /v1/snapshots",
        name="a-count",
        role="integration",
        summary="What the warehouse says that there is",
        body={
            "system": "quick3pl",
            "id": "SNAP-1",
            "as_of": "2026-03-02T10:00:00Z",
            "lines": [{"item": "NW-1003", "site": "COLUMBUS", "place": "storage", "quantity": "50"}],
            "whole": False,
        },
        parameters={"Idempotency-Key": "example-snapshot-1"},
        status=(201,),
    ),
    Example(
        operation="POST /v1/documents",
        name="an-order-of-a-partner",
        role="integration",
        summary="What an 850 would have said",
        body={
            "type": "PurchaseOrder",
            "partner": "acme",
            "document": {
                "number": "PO100002",
                "lines": [
                    {"line": "1", "quantity": "6", "unit": "EA", "items": [{"qualifier": "buyer-item", "id": "700114"}]}
                ],
            },
        },
        parameters={"Idempotency-Key": "example-document-1"},
        status=(201,),
    ),
    _read(
        "/v1/search", "a-purchase-order", "partner", "Whatever has this number, or begins or ends so", {"q": "PO100001"}
    ),
    _read(
        "/v1/obligations",
        "late-to-a-customer",
        "operations",
        "What we owe a customer and is late",
        {"to": "acme", "overdue": "true"},
    ),
    _read("/v1/exceptions/summary", "by-cause", "finance", "What is wrong, by cause, the dearest first"),
    _read(
        "/v1/exceptions",
        "of-nobody",
        "operations",
        "Exceptions of a cause that nobody has taken on",
        {"cause": "unknown-item", "assignee": ""},
    ),
    _read("/v1/messages", "held", "auditor", "Messages that wait to be understood", {"status": "held"}),
    Example(
        operation="POST /v1/deliveries/retry/preview",
        name="of-a-system",
        role="operations",
        summary="What trying the dead letters to a system again would do",
        body={"system": "erp", "status": "dead"},
    ),
    Example(
        operation="POST /v1/deliveries/retry",
        name="one",
        role="operations",
        summary="One delivery is tried again",
        body={"ids": ["ACME-PO100001/create-in-erp"]},
        parameters={"Idempotency-Key": "example-retry-1"},
    ),
    Example(
        operation="POST /v1/replays/preview",
        name="of-an-order",
        role="integration",
        summary="What telling an order's facts again would do: nothing",
        body={"what": ["ACME-PO100001"]},
    ),
    _read(
        "/v1/variances",
        "of-a-warehouse",
        "operations",
        "Where our books and a warehouse's do not agree",
        {"system": "quick3pl"},
    ),
    _read("/v1/versions/{number}/changes", "the-first", "auditor", "What the first version brought", {"number": "1"}),
    Example(
        operation="POST /v1/keys",
        name="a-partners-key",
        role="admin",
        summary="A key for a partner's system, good for a year",
        body={"name": "ACME's shop", "role": "partner", "partner": "acme", "expires_days": 365},
        parameters={"Idempotency-Key": "example-key-1"},
        status=(201,),
    ),
    Example(operation="GET /v1/keys", name="all", role="admin", summary="All keys, without their secrets"),
    _read("/v1/audit", "of-an-order", "auditor", "Who wrote what about an order", {"subject": "ACME-PO100001"}),
    _read(
        "/v1/events",
        "invoices-of-a-partner",
        "partner",
        "What was invoiced, from the beginning",
        {"after": "0", "types": "crossdock.invoice.issued.v1"},
    ),
    Example(
        operation="GET /v1/events",
        name="demand-since",
        role="integration",
        summary="Demand for a planning tool, from a moment on",
        parameters={
            "since": "2026-03-01T00:00:00Z",
            "types": "crossdock.demand.accepted.v1,crossdock.demand.shipped.v1",
        },
    ),
    Example(
        operation="POST /v1/subscriptions",
        name="a-partners-webhook",
        role="partner",
        summary="A partner wants to be called about its shipments and invoices",
        body={
            "url": "https://hooks.example.com/crossdock",
            "types": ["crossdock.shipment.confirmed.v1", "crossdock.invoice.issued.v1"],
        },
        parameters={"Idempotency-Key": "example-subscription-1"},
        status=(201,),
    ),
    _read("/v1/subscriptions", "own", "partner", "Webhooks, and how each stands"),
    _read(
        "/v1/schemas/{type}",
        "of-a-type",
        "integration",
        "The JSON Schema of a type of event",
        {"type": "crossdock.order.accepted.v1"},
    ),
)


def of_operation(operation: str) -> list[Example]:
    """The examples of one operation, named as `GET /v1/orders`."""
    return [example for example in EXAMPLES if example.operation == operation]
