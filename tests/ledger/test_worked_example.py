"""The worked example of docs/stock.md is worked out from its own tables, and every figure in it is what the ledger says."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.ledger.atp import Promisable, SiteStock, Waiting, atp
from crossdock.ledger.balances import available
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.expected import arrivals
from crossdock.ledger.explanation import explain
from crossdock.ledger.legs import USUAL
from crossdock.ledger.movement import Kind

PAGE = (Path(__file__).parents[2] / "docs" / "stock.md").read_text()

Rows = list[dict[str, str]]


def table(first: str) -> Rows:
    """The rows of the page's one table whose first column is `first`, by column."""
    heads = [part for part in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE) if part.startswith(f"| {first} |")]
    (found,) = heads
    cells = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in found.splitlines()]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


TODAY = date.fromisoformat(re.findall(r"Today is ([0-9-]+)\.", PAGE)[0])
STOCKS = [
    SiteStock(row["site"], *(Decimal(row[name]) for name in ("storage", "allocated", "staging", "reserved", "buffer")))
    for row in table("site")
]
RECEIPTS = [
    ExpectedReceipt(
        source="erp",
        source_id=row["receipt"],
        line="1",
        kind=row["kind"],
        item="COFFEE",
        site=row["site"],
        quantity=Decimal(row["quantity"]),
        received=Decimal(row["received"]),
        due_on=date.fromisoformat(row["due"]),
    )
    for row in table("receipt")
    if "due" in row
]
WAITS = [
    Waiting(
        row["order"],
        row["line"],
        Decimal(row["quantity"]),
        date.fromisoformat(row["wanted"]),
        tuple(row["from"].split(", ")),
    )
    for row in table("order")
]


@pytest.fixture
def promisable() -> Promisable:
    return atp("COFFEE", STOCKS, RECEIPTS, WAITS, TODAY)


def test_what_can_be_promised_is_what_the_page_says(promisable: Promisable) -> None:
    rows = table("ATP on")
    assert len(rows) == 5
    for row in rows:
        on = date.fromisoformat(row["ATP on"])
        for site in ("EAST", "WEST"):
            assert promisable.quantity_on(on, site) == Decimal(row[site]), (on, site)
        assert promisable.quantity_on(on) == Decimal(row["total"]), on


def test_the_page_names_every_day_on_which_something_changes(promisable: Promisable) -> None:
    days = {row["ATP on"] for row in table("ATP on")}
    for site in (None, "EAST", "WEST"):
        assert {on.isoformat() for on, _ in promisable.by_day(site)} <= days


def test_the_balances_are_what_the_page_says(promisable: Promisable) -> None:
    coming = list(arrivals(RECEIPTS, TODAY))
    for row in table("balance on"):
        on = date.fromisoformat(row["balance on"])
        days = (on - TODAY).days
        for stock in STOCKS:
            balance = available(stock.storage, stock.allocated, stock.staging, stock.reserved) - stock.buffer
            balance += sum(quantity for due, quantity, each in coming if each.site == stock.site and due <= days)
            balance -= sum(each.quantity for each in WAITS if each.sites == (stock.site,) and each.on <= on)
            assert balance == Decimal(row[stock.site]), (on, stock.site)
        together = sum(promisable.sites[stock.site].at(days) for stock in STOCKS)
        together -= sum(each.quantity for each in WAITS if len(each.sites) > 1 and each.on <= on)
        assert together == Decimal(row["total"]), on


def test_the_customer_is_told_what_the_page_says(promisable: Promisable) -> None:
    rows = table("wanted")
    assert len(rows) == 5
    for row in rows:
        site = None if row["from"] == "anywhere" else row["from"]
        found = promisable.promise_date(Decimal(row["wanted"]), site=site)
        assert ("never" if found is None else found.isoformat()) == row["can leave on"], row


def test_what_stands_behind_the_figure_is_what_the_page_says(promisable: Promisable) -> None:
    told = explain(promisable, TODAY, "EAST")
    rows = table("cause")
    assert [(c.what, c.quantity, c.source_id) for c in told.causes] == [
        (row["cause"], Decimal(row["quantity"]), row["of"]) for row in rows
    ]
    assert told.figure == sum(Decimal(row["quantity"]) for row in rows)


def test_the_usual_legs_of_every_kind_are_on_the_page() -> None:
    named = {kind for row in table("kind") for kind in re.split(", ", row["kind"])}
    assert named == {str(kind) for kind in Kind}
    legs = {row["kind"]: row["usual legs"] for row in table("kind")}
    for kind in (Kind.RECEIPT, Kind.PUTAWAY, Kind.SHIP, Kind.RETURN):
        origin, destination = USUAL[kind]
        assert legs[kind] == f"{origin} > {destination}"
