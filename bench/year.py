"""A simulated year of one distributor with planted faults, through the real books: how many are found, named right, and how many raised for nothing.

    python -m bench.year [--seed 1] [--items 20000] [--days 365] [--moves 250] [--faults 1.5] [--json]

A day is heard, its three snapshots are compared, and so on: the whole year takes hours at full size, most of it in comparing. Ends with 1 when a fault was missed,
one was raised for nothing, or fewer than nine in ten are named right.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, ends_when_told, options, told
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded
from crossdock.testing.reconciled_year import Score, run
from crossdock.testing.year import Size, Year


async def work(url: str, seed: int, size: Size) -> Score:
    database = await connect(url)
    try:
        return await run(database, Year(seed, size))
    finally:
        await database.close()


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--moves", type=int, default=250)
    parser.add_argument("--faults", type=float, default=1.5)
    given = parser.parse_args()
    ends_when_told()
    size = Size(items=given.items, days=given.days, moves=given.moves, faults=given.faults)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        try:
            score = asyncio.run(work(server.url, given.seed, size))
        finally:
            server.stop()
    note = f"seed {given.seed}, {size.items:,} items, 3 sites, 4 channels, {score.days} days, {score.movements:,} movements"
    figures = [
        Figure(name="faults planted that have a cause", value=score.planted, unit="", note=note),
        Figure(name="found", value=score.found, unit="", aim="all of them", note="; ".join(score.missed[:3])),
        Figure(name="named right", value=score.named, unit="", aim="9 in 10", note="; ".join(score.misnamed[:3])),
        Figure(name="raised for nothing", value=len(score.raised), unit="", aim="0", note=str(score.raised[:3])),
        Figure(name="comparisons", value=score.compared, unit=""),
        Figure(name="the whole", value=time.perf_counter() - began, unit="s"),
    ]
    told(figures, "A year, reconciled", as_json=given.json)
    if score.found < score.planted or score.raised or score.named < 0.9 * score.planted:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
