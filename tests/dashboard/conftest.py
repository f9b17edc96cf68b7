"""What tests of the dashboard share.

`dashboard` is one server for the session and is there to be read; `own` is a test's own, with nobody in it yet. Browser tests ask for `chromium`.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dashboard_server import CHROMIUM, Dashboard, serving  # type: ignore[import-not-found,unused-ignore]  # found on the path above
from sign_on_provider import Provider  # type: ignore[import-not-found,unused-ignore]

from crossdock.store.embedded import Embedded


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """An identity provider."""
    found = Provider()
    yield found
    found.close()


@pytest.fixture(scope="session")
def dashboard(postgres: Embedded, provider: Provider) -> Iterator[Dashboard]:
    """A server with orders of acme and blue, an exception, a held message, a dead letter, and people of every role."""
    with serving(postgres, f"dashboard_{os.getpid()}", provider) as found:
        yield found


@pytest.fixture
def own(postgres: Embedded) -> Iterator[Dashboard]:
    """A server at its first start: nobody has been there."""
    with serving(postgres, f"own_{os.getpid()}_{secrets.token_hex(3)}", populated=False) as found:
        yield found


def needs_chromium() -> None:
    """Skips where there is no Chromium; in continuous integration (CI=true) that is a failure."""
    if CHROMIUM:
        return
    if os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed; the tests of pages in a browser have to run here")
    pytest.skip("Chromium is not installed; install it and the pages are tried in a browser, too")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A Chromium for the module. Playwright keeps an event loop running in this thread until it is left, so no other test may run meanwhile that wants one."""
    needs_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()
