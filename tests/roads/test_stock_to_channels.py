"""From a movement to what a channel reads: JSON over real HTTP, and an 846 in a folder."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, ignore_patterns
from threading import Thread
from typing import Any, ClassVar

from crossdock.flow.fold import fold_once
from crossdock.flow.offering import sellings
from crossdock.flow.publish import publish_once
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.store.channels import ChannelFeeds
from crossdock.store.database import Database
from crossdock.store.log import FactLog
from crossdock.store.stock_moving import move
from crossdock.store.versions import WorkspaceVersions
from crossdock.testing.tables import without_stock
from crossdock.wiring import AgreementBook, KeptVersions, Systems, make_worker
from crossdock.workspace import digest, load, snapshot

WHOLESALER = Path(__file__).parents[2] / "examples" / "wholesaler"


class Shop(BaseHTTPRequestHandler):
    """A web shop that takes what it is told."""

    told: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def workspace(folder: Path, port: int) -> Path:
    """The wholesaler with stock, a shop by HTTP and a marketplace by 846."""
    copytree(WHOLESALER, folder, ignore=ignore_patterns("mailboxes", ".crossdock"))
    without_stock(folder)
    toml = folder / "crossdock.toml"
    toml.write_text(toml.read_text() + "\n[stock]\nbuffer = 2\n")
    (folder / "channels").mkdir()
    (folder / "channels" / "shop.toml").write_text('system = "shop"\ndelta_seconds = 0\nshare_percent = 50\n')
    (folder / "channels" / "market.toml").write_text('system = "acme"\ndelta_seconds = 0\n')
    (folder / "systems" / "shop.toml").write_text(
        f'role = "other"\nconnector = "http"\n[settings]\nbase_url = "http://127.0.0.1:{port}"\n'
        '[settings.documents.inventory-advice]\npath = "/v1/stock"\n'
    )
    return folder


def receipt(number: int, quantity: int, now: datetime) -> Movement:
    return Movement(
        source="quick3pl",
        source_id=f"R{number}",
        kind=Kind.RECEIPT,
        item="NW-1001",
        site="RENO",
        quantity=Decimal(quantity),
        origin=Place.SUPPLIER,
        destination=Place.STORAGE,
        occurred_at=now,
    )


async def test_a_movement_in_goes_out_to_every_channel(database: Database, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    Thread(target=server.serve_forever, daemon=True).start()
    folder = workspace(tmp_path / "wholesaler", server.server_address[1])
    environ = {"MAILBOXES": str(tmp_path / "mail"), "ERP_TOKEN": "a", "TAX_API_KEY": "b", "ERP_WEBHOOK_SECRET": "c"}
    data = snapshot(load(folder, environ))
    versions = KeptVersions(database)
    await versions.activate(await versions.put(data, "test", "", digest(data)), 0)
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    loaded = book.current
    assert loaded is not None
    assert loaded.stock is not None
    worker = make_worker(database, Systems(loaded, environ, folder), book, 1, receives=False)
    selling = sellings(loaded.stock, loaded.channels, {"NW-1001": "EA"})
    feeds = ChannelFeeds(database)

    async def work() -> None:
        now = datetime.now(UTC)
        await publish_once(feeds, selling, now)
        for _ in range(3):
            while await fold_once(FactLog(database), book, now):
                pass
            for dispatch in worker.dispatches:
                while await dispatch.step():
                    await dispatch.drain()
                await dispatch.drain()

    for number, quantity in enumerate((12, 30)):
        now = datetime.now(UTC)
        async with database.transaction() as connection:
            await move(connection, [receipt(number, quantity, now)], now)
        await work()
    server.shutdown()
    for dispatch in worker.dispatches:
        await dispatch.close()
    levels = [line["levels"][0]["quantity"] for told in Shop.told for line in told["lines"]]
    assert [(told["number"], told.get("purpose", "original")) for told in Shop.told] == [
        ("1", "original"),
        ("2", "change"),
    ]
    assert [Decimal(level) for level in levels] == [5, 20]
    files = sorted(path.read_text() for path in (tmp_path / "mail" / "acme" / "from-us").iterdir() if path.is_file())
    assert len(files) == 2
    assert all("ST*846*" in text and "NW-1001" in text for text in files)
    assert "*10*EA" in files[0]
    assert "*40*EA" in files[1]
