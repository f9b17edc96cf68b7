"""The page of key figures, and its CSV."""

import csv
import io
from typing import Any

import pytest
from dashboard_server import Browser, Dashboard  # type: ignore[import-not-found,unused-ignore]
from markupsafe import escape

from crossdock.dashboard.pages.kpis import harmless
from crossdock.store.figures import KPIS


def rows(browser: Browser, path: str) -> list[dict[str, str]]:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_every_key_figure_has_a_card_with_its_value(ann: Browser) -> None:
    html = ann.get("/kpis?days=90").text
    for kpi in KPIS.values():
        assert f">{kpi.name}</span>" in html
    assert "no cases" not in html


@pytest.mark.parametrize("kpi", KPIS)
def test_each_has_a_page_by_day_and_by_member(ann: Browser, kpi: str) -> None:
    answer = ann.get(f"/kpis?days=90&kpi={kpi}&by=channel")
    assert answer.status_code == 200
    assert escape(KPIS[kpi].words) in answer.text
    assert 'role="img"' in answer.text and "<path d=" in answer.text


def test_the_csv_holds_what_the_cards_sum(ann: Browser) -> None:
    by_day = rows(ann, "/kpis.csv?days=90")
    by_partner = rows(ann, "/kpis.csv?days=90&by=partner")
    for kpi in ("fill", "order-cycle"):
        total = sum(float(row["cases"]) for row in by_day if row["kpi"] == kpi)
        assert total > 0
        assert total == sum(float(row["cases"]) for row in by_partner if row["kpi"] == kpi)
    acme = rows(ann, "/kpis.csv?days=90&of=partner:acme")
    assert {row["member"] for row in acme} == {"acme"}


def test_a_cell_that_begins_like_a_formula_is_told_as_text(traded: Dashboard, ann: Browser) -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert harmless(text) == f"'{text}"
    assert harmless("acme") == "acme"

    async def plant(database: Any) -> None:
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO figures VALUES ('site', 'fill', '=HYPERLINK(\"http://x\",\"y\")', current_date, 0, 1, 1) ON CONFLICT DO NOTHING"
            )

    traded.ask(plant)
    found = rows(ann, "/kpis.csv?days=7&by=site")
    assert '\'=HYPERLINK("http://x","y")' in {row["site"] for row in found}
    page = ann.get("/kpis?kpi=fill&by=site").text
    assert "=HYPERLINK(&#34;http://x&#34;" in page and '("http://x"' not in page


def test_a_partner_is_refused(partner: Browser) -> None:
    for path in ("/kpis", "/kpis.csv", "/kpis?of=partner:blue", "/kpis.csv?of=partner:blue"):
        assert partner.get(path).status_code == 403, path


@pytest.mark.parametrize(
    "path", ["/kpis?days=0", "/kpis?days=100000", "/kpis?by=nonsense", "/kpis?days=x", "/kpis.csv?by=x"]
)
def test_what_cannot_be_asked_is_no_defect(ann: Browser, path: str) -> None:
    assert 400 <= ann.get(path).status_code < 500


@pytest.mark.parametrize("path", ["/kpis?kpi=none", "/kpis?of=partner:nobody", "/kpis?of=%00", "/kpis?of=x:y"])
def test_an_odd_filter_shows_a_page(ann: Browser, path: str) -> None:
    assert ann.get(path).status_code == 200
