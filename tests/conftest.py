"""What tests share: a real PostgreSQL, started once a session, and a fresh database for each test that asks."""

import itertools
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import structlog

from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that sets up its log does so for the whole process, with the standard error that the test had; the next test has another."""
    kept, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**kept)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Embedded]:
    """A running server of this session's own, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="crossdock-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        yield server
        server.stop()


@pytest.fixture
async def database_url(postgres: Embedded) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    yield postgres.url.replace("/postgres?", f"/{name}?")
    connection = await asyncpg.connect(postgres.url)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the present schema."""
    database = await connect(database_url)
    yield database
    await database.close()
