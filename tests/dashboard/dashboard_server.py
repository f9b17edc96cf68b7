"""A real server with people who may sign in and orders to look at, and browsers without script that are signed in to it."""

import asyncio
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import httpx
from sign_on_provider import CLIENT, SECRET, Provider  # type: ignore[import-not-found,unused-ignore]

from crossdock.dashboard import passwords
from crossdock.store.access import Access
from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
PEOPLE = (
    ("ann", "admin", ""),
    ("olga", "operations", ""),
    ("fred", "finance", ""),
    ("ivan", "integration", ""),
    ("aude", "auditor", ""),
    ("acme-desk", "partner", "acme"),
)
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


def _api() -> ModuleType:
    """The conftest of the API's tests, in a package of its own name: what it has beside it is found there."""
    folder = ROOT / "tests" / "api"
    package = ModuleType("loaded_api")
    package.__path__ = [str(folder)]
    sys.modules["loaded_api"] = package
    spec = importlib.util.spec_from_file_location("loaded_api.conftest", folder / "conftest.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


api = _api()
"""The population of the API's tests is what pages show, too."""


class Dashboard:
    """A running server. `log` is what it wrote, `workspace` its folder."""

    def __init__(
        self, url: str, database_url: str, workspace: Path, log: Path, process: subprocess.Popen[bytes]
    ) -> None:
        self.url, self.database_url, self.workspace, self.log, self.process = url, database_url, workspace, log, process

    def ask(self, question: Callable[[Database], Any]) -> Any:
        """Asks, or changes, the database behind the server's back, in a thread of its own: where a browser is driven, this one has a loop running."""

        async def work() -> Any:
            database = await connect(self.database_url, 2)
            try:
                return await question(database)
            finally:
                await database.close()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(work())).result()

    def browser(self, **more: Any) -> httpx.Client:
        """A browser that nobody is signed in to."""
        return httpx.Client(base_url=self.url, timeout=30, follow_redirects=False, **more)

    def signed_in(self, person: str) -> "Browser":
        """A browser with somebody signed in."""
        browser = Browser(self)
        browser.sign_in(person)
        return browser


class Browser:
    """Pages and forms as a browser without script uses them."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.client = dashboard.browser()

    def sign_in(self, person: str, password: str = PASSWORD, to: str = "/") -> httpx.Response:
        token = csrf_of(self.client.get("/sign-in").text)
        form = {"csrf": token, "person": person, "password": password, "next": to}
        return self.client.post("/sign-in", data=form)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, on: str = "/", **form: Any) -> httpx.Response:
        """Sends a form with the token of the page `on`."""
        token = re.search(r'name="csrf" content="([^"]+)"', self.client.get(on).text)
        assert token is not None, on
        return self.client.post(path, data={"csrf": token[1], **form})


def csrf_of(html: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf" value="([^"]+)"', html)
    assert found is not None
    return found[1]


async def people(database: Database) -> None:
    """One of each role, with the same password."""
    kept = passwords.hashed(PASSWORD, secrets.token_bytes(16))
    for person, role, partner in PEOPLE:
        await Access(database).put_person(person, person.title(), role, datetime.now(UTC), partner, kept)


def _in_a_thread(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def serving(
    postgres: Embedded,
    name: str,
    provider: Provider | None = None,
    populated: bool = True,
    client_in_workspace: bool = False,
    **environ: str,
) -> Iterator[Dashboard]:
    """A server on a database of its own. client_in_workspace: the workspace says which of the provider's clients it is, not the environment."""

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    _in_a_thread(admin(f"CREATE DATABASE {name}"))
    database_url = postgres.url.replace("/postgres?", f"/{name}?")
    folder = Path(postgres_folder(postgres)) / name
    workspace, log = folder / "workspace", folder / "server.log"
    shutil.copytree(api.EXAMPLE, workspace, ignore=shutil.ignore_patterns(".crossdock"))
    if provider is not None:
        with (workspace / "crossdock.toml").open("a") as toml:
            toml.write(f'\n[api.oidc]\nissuer = "{provider.issuer}"\naudience = "crossdock"\n')
            if client_in_workspace:
                toml.write(f'client_id = "{CLIENT}"\nclient_secret = {{ env = "NORTH_OIDC_SECRET" }}\n')
                toml.write('display_name = "North Identity"\n')
            toml.write('[api.oidc.roles]\n"hub-operations" = "operations"\n')
        if not client_in_workspace:
            environ = {"CROSSDOCK_OIDC_CLIENT_ID": CLIENT, "CROSSDOCK_OIDC_CLIENT_SECRET": SECRET, **environ}
    told = {**os.environ, **api.ENVIRON, "CROSSDOCK_DATABASE_URL": database_url, "CROSSDOCK_WORKSPACE": str(workspace)}
    told.update(environ)
    crossdock = [sys.executable, "-m", "crossdock"]
    applied = subprocess.run([*crossdock, "apply", "--who", "test"], env=told, capture_output=True, text=True)
    assert applied.returncode == 0, applied.stdout + applied.stderr

    async def fill() -> None:
        database = await connect(database_url, 4)
        if populated:
            await api.populate(database, workspace)
            await people(database)
        await database.close()

    _in_a_thread(fill())
    port = api.free_port()
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [*crossdock, "serve", "--listen", f"127.0.0.1:{port}"],
            env=told,
            stdout=lines,
            stderr=lines,
            stdin=subprocess.DEVNULL,
        )
    found = Dashboard(f"http://127.0.0.1:{port}", database_url, workspace, log, process)
    try:
        api._await(found)
        yield found
    finally:
        process.terminate()
        process.wait(30)
        _in_a_thread(admin(f"DROP DATABASE {name} WITH (FORCE)"))


def postgres_folder(postgres: Embedded) -> str:
    """A folder that lives as long as the server."""
    found = re.search(r"host=([^&]+)", postgres.url)
    folder = Path(found[1] if found else "/tmp").parent / "dashboards"
    folder.mkdir(exist_ok=True)
    return str(folder)
