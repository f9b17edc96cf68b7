"""The ground that benchmarks of the running product stand on: an embedded PostgreSQL of their own with fsync on, the example workspace, and the road's workers."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import psutil

from bench import road
from crossdock.facts import lane_of
from crossdock.ports.inbound import Arrival
from crossdock.store.database import LANES, Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.inbox import MessageInbox
from crossdock.testing.simulators.orders import orders

STARTING_SECONDS = 1.5
POLL_SECONDS = 0.1


class Load(msgspec.Struct, frozen=True):
    """A load that has come through. cpu_seconds: of the workers and of PostgreSQL, as far as they still lived at its end."""

    orders: int
    facts: int
    seconds: float
    cpu_seconds: float


class Ground:
    """Use it as a context manager; leaving stops everything."""

    def __enter__(self) -> "Ground":
        self._undo = contextlib.ExitStack()
        with contextlib.ExitStack() as undo:
            folder = Path(
                undo.enter_context(tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True))
            )
            folder.chmod(0o755)
            self.server = Embedded(folder)
            undo.callback(self.server.stop)
            self.url = self.server.url
            self.workspace = road.without_stock(folder)
            asyncio.run(road.set_up(self.url, self.workspace))
            self._undo = undo.pop_all()
        self._started = 0
        self._next_order = 1
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @contextlib.contextmanager
    def workers(
        self, count: int = 1, command: Sequence[str] = ("bench.road",)
    ) -> Iterator[list[subprocess.Popen[str]]]:
        """Workers with counterparties of their own, ready to work. Their control numbers never repeat on this ground."""
        running: list[subprocess.Popen[str]] = []
        try:
            for _ in range(count):
                running.append(
                    subprocess.Popen(
                        [
                            *(sys.executable, "-m", *command, "--work", self.url),
                            *("--index", str(self._started), "--workspace", str(self.workspace)),
                        ],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                self._started += 1
            time.sleep(STARTING_SECONDS)
            yield running
        finally:
            for each in running:
                try:
                    each.communicate("\n", timeout=30)
                except (subprocess.TimeoutExpired, ValueError, OSError):
                    each.kill()
                    each.wait()

    def load(
        self, count: int, running: Sequence[subprocess.Popen[str]], limit_seconds: float, per_interchange: int = 20
    ) -> Load:
        """Stores `count` orders of five lines at once, as a receiver would, and waits until all are complete. Raises TimeoutError."""
        first = self._next_order
        self._next_order += count
        return asyncio.run(self._load(first, count, running, limit_seconds, per_interchange))

    async def _load(
        self,
        first: int,
        count: int,
        running: Sequence[subprocess.Popen[str]],
        limit_seconds: float,
        per_interchange: int,
    ) -> Load:
        made = list(
            orders(
                7,
                count,
                5,
                per_interchange=per_interchange,
                first_po=first,
                first_control_number=first,
                items=road.catalogue(),
                day=date.today(),
            )
        )
        database = await connect(self.url, 4)
        try:
            inbox = MessageInbox(database)
            facts = await heads(database)
            pids = [each.pid for each in running]
            spent = self._cpu_seconds(pids)
            began = time.monotonic()
            for at in range(0, len(made), 200):
                named = enumerate(made[at : at + 200], first + at)
                await inbox.keep(
                    [Arrival(channel="acme", source_id=f"in-{n}", data=data) for n, data in named],
                    datetime.now(UTC),
                )
            keys = [f"ACME-PO{n}" for n in range(first, first + count)]
            await all_complete(database, keys, limit_seconds)
            seconds = time.monotonic() - began
            return Load(count, await heads(database) - facts, seconds, self._cpu_seconds(pids) - spent)
        finally:
            await database.close()

    def _cpu_seconds(self, pids: Sequence[int]) -> float:
        total = 0.0
        for pid in pids:
            total += _own(psutil.Process(pid))
        postmaster = psutil.Process(self.server.pid)
        for each in (postmaster, *postmaster.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += _own(each)
        return total


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def heads(database: Database) -> int:
    """Facts in the log."""
    return int(await database.pool.fetchval("SELECT sum(head) FROM lanes"))


async def all_complete(database: Database, keys: Sequence[str], limit_seconds: float) -> None:
    """Waits until every one of these orders is complete; asks by key, which costs the same whatever the size of the log."""
    lanes = [lane_of(key, LANES) for key in keys]
    until = time.monotonic() + limit_seconds
    while True:
        left = await database.pool.fetchval(
            "SELECT count(*) FROM unnest($1::int[], $2::text[]) AS wanted (lane, key) LEFT JOIN processes p USING (lane, key)"
            " WHERE p.milestone IS DISTINCT FROM 'complete'",
            lanes,
            list(keys),
        )
        if not left:
            return
        if time.monotonic() > until:
            raise TimeoutError(f"{left} of {len(keys)} orders are not complete after {limit_seconds:g} s")
        await asyncio.sleep(POLL_SECONDS)


def told(running: subprocess.Popen[str]) -> dict[str, float]:
    """Ends a worker and gives what it says of itself."""
    said, _ = running.communicate("\n", timeout=60)
    answer: dict[str, float] = json.loads(said.splitlines()[-1])
    return answer
