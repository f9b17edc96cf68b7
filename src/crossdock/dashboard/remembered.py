"""A figure of the whole installation that pages show and that costs the more the more is open: worked out for all who look, and remembered for as long as it was dear.

What costs little is worked out for whoever asks. What costs more takes at most one part in `SHARE` of the time: a page shows what there is, at most `TOO_OLD_SECONDS`
old, while the next is being made.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

CHEAP_SECONDS = 0.02
SHARE = 20
PATIENCE_SECONDS = 0.05
"""A page waits so long for a newer figure before it shows the one that there is."""
TOO_OLD_SECONDS = 60.0


class Remembered(Generic[T]):
    """One figure of one server. `work` works it out; `told` is what pages ask."""

    def __init__(self, work: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._clock = clock
        self._kept: tuple[float, float, T] | None = None
        self._making: asyncio.Task[T] | None = None

    async def told(self) -> T:
        """The figure. Raises what working it out raised, where it was waited for."""
        if self._kept is None:
            return await asyncio.shield(self._make())
        at, took, value = self._kept
        age = self._clock() - at
        if took >= CHEAP_SECONDS and age < SHARE * took:
            return value
        making = self._make()
        if took < CHEAP_SECONDS or age >= TOO_OLD_SECONDS:
            return await asyncio.shield(making)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(making), PATIENCE_SECONDS)
        return value

    def _make(self) -> "asyncio.Task[T]":
        """What is under way already began before this was asked; where figures are cheap nobody may be told of before he asked."""
        cheap = self._kept is not None and self._kept[1] < CHEAP_SECONDS
        if self._making is None or self._making.done() or cheap:
            self._making = asyncio.create_task(self._made(), name="work out a figure")
            self._making.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._making

    async def _made(self) -> T:
        began = self._clock()
        value = await self._work()
        ended = self._clock()
        self._kept = (ended, ended - began, value)
        return value
