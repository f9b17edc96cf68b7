"""Starting declared counterparties as processes, reading their tallies, and stopping them; nothing outlives the `with`
or the parent."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from crossdock.testing import tallies
from crossdock.testing.configs import Config, encode

READY_SECONDS = 60.0
STOP_SECONDS = 8.0


class NotReady(RuntimeError):
    """A counterparty did not come up; the message holds the end of what it wrote on stderr."""


class _Ready(msgspec.Struct):
    ready: bool
    port: int | None = None


class _Process:
    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        declared = folder / f"{config.name}.json"
        declared.write_bytes(encode(config))
        self.log: IO[bytes] = (folder / f"{config.name}.log").open("w+b")
        module = f"crossdock.testing.simulators.{type(config).__name__.lower()}"
        self.popen = subprocess.Popen(
            [sys.executable, "-m", module, "--config", str(declared), "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            # Its own group, so that Ctrl-C at the parent does not stop the counterparties before the hub has finished
            # with them.
            start_new_session=True,
        )

    def ready(self, deadline: float) -> int | None:
        """Wait for the ready line and give the port."""
        out = self.popen.stdout
        assert out is not None
        while time.monotonic() < deadline:
            if select.select([out], [], [], 0.1)[0]:
                line = out.readline()
                if not line:
                    break
                return msgspec.json.decode(line, type=_Ready).port
        raise NotReady(f"{self.config.name} did not come up: {self.complaint()}")

    def complaint(self) -> str:
        """The end of its stderr."""
        self.log.seek(0)
        return self.log.read()[-2000:].decode(errors="replace").strip() or "it said nothing"


class Running:
    """The counterparties that run. Use it as a context manager; `ports` holds the HTTP ones by name."""

    def __init__(
        self, processes: list[_Process], ports: dict[str, int], folder: tempfile.TemporaryDirectory[str]
    ) -> None:
        self._processes = processes
        self._folder = folder
        self.ports = ports

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {process.config.name: process.popen.pid for process in self._processes}

    def url(self, name: str) -> str:
        """The base URL of an HTTP counterparty."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def dead(self) -> dict[str, str]:
        """Who is not running any more, and what it said last."""
        return {p.config.name: p.complaint() for p in self._processes if p.popen.poll() is not None}

    def tally(self) -> dict[str, tallies.Tally]:
        """The tallies as last written (at most a second old; final after `stop`)."""
        return {process.config.name: tallies.read(process.config.tally) for process in self._processes}

    def stop(self) -> None:
        """Ask all to stop, wait, and kill who has not. Doing it again is harmless."""
        for process in self._processes:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes:
            try:
                process.popen.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()
            if process.popen.stdout is not None:
                process.popen.stdout.close()
            process.log.close()
        self._folder.cleanup()

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start(simulators: Sequence[Config], ready_seconds: float = READY_SECONDS) -> Running:
    """Spawn all, wait until each is ready. Raises NotReady, and leaves nothing running, if one is not; ValueError for
    two of one name."""
    names = [config.name for config in simulators]
    if len(set(names)) != len(names):
        raise ValueError(f"two counterparties have the same name: {', '.join(sorted(names))}")
    folder = tempfile.TemporaryDirectory(prefix="counterparties-")
    running = Running([], {}, folder)
    with contextlib.ExitStack() as undo:
        undo.callback(running.stop)
        for config in simulators:
            running._processes.append(_Process(config, Path(folder.name)))
        deadline = time.monotonic() + ready_seconds
        for process in running._processes:
            port = process.ready(deadline)
            if port is not None:
                running.ports[process.config.name] = port
        undo.pop_all()
    return running
