"""Whole order-to-cash runs a second: 850 in, 855, 940, 856 and 810 out, 945 and 997s in, ERP and tax asked, on the embedded PostgreSQL with fsync on.

    python -m bench.road [--orders N] [--workers W] [--per-interchange K] [--profile PATH] [--without-events]

A run ends when every order's milestone is complete: every obligation met, each 997 in. Before it is timed, the workers take some orders to warm up: what each
process does once (a guide's patterns are compiled, statements prepared, connections opened; about a second) is not in the figures. Processor time is counted
for the workers and for PostgreSQL alike; on a machine that is busy with other work it says more than the clock does.
"""

import argparse
import asyncio
import cProfile
import csv
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import psutil

from bench.loopback import Answers, LoopbackPartner, LoopbackService, erp_answer, tax_answer
from bench.machine import machine
from crossdock.flow.dispatch import Dispatch
from crossdock.ports.inbound import Arrival, Source
from crossdock.ports.outbound import Transmission
from crossdock.run.pacing import SystemPacing
from crossdock.run.worker import Worker
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded
from crossdock.store.events import EventFeed
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.versions import WorkspaceVersions
from crossdock.testing.configs import CatalogueItem, Identity
from crossdock.testing.simulators.orders import orders
from crossdock.wiring import AgreementBook, KeptVersions, Systems, WaitingWork, clock
from crossdock.workspace import load
from crossdock.workspace.apply import apply
from crossdock.workspace.plan import plan

SECRETS = dict.fromkeys(("ERP_TOKEN", "TAX_API_KEY", "ERP_WEBHOOK_SECRET", "SHOP_TOKEN"), "bench")
"""No counterparty asks for them: the sinks are exchanged."""

WORKSPACE = Path(__file__).parent.parent / "examples" / "wholesaler"


def catalogue() -> tuple[CatalogueItem, ...]:
    """What the retailer of the example workspace may buy, at the agreed prices."""

    def rows(name: str) -> list[dict[str, str]]:
        with (WORKSPACE / name).open() as file:
            return list(csv.DictReader(file))

    prices = {row["item"]: row["price"] for row in rows("prices.csv") if row["list"] == "acme-2026"}
    own = {row["item"]: row["id"] for row in rows("item-references.csv") if row["partner"] == "acme"}
    return tuple(
        CatalogueItem(buyer_item=own[row["item"]], upc=row["gtin"], price=prices[row["item"]])
        for row in rows("items.csv")
    )


def without_stock(root: Path) -> Path:
    """The example's workspace below `root` as it is where another system keeps stock: no books of stock, nothing to tell channels."""
    workspace = root / "workspace"
    shutil.copytree(WORKSPACE, workspace, ignore=shutil.ignore_patterns("mailboxes", ".crossdock", "channels"))
    configuration = workspace / "crossdock.toml"
    configuration.write_text(configuration.read_text().split("\n[stock]\n")[0])
    warehouse = workspace / "partners" / "quick3pl.toml"
    warehouse.write_text(warehouse.read_text().split("\n[movements]\n")[0])
    return workspace


async def set_up(url: str, workspace: Path) -> None:
    """A fresh schema with the bench's workspace in force."""
    database = await connect(url, 2)
    await apply(
        plan(None, load(workspace, {**os.environ, **SECRETS})),
        KeptVersions(database),
        WaitingWork(database),
        who="bench",
    )
    await database.close()


async def work(url: str, index: int, workspace: Path, sources: Sequence[Source] = (), events: bool = True) -> None:
    """One worker with counterparties of its own; `sources` where messages are not stored by another process. events: announces what happened, as every worker does."""
    database = await connect(url, 12)
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    assert book.current is not None
    systems = Systems(book.current, {**os.environ, **SECRETS}, workspace)
    outbox, inbox = DeliveryOutbox(database), MessageInbox(database)
    worker = Worker(inbox, FactLog(database), outbox, systems.readers(), sources, book, clock)
    if events:
        worker.announce_to(EventFeed(database))
    answers = Answers(inbox, worker.stored.ring, f"answer-{index}")
    numbers = itertools.count(100_000_000 * (index + 1))

    def sent(transmission: Transmission) -> None:
        """Nothing to note."""

    sinks = {
        "acme": LoopbackPartner("acme", answers, Identity(), numbers, False, sent),
        "quick3pl": LoopbackPartner("quick3pl", answers, Identity(id="QUICK3PL"), numbers, True, sent),
        "erp": LoopbackService("erp", erp_answer, sent),
        "tax": LoopbackService("tax", tax_answer, sent),
    }
    for real, writer, pace in systems.sinks(1):
        await real.close()
        sink = sinks.get(real.system)
        if sink is None:
            continue

        def make(settled, ended, sink=sink, writer=writer, pace=pace):  # type: ignore[no-untyped-def]
            return Dispatch(
                sink,
                writer,
                outbox,
                pace,
                SystemPacing(pace, lambda: 0.5, time.monotonic()),
                clock,
                time.monotonic,
                settled,
                ended,
            )

        worker.dispatch_to(sink.system, make)
    answering = asyncio.create_task(answers.run())
    running = asyncio.create_task(worker.run())
    await asyncio.to_thread(sys.stdin.readline)
    worker.end()
    await running
    answering.cancel()
    await database.close()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}), flush=True)


async def drive(
    url: str, count: int, lines: int, per_interchange: int, limit: float = 600, first: int = 1, before: int = 0
) -> float:
    """Stores `count` purchase orders from number `first` on as a receiver would and waits until all are complete, beside the `before` that were; returns seconds."""
    database = await connect(url, 4)
    inbox, lookup = MessageInbox(database), Lookup(database)
    made = list(
        orders(
            7,
            count,
            lines,
            per_interchange=per_interchange,
            first_po=first,
            first_control_number=first,
            items=catalogue(),
            day=date.today(),
        )
    )
    began = time.monotonic()
    for at in range(0, len(made), 200):
        batch = [
            Arrival(channel="acme", source_id=f"in-{n}", data=data)
            for n, data in enumerate(made[at : at + 200], first + at)
        ]
        await inbox.keep(batch, datetime.now(UTC))
    while True:
        await asyncio.sleep(0.1)
        done = await database.pool.fetchval(
            "SELECT count(*) FROM processes WHERE process = 'order_to_cash' AND milestone = 'complete'"
        )
        if done >= before + count:
            break
        if time.monotonic() - began > limit:
            print(json.dumps(await lookup.counts(datetime.now(UTC)), default=str, indent=1))
            raise SystemExit("the run did not come to its end")
    seconds = time.monotonic() - began
    await database.close()
    return seconds


def own_cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes have spent."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(t.user + t.system for t in times))


def postgres_cpu_seconds(postmaster: int) -> float:
    """Processor time that a PostgreSQL has spent, its ended backends included."""
    process = psutil.Process(postmaster)
    ended = process.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for each in (process, *process.children(recursive=True)):
        try:
            total += own_cpu_seconds([each.pid])
        except psutil.NoSuchProcess:
            continue
    return total


WARM_UP_ORDERS = 100


def run(
    count: int, lines: int, workers: int, per_interchange: int, profile: str = "", events: bool = True
) -> dict[str, float]:
    """One measured run on a fresh database."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        workspace = without_stock(Path(folder))
        asyncio.run(set_up(server.url, workspace))
        processes = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "bench.road",
                    "--work",
                    server.url,
                    "--index",
                    str(n),
                    "--workspace",
                    str(workspace),
                    *("--profile", profile),
                    *(() if events else ("--without-events",)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(workers)
        ]
        time.sleep(1.5)
        limit = float(os.environ.get("BENCH_LIMIT", "600"))
        warm = WARM_UP_ORDERS * workers
        asyncio.run(drive(server.url, warm, lines, per_interchange, limit, 1_000_001))
        pids = [process.pid for process in processes]
        own, postgres = own_cpu_seconds(pids), postgres_cpu_seconds(server.pid)
        seconds = asyncio.run(drive(server.url, count, lines, per_interchange, limit, 1, warm))
        own, postgres = own_cpu_seconds(pids) - own, postgres_cpu_seconds(server.pid) - postgres
        told = [json.loads(process.communicate("\n")[0].splitlines()[-1]) for process in processes]
        server.stop()
    return {
        "orders_per_second": count / seconds,
        "seconds": seconds,
        "worker_cpu_ms_per_order": 1000 * own / count,
        "postgres_cpu_ms_per_order": 1000 * postgres / count,
        "worker_peak_mb": max(t["peak_mb"] for t in told),
    }


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--orders", type=int, default=3000)
    options.add_argument("--lines", type=int, default=5)
    options.add_argument("--workers", type=int, default=0, help="0: with 1 and with 2")
    options.add_argument("--per-interchange", type=int, default=20)
    options.add_argument("--profile", default="")
    options.add_argument("--work", default="")
    options.add_argument("--index", type=int, default=0)
    options.add_argument("--workspace", type=Path)
    options.add_argument("--without-events", action="store_true", help="to see what announcing events costs")
    given = options.parse_args()
    if given.work:
        import uvloop

        profile = cProfile.Profile() if given.profile else None
        if profile:
            profile.enable()
        uvloop.run(work(given.work, given.index, given.workspace, events=not given.without_events))
        if profile:
            profile.disable()
            profile.dump_stats(f"{given.profile}.{given.index}")
        return
    print(machine())
    for workers in [given.workers] if given.workers else [1, 2]:
        result = run(given.orders, given.lines, workers, given.per_interchange, given.profile, not given.without_events)
        print(
            f"{workers} worker(s): {result['orders_per_second']:.0f} orders/s ({given.orders} orders of {given.lines} lines, "
            f"{given.per_interchange} to an interchange, {result['seconds']:.1f} s); "
            f"worker CPU {result['worker_cpu_ms_per_order']:.2f} ms, PostgreSQL CPU {result['postgres_cpu_ms_per_order']:.2f} ms an order; "
            f"worker peak {result['worker_peak_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
