"""Scripts of other sites: told nothing unless the environment names their site. And methods that a path has not."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from .conftest import OUR_SITES, Server
from .test_every_route import filled

Clients = Callable[..., httpx.Client]
ELSEWHERE = (
    "https://elsewhere.example",
    "http://shop.example",
    "https://shop.example.elsewhere.example",
    "https://shop.example:444",
    "null",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS = "authorization, content-type, idempotency-key, if-match, prefer, traceparent"


def preflight(server: Server, origin: str, method: str = "POST") -> httpx.Response:
    """What a browser asks before a script's request."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": HEADERS}
    return httpx.options(f"{server.url}/v1/orders", headers=headers, timeout=30)


def asked(server: Server, origin: str) -> httpx.Response:
    """A script's request with a good key."""
    headers = {"Authorization": f"Bearer {server.key('operations')}", "Origin": origin}
    return httpx.get(f"{server.url}/v1/orders", headers=headers, timeout=30)


def words(answer: httpx.Response, name: str) -> set[str]:
    """What a header lists."""
    return {word.strip().lower() for word in answer.headers.get(f"access-control-{name}", "").split(",")} - {""}


@pytest.mark.parametrize("origin", OUR_SITES)
def test_no_site_is_named_unless_the_environment_does(server: Server, origin: str) -> None:
    for answer in (asked(server, origin), preflight(server, origin)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", OUR_SITES)
def test_a_site_that_is_named_may_ask_and_read_the_answer(expendable: Server, origin: str) -> None:
    answer = asked(expendable, origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_what_goes_wrong_is_told_to_a_named_site_as_well(expendable: Server) -> None:
    answer = httpx.get(f"{expendable.url}/v1/orders", headers={"Origin": OUR_SITES[0]}, timeout=30)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, OUR_SITES[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_named_sites_browser_is_told_what_it_may_send(expendable: Server, method: str) -> None:
    answer = preflight(expendable, OUR_SITES[0], method)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == OUR_SITES[0]
    assert words(answer, "allow-methods") >= {method.lower()}
    assert words(answer, "allow-headers") >= {word.strip() for word in HEADERS.split(",")}
    assert answer.headers["access-control-max-age"] == "600"


def test_a_named_site_reads_the_headers_that_answers_tell_in(expendable: Server) -> None:
    exposed = words(asked(expendable, OUR_SITES[0]), "expose-headers")
    assert exposed >= {"etag", "location", "retry-after", "ratelimit", "traceparent", "idempotent-replayed"}


@pytest.mark.parametrize("origin", [*OUR_SITES, *ELSEWHERE, None])
def test_a_cache_keeps_answers_to_sites_and_in_encodings_apart(expendable: Server, origin: str | None) -> None:
    headers = {"Accept-Encoding": "gzip", **({"Origin": origin} if origin else {})}
    answer = httpx.get(f"{expendable.url}/v1/openapi.json", headers=headers, timeout=60)
    assert answer.headers["content-encoding"] == "gzip"
    assert {word.strip().lower() for word in answer.headers["vary"].split(",")} == {"origin", "accept-encoding"}


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_another_site_is_let_in_neither_before_nor_with_its_request(expendable: Server, origin: str) -> None:
    for answer in (asked(expendable, origin), preflight(expendable, origin)):
        assert "access-control-allow-origin" not in answer.headers


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v1/openapi.json", timeout=60).json()
    return found


def test_a_method_that_a_path_has_not_is_refused_with_those_that_it_has(
    document: dict[str, Any], client: Clients
) -> None:
    """Of every path, with every other method, as somebody and as nobody."""
    tried, wrong = 0, []
    for path, item in document["paths"].items():
        has = {method.upper() for method in item if method.upper() in METHODS}
        url = filled(path, next(iter(item.values())), {})
        for method in METHODS:
            if method in has:
                continue
            tried += 1
            answer = client("admin" if tried % 2 else "").request(method, url)
            told = {word.strip() for word in answer.headers.get("allow", "").split(",")}
            kind = answer.headers["content-type"]
            slug = answer.json().get("type", "").rsplit("/", 1)[-1]
            if (answer.status_code, kind, slug) != (405, "application/problem+json", "method-not-allowed"):
                wrong.append((method, url, answer.status_code, kind))
            elif told - {"OPTIONS"} != has or not all(each in answer.json()["detail"] for each in has):
                wrong.append((method, url, sorted(told), sorted(has)))
    assert tried > 150
    assert wrong == []


def test_a_path_that_is_none_is_said_to_be_none(client: Clients) -> None:
    answer = client("admin").get("/v1/nope")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such route")
