"""How long pages take at a million orders, from the request of a signed-in browser to the last byte of the page.

    python -m bench.pages [--orders 1000000] [--rounds 40] [--json]

Server, client and PostgreSQL share the machine, so what is told is what one viewer sees on it, not what it carries.
"""

import asyncio
import os
import re
import secrets
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx

from bench.api import free_port, serving
from bench.figures import Figure, options, told
from bench.ground import Ground
from bench.machine import machine
from bench.population import populate
from crossdock.dashboard import passwords
from crossdock.store.access import Access
from crossdock.store.database import connect

PASSWORD = "for a bench alone"


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
        asyncio.run(_prepare(ground.url, given.orders))
        filled = time.monotonic() - began
        port = free_port()
        environ = {**os.environ, "CROSSDOCK_DATABASE_URL": ground.url}
        command = ["crossdock", "serve", "-w", str(ground.workspace), "--listen", f"127.0.0.1:{port}"]
        with serving(command, port, environ):
            figures = _measured(f"http://127.0.0.1:{port}", given.orders, given.rounds)
    note = f"{given.orders:,} orders, put in within {filled:.0f} s"
    told(
        [Figure(**{**each, "note": note}) for each in figures],
        "Pages, as a signed-in browser sees them",
        as_json=given.json,
    )


async def _prepare(url: str, orders: int) -> None:
    database = await connect(url, 2)
    connection = await asyncpg.connect(url)
    await populate(connection, orders, database.lanes)
    await connection.close()
    kept = passwords.hashed(PASSWORD, secrets.token_bytes(16))
    await Access(database).put_person("bench", "Bench", "operations", datetime.now(UTC), "", kept)
    await database.close()


def _measured(url: str, orders: int, rounds: int) -> list[dict[str, Any]]:
    """The 50th and 95th of each page; every round asks for another order, reference or cursor."""
    browser = httpx.Client(base_url=url, timeout=120)
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-in").text)
    assert token is not None
    browser.post("/sign-in", data={"csrf": token[1], "person": "bench", "password": PASSWORD, "next": "/search"})
    browser.get("/").raise_for_status()

    def number(n: int) -> int:
        return 1 + (n * 7_368_787) % orders

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
    }
    found = []
    for name, path in pages.items():
        times = []
        for n in range(-3, rounds):
            began = time.perf_counter()
            answer = browser.get(path(n))
            if n >= 0:
                times.append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                sys.exit(f"{path(n)} answered {answer.status_code}")
        cuts = statistics.quantiles(times, n=20)
        aim = "< 100 ms" if name.startswith("Search") else "p95 < 200 ms"
        found.append({"name": f"{name}: p50", "value": cuts[9], "unit": "ms"})
        found.append({"name": f"{name}: p95", "value": cuts[18], "unit": "ms", "aim": aim})
    return found


if __name__ == "__main__":
    main()
