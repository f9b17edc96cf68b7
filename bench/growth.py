"""Facts recorded and folded a second as the log grows: the same load on a log of 0.1, of 1 and with `--full` of 5 million facts.

    python -m bench.growth [--full] [--orders N] [--sizes 100000,1000000]

The log is filled with copies of orders that were really run to their end on this database: facts, processes, obligations, names and deliveries, with
keys and digests of their own, in the lanes and positions in which the real ones would stand. Raw messages and attempts are left out of the copies.
Then fresh orders go the whole road on top. Ratios are the largest log to the smallest, by the clock and by processor time, workers' and PostgreSQL's.
"""

import asyncio
import time
from collections.abc import Sequence

import asyncpg

from bench.figures import Figure, ends_when_told, options, told
from bench.ground import Ground, Load, heads
from bench.machine import machine
from crossdock.store.database import connect

SEED_ORDERS = 200
SIZES = (100_000, 1_000_000)
FULL = (*SIZES, 5_000_000)
AT_ONCE = 100
"""Copies of the seed in one statement."""

_OWN = "|| '-' || c"
_SHIFT = "+ b.head + (c - $3) * h.head"
COPIED = {
    "facts": {
        "position": f"s.position {_SHIFT}",
        "digest": "md5(s.digest::text || c)::uuid",
        "key": f"s.key {_OWN}",
        "source_id": f"s.source_id {_OWN}",
    },
    "processes": {
        "key": f"s.key {_OWN}",
        "positions": f"(SELECT array_agg(p {_SHIFT}) FROM unnest(s.positions) p)",
        "wake_at": "NULL",
    },
    "obligations": {"id": f"s.id {_OWN}", "key": f"s.key {_OWN}"},
    "names": {"value": f"s.value {_OWN}", "key": f"s.key {_OWN}"},
    "deliveries": {"id": f"s.id {_OWN}", "key": f"s.key {_OWN}"},
}
"""The columns of a copy that differ from the original's. c: the copy's number, of which this filling's first is $3; b.head: where the log ended before."""


async def set_aside(database: asyncpg.Pool) -> None:
    """Keeps what the first orders have left, to be copied."""
    for table in (*COPIED, "lanes"):
        await database.execute(f"CREATE TABLE seed_{table} AS SELECT * FROM {table}")


async def fill(database: asyncpg.Pool, size: int, first: int) -> int:
    """Copies what was set aside until the log holds about `size` facts. first: number of the first copy. Returns the next number."""
    per_copy, there = await database.fetchrow(
        "SELECT (SELECT sum(head) FROM seed_lanes)::bigint, (SELECT sum(head) FROM lanes)::bigint"
    )
    last = first + max(0, round((size - there) / per_copy)) - 1
    await database.execute("DROP TABLE IF EXISTS filled_behind")
    await database.execute("CREATE TABLE filled_behind AS SELECT lane, head FROM lanes")
    for table, changed in COPIED.items():
        columns = await database.fetch(
            "SELECT column_name AS name FROM information_schema.columns"
            " WHERE table_name = $1 AND table_schema = current_schema() AND is_identity = 'NO'"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            table,
        )
        names = [row["name"] for row in columns]
        values = ", ".join(changed.get(name, f"s.{name}") for name in names)
        statement = (
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM seed_{table} s JOIN seed_lanes h USING (lane)"
            " JOIN filled_behind b USING (lane), generate_series($1::int, $2::int) c WHERE $3::int > 0"
        )
        for at in range(first, last + 1, AT_ONCE):
            async with database.acquire() as connection, connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit = off")
                await connection.execute(statement, at, min(at + AT_ONCE - 1, last), first, timeout=300)
    await database.execute(
        "UPDATE lanes l SET head = l.head + $1::bigint * s.head FROM seed_lanes s WHERE s.lane = l.lane",
        last - first + 1,
    )
    await database.execute("UPDATE cursors c SET position = l.head FROM lanes l WHERE l.lane = c.lane")
    await database.execute("VACUUM ANALYZE", timeout=300)
    await database.execute("CHECKPOINT", timeout=300)
    return last + 1


async def _prepare(url: str, size: int, first: int) -> tuple[int, int, float, int]:
    """Fills the log; the next copy's number, facts in it, seconds that it took, and bytes of the database."""
    began = time.monotonic()
    database = await connect(url, 2)
    try:
        if first == 1:
            await set_aside(database.pool)
        following = await fill(database.pool, size, first)
        size_bytes = await database.pool.fetchval("SELECT pg_database_size(current_database())")
        return following, await heads(database), time.monotonic() - began, size_bytes
    finally:
        await database.close()


def measure(sizes: Sequence[int], count: int) -> list[Figure]:
    """The load of `count` orders on a log of each size."""
    loads: list[tuple[int, Load, str]] = []
    with Ground() as ground:
        with ground.workers() as running:
            ground.load(SEED_ORDERS, running, 120)
        following = 1
        for size in sizes:
            following, there, seconds, size_bytes = asyncio.run(_prepare(ground.url, size, following))
            note = f"database of {size_bytes / 1e9:.1f} GB, filled in {seconds:.0f} s"
            with ground.workers() as running:
                loads.append((there, ground.load(count, running, 180), note))
    figures = []
    _, least, _ = loads[0]
    for there, load, note in loads:
        rate = load.facts / load.seconds
        cost = 1e6 * load.cpu_seconds / load.facts
        log = f"log of {there / 1e6:.2g} million facts"
        figures += [
            Figure(
                name=f"{log}: recorded and folded",
                value=rate,
                unit="facts/s",
                ratio=rate / (least.facts / least.seconds),
                against="the smallest",
                aim="flat: 1",
                note=f"{load.facts} facts of {load.orders} orders; {note}",
            ),
            Figure(
                name=f"{log}: processor time, worker and PostgreSQL",
                value=cost,
                unit="us/fact",
                ratio=cost / (1e6 * least.cpu_seconds / least.facts),
                against="the smallest",
                aim="flat: 1",
            ),
        ]
    return figures


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument(
        "--full", action="store_true", help="up to 5 million facts: some minutes more, and some 15 GB of disk"
    )
    parser.add_argument("--sizes", default="", help="facts in the log, with commas between")
    parser.add_argument("--orders", type=int, default=600, help="orders on top, for each size")
    given = parser.parse_args()
    ends_when_told()
    sizes = tuple(map(int, given.sizes.split(","))) if given.sizes else FULL if given.full else SIZES
    print(machine(), flush=True)
    told(measure(sizes, given.orders), "as the log grows", as_json=given.json)


if __name__ == "__main__":
    main()
