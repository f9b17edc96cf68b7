"""Processor time of processes and of a PostgreSQL: on a machine that is busy with other work it says more than the clock does."""

from collections.abc import Iterable

import psutil


def own_cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes have spent."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(t.user + t.system for t in times))


def postgres_cpu_seconds(postmaster: int) -> float:
    """Processor time that a PostgreSQL has spent, its ended backends included."""
    process = psutil.Process(postmaster)
    while True:
        ended = process.cpu_times()
        total = float(ended.children_user + ended.children_system)
        for each in (process, *process.children(recursive=True)):
            try:
                total += own_cpu_seconds([each.pid])
            except psutil.NoSuchProcess:
                continue
        after = process.cpu_times()
        # A backend that ended meanwhile is in neither sum.
        if (after.children_user, after.children_system) == (ended.children_user, ended.children_system):
            return total
