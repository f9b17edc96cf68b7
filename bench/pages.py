"""How long pages take at a million orders, from the request of a signed-in browser to the last byte of the page.

    python -m bench.pages [--orders 1000000] [--rounds 40] [--json]

Server, client and PostgreSQL share the machine, so what is told is what one viewer sees on it, not what it carries. Beside the clock's figure stands the
processor time of a request, of the server and of PostgreSQL together: on a machine that is busy it says more. Every page of the dashboard is asked for, and the API's
summary of exceptions.
"""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from bench import road
from bench.api import free_port, serving
from bench.figures import Figure, options, told
from bench.ground import Ground
from bench.machine import machine
from bench.population import BUSY, PARTNERS, populate
from crossdock.dashboard import passwords
from crossdock.store.access import Access
from crossdock.store.database import connect
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import KeptVersions, WaitingWork
from crossdock.workspace import from_snapshot, load
from crossdock.workspace.apply import apply
from crossdock.workspace.plan import plan

PASSWORD = "for a bench alone"
KNOWN = tuple(id_ for id_ in PARTNERS if (road.WORKSPACE / "partners" / f"{id_}.toml").exists())
"""Partners of the population whom the example's workspace knows."""


def main() -> None:
    """The command."""
    found = options(__doc__)
    found.add_argument("--orders", type=int, default=1_000_000)
    found.add_argument("--rounds", type=int, default=40)
    given = found.parse_args()
    if not given.json:
        print(machine())
    with Ground() as ground:
        began = time.monotonic()
        workspace = _with_stock(ground.workspace.parent / "with-stock")
        key = asyncio.run(_prepare(ground.url, workspace, given.orders))
        filled = time.monotonic() - began
        port = free_port()
        environ = {**os.environ, **road.SECRETS, "CROSSDOCK_DATABASE_URL": ground.url}
        command = ["crossdock", "serve", "-w", str(workspace), "--listen", f"127.0.0.1:{port}"]
        with serving(command, port, environ):
            figures = _measured(f"http://127.0.0.1:{port}", key, given.orders, given.rounds, _spent(ground.server.pid))
    note = f"{given.orders:,} orders, put in within {filled:.0f} s"
    told(
        [Figure(**{**each, "note": note}) for each in figures],
        "Pages, as a signed-in browser sees them",
        as_json=given.json,
    )


def _with_stock(workspace: Path) -> Path:
    """The example's workspace as it is, books of stock and channels with it."""
    shutil.copytree(road.WORKSPACE, workspace, ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    return workspace


async def _prepare(url: str, workspace: Path, orders: int) -> str:
    """Fills the database, puts the workspace in force and lets somebody sign in; gives an API key."""
    database = await connect(url, 2)
    connection = await asyncpg.connect(url)
    await populate(connection, orders, database.lanes)
    await connection.close()
    versions = KeptVersions(database)
    before = from_snapshot(await WorkspaceVersions(database).get(1), 1)
    after = load(workspace, {**os.environ, **road.SECRETS})
    await apply(plan(before, after), versions, WaitingWork(database), who="bench")
    kept = passwords.hashed(PASSWORD, secrets.token_bytes(16))
    await Access(database).put_person("bench", "Bench", "admin", datetime.now(UTC), "", kept)
    _, key = await Access(database).create_key(os.urandom(38), "bench", "operations", datetime.now(UTC), by="bench")
    await database.close()
    return key


def _spent(postmaster: int) -> Callable[[], float]:
    """Processor time so far of what this bench has started and of PostgreSQL, in milliseconds; our own is not in it."""

    def spent() -> float:
        total = 0.0
        ours = psutil.Process().children(recursive=True)
        theirs = psutil.Process(postmaster)
        for each in {*ours, theirs, *theirs.children(recursive=True)}:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += 1000 * (times.user + times.system)
        return total

    return spent


def _measured(url: str, key: str, orders: int, rounds: int, spent: Callable[[], float]) -> list[dict[str, Any]]:
    """The 50th and 95th of each page; every round asks for another order, reference, partner or item."""
    browser = httpx.Client(base_url=url, timeout=120)
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
    assert token is not None
    browser.post("/sign-in", data={"csrf": token[1], "person": "bench", "password": PASSWORD, "next": "/search"})
    browser.get("/").raise_for_status()
    api = {"Authorization": f"Bearer {key}"}

    def number(n: int) -> int:
        return 1 + (n * 7_368_787) % orders

    def partner(n: int) -> str:
        return KNOWN[n % len(KNOWN)]

    def troubled(n: int) -> int:
        """An order that has an exception: those have one whose place in a hundred is 80 or more."""
        place = number(n)
        while place * 7919 % 100 < 80 or place > orders:
            place = 1 + place % orders
        return place

    pages = {
        "Today": lambda n: "/",
        "Search, whole PO": lambda n: f"/search?part=1&q=PO{4_000_000_000 + number(n)}",
        "Search, beginning of an order": lambda n: f"/search?part=1&q=SO-{number(n):09d}"[:-3],
        "Search, end of a tracking number": lambda n: f"/search?part=1&q={str(999_990_000_000 + number(n) * 13)[-6:]}",
        "Search, nothing there": lambda n: f"/search?part=1&q=NOSUCH{n}",
        "Orders, newest": lambda n: "/search",
        "Orders of a customer, at a milestone": lambda n: "/search?partner=acme&milestone=released",
        "Orders at a milestone": lambda n: "/search?milestone=partly-shipped",
        "Order": lambda n: f"/orders/SO-{number(n):09d}",
        "Exceptions": lambda n: "/exceptions",
        "Exceptions of a cause": lambda n: "/exceptions?cause=price-mismatch",
        "Messages": lambda n: "/messages",
        "Messages, held": lambda n: "/messages?status=held",
        "Messages of a channel": lambda n: f"/messages?channel={partner(n)}",
        "A message": lambda n: f"/messages/{number(n)}",
        "An exception": lambda n: f"/exceptions/SO-{troubled(n):09d}/price-mismatch/1",
        "Flows": lambda n: "/flows",
        "Partners": lambda n: "/partners",
        "A partner": lambda n: f"/partners/{partner(n)}",
        "A warehouse": lambda n: "/partners/quick3pl",
        "KPIs": lambda n: "/kpis",
        "KPIs of a partner": lambda n: f"/kpis?of=partner:{partner(n)}",
        "A KPI by partner": lambda n: "/kpis?kpi=order-cycle&by=partner",
        "A KPI by channel, 90 days": lambda n: "/kpis?kpi=sync-in&by=channel&days=90",
        "KPIs as CSV": lambda n: "/kpis.csv?by=partner",
        "Stock": lambda n: "/stock",
        "Stock, the beginning of a number": lambda n: f"/stock?q=SKU-{(number(n) - 1) // 20:07d}"[:-2],
        "Stock, words": lambda n: "/stock?q=green tea",
        "A stock item": lambda n: f"/stock/SKU-{(number(n) - 1) // 20:07d}",
        "A stock item in which everybody trades": lambda n: f"/stock/{BUSY}",
        "Billing": lambda n: "/billing",
        "Billing of a customer": lambda n: f"/billing?partner={partner(n)}",
        "Billing, what may go out": lambda n: "/billing?waits=ready",
        "Configuration": lambda n: "/configuration",
        "Replay": lambda n: "/replay",
        "API, summary of exceptions": lambda n: "/v1/exceptions/summary",
    }
    found = []
    for name, path in pages.items():
        times = []
        cpu = 0.0
        for n in range(-3, rounds):
            if n == 0:
                cpu = spent()
            began = time.perf_counter()
            answer = browser.get(path(n), headers=api if path(n).startswith("/v1/") else {})
            if n >= 0:
                times.append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                sys.exit(f"{path(n)} answered {answer.status_code}")
        cpu = (spent() - cpu) / rounds
        cuts = statistics.quantiles(times, n=20)
        aim = "< 100 ms" if name.startswith("Search") else "p95 < 200 ms"
        found.append({"name": f"{name}: p50", "value": cuts[9], "unit": "ms"})
        found.append({"name": f"{name}: p95", "value": cuts[18], "unit": "ms", "aim": aim})
        found.append({"name": f"{name}: processor", "value": cpu, "unit": "ms"})
    return found


if __name__ == "__main__":
    main()
