"""Who comes in, how long they stay, and what a page does to keep them from harm."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from dashboard_server import PASSWORD, Browser, Dashboard, csrf_of, serving  # type: ignore[import-not-found,unused-ignore]
from sign_on_provider import SECRET, Provider  # type: ignore[import-not-found,unused-ignore]

from crossdock.store.embedded import Embedded


def link_in(dashboard: Dashboard) -> str:
    found = re.search(r"http://\S+(/set-up/\S+)", dashboard.log.read_text())
    assert found is not None, dashboard.log.read_text()
    return found[1]


def test_the_first_start_prints_a_link_that_makes_one_administrator(own: Dashboard) -> None:
    path, browser = link_in(own), own.browser()
    form = {"csrf": csrf_of(browser.get(path).text), "person": "Ann@Example.com", "name": "Ann", "password": PASSWORD}
    short = browser.post(path, data={**form, "password": "short", "again": "short"})
    assert short.status_code == 422 and "at least 12 characters" in short.text
    differing = browser.post(path, data={**form, "again": "something else"})
    assert differing.status_code == 422 and "differ" in differing.text
    done = browser.post(path, data={**form, "again": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "Ann" in browser.get("/").text
    stranger = own.browser()
    assert stranger.get(path).status_code == 404, "a link is good once"
    assert Browser(own).sign_in("ann@example.com").status_code == 303

    async def kept(database: object) -> list[str]:
        connection = await asyncpg.connect(own.database_url)
        rows = await connection.fetch("SELECT password FROM people")
        await connection.close()
        return [row["password"] for row in rows]

    assert [each.split("$")[0] for each in own.ask(kept)] == ["scrypt"]
    assert PASSWORD not in own.log.read_text()


def test_an_expired_link_opens_nothing(own: Dashboard) -> None:
    path = link_in(own)

    async def age(database: object) -> None:
        connection = await asyncpg.connect(own.database_url)
        await connection.execute("UPDATE setup_links SET expires_at = now() - interval '1 second'")
        await connection.close()

    own.ask(age)
    assert own.browser().get(path).status_code == 404


def test_nobody_sees_a_page_without_signing_in_and_comes_back_to_it_afterwards(dashboard: Dashboard) -> None:
    browser = Browser(dashboard)
    sent = browser.get("/orders/SO-A1?x=1")
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=%2Forders%2FSO-A1%3Fx%3D1")
    came = browser.sign_in("olga", to="/orders/SO-A1")
    assert (came.status_code, came.headers["location"]) == (303, "/orders/SO-A1")
    assert browser.get("/orders/SO-A1").status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%0d%0aSet-Cookie:x", "javascript:alert(1)"],
)
def test_a_sign_in_leads_to_this_site_and_no_other(dashboard: Dashboard, elsewhere: str) -> None:
    browser = Browser(dashboard)
    location = browser.sign_in("olga", to=elsewhere).headers["location"]
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


def test_a_wrong_password_says_no_more_than_that(dashboard: Dashboard) -> None:
    wrong, nobody = (
        Browser(dashboard).sign_in("fred", "wrong password"),
        Browser(dashboard).sign_in("nobody", "wrong password"),
    )
    assert wrong.status_code == nobody.status_code == 401
    words = "That name and password do not go together."
    assert words in wrong.text and words in nobody.text


def test_too_many_wrong_passwords_shut_the_door_for_the_right_one_too(dashboard: Dashboard) -> None:
    browser = Browser(dashboard)
    for _ in range(8):
        assert browser.sign_in("aude", "guess").status_code == 401
    shut = browser.sign_in("aude")
    assert shut.status_code == 429 and int(shut.headers["retry-after"]) > 0

    async def forget(database: object) -> None:
        connection = await asyncpg.connect(dashboard.database_url)
        await connection.execute("DELETE FROM sign_in_failures")
        await connection.close()

    dashboard.ask(forget)
    assert browser.sign_in("aude").status_code == 303


def test_signing_out_ends_the_session_on_the_server(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    token = browser.client.cookies["crossdock"]
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    again = dashboard.browser(cookies={"crossdock": token})
    assert again.get("/").status_code == 303


def test_signing_in_again_takes_a_new_token_and_ends_the_old_session(dashboard: Dashboard) -> None:
    planted = Browser(dashboard)
    planted.client.headers["Cookie"] = "crossdock=a-token-that-somebody-planted"
    assert "a-token-that-somebody-planted" not in str(planted.client.get("/sign-in").headers.get_list("set-cookie"))
    assert planted.get("/").status_code == 303, "a token that we did not hand out is no session"
    first, second = dashboard.signed_in("olga"), dashboard.signed_in("olga")
    assert first.client.cookies["crossdock"] != second.client.cookies["crossdock"]


def test_a_session_that_nobody_used_for_hours_is_over(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("ivan")
    assert browser.get("/").status_code == 200

    async def age(database: object) -> None:
        connection = await asyncpg.connect(dashboard.database_url)
        before = datetime.now(UTC) - timedelta(hours=3)
        await connection.execute("UPDATE sessions SET seen_at = $1 WHERE person = 'ivan'", before)
        await connection.close()

    dashboard.ask(age)
    assert browser.get("/").status_code == 303


def test_cookies_are_kept_from_scripts_and_other_sites(dashboard: Dashboard) -> None:
    given = Browser(dashboard).sign_in("olga").headers.get_list("set-cookie")
    session = next(each for each in given if each.startswith("crossdock="))
    assert "HttpOnly" in session and "samesite=lax" in session.lower() and "Path=/" in session


def test_a_form_without_the_sessions_token_does_nothing(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    for form in ({}, {"csrf": "guessed"}):
        assert (
            browser.client.post(
                "/exceptions/act", data={"id": "SO-A7/price-mismatch/1", "action": "assign", **form}
            ).status_code
            == 403
        )
    token = re.search(r'name="csrf" content="([^"]+)"', browser.get("/").text)
    assert token is not None
    headers = {"Sec-Fetch-Site": "cross-site"}
    sent = browser.client.post("/sign-out", data={"csrf": token[1]}, headers=headers)
    assert sent.status_code == 403, "another site's form is refused even with the token"
    assert browser.get("/").status_code == 200


def test_the_door_has_a_token_too(dashboard: Dashboard) -> None:
    sent = dashboard.browser().post("/sign-in", data={"person": "olga", "password": PASSWORD})
    assert sent.status_code == 403


def test_every_answer_keeps_a_page_to_itself(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("olga")
    for answer in (browser.get("/"), browser.get("/no/such/order"), dashboard.browser().get("/sign-in")):
        if answer.headers["content-type"].startswith("application/problem"):
            continue
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_no_page_has_a_script_or_style_of_its_own(dashboard: Dashboard) -> None:
    browser = dashboard.signed_in("ann")
    for path in ("/", "/search", "/orders/SO-A7", "/exceptions", "/messages", "/replay"):
        html = browser.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)[^>]*>", html), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", html), path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html), path


def test_static_files_are_kept_and_nothing_else_is_served(dashboard: Dashboard) -> None:
    browser = dashboard.browser()
    found = re.search(r'href="(/static/[^"]+\.css)"', browser.get("/sign-in").text)
    assert found is not None
    assert "immutable" in browser.get(found[1]).headers["cache-control"]
    folder = found[1].rsplit("/", 1)[0]
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/vendor/../../app.py", "/vendor"):
        assert browser.get(folder + path).status_code in (303, 404), path


def through(dashboard: Dashboard, browser: httpx.Client, to: str = "/messages") -> httpx.Response:
    """Goes to the provider and back, as a browser does."""
    there = browser.get("/sign-in/oidc", params={"next": to})
    assert there.status_code == 303
    back = httpx.get(there.headers["location"])
    assert back.status_code == 302, back.text
    return browser.get(back.headers["location"])


def test_somebody_signs_in_through_the_identity_provider(dashboard: Dashboard, provider: Provider) -> None:
    browser = dashboard.browser()
    assert "/sign-in/oidc?next=" in browser.get("/sign-in").text
    came = through(dashboard, browser)
    assert (came.status_code, came.headers["location"]) == (303, "/messages")
    page = browser.get("/messages").text
    assert "olga@example.com" in page and "Role: operations" in page
    assert provider.refused == []


def test_the_way_back_is_good_once_and_in_the_browser_that_went(dashboard: Dashboard, provider: Provider) -> None:
    browser, other = dashboard.browser(), dashboard.browser()
    there = browser.get("/sign-in/oidc")
    back = httpx.get(there.headers["location"]).headers["location"]
    assert other.get(back).status_code == 401, "another browser's way back"
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 401, "the same way back again"


def test_the_workspace_alone_may_say_which_client_we_are(postgres: Embedded, provider: Provider) -> None:
    with serving(
        postgres,
        "client_in_workspace",
        provider,
        populated=False,
        client_in_workspace=True,
        NORTH_OIDC_SECRET=SECRET,
    ) as dashboard:
        browser = dashboard.browser()
        assert "North Identity" in browser.get("/sign-in").text
        came = through(dashboard, browser)
        assert (came.status_code, came.headers["location"]) == (303, "/messages")
        assert SECRET not in dashboard.log.read_text()


def test_a_client_without_its_secret_lets_nobody_in_and_says_so(postgres: Embedded, provider: Provider) -> None:
    with serving(postgres, "client_without_secret", provider, populated=False, client_in_workspace=True) as dashboard:
        answer = dashboard.browser().get("/sign-in/oidc")
        assert answer.status_code == 401 and "secret is missing" in answer.text
        assert "NORTH_OIDC_SECRET" in dashboard.log.read_text()


@pytest.mark.parametrize("lie", ["nonce", "audience", "role"])
def test_an_identity_that_is_not_meant_for_us_is_not_taken(dashboard: Dashboard, provider: Provider, lie: str) -> None:
    before = provider.nonce, provider.audience, provider.roles
    try:
        if lie == "nonce":
            provider.nonce = "another"
        elif lie == "audience":
            provider.audience = "another-client"
        else:
            provider.roles = ["visitor"]
        browser = dashboard.browser()
        came = through(dashboard, browser)
        assert came.status_code == 401
        assert browser.get("/").status_code == 303
    finally:
        provider.nonce, provider.audience, provider.roles = before


def test_a_password_is_kept_so_that_it_can_only_be_compared() -> None:
    from crossdock.dashboard import passwords

    kept = passwords.hashed(PASSWORD, b"0123456789abcdef")
    assert PASSWORD not in kept and passwords.matches(PASSWORD, kept)
    assert (
        not passwords.matches("another", kept) and not passwords.matches("", "") and not passwords.matches("x", "plain")
    )
    assert passwords.lacking("a" * 30) and passwords.lacking("short") and not passwords.lacking(PASSWORD)


def test_asyncio_is_free_while_a_password_is_compared(dashboard: Dashboard) -> None:
    """A slow hash in the event loop would hold up everybody else's pages."""

    async def both() -> bool:
        async with httpx.AsyncClient(base_url=dashboard.url, timeout=30) as client:
            page = await client.get("/sign-in")
            form = {"csrf": csrf_of(page.text), "person": "nobody-at-all", "password": "x" * 40}
            slow = asyncio.create_task(client.post("/sign-in", data=form))
            await asyncio.sleep(0.01)
            await client.get("/sign-in")
            await slow
            return True

    assert asyncio.run(both())
