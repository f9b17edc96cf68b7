"""Keeps processes going: starts workers, starts them again when they die, stops them when asked. Whoever supervises holds no state worth keeping."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

import structlog

_log = structlog.get_logger(__name__)

STOP_SECONDS = 40.0
LONGEST_PAUSE_SECONDS = 10.0
HEALTHY_SECONDS = 30.0
LOOK_SECONDS = 0.25


class Supervised:
    """One process that is to run for ever."""

    def __init__(self, name: str, command: Sequence[str], environ: dict[str, str]) -> None:
        self.name = name
        self._command = list(command)
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = 0.0
        self._again_at = 0.0

    def look(self, now: float) -> None:
        """Starts the process if it does not run; one that keeps dying is started with a growing pause."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            self._pause = (
                0.0 if now - self._started > HEALTHY_SECONDS else min(max(2 * self._pause, 0.25), LONGEST_PAUSE_SECONDS)
            )
            self._again_at = now + self._pause
            _log.warning("worker ended, starting it again", worker=self.name, code=code, pause_seconds=self._pause)
        if now >= self._again_at:
            self._started = now
            self._process = subprocess.Popen(self._command, env=self._environ)

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ask_to_stop(self) -> None:
        """SIGTERM: it finishes what is under way."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, until: float) -> None:
        """Waits for its end; kills it at `until`."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("worker did not stop in time, killing it", worker=self.name)
            self._process.kill()
            self._process.wait()


async def supervise(processes: Sequence[Supervised], stop: asyncio.Event, look: Callable[[], None]) -> None:
    """Keeps `processes` going until `stop`; `look` is called at each round, for what else is to be kept alive. Then stops them, gracefully first."""
    while not stop.is_set():
        look()
        for process in processes:
            process.look(time.monotonic())
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
    for process in processes:
        process.ask_to_stop()
    until = time.monotonic() + STOP_SECONDS
    for process in processes:
        await asyncio.to_thread(process.wait, until)
