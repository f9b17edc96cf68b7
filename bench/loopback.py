"""Counterparties inside the worker's own process, for benchmarks: they take and give the real bytes, X12 and JSON, but through no socket and no folder.

What is left out is the transport alone. Everything between a stored message and a written transmission is the product's own.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from crossdock.ports.inbound import Arrival
from crossdock.ports.outbound import Absent, Accepted, Found, Outcome, Transmission
from crossdock.store.inbox import MessageInbox
from crossdock.testing.configs import Identity, Style
from crossdock.testing.simulators import x12
from crossdock.testing.simulators.confirmations import confirmation

MOMENT = datetime(2026, 1, 16, 12)


class Answers:
    """Messages that counterparties send back, stored in batches as a receiver would."""

    def __init__(self, inbox: MessageInbox, stored: Callable[[], None], prefix: str) -> None:
        self._inbox = inbox
        self._stored = stored
        self._prefix = prefix
        self._waiting: list[Arrival] = []
        self._ring = asyncio.Event()
        self._numbers = itertools.count(1)

    def give(self, channel: str, data: bytes) -> None:
        name = f"{self._prefix}-{next(self._numbers)}"
        self._waiting.append(Arrival(channel=channel, source_id=name, data=data, name=name))
        self._ring.set()

    async def run(self) -> None:
        while True:
            await self._ring.wait()
            self._ring.clear()
            await asyncio.sleep(0.005)
            batch, self._waiting = self._waiting, []
            if batch:
                await self._inbox.keep(batch, datetime.now(UTC))
                self._stored()


class LoopbackPartner:
    """A trading partner that acknowledges every group, and confirms every 940 in full if it is the warehouse."""

    def __init__(
        self,
        system: str,
        answers: Answers,
        identity: Identity,
        numbers: "itertools.count[int]",
        ships: bool,
        sent: Callable[[Transmission], None],
    ) -> None:
        self.system = system
        self._answers = answers
        self._identity = identity
        self._numbers = numbers
        self._ships = ships
        self._serials = itertools.count(1, 1000)
        self._sent = sent

    async def send(self, transmission: Transmission) -> Outcome:
        self._sent(transmission)
        bodies = [
            ("997", x12.acknowledgement(group))
            for interchange in x12.split(transmission.data)
            for group in interchange.groups
            if group.functional_id != "FA"
        ]
        if bodies:
            self._answers.give(
                self.system,
                x12.join(
                    "FA",
                    bodies,
                    control_number=next(self._numbers),
                    identity=self._identity,
                    style=Style(),
                    moment=MOMENT,
                ),
            )
            if self._ships:
                self._answers.give(
                    self.system,
                    confirmation(
                        transmission.data, first_serial=next(self._serials), control_number=next(self._numbers)
                    ),
                )
        return Accepted(status="taken")

    async def look_up(self, transmission: Transmission) -> Found:
        return Absent()

    async def close(self) -> None:
        return


class LoopbackService:
    """An ERP or a tax engine that says yes at once. `answer`: from the request's path and body to what the answer map would have made of the reply."""

    def __init__(
        self,
        system: str,
        answer: Callable[[str, dict[str, object]], dict[str, object]],
        sent: Callable[[Transmission], None],
    ) -> None:
        self.system = system
        self._answer = answer
        self._sent = sent

    async def send(self, transmission: Transmission) -> Outcome:
        self._sent(transmission)
        return Accepted(self._answer(transmission.request["path"], msgspec.json.decode(transmission.data)), "200")

    async def look_up(self, transmission: Transmission) -> Found:
        return Absent()

    async def close(self) -> None:
        return


def erp_answer(path: str, body: dict[str, object]) -> dict[str, object]:
    """approved, an order number, a posting: whichever was asked for."""
    reference = str(body["reference"])
    if path.endswith("credit-checks"):
        return {"approved": True}
    if path.endswith("shipment-postings"):
        return {"posting": f"JE-{reference}"}
    return {"number": f"E-{reference}"}


def tax_answer(path: str, body: dict[str, object]) -> dict[str, object]:
    """Eight and a quarter per cent is not what is measured here: no tax on any line."""
    lines: Sequence[dict[str, str]] = body["lines"]  # type: ignore[assignment]
    return {"total": "0.00", "lines": [{"line": line["line"], "tax": "0.00"} for line in lines]}
