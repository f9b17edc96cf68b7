"""`crossdock channels` and `crossdock offer` as they are typed, on a workspace that keeps stock: what is offered, what was told, why, and the codes that they end with."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli import app
from crossdock.cli.channels import in_force
from crossdock.flow.publish import publish_once
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.store.channels import ChannelFeeds
from crossdock.store.database import connect
from crossdock.store.stock_moving import move

EXAMPLE = Path(__file__).parents[2] / "examples" / "wholesaler"
NOW = datetime.now(UTC)


async def receive(url: str, source: str = "quick3pl", **goods: int) -> None:
    told = [
        Movement(
            source=source,
            source_id=f"R/{item}/{quantity}",
            kind=Kind.RECEIPT,
            item=item.replace("_", "-"),
            site="RENO",
            quantity=Decimal(quantity),
            origin=Place.SUPPLIER,
            destination=Place.STORAGE,
            occurred_at=NOW,
        )
        for item, quantity in goods.items()
    ]
    database = await connect(url)
    async with database.transaction() as connection:
        await move(connection, told, NOW)
    await database.close()


async def publish(url: str) -> None:
    database = await connect(url)
    selling = await in_force(database)
    await publish_once(ChannelFeeds(database), selling, datetime.now(UTC))
    await database.close()


@pytest.fixture
def url(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example's workspace applied, and a hundred of one item received at Reno."""
    workspace = tmp_path / "wholesaler"
    shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", database_url)
    monkeypatch.setenv("CROSSDOCK_WORKSPACE", str(workspace))
    crossdock("apply", "--who", "ann")
    asyncio.run(receive(database_url, NW_1003=100))
    yield database_url


def crossdock(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, (words, result.output, result.exception)
    return result.stdout


def test_a_channel_that_was_told_nothing_yet_shows_so_and_then_what_it_was_told(url: str) -> None:
    before = json.loads(crossdock("channels", "--json"))
    assert {(row["channel"], row["format"], row["sequence"]) for row in before["channels"]} == {
        ("shop", "json", 0),
        ("acme", "x12", 0),
    }
    asyncio.run(publish(url))
    after = {row["channel"]: row for row in json.loads(crossdock("channels", "--json"))["channels"]}
    assert (after["shop"]["sequence"], after["shop"]["told"], after["shop"]["offered"]) == (1, 1, 1)
    assert len(after["shop"]["undelivered"]) <= 1
    assert after["acme"]["sequence"] == 0, "there is nothing at its site to tell of"
    (source,) = json.loads(crossdock("channels", "--json"))["sources"]
    assert source["system"] == "quick3pl"
    assert "shop" in crossdock("channels")


def test_an_offer_says_how_it_comes_about_beside_what_was_told_last(url: str) -> None:
    asyncio.run(publish(url))
    asyncio.run(receive(url, NW_1003=50))
    (row,) = json.loads(crossdock("offer", "shop", "NW-1003", "--json"))
    assert (row["site"], Decimal(row["available"]), Decimal(row["offered"]), Decimal(row["told"])) == (
        "RENO",
        150,
        120,
        80,
    )
    assert any("80 % of the rest" in step for step in row["steps"])
    assert "80 % of the rest" in crossdock("offer", "shop", "--explain")


def test_everything_is_told_anew_when_somebody_asks_for_it(url: str) -> None:
    asyncio.run(publish(url))
    crossdock("offer", "shop", "--full")
    asyncio.run(publish(url))
    after = {row["channel"]: row["sequence"] for row in json.loads(crossdock("channels", "--json"))["channels"]}
    assert after["shop"] == 2


def test_a_channel_or_item_that_is_not_there_ends_with_its_code(url: str) -> None:
    crossdock("offer", "bazaar", code=3)
    crossdock("offer", "shop", "NW-9999", code=3)


def test_the_books_of_stock_are_proven_by_rebuild_and_a_figure_that_is_wrong_is_named(url: str) -> None:
    sound = json.loads(crossdock("rebuild", "--json"))
    assert (sound["movements"], sound["stock"]) == (1, [])

    async def spoil() -> None:
        database = await connect(url)
        async with database.pool.acquire() as connection:
            await connection.execute("UPDATE stock SET storage = storage + 1")
        await database.close()

    asyncio.run(spoil())
    wrong = json.loads(crossdock("rebuild", "--json", code=1))["stock"]
    assert {(row["item"], row["site"], row["name"]) for row in wrong} == {("NW-1003", "RENO", "storage")}
    assert "NW-1003 RENO" in crossdock("rebuild", code=1)
