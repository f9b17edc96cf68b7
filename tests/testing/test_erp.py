"""The ERP and the tax service as real processes: what they answer, and every fault that can be declared, shown once."""

import base64
import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from hub_by_hand import until

from crossdock.testing import Erp, ErpFaults, Tax, TaxFaults, Window
from crossdock.testing.simulators.erp import signature

LINE = {"line": "1", "item": "A1", "quantity": "12", "unit": "EA", "price": "9.25"}


def sales_order(reference="SO-1/erp-order", order="SO-1", customer="ACME"):
    return {"reference": reference, "order": order, "customer": customer, "purchase_order": "PO1", "lines": [LINE]}


def posting(reference="SO-1/post/S1"):
    return {"reference": reference, "order": "SO-1", "shipment": "S1", "lines": [LINE]}


@pytest.fixture
def erp(begin, tmp_path):
    """Start an ERP with these faults: a client of it, and its tally when it has stopped."""

    def run(faults=None, **more):
        config = Erp(name="erp", tally=tmp_path / "erp.json", faults=faults or ErpFaults(), **more)
        running = begin([config])
        client = httpx.Client(base_url=running.url("erp"), headers={"Authorization": "Bearer erp-token"}, timeout=20)

        def close():
            client.close()
            running.stop()
            return running.tally()["erp"]

        return client, close

    return run


def test_an_order_is_recorded_found_revised_and_its_shipment_posted(erp):
    client, close = erp()
    credit = {"reference": "c", "order": "SO-1", "customer": "ACME", "amount": "111.00", "currency": "USD"}
    assert client.post("/v1/credit-checks", json=credit).json() == {"decision": "approved", "reason": ""}
    made = client.post("/v1/sales-orders", json=sales_order())
    assert (made.status_code, made.json()) == (201, {"number": "E-100001"})
    assert client.get("/v1/sales-orders", params={"reference": "SO-1/erp-order"}).json() == {"items": [made.json()]}
    assert client.get("/v1/sales-orders", params={"reference": "SO-2/erp-order"}).json() == {"items": []}
    revision = {"reference": "r", "order": "SO-1", "lines": [LINE], "cancelled": False}
    assert client.post("/v1/sales-orders/E-100001/revisions", json=revision).json() == {"revision": "R-1"}
    assert client.get("/v1/revisions", params={"reference": "r"}).json() == {"items": [{"revision": "R-1"}]}
    assert client.post("/v1/sales-orders/E-9/revisions", json=revision).status_code == 404
    assert client.post("/v1/shipment-postings", json=posting()).json() == {"posting": "JE-200001"}
    found = client.get("/v1/shipment-postings", params={"reference": "SO-1/post/S1"})
    assert found.json() == {"items": [{"posting": "JE-200001"}]}
    tally = close()
    assert [each.lines for each in tally.postings] == [{"1": "12"}]
    assert tally.answers == {"200": 5, "201": 3, "404": 1}


def test_without_the_token_or_with_a_broken_body_nothing_is_recorded(erp):
    client, close = erp()
    assert client.post("/v1/sales-orders", json=sales_order(), headers={"Authorization": "Bearer x"}).status_code == 401
    answer = client.post("/v1/sales-orders", json={"reference": "r"})
    assert answer.status_code == 400 and "order" in answer.json()["error"]
    assert close().orders == []


def test_the_same_reference_twice_makes_two_records_because_the_key_is_not_honoured(erp):
    client, close = erp()
    numbers = [client.post("/v1/sales-orders", json=sales_order()).json()["number"] for _ in range(2)]
    assert numbers == ["E-100001", "E-100002"]
    assert [each.reference for each in close().orders] == ["SO-1/erp-order"] * 2


def test_an_idempotent_erp_answers_the_same_record_again(erp):
    client, close = erp(idempotent=True)
    numbers = [client.post("/v1/sales-orders", json=sales_order()).json()["number"] for _ in range(2)]
    assert numbers == ["E-100001", "E-100001"]
    tally = close()
    assert (len(tally.orders), tally.replayed) == (1, 1)


def test_committed_and_answered_with_an_error_is_found_by_its_reference(erp):
    client, close = erp(ErpFaults(committed_500=1.0))
    assert client.post("/v1/sales-orders", json=sales_order()).status_code == 500
    found = client.get("/v1/sales-orders", params={"reference": "SO-1/erp-order"})
    assert found.json() == {"items": [{"number": "E-100001"}]}
    assert client.post("/v1/sales-orders", json=sales_order()).status_code == 201, "only the first answer is wrong"
    assert close().faults == {"committed_500": ["SO-1/erp-order"]}


def test_committed_and_cut_off_is_found_by_its_reference(erp):
    client, close = erp(ErpFaults(committed_cut=("SO-1",)))
    with pytest.raises(httpx.TransportError):
        client.post("/v1/sales-orders", json=sales_order())
    found = client.get("/v1/sales-orders", params={"reference": "SO-1/erp-order"})
    assert found.json() == {"items": [{"number": "E-100001"}]}
    assert close().answers["cut"] == 1


def test_a_storm_answers_429_and_says_when_to_come_again(erp):
    storm = Window(start=2, end=4, measure="calls")
    client, close = erp(ErpFaults(storms=(storm,), retry_after_seconds=3))
    answers = [client.post("/v1/sales-orders", json=sales_order(f"r{n}")) for n in range(4)]
    assert [answer.status_code for answer in answers] == [201, 429, 429, 201]
    assert answers[1].headers["Retry-After"] == "3"
    assert [each.reference for each in close().orders] == ["r0", "r3"]


def test_a_soft_outage_answers_503(erp):
    client, _ = erp(ErpFaults(soft_outages=(Window(start=1, end=2, measure="calls"),)))
    assert [client.get("/v1/revisions?reference=r").status_code for _ in range(2)] == [503, 200]


def test_in_a_hard_outage_nobody_listens_and_afterwards_all_records_are_still_there(erp):
    client, close = erp(ErpFaults(hard_outages=(Window(start=0.5, end=1.5, since="first-call"),)))
    client.post("/v1/sales-orders", json=sales_order())

    def refused():
        try:
            return client.get("/v1/sales-orders", params={"reference": "x"}).status_code != 200
        except httpx.TransportError:
            return True

    until(refused)
    with pytest.raises(httpx.ConnectError):
        httpx.get(client.base_url)
    until(lambda: not refused())
    assert len(close().orders) == 1


def test_a_slow_answer_comes_after_all(erp):
    client, close = erp(ErpFaults(slow=1.0, slow_seconds=0.5))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/sales-orders", json=sales_order("r1"), timeout=0.1)
    assert client.post("/v1/sales-orders", json=sales_order("r2")).status_code == 201
    assert [each.reference for each in close().orders] == ["r1", "r2"]


def test_credit_is_declined_for_the_customer_named(erp):
    client, close = erp(ErpFaults(declined=("ZENITH",)))
    for order, customer in (("SO-1", "ACME"), ("SO-2", "ZENITH")):
        check = {"reference": order, "order": order, "customer": customer, "amount": "1.00", "currency": "USD"}
        client.post("/v1/credit-checks", json=check)
    assert close().credit == {"SO-1": "approved", "SO-2": "declined"}


def test_a_refused_order_stays_refused(erp):
    client, close = erp(ErpFaults(refused=("ZENITH",)))
    for _ in range(2):
        answer = client.post("/v1/sales-orders", json=sales_order(customer="ZENITH"))
        assert (answer.status_code, answer.json()["code"]) == (422, "customer-closed")
    assert close().refused == ["SO-1/erp-order"]


def test_the_same_seed_strikes_the_same_references_in_any_order_of_calls(erp):
    struck = []
    for references in (range(30), reversed(range(30))):
        client, close = erp(ErpFaults(committed_500=0.3), seed=5)
        for n in references:
            client.post("/v1/sales-orders", json=sales_order(f"r{n}", f"SO-{n}"))
        struck.append(sorted(close().faults["committed_500"]))
    assert struck[0] == struck[1] and 0 < len(struck[0]) < 30


def test_a_held_order_is_announced_and_released_by_signed_webhooks_each_sent_twice(erp):
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    faults = ErpFaults(held=("SO-1",), held_seconds=0.1, doubled_webhook=True)
    secret = "whsec_" + base64.b64encode(b"a secret of some length").decode()
    client, close = erp(faults, webhook_url=f"http://127.0.0.1:{server.server_port}/hooks", webhook_secret=secret)
    client.post("/v1/sales-orders", json=sales_order())
    until(lambda: len(received) == 4)
    server.shutdown()
    server.server_close()
    assert [json.loads(body)["type"] for _, body in received] == ["order.held"] * 2 + ["order.hold-released"] * 2
    assert len({headers["webhook-id"] for headers, _ in received}) == 2
    for headers, body in received:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(b"a secret of some length", signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert close().webhooks >= 3


def test_the_signature_is_that_of_the_standards_test_vector():
    # The vector that the Standard Webhooks libraries share.
    body = b'{"test": 2432232314}'
    signed = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_tax_service_quotes_each_line_to_the_cent_and_fails_as_declared(begin, tmp_path):
    faults = TaxFaults(
        storms=(Window(start=2, end=3, measure="calls"),),
        soft_outages=(Window(start=3, end=4, measure="calls"),),
        slow=("late",),
        slow_seconds=0.2,
    )
    running = begin([Tax(name="tax", tally=tmp_path / "tax.json", rates={"OH": "7.5"}, faults=faults)])
    client = httpx.Client(base_url=running.url("tax"), headers={"X-Api-Key": "tax-key"})

    def ask(region, *amounts, reference="q"):
        lines = [{"line": str(n), "item": "A", "amount": amount} for n, amount in enumerate(amounts, 1)]
        place = {"region": region, "postal_code": "43004", "country": "US"}
        body = {"reference": reference, "order": "SO-1", "shipment": "S1", "currency": "USD", "ship_to": place}
        return client.post("/v1/quotes", json=body | {"lines": lines})

    assert ask("TX", "120.25").json() == {"total_tax": "9.92", "lines": [{"line": "1", "tax": "9.92"}]}
    assert [ask("TX", "1").status_code for _ in range(2)] == [429, 503]
    assert ask("OH", "10.00", "0.20").json()["total_tax"] == "0.77"
    assert ask("OH", "ten").status_code == 422
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/quotes", json={"reference": "late", "order": "o", "shipment": "s", "lines": []}, timeout=0.05)
    assert client.post("/v1/quotes", json={}, headers={"X-Api-Key": "no"}).status_code == 401
    running.stop()
    assert running.tally()["tax"].quotes["q"] == 2


def test_slow_calls_at_the_same_time_get_numbers_of_their_own(erp):
    client, close = erp(ErpFaults(slow=1.0, slow_seconds=0.3))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: client.post("/v1/sales-orders", json=sales_order(f"r{n}")), range(4)))
    assert len({answer.json()["number"] for answer in answers}) == 4
    assert len(close().orders) == 4
