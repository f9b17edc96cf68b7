"""Comparisons of stock and variances by HTTP: looked at, left alone, repaired by somebody who answers for it."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from crossdock.flow.fold import fold_once
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.store.database import Database
from crossdock.store.log import FactLog
from crossdock.store.reconcile import StockReconciliation
from crossdock.store.stock_moving import move
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook

from .conftest import Server

Client = Callable[..., httpx.Client]
NIGHT = datetime.now(UTC) - timedelta(hours=20)


@pytest.fixture
def variance(server: Server, client: Client) -> dict[str, Any]:
    """A position of which a system of this test's own says that it has 7 less than we."""
    system, item = f"wms-{secrets.token_hex(3)}", "NW-1001"

    async def work(database: Database) -> None:
        now = datetime.now(UTC)
        moved = Movement(
            source=system,
            source_id="1",
            kind=Kind.RECEIPT,
            item=item,
            site=system,
            quantity=Decimal(50),
            origin=Place.SUPPLIER,
            destination=Place.STORAGE,
            occurred_at=NIGHT - timedelta(days=2),
        )
        async with database.transaction() as connection:
            await move(connection, [moved], now)
        told = Snapshot(
            system=system,
            source_id="s1",
            as_of=NIGHT,
            lines=(SnapshotLine(item, system, Place.STORAGE, Decimal(43)),),
            sites=(system,),
        )
        await StockReconciliation(database).keep(told, now, now)

    server.ask(work)
    ops = client("operations")
    run = ops.post("/v1/reconciliations", json={"system": system})
    assert run.status_code == 200, run.text
    assert (run.json()["differing"], run.json()["found"]) == (1, 1)
    [found] = ops.get("/v1/variances", params={"system": system}).json()["items"]
    return found  # type: ignore[no-any-return]


def test_a_comparison_and_what_it_found_are_listed(client: Client, variance: dict[str, Any]) -> None:
    auditor = client("auditor")
    assert Decimal(variance["quantity"]) == -7 and variance["status"] == "open"
    runs = auditor.get("/v1/reconciliations", params={"system": variance["system"]}).json()["items"]
    assert [run["found"] for run in runs] == [1]
    assert auditor.get(f"/v1/variances/{variance['key']}").json()["theirs"] == variance["theirs"]
    assert auditor.get("/v1/variances/VARIANCE-none").status_code == 404
    assert client("operations").post("/v1/reconciliations", json={"system": "nobody"}).status_code == 404


def test_a_variance_is_left_alone_until_a_moment_to_come(
    client: Client, server: Server, variance: dict[str, Any]
) -> None:
    ops, key = client("operations"), variance["key"]
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    late = ops.post("/v1/variances/ignore", json={"variance": key, "until": "2020-01-01T00:00:00Z", "reason": "x"})
    assert late.status_code == 422
    told = ops.post("/v1/variances/ignore", json={"variance": key, "until": until, "reason": "counted on Friday"})
    assert told.status_code == 200, told.text

    async def fold(database: Database) -> None:
        book = AgreementBook(WorkspaceVersions(database))
        await book.refresh()
        while await fold_once(FactLog(database), book, datetime.now(UTC), 32, 500):
            pass

    server.ask(fold)
    assert ops.get(f"/v1/variances/{key}").json()["milestone"] == "ignored"
    reader = client("finance").post("/v1/variances/ignore", json={"variance": key, "until": until, "reason": "x"})
    assert reader.status_code == 403


def test_a_repair_is_made_of_what_was_approved_and_nothing_else(client: Client, variance: dict[str, Any]) -> None:
    ops, key = client("operations"), variance["key"]
    asked = {"variance": key, "quantity": variance["quantity"], "reason": "recounted twice"}
    other = ops.post("/v1/variances/repair", json={**asked, "quantity": "-8"})
    assert other.status_code == 409 and "was approved" in other.json()["detail"]
    done = ops.post("/v1/variances/repair", json=asked)
    assert done.status_code == 200, done.text
    assert Decimal(done.json()["quantity"]) == 7 and done.json()["origin"] == "storage"
    again = ops.post("/v1/variances/repair", json=asked)
    assert again.status_code == 409
