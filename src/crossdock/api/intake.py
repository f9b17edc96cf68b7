"""What is submitted by the API on its way to the fold: kept as a message, read to facts, folded, and only then answered.

The server does this itself in batches, with the very verbs that a worker runs (`flow.interpret`, `flow.fold`); where a worker is at it already, it
waits for the worker's commit. Each message and each lane is one process's at a time, so it happens once whoever does it. A submission that was kept
when the server died is taken up by a worker, or by whoever submits it again.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import structlog

from crossdock.flow.fold import VersionNotRead, fold_once
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.run.loop import Bell
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.orders import Orders

if TYPE_CHECKING:
    from crossdock.api.hub import Hub

GATHER_SECONDS = 0.01
"""How long submissions are gathered before they are kept together: the statements of a batch cost the same for one as for fifty. Longer than this, what is saved is
less than what is waited."""

FOLDED_A_LANE = 50
"""Facts of a lane that are folded in one go: few, because answers wait meanwhile. Where more is behind, it is a worker's, or the next step's."""

PROMISES_AT_MOST = 4
"""Folds at most behind the first until those who wait are told how far it has come."""

LOOK_SECONDS = 0.03
"""How often we look whether a worker has done what we wait for."""

TROUBLE_SECONDS = 0.5

_log = structlog.get_logger(__name__)


class Taken(msgspec.Struct, frozen=True):
    """What became of a submission so far. message: its number. held: why it could not be read, "" where it could. folded: its fact is in the state."""

    message: int
    held: str
    folded: bool


class _Waiting:
    __slots__ = ("arrival", "done", "kept", "key")

    def __init__(self, arrival: Arrival, key: str, done: "asyncio.Future[Taken]") -> None:
        self.arrival, self.key, self.done, self.kept = arrival, key, done, False


class Intake:
    """One server's. `take` is the only way in."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._orders = Orders(hub.database)
        self._bell = Bell()
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begins to work."""
        self._working = asyncio.create_task(self._work(), name="intake")

    async def close(self) -> None:
        """Ends what is under way."""
        if self._working is not None:
            self._working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._working

    async def take(self, arrival: Arrival, key: str = "") -> Taken:
        """Returns when `arrival` has been read and, where it tells a fact of process `key` under its own id, folded. Raises what keeping it raised."""
        done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        one = _Waiting(arrival, key, done)
        self._waiting.append(one)
        self._bell.ring()
        try:
            return await done
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(one)

    async def _work(self) -> None:
        while True:
            await self._bell.wait(1.0 if not self._waiting else LOOK_SECONDS)
            if not self._waiting:
                continue
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self._step()
            except Exception as error:
                _log.warning("intake failed, trying again", error=f"{type(error).__name__}: {error}")
                for one in [each for each in self._waiting if not each.kept]:
                    self._fail(one, error)
                await asyncio.sleep(TROUBLE_SECONDS)

    def _fail(self, one: _Waiting, error: Exception) -> None:
        """What has not been kept is the caller's again."""
        self._waiting.remove(one)
        if not one.done.done():
            one.done.set_exception(error)

    async def _step(self) -> None:
        hub, systems = self._hub, self._hub.systems
        inbox = hub.watch.inbox(MessageInbox(hub.database, systems.stock_terms()))
        fresh = [one for one in self._waiting if not one.kept]
        if fresh:
            await inbox.keep([one.arrival for one in fresh], hub.clock())
            for one in fresh:
                one.kept = True
        waiting = [one for one in self._waiting if one.kept]
        await interpret_once(inbox, hub.readers, hub.clock())
        log = hub.watch.log(FactLog(hub.database, systems.planning()))
        try:
            did = await fold_once(log, hub.book, hub.clock(), per_lane=FOLDED_A_LANE)
        except VersionNotRead:
            await hub.book.learn()
            did = await fold_once(log, hub.book, hub.clock(), per_lane=FOLDED_A_LANE)
        for _ in range(PROMISES_AT_MOST if hub.loaded.stock is not None else 0):
            # What the books of stock promise is told to the order by facts of its own. Under load there is always more to fold: then it is the next step's.
            did = did and await fold_once(log, hub.book, hub.clock(), per_lane=FOLDED_A_LANE)
        await self._tell(waiting)

    async def _tell(self, waiting: Sequence[_Waiting]) -> None:
        """Tells those whose turn has come."""
        rows = await self._orders.so_far([(one.arrival.channel, one.arrival.source_id, one.key) for one in waiting])
        for row in rows:
            one = waiting[row["n"]]
            if row["status"] == "stored" or (row["status"] == "read" and one.key and not row["folded"]):
                continue
            if not one.done.done():
                held = row["note"] if row["status"] == "held" else ""
                one.done.set_result(Taken(row["id"], held, bool(row["folded"])))
