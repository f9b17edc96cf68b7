"""Dispatch: deliveries of one system are claimed, written down, sent and settled, as fast as the system wants it and no faster.

What goes over the wire is on our disk before it goes. An outcome that nobody knows (a crash of ours, a time-out, a fault after a commit) is looked up before
anything is sent again. Each system has a dispatcher of its own: one that is down slows no other.
"""

import asyncio
import heapq
import math
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from crossdock.facts import Fact
from crossdock.facts.order import EffectRefused
from crossdock.flow.settle import Settlement, settle
from crossdock.ports.log import Claimed, Loading, Outbox, Settled
from crossdock.ports.outbound import (
    Absent,
    Accepted,
    Delivery,
    Later,
    Outcome,
    Pace,
    Pacing,
    Sink,
    Transmission,
    Unknown,
)
from crossdock.ports.translation import Composition, Writer

_log = structlog.get_logger(__name__)


AHEAD = 4
"""How many times its concurrency is claimed from the outbox at once: a claim and a settlement are a transaction each, however many they are for."""

LOOK_UP_SECONDS = 1.0
"""How long after a look for uncertain outcomes that found none the next is made. Those of our own are looked up when they are due."""


class Dispatch:
    """Dispatches to one system. `step()` does what can be done now, `settle()` writes what has ended; `drain()` lets what is under way come to its end."""

    def __init__(
        self,
        sink: Sink,
        writer: Writer,
        outbox: Outbox,
        pace: Pace,
        pacing: Pacing,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
        settled: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        """`settled` is called when facts have been recorded, `ended` when there is something to settle."""
        self.system = sink.system
        self._sink = sink
        self.writer = writer
        self._outbox = outbox
        self._pace = pace
        self._pacing = pacing
        self._clock = clock
        self._seconds = seconds
        self._tell_settled = settled
        self._tell_ended = ended
        self._under_way: set[asyncio.Task[None]] = set()
        self._not_begun: dict[asyncio.Task[None], tuple[Sequence[Claimed], int]] = {}
        self.more = False
        """Whether there may be more to send than the last step took: it took as much as it could, or there was no room."""
        self._slots = asyncio.Semaphore(pace.concurrency)
        self._ended: list[Settlement] = []
        self._look_up_at_seconds = -math.inf
        self._own_unknown_seconds: list[float] = []

    async def step(self) -> bool:
        """Settles what has ended, looks up what is uncertain, sends what is due; says whether it did anything."""
        settled = await self.settle()
        self.more = True
        if not self._has_room():
            return settled
        free = self._pace.concurrency * AHEAD - len(self._under_way)
        allowed = min(free, self._pacing.allowance(self._seconds()))
        if allowed <= 0:
            return settled
        if await self._look_up(allowed):
            return True
        sent = await self._send(allowed)
        self.more = self._pace.ordered or sent >= allowed * self._pace.batch
        return sent > 0 or settled

    def _has_room(self) -> bool:
        return len(self._under_way) <= self._pace.concurrency * AHEAD // 2

    async def drain(self, seconds: float | None = None) -> None:
        """Waits for what is under way and settles it. What has not begun after `seconds` is given back, for another worker to send; what has, and does not end,
        is looked up by the next once its lease runs out. Raises TimeoutError for that."""
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while self._under_way:
            left = None if until is None else until - asyncio.get_running_loop().time()
            if left is not None and left <= 0:
                break
            await asyncio.wait(self._under_way, timeout=left)
        if self._under_way:
            await self._give_back()
        await self.settle()
        if self._under_way:
            raise TimeoutError(f"{len(self._under_way)} transmissions have not come to their end")

    async def _give_back(self) -> None:
        given = dict(self._not_begun)
        for task in given:
            task.cancel()
        await asyncio.gather(*given, return_exceptions=True)
        claimed = [c for waiting, _ in given.values() for c in waiting]
        messages = [message for waiting, message in given.values() if not any(c.message for c in waiting)]
        await self._outbox.give_back(claimed, messages, self._clock())

    def health(self) -> tuple[str, dict[str, object]]:
        """The circuit's state, and figures."""
        return self._pacing.breaker, {"under_way": len(self._under_way)}

    async def close(self) -> None:
        """Gives up the connection."""
        await self._sink.close()

    async def settle(self) -> bool:
        """Writes what has become of what has ended; says whether there was any."""
        if not self._ended:
            return False
        ended, self._ended = self._ended, []
        try:
            await self._outbox.settle(
                [s for e in ended for s in e.settled],
                [a for e in ended for a in e.attempts],
                [f for e in ended for f in e.facts],
                self._clock(),
            )
        except BaseException:
            # Kept to be written again; should we die first, the lease runs out and the outcome is looked up.
            self._ended = ended + self._ended
            raise
        self._tell_settled()
        return True

    def _lease(self, now: datetime) -> datetime:
        # Those claimed ahead wait their turn, and each attempt may take its whole time.
        return now + timedelta(seconds=(AHEAD + 1) * self._pace.timeout_seconds + 5)

    async def _look_up(self, limit: int) -> int:
        now, seconds = self._clock(), self._seconds()
        own = self._own_unknown_seconds
        if seconds < self._look_up_at_seconds and not (own and own[0] <= seconds):
            return 0
        while own and own[0] <= seconds:
            heapq.heappop(own)
        self._look_up_at_seconds = seconds + LOOK_UP_SECONDS
        # Each may be asked about and then sent, and waits its turn for both.
        until = now + timedelta(seconds=(2 * AHEAD + 1) * (self._pace.timeout_seconds + 1) + 5)
        uncertain = await self._outbox.uncertain(self.system, limit * self._pace.batch, now, until)
        for transmission, message, claimed in uncertain:
            self._start(self._look_up_one(transmission, message, claimed), claimed, message)
        if uncertain:
            self._look_up_at_seconds = -math.inf  # There may be more than `limit`.
        return len(uncertain)

    async def _send(self, limit: int) -> int:
        now = self._clock()
        async with self._outbox.loading(
            self.system, limit * self._pace.batch, self._pace.ordered, now, self._lease(now)
        ) as loading:
            claimed = loading.claimed
            if not claimed:
                return 0
            deliveries = [c.delivery for c in claimed]
            composition = await self._compose(deliveries, loading, now)
            by_id = {c.delivery.id: c for c in claimed}
            unwritable = [(by_id[id_], reason) for id_, reason in composition.unwritable]
            messages = await loading.load(
                self.system,
                composition.transmissions,
                [
                    Settled(
                        c.lane,
                        c.delivery.id,
                        c.delivery.key,
                        self.system,
                        "refused",
                        f"it cannot be written: {reason}",
                        None,
                        c.delivery.attempt,
                        c.delivery.round,
                    )
                    for c, reason in unwritable
                ],
                [_unwritable(c, reason, now) for c, reason in unwritable],
                now,
            )
        if unwritable:
            self._tell_settled()
        for transmission in composition.transmissions:
            message, going = messages[transmission.name], [by_id[d] for d in transmission.deliveries]
            self._start(self._send_one(transmission, message, going, "send"), going, message)
        return len(claimed)

    async def _compose(self, deliveries: Sequence[Delivery], loading: Loading, now: datetime) -> Composition:
        numbers = await loading.numbers(self.writer.needs(deliveries))
        try:
            made = self.writer.compose(deliveries, numbers, now)
        except Exception as defect:
            # A defect of ours that one of them brings out: alone, it takes no other down.
            _log.exception("writing failed", system=self.system, deliveries=[d.id for d in deliveries])
            if len(deliveries) == 1:
                reason = f"writing it failed: {type(defect).__name__}"
                return Composition(unwritable=((deliveries[0].id, reason),))
            alone = [await self._compose([delivery], loading, now) for delivery in deliveries]
            return Composition(
                transmissions=tuple(t for one in alone for t in one.transmissions),
                unwritable=tuple(u for one in alone for u in one.unwritable),
            )
        told = {d for t in made.transmissions for d in t.deliveries} | {id_ for id_, _ in made.unwritable}
        forgotten = tuple((d.id, "the writer left it out") for d in deliveries if d.id not in told)
        return Composition(transmissions=made.transmissions, unwritable=(*made.unwritable, *forgotten))

    def _start(self, work: Coroutine[Any, Any, None], claimed: Sequence[Claimed], message: int) -> None:
        self._pacing.begin(self._seconds())
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        self._not_begun[task] = (claimed, message)
        task.add_done_callback(self._done)

    def _begun(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._not_begun.pop(task, None)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._not_begun.pop(task, None)
        self._tell_ended()

    async def _try(self, call: Coroutine[Any, Any, Outcome | Absent]) -> Outcome | Absent:
        try:
            # The sink keeps its own time; this one guards against a sink that does not.
            async with asyncio.timeout(self._pace.timeout_seconds + 1):
                return await call
        except TimeoutError:
            return Unknown("no answer in time")
        except Exception as defect:
            _log.exception("sending failed", system=self.system)
            return Unknown(f"sending failed: {type(defect).__name__}")

    async def _send_one(self, transmission: Transmission, message: int, claimed: Sequence[Claimed], kind: str) -> None:
        async with self._slots:
            self._begun()
            started_at = self._clock()
            outcome = await self._try(self._sink.send(transmission))
        assert not isinstance(outcome, Absent)
        self._end(kind, transmission, message, claimed, outcome, started_at)

    async def _look_up_one(self, transmission: Transmission, message: int, claimed: Sequence[Claimed]) -> None:
        async with self._slots:
            self._begun()
            started_at = self._clock()
            found = await self._try(self._sink.look_up(transmission))
        if isinstance(found, Absent) and all(c.withdrawn for c in claimed):
            self._end("look-up", transmission, message, claimed, Later("absent, and no longer owed"), started_at)
        elif isinstance(found, Absent) or (isinstance(found, Unknown) and self._may_resend(found, claimed)):
            await self._send_one(transmission, message, claimed, "send")
        else:
            self._end("look-up", transmission, message, claimed, found, started_at)

    def _may_resend(self, found: Unknown, claimed: Sequence[Claimed]) -> bool:
        """Nobody can tell: it is sent again where that does no harm, or where there is nobody to ask and a person has said so."""
        return self._pace.resend_is_safe or (found.no_look_up and all(c.retried for c in claimed))

    def _end(
        self,
        kind: str,
        transmission: Transmission,
        message: int,
        claimed: Sequence[Claimed],
        outcome: Outcome,
        started_at: datetime,
    ) -> None:
        self._pacing.end(outcome, self._seconds())
        attempt = max(c.delivery.attempt for c in claimed)
        # An acceptance whose answer turns out to be of no use is an unknown outcome, and is looked up as one.
        feared = Unknown("") if isinstance(outcome, Accepted) else outcome
        retry = self._pacing.retry_seconds(attempt, feared)
        self._ended.append(
            settle(
                kind,
                claimed,
                message,
                transmission.control,
                outcome,
                retry,
                self.writer,
                self._pace,
                started_at,
                self._clock(),
            )
        )
        if isinstance(outcome, Unknown) and retry is not None:
            heapq.heappush(self._own_unknown_seconds, self._seconds() + retry)


def _unwritable(claimed: Claimed, reason: str, now: datetime) -> Fact:
    delivery = claimed.delivery
    return Fact(
        key=delivery.key,
        data=EffectRefused(obligation=delivery.id, code="unwritable", reason=reason, round=delivery.round + 1),
        source="crossdock",
        source_id=f"{delivery.id}/unwritable/{now.isoformat()}",
        occurred_at=now,
    )
