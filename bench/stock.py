"""Stock: movements into the books beside a plain COPY of the same rows, and promising under mixed load on a catalogue of a million items at sites.

    python -m bench.stock [--movements N] [--batches 5000] [--writers 2] [--catalogue N] [--rate 200] [--seconds 15] [--only moving,asking] [--profile] [--json]

Moving: a distributor's mix over 20,000 items at 3 sites, all with stock before it begins (receipts, putaways, allocations, picks, shipments, returns, transfers,
adjustments; one in a hundred told twice), recorded idempotently with balances, gaps and conflicts kept, each batch a durable transaction of its own. COPY: the very rows
that stand then, in batches of the same size, each a durable transaction, into a table with the same columns and primary key and nothing else. By one writer, and by
several processes at once that share the items; the COPY by as many.

Asking: what ATP for an order of 100 lines reads (`StockBooks.supply`) and computes (`flow.promising`), at a fixed rate, timed from the moment at which it was due, while
orders are being promised and movements recorded: of the rate eight in ten ask, one in ten promises (5 lines), one in ten records (20 movements). And an order of 5,000
lines on the same catalogue, promised in one transaction.
"""

import asyncio
import cProfile
import json
import pstats
import random
import subprocess
import sys
import tempfile
import time
from argparse import SUPPRESS
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.cpu import own_cpu_seconds, postgres_cpu_seconds
from bench.figures import Figure, ends_when_told, options, told
from crossdock.flow.promising import by_item, promisable
from crossdock.ledger.demand import Demand
from crossdock.ledger.legs import USUAL
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ports.stock import Supply
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
LINES = 5000
"""Of the large order."""


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
    heard: list[Movement] = []
    for n, kind in enumerate(kinds):
        if heard and rng.random() < DOUBLED:
            heard.append(heard[-1 - rng.randrange(min(len(heard), 50))])
            continue
        site = rng.choice(sites)
        origin, destination = USUAL[kind]
        if kind is Kind.ADJUST and rng.random() < 0.5:
            origin, destination = destination, origin
        heard.append(
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
    return heard


async def record(database: Database, movements: Sequence[Movement], batch: int) -> float:
    """Seconds for all of them, batch by batch."""
    books = StockBooks(database)
    began = time.perf_counter()
    for at in range(0, len(movements), batch):
        moved = await books.record(movements[at : at + batch], START + timedelta(days=1))
        if moved.conflicts:
            raise SystemExit(f"the bench refused its own movement: {moved.conflicts[0]}")
    return time.perf_counter() - began


async def copy(database: Database, rows: Sequence[Any], batch: int, table: str) -> float:
    """Seconds for a plain COPY of rows, batch by batch."""
    began = time.perf_counter()
    for at in range(0, len(rows), batch):
        async with database.transaction() as connection:
            await connection.copy_records_to_table(table, records=rows[at : at + batch], columns=COLUMNS)
    return time.perf_counter() - began


async def prepare(database: Database, items: int = ITEMS) -> None:
    """Full books, and nothing in the caches that the days before would not have left there."""
    await StockBooks(database).record(opening(items, SITES), START)
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


async def writer(url: str, index: int, count: int, batch: int, items: int, profile: bool) -> None:
    """One process: waits for a line, records; waits for another, copies what it recorded; says how long each took."""
    database = await connect(url, 2)
    source = f"wms-{index}-{batch}"
    movements = day(index, count, source, items)
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
            f"SELECT {', '.join(COLUMNS)} FROM movements WHERE source = $1 ORDER BY sequence", source
        )
    ]
    print(json.dumps(len(rows)), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(await copy(database, rows, batch, "plain")), flush=True)
    # Its backends live until their processor time has been read.
    await asyncio.to_thread(sys.stdin.readline)
    await database.close()


class Writers:
    """Processes that write at the same time."""

    def __init__(self, url: str, writers: range, count: int, batch: int, items: int, profile: bool) -> None:
        numbers = {"--movements": count, "--batches": batch, "--items": items}
        command = [sys.executable, "-m", "bench.stock", "--url", url, *(["--profile"] if profile else [])]
        for name, number in numbers.items():
            command += [name, str(number)]
        self.processes = [
            subprocess.Popen([*command, "--index", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for n in writers
        ]
        self.told()

    def told(self) -> list[str]:
        """What each says next."""
        return [process.stdout.readline() for process in self.processes if process.stdout]

    def go(self, postmaster: int) -> tuple[float, float, float]:
        """All at once; seconds until the last has done, and processor seconds of theirs and of PostgreSQL's."""
        pids = [process.pid for process in self.processes]
        own, postgres = own_cpu_seconds(pids), postgres_cpu_seconds(postmaster)
        began = time.perf_counter()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        self.told()
        seconds = time.perf_counter() - began
        return seconds, own_cpu_seconds(pids) - own, postgres_cpu_seconds(postmaster) - postgres

    def end(self) -> None:
        """Lets them end."""
        for process in self.processes:
            process.communicate("\n")


def moving(server: Embedded, writers: range, count: int, batch: int, items: int, profile: bool) -> list[Figure]:
    """One measurement on the books as they are; each of `writers` is a source of its own."""

    async def make_ready() -> None:
        database = await connect(server.url, 1)
        await plain_table(database, "plain")
        await database.pool.execute("CHECKPOINT")
        await database.close()

    asyncio.run(make_ready())
    crew = Writers(server.url, writers, count, batch, items, profile)
    seconds, own, postgres = crew.go(server.pid)
    rows = sum(int(line) for line in crew.told())
    copying, own_copying, postgres_copying = crew.go(server.pid)
    crew.end()
    plain = rows / copying
    spent, spent_copying = (own + postgres) / rows, (own_copying + postgres_copying) / rows
    who = f"{len(writers)} writer{'s' if len(writers) > 1 else ''}, batches of {batch:,}"
    return [
        Figure(
            name=f"movements recorded, {who}",
            value=rows / seconds,
            unit="/s",
            ratio=rows / seconds / plain,
            against="COPY",
            aim="0.25 of COPY, 20,000/s",
            note=f"COPY {plain:,.0f} rows/s; {count * len(writers):,} told, {rows:,} new",
        ),
        Figure(
            name="processor time a movement",
            value=1e6 * spent,
            unit="us",
            ratio=spent_copying / spent,
            against="COPY's",
            note=f"ours {1e6 * own / rows:.0f}, PostgreSQL {1e6 * postgres / rows:.0f}; COPY {1e6 * spent_copying:.0f}",
        ),
    ]


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


def dates(found: Supply, today: date) -> list[date | None]:
    """When three more of each item can be promised: ATP over 180 days."""
    each = by_item(found).items()
    return [promisable(item, of_item, None, today).promise_date(Decimal(3)) for item, of_item in each]


async def asking(server: Embedded, pairs: int, rate: float, seconds: float) -> list[Figure]:
    """Mixed load at a fixed rate, and what those who asked, promised and recorded waited; then one large order."""
    database = await connect(server.url, 12)
    books = StockBooks(database)
    items = pairs // len(SITES)
    rng = random.Random(5)
    movements = day(77, int(rate * seconds * 2) + 20, "wms-mixed", items)
    waited: dict[str, list[float]] = {"ask": [], "promise": [], "record": []}
    now = datetime.now(UTC)

    def item() -> str:
        return f"ITEM-{rng.randrange(items):06}"

    def order(key: str, lines: int) -> list[Demand]:
        return [
            Demand(key=key, line=str(line), item=item(), quantity=Decimal(3), sites=SITES, asked_at=now)
            for line in range(lines)
        ]

    async def one(n: int, what: str, due: float) -> None:
        if what == "ask":
            dates(await books.supply([(item(), rng.choice(SITES)) for _ in range(100)]), now.date())
        elif what == "promise":
            await books.reserve(order(f"SO-{n}", 5), now)
        else:
            at = 20 * (n // 10 % (len(movements) // 20))
            await books.record(movements[at : at + 20], now)
        waited[what].append(time.perf_counter() - due)

    for n in range(50):
        await one(10_000_000 + n, ("ask", "promise", "record")[n % 3], time.perf_counter())
    for each in waited.values():
        each.clear()
    own, postgres = time.process_time(), postgres_cpu_seconds(server.pid)
    began = time.perf_counter()
    tasks: list[asyncio.Task[None]] = []
    for n in range(int(rate * seconds)):
        due = began + n / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        what = "promise" if n % 10 == 3 else "record" if n % 10 == 7 else "ask"
        tasks.append(asyncio.create_task(one(n, what, due)))
    await asyncio.gather(*tasks)
    own, postgres = time.process_time() - own, postgres_cpu_seconds(server.pid) - postgres
    figures = [
        figure
        for what, name in (
            ("ask", "ATP of a 100-line order"),
            ("promise", "an order of 5 lines promised"),
            ("record", "20 movements recorded"),
        )
        for figure in _waits(name, sorted(waited[what]), f"at {rate:g}/s of mixed load, {pairs:,} items at sites")
    ]
    cost = 1e3 * (own + postgres) / (rate * seconds)
    note = f"ours {1e3 * own / (rate * seconds):.1f}, PostgreSQL {1e3 * postgres / (rate * seconds):.1f}"
    figures.append(Figure(name="processor time a request", value=cost, unit="ms", note=note))
    began = time.perf_counter()
    promises = await books.reserve(order("SO-LARGE", LINES), now)
    took = time.perf_counter() - began
    if any(promise.backordered for promise in promises):
        raise SystemExit("the large order was not promised in full")
    figures.append(Figure(name=f"an order of {LINES:,} lines promised", value=took, unit="s", note="one transaction"))
    await database.close()
    return figures


def _waits(name: str, waited: Sequence[float], note: str) -> list[Figure]:
    middle, last = waited[len(waited) // 2], waited[int(len(waited) * 0.99)]
    aim = "below 20" if name.startswith("ATP") else ""
    return [
        Figure(name=f"{name}, p50", value=1e3 * middle, unit="ms", note=note),
        Figure(name=f"{name}, p99", value=1e3 * last, unit="ms", aim=aim),
    ]


def all_moving(server: Embedded, given: Any) -> list[Figure]:
    """Every size of batch, by one writer and by several; then the proof that balances are the sum of the movements."""

    async def fill() -> None:
        database = await connect(server.url, 2)
        await prepare(database, given.items)
        await database.close()

    async def wrong() -> int:
        database = await connect(server.url, 2)
        found = await StockBooks(database).rebuild()
        await database.close()
        return len(found)

    asyncio.run(fill())
    figures: list[Figure] = []
    first = 0
    for batch in map(int, given.batches.split(",")):
        for writers in sorted({1, given.writers}):
            crew = range(first, first + writers)
            figures += moving(server, crew, given.movements, batch, given.items, given.profile)
            first += writers
    figures.append(
        Figure(name="figures that their movements say otherwise", value=asyncio.run(wrong()), unit="", aim="0")
    )
    return figures


def all_asking(server: Embedded, given: Any) -> list[Figure]:
    """A catalogue made anew, and the load on it."""
    import uvloop

    async def lay_out() -> None:
        database = await connect(server.url, 2)
        await database.pool.execute("TRUNCATE movements, stock, balances, stock_changed, streams, stream_gaps")
        await catalogue(database, given.catalogue)
        await database.close()

    asyncio.run(lay_out())
    return uvloop.run(asking(server, given.catalogue, given.rate, given.seconds))


def main() -> None:
    """The command."""
    import uvloop

    parser = options(__doc__)
    parser.add_argument("--movements", type=int, default=100_000, help="by each writer and size of batch")
    parser.add_argument("--batches", default="5000", help="sizes, with commas between")
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--items", type=int, default=ITEMS, help="that movements are about")
    parser.add_argument("--catalogue", type=int, default=1_000_000, help="items at sites that are asked for")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--only", default="moving,asking")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--url", default="", help=SUPPRESS)
    parser.add_argument("--index", type=int, default=0, help=SUPPRESS)
    given = parser.parse_args()
    if given.url:
        uvloop.run(writer(given.url, given.index, given.movements, int(given.batches), given.items, given.profile))
        return
    ends_when_told()
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        try:
            if "moving" in given.only:
                told(all_moving(server, given), "Movements into the books", as_json=given.json)
            if "asking" in given.only:
                told(all_asking(server, given), "Promising under load", as_json=given.json)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
