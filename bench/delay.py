"""How long from a message stored to what it brings about being sent, p50 and p99, at half of the load that was measured just before.

    python -m bench.delay [--orders N] [--seconds S] [--sizes 20,1]

From the database's own timestamps: a message's `received_at`, which is taken before it is written, to `started_at` of the attempt that sends. Three ways:
850 to the credit check of each order in it, 850 or 945 to the 997 of its interchange, 945 to the 856. Interchanges come at random moments (exponential gaps,
seeded), with 20 orders each as in the measurement of the load, and in a second run with one each; one worker, one source in its process. The transport is a loopback.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from datetime import date
from pathlib import Path
from random import Random

from bench import road
from bench.figures import Figure, ends_when_told, options, told
from bench.ground import Ground, all_complete
from bench.machine import machine
from crossdock.ports.inbound import Arrival
from crossdock.store.database import connect
from crossdock.testing.simulators.orders import orders

FIRST_ORDER = 5_000_000
A_RUN = 1_000_000
"""Orders' numbers between one run and the next."""
WARM_UP_SECONDS, LONG_SECONDS = 3.0, 15.0
WANTED_MS = 250

WAYS = {
    "850 stored to credit check sent": ("order.received", "credit-check"),
    "850 or 945 stored to its 997 sent": ("interchange.received", "functional-acknowledgement"),
    "945 stored to 856 sent": ("shipment.confirmed", "ship-notice"),
}
"""By which fact a message begins, and which document ends it, for the same process."""


class Paced:
    """A source that shows an interchange every now and then."""

    channel = "acme"

    def __init__(self, per_second: float, seconds: float, size: int) -> None:
        self._gap_seconds = size / per_second
        self._size, self.first = size, FIRST_ORDER + size * A_RUN
        self.count = max(1, int(per_second * seconds / size)) * size
        self._closed = asyncio.Event()

    async def arrivals(self) -> AsyncIterator[Sequence[Arrival]]:
        random = Random(250)
        made = orders(
            7,
            self.count,
            5,
            per_interchange=self._size,
            first_po=self.first,
            first_control_number=self.first,
            items=road.catalogue(),
            day=date.today(),
        )
        due = time.monotonic()
        for n, data in zip(itertools.count(), made):
            due += random.expovariate(1 / self._gap_seconds)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            yield [Arrival(channel=self.channel, source_id=f"paced-{self._size}-{n}", data=data)]
        await self._closed.wait()

    async def keep(self, batch: Sequence[Arrival]) -> None:
        return

    async def close(self) -> None:
        self._closed.set()


async def _delays(url: str, paced: Paced, size: int, seconds: float, limit_seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each way, of what came after the warm-up."""
    database = await connect(url, 2)
    try:
        keys = [f"ACME-PO{n}" for n in range(paced.first, paced.first + paced.count)]
        await all_complete(database, keys, limit_seconds)
        # The 997s that nothing waits for are out by then as well.
        await asyncio.sleep(1.0)
        found = {}
        for name, (fact, document) in WAYS.items():
            rows = await database.pool.fetch(
                """SELECT extract(epoch FROM min(a.started_at) - m.received_at)::float8 * 1000 AS ms
                     FROM messages m JOIN facts f ON f.message = m.id AND f.type = $1
                     JOIN deliveries d ON d.lane = f.lane AND d.key = f.key AND d.document = $2
                     JOIN attempts a ON a.lane = d.lane AND a.delivery = d.id AND a.kind = 'send'
                    WHERE m.direction = 'in' AND m.received_at >= $3::timestamptz + $4 * interval '1 second'
                    GROUP BY m.id, m.received_at, d.id""",
                fact,
                document,
                await database.pool.fetchval(
                    "SELECT min(received_at) FROM messages WHERE source_id = $1", f"paced-{size}-0"
                ),
                WARM_UP_SECONDS if seconds >= LONG_SECONDS else 0.0,
            )
            found[name] = sorted(row["ms"] for row in rows)
        return found
    finally:
        await database.close()


def measure(count: int, seconds: float, sizes: Sequence[int]) -> list[Figure]:
    """The load that one worker can do, on `count` orders, then the delays at half of it during `seconds`, by orders to an interchange."""
    figures = []
    with Ground() as ground:
        with ground.workers() as running:
            full = ground.load(count, running, 120)
        rate = full.orders / full.seconds / 2
        for size in sizes:
            given = ("--rate", str(rate), "--seconds", str(seconds), "--size", str(size))
            with ground.workers(command=("bench.delay", *given)):
                found = asyncio.run(_delays(ground.url, Paced(rate, seconds, size), size, seconds, 2 * seconds + 60))
            figures += [
                Figure(
                    name=f"{name}, {size} to an interchange, p{percent}",
                    value=delays[min(len(delays) - 1, len(delays) * percent // 100)] if delays else float("nan"),
                    unit="ms",
                    aim=f"p99 below {WANTED_MS} ms",
                    note=f"{rate:.0f} orders/s, half of the {2 * rate:.0f} measured; {len(delays)} of them",
                )
                for name, delays in found.items()
                for percent in (50, 99)
            ]
    return figures


async def _work(given: argparse.Namespace) -> None:
    await road.work(given.work, given.index, given.workspace, [Paced(given.rate, given.seconds, given.size)])


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--orders", type=int, default=1500, help="orders to measure the full load with")
    parser.add_argument("--seconds", type=float, default=25.0, help="how long half of it lasts")
    parser.add_argument("--sizes", default="20,1", help="orders to an interchange, a run each")
    parser.add_argument("--work", default="")
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--size", type=int, default=20)
    given = parser.parse_args()
    if given.work:
        import uvloop

        uvloop.run(_work(given))
        return
    ends_when_told()
    print(machine(), flush=True)
    told(
        measure(given.orders, given.seconds, [int(size) for size in given.sizes.split(",")]),
        "from message stored to delivery sent",
        as_json=given.json,
    )


if __name__ == "__main__":
    main()
