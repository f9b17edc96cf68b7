"""The pages of trade in a real browser: a stock explanation read by clicking, no script or style of the page itself, and nothing that axe finds fault with."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped,unused-ignore]

PAGES = (
    "/stock",
    "/stock/NW-1004",
    "/billing",
    "/partners",
    "/partners/blue",
    "/flows",
    "/kpis",
    "/kpis?kpi=order-cycle",
    "/kpis?kpi=fill&by=site",
    "/configuration",
)


def test_a_stock_explanation_is_read(window: Any) -> None:
    window.goto("/stock")
    window.get_by_label("Item number or words").fill("ground coffee")
    window.get_by_role("button", name="Find").click()
    window.get_by_role("link", name="NW-1004", exact=True).click()
    why = window.locator("#why")
    figure = re.search(r"Why ([\d,]+) today", why.inner_text())
    assert figure is not None
    why.get_by_text("Reserved for orders").click()
    order = why.get_by_role("link", name=re.compile(r"SO-2015\d")).first
    assert order.is_visible()
    assert order.get_attribute("href").startswith("/orders/SO-2015")
    later = window.locator("#day").get_attribute("max")
    window.locator("#day").fill(later)
    window.get_by_role("button", name="Explain").click()
    assert f"on {later}" in window.locator("#why").inner_text()
    assert "Expected receipts" in window.locator("#why").inner_text()


def test_a_key_figure_is_followed_from_its_card_to_its_partner(window: Any) -> None:
    window.goto("/kpis?days=90")
    window.get_by_role("link", name=re.compile("^Order cycle time")).click()
    window.get_by_role("heading", name="Order cycle time").wait_for()
    assert window.locator("svg.chart circle").count() > 20
    window.get_by_role("link", name=re.compile("Blue Market")).click()
    assert window.locator("#of").input_value() == "partner:blue"


def faults(window: Any) -> list[tuple[str, list[str]]]:
    """What axe finds fault with."""
    found = Axe().run(window).response["violations"]
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits(window: Any, path: str) -> None:
    window.goto(path)
    assert window.evaluate("document.querySelectorAll('main [style], main style, main script').length") == 0
    assert not faults(window)
    over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert window.evaluate(over) <= 0, "a page is never wider than its window"
    window.set_viewport_size({"width": 390, "height": 844})
    window.reload()
    assert window.evaluate(over) <= 0, "nor on a phone"


@pytest.mark.parametrize("path", ["/stock/NW-1004", "/flows", "/kpis?kpi=order-cycle"])
def test_it_can_be_read_in_the_dark_and_on_a_phone(window: Any, path: str) -> None:
    window.emulate_media(color_scheme="dark")
    window.set_viewport_size({"width": 390, "height": 844})
    window.goto(path)
    assert not faults(window)
