"""The example workspace's connections against the simulated ERP and tax service: real processes, the documents that the
process sends."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from crossdock.connectors.http import HttpSink, http_spec
from crossdock.connectors.json import JsonReader, JsonWriter, json_spec
from crossdock.connectors.webhook import WebhookReceiver, WebhookSource, webhook_spec
from crossdock.facts.order import (
    CreditAnswered,
    ErpOrderCreated,
    ErpOrderRevised,
    HoldPlaced,
    ShipmentPosted,
    TaxReceived,
)
from crossdock.ports.outbound import Absent, Accepted, Delivery
from crossdock.ports.translation import Message
from crossdock.testing import Erp, ErpFaults, Tax, start
from crossdock.trade.documents import Address, Document
from crossdock.trade.requests import (
    CreditCheck,
    RequestedLine,
    SalesOrderEntry,
    SalesOrderRevision,
    ShipmentPosting,
    TaxRequest,
)

SYSTEMS = Path(__file__).parents[2] / "examples/wholesaler/systems"
LINES = (
    RequestedLine(
        line="1", item="A", quantity=Decimal("12"), unit="EA", price=Decimal("9.25"), amount=Decimal("111.00")
    ),
)


class Connection:
    """One system of the example, its writer and sink joined as the dispatcher joins them."""

    def __init__(self, system: str, url: str, secret: str) -> None:
        table = tomllib.loads((SYSTEMS / f"{system}.toml").read_text())["settings"]
        spec, rest = json_spec({**table, "base_url": url})
        self.system = system
        self.writer = JsonWriter(system, spec.documents)
        self.sink = HttpSink(system, http_spec(rest, SYSTEMS), spec.documents, lambda _: secret)

    async def tell(self, document: str, content: Document) -> Any:
        """The fact that comes of sending it; a look-up must tell the same where there is one."""
        reference = content.reference  # type: ignore[attr-defined]
        data = msgspec.json.encode(content)
        delivery = Delivery(id=reference, key="SO-1", system=self.system, document=document, content=data)
        [sent] = self.writer.compose([delivery], None, datetime.now(UTC)).transmissions  # type: ignore[arg-type]
        outcome = await self.sink.send(sent)
        assert isinstance(outcome, Accepted), outcome
        fact = self.writer.settle(delivery, "", outcome.answer)
        if document == "credit-check":
            assert await self.sink.look_up(sent) == Absent(), "a question is asked again"
        if "look_up" in sent.request:
            found = await self.sink.look_up(sent)
            assert isinstance(found, Accepted), found
            assert self.writer.settle(delivery, "", found.answer) == fact
            elsewhere = msgspec.structs.replace(
                delivery, id="SO-9/x", content=data.replace(reference.encode(), b"SO-9/x")
            )
            [other] = self.writer.compose([elsewhere], None, datetime.now(UTC)).transmissions  # type: ignore[arg-type]
            assert await self.sink.look_up(other) == Absent()
        return fact


@asynccontextmanager
async def counterparties(folder: Path, **erp: Any) -> AsyncIterator[tuple[Connection, Connection]]:
    configs = [Erp(name="erp", tally=folder / "erp.json", **erp), Tax(name="tax", tally=folder / "tax.json")]
    running = await asyncio.to_thread(start, configs)
    try:
        urls = {name: f"http://127.0.0.1:{port}" for name, port in running.ports.items()}
        connections = Connection("erp", urls["erp"], "erp-token"), Connection("tax", urls["tax"], "tax-key")
        yield connections
        for connection in connections:
            await connection.sink.close()
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def test_every_request_of_an_order_is_understood_and_its_answer_tells_a_fact(tmp_path: Path) -> None:
    async with counterparties(tmp_path) as (erp, tax):
        credit = CreditCheck(
            reference="SO-1/credit", order="SO-1", customer="acme", amount=Decimal("111.00"), currency="USD"
        )
        assert await erp.tell("credit-check", credit) == CreditAnswered(obligation="SO-1/credit", approved=True)

        entry = SalesOrderEntry(
            reference="SO-1/erp", order="SO-1", customer="acme", purchase_order="PO1", currency="USD", lines=LINES
        )
        created = await erp.tell("sales-order", entry)
        assert isinstance(created, ErpOrderCreated)
        assert created.number

        revision = SalesOrderRevision(reference="SO-1/erp/2", order="SO-1", erp_order=created.number, cancelled=True)
        assert isinstance(await erp.tell("sales-order-revision", revision), ErpOrderRevised)

        posting = ShipmentPosting(
            reference="SO-1/post/S1", order="SO-1", erp_order=created.number, shipment="S1", lines=LINES
        )
        posted = await erp.tell("shipment-posting", posting)
        assert isinstance(posted, ShipmentPosted)
        assert posted.shipment == "S1"

        question = TaxRequest(
            reference="SO-1/tax/S1",
            order="SO-1",
            shipment="S1",
            currency="USD",
            ship_to=Address(region="OH", postal_code="43004", country="US"),
            lines=LINES,
        )
        answered = await tax.tell("tax-request", question)
        assert isinstance(answered, TaxReceived)
        assert answered.total == Decimal("9.16")
        assert sum(amount for _, amount in answered.lines) == answered.total


async def test_what_the_erp_says_of_its_own_accord_is_kept_and_told(tmp_path: Path) -> None:
    table = tomllib.loads((SYSTEMS / "erp-events.toml").read_text())["settings"]
    facts, rest = json_spec(table)
    source = WebhookSource("erp-events", webhook_spec(rest, tmp_path), lambda _: "whsec_c2VjcmV0LW9mLXRoZS1lcnA=")
    receiver = WebhookReceiver([source])
    await receiver.start()
    hooks = {"webhook_url": f"{receiver.url}/erp-events", "webhook_secret": "whsec_c2VjcmV0LW9mLXRoZS1lcnA="}
    entry = SalesOrderEntry(
        reference="SO-1/erp", order="SO-1", customer="acme", purchase_order="P", currency="USD", lines=LINES
    )
    async with counterparties(tmp_path, **hooks, faults=ErpFaults(held=1.0)) as (erp, _):
        await erp.tell("sales-order", entry)
        async with asyncio.timeout(20):
            async for batch in source.arrivals():
                await source.keep(batch)
                arrival = batch[0]
                break
    await source.close()
    await receiver.stop()
    message = Message(
        id=1, channel="erp-events", source_id=arrival.source_id, data=arrival.data, received_at=datetime.now(UTC)
    )
    [reading] = JsonReader("erp-events", facts.facts).read(message)
    assert reading.facts[0].key == "SO-1"
    assert isinstance(reading.facts[0].data, HoldPlaced)
