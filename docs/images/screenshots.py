"""The pictures of the dashboard in README and docs: `make screenshots`. Runs the demo, serves what it left, and looks at the main pages in Chromium."""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from crossdock.dashboard import passwords
from crossdock.store.access import Access
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded

HERE = Path(__file__).parent
PERSON, PASSWORD = "ann", secrets.token_urlsafe(16)
WIDTH, HEIGHT = 1360, 860

PAGES = {
    "today": "/",
    "order": "/orders/ACME-PO100019",
    "exceptions": "/exceptions",
    "message": "/messages/58",
    "stock": "/stock",
    "billing": "/billing",
    "partners": "/partners",
    "flows": "/flows",
    "kpis": "/kpis",
}
"""What is looked at in light, by the name of its picture."""
DARK, PHONE = ("today",), ("order",)


def main() -> None:
    """Makes them all; ends with 1 where there is no Chromium."""
    chromium = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if chromium is None:
        sys.exit("Chromium is needed for this")
    with tempfile.TemporaryDirectory(prefix="crossdock-pictures-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        kept = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "demo"
        if len(sys.argv) < 2:
            subprocess.run(
                [sys.executable, "-m", "crossdock", "demo", "--keep", str(kept), "--json"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        workspace = kept / "workspace"
        server = Embedded(workspace / ".crossdock")
        try:
            asyncio.run(_let_in(server.url))
            _look(workspace, chromium)
        finally:
            server.stop()


async def _let_in(url: str) -> None:
    database = await connect(url, 2)
    hashed = passwords.hashed(PASSWORD, secrets.token_bytes(16))
    await Access(database).put_person(PERSON, "Ann", "admin", datetime.now(UTC), "", hashed)
    await database.close()


def _look(workspace: Path, chromium: str) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    command = [sys.executable, "-m", "crossdock", "serve", "-w", str(workspace), "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env={**os.environ}, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            for scheme, width, names in (("light", WIDTH, tuple(PAGES)), ("dark", WIDTH, DARK), ("light", 390, PHONE)):
                context = browser.new_context(
                    base_url=f"http://127.0.0.1:{port}",
                    viewport={"width": width, "height": HEIGHT},
                    color_scheme="dark" if scheme == "dark" else "light",
                    timezone_id="America/Chicago",
                )
                page = context.new_page()
                page.set_default_timeout(60_000)
                _sign_in(page)
                for name in names:
                    mark = "-phone" if width < 500 else "-dark" if scheme == "dark" else ""
                    page.goto(PAGES[name])
                    page.wait_for_timeout(1200)
                    page.screenshot(path=HERE / f"dashboard-{name}{mark}.png")
                context.close()
            browser.close()
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server does not serve")


def _sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("#person", PERSON)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("text=Orders in flight")


if __name__ == "__main__":
    main()
