"""Stock: movements into the books beside a plain COPY of the same rows, and promising under mixed load on a catalogue of a million items at sites.

    python -m bench.stock [--movements N] [--batches 1000,5000,10000] [--writers 2] [--catalogue N] [--rate 200] [--seconds 15] [--only moving,asking] [--profile]

Moving: a distributor's mix over 20,000 items at 3 sites, all with stock before it begins (receipts, putaways, allocations, picks, shipments, returns, transfers,
adjustments; one in a hundred told twice), recorded idempotently with balances, gaps and conflicts kept, each batch a durable transaction of its own. COPY: the very rows
that stand then, in batches of the same size, each a durable transaction, into a table with the same columns and primary key and nothing else. By one writer, and by
several processes at once that share the items; the COPY by as many.

Asking: what ATP for an order of 100 lines reads (`StockBooks.supply`) and computes, at a fixed rate, timed from the moment at which it was due, while orders are
being promised and movements recorded: of the rate eight in ten ask, one in ten promises (5 lines), one in ten records (20 movements).
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.cpu import own_cpu_seconds, postgres_cpu_seconds
from bench.machine import machine
from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ledger.legs import USUAL
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.stock import StockBooks
from crossdock.store.stock_moving import COLUMNS

ITEMS = 20_000
SITES = ("EAST", "WEST", "NORTH")
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
MIX: tuple[tuple[Kind, int], ...] = (
    (Kind.RECEIPT, 6),
    (Kind.PUTAWAY, 6),
    (Kind.ALLOCATE, 25),
    (Kind.PICK, 25),
    (Kind.SHIP, 25),
    (Kind.RETURN, 2),
    (Kind.RELEASE, 2),
    (Kind.ADJUST, 5),
    (Kind.TRANSFER_OUT, 2),
    (Kind.TRANSFER_IN, 2),
)
DOUBLED = 0.01
COLUMN_TYPES = "SELECT * FROM movements WITH NO DATA"


def opening(items: int, sites: Sequence[str]) -> list[Movement]:
    """Something in every place of every item at every site."""
    places = (Place.RECEIVING, Place.STORAGE, Place.ALLOCATED, Place.STAGING, Place.TRANSIT, Place.QUARANTINE)
    return [
        Movement(
            source="erp",
            source_id=f"opening-{item:06}-{site}-{place}",
            kind=Kind.ADJUST,
            item=f"ITEM-{item:06}",
            site=site,
            quantity=Decimal(100_000),
            origin=Place.ADJUSTMENT,
            destination=place,
            occurred_at=START - timedelta(days=1),
            reason="opening",
        )
        for item in range(items)
        for site in sites
        for place in places
    ]


def day(seed: int, count: int, source: str, items: int = ITEMS, sites: Sequence[str] = SITES) -> list[Movement]:
    """A warehouse's movements as it tells them, numbered; some of them twice."""
    rng = random.Random(seed)
    kinds = rng.choices([kind for kind, _ in MIX], [weight for _, weight in MIX], k=count)
    told: list[Movement] = []
    for n, kind in enumerate(kinds):
        if told and rng.random() < DOUBLED:
            told.append(told[-1 - rng.randrange(min(len(told), 50))])
            continue
        site = rng.choice(sites)
        origin, destination = USUAL[kind]
        if kind is Kind.ADJUST and rng.random() < 0.5:
            origin, destination = destination, origin
        told.append(
            Movement(
                source=source,
                source_id=f"{source}-{n:09}",
                kind=kind,
                item=f"ITEM-{rng.randrange(items):06}",
                site=site,
                quantity=Decimal(rng.randrange(1, 25)),
                origin=origin,
                destination=destination,
                occurred_at=START + timedelta(milliseconds=40 * n),
                to_site=rng.choice([s for s in sites if s != site]) if kind is Kind.TRANSFER_OUT else "",
                stream="main",
                sequence=n + 1,
                reference=f"SO-{n // 5:08}",
                line=str(n % 5 + 1),
            )
        )
    return told


async def record(database: Database, movements: Sequence[Movement], batch: int) -> float:
    """Seconds for all of them, batch by batch."""
    books = StockBooks(database)
    began = time.perf_counter()
    for at in range(0, len(movements), batch):
        told = await books.record(movements[at : at + batch], START + timedelta(days=1))
        if told.conflicts:
            raise SystemExit(f"the bench refused its own movement: {told.conflicts[0]}")
    return time.perf_counter() - began


async def copy(database: Database, rows: Sequence[Any], batch: int, table: str) -> float:
    """Seconds for a plain COPY of rows, batch by batch."""
    began = time.perf_counter()
    for at in range(0, len(rows), batch):
        async with database.transaction() as connection:
            await connection.copy_records_to_table(table, records=rows[at : at + batch], columns=COLUMNS)
    return time.perf_counter() - began


async def prepare(database: Database) -> None:
    """Full books, and nothing in the caches that the days before would not have left there."""
    await StockBooks(database).record(opening(ITEMS, SITES), START)
    async with database.pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")


async def plain_table(database: Database, name: str) -> None:
    """A table as `movements`, with its primary key only."""
    async with database.pool.acquire() as connection:
        await connection.execute(
            f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} (LIKE movements INCLUDING CONSTRAINTS);"
            f"ALTER TABLE {name} ADD PRIMARY KEY (source, source_id)"
        )


async def writer(url: str, index: int, count: int, batch: int, profile: bool) -> None:
    """One process: waits for a line, records; waits for another, copies what it recorded; says how long each took."""
    database = await connect(url, 2)
    movements = day(index, count, f"wms-{index}-{batch}")
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    profiler = cProfile.Profile() if profile else None
    cpu = time.process_time()
    if profiler:
        profiler.enable()
    seconds = await record(database, movements, batch)
    if profiler:
        profiler.disable()
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(25)
    print(json.dumps({"seconds": seconds, "cpu": time.process_time() - cpu}), flush=True)
    rows = [
        tuple(row)
        for row in await database.pool.fetch(
            f"SELECT {', '.join(COLUMNS)} FROM movements WHERE source = $1 ORDER BY sequence", f"wms-{index}-{batch}"
        )
    ]
    print(json.dumps(len(rows)), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(await copy(database, rows, batch, "plain")), flush=True)
    await database.close()


class Writers:
    """Processes that write at the same time."""

    def __init__(self, url: str, writers: int, count: int, batch: int, profile: bool) -> None:
        command = [
            sys.executable,
            "-m",
            "bench.stock",
            "--url",
            url,
            "--movements",
            str(count),
            "--batches",
            str(batch),
        ]
        self.processes = [
            subprocess.Popen(
                [*command, "--index", str(n), *(["--profile"] if profile else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(writers)
        ]
        self.told()

    def told(self) -> list[str]:
        """What each says next."""
        return [process.stdout.readline() for process in self.processes if process.stdout]

    def go(self) -> float:
        """All at once; seconds until the last has done."""
        began = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        self.last = self.told()
        return time.perf_counter() - began


def moving(server: Embedded, writers: int, count: int, batch: int, profile: bool) -> None:
    """One measurement on the books as they are."""

    async def make_ready() -> None:
        database = await connect(server.url, 1)
        await plain_table(database, "plain")
        await database.pool.execute("CHECKPOINT")
        await database.close()

    asyncio.run(make_ready())
    crew = Writers(server.url, writers, count, batch, profile)
    pids = [process.pid for process in crew.processes]
    own, postgres = own_cpu_seconds(pids), postgres_cpu_seconds(server.pid)
    seconds = crew.go()
    own, postgres = own_cpu_seconds(pids) - own, postgres_cpu_seconds(server.pid) - postgres
    rows = sum(int(line) for line in crew.told())
    copying = crew.go()
    for process in crew.processes:
        process.wait()
    told, plain = count * writers / seconds, rows / copying
    print(
        f"batches of {batch:>6}, {writers} writer{'s' if writers > 1 else ''}: {told:>8,.0f} movements/s told ({rows / seconds:,.0f} new/s), COPY {plain:>8,.0f} rows/s, "
        f"ratio {rows / seconds / plain:.2f}; CPU a movement: ours {1e6 * own / (count * writers):.0f} us, PostgreSQL {1e6 * postgres / (count * writers):.0f} us",
        flush=True,
    )


async def catalogue(database: Database, pairs: int) -> None:
    """So many items at three sites, with stock, a tenth of them with receipts under way; made where they are to stand."""
    items = pairs // 3
    await database.pool.execute(
        """INSERT INTO stock (item, site, receiving, storage, allocated, staging, transit, quarantine, adjustment, changed_at)
           SELECT 'ITEM-' || lpad(i::text, 6, '0'), s, 100000, 1000000, 100000, 100000, 100000, 100000, -1500000, now()
             FROM generate_series(0, $1::int - 1) i, unnest($2::text[]) s""",
        items,
        list(SITES),
        timeout=600,
    )
    await database.pool.execute(
        """INSERT INTO expected_receipts (source, source_id, line, kind, item, site, quantity, due_on)
           SELECT 'erp', 'PO-' || i / 20, i::text, 'purchase-order', 'ITEM-' || lpad(i::text, 6, '0'), 'EAST', 500, current_date + i % 60
             FROM generate_series(0, $1::int - 1, 10) i""",
        items,
        timeout=600,
    )
    async with database.pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE stock, expected_receipts", timeout=600)
        await connection.execute("CHECKPOINT", timeout=600)


def _atp() -> Any:
    """What turns supply into dates: the ledger's own ATP."""
    from crossdock.ledger.atp import atp

    return atp


async def asking(url: str, pairs: int, rate: float, seconds: float) -> None:
    """Mixed load at a fixed rate; prints what the askers waited."""
    database = await connect(url, 12)
    books = StockBooks(database)
    items = pairs // 3
    rng = random.Random(5)
    movements = day(77, int(rate * seconds * 2) + 20, "wms-mixed", items)
    waited: dict[str, list[float]] = {"ask": [], "promise": [], "record": []}
    today = datetime.now(UTC)

    def item() -> str:
        return f"ITEM-{rng.randrange(items):06}"

    async def one(n: int, what: str, due: float) -> None:
        if what == "ask":
            found = await books.supply([(item(), rng.choice(SITES)) for _ in range(100)])
            by_pair: dict[tuple[str, str], list[ExpectedReceipt]] = {}
            for receipt in found.receipts:
                by_pair.setdefault((receipt.item, receipt.site), []).append(receipt)
            for pair, stock in found.stock.items():
                promise_of(stock, by_pair.get(pair, []), date.today())
        elif what == "promise":
            await books.reserve(
                [
                    Demand(key=f"SO-{n}", line=str(line), item=item(), quantity=Decimal(3), sites=SITES, asked_at=today)
                    for line in range(5)
                ],
                today,
            )
        else:
            at = 20 * (n // 10 % (len(movements) // 20))
            await books.record(movements[at : at + 20], today)
        waited[what].append(time.perf_counter() - due)

    for n in range(50):
        await one(10_000_000 + n, ("ask", "promise", "record")[n % 3], time.perf_counter())
    for each in waited.values():
        each.clear()
    began = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    for n in range(int(rate * seconds)):
        due = began + n / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        what = "promise" if n % 10 == 3 else "record" if n % 10 == 7 else "ask"
        tasks.append(asyncio.create_task(one(n, what, due)))
    await asyncio.gather(*tasks)
    for what, each in waited.items():
        each.sort()
        print(
            f"{what:>8}: {len(each):>5} of {rate * seconds:.0f} at {rate:g}/s over {pairs:,} items at sites: "
            f"p50 {1e3 * each[len(each) // 2]:.1f} ms, p99 {1e3 * each[int(len(each) * 0.99)]:.1f} ms, most {1e3 * each[-1]:.1f} ms",
            flush=True,
        )
    await database.close()


def promise_of(
    stock: Any, receipts: Sequence[ExpectedReceipt], today: date
) -> tuple[Decimal, list[tuple[date, Decimal]]]:
    """What can be promised now, and what comes on which day."""
    return stock.available, sorted((max(r.due_on, today), r.quantity - r.received) for r in receipts)


def main() -> None:
    """The command."""
    import uvloop

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--movements", type=int, default=200_000, help="by each writer and size of batch")
    options.add_argument("--batches", default="1000,5000,10000")
    options.add_argument("--writers", type=int, default=2)
    options.add_argument("--catalogue", type=int, default=1_000_000)
    options.add_argument("--rate", type=float, default=200)
    options.add_argument("--seconds", type=float, default=15)
    options.add_argument("--only", default="moving,asking")
    options.add_argument("--profile", action="store_true")
    options.add_argument("--url", default="", help=argparse.SUPPRESS)
    options.add_argument("--index", type=int, default=0, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.url:
        if given.index < 0:
            uvloop.run(asking(given.url, given.catalogue, given.rate, given.seconds))
        else:
            uvloop.run(writer(given.url, given.index, given.movements, int(given.batches), given.profile))
        return
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        try:
            if "moving" in given.only:

                async def fill() -> None:
                    database = await connect(server.url, 2)
                    await prepare(database)
                    await database.close()

                asyncio.run(fill())
                for batch in map(int, given.batches.split(",")):
                    for writers in sorted({1, given.writers}):
                        moving(server, writers, given.movements, batch, given.profile)

                async def proven() -> int:
                    database = await connect(server.url, 2)
                    found = await StockBooks(database).rebuild()
                    await database.close()
                    return len(found)

                print(f"figures that their movements say otherwise: {asyncio.run(proven())}", flush=True)
            if "asking" in given.only:

                async def lay_out() -> None:
                    database = await connect(server.url, 2)
                    await database.pool.execute(
                        "TRUNCATE movements, stock, balances, stock_changed, streams, stream_gaps"
                    )
                    await catalogue(database, given.catalogue)
                    await database.close()

                asyncio.run(lay_out())
                uvloop.run(asking(server.url, given.catalogue, given.rate, given.seconds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
