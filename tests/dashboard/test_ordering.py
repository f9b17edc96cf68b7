"""What is done about an order from its page: cancelled, held, let go; by whom, once, and with what trace of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard_server import Browser, Dashboard, serving  # type: ignore[import-not-found,unused-ignore]

from crossdock.facts.codec import type_of
from crossdock.facts.order import HoldPlaced, OrderCancelled
from crossdock.store.access import Access
from crossdock.store.database import Database
from crossdock.store.embedded import Embedded
from crossdock.store.lookup import Lookup


@pytest.fixture(scope="module")
def acted_on(postgres: Embedded) -> Iterator[Dashboard]:
    """A server whose orders these tests hold and cancel."""
    with serving(postgres, "orders_acted_on") as found:
        yield found


def told_of(dashboard: Dashboard, key: str) -> list[Any]:
    """The facts of an order."""

    async def ask(database: Database) -> list[Any]:
        lookup = Lookup(database)
        row = await lookup.process(key)
        assert row is not None
        return list(await lookup.facts(row["lane"], row["positions"]))

    found: list[Any] = dashboard.ask(ask)
    return found


def noted_of(dashboard: Dashboard, key: str) -> list[tuple[str, str]]:
    """Who did what to it, by the audit log."""

    async def ask(database: Database) -> list[tuple[str, str]]:
        return [(line["who"], line["what"]) for line in await Access(database).audit_lines(subject=key)]

    found: list[tuple[str, str]] = dashboard.ask(ask)
    return found


def test_a_hold_keeps_an_order_until_it_is_released(acted_on: Dashboard) -> None:
    fred, path = acted_on.signed_in("fred"), "/orders/SO-A3"
    assert "Place the hold" in fred.get(path).text and "On hold" not in fred.get(path).text
    held = fred.post(f"{path}/hold", hold="credit", reason="the limit is reached", once="h1")
    assert held.status_code == 303 and held.headers["location"] == path
    page = fred.get(path).text
    assert "On hold" in page and "credit" in page and "the limit is reached" in page
    assert fred.post(f"{path}/hold", hold="credit", reason="again", once="h2").status_code == 409
    assert fred.post(f"{path}/release", hold="credit", reason="paid", once="h3").status_code == 303
    assert "On hold" not in fred.get(path).text
    assert fred.post(f"{path}/release", hold="credit", reason="again", once="h4").status_code == 409
    types = [type_of(fact.data)[0] for fact in told_of(acted_on, "SO-A3")]
    assert types.count("order.hold-placed") == types.count("order.hold-released") == 1
    noted = noted_of(acted_on, "SO-A3")
    assert ("user:fred", "dashboard: place a hold") in noted and ("user:fred", "dashboard: release a hold") in noted


def test_a_hold_comes_from_a_message_that_says_whose_it_is(acted_on: Dashboard) -> None:
    acted_on.signed_in("olga").post("/orders/SO-B3/hold", hold="address", reason="no such street", once="m1")
    fact = next(fact for fact in told_of(acted_on, "SO-B3") if isinstance(fact.data, HoldPlaced))

    async def ask(database: Database) -> Any:
        return await Lookup(database).message(fact.message)

    assert fact.message is not None
    assert acted_on.ask(ask)["attributes"]["who"] == "user:olga"


def test_an_order_is_cancelled_with_a_reason_and_once(acted_on: Dashboard) -> None:
    olga, path = acted_on.signed_in("olga"), "/orders/SO-A1"
    assert olga.post(f"{path}/cancel", reason="  ", once="c0").status_code == 303
    assert "Say why" in olga.get(path).text
    once = re.search(r'name="once" value="([^"]+)"', olga.get(path).text)
    assert once is not None
    assert olga.post(f"{path}/cancel", reason="ordered twice", once=once[1]).status_code == 303
    page = olga.get(path).text
    assert "SO-A1 is cancelled." in page and "Cancel the order" not in page
    assert olga.post(f"{path}/cancel", reason="ordered twice", once=once[1]).status_code == 303
    words = [fact.data for fact in told_of(acted_on, "SO-A1") if isinstance(fact.data, OrderCancelled)]
    assert [(each.by, each.reason, each.who) for each in words] == [("us", "ordered twice", "user:olga")]
    assert ("user:olga", "dashboard: cancel") in noted_of(acted_on, "SO-A1")


def test_a_partner_cancels_its_own_and_neither_holds_nor_sees_holds(acted_on: Dashboard) -> None:
    desk = acted_on.signed_in("acme-desk")
    acted_on.signed_in("olga").post("/orders/SO-A2/hold", hold="fraud", reason="looks odd", once="p0")
    page = desk.get("/orders/SO-A2").text
    assert "Cancel the order" in page and "Place a hold" not in page
    assert 'id="release-1"' not in page and "looks odd" not in page and "fraud" not in page
    assert desk.post("/orders/SO-A2/hold", hold="x", reason="y", once="p1").status_code == 403
    assert desk.post("/orders/SO-A2/release", hold="fraud", reason="y", once="p2").status_code == 403
    assert desk.post("/orders/SO-B2/cancel", reason="not ours", once="p3").status_code == 404
    assert not [fact for fact in told_of(acted_on, "SO-B2") if isinstance(fact.data, OrderCancelled)]
    assert desk.post("/orders/SO-A2/cancel", reason="not needed", once="p4").status_code == 303
    words = [fact.data for fact in told_of(acted_on, "SO-A2") if isinstance(fact.data, OrderCancelled)]
    assert [(each.by, each.reason) for each in words] == [("customer", "not needed")]


@pytest.mark.parametrize(
    ("person", "cancels", "holds"), [("aude", False, False), ("fred", False, True), ("ivan", True, True)]
)
def test_only_what_the_role_may_is_shown_and_taken(
    acted_on: Dashboard, person: str, cancels: bool, holds: bool
) -> None:
    browser: Browser = acted_on.signed_in(person)
    page = browser.get("/orders/SO-B4").text
    assert ("Cancel the order" in page) == cancels and ("Place a hold" in page) == holds
    if not cancels:
        assert browser.post("/orders/SO-B4/cancel", reason="x", once="r1").status_code == 403
    if not holds:
        assert browser.post("/orders/SO-B4/hold", hold="x", reason="x", once="r2").status_code == 403


def test_a_form_without_the_sessions_token_is_refused(acted_on: Dashboard) -> None:
    olga = acted_on.signed_in("olga")
    for what in ("cancel", "hold", "release"):
        answer = olga.client.post(f"/orders/SO-B5/{what}", data={"hold": "x", "reason": "x", "once": "t"})
        assert answer.status_code == 403, what
    assert not [f for f in told_of(acted_on, "SO-B5") if isinstance(f.data, HoldPlaced | OrderCancelled)]


def test_what_is_over_is_neither_held_nor_cancelled(acted_on: Dashboard) -> None:
    olga = acted_on.signed_in("olga")
    assert 'id="actions"' not in olga.get("/orders/SO-A8").text
    assert olga.post("/orders/SO-A8/hold", hold="x", reason="x", once="o1").status_code == 409
    assert olga.post("/orders/NO-SUCH/cancel", reason="x", once="o2").status_code == 404


def test_words_of_a_hold_are_escaped(acted_on: Dashboard) -> None:
    olga = acted_on.signed_in("olga")
    olga.post("/orders/SO-B6/hold", hold="<b>x</b>", reason="<script>1</script>", once="e1")
    html = olga.get("/orders/SO-B6").text
    assert "<script>1" not in html and "<b>x" not in html and "&lt;b&gt;x" in html
