"""What tests of the API share: a real server process on a free port, a real PostgreSQL with the example workspace in force and orders of two
partners at several stages, and clients with keys of every role.

`server` is one for the session and its population is there to be read; a test that writes makes things of its own.
"""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest

from crossdock.facts import Fact
from crossdock.facts import order as facts
from crossdock.flow.fold import fold_once
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.store.access import Access
from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems

from .identity_provider import IdentityProvider

TERMS = "\n[api]\nrate_per_second = 500\nburst = 2000\n"
"""More than the tests together ask of the server, so that the throttle stays out of all but its own tests."""

EXAMPLE = Path(__file__).parents[2] / "examples" / "wholesaler"
T = TypeVar("T")

ENVIRON = {
    "ERP_URL": "http://127.0.0.1:9",
    "ERP_TOKEN": "x",
    "TAX_URL": "http://127.0.0.1:9",
    "TAX_API_KEY": "x",
    "SHOP_TOKEN": "x",
    "ERP_WEBHOOK_SECRET": "whsec_" + "eA" * 16,
}
"""Where the example's systems are: nowhere."""

PARTNERS = ("acme", "blue")
OUR_SITES = ("https://shop.example", "https://desk.example:8443")
"""Whose scripts may ask the expendable server."""


def ordered(line: str, quantity: int, price: str = "2.50") -> facts.OrderedLine:
    """A line in pieces, resolved, at the agreed price."""
    return facts.OrderedLine(
        line=line,
        item=f"ITEM-{line}",
        quantity=Decimal(quantity),
        unit="EA",
        price=Decimal(price),
        agreed_price=Decimal(price),
        partner_quantity=Decimal(quantity),
        partner_unit="EA",
        partner_price=Decimal(price),
        description=f"Article {line}",
    )


def received(partner: str, purchase_order: str, *lines: facts.OrderedLine, **more: Any) -> facts.OrderReceived:
    """An order of a partner under version 1 of the workspace."""
    said: dict[str, Any] = {
        "partner": partner,
        "purchase_order": purchase_order,
        "workspace_version": 1,
        "lines": lines or (ordered("1", 10), ordered("2", 4, "10.00")),
        "warehouse": "quick3pl",
        "site": "COLUMBUS",
        "currency": "USD",
    }
    return facts.OrderReceived(**{**said, **more})


def road(key: str, shipment: str) -> list[Any]:
    """What comes after an order, up to its invoice; each is a stage further."""
    quantities = (("1", Decimal(10)), ("2", Decimal(4)))
    return [
        facts.CreditAnswered(obligation=f"{key}/credit-check", approved=True),
        facts.ErpOrderCreated(obligation=f"{key}/create-in-erp", number=f"ERP-{key}"),
        facts.DocumentSent(obligation=f"{key}/release/1", document="release", number=f"{key}-1", told=quantities),
        facts.ShipmentConfirmed(
            shipment=shipment,
            warehouse="quick3pl",
            release=f"{key}-1",
            lines=tuple(facts.ConfirmedLine(line=line, quantity=quantity) for line, quantity in quantities),
            complete=True,
            bill_of_lading=f"BOL-{shipment}",
            tracking=(f"1Z{shipment}",),
        ),
    ]


class Server:
    """A running server. `url` is where it listens, `database_url` what it stands on, `workspace` its folder."""

    def __init__(
        self, url: str, database_url: str, workspace: Path, process: subprocess.Popen[bytes], log: Path
    ) -> None:
        self.url, self.database_url, self.workspace, self.process, self.log = url, database_url, workspace, process, log
        self.keys: dict[tuple[str, str, tuple[str, ...]], str] = {}

    def ask(self, question: Callable[[Database], Awaitable[T]]) -> T:
        """Asks, or changes, the database behind the server's back. For tests that are no coroutines."""

        async def work() -> T:
            database = await connect(self.database_url, 2)
            try:
                return await question(database)
            finally:
                await database.close()

        return asyncio.run(work())

    def key(self, role: str, partner: str = "", scopes: tuple[str, ...] = ()) -> str:
        """The secret of a key of this role, made once."""
        if (role, partner, scopes) not in self.keys:

            async def create(database: Database) -> str:
                _, secret = await Access(database).create_key(
                    secrets.token_bytes(38),
                    f"test {role} {partner}".strip(),
                    role,
                    datetime.now(UTC),
                    by="test",
                    partner=partner,
                    scopes=scopes,
                )
                return secret

            self.keys[role, partner, scopes] = self.ask(create)
        return self.keys[role, partner, scopes]


async def populate(database: Database, workspace: Path) -> None:
    """Orders of acme and blue at several stages (keys SO-A1.. and SO-B1..), exceptions, a held message and a dead letter."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    assert book.current is not None
    systems = Systems(book.current, ENVIRON, workspace)
    inbox, log, now = MessageInbox(database), FactLog(database), datetime.now(UTC)
    # A purchase order that nobody can read, on acme's EDI channel.
    await inbox.keep([Arrival(channel="acme", source_id="torn.edi", data=b"ISA*00*torn", name="torn.edi")], now)
    await interpret_once(inbox, systems.readers(), now)
    told: list[Fact] = []
    for letter, partner in zip("AB", PARTNERS, strict=True):
        for number in range(1, 9):
            key, at = f"SO-{letter}{number}", now - timedelta(hours=20 - number)
            trouble = {"price": Decimal(3), "agreed_price": Decimal("2.50")} if number == 7 else {}
            lines = (ordered("1", 10), ordered("2", 4, "10.00"))
            if trouble:
                lines = (
                    facts.OrderedLine(**{**{n: getattr(lines[0], n) for n in lines[0].__struct_fields__}, **trouble}),
                    lines[1],
                )
            story = [
                received(partner, f"PO-{letter}{number}", *lines),
                *road(key, f"SHP-{letter}{number}")[: max(0, number - 2)],
            ]
            if number == 8:
                story = [story[0], facts.OrderCancelled(by="customer", reason="not needed")]
            told += [
                Fact(key=key, data=data, source="test", source_id=f"{key}/{n}", occurred_at=at + timedelta(minutes=n))
                for n, data in enumerate(story)
            ]
    await log.record(told, now)
    while await fold_once(log, book, now, 32, 500):
        pass
    await bury(database, "SO-A1/credit-check", now)


async def bury(database: Database, delivery: str, now: datetime) -> None:
    """Makes a dead letter of a delivery that is queued."""
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE deliveries SET status = 'dead', outcome = 'given up after 12 attempts: HTTP 503', attempts = 12, settled_at = $2 WHERE id = $1",
            delivery,
            now,
        )


@pytest.fixture(scope="session")
def provider() -> Iterator[IdentityProvider]:
    """The identity provider whose tokens the server takes."""
    with IdentityProvider() as running:
        yield running


@pytest.fixture(scope="session")
def server(postgres: Embedded, provider: IdentityProvider) -> Iterator[Server]:
    """A real server (`crossdock serve`) on a real database with the population in it."""
    with serving(postgres, f"api_{os.getpid()}", provider) as served:
        yield served


@pytest.fixture(scope="session")
def expendable(postgres: Embedded) -> Iterator[Server]:
    """Another server with the same population, which may come to harm. Scripts of OUR_SITES may ask it."""
    more = {"CROSSDOCK_CORS_ORIGINS": ", ".join(OUR_SITES)}
    with serving(postgres, f"api_expendable_{os.getpid()}", more=more) as served:
        yield served


@contextmanager
def serving(
    postgres: Embedded, name: str, provider: IdentityProvider | None = None, more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server of its own, on a database of its own of this name; for tests that change what others read."""

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(admin(f"CREATE DATABASE {name}"))
    database_url = postgres.url.replace("/postgres?", f"/{name}?")
    with tempfile.TemporaryDirectory(prefix="crossdock-api-", ignore_cleanup_errors=True) as made:
        workspace, log = Path(made) / "workspace", Path(made) / "server.log"
        shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns(".crossdock"))
        configuration = workspace / "crossdock.toml"
        configuration.write_text(configuration.read_text() + TERMS + (provider.terms() if provider else ""))
        environ = {
            **os.environ,
            **ENVIRON,
            "CROSSDOCK_DATABASE_URL": database_url,
            "CROSSDOCK_WORKSPACE": str(workspace),
            **(more or {}),
        }
        crossdock = [sys.executable, "-m", "crossdock"]
        subprocess.run([*crossdock, "apply", "--who", "test"], env=environ, check=True, capture_output=True)

        async def fill() -> None:
            database = await connect(database_url, 4)
            await populate(database, workspace)
            await database.close()

        asyncio.run(fill())
        port = free_port()
        with log.open("wb") as lines:
            process = subprocess.Popen(
                [*crossdock, "serve", "--listen", f"127.0.0.1:{port}"],
                env=environ,
                stdout=lines,
                stderr=lines,
                stdin=subprocess.DEVNULL,
            )
        server = Server(f"http://127.0.0.1:{port}", database_url, workspace, process, log)
        try:
            _await(server)
            yield server
        finally:
            process.terminate()
            process.wait(30)
    asyncio.run(admin(f"DROP DATABASE {name} WITH (FORCE)"))


def _await(server: Server) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            httpx.get(f"{server.url}/v1/openapi.json", timeout=20)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the server does not answer: {server.log.read_text()[-3000:]}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


class Writer(httpx.Client):
    """A client that gives every write an Idempotency-Key, unless the test says one."""

    def request(self, method: str, url: Any, **more: Any) -> httpx.Response:
        if method.upper() in ("POST", "PUT", "PATCH", "DELETE"):
            headers = httpx.Headers(more.pop("headers", None))
            headers.setdefault("Idempotency-Key", secrets.token_hex(8))
            more["headers"] = headers
        return super().request(method, url, **more)


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[Callable[..., Writer]]:
    """`client(role, partner="", scopes=())`: an httpx client with a key of that role. role "": nobody."""
    made: dict[tuple[str, str, tuple[str, ...]], Writer] = {}

    def make(role: str, partner: str = "", scopes: tuple[str, ...] = ()) -> Writer:
        who = (role, partner or ("acme" if role == "partner" else ""), scopes)
        if who not in made:
            headers = {"Authorization": f"Bearer {server.key(*who)}"} if role else {}
            made[who] = Writer(base_url=server.url, headers=headers, timeout=30)
        return made[who]

    yield make
    for each in made.values():
        each.close()
