"""The HTTP API under load: status reads beside a bare Litestar route that does one SELECT on the same server and database, and orders submitted at a fixed rate.

    python -m bench.api [--seconds 5] [--rounds 3] [--rate 200]

The client is a process of its own and speaks plain HTTP/1.1 on kept connections, so that what is measured is the server. Client, server and PostgreSQL
share the machine: figures compare, they do not promise. A submission's time runs from when it was due, not from when it could be sent.
"""

import argparse
import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.figures import Figure, ends_when_told, options, told
from bench.ground import Ground
from bench.machine import machine
from crossdock.store.access import Access
from crossdock.store.database import connect

CONNECTIONS = 16
ORDERS_READ = 200
START_SECONDS = 120.0

TERMS = "\n[api]\nrate_per_second = 1000000\nburst = 1000000\n"
"""What a workspace says so that the throttle, which stays in the way, lets the bench through."""


# --- The client -------------------------------------------------------------------------------------------------------


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Sends one request and reads its answer whole; gives the status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    if at >= 0:
        length = int(head[at + 15 : head.index(b"\r\n", at)])
        if length:
            await reader.readexactly(length)
    else:
        while int((await reader.readline()).strip() or b"0", 16):
            await reader.readuntil(b"\r\n")  # bodies of the bench have no line breaks
        await reader.readline()
    return int(head[9:12])


def _get(path: str, port: int, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def _post(port: int, key: str, number: str) -> bytes:
    item = {"qualifier": "buyer-item", "id": "700100"}
    lines = [{"line": str(n), "quantity": "12", "unit": "EA", "items": [item]} for n in range(1, 4)]
    body = json.dumps({"number": number, "lines": lines}).encode()
    return (
        f"POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: {number}\r\n"
        f"Prefer: wait=0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def _reads(port: int, paths: list[str], key: str, seconds: float, connections: int) -> dict[str, Any]:
    """Each connection asks again as soon as it is answered."""
    times: list[float] = []
    statuses: dict[int, int] = {}
    requests = [_get(path, port, key) for path in paths]
    until = time.perf_counter() + seconds

    async def one(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        n = first
        while (began := time.perf_counter()) < until:
            status = await _ask(reader, writer, requests[n % len(requests)])
            times.append(time.perf_counter() - began)
            statuses[status] = statuses.get(status, 0) + 1
            n += 7
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(n) for n in range(connections)))
    return _told(times, statuses, time.perf_counter() - began)


async def _submits(port: int, key: str, seconds: float, rate: float) -> dict[str, Any]:
    """So many a second whatever the server does, on as many connections as that takes."""
    times: list[float] = []
    statuses: dict[int, int] = {}
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    mark = secrets.token_hex(3).upper()

    async def one(n: int, due: float) -> None:
        reader, writer = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        status = await _ask(reader, writer, _post(port, key, f"B{mark}{n}"))
        times.append(time.perf_counter() - due)
        statuses[status] = statuses.get(status, 0) + 1
        free.append((reader, writer))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for n in range(int(seconds * rate)):
            due = began + n / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(n, due))
    return _told(times, statuses, time.perf_counter() - began)


def _told(times: list[float], statuses: dict[int, int], seconds: float) -> dict[str, Any]:
    cuts = statistics.quantiles(times, n=100)
    return {
        "count": len(times),
        "per_second": len(times) / seconds,
        "p50_ms": 1000 * cuts[49],
        "p95_ms": 1000 * cuts[94],
        "p99_ms": 1000 * cuts[98],
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def client(wanted: dict[str, Any]) -> None:
    """The client's process: what it is to do comes as JSON, what it measured goes out as JSON."""
    import uvloop

    work = _reads(**wanted["reads"]) if "reads" in wanted else _submits(**wanted["submits"])
    sys.stdout.write(json.dumps(uvloop.run(work)))


def measured(**wanted: Any) -> dict[str, Any]:
    """What the client's process measures."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.api", "--client", json.dumps(wanted)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# --- The servers ------------------------------------------------------------------------------------------------------


def bare(port: int, url: str) -> None:
    """A Litestar route on Granian that does one SELECT by asyncpg and gives its row as JSON: what the framework and the database cost by themselves."""
    import asyncpg
    import uvloop
    from granian.constants import Interfaces
    from granian.server.embed import Server
    from litestar import Litestar, get

    async def main() -> None:
        pool = await asyncpg.create_pool(url, min_size=1, max_size=10)
        statement = "SELECT key, milestone, created_at, updated_at FROM processes WHERE lane = $1 AND key = $2"

        @get("/orders/{lane:int}/{key:str}")
        async def order(lane: int, key: str) -> dict[str, Any]:
            async with pool.acquire() as connection:
                return dict(await connection.fetchrow(statement, lane, key))

        app = Litestar([order], openapi_config=None, logging_config=None)
        server = Server(
            app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False
        )
        await server.serve()

    uvloop.run(main())


@contextmanager
def serving(command: list[str], port: int, environ: dict[str, str]) -> Iterator[None]:
    """A server while it is needed."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command} does not serve") from None
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


async def _key(url: str) -> str:
    database = await connect(url, 2)
    _, secret = await Access(database).create_key(
        os.urandom(38), "bench", "partner", datetime.now(UTC), by="bench", partner="acme"
    )
    await database.close()
    return secret


async def _places(url: str) -> list[tuple[int, str]]:
    database = await connect(url, 2)
    async with database.pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT lane, key FROM processes WHERE partner = 'acme' ORDER BY key LIMIT $1", ORDERS_READ
        )
    await database.close()
    return [(row["lane"], row["key"]) for row in rows]


def _figures(name: str, found: list[dict[str, Any]], note: str, aim: str = "") -> list[Figure]:
    """Rate and times of the round in the middle."""
    each = _middle(found)
    said = f"{note}; {', '.join(f'{count} x {status}' for status, count in each['statuses'].items())}"
    return [
        Figure(name=name, value=each["per_second"], unit="/s", note=said),
        Figure(name=f"{name}, p50", value=each["p50_ms"], unit="ms"),
        Figure(name=f"{name}, p99", value=each["p99_ms"], unit="ms", aim=aim),
    ]


def _middle(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The round in the middle by its rate."""
    return sorted(found, key=lambda told: float(told["per_second"]))[len(found) // 2]


def main(seconds: float, rounds: int, rate: float, as_json: bool) -> None:
    """Measures, and prints."""
    with Ground() as ground:
        file = Path(ground.workspace) / "crossdock.toml"
        file.write_text(file.read_text() + TERMS)
        here, there = free_port(), free_port()
        environ = {
            **os.environ,
            **dict.fromkeys(("ERP_URL", "TAX_URL"), "http://127.0.0.1:9"),
            **dict.fromkeys(("ERP_TOKEN", "TAX_API_KEY"), "x"),
            "ERP_WEBHOOK_SECRET": "whsec_" + "eA" * 16,
            "CROSSDOCK_DATABASE_URL": ground.url,
        }
        apply = [sys.executable, "-m", "crossdock", "apply", "-w", str(ground.workspace), "--who", "bench"]
        subprocess.run(apply, env=environ, check=True, capture_output=True)
        key = asyncio.run(_key(ground.url))
        ours = ["crossdock", "serve", "-w", str(ground.workspace), "--listen", f"127.0.0.1:{here}"]
        with serving(ours, here, environ):
            submit = {"port": here, "key": key, "rate": rate}
            measured(submits={**submit, "seconds": min(2.0, seconds)})
            submitted = [measured(submits={**submit, "seconds": seconds}) for _ in range(rounds)]
            places = asyncio.run(_places(ground.url))
            mine: list[dict[str, Any]] = []
            plain: list[dict[str, Any]] = []
            more = {"key": key, "seconds": seconds, "connections": CONNECTIONS}
            with serving(["bench.api", "--bare", str(there), ground.url], there, environ):
                for _ in range(rounds):
                    mine.append(measured(reads={"port": here, "paths": [f"/v1/orders/{k}" for _, k in places], **more}))
                    paths = [f"/orders/{lane}/{k}" for lane, k in places]
                    plain.append(measured(reads={"port": there, "paths": paths, **more}))
    note = f"{CONNECTIONS} connections, {len(places)} orders"
    found = _figures(
        "submit an order of 3 lines", submitted, f"{rate:g}/s wanted, for {seconds:g} s", "p99 < 100 ms at 200/s"
    )
    found += _figures("status of an order", mine, note)
    found += _figures("bare Litestar route, one SELECT", plain, note)
    ratio = _middle(plain)["per_second"] / _middle(mine)["per_second"]
    found[3] = msgspec.structs.replace(found[3], ratio=ratio, against="fewer than bare", aim="within 1.5")
    told(found, f"The HTTP API. {machine()}", as_json=as_json)


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--bare", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=200)
    asked = parser.parse_args()
    if asked.client:
        client(json.loads(asked.client))
    elif asked.bare:
        bare(int(asked.bare[0]), asked.bare[1])
    else:
        ends_when_told()
        main(asked.seconds, asked.rounds, asked.rate, asked.json)
