"""An address that leads nowhere: a page for whoever looks, a problem for programs."""

import pytest
from dashboard_server import Dashboard  # type: ignore[import-not-found,unused-ignore]

BY_A_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nope", "/orders/SO-A1/nothing/here", "/stick", "/v1x"])
def test_a_browser_is_shown_the_page_for_it(dashboard: Dashboard, path: str) -> None:
    answer = dashboard.signed_in("olga").get(path, headers=BY_A_BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such page or thing" in answer.text and 'href="/exceptions"' in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_whoever_is_not_signed_in_sees_it_too_and_no_more(dashboard: Dashboard) -> None:
    answer = dashboard.browser().get("/nope", headers=BY_A_BROWSER)
    assert answer.status_code == 404 and "There is no such page or thing" in answer.text
    assert 'href="/exceptions"' not in answer.text


def test_a_path_is_escaped_on_it(dashboard: Dashboard) -> None:
    answer = dashboard.browser().get("/%3Cscript%3Ealert(1)%3C/script%3E", headers=BY_A_BROWSER)
    assert answer.status_code == 404 and "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/nope", {"Accept": "application/json"}), ("/nope", {}), ("/v1/nope", BY_A_BROWSER), ("/v1", BY_A_BROWSER)],
)
def test_programs_and_paths_of_the_api_are_answered_with_the_problem(
    dashboard: Dashboard, path: str, headers: dict[str, str]
) -> None:
    answer = dashboard.browser().get(path, headers=headers)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_that_leads_nowhere_is_a_problem_as_before(dashboard: Dashboard) -> None:
    answer = dashboard.browser().post("/nope", headers=BY_A_BROWSER, data={"x": "1"})
    assert answer.status_code in (404, 405) and answer.headers["content-type"] == "application/problem+json"
