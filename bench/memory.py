"""What a worker holds in memory: started and idle, at its peak on the road, and after it.

python -m bench.memory [--orders N]
"""

import contextlib
from pathlib import Path

import psutil

from bench.figures import Figure, ends_when_told, options, told
from bench.ground import Ground
from bench.machine import machine

MB = 2**20


def measure(count: int) -> list[Figure]:
    """One worker, `count` orders of five lines."""
    with Ground() as ground, ground.workers() as running:
        process = psutil.Process(running[0].pid)
        idle = process.memory_info().rss / MB
        ground.load(count, running, 180)
        after = process.memory_info().rss / MB
        peak = after
        with contextlib.suppress(OSError, StopIteration):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    note = f"{count} orders of 5 lines stored at once, its counterparties in the same process"
    return [
        Figure(name="worker, idle", value=idle, unit="MB", note="resident, workspace loaded, nothing done yet"),
        Figure(name="worker, peak on the road", value=peak, unit="MB", note=note),
        Figure(name="worker, after it", value=after, unit="MB", ratio=after / idle, against="idle", note="resident"),
    ]


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    given = parser.parse_args()
    ends_when_told()
    print(machine(), flush=True)
    told(measure(given.orders), "memory of a worker", as_json=given.json)


if __name__ == "__main__":
    main()
