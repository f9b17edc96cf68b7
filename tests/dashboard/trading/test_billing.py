"""The page of what waits to be billed."""

import re
from typing import Any

from dashboard_server import Browser, Dashboard  # type: ignore[import-not-found,unused-ignore]


async def open_invoices(database: Any) -> list[Any]:
    async with database.pool.acquire() as connection:
        found: list[Any] = await connection.fetch(
            "SELECT * FROM obligations WHERE kind = 'invoice' AND status IN ('blocked', 'ready', 'waiting', 'refused')"
        )
    return found


def orders_in(html: str) -> list[str]:
    return re.findall(r'class="id" href="/orders/(SO-\d+)"', html)


def test_all_that_waits_is_told_with_what_it_waits_for(traded: Dashboard, ann: Browser) -> None:
    html, rows = ann.get("/billing").text, traded.ask(open_invoices)
    assert len(rows) > 5
    assert f">{len(rows)} invoices<" in html
    assert "the tax service answers" in html
    first = min((row for row in rows if row["due_at"]), key=lambda row: row["due_at"])
    assert orders_in(html)[0] == first["key"], "the first due stands first"


def test_it_is_narrowed_by_customer_and_by_checkpoint(traded: Dashboard, ann: Browser) -> None:
    rows = traded.ask(open_invoices)
    blue = {row["key"] for row in rows if row["creditor"] == "blue"}
    assert set(orders_in(ann.get("/billing?partner=blue").text)) == blue
    taxed = {row["key"] for row in rows if any(b.startswith("tax-received") for b in row["blocked_by"])}
    html = ann.get("/billing?waits=tax-received").text
    assert set(orders_in(html)) <= taxed and orders_in(html)
    assert "No invoice is held up with this filter." in ann.get("/billing?partner=nobody").text


def test_every_invoice_is_on_one_page_or_the_next(traded: Dashboard, ann: Browser) -> None:
    from crossdock.store.trading import Trading, place_of

    async def walk(database: Any) -> list[str]:
        seen: list[str] = []
        after = None
        while page := await Trading(database).to_bill(after=after, limit=7):
            seen += [row.id for row in page]
            after = place_of(page[-1])
        return seen

    seen = traded.ask(walk)
    assert sorted(seen) == sorted(row["id"] for row in traded.ask(open_invoices))


def test_only_one_partners_invoices_are_read_for_it(traded: Dashboard) -> None:
    from crossdock.store.trading import Trading

    async def of_acme(database: Any) -> set[str]:
        trading = Trading(database)
        return {row.partner for row in await trading.to_bill(partner="blue", only="acme")} | {
            row.partner for row in await trading.to_bill(only="acme", limit=500)
        }

    assert traded.ask(of_acme) == {"acme"}


def test_a_partner_is_refused(partner: Browser) -> None:
    assert partner.get("/billing").status_code == 403
    assert partner.get("/billing?partner=acme").status_code == 403


def test_a_cursor_of_another_list_is_refused(ann: Browser) -> None:
    assert ann.get("/billing?cursor=AAAA").status_code == 400
