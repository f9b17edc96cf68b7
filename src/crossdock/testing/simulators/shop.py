"""The web shop: is told by JSON over HTTP what it may sell, all or what has changed, and keeps account of the numbers of what it was told."""

from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, post

from crossdock.testing.configs import Shop
from crossdock.testing.simulators.desk import Answer, Desk, Outages, Refusal
from crossdock.testing.simulators.process import Life, run
from crossdock.testing.simulators.serve import Service
from crossdock.testing.tallies import ShopTally, Tally

Call = Request[Any, Any, Any]


class Named(msgspec.Struct):
    """An item's number."""

    id: str


class Place(msgspec.Struct):
    """So many at a site, as decimal text."""

    site: str
    quantity: str


class Level(msgspec.Struct):
    """A figure of an item; only what is available may be sold."""

    status: str
    places: list[Place] = []


class Line(msgspec.Struct):
    """An item and its levels."""

    items: list[Named]
    levels: list[Level] = []


class Advice(msgspec.Struct):
    """POST /v1/stock. purpose: original (what is not listed, there is none of) or change."""

    number: str
    purpose: str = "original"
    lines: list[Line] = []


def enter(tally: ShopTally, advice: Advice) -> None:
    """Sells by it from now on. An offer that came before is passed over, whatever it says."""
    number = int(advice.number)
    last = max(tally.numbers, default=0)
    if number <= last:
        tally.repeated.append(number)
        return
    full = advice.purpose == "original"
    if number != last + 1 and not full:
        tally.missed.append(f"offer {number} came after {last}")
    tally.numbers.append(number)
    if full:
        tally.fulls += 1
        tally.levels.clear()
    for line in advice.lines:
        for level in line.levels:
            if level.status == "available":
                for place in level.places:
                    tally.levels[f"{place.site}/{line.items[0].id}"] = place.quantity


def application(desk: Desk, tally: ShopTally) -> Litestar:
    """The route."""

    @post("/v1/stock")
    async def take_stock(request: Call) -> Answer:
        desk.enter(request)
        enter(tally, await desk.read(request, Advice))
        return desk.answer(200, {"taken": True})

    def refuse(_: Call, refusal: Exception) -> Answer:
        assert isinstance(refusal, Refusal)
        return refusal.answer

    return Litestar([take_stock], exception_handlers={Refusal: refuse}, openapi_config=None, logging_config=None)


def begin(config: Shop) -> tuple[Tally, Path]:
    """An empty tally, and where it goes."""
    return ShopTally(name=config.name), config.tally


async def live(config: Shop, life: Life) -> None:
    """Serve until the stop."""
    assert isinstance(life.tally, ShopTally)
    desk = Desk(life.tally, 1, Outages((), (), (), 1), ("authorization", f"Bearer {config.token}"))
    service = Service(application(desk, life.tally), config.port, gated=False)
    desk.service = service
    await service.start()
    life.ready(service.port)
    await life.stop.wait()
    await service.stop()


if __name__ == "__main__":
    run(Shop, begin, live)
