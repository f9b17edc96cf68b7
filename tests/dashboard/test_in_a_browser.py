"""The walk that somebody takes on their first day, in a real browser: set up, sign in, watch, search, find out why, mend, replay, take on. And what axe says of every page."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dashboard_server import PASSWORD, Dashboard, api, serving  # type: ignore[import-not-found,unused-ignore]

from crossdock.facts import Fact
from crossdock.flow.fold import fold_once
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.store.database import Database
from crossdock.store.embedded import Embedded
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems

GOOD = (
    "ISA*00*          *00*          *ZZ*ACMERETAIL     *ZZ*NORTHWHOLESALE *261121*1605*U*00401*000009001*0*P*>~\n"
    "GS*PO*ACMERETAIL*NORTHWHOLESALE*20261121*1605*9001*X*004010~\n"
    "ST*850*0001~\nBEG*00*SA*PO-MENDED**20261118~\nDTM*010*20261220~\n"
    "N1*ST*STORE 31*92*0031~\nN3*31 HARBOR ROAD~\nN4*SEATTLE*WA*98101*US~\n"
    "PO1*1*12*EA*1.10**IN*700219*UP*614141100187~\nCTT*1~\nSE*9*0001~\nGE*1*9001~\nIEA*1*000009001~\n"
)
TORN = GOOD.replace("GS*PO*", "G*PO*")


async def work(database: Database, workspace: Path) -> None:
    """What a worker does, until there is no more of it: reads what came in and folds it."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    assert book.current is not None
    readers = Systems(book.current, api.ENVIRON, workspace).readers()
    for _ in range(20):
        now = datetime.now(UTC)
        read = await interpret_once(MessageInbox(database), readers, now)
        folded = await fold_once(FactLog(database), book, now, 32, 500)
        if not read and not folded:
            return


@pytest.fixture(scope="module")
def walked(postgres: Embedded) -> Iterator[Dashboard]:
    """A server with orders, but nobody to administer it."""
    with serving(postgres, "walked", populated=False) as found:

        async def fill(database: Database) -> None:
            await api.populate(database, found.workspace)
            arrival = Arrival(channel="acme", source_id="torn-850.edi", data=TORN.encode(), name="torn-850.edi")
            await MessageInbox(database).keep([arrival], datetime.now(UTC))
            await work(database, found.workspace)

        found.ask(fill)
        yield found


@pytest.fixture(scope="module")
def page(chromium: Any, walked: Dashboard) -> Iterator[Any]:
    """One page that the walk goes on in; what its console complains of is kept in `page.complaints`."""
    context = chromium.new_context(
        base_url=walked.url, viewport={"width": 1360, "height": 850}, timezone_id="America/Chicago"
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if complains(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.complaints = complaints
    yield page
    context.close()


def complains(said: Any) -> bool:
    """Whether the console says that something is wrong; that there is no page where none should be is as it should be."""
    return said.type in ("error", "warning") and not said.location.get("url", "").endswith("/nope")


def text(page: Any, selector: str = "main") -> str:
    return str(page.locator(selector).inner_text())


def test_1_the_first_one_sets_up_and_is_in(walked: Dashboard, page: Any) -> None:
    link = re.search(r"(http://\S+/set-up/\S+)", walked.log.read_text())
    assert link is not None
    page.goto(link[1])
    page.fill("#person", "ann@example.com")
    page.fill("#name", "Ann")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(walked.url + "/")
    assert "Orders in flight" in text(page)
    page.click("details.who summary")
    page.click("text=Sign out")
    page.wait_for_url("**/sign-in")
    page.fill("#person", "ann@example.com")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(walked.url + "/")


def test_2_what_happens_is_seen_without_loading_the_page_again(walked: Dashboard, page: Any) -> None:
    page.goto("/")
    page.wait_for_selector('#live[data-state="live"]')
    row = page.locator("#panel-flight li", has_text="Received")
    before = int(row.locator(".num").inner_text())
    page.evaluate("window.loadedOnce = true")

    async def tell(database: Database) -> None:
        now = datetime.now(UTC)
        told = [
            Fact(
                key=f"SO-L{n}", data=api.received("acme", f"PO-L{n}"), source="test", source_id=f"L{n}", occurred_at=now
            )
            for n in range(3)
        ]
        await FactLog(database).record(told, now)
        await work(database, walked.workspace)

    walked.ask(tell)
    page.wait_for_function(
        "before => [...document.querySelectorAll('#panel-flight li')].some(li => li.innerText.includes('Received') && Number(li.querySelector('.num').innerText) >= before + 3)",
        arg=before,
    )
    assert page.evaluate("window.loadedOnce"), "the page was not loaded again"


def test_3_a_purchase_order_is_found_from_the_keyboard(page: Any) -> None:
    page.goto("/exceptions")
    page.keyboard.press("/")
    page.keyboard.type("po-a6")
    page.wait_for_selector("#found a")
    assert "SO-A6" in text(page, "#found")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/orders/SO-A6")


def test_4_the_order_says_why_it_is_not_invoiced(page: Any) -> None:
    page.goto("/orders/SO-A6")
    assert page.locator("h1").inner_text().startswith("SO-A6")
    waits = text(page, "#waits")
    assert "Tax" in waits and "invoice" in waits
    assert page.locator(".picture svg rect").count() > 5
    assert page.locator("svg.meter").count() == 2


def test_5_a_held_message_is_mended_and_becomes_an_order(walked: Dashboard, page: Any) -> None:
    page.goto("/messages?status=held")
    page.click("tr:has-text('torn-850.edi') a.id")
    page.wait_for_selector("#mend")
    raw = page.input_value("#text")
    assert "G*PO*" in raw
    page.fill("#text", raw.replace("\nG*PO*", "\nGS*PO*"))
    page.fill("#reason", "the group header was torn")
    page.click("text=Put the edit in its place")
    page.wait_for_selector("text=stands in the place of")
    walked.ask(lambda database: work(database, walked.workspace))
    page.reload()
    assert "850 Purchase order" in text(page) and "PO-MENDED" in text(page)
    page.goto("/search?q=PO-MENDED")
    assert "Purchase order" in text(page)


def test_6_a_replay_is_previewed_and_run(page: Any) -> None:
    page.goto("/replay")
    page.fill("#what", "SO-A6")
    page.click("text=Show what it would do")
    page.wait_for_selector("text=nothing has been done yet")
    assert "Known already" in text(page)
    page.click("main form.actions button.primary")
    page.wait_for_selector("text=Nothing was new")


def test_7_an_exception_is_taken_on_from_the_keyboard(page: Any) -> None:
    page.goto("/exceptions?cause=price-mismatch")
    page.locator("body").click(position={"x": 700, "y": 5})
    page.keyboard.press("j")
    assert page.locator("[data-row][aria-selected=true]").count() == 1
    page.keyboard.press("x")
    page.keyboard.press("a")
    page.wait_for_selector("text=Assigned to ann@example.com")
    assert "ann@example.com" in text(page, "#list")


def test_8_keys_lead_to_pages_and_light_and_dark_are_kept(page: Any) -> None:
    page.goto("/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/exceptions")
    before = page.evaluate("document.documentElement.dataset.theme || 'light'")
    page.keyboard.press("d")
    after = page.evaluate("document.documentElement.dataset.theme")
    assert after != before
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == after
    page.keyboard.press("d")


def test_9_times_are_in_the_viewers_zone(page: Any) -> None:
    page.goto("/orders/SO-A6")
    assert page.evaluate("document.documentElement.dataset.zone") == "America/Chicago"
    moment = page.locator(".timeline time").first
    there = datetime.fromisoformat(moment.get_attribute("datetime"))
    shown = page.evaluate("d => new Date(d).toLocaleDateString('sv', {timeZone: 'America/Chicago'})", there.isoformat())
    assert moment.inner_text() == shown


def test_an_order_is_held_let_go_and_cancelled(page: Any) -> None:
    page.goto("/orders/SO-B4")
    page.click("#actions summary:has-text('Place a hold')")
    page.fill("#hold", "credit")
    page.fill("#hold-reason", "the limit is reached")
    page.click("text=Place the hold")
    page.wait_for_selector("text=SO-B4 is on hold: credit.")
    assert "the limit is reached" in text(page, "#actions")
    page.fill("#release-1", "paid")
    page.click("text=Release credit")
    page.wait_for_selector("text=The hold credit is released.")
    assert "On hold" not in text(page, "#actions")
    page.goto("/orders/SO-B1")
    page.click("#actions summary:has-text('Cancel the order')")
    page.fill("#cancel-reason", "ordered twice")
    page.click("text=Cancel SO-B1")
    page.wait_for_selector("text=SO-B1 is cancelled.")
    assert page.locator("summary:has-text('Cancel the order')").count() == 0
    assert "ordered twice" in text(page, ".timeline")


PAGES = (
    "/",
    "/search",
    "/search?q=PO-A",
    "/orders/SO-A6",
    "/orders/SO-A7",
    "/exceptions",
    "/exceptions/SO-B7/price-mismatch/1",
    "/messages",
    "/messages/1",
    "/replay",
    "/nope",
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_axe_finds_nothing_against_wcag_21_aa(page: Any, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 850})
    page.context.clear_cookies(name="theme")
    page.emulate_media(color_scheme=scheme)
    found: list[str] = []
    for path in PAGES:
        page.goto(path)
        told = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
        found += [f"{path}: {v['id']}: {v['nodes'][0]['html'][:140]}" for v in told.response["violations"]]
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{path} is {wider} pixels wider than a screen of {width}"
    page.set_viewport_size({"width": 1360, "height": 850})
    assert not found, "\n".join(found)


def test_what_the_viewer_chose_looks_as_what_the_system_says(page: Any) -> None:
    """The two themes are one set of colours, whoever chooses between them."""

    def colours(scheme: str, chosen: str) -> Any:
        page.emulate_media(color_scheme=scheme)
        page.goto("/")
        page.evaluate("chosen => { document.documentElement.dataset.theme = chosen }", chosen)
        page.wait_for_timeout(300)  # colours that fade have come to their end
        said = "e => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.borderTopColor] }"
        return [page.locator(each).first.evaluate(said) for each in ("body", "main .panel", ".rail a", "h1")]

    light, dark = colours("light", ""), colours("dark", "")
    assert light != dark
    assert colours("light", "dark") == dark and colours("dark", "light") == light


def test_the_door_passes_axe_too(chromium: Any, walked: Dashboard) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(base_url=walked.url)
    page = context.new_page()
    page.goto("/sign-in")
    told = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert [v["id"] for v in told.response["violations"]] == []
    context.close()


def test_the_console_had_nothing_to_complain_of(page: Any) -> None:
    """A policy that is violated, a script that fails, a file that is missing would all stand here. It comes last."""
    assert page.complaints == []
