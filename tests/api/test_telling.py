"""What systems tell by the API: facts one by one and in batches, movements, snapshots, documents; and what can be promised."""

import json
import secrets
from collections.abc import Callable

import httpx

Clients = Callable[..., httpx.Client]


def test_a_fact_counts_once_by_its_system_and_id(client: Clients) -> None:
    told = {
        "system": "erp",
        "key": "SO-A2",
        "type": "order.hold-placed",
        "id": secrets.token_hex(4),
        "data": {"hold": "credit", "reason": "limit"},
    }
    first, second = (client("integration").post("/v1/facts", json=told) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (201, "recorded"), first.text
    assert second.json()["status"] == "known"


def test_a_batch_has_a_result_for_each_line(client: Clients) -> None:
    good = {"key": "SO-A2", "type": "order.hold-released", "id": secrets.token_hex(4), "data": {"hold": "credit"}}
    lines = [good, {**good, "type": "order.unheard-of"}, {**good, "id": secrets.token_hex(4), "data": {}}]
    body = "\n".join([*map(json.dumps, lines), "{"]).encode()
    answer = client("integration").post(
        "/v1/facts/batch?system=erp", content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [each["status"] for each in told["results"]] == ["recorded", "invalid", "invalid", "invalid"]
    assert (told["recorded"], told["invalid"]) == (1, 3)


def test_nobody_tells_in_the_name_of_a_system_that_there_is_not(client: Clients) -> None:
    told = {"system": "sap", "key": "SO-A2", "type": "order.hold-placed", "id": "1", "data": {"hold": "x"}}
    refused = client("integration").post("/v1/facts", json=told)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/system")


def test_movements_are_taken_from_who_is_of_record_and_refused_from_others(client: Clients) -> None:
    moved = {
        "id": secrets.token_hex(4),
        "kind": "receipt",
        "item": "NW-1001",
        "site": "COLUMBUS",
        "quantity": "100",
        "occurred_at": "2026-03-02T09:00:00Z",
        "destination": "storage",
    }
    taken = client("integration").post("/v1/movements", json={"system": "quick3pl", "movements": [moved]})
    assert taken.status_code == 201, taken.text
    assert taken.json()["refused"] == []
    rows = client("operations").get("/v1/stock?item=NW-1001").json()["items"]
    assert rows[0]["storage"] == "100"
    other = {**moved, "id": secrets.token_hex(4)}
    refused = client("integration").post("/v1/movements", json={"system": "erp", "movements": [other]})
    assert refused.json()["refused"][0]["id"] == other["id"], refused.text
    behind = client("operations").get("/v1/stock/NW-1001/COLUMBUS").json()
    assert [m["source"] for m in behind["movements"]] == ["quick3pl"]
    atp = {"customer": "acme", "lines": [{"line": "1", "quantity": "5", "item": "NW-1001"}]}
    promised = client("operations").post("/v1/atp", json=atp).json()["lines"][0]
    assert (promised["today"], promised["trouble"]) == ("5", "")


def test_a_snapshot_is_kept_and_moves_nothing(client: Clients) -> None:
    told = {
        "system": "quick3pl",
        "id": secrets.token_hex(4),
        "as_of": "2026-03-02T10:00:00Z",
        "lines": [{"item": "NW-1002", "site": "COLUMBUS", "place": "storage", "quantity": "7"}],
    }
    taken = client("integration").post("/v1/snapshots", json=told)
    assert (taken.status_code, taken.json()["lines"]) == (201, 1), taken.text


def test_a_number_that_nobody_can_count_with_is_refused_where_it_stands(client: Clients) -> None:
    lines = [{"item": "NW-1002", "site": "COLUMBUS", "place": "storage", "quantity": n} for n in ("7", "NaN")]
    snapshot = {"system": "quick3pl", "id": secrets.token_hex(4), "as_of": "2026-03-02T10:00:00Z", "lines": lines}
    wrong = client("integration").post("/v1/snapshots", json=snapshot)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/lines/1/quantity")
    fact = {"system": "erp", "key": "SO-A1", "type": "tax.received", "id": secrets.token_hex(4)}
    told = {"obligation": "SO-A1/tax/SHP-1", "shipment": "SHP-1", "total": "Infinity"}
    wrong = client("integration").post("/v1/facts", json={**fact, "data": told})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/data/total"), wrong.text


def test_many_lines_are_promised_at_once_in_the_customers_words(client: Clients) -> None:
    words = [{"qualifier": "buyer-item", "id": "700107"}]
    lines = [{"line": str(n), "quantity": "12", "items": words, "unit": "EA"} for n in range(300)]
    lines.append({"line": "x", "quantity": "1", "items": [{"qualifier": "buyer-item", "id": "1"}], "unit": "EA"})
    answer = client("partner", "acme").post("/v1/atp", json={"lines": lines})
    assert answer.status_code == 200, answer.text
    promised = answer.json()["lines"]
    assert {each["item"] for each in promised[:300]} == {"NW-1002"}
    assert promised[300]["trouble"] == "unknown-item"


def test_a_ship_confirmation_in_canonical_json_is_understood_as_by_edi(client: Clients) -> None:
    advice = {
        "depositor_order": "SO-A5",
        "shipment": "SHP-J1",
        "release": "SO-A5-1",
        "complete": True,
        "lines": [{"line": "1", "status": "shipped", "shipped": "10", "unit": "EA"}],
    }
    told = {"type": "ShippingAdvice", "partner": "quick3pl", "document": advice}
    taken = client("integration").post("/v1/documents", json=told)
    assert (taken.status_code, taken.json()["key"]) == (201, "SO-A5"), taken.text
    assert client("partner", "acme").get("/v1/shipments/SHP-J1").status_code == 200
    wrong = client("integration").post("/v1/documents", json={**told, "partner": "acme"})
    assert wrong.status_code == 422
    assert "warehouse" in wrong.json()["detail"]
