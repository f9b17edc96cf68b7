"""What must hold for every route there is, taken from the OpenAPI document, so that a new one is in it by itself."""

import secrets
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from crossdock.api.permission import GRANTS, Permission
from crossdock.api.principal import Role

from .conftest import Server

Clients = Callable[..., httpx.Client]

FOREIGN = "SO-B6"
"""An order of blue's, shipped and waiting to be invoiced."""

ITS_NAMES = ("SO-B", "SHP-B", "PO-B", "blue")
"""What of blue's must be in no answer to acme."""

OURS = {
    "order": FOREIGN,
    "key": FOREIGN,
    "shipment": "SHP-B6",
    "invoice": "INV-SO-B6-SHP-B6",
    "reference": "PO-B6",
    "customer": "blue",
    "partner": "blue",
    "q": "PO-B",
    "purchase_order": "PO-B6",
}


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v1/openapi.json", timeout=60).json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        if path.startswith("/v1"):
            for method, operation in item.items():
                if method in ("get", "post", "put", "patch", "delete"):
                    yield method.upper(), path, operation


def filled(path: str, operation: dict[str, Any], values: dict[str, str]) -> str:
    """The path with a value for each of its parameters."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            kind = parameter.get("schema", {}).get("type")
            value = values.get(parameter["name"]) or ("1" if kind == "integer" else FOREIGN)
            path = path.replace("{" + parameter["name"] + "}", value)
    return path


@cache
def holder(role: Role) -> tuple[str, str]:
    return role.value, "acme" if role is Role.PARTNER else ""


def test_every_route_has_exactly_one_permission(document: dict[str, Any]) -> None:
    found = {(m, p): o.get("x-permission") for m, p, o in operations(document)}
    assert len(found) > 25
    assert {route: named for route, named in found.items() if named not in set(Permission)} == {}


def test_every_role_is_let_through_or_not_as_the_grants_say(document: dict[str, Any], client: Clients) -> None:
    """Bodies are empty: whoever is let through is told that they are invalid, and nothing is written."""
    wrong = []
    for method, path, operation in operations(document):
        permission = operation["x-permission"]
        url = filled(path, operation, {})
        for role in Role:
            with client(*holder(role)).stream(method, url, headers={"Idempotency-Key": ""}) as answer:
                refused = answer.status_code == 403
            if refused == (permission in GRANTS[role]):
                wrong.append((method, path, role.value, answer.status_code))
        with client("").stream(method, url, headers={"Idempotency-Key": "x"}) as answer:
            if answer.status_code != 401:
                wrong.append((method, path, "nobody", answer.status_code))
    assert wrong == []


def test_a_narrowed_key_may_do_no_more_than_its_scopes(document: dict[str, Any], client: Clients) -> None:
    narrow = client("admin", "", ("orders:read",))
    for method, path, operation in operations(document):
        with narrow.stream(method, filled(path, operation, {}), headers={"Idempotency-Key": ""}) as answer:
            assert (answer.status_code == 403) == (operation["x-permission"] != "orders:read"), (method, path)


def test_no_answer_to_a_partner_holds_a_word_of_another(document: dict[str, Any], client: Clients) -> None:
    """By every route that reads: with the other's names in the path, and in each filter."""
    acme, told = client("partner", "acme"), []
    for method, path, operation in operations(document):
        if method != "GET" or operation["x-permission"] not in GRANTS[Role.PARTNER]:
            continue
        if "text/event-stream" in str(operation["responses"].get("200", {})):
            continue  # endless; tests of events try it
        url = filled(path, operation, OURS)
        filters = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        asked = [{name: OURS.get(name, FOREIGN)} for name in filters if name not in ("limit", "cursor")]
        asked.append({})
        for query in asked:
            answer = acme.get(url, params=query)
            assert answer.status_code < 500, (url, query, answer.text)
            body = answer.text if answer.status_code < 300 else ""
            told += [(url, query, name) for name in ITS_NAMES if name in body]
    assert told == []


def test_a_cursor_of_one_partner_is_none_of_another(document: dict[str, Any], client: Clients) -> None:
    tried = 0
    for method, path, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        if method != "GET" or "cursor" not in names or "{" in path:
            continue
        if operation["x-permission"] not in GRANTS[Role.PARTNER]:
            continue
        cursor = client("partner", "blue").get(path, params={"limit": "1"}).json().get("next")
        if cursor:
            tried += 1
            answer = client("partner", "acme").get(path, params={"cursor": cursor})
            assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (400, "bad-cursor"), path
    assert tried


def test_a_partner_changes_nothing_of_another(document: dict[str, Any], client: Clients, server: Server) -> None:
    """Every write that names something in its path, on what is blue's, with every body that the document has for it."""
    before = client("operations").get(f"/v1/orders/{FOREIGN}").json()
    for method, path, operation in operations(document):
        if method == "GET" or "{" not in path or operation["x-permission"] not in GRANTS[Role.PARTNER]:
            continue
        bodies = [example.get("body") for example in operation.get("x-examples", [])] or [{}]
        for body in bodies:
            headers = {"If-Match": "*", "Idempotency-Key": secrets.token_hex(8)}
            answer = client("partner", "acme").request(
                method, filled(path, operation, OURS), json=body, headers=headers
            )
            assert answer.status_code in (400, 404, 422), (method, path, answer.text)
    assert client("operations").get(f"/v1/orders/{FOREIGN}").json() == before


def test_every_example_of_the_document_does_what_it_says(document: dict[str, Any], client: Clients) -> None:
    from crossdock.api.examples import EXAMPLES

    ran = 0
    by_operation = {f"{m} {p}": o for m, p, o in operations(document)}
    for example in EXAMPLES:
        operation = by_operation[example.operation]
        told = next(each for each in operation["x-examples"] if each["name"] == example.name)
        method, path = example.operation.split(" ")
        values = dict(told["parameters"])
        for name in list(values):
            if "{" + name + "}" in path:
                path = path.replace("{" + name + "}", values.pop(name))
        headers = {name: values.pop(name) for name in list(values) if name[0].isupper()}
        if told["body"] is not None:
            headers["Content-Type"] = told["mediaType"]
        content = told["body"] if isinstance(told["body"], str) else None
        answer = client(told["role"]).request(
            method,
            path,
            params=values,
            headers=headers,
            **({"content": content} if content else {"json": told["body"]} if told["body"] is not None else {}),
        )
        assert answer.status_code in told["status"], (example.name, answer.text)
        assert str(answer.status_code) in operation["responses"], (example.name, answer.status_code)
        ran += 1
    assert ran == len(EXAMPLES)
