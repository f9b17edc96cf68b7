"""A counterparty as a process: `--config`, the ready line, the tally file, a clean stop on SIGTERM, and no life after
the parent's death."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from crossdock.testing import tallies
from crossdock.testing.configs import Config, decode

TALLY_SECONDS = 0.5
GRACE_SECONDS = 5.0

C = TypeVar("C")


class Life:
    """What a simulator needs of its process: the stop event, `ready`, and the tally that is written while it lives."""

    def __init__(self, tally: tallies.Tally, path: Path) -> None:
        self.tally = tally
        self.path = path
        self.stop = asyncio.Event()
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the process began to live."""
        return time.monotonic() - self.began

    def ready(self, port: int | None = None) -> None:
        """Print the one line on stdout and write the first tally."""
        tallies.write(self.tally, self.path)
        print(msgspec.json.encode({"ready": True, "port": port}).decode(), flush=True)

    async def wait(self, seconds: float) -> bool:
        """Sleep, or until the stop; true when it is time to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), seconds)
        return self.stop.is_set()

    async def keep_tally(self) -> None:
        """Write the tally until the stop, and once after it."""
        last = b""
        while True:
            stopping = await self.wait(TALLY_SECONDS)
            now = msgspec.json.encode(self.tally)
            if now != last:
                tallies.write(self.tally, self.path)
                last = now
            if stopping:
                return


def run(
    kind: type[C], begin: Callable[[C], tuple[tallies.Tally, Path]], live: Callable[[C, Life], Awaitable[None]]
) -> None:
    """Main of every simulator. `live` runs until `life.stop` is set and leaves nothing open."""
    parser = argparse.ArgumentParser(description="A simulated counterparty of Crossdock, for demos and tests.")
    parser.add_argument("--config", type=Path, required=True, help="JSON of the declared counterparty")
    parser.add_argument("--parent", type=int, default=0, help="stop when this process is gone")
    arguments = parser.parse_args()
    config: Config = decode(arguments.config.read_bytes())
    if not isinstance(config, kind):
        parser.error(
            f"{arguments.config} declares a {type(config).__name__.lower()}, this is the {kind.__name__.lower()}"
        )
    tally, path = begin(config)
    path.parent.mkdir(parents=True, exist_ok=True)
    asyncio.run(_main(config, live, tally, path, arguments.parent))
    # The web server's threads may still be there, and abort the process when they find the interpreter taken down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _main(
    config: C, live: Callable[[C, Life], Awaitable[None]], tally: tallies.Tally, path: Path, parent: int
) -> None:
    life = Life(tally, path)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, life.stop.set)
    if parent:
        threading.Thread(target=_watch, args=(parent, loop, life.stop), daemon=True).start()
    keeper = asyncio.create_task(life.keep_tally())
    try:
        await live(config, life)
    finally:
        life.stop.set()
        await keeper


def _watch(parent: int, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Polled, not PR_SET_PDEATHSIG, which Linux sends when the *thread* that started us ends."""
    while os.getppid() == parent:
        time.sleep(0.2)
    loop.call_soon_threadsafe(stop.set)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
