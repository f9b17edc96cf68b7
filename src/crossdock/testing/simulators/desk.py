"""What every call to an HTTP counterparty passes first: the count, the key, the storms and outages; and the clock that
these go by."""

import time
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from crossdock.testing.faults import Share, Window, strikes
from crossdock.testing.simulators.process import Life
from crossdock.testing.simulators.serve import Service
from crossdock.testing.tallies import ErpTally, ShopTally, TaxTally

T = TypeVar("T")
Answer = Response[dict[str, Any]]


class Refusal(Exception):
    """The call is not carried out; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Outages(msgspec.Struct, frozen=True):
    """The windows that ERP and tax have in common."""

    storms: Sequence[Window]
    soft: Sequence[Window]
    hard: Sequence[Window]
    retry_after_seconds: int

    def check(self) -> None:
        """Raises ValueError for a hard outage by calls: who does not listen counts no calls."""
        if any(window.measure == "calls" for window in self.hard):
            raise ValueError("a hard outage goes by seconds: nobody counts calls while not listening")


class Desk:
    """The count of calls and what is refused before a call is looked at."""

    def __init__(
        self, tally: ErpTally | TaxTally | ShopTally, seed: int, outages: Outages, key: tuple[str, str]
    ) -> None:
        outages.check()
        self.tally = tally
        self.service: Service | None = None
        self._seed = seed
        self._outages = outages
        self._header, self._value = key
        self._began = time.monotonic()
        self._first_call: float | None = None
        self._tried: set[tuple[str, str]] = set()

    def struck(self, fault: str, share: Share, reference: str, *names: str) -> bool:
        """As `strikes`, and noted in the tally."""
        if not strikes(self._seed, fault, share, reference, *names):
            return False
        if self.first_time(f"noted {fault}", reference):
            self.tally.faults.setdefault(fault, []).append(reference)
        return True

    def first_time(self, fault: str, reference: str) -> bool:
        """True once for each fault and reference: what is tried again goes well."""
        if (fault, reference) in self._tried:
            return False
        self._tried.add((fault, reference))
        return True

    def holds(self, windows: Sequence[Window], call: int = 0) -> bool:
        """Whether any of the windows holds now."""
        now = time.monotonic()
        since_first = None if self._first_call is None else now - self._first_call
        return any(window.holds(now - self._began, since_first, call) for window in windows)

    def enter(self, request: Request[Any, Any, Any]) -> None:
        """Count the call. Raises Refusal for a wrong key, in a storm, and in a soft outage."""
        self.tally.calls += 1
        if self._first_call is None:
            self._first_call = time.monotonic()
        if request.headers.get(self._header) != self._value:
            raise Refusal(self.answer(401, {"error": "the key is missing or wrong", "code": "unauthorised"}))
        if self.holds(self._outages.storms, self.tally.calls):
            wait = {"Retry-After": str(self._outages.retry_after_seconds)}
            raise Refusal(self.answer(429, {"error": "too many requests", "code": "rate-limited"}, wait))
        if self.holds(self._outages.soft, self.tally.calls):
            raise Refusal(self.answer(503, {"error": "temporarily unavailable", "code": "unavailable"}))

    async def read(self, request: Request[Any, Any, Any], kind: type[T]) -> T:
        """The body. Raises Refusal (400) where it is not as agreed."""
        try:
            return msgspec.json.decode(await request.body(), type=kind)
        except msgspec.DecodeError as error:
            raise Refusal(self.answer(400, {"error": str(error), "code": "malformed"})) from error

    def answer(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
        """A response, counted by status."""
        self.tally.answers[str(status)] = self.tally.answers.get(str(status), 0) + 1
        return Response(content, status_code=status, headers=headers, media_type="application/json")

    def cut(self, request: Request[Any, Any, Any]) -> Answer:
        """Reset the connection of this call; the answer returned reaches nobody."""
        self.tally.answers["cut"] = self.tally.answers.get("cut", 0) + 1
        client = request.scope["client"]
        if client is not None and self.service is not None and self.service.gate is not None:
            self.service.gate.cut(int(client[1]))
        return Response({}, status_code=500)

    async def keep_outages(self, life: Life) -> None:
        """Close and open the gate as the hard outages say, until the stop."""
        while not await life.wait(0.02):
            gate = self.service.gate if self.service is not None else None
            if gate is None:
                continue
            down = self.holds(self._outages.hard)
            if down and gate.is_open:
                self.tally.answers["away"] = self.tally.answers.get("away", 0) + 1
                await gate.close()
            elif not down and not gate.is_open:
                await gate.open()
