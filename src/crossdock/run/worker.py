"""A worker: all the loops of the flow in one process. More workers on more machines need no coordination but PostgreSQL."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from crossdock.flow.announce import announce_once, announce_stock_once
from crossdock.flow.dispatch import Dispatch
from crossdock.flow.fold import VersionNotRead, fold_once, wake_once
from crossdock.flow.following import Followed
from crossdock.flow.interpret import interpret_once, match_once
from crossdock.flow.notify import Notify
from crossdock.flow.offering import Selling
from crossdock.flow.publish import hear_once, publish_once
from crossdock.flow.receive import receive
from crossdock.policy import Agreements
from crossdock.ports.channels import Feeds
from crossdock.ports.events import Announcements
from crossdock.ports.inbound import Source
from crossdock.ports.log import Inbox, Log, Outbox
from crossdock.ports.stock import Plans
from crossdock.ports.translation import Reader
from crossdock.run.collecting import collect_seldom
from crossdock.run.loop import Bell, keep_going

_log = structlog.get_logger(__name__)

WAKE_SECONDS = 1.0
HEALTH_SECONDS = 2.0
SOURCES_SECONDS = 2.0
PLAN_SECONDS = 0.5
PLANNED_AT_ONCE = 200
RECONCILE_SECONDS = 2.0
STOCK_SECONDS = 5.0
DRAIN_SECONDS = 30.0
LISTEN_AGAIN_SECONDS = 2.0
ANNOUNCE_GATHER_SECONDS = 0.1
"""How long facts are gathered before they are announced: nobody waits for an event as for an answer, and a batch costs less than its facts one by one."""

SETTLE_GATHER_SECONDS = 0.01
"""How long what has ended is gathered before it is written: a write is for many, and nothing that a partner waits for waits for it."""


class Listener(Protocol):
    """A door that sources of a worker share, such as the port for webhooks."""

    async def start(self) -> None:
        """Returns when it is open. Raises OSError or RuntimeError when it cannot be."""

    async def stop(self) -> None:
        """Closes it."""


class Worker:
    """Runs until `stop` is set, then lets what is under way come to its end. Everything it needs is handed in; `wiring` makes one."""

    def __init__(
        self,
        inbox: Inbox,
        log: Log,
        outbox: Outbox,
        readers: Mapping[str, Reader],
        sources: Sequence[Source],
        agreements: Agreements,
        clock: Callable[[], datetime],
        listen: Callable[[], Listener] | None = None,
        learn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._listen = listen
        self._learn = learn
        self._inbox = inbox
        self._log = log
        self._outbox = outbox
        self._readers = readers
        self._sources = sources
        self._agreements = agreements
        self._clock = clock
        self.dispatches: list[Dispatch] = []
        self._feeds: Feeds | None = None
        self._sellings: Sequence[Selling] = ()
        self._plans: Plans | None = None
        self._reconcile: Callable[[], Awaitable[int]] | None = None
        self._announcements: Announcements | None = None
        self._followed = Followed()
        self._notify: Notify | None = None
        self.folded = Bell()
        self.announced = Bell()
        self.posted = Bell()
        self.stored = Bell()
        self.recorded = Bell()
        self.queued: dict[str, Bell] = {}
        self.ended: dict[str, Bell] = {}
        self.stop = asyncio.Event()

    def dispatch_to(self, system: str, make: Callable[[Callable[[], None], Callable[[], None]], Dispatch]) -> None:
        """Adds a system to send to. `make` is given what its dispatch calls when it has settled something, and when something has ended."""
        self.queued[system] = Bell()
        bell = self.ended[system] = Bell()
        self.dispatches.append(make(self.recorded.ring, bell.ring))

    def publish_to(self, feeds: Feeds, sellings: Sequence[Selling]) -> None:
        """Has this worker tell channels of stock."""
        self._feeds, self._sellings = feeds, sellings

    def plan_with(self, plans: Plans) -> None:
        """Has this worker plan promises anew when stock has moved or a reservation has expired."""
        self._plans = plans

    def reconcile_by(self, reconcile: Callable[[], Awaitable[int]]) -> None:
        """Has this worker hold snapshots of stock that are due against the books; `reconcile` says how many it compared."""
        self._reconcile = reconcile

    def announce_to(self, announcements: Announcements) -> None:
        """Has this worker announce events."""
        self._announcements = announcements

    def notify_by(self, make: Callable[[Callable[[], None]], Notify]) -> None:
        """Has this worker send webhooks. `make` is given what is called when an attempt has ended."""
        self._notify = make(self.posted.ring)

    async def run(self) -> None:
        """Runs all loops. Raises what a loop could not survive (a defect), after the others have been stopped."""
        collect_seldom()
        receiving = [
            asyncio.create_task(self._receive(source), name=f"receive {source.channel}") for source in self._sources
        ]
        listening = asyncio.create_task(self._keep_listening(), name="listen")
        loops = [
            asyncio.create_task(keep_going("interpret", self._interpret, self.stored, self.stop), name="interpret"),
            asyncio.create_task(keep_going("match", self._match, Bell(), self.stop), name="match"),
            asyncio.create_task(keep_going("fold", self._fold, self.recorded, self.stop), name="fold"),
            asyncio.create_task(self._every(WAKE_SECONDS, "wake", self._wake), name="wake"),
            asyncio.create_task(self._every(HEALTH_SECONDS, "health", self._health), name="health"),
            *(
                asyncio.create_task(self._dispatch(dispatch), name=f"dispatch {dispatch.system}")
                for dispatch in self.dispatches
            ),
        ]
        if self._feeds is not None and self._sellings:
            publish = keep_going("publish", self._publish, Bell(), self.stop)
            loops.append(asyncio.create_task(publish, name="publish"))
            loops.append(asyncio.create_task(self._every(SOURCES_SECONDS, "sources", self._hear), name="sources"))
        if self._plans is not None:
            loops.append(asyncio.create_task(self._every(PLAN_SECONDS, "plan", self._plan), name="plan"))
        if self._reconcile is not None:
            compare = self._every(RECONCILE_SECONDS, "reconcile", self._compare)
            loops.append(asyncio.create_task(compare, name="reconcile"))
        if self._announcements is not None:
            announce = keep_going("announce", self._announce, self.folded, self.stop, ANNOUNCE_GATHER_SECONDS)
            loops.append(asyncio.create_task(announce, name="announce"))
            loops.append(asyncio.create_task(self._announce_stock(self._announcements), name="announce stock"))
        if self._notify is not None:
            loops.append(asyncio.create_task(self._send_webhooks(self._notify), name="notify"))
        await self.stop.wait()
        for source in self._sources:
            await source.close()
        await listening
        await asyncio.gather(*receiving, return_exceptions=True)
        await asyncio.gather(*loops)

    def end(self) -> None:
        """Asks every loop to come to its end."""
        self.stop.set()
        others = (self.folded, self.announced, self.posted)
        for bell in (self.stored, self.recorded, *others, *self.queued.values(), *self.ended.values()):
            bell.ring()

    async def _keep_listening(self) -> None:
        if self._listen is None:
            return
        while not self.stop.is_set():
            try:
                door = self._listen()
                await door.start()
            except (OSError, RuntimeError) as error:
                _log.warning("cannot listen, trying again", error=f"{type(error).__name__}: {error}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), LISTEN_AGAIN_SECONDS)
                continue
            await self.stop.wait()
            await door.stop()

    async def _receive(self, source: Source) -> None:
        while not self.stop.is_set():
            try:
                await receive(source, self._inbox, self._clock, self.stored.ring)
                return
            except Exception as error:
                _log.warning(
                    "receiving failed, trying again", channel=source.channel, error=f"{type(error).__name__}: {error}"
                )
                await asyncio.sleep(0.5)

    async def _interpret(self) -> bool:
        did = await interpret_once(self._inbox, self._readers, self._clock())
        if did:
            self.recorded.ring()
        return bool(did)

    async def _match(self) -> bool:
        did = await match_once(self._inbox, self._clock())
        if did:
            self.recorded.ring()
        return bool(did)

    async def _publish(self) -> bool:
        assert self._feeds is not None
        did = await publish_once(self._feeds, self._sellings, self._clock())
        if did:
            self.recorded.ring()
        return bool(did)

    async def _hear(self) -> bool:
        assert self._feeds is not None
        if await hear_once(self._feeds, self._sellings, self._clock()):
            self.recorded.ring()
        return False

    async def _fold(self) -> bool:
        return await self._knowing(lambda: fold_once(self._log, self._agreements, self._clock()))

    async def _wake(self) -> bool:
        return await self._knowing(lambda: wake_once(self._log, self._agreements, self._clock()))

    async def _knowing(self, step: Callable[[], Awaitable[int]]) -> bool:
        """A step that may meet an order taken under a version of the workspace that another process knew first: it is read, and the step done again."""
        try:
            did = await step()
        except VersionNotRead:
            if self._learn is None:
                raise
            await self._learn()
            did = await step()
        if did:
            self._ring_queued()
        return bool(did)

    async def _plan(self) -> bool:
        assert self._plans is not None
        did = await self._plans.replan(PLANNED_AT_ONCE, self._clock()) + await self._plans.expire(self._clock())
        if did:
            self.recorded.ring()
        return bool(did)

    async def _compare(self) -> bool:
        assert self._reconcile is not None
        did = await self._reconcile()
        if did:
            self.recorded.ring()
        return bool(did)

    async def _announce(self) -> bool:
        announcements = self._announcements
        assert announcements is not None
        did = await self._knowing(
            lambda: announce_once(announcements, self._agreements, self._clock(), followed=self._followed)
        )
        if did:
            self.announced.ring()
        return did

    async def _announce_stock(self, announcements: Announcements) -> None:
        """Compares all of stock with what was told of it, now and then: as seldom as it takes to spend no more than a fiftieth of the time on it."""
        took = 0.0

        async def step() -> bool:
            nonlocal took
            began = time.monotonic()
            did = await announce_stock_once(announcements, self._clock())
            took = time.monotonic() - began
            return bool(did)

        while not self.stop.is_set():
            await self._every(max(STOCK_SECONDS, 50 * took), "announce stock", step, once=True)

    async def _send_webhooks(self, notify: Notify) -> None:
        await asyncio.gather(
            keep_going("notify", notify.step, self.announced, self.stop),
            keep_going("settle webhooks", notify.settle, self.posted, self.stop, SETTLE_GATHER_SECONDS),
        )
        try:
            await notify.drain(DRAIN_SECONDS)
        except Exception as error:
            _log.warning("stopped with webhooks under way", error=f"{type(error).__name__}: {error}")
        await notify.close()

    def _ring_queued(self) -> None:
        self.folded.ring()
        for bell in self.queued.values():
            bell.ring()

    async def _dispatch(self, dispatch: Dispatch) -> None:
        name, queued = dispatch.system, self.queued[dispatch.system]

        async def step() -> bool:
            return await dispatch.step() and dispatch.more

        async def settle() -> bool:
            did = await dispatch.settle()
            if did and dispatch.more:
                queued.ring()
            return did

        await asyncio.gather(
            keep_going(f"dispatch {name}", step, queued, self.stop),
            keep_going(f"settle {name}", settle, self.ended[name], self.stop, SETTLE_GATHER_SECONDS),
        )
        try:
            await dispatch.drain(DRAIN_SECONDS)
        except Exception as error:
            # What could not be settled is looked up by the next worker once its lease runs out.
            _log.warning(
                "stopped with transmissions under way", system=dispatch.system, error=f"{type(error).__name__}: {error}"
            )
        await dispatch.close()

    async def _every(self, seconds: float, name: str, step: Callable[[], Awaitable[bool]], once: bool = False) -> None:
        while not self.stop.is_set():
            try:
                while await step():  # noqa: ASYNC110 - the steps are the work, not a wait
                    await asyncio.sleep(0)
            except Exception as error:
                _log.warning("loop failed, trying again", loop=name, error=f"{type(error).__name__}: {error}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), seconds)
            if once:
                return

    async def _health(self) -> bool:
        for dispatch in self.dispatches:
            await self._outbox.health(dispatch.system, *dispatch.health(), self._clock())
        return False
