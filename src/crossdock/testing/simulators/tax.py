"""The tax service: quotes as JSON over HTTP, stateless, each line's tax rounded to the cent and the total their sum."""

import asyncio
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, post

from crossdock.testing.configs import Tax
from crossdock.testing.simulators.desk import Answer, Desk, Outages, Refusal
from crossdock.testing.simulators.process import Life, run
from crossdock.testing.simulators.serve import Service
from crossdock.testing.tallies import Tally, TaxTally

CENT = Decimal("0.01")
Call = Request[Any, Any, Any]


class ShipTo(msgspec.Struct, frozen=True):
    """Where the goods go; the region decides the rate."""

    region: str = ""
    postal_code: str = ""
    country: str = ""


class QuotedLine(msgspec.Struct):
    """A line and its net amount as decimal text."""

    line: str
    amount: str
    item: str = ""


class QuoteRequest(msgspec.Struct):
    """POST /v1/quotes."""

    reference: str
    order: str
    shipment: str
    lines: list[QuotedLine]
    currency: str = ""
    ship_to: ShipTo = ShipTo()


def quote(config: Tax, asked: QuoteRequest) -> dict[str, Any]:
    """The tax of each line and in total. Raises decimal.InvalidOperation for an amount that is no number."""
    rate = Decimal(config.rates.get(asked.ship_to.region, config.rate)) / 100
    taxes = [(line.line, (Decimal(line.amount) * rate).quantize(CENT, ROUND_HALF_UP)) for line in asked.lines]
    total = sum((tax for _, tax in taxes), Decimal("0.00"))
    return {"total_tax": str(total), "lines": [{"line": line, "tax": str(tax)} for line, tax in taxes]}


def application(config: Tax, desk: Desk, tally: TaxTally) -> Litestar:
    """The route."""

    @post("/v1/quotes")
    async def give_quote(request: Call) -> Answer:
        desk.enter(request)
        asked = await desk.read(request, QuoteRequest)
        if desk.struck("slow", config.faults.slow, asked.reference, asked.order) and desk.first_time(
            "slow", asked.reference
        ):
            await asyncio.sleep(config.faults.slow_seconds)
        try:
            given = quote(config, asked)
        except InvalidOperation:
            return desk.answer(422, {"error": "an amount is not a decimal number", "code": "bad-amount"})
        tally.quotes[asked.reference] = tally.quotes.get(asked.reference, 0) + 1
        return desk.answer(200, given)

    def refuse(_: Call, refusal: Exception) -> Answer:
        assert isinstance(refusal, Refusal)
        return refusal.answer

    return Litestar([give_quote], exception_handlers={Refusal: refuse}, openapi_config=None, logging_config=None)


def begin(config: Tax) -> tuple[Tally, Path]:
    """An empty tally, and where it goes."""
    return TaxTally(name=config.name), config.tally


async def live(config: Tax, life: Life) -> None:
    """Serve until the stop."""
    assert isinstance(life.tally, TaxTally)
    faults = config.faults
    outages = Outages(faults.storms, faults.soft_outages, faults.hard_outages, faults.retry_after_seconds)
    desk = Desk(life.tally, config.seed, outages, ("x-api-key", config.api_key))
    service = Service(application(config, desk, life.tally), config.port, gated=bool(faults.hard_outages))
    desk.service = service
    await service.start()
    life.ready(service.port)
    await desk.keep_outages(life)
    await service.stop()


if __name__ == "__main__":
    run(Tax, begin, live)
