"""The pages of partners: scorecards, what is late, what is missing."""

from typing import Any

from dashboard_server import Browser, Dashboard  # type: ignore[import-not-found,unused-ignore]


def test_every_partner_has_its_scorecard(ann: Browser) -> None:
    html = ann.get("/partners").text
    for name in ("ACME Retail", "Blue Market", "Quick 3PL"):
        assert name in html
    assert "Blue Market" not in ann.get("/partners?q=acme").text
    assert "No partner has this in its name." in ann.get("/partners?q=zzz").text


def test_missing_acknowledgements_are_those_past_their_time(traded: Dashboard, ann: Browser) -> None:
    async def missing(database: Any) -> int:
        async with database.pool.acquire() as connection:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM obligations WHERE kind = 'functional-ack' AND debtor = 'blue' AND due_at < now()"
                " AND status IN ('waiting', 'refused', 'blocked', 'ready')"
            )
        return count

    count = traded.ask(missing)
    assert count > 0
    html = ann.get("/partners/blue").text
    assert f'<span class="name">Missing 997s</span><span class="value bad">{count}</span>' in html


def test_a_partners_page_shows_its_own_orders_and_messages_alone(ann: Browser) -> None:
    html = ann.get("/partners/blue").text
    assert "Last messages" in html and "blue-0000" in html and "acme-0000" not in html
    assert "ZZ/BLUEMARKET" in html


def test_an_unknown_partner_is_not_found(ann: Browser) -> None:
    assert ann.get("/partners/nobody").status_code == 404


def test_a_partner_is_refused(partner: Browser) -> None:
    assert partner.get("/partners").status_code == 403
    assert partner.get("/partners/acme").status_code == 403
    assert partner.get("/partners/blue").status_code == 403
