"""A server with forty days of trade behind it, to be read."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dashboard_server import Browser, Dashboard, people, serving  # type: ignore[import-not-found,unused-ignore]  # found by the folder's conftest
from trade_population import present, trade  # type: ignore[import-not-found,unused-ignore]

from crossdock.store.database import Database
from crossdock.store.embedded import Embedded


@pytest.fixture(scope="session")
def traded(postgres: Embedded) -> Iterator[Dashboard]:
    """Orders of acme and blue at every stage, stock, and people of every role."""
    with serving(postgres, f"traded_{os.getpid()}", populated=False) as found:

        async def fill(database: Database) -> None:
            await people(database)
            await trade(database, present(), orders=120)

        found.ask(fill)
        yield found


@pytest.fixture(scope="session")
def ann(traded: Dashboard) -> Browser:
    """A browser of the administrator's."""
    return traded.signed_in("ann")


@pytest.fixture(scope="session")
def partner(traded: Dashboard) -> Browser:
    """A browser of acme's."""
    return traded.signed_in("acme-desk")


@pytest.fixture
def window(traded: Dashboard, ann: Browser, chromium: Any) -> Iterator[Any]:
    """A page of a real browser, signed in as the administrator; a script that is refused or fails is an error."""
    context = chromium.new_context(base_url=traded.url, viewport={"width": 1360, "height": 900})
    context.add_cookies([{"name": "crossdock", "value": ann.client.cookies["crossdock"], "url": traded.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints, complaints
