"""The ERP: credit checks, sales orders, revisions and shipment postings as JSON over HTTP, and webhooks about held
orders.

It honours no Idempotency-Key unless declared so: what is posted twice is recorded twice, and the tally shows it.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar, Request, get, post

from crossdock.testing.configs import Erp
from crossdock.testing.faults import chance
from crossdock.testing.simulators.desk import Answer, Desk, Outages, Refusal
from crossdock.testing.simulators.process import Life, run
from crossdock.testing.simulators.serve import Service
from crossdock.testing.tallies import ErpTally, Recorded, Tally

Call = Request[Any, Any, Any]
NUMBERS = {"number": ("E-", 100001), "revision": ("R-", 1), "posting": ("JE-", 200001)}


class CreditCheck(msgspec.Struct):
    """POST /v1/credit-checks."""

    reference: str
    order: str
    customer: str
    amount: str
    currency: str = ""


class Line(msgspec.Struct):
    """A line of an order, a revision or a posting."""

    line: str
    item: str
    quantity: str
    unit: str = ""
    price: str = ""


class SalesOrder(msgspec.Struct):
    """POST /v1/sales-orders."""

    reference: str
    order: str
    customer: str
    lines: list[Line]
    purchase_order: str = ""
    currency: str = ""


class Revision(msgspec.Struct):
    """POST /v1/sales-orders/{number}/revisions."""

    reference: str
    order: str
    lines: list[Line] = []
    cancelled: bool = False


class ShipmentPosting(msgspec.Struct):
    """POST /v1/shipment-postings."""

    reference: str
    order: str
    shipment: str
    lines: list[Line]


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of "id.timestamp.body" (Standard Webhooks, Signature scheme)."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    return (
        "v1," + base64.b64encode(hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()).decode()
    )


class Books:
    """The records and the webhooks that follow from them."""

    def __init__(self, config: Erp, tally: ErpTally) -> None:
        self.config = config
        self.tally = tally
        faults = config.faults
        outages = Outages(faults.storms, faults.soft_outages, faults.hard_outages, faults.retry_after_seconds)
        self.desk = Desk(tally, config.seed, outages, ("authorization", f"Bearer {config.token}"))
        self.events: set[asyncio.Task[None]] = set()
        self.numbers: set[str] = set()
        self._by_reference: dict[tuple[str, str], list[Recorded]] = {}

    async def record(self, request: Call, kept: list[Recorded], made: Recorded, field: str, *names: str) -> Answer:
        """Keep a record and answer 201 with its number, or with whatever fault strikes its reference."""
        desk, faults = self.desk, self.config.faults
        if desk.struck("slow", faults.slow, made.reference, *names) and desk.first_time("slow", made.reference):
            await asyncio.sleep(faults.slow_seconds)
        before = self._by_reference.setdefault((field, made.reference), [])
        if self.config.idempotent and before:
            self.tally.replayed += 1
            return desk.answer(201, {field: before[0].number})
        # Numbered after the sleep, not before: other calls are served meanwhile.
        prefix, first = NUMBERS[field]
        made.number = f"{prefix}{first + len(kept)}"
        kept.append(made)
        before.append(made)
        self.numbers.add(made.number)
        if desk.struck("committed_500", faults.committed_500, made.reference, *names) and desk.first_time(
            "committed_500", made.reference
        ):
            return desk.answer(500, {"error": "internal error", "code": "internal"})
        if desk.struck("committed_cut", faults.committed_cut, made.reference, *names) and desk.first_time(
            "committed_cut", made.reference
        ):
            return desk.cut(request)
        return desk.answer(201, {field: made.number})

    def found(self, reference: str, field: str) -> Answer:
        """The answer to a look-up by reference."""
        self.tally.lookups += 1
        return self.desk.answer(
            200, {"items": [{field: each.number} for each in self._by_reference.get((field, reference), [])]}
        )

    def announce(self, order: str) -> None:
        """Say that the order is held and, later, that it is not."""
        task = asyncio.create_task(self._hold_and_release(order))
        self.events.add(task)
        task.add_done_callback(self.events.discard)

    async def _hold_and_release(self, order: str) -> None:
        await self._send("order.held", order, "credit limit under review")
        await asyncio.sleep(self.config.faults.held_seconds)
        await self._send("order.hold-released", order, "")

    async def _send(self, kind: str, order: str, reason: str) -> None:
        id = f"evt-{int(chance(self.config.seed, kind, order) * 10**12):012d}"
        event = {"id": id, "type": kind, "order": order, "reason": reason, "occurred_at": datetime.now(UTC).isoformat()}
        body = msgspec.json.encode(event)
        async with httpx.AsyncClient(timeout=5) as client:
            for _ in range(2 if self.config.faults.doubled_webhook else 1):
                for pause in (0.2, 0.5, 1.0, 2.0, 4.0):
                    timestamp = str(int(time.time()))
                    headers = {
                        "content-type": "application/json",
                        "webhook-id": id,
                        "webhook-timestamp": timestamp,
                        "webhook-signature": signature(self.config.webhook_secret, id, timestamp, body),
                    }
                    try:
                        answer = await client.post(self.config.webhook_url, content=body, headers=headers)
                    except httpx.HTTPError:
                        await asyncio.sleep(pause)
                        continue
                    if answer.is_success:
                        self.tally.webhooks += 1
                        break
                    await asyncio.sleep(pause)


def application(books: Books) -> Litestar:
    """The routes."""
    desk, tally, faults = books.desk, books.tally, books.config.faults

    @post("/v1/credit-checks")
    async def check_credit(request: Call) -> Answer:
        desk.enter(request)
        asked = await desk.read(request, CreditCheck)
        if desk.struck("slow", faults.slow, asked.reference, asked.order, asked.customer) and desk.first_time(
            "slow", asked.reference
        ):
            await asyncio.sleep(faults.slow_seconds)
        declined = desk.struck("declined", faults.declined, asked.order, asked.reference, asked.customer)
        tally.credit[asked.order] = "declined" if declined else "approved"
        return desk.answer(200, {"decision": tally.credit[asked.order], "reason": "over the limit" if declined else ""})

    @post("/v1/sales-orders")
    async def create_order(request: Call) -> Answer:
        desk.enter(request)
        asked = await desk.read(request, SalesOrder)
        names = (asked.order, asked.purchase_order, asked.customer)
        if desk.struck("refused", faults.refused, asked.reference, *names):
            if asked.reference not in tally.refused:
                tally.refused.append(asked.reference)
            return desk.answer(422, {"error": f"customer {asked.customer} is closed", "code": "customer-closed"})
        made = Recorded(
            reference=asked.reference,
            order=asked.order,
            purchase_order=asked.purchase_order,
            lines={line.line: line.quantity for line in asked.lines},
        )
        answer = await books.record(request, tally.orders, made, "number", *names)
        if (
            books.config.webhook_url
            and desk.struck("held", faults.held, asked.order, *names)
            and desk.first_time("held", asked.order)
        ):
            books.announce(asked.order)
        return answer

    @get("/v1/sales-orders")
    async def find_order(request: Call, reference: str) -> Answer:
        desk.enter(request)
        return books.found(reference, "number")

    @post("/v1/sales-orders/{number:str}/revisions")
    async def revise(request: Call, number: str) -> Answer:
        desk.enter(request)
        asked = await desk.read(request, Revision)
        if number not in books.numbers:
            return desk.answer(404, {"error": f"there is no sales order {number}", "code": "unknown-order"})
        made = Recorded(
            reference=asked.reference,
            order=asked.order,
            cancelled=asked.cancelled,
            lines={line.line: line.quantity for line in asked.lines},
        )
        return await books.record(request, tally.revisions, made, "revision", asked.order, number)

    @get("/v1/revisions")
    async def find_revision(request: Call, reference: str) -> Answer:
        desk.enter(request)
        return books.found(reference, "revision")

    @post("/v1/shipment-postings")
    async def post_shipment(request: Call) -> Answer:
        desk.enter(request)
        asked = await desk.read(request, ShipmentPosting)
        made = Recorded(
            reference=asked.reference,
            order=asked.order,
            shipment=asked.shipment,
            lines={line.line: line.quantity for line in asked.lines},
        )
        return await books.record(request, tally.postings, made, "posting", asked.order, asked.shipment)

    @get("/v1/shipment-postings")
    async def find_posting(request: Call, reference: str) -> Answer:
        desk.enter(request)
        return books.found(reference, "posting")

    def refuse(_: Call, refusal: Exception) -> Answer:
        assert isinstance(refusal, Refusal)
        return refusal.answer

    routes = [check_credit, create_order, find_order, revise, find_revision, post_shipment, find_posting]
    return Litestar(routes, exception_handlers={Refusal: refuse}, openapi_config=None, logging_config=None)


def begin(config: Erp) -> tuple[Tally, Path]:
    """An empty tally, and where it goes."""
    return ErpTally(name=config.name), config.tally


async def live(config: Erp, life: Life) -> None:
    """Serve until the stop."""
    assert isinstance(life.tally, ErpTally)
    books = Books(config, life.tally)
    faults = config.faults
    service = Service(
        application(books), config.port, gated=bool(faults.hard_outages) or faults.committed_cut not in (0.0, ())
    )
    books.desk.service = service
    await service.start()
    life.ready(service.port)
    await books.desk.keep_outages(life)
    for event in list(books.events):
        event.cancel()
    await service.stop()


if __name__ == "__main__":
    run(Erp, begin, live)
