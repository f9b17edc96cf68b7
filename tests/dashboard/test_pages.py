"""What pages show, to whom, and what people do on them, as a browser without script sees it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard_server import Dashboard, api, serving  # type: ignore[import-not-found,unused-ignore]

from crossdock.facts.codec import type_of
from crossdock.store.access import Access
from crossdock.store.database import Database
from crossdock.store.embedded import Embedded
from crossdock.store.lookup import Lookup
from crossdock.store.operations import Operations

MINE = ("/", "/search", "/orders/SO-A7", "/exceptions", "/exceptions/SO-A7/price-mismatch/1", "/messages", "/replay")


@pytest.fixture(scope="module")
def changing(postgres: Embedded) -> Iterator[Dashboard]:
    """A server whose orders these tests change."""
    with serving(postgres, "pages_that_change") as found:
        yield found


def test_today_says_what_is_in_flight_what_is_late_and_how_systems_do(dashboard: Dashboard) -> None:
    html = dashboard.signed_in("olga").get("/").text
    for words in ("Orders in flight", "Late, by us", "Late, by others", "Systems", "Freshness of stock", "Throughput"):
        assert words in html
    assert "SO-A1" in html or "SO-B1" in html, "what is late is named"
    assert "Price mismatch" in html


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("PO-A3", "SO-A3"),
        ("po-a3", "SO-A3"),
        ("SO-B", "SO-B4"),
        ("BOL-SHP-A6", "SO-A6"),
        ("HP-B6", "SO-B6"),
        ("1ZSHP-A6", "SO-A6"),
    ],
)
def test_a_reference_or_its_beginning_or_its_end_leads_to_the_order(
    dashboard: Dashboard, typed: str, found: str
) -> None:
    browser = dashboard.signed_in("olga")
    assert f'href="/orders/{found}"' in browser.get("/search", params={"q": typed}).text
    assert f'href="/orders/{found}"' in browser.get("/search", params={"q": typed, "part": "1"}).text


@pytest.mark.parametrize(
    "typed", ["%", "_", "PO-A3' OR '1'='1", "\\", "<script>alert(1)</script>", "\U0010ffff", "x" * 300]
)
def test_odd_references_find_nothing_and_break_nothing(dashboard: Dashboard, typed: str) -> None:
    answer = dashboard.signed_in("olga").get("/search", params={"q": typed})
    assert answer.status_code == 200 and "Nothing is known by" in answer.text
    assert "<script>alert" not in answer.text


def test_orders_are_listed_by_where_they_stand(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    listed = browser.get("/search", params={"milestone": "received"}).text
    assert 'href="/orders/SO-A1"' in listed and 'href="/orders/SO-A6"' not in listed
    blue = browser.get("/search", params={"partner": "blue"}).text
    assert "SO-B1" in blue and "SO-A1" not in blue


def test_the_order_page_says_why_it_is_not_invoiced(dashboard: Dashboard) -> None:
    html = dashboard.signed_in("olga").get("/orders/SO-A6").text
    assert "What it waits for" in html
    assert re.search(r"invoice", html) and "Tax" in html
    for words in ("Lines", "What is owed", "What happened", "Documents", "Lineage", "<svg", "BOL-SHP-A6"[:3]):
        assert words in html
    assert "ITEM-1" in html and "ITEM-2" in html


def test_a_message_is_shown_in_words_beside_its_raw_text(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    held = browser.get("/messages", params={"status": "held"}).text
    number = re.search(r'href="/messages/(\d+)"', held)
    assert number is not None
    html = browser.get(f"/messages/{number[1]}").text
    assert "ISA*00*torn" in html and "Mend it" in html
    raw = browser.get(f"/messages/{number[1]}/raw")
    assert raw.content == b"ISA*00*torn" and raw.headers["content-type"] == "application/octet-stream"
    assert "attachment" in raw.headers["content-disposition"]


def test_what_a_role_may_not_do_is_not_shown_and_is_refused(dashboard: Dashboard) -> None:
    auditor, finance = dashboard.signed_in("aude"), dashboard.signed_in("fred")
    page = auditor.get("/exceptions/SO-A7/price-mismatch/1").text
    assert "Accept:" not in page and "Assign to" not in page
    assert auditor.post("/exceptions/act", id="SO-A7/price-mismatch/1", action="comment", note="x").status_code == 403
    assert auditor.post("/retry", ids="SO-A1/credit-check", sure="yes").status_code == 403
    assert 'href="/replay"' not in auditor.get("/").text
    assert (
        auditor.get("/replay").status_code == 403 and auditor.post("/replay", what="1", sure="yes").status_code == 403
    )
    number = re.search(r'href="/messages/(\d+)"', finance.get("/messages", params={"status": "held"}).text)
    assert number is not None
    shown = finance.get(f"/messages/{number[1]}").text
    assert "raw-text" not in shown and "Mend it" not in shown, "finance does not see raw messages"
    assert finance.get(f"/messages/{number[1]}/raw").status_code == 403
    assert finance.post(f"/messages/{number[1]}/mend", text="x", reason="y").status_code == 403


def test_a_partner_sees_its_own_orders_and_nothing_else(dashboard: Dashboard) -> None:
    desk = dashboard.signed_in("acme-desk")
    assert "SO-A3" in desk.get("/").text and "SO-B" not in desk.get("/").text
    assert desk.get("/orders/SO-A6").status_code == 200
    assert "quick3pl" not in re.sub(r"<nav.*?</nav>", "", desk.get("/orders/SO-A6").text, flags=re.DOTALL)
    for path in ("/orders/SO-B6", "/orders/NO-SUCH"):
        assert desk.get(path).status_code == 404
    assert desk.get("/orders/SO-B6").text == desk.get("/orders/SO-B6").text
    for typed in ("SO-B6", "PO-B", "BOL-SHP-B6", "SO-"):
        assert "/orders/SO-B" not in desk.get("/search", params={"q": typed, "part": "1"}).text
    assert "SO-B" not in desk.get("/search", params={"partner": "blue", "milestone": "received"}).text
    for path in ("/exceptions", "/messages", "/today/live", "/replay"):
        assert desk.get(path).status_code == 403, path


def test_every_page_has_one_permission_or_is_the_door() -> None:
    from crossdock.dashboard.app import pages

    opened = {"/sign-in", "/sign-out", "/set-up/{token:str}", "/sign-in/oidc", "/sign-in/oidc/callback"}
    seen = set()
    for router in pages():
        for route in router.routes:
            for handler in getattr(route, "route_handlers", ()):
                if handler.http_methods == {"OPTIONS"}:  # the framework's own, which tells the others' methods
                    continue
                seen.add(route.path)
                needed = [guard.permission for guard in handler.resolve_guards() if hasattr(guard, "permission")]
                assert len(needed) == (route.path not in opened), route.path
    assert {"/", "/search", "/orders/{key:str}", "/exceptions", "/messages", "/replay"} <= seen


def test_an_exception_is_taken_on_spoken_of_put_off_and_found_by_a_saved_filter(changing: Dashboard) -> None:
    browser, id_ = changing.signed_in("olga"), "SO-B7/price-mismatch/1"
    assert browser.post("/exceptions/act", id=id_, action="assign", assignee="me").status_code == 303
    assert browser.post("/exceptions/act", id=id_, action="comment", note="asked the buyer").status_code == 303
    page = browser.get(f"/exceptions/{id_}").text
    assert "Assigned to olga" in page and "asked the buyer" in page
    assert id_ in browser.get("/exceptions", params={"assignee": "me"}).text
    browser.post("/exceptions/act", id=id_, action="snooze", hours=4, note="until they answer")
    assert id_ not in browser.get("/exceptions").text
    assert id_ in browser.get("/exceptions", params={"snoozed": "only"}).text
    browser.post("/exceptions/act", id=id_, action="wake")
    browser.post("/exceptions/filters", name="Mine", query="assignee=me")
    assert 'href="/exceptions?assignee=me"' in browser.get("/exceptions").text
    assert "Mine" not in changing.signed_in("ivan").get("/exceptions").text

    async def lines(database: Database) -> list[dict[str, Any]]:
        return await Access(database).audit_lines(subject=id_)

    told = [(line["who"], line["what"]) for line in changing.ask(lines)]
    assert ("user:olga", "dashboard: assign") in told and ("user:olga", "dashboard: snooze") in told


def test_a_decision_needs_a_reason_and_is_a_fact(changing: Dashboard) -> None:
    browser, id_ = changing.signed_in("olga"), "SO-A7/price-mismatch/1"
    browser.post("/exceptions/act", id=id_, action="accept", note="")
    assert "Say why" in browser.get("/exceptions").text
    assert browser.post("/exceptions/act", id=id_, action="accept", note="agreed by phone").status_code == 303

    async def facts(database: Database) -> list[str]:
        lookup = Lookup(database)
        return [type_of(fact.data)[0] for fact in await lookup.latest_facts(5)]

    assert "order.price-approved" in changing.ask(facts)


def test_a_decision_on_what_has_changed_meanwhile_is_refused(changing: Dashboard) -> None:
    browser, id_ = changing.signed_in("olga"), "SO-B7/price-mismatch/1"
    mark = re.search(r'name="mark" value="([^"]+)"', browser.get(f"/exceptions/{id_}").text)
    assert mark is not None
    changing.signed_in("ivan").post("/exceptions/act", id=id_, action="comment", note="wait")
    late = browser.post("/exceptions/act", id=id_, action="accept", note="yes", mark=mark[1])
    assert late.status_code == 412 and "look again" in late.text


def test_dead_letters_are_tried_again_after_a_preview_only(changing: Dashboard) -> None:
    browser = changing.signed_in("ivan")

    async def status(database: Database) -> str:
        rows = await Operations(database).deliveries_by_id(["SO-A1/credit-check"], None)
        return str(rows[0]["status"])

    preview = browser.post("/retry", ids="SO-A1/credit-check", back="/exceptions")
    assert preview.status_code == 200 and "Nothing has been done yet" in preview.text
    assert changing.ask(status) == "dead"
    assert browser.post("/retry", ids="SO-A1/credit-check", sure="yes", back="/exceptions").status_code == 303
    assert changing.ask(status) == "queued"


def test_a_held_message_is_mended_and_the_original_is_kept_beside(changing: Dashboard) -> None:
    browser = changing.signed_in("ivan")
    number = re.search(r'href="/messages/(\d+)"', browser.get("/messages", params={"status": "held"}).text)
    assert number is not None
    done = browser.post(
        f"/messages/{number[1]}/mend", text="ISA*00*better\r\nGS*", line_end="lf", reason="torn in transit"
    )
    assert done.status_code == 303
    edit = done.headers["location"].rsplit("/", 1)[1]
    assert browser.get(f"/messages/{edit}/raw").content == b"ISA*00*better\nGS*"
    assert browser.get(f"/messages/{number[1]}/raw").content == b"ISA*00*torn"
    assert f"message {edit}" in browser.get(f"/messages/{number[1]}").text
    again = browser.post(f"/messages/{number[1]}/mend", text="x", line_end="lf", reason="again")
    assert again.status_code == 409


def test_a_replay_is_previewed_and_does_nothing_twice(changing: Dashboard) -> None:
    browser = changing.signed_in("ivan")
    preview = browser.post("/replay", what="SO-B6")
    assert "nothing has been done yet" in preview.text and "Known already" in preview.text
    done = browser.post("/replay", what="SO-B6", sure="yes")
    assert done.headers["location"] == "/replay"
    assert "Nothing was new" in browser.get("/replay").text
    assert "no message or process NO-SUCH" in browser.post("/replay", what="NO-SUCH").text


def test_a_page_that_is_not_there_says_so(dashboard: Dashboard) -> None:
    answer = dashboard.signed_in("olga").get("/orders/NO-SUCH")
    assert answer.status_code == 404 and "There is no such page or thing" in answer.text


def test_times_are_told_in_the_viewers_zone(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    html = browser.get("/orders/SO-A6").text
    browser.client.cookies.set("zone", "Asia/Tokyo")
    there = browser.get("/orders/SO-A6").text
    assert 'data-zone="Asia/Tokyo"' in there and there != html
    browser.client.cookies.set("zone", "../../etc/passwd")
    assert 'data-zone="UTC"' in browser.get("/orders/SO-A6").text


def test_words_of_outsiders_are_escaped(changing: Dashboard) -> None:
    async def tell(database: Database) -> None:
        from datetime import UTC, datetime

        from crossdock.facts import Fact
        from crossdock.store.log import FactLog

        now = datetime.now(UTC)
        data = api.received("acme", '<b onclick="x">PO</b>', api.ordered("<i>1</i>", 3))
        await FactLog(database).record([Fact(key="SO-X", data=data, source="t", source_id="x", occurred_at=now)], now)
        from crossdock.flow.fold import fold_once
        from crossdock.store.versions import WorkspaceVersions
        from crossdock.wiring import AgreementBook

        book = AgreementBook(WorkspaceVersions(database))
        await book.refresh()
        while await fold_once(FactLog(database), book, now, 32, 500):
            pass

    changing.ask(tell)
    html = changing.signed_in("olga").get("/orders/SO-X").text
    assert "<b onclick" not in html and "&lt;b onclick" in html


def test_live_panels_come_when_they_have_changed(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    seen: list[str] = []
    with browser.client.stream("GET", "/today/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
            if seen.count("at") == 2:
                break
    first = seen[: seen.index("at")]
    assert set(first) == {"figures", "flight", "throughput", "trouble", "ours", "theirs", "systems", "stock"}
