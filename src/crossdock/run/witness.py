"""Witnesses of the flow: the rooms that a worker is handed are wrapped, and each batch that has been committed is told to whoever watches (traces, figures, log).

Where nobody watches nothing is wrapped, and the flow is as fast as if this module did not exist. A witness that fails is logged and disturbs nothing.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, cast

import msgspec
import structlog

from crossdock.events import Event
from crossdock.facts import Fact
from crossdock.ports.events import Announcements, Announcing, Attempted, Webhooks
from crossdock.ports.events import Settlement as WebhookSettlement
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import (
    Attempt,
    Claimed,
    Folded,
    Inbox,
    Lanes,
    Loading,
    Log,
    Marked,
    Outbox,
    Settled,
    Sheaf,
    Stored,
)
from crossdock.ports.outbound import Found, Outcome, Sink, Transmission, Unknown
from crossdock.ports.tracing import TraceContext
from crossdock.ports.translation import Message

_log = structlog.get_logger(__name__)

Origins = Callable[[Sequence[int], Sequence[str]], Awaitable[Mapping[str, TraceContext]]]
"""Lanes and keys to the place in a caller's trace that each process began at, of those that began at one."""


class Took(msgspec.Struct, frozen=True, gc=False):
    """When something began and ended, in nanoseconds since 1970."""

    began_ns: int
    ended_ns: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_ns - self.began_ns) / 1e9


class Witness:
    """Is told what has been committed. Each method does nothing here; a witness overrides what it wants to know."""

    def received(self, arrivals: Sequence[Arrival], new: int, took: Took) -> None:
        """Messages were stored, `new` of them for the first time."""

    def interpreted(
        self, messages: Sequence[Message], facts: Sequence[Fact], marks: Sequence[Marked], written: Took, took: Took
    ) -> None:
        """Messages were read. facts: what they told; written: when those were recorded."""

    def folded(self, facts: Sequence[Fact], before: Mapping[str, Stored], folded: Sequence[Folded], took: Took) -> None:
        """Facts, or the clock alone, changed processes; `before`: those that there were."""

    def loaded(
        self,
        system: str,
        claimed: Sequence[Claimed],
        origins: Mapping[str, TraceContext],
        took: Took,
        looked_up: bool,
    ) -> None:
        """Deliveries were claimed and written down, to be sent or, where `looked_up`, to be asked about."""

    def outgoing(self, system: str, transmission: Transmission) -> Transmission:
        """What is about to be sent, perhaps with a header more."""
        return transmission

    def tried(self, system: str, kind: str, transmission: Transmission, outcome: Outcome | Found, took: Took) -> None:
        """A transmission was sent (`send`) or asked about (`look-up`)."""

    def settled(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], took: Took
    ) -> None:
        """What became of deliveries was written, with the facts that tell of it."""

    def announced(self, events: Sequence[Event], took: Took) -> None:
        """Events were announced, some of them for the first time."""

    def calling(self, attempted: Attempted, headers: dict[str, str]) -> None:
        """A webhook is about to be called; `headers` may be added to."""

    def called(self, settlements: Sequence[WebhookSettlement], took: Took) -> None:
        """What became of calls was written."""


class _Wrapped:
    """Hands on what it does not watch."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Watch:
    """Wraps rooms for `witnesses`. origins: where a caller's own trace is to be gone on with."""

    def __init__(
        self, witnesses: Sequence[Witness], origins: Origins | None = None, clock_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.witnesses = witnesses
        self.origins = origins
        self.clock_ns = clock_ns

    def inbox(self, inbox: Inbox) -> Inbox:
        """`inbox`, watched."""
        return cast(Inbox, _WatchedInbox(inbox, self)) if self.witnesses else inbox

    def log(self, log: Log) -> Log:
        """`log`, watched."""
        return cast(Log, _WatchedLog(log, self)) if self.witnesses else log

    def outbox(self, outbox: Outbox) -> Outbox:
        """`outbox`, watched."""
        return cast(Outbox, _WatchedOutbox(outbox, self)) if self.witnesses else outbox

    def sink(self, sink: Sink) -> Sink:
        """`sink`, watched."""
        return cast(Sink, _WatchedSink(sink, self)) if self.witnesses else sink

    def announcements(self, announcements: Announcements) -> Announcements:
        """`announcements`, watched."""
        return cast(Announcements, _WatchedAnnouncements(announcements, self)) if self.witnesses else announcements

    def webhooks(self, webhooks: Webhooks) -> Webhooks:
        """`webhooks`, watched."""
        return cast(Webhooks, _WatchedWebhooks(webhooks, self)) if self.witnesses else webhooks

    def calling(self, attempted: Attempted) -> Mapping[str, str]:
        """Headers that a call of a webhook is to have besides its own."""
        headers: dict[str, str] = {}
        self.tell(lambda witness: witness.calling(attempted, headers))
        return headers

    def tell(self, tell: Callable[[Witness], None]) -> None:
        """Tells every witness."""
        for witness in self.witnesses:
            try:
                tell(witness)
            except Exception:
                _log.exception("a witness failed", witness=type(witness).__name__)

    async def origins_of(self, claimed: Sequence[Claimed]) -> Mapping[str, TraceContext]:
        """Where these began, as far as it can be found out; no delivery waits for it to succeed."""
        if self.origins is None or not claimed:
            return {}
        keys = {c.delivery.key: c.lane for c in claimed}
        try:
            return await self.origins(list(keys.values()), list(keys))
        except Exception as error:
            _log.warning("callers' traces cannot be read", error=f"{type(error).__name__}: {error}")
            return {}


class _WatchedInbox(_Wrapped):
    def __init__(self, inner: Inbox, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    async def keep(self, arrivals: Sequence[Arrival], now: datetime) -> int:
        began = self._watch.clock_ns()
        new: int = await self._inner.keep(arrivals, now)
        took = Took(began, self._watch.clock_ns())
        self._watch.tell(lambda witness: witness.received(arrivals, new, took))
        return new

    @asynccontextmanager
    async def reading(self, limit: int) -> AsyncIterator[Sheaf]:
        began = self._watch.clock_ns()
        async with self._inner.reading(limit) as sheaf:
            watched = _WatchedSheaf(sheaf, self._watch.clock_ns)
            yield cast(Sheaf, watched)
        if not watched.messages:
            return
        took = Took(began, self._watch.clock_ns())
        written = watched.written or took
        self._watch.tell(lambda w: w.interpreted(watched.messages, watched.facts, watched.marks, written, took))


class _WatchedSheaf(_Wrapped):
    def __init__(self, inner: Sheaf, clock_ns: Callable[[], int]) -> None:
        super().__init__(inner)
        self._clock_ns = clock_ns
        self.messages = inner.messages
        self.facts: list[Fact] = []
        self.marks: Sequence[Marked] = ()
        self.written: Took | None = None

    async def keep(self, facts: Sequence[Fact], names: Sequence[tuple[str, str, str]], now: datetime) -> int:
        self.facts.extend(facts)
        kept: int = await self._inner.keep(facts, names, now)
        return kept

    async def finish(
        self, facts: Sequence[Fact], names: Any, unmatched: Any, marks: Sequence[Marked], now: datetime
    ) -> int:
        began = self._clock_ns()
        self.facts.extend(facts)
        self.marks = marks
        kept: int = await self._inner.finish(facts, names, unmatched, marks, now)
        self.written = Took(began, self._clock_ns())
        return kept


class _WatchedLog(_Wrapped):
    def __init__(self, inner: Log, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    def claim(self, lanes: int, per_lane: int) -> AbstractAsyncContextManager[Lanes]:
        return self._claimed(self._inner.claim(lanes, per_lane))

    def claim_waking(self, limit: int, now: datetime) -> AbstractAsyncContextManager[Lanes]:
        return self._claimed(self._inner.claim_waking(limit, now))

    @asynccontextmanager
    async def _claimed(self, claim: AbstractAsyncContextManager[Lanes]) -> AsyncIterator[Lanes]:
        began = self._watch.clock_ns()
        async with claim as lanes:
            watched = _WatchedLanes(lanes)
            yield cast(Lanes, watched)
        if watched.folded:
            took = Took(began, self._watch.clock_ns())
            self._watch.tell(lambda w: w.folded(lanes.facts, lanes.processes, watched.folded, took))


class _WatchedLanes(_Wrapped):
    def __init__(self, inner: Lanes) -> None:
        super().__init__(inner)
        self.folded: list[Folded] = []

    async def save(self, folded: Sequence[Folded], now: datetime) -> None:
        await self._inner.save(folded, now)
        self.folded.extend(folded)


class _WatchedOutbox(_Wrapped):
    def __init__(self, inner: Outbox, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    @asynccontextmanager
    async def loading(
        self, system: str, limit: int, ordered: bool, now: datetime, lease_until: datetime
    ) -> AsyncIterator[Loading]:
        began = self._watch.clock_ns()
        async with self._inner.loading(system, limit, ordered, now, lease_until) as loading:
            yield loading
        await self._tell_loaded(system, loading.claimed, began, False)

    async def uncertain(
        self, system: str, limit: int, now: datetime, lease_until: datetime
    ) -> Sequence[tuple[Transmission, int, Sequence[Claimed]]]:
        began = self._watch.clock_ns()
        found: Sequence[tuple[Transmission, int, Sequence[Claimed]]]
        found = await self._inner.uncertain(system, limit, now, lease_until)
        await self._tell_loaded(system, [c for _, _, claimed in found for c in claimed], began, True)
        return found

    async def _tell_loaded(self, system: str, claimed: Sequence[Claimed], began: int, looked_up: bool) -> None:
        if claimed:
            took = Took(began, self._watch.clock_ns())
            origins = await self._watch.origins_of(claimed)
            self._watch.tell(lambda witness: witness.loaded(system, claimed, origins, took, looked_up))

    async def settle(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], now: datetime
    ) -> None:
        began = self._watch.clock_ns()
        await self._inner.settle(settled, attempts, facts, now)
        took = Took(began, self._watch.clock_ns())
        self._watch.tell(lambda witness: witness.settled(settled, attempts, facts, took))


class _WatchedSink(_Wrapped):
    def __init__(self, inner: Sink, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    async def send(self, transmission: Transmission) -> Outcome:
        going = [transmission]

        def hand_on(witness: Witness) -> None:
            going.append(witness.outgoing(self._inner.system, going[-1]))

        self._watch.tell(hand_on)
        return cast(Outcome, await self._try("send", going[-1], self._inner.send))

    async def look_up(self, transmission: Transmission) -> Found:
        return cast(Found, await self._try("look-up", transmission, self._inner.look_up))

    async def _try(
        self, kind: str, transmission: Transmission, call: Callable[[Transmission], Awaitable[Outcome | Found]]
    ) -> Outcome | Found:
        began = self._watch.clock_ns()
        outcome: Outcome | Found = Unknown("it was broken off")
        try:
            outcome = await call(transmission)
        finally:
            took = Took(began, self._watch.clock_ns())
            self._watch.tell(lambda witness: witness.tried(self._inner.system, kind, transmission, outcome, took))
        return outcome


class _WatchedAnnouncements(_Wrapped):
    def __init__(self, inner: Announcements, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    @asynccontextmanager
    async def announcing(self) -> AsyncIterator[Announcing | None]:
        began = self._watch.clock_ns()
        watched = None
        async with self._inner.announcing() as held:
            if held is not None:
                watched = _WatchedAnnouncing(held)
            yield cast(Announcing | None, watched)
        if watched is not None and watched.new:
            took = Took(began, self._watch.clock_ns())
            events = watched.events
            self._watch.tell(lambda witness: witness.announced(events, took))


class _WatchedAnnouncing(_Wrapped):
    def __init__(self, inner: Announcing) -> None:
        super().__init__(inner)
        self.events: list[Event] = []
        self.new = 0

    async def save(self, events: Sequence[Event], now: datetime, *told: Any, **more: Any) -> int:
        new: int = await self._inner.save(events, now, *told, **more)
        self.events.extend(events)
        self.new += new
        return new


class _WatchedWebhooks(_Wrapped):
    def __init__(self, inner: Webhooks, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    async def settle(self, settlements: Sequence[WebhookSettlement], now: datetime) -> None:
        began = self._watch.clock_ns()
        await self._inner.settle(settlements, now)
        took = Took(began, self._watch.clock_ns())
        self._watch.tell(lambda witness: witness.called(settlements, took))
