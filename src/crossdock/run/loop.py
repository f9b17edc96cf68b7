"""One loop of a worker: steps as long as there is something to do, waits for a bell when there is not, and outlives an outage of the database.

Level-triggered: a lost ring costs a fraction of a second, never a message, because every loop also looks by itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)

GATHER_SECONDS = 0.004
LONGEST_GATHER_SECONDS = 0.06
IDLE_SECONDS = 0.05
LONGEST_IDLE_SECONDS = 0.4
LONGEST_TROUBLE_SECONDS = 5.0


class Bell:
    """Rung by whoever has made work for a loop in this process."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """There may be something to do."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Until it is rung, at most `seconds`; says whether it was."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
            return True
        except TimeoutError:
            return False
        finally:
            self._event.clear()


async def keep_going(
    name: str,
    step: Callable[[], Awaitable[bool]],
    bell: Bell,
    stop: asyncio.Event,
    gather_seconds: float = GATHER_SECONDS,
) -> None:
    """Runs `step` until `stop` is set. `step` says whether it did anything. Whatever it raises is logged and tried again after a growing pause:
    a step is a transaction, so nothing of a failed one stands. Between steps it waits `gather_seconds`, or as long as the last step took (up to
    LONGEST_GATHER_SECONDS): the busier it is, the larger the batches, and a commit costs the same for one row as for hundreds."""
    idle = IDLE_SECONDS
    trouble = 0.0
    while not stop.is_set():
        began = time.monotonic()
        try:
            did = await step()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            trouble = min(max(2 * trouble, 0.1), LONGEST_TROUBLE_SECONDS)
            _log.warning(
                "loop failed, trying again", loop=name, error=f"{type(error).__name__}: {error}", pause_seconds=trouble
            )
            await bell.wait(trouble)
            continue
        trouble = 0.0
        if did:
            idle = IDLE_SECONDS
            await asyncio.sleep(min(max(gather_seconds, time.monotonic() - began), LONGEST_GATHER_SECONDS))
        else:
            if await bell.wait(idle):
                await asyncio.sleep(gather_seconds)
            idle = min(idle * 1.5, LONGEST_IDLE_SECONDS)
