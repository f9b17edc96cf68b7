"""Has the key figures caught up: by and by while a server runs (`keeping`), and behind a page, since whoever looks at figures wants those of now."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from crossdock.api.hub import Hub
from crossdock.store.figures import Figures

PATIENCE_SECONDS = 0.15
"""A page waits so long for the last facts to be counted, and says what is left."""

EVERY_SECONDS = 10.0

_log = structlog.get_logger(__name__)
_running: WeakKeyDictionary[Hub, asyncio.Task[None]] = WeakKeyDictionary()


async def measured(hub: Hub) -> int:
    """Begins to count what has not been counted and waits a moment for it; returns how many facts are left."""
    figures = Figures(hub.database)
    left = await figures.ahead()
    if not left:
        return 0
    task = _running.get(hub)
    if task is None or task.done():
        task = _running[hub] = asyncio.create_task(_measure(figures), name="measure")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), PATIENCE_SECONDS)
    return await figures.ahead()


async def _measure(figures: Figures) -> None:
    try:
        while await figures.measure():  # noqa: ASYNC110 - the steps are the work, not a wait
            await asyncio.sleep(0)
    except Exception as error:
        _log.warning("figures cannot be measured, the next page tries again", error=f"{type(error).__name__}: {error}")


def keeping(hub: Hub) -> Callable[[Any], AbstractAsyncContextManager[None]]:
    """A lifespan for Litestar: measures every ten seconds what is ahead, so that nobody waits for a month of facts. Of several servers one does it at a time."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        async def keep() -> None:
            figures = Figures(hub.database)
            while True:
                await _measure(figures)
                await asyncio.sleep(EVERY_SECONDS)

        task = asyncio.create_task(keep(), name="keep measuring")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return lifespan
