"""Routing rules as a plain table."""

from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.crosswalk.routing import Destination, Router
from crossdock.workspace import check, load
from crossdock.workspace.columns import COLUMNS, ROUTED_BY


@pytest.fixture
def table(wholesaler: Path) -> Path:
    (wholesaler / "routing.json").unlink()
    return wholesaler / "routing.csv"


def _site(folder: Path, **words) -> str:
    return Router(load(folder, {}).directory).route(Destination(**{"customer": "acme", **words})).site


def test_the_first_row_that_fits_wins(wholesaler: Path, table: Path) -> None:
    table.write_text(
        "customer,region,weight,warehouse,site\n"
        "blue,,,quick3pl,RENO\n"
        ",CA|NV,,quick3pl,RENO\n"
        ",,> 100.5,quick3pl,RENO\n"
        ",,,quick3pl,COLUMBUS\n"
    )
    assert _site(wholesaler, customer="blue", region="NY") == "RENO"
    assert _site(wholesaler, region="NV") == "RENO"
    assert _site(wholesaler, region="NY", weight=Decimal("100.6")) == "RENO"
    assert _site(wholesaler, region="NY", weight=Decimal("100.5")) == "COLUMBUS"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("acme,,quick4pl,RENO", "did you mean `quick3pl`?"),
        ("acme,,quick3pl,RENNO", "did you mean `RENO`?"),
        ("acme,> > 3,quick3pl,RENO", "`lines` cannot be"),
    ],
)
def test_a_slip_in_a_row_is_found_at_its_line(wholesaler: Path, table: Path, row: str, said: str) -> None:
    table.write_text(f"customer,lines,warehouse,site\nblue,,quick3pl,RENO\n{row}\n")
    found = [p for p in check(wholesaler, {}) if p.severity == "error"]
    assert found
    assert all((p.file, p.line, p.code) == ("routing.csv", 3, "bad-routing") for p in found)
    assert any(said in str(p) for p in found), [str(p) for p in found]


def test_a_table_beside_a_decision_is_one_too_many(wholesaler: Path) -> None:
    (wholesaler / "routing.csv").write_text("warehouse\nquick3pl\n")
    assert [(p.file, p.code) for p in check(wholesaler, {}) if p.severity == "error"] == [("routing.csv", "duplicate")]


def test_rules_may_ask_about_whatever_an_order_tells() -> None:
    assert tuple(ROUTED_BY) == Destination.__struct_fields__
    assert {"warehouse", "site", *ROUTED_BY} <= {c.name for c in COLUMNS["routing.csv"]}
