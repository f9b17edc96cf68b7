"""`crossdock reconcile` as it is typed: a file held against the books, shown, left alone, repaired; and the codes that each ends with."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crossdock.cli import app
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.store.database import connect
from crossdock.store.stock_moving import move

EXAMPLE = Path(__file__).parents[2] / "examples" / "wholesaler"
NOW = datetime.now(UTC)
KEY = "VARIANCE-wms/A-100/EAST/storage"


async def receive(url: str, item: str = "A-100", site: str = "EAST") -> None:
    movement = Movement(
        source="wms",
        source_id=f"r1-{item}",
        kind=Kind.RECEIPT,
        item=item,
        site=site,
        quantity=Decimal(40),
        origin=Place.SUPPLIER,
        destination=Place.STORAGE,
        occurred_at=NOW - timedelta(days=2),
    )
    database = await connect(url)
    async with database.transaction() as connection:
        await move(connection, [movement], NOW)
    await database.close()


@pytest.fixture
def typed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", database_url)
    monkeypatch.setenv("CROSSDOCK_WORKSPACE", str(tmp_path))
    yield tmp_path


def crossdock(*words: str, code: int) -> str:
    result = CliRunner().invoke(app, ["reconcile", *words])
    assert result.exit_code == code, (words, result.output, result.exception)
    return result.stdout


def told(folder: Path, quantity: int) -> str:
    file = folder / f"stock-{quantity}.csv"
    file.write_text(f"item,site,place,quantity\nA-100,EAST,storage,{quantity}\n")
    return str(file)


def test_a_drift_is_found_shown_ignored_and_repaired(typed: Path, database_url: str) -> None:
    asyncio.run(receive(database_url))
    crossdock("stock", "--system", "wms", code=3)
    assert "agree" in crossdock("stock", "--system", "wms", "--file", told(typed, 40), code=0)
    found = json.loads(crossdock("stock", "--system", "wms", "--file", told(typed, 37), "--json", code=1))
    assert [(row["key"], row["quantity"]) for row in found["variances"]] == [(KEY, "-3")]
    assert json.loads(crossdock("show", KEY, "--json", code=0))["variances"][0]["cause"] == "unknown"
    assert KEY in crossdock("show", code=0)
    ignored = ("ignore", KEY, "--until", "2099-01-01T00:00Z", "--reason", "samples", "--who", "ann", "--json")
    assert json.loads(crossdock(*ignored, code=0))["variance"] == KEY
    made = json.loads(crossdock("repair", KEY, "--reason", "counted", "--who", "ann", "--json", code=0))
    assert (made["source"], made["quantity"]) == ("repair", "3")
    crossdock("repair", KEY, "--reason", "again", "--who", "ann", code=1)
    assert json.loads(crossdock("stock", "--system", "wms", "--json", code=0))["variances"] == []


def test_what_is_not_there_or_not_understood_ends_with_its_code(typed: Path) -> None:
    crossdock("show", "VARIANCE-x", code=3)
    crossdock("repair", "VARIANCE-x", "--reason", "x", code=3)
    crossdock("ignore", "VARIANCE-x", "--until", "2099-01-01", "--reason", "x", code=3)
    crossdock("ignore", "VARIANCE-x", "--until", "tomorrow", "--reason", "x", code=2)
    crossdock("stock", "--system", "wms", "--file", str(typed / "none.csv"), code=3)
    (typed / "bad.csv").write_text("item,quantity\nA,1\n")
    crossdock("stock", "--system", "wms", "--file", str(typed / "bad.csv"), code=1)


def test_small_repairs_are_made_together_and_what_is_left_is_named(typed: Path, database_url: str) -> None:
    asyncio.run(receive(database_url))
    crossdock("stock", "--system", "wms", "--file", told(typed, 37), code=1)
    crossdock("repair", "--reason", "monthly", code=2)
    crossdock("repair", KEY, "--free", "--reason", "monthly", code=2)
    done = json.loads(crossdock("repair", "--free", "--reason", "monthly", "--json", code=0))
    assert done["repaired"] == []
    assert done["left"] == [{"variance": KEY, "why": "its value is not known"}]


def test_what_is_worth_no_more_than_is_free_is_repaired_without_a_word_to_each(
    typed: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE, typed / "wholesaler", ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    monkeypatch.setenv("CROSSDOCK_WORKSPACE", str(typed / "wholesaler"))
    assert CliRunner().invoke(app, ["apply"]).exit_code == 0
    for item in ("NW-1001", "NW-1002"):
        asyncio.run(receive(database_url, item, "RENO"))
    small, large = ("VARIANCE-wms/NW-1001/RENO/storage", "VARIANCE-wms/NW-1002/RENO/storage")
    file = typed / "stock.csv"
    # Of the one 3 are missing, of the other 20: 5.76 and 35.40, while 25 is free.
    file.write_text("item,site,quantity\nNW-1001,RENO,37\nNW-1002,RENO,20\n")
    found = json.loads(crossdock("stock", "--system", "wms", "--file", str(file), "--json", code=1))
    assert {(row["key"], row["amount"]) for row in found["variances"]} == {(small, "-5.76"), (large, "-35.40")}
    free = ("repair", "--free", "--reason", "monthly", "--who", "ann", "--json")
    assert json.loads(crossdock(*free, "--system", "erp", code=0)) == {"repaired": [], "left": []}
    done = json.loads(crossdock(*free, code=0))
    assert [(m["reference"], m["quantity"], m["reason"]) for m in done["repaired"]] == [(small, "3", "monthly")]
    assert done["left"] == [{"variance": large, "why": "it is worth more than 25"}]
    again = json.loads(crossdock("stock", "--system", "wms", "--json", code=1))
    assert [row["key"] for row in again["variances"]] == [large], "our books agree about the other one now"
