"""Orders by the API: submitted, answered after the fold, changed, cancelled, looked at; once however often they are sent."""

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crossdock.connectors.api import CHANNEL, Submission
from crossdock.ports.inbound import Arrival
from crossdock.store.access import Access, Write
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox

from .conftest import Server

Clients = Callable[..., httpx.Client]


def an_order(number: str | None = None, quantity: str = "12", **more: Any) -> dict[str, Any]:
    """An order of acme for a dozen of an item at the agreed price."""
    line = {"line": "1", "quantity": quantity, "unit": "EA", "items": [{"qualifier": "buyer-item", "id": "700100"}]}
    return {"number": number or f"T{secrets.token_hex(4).upper()}", "lines": [line], **more}


def submit(client: httpx.Client, order: dict[str, Any], key: str = "", **headers: str) -> httpx.Response:
    return client.post(
        "/v1/orders",
        json=order,
        headers={"Idempotency-Key": key or secrets.token_hex(8), "Prefer": "wait=0", **headers},
    )


def test_an_order_whose_credit_nobody_answers_is_pending_with_a_place_to_look(client: Clients) -> None:
    order = an_order()
    answer = submit(client("partner", "acme"), order)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    assert said["answer"] == "pending"
    assert "credit: the ERP has not answered" in said["reasons"]
    found = client("partner", "acme").get(answer.headers["location"])
    assert found.json()["purchase_order"] == order["number"]
    assert found.json()["lines"][0]["ordered"] == "12"


def test_the_same_write_sent_again_is_answered_the_same_and_done_once(client: Clients) -> None:
    order, key = an_order(), secrets.token_hex(8)
    first, second = (submit(client("partner", "acme"), order, key) for _ in range(2))
    assert first.json() == second.json()
    assert first.status_code == second.status_code
    assert second.headers["idempotent-replayed"] == "true"
    other = submit(client("partner", "acme"), an_order(), key)
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency-key-reused")


def test_of_many_at_once_one_does_the_work(client: Clients, server: Server) -> None:
    order, key = an_order(), secrets.token_hex(8)
    answers: list[httpx.Response] = []
    headers = {"Authorization": f"Bearer {server.key('partner', 'acme')}", "Idempotency-Key": key, "Prefer": "wait=0"}

    def send() -> None:
        answers.append(httpx.post(f"{server.url}/v1/orders", json=order, headers=headers, timeout=30))

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    did = [a for a in answers if a.status_code == 202 and "idempotent-replayed" not in a.headers]
    assert len(did) == 1
    assert {a.status_code for a in answers} <= {202, 409}
    assert all(
        a.json()["type"].endswith("/in-flight") and a.headers["retry-after"] for a in answers if a.status_code == 409
    )

    async def facts(database: Any) -> int:
        async with database.pool.acquire() as connection:
            return await connection.fetchval(
                "SELECT count(*) FROM facts WHERE key = $1 AND type = 'order.received'", did[0].json()["order"]
            )

    assert server.ask(facts) == 1


def test_an_order_with_an_item_that_nobody_knows_is_refused_and_nothing_is_kept(client: Clients) -> None:
    order = an_order()
    order["lines"][0]["items"][0]["id"] = "999999"
    refused = submit(client("partner", "acme"), order)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("/order-refused")
    assert refused.json()["errors"][0]["pointer"] == "#/lines/0"
    assert refused.json()["errors"][0]["cause"] == "unknown-item"
    assert client("admin").get(f"/v1/orders?purchase_order={order['number']}").json()["items"] == []
    lenient = submit(client("partner", "acme"), order, Prefer="handling=lenient, wait=0")
    assert lenient.status_code == 202
    assert lenient.json()["answer"] == "held"
    assert lenient.headers["preference-applied"] == "handling=lenient, wait=0"


def test_an_order_is_placed_once_under_its_number(client: Clients) -> None:
    order = an_order()
    submit(client("partner", "acme"), order)
    again = submit(client("partner", "acme"), order)
    assert again.status_code == 409
    assert again.headers["location"].startswith("/v1/orders/ACME-")


def test_a_change_names_what_it_was_made_of(client: Clients) -> None:
    acme = client("partner", "acme")
    place = submit(acme, an_order()).headers["location"]
    change = {"lines": [{"line": "1", "change": "change-quantity", "quantity": "6"}]}
    assert acme.post(f"{place}/changes", json=change).status_code == 428
    assert acme.post(f"{place}/changes", json=change, headers={"If-Match": '"old"'}).status_code == 412
    etag = acme.get(place).headers["etag"]
    done = acme.post(f"{place}/changes", json=change, headers={"If-Match": etag, "Prefer": "wait=0"})
    assert done.status_code in (201, 202), done.text
    assert acme.get(place).json()["lines"][0]["ordered"] == "6"
    assert acme.get(place).headers["etag"] != etag


def test_an_order_that_is_cancelled_before_it_was_released_is_cancelled(client: Clients) -> None:
    acme = client("partner", "acme")
    place = submit(acme, an_order()).headers["location"]
    done = acme.post(f"{place}/cancellation", json={"reason": "ordered twice"})
    assert done.status_code == 201, done.text
    assert done.json()["answer"] == "cancelled"
    assert acme.get(place).json()["milestone"] == "cancelled"


def test_pages_of_orders_hold_each_order_once(client: Clients) -> None:
    acme, seen, cursor = client("partner", "acme"), [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = acme.get("/v1/orders", params=query).json()
        seen += [order["order"] for order in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) >= 8
    assert not any(key.startswith("SO-B") for key in seen)


def test_shipments_and_invoices_of_an_order_are_shown(client: Clients) -> None:
    acme = client("partner", "acme")
    shipped = acme.get("/v1/orders/SO-A6/shipments").json()["items"]
    assert shipped[0]["shipment"] == "SHP-A6"
    assert shipped[0]["tracking"] == ["1ZSHP-A6"]
    owed = acme.get("/v1/orders/SO-A6/invoices").json()["items"]
    assert owed[0]["status"] == "blocked"
    assert any("tax" in why for why in owed[0]["blocked_by"])
    assert acme.get("/v1/shipments/SHP-A6").json()["items"] == shipped
    assert client("partner", "blue").get("/v1/shipments/SHP-A6").status_code == 404


def test_wrong_bodies_are_told_where_they_are_wrong(client: Clients) -> None:
    acme = client("partner", "acme")
    order = an_order()
    order["lines"][0]["quantity"] = "many"
    wrong = submit(acme, order)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/lines/0/quantity")
    headers = {"Idempotency-Key": "x1", "Content-Type": "application/json"}
    assert acme.post("/v1/orders", content=b"{", headers=headers).status_code == 400
    assert acme.post("/v1/orders", content=b"x=1", headers={**headers, "Content-Type": "text/plain"}).status_code == 415
    assert acme.post("/v1/orders", content=b" " * 1_000_001, headers=headers).status_code == 413
    assert acme.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": ""}).status_code == 400
    assert submit(acme, an_order(customer="blue")).status_code == 422
    assert acme.put("/v1/orders").status_code == 405
    assert acme.get("/v1/nothing").status_code == 404
    assert acme.get("/v1/nothing").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+999999", "0." + 30 * "1"])
def test_a_number_that_nobody_can_count_with_is_refused_where_it_stands(client: Clients, number: str) -> None:
    acme, order = client("partner", "acme"), an_order()
    order["lines"][0]["quantity"] = number
    wrong = submit(acme, order)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/lines/0/quantity")
    assert wrong.json()["detail"] == "#/lines/0/quantity: is no number that can be counted with"
    placed = submit(acme, an_order()).json()["order"]
    change = {"lines": [{"line": "1", "change": "change-quantity", "quantity": number}]}
    etag = acme.get(f"/v1/orders/{placed}").headers["etag"]
    wrong = acme.post(
        f"/v1/orders/{placed}/changes", json=change, headers={"Idempotency-Key": number + placed, "If-Match": etag}
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/lines/0/quantity")


def test_what_was_kept_when_its_server_died_is_done_once_when_it_is_sent_again(client: Clients, server: Server) -> None:
    """The message is there, its claim has lapsed, and nobody was answered."""
    order, key = an_order(), secrets.token_hex(8)
    acme = f"key:{server.key('partner', 'acme').split('_')[1]}"
    body = json.dumps(order).encode()

    async def half_done(database: Database) -> None:
        past = datetime.now(UTC) - timedelta(minutes=5)
        digest = hashlib.sha256(b"POST /v1/orders?\n" + body).digest()
        write = Write(client=acme, key=key, digest=digest, what="POST /v1/orders", name="shop", role="partner")
        await Access(database).claim(write, past)
        told = Submission(kind="order", who=acme, partner="acme").attributes()
        await MessageInbox(database).keep(
            [Arrival(channel=CHANNEL, source_id=f"{acme}/{key}", data=body, attributes=told)], past
        )

    server.ask(half_done)
    headers = {"Idempotency-Key": key, "Prefer": "wait=0", "Content-Type": "application/json"}
    answers = [client("partner", "acme").post("/v1/orders", content=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    place = answers[0].headers["location"]

    async def told(database: Database) -> tuple[int, int]:
        async with database.pool.acquire() as connection:
            messages = await connection.fetchval("SELECT count(*) FROM messages WHERE source_id = $1", f"{acme}/{key}")
            facts = await connection.fetchval(
                "SELECT count(*) FROM facts WHERE key = $1 AND type = 'order.received'", place.rsplit("/", 1)[1]
            )
            return messages, facts

    assert server.ask(told) == (1, 1)
