"""What tests of the flow share: a hub on a database that has forgotten the test before."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from crossdock.store.database import connect
from crossdock.store.embedded import Embedded

from .hub import Hub


@pytest.fixture(scope="session")
def flow_url(postgres: Embedded) -> Iterator[str]:
    """The address of a database that tests of the flow use one after the other; making one for each is most of what they would take."""

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(admin("CREATE DATABASE flow"))
    yield postgres.url.replace("/postgres?", "/flow?")
    asyncio.run(admin("DROP DATABASE flow WITH (FORCE)"))


@pytest.fixture
async def hub(flow_url: str) -> AsyncIterator[Hub]:
    """The flow on an empty database."""
    database = await connect(flow_url)
    hub = Hub(database)
    await hub.forget()
    yield hub
    await database.close()
