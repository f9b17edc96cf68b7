"""The connection pool, the migrations, and the store's sides on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from itertools import pairwise
from typing import Any

import asyncpg

from crossdock.store.queries import SQL

UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What using a database raises when it is not there, is going away, or refuses us."""

UNKEEPABLE = (asyncpg.DataError,)
"""What it raises for a value that it cannot keep or compare, whatever the value was meant for: no number of that size, no such text."""

MIGRATION_LOCK = 0x43524F53

LANES = 32
"""How many lanes a new database gets. Enough for two dozen workers; fixed for the life of the database, because keys hash to them."""


class Database:
    """A pool on one database. Made by `connect`; `close()` when done."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", lazy: "asyncpg.Pool[asyncpg.Record]", lanes: int) -> None:
        self.pool = pool
        self._lazy = lazy
        self.lanes = lanes

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """A connection in a transaction: commits at the end of the block, rolls back when it raises. Durable when the block has ended."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def repeatable(self) -> AsyncIterator[Any]:
        """As `transaction`, for work that is done again if its commit is lost: it does not wait for the disk (synchronous_commit = off).

        Reading, folding and settling are such work. Should PostgreSQL die, the last of these commits may be gone, and they are gone in order: nothing that
        came after stands without what came before. Whatever leaves the house is written down by a durable commit first, and that flushes all before it.
        """
        async with self._lazy.acquire() as connection, connection.transaction():
            yield connection

    async def setting(self, name: str) -> str | None:
        """A setting of this database, None where it has never been written."""
        async with self.pool.acquire() as connection:
            value: str | None = await connection.fetchval(SQL["setting"], name)
            return value

    async def put_setting(self, name: str, value: str) -> None:
        """Writes a setting of this database."""
        async with self.transaction() as connection:
            await connection.execute(SQL["put_setting"], name, value)

    async def close(self) -> None:
        """Gives the connections back; waits for those in use, a few seconds at most."""
        for pool in (self.pool, self._lazy):
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()


async def connect(url: str, connections: int = 10, lanes: int = LANES) -> Database:
    """Connects, and brings the schema up to date first; an empty database is divided into `lanes`. Raises OSError or asyncpg.PostgresError when there is no such database."""
    pool = await _pool(url, connections, "on")
    async with pool.acquire() as connection:
        await migrate(connection, lanes=lanes)
        lanes = int(await connection.fetchval(SQL["setting"], "lanes"))
    return Database(pool, await _pool(url, connections, "off"), lanes)


async def _pool(url: str, connections: int, synchronous_commit: str) -> "asyncpg.Pool[asyncpg.Record]":
    return await asyncpg.create_pool(
        url,
        min_size=0,  # one that keeps a floor logs a stack for each attempt while the server is down
        max_size=connections,
        command_timeout=120,
        reset=_nothing_to_reset,
        server_settings={"application_name": "crossdock", "synchronous_commit": synchronous_commit},
    )


async def _nothing_to_reset(connection: Any) -> None:
    """Connections are used in transactions only and keep no session state; asking the server to forget none costs a round trip."""


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration, in order. A number may be missing; one that stands twice raises ValueError."""
    found = [
        (int(file.name.split("_", 1)[0]), file.name, file.read_text())
        for file in sorted(resources.files(__package__).joinpath("migrations").iterdir(), key=lambda f: f.name)
        if file.name.endswith(".sql")
    ]
    for (number, _, _), (again, name, _) in pairwise(found):
        if number == again:
            raise ValueError(f"migration {name}: there is another {number:03}")
    return found


async def migrate(connection: Any, upto: int | None = None, lanes: int = LANES) -> int:
    """Applies the migrations that this database lacks, each in its own transaction, one process at a time; returns how many."""
    await connection.execute(SQL["lock_migrations"], MIGRATION_LOCK)
    try:
        await connection.execute(SQL["make_migrations"])
        done = {row["number"] for row in await connection.fetch(SQL["applied_migrations"])}
        missing = [m for m in migrations() if m[0] not in done and (upto is None or m[0] <= upto)]
        for number, name, statements in missing:
            async with connection.transaction():
                await connection.execute(statements)
                await connection.execute(SQL["note_migration"], number, name)
                if number == 1:
                    await connection.execute(SQL["divide_into_lanes"], lanes)
        return len(missing)
    finally:
        await connection.execute(SQL["unlock_migrations"], MIGRATION_LOCK)
