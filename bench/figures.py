"""What a benchmark says: a table of figures, each with its unit, what it stands beside, and the aim where there is one."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. against: what the ratio is taken to, in the same run; aim: what is wanted, in words; note: what it was measured on."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    aim: str = ""
    note: str = ""


def told(figures: Sequence[Figure], title: str, *, as_json: bool = False) -> None:
    """Print figures as a table; with `as_json` as one line of JSON, for programs."""
    if as_json:
        print(json.dumps({"title": title, "figures": msgspec.to_builtins(figures)}), flush=True)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("what")
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right")
    table.add_column("aim")
    table.add_column("note")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{number(figure.ratio)} x {figure.against}".strip()
        table.add_row(figure.name, f"{number(figure.value)} {figure.unit}", ratio, figure.aim, figure.note)
    width = None if sys.stdout.isatty() else 180
    Console(width=width, highlight=False).print(table)
    sys.stdout.flush()


def number(value: float) -> str:
    """Three digits that matter, no more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Spent(msgspec.Struct, frozen=True):
    """Seconds of one call: the process's own processor time, and the wall clock's."""

    cpu_seconds: float
    wall_seconds: float


def best(work: Callable[[], object], rounds: int = 3, most_seconds: float = 20.0) -> Spent:
    """The least that `work` took in a few rounds: what it costs when nothing disturbs it. At least one round, and none begun behind `most_seconds`."""
    cpu = wall = float("inf")
    until = time.perf_counter() + most_seconds
    for _ in range(rounds):
        began, spent = time.perf_counter(), time.process_time()
        work()
        cpu, wall = min(cpu, time.process_time() - spent), min(wall, time.perf_counter() - began)
        if time.perf_counter() > until:
            break
    return Spent(cpu, wall)


def options(doc: str | None) -> argparse.ArgumentParser:
    """A command's options; all benchmarks can tell their figures as JSON."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="figures as one line of JSON")
    return parser


def ends_when_told() -> None:
    """SIGTERM ends a benchmark as an exception does, so that what it has started is stopped."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(f"ended by signal {number}")

    signal.signal(signal.SIGTERM, stop)
