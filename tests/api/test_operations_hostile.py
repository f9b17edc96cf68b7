"""What nobody means well, in every field of every operation: it is refused as a problem or kept as the text that it is, and never run by a database, a shell or a template."""

import copy
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from .conftest import Server

HOSTILE: dict[str, str] = {
    "sql": "x'; DROP TABLE facts; --",
    "sql in quotes": '" OR 1=1 UNION SELECT hash FROM api_keys --',
    "like": "%_\\%",
    "template": "{{7*191}}${7*191}<%= 7*191 %>#{7*191}",
    "shell": "$(touch owned) `touch owned` | touch owned; & \r\n",
    "path": "../../../../etc/passwd",
    "nul": "a\0b",
    "huge number": "9" * 400,
    "beyond bigint": str(2**63),
    "not a number": "NaN",
    "minus": "-1",
    "moment": "9999-12-31T23:59:59-14:00",
    "format": "%s%n{0}{0.__class__}",
    "directions": "\u202eevil\u200b\ufeff",
    "long": "x" * 6000,
}
VALUES: list[Any] = [*HOSTILE.values(), 10**40, -(10**40), 1e308, True, None, [], {}, [[]], {"$ne": 1}]
ROLE = "admin"
WRITES = ("post", "put", "patch", "delete")
SKIPPED = ("/events/stream",)
"""What never ends answers no question."""


@pytest.fixture(scope="module")
def document(expendable: Server) -> dict[str, Any]:
    """The OpenAPI document that the server serves."""
    return httpx.get(f"{expendable.url}/v1/openapi.json", timeout=60).json()


class Question:
    """A request: method, path (escaped already), query and body as bytes."""

    def __init__(self, label: str, method: str, path: str, query: str = "", body: bytes | None = None) -> None:
        self.label, self.method, self.path, self.query, self.body = label, method, path, query, body

    def asked(self, client: httpx.Client, number: int) -> httpx.Response:
        """The answer."""
        headers = {"Content-Type": "application/json", "If-Match": "*"}
        if self.method in WRITES:
            headers["Idempotency-Key"] = f"hostile-{number}"
        url = self.path + (f"?{self.query}" if self.query else "")
        return client.request(self.method.upper(), url, content=self.body, headers=headers)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of all."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation and not path.endswith(SKIPPED):
                yield method, path, operation


def sample(schema: dict[str, Any], document: dict[str, Any], depth: int = 0) -> Any:
    """A plain value of a schema."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return sample(next((s for s in schema[word] if s.get("type") != "null"), {}), document, depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object" or "properties" in schema:
        if depth > 5:
            return {}
        return {name: sample(each, document, depth + 1) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        if "prefixItems" in schema:
            return [sample(each, document, depth + 1) for each in schema["prefixItems"]]
        return [sample(schema.get("items") or {}, document, depth + 1)] if depth < 5 else []
    plain = {"integer": 1, "number": 1, "boolean": True, "null": None}
    if kind in plain:
        return plain[kind]
    return {"date-time": "2026-03-02T09:00:00Z", "date": "2026-03-02", "decimal": "1"}.get(
        schema.get("format", ""), "x"
    )


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all that is neither list nor object, and of the lists and objects themselves."""
    if isinstance(value, dict | list) and at:
        yield at
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, (*at, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from leaves(each, (*at, place))
    elif at:
        yield at


def put(value: Any, at: tuple[Any, ...], what: Any) -> Any:
    """`value` with something else at a place."""
    made = copy.deepcopy(value)
    here = made
    for step in at[:-1]:
        here = here[step]
    here[at[-1]] = what
    return made


def bodies(document: dict[str, Any], operation: dict[str, Any]) -> list[Any]:
    """Plain bodies, one for each kind that it takes."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    return [sample(each, document) for each in schema.get("oneOf", [schema])] if schema else []


def questions(document: dict[str, Any]) -> Iterator[Question]:
    """Every parameter with every hostile text; every field of every body with one value after the other; and bodies that are none."""
    turn = 0
    for method, path, operation in operations(document):
        plain = bodies(document, operation)
        first = json.dumps(plain[0]).encode() if plain else None
        parameters = operation.get("parameters", [])
        named = {p["name"]: p["in"] for p in parameters}
        harmless = path
        for name in [n for n, place in named.items() if place == "path"]:
            harmless = harmless.replace("{" + name + "}", "1")
        for name, place in named.items():
            for what, text in HOSTILE.items():
                label = f"{method} {path} {name}: {what}"
                escaped = quote(text, safe="")
                if place == "query":
                    yield Question(label, method, harmless, f"{name}={escaped}", first)
                elif place == "path":
                    where = path.replace("{" + name + "}", escaped)
                    for other in [n for n, p in named.items() if p == "path" and n != name]:
                        where = where.replace("{" + other + "}", "1")
                    yield Question(label, method, where, "", first)
            if place == "query":
                yield Question(f"{method} {path} {name}: lone surrogate", method, harmless, f"{name}=%ED%A0%80", first)
        for body in plain:
            for at in leaves(body):
                # Each field meets a few of all; over the fields of an operation all of them come about.
                for step in range(3):
                    value = VALUES[(turn + step * 7) % len(VALUES)]
                    label = f"{method} {path} {'/'.join(map(str, at))}: {value!r}"[:200]
                    yield Question(label, method, harmless, "", json.dumps(put(body, at, value)).encode())
                turn += 1
            yield Question(
                f"{method} {path} lone surrogate", method, harmless, "", b'{"reason": "\\ud800", "x": "\\ud800"}'
            )
        if plain:
            for odd in (b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 3000, b'"x"', b"1e999", b'{"a":' * 500):
                yield Question(f"{method} {path} body {odd[:8]!r}", method, harmless, "", odd)


def test_hostile_input_is_refused_or_kept_as_the_text_that_it_is(expendable: Server, document: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {expendable.key(ROLE)}"}
    # Revoking keys by wild ids is fine; the one that asks has none of them.
    asked = list(enumerate(questions(document)))
    assert len(asked) > 500
    wrong: list[str] = []
    statuses: set[int] = set()
    # A connection a question: one that the server closes for an unreadable request is not met again by another question.
    each_anew = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=expendable.url, headers=headers, timeout=120, limits=each_anew) as client:

        def ask(one: tuple[int, Question]) -> None:
            number, question = one
            answer = question.asked(client, number)
            statuses.add(answer.status_code)
            kind = answer.headers.get("content-type", "")
            if answer.status_code >= 500 or (answer.status_code >= 400 and kind != "application/problem+json"):
                wrong.append(f"{question.label}: {answer.status_code} {kind} {answer.text[:200]}")
            if "1337" in answer.text and "7*191" not in answer.text and "template" in question.label:
                wrong.append(f"{question.label}: a template was evaluated: {answer.text[:200]}")

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(ask, asked))
        assert not wrong, "\n".join(sorted(wrong))
        # The questions were looked at, and not turned away at the door.
        assert statuses >= {200, 400, 404, 422} and not statuses & {401, 403, 429}
        # Everything is still there.
        assert client.get("/v1/lineage/SO-A6").status_code == 200
        assert client.get("/v1/search", params={"q": "PO-A1"}).json()["items"]
    assert not list(expendable.workspace.rglob("owned"))
