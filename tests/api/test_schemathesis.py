"""Every operation of the OpenAPI document against a real server, as it is meant to be asked and as it is not, by everybody and by nobody.

No answer is a 5xx, none is undocumented, and each is of the shape that the document promises. What is asked is made from a fixed seed, so that two runs ask the same.
"""

import contextlib
import copy
import json
import time
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crossdock.api.principal import Role

from .conftest import Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BUDGET_SECONDS = {"admin": 22, "partner": 8, "operations": 6, "integration": 6, "finance": 5, "auditor": 5, "": 4}
"""How long each caller asks, every role and nobody. Every operation is asked once whatever that takes; time decides how much more is asked, never whether the test passes."""
ROUNDS = 12
SKIPPED = ("/events/stream",)
"""What never ends answers no question."""

REAL = {
    "order": ["SO-A6", "SO-B3"],
    "key": ["SO-A6", "SO-B3"],
    "shipment": ["SHP-A6"],
    "invoice": ["SO-A6"],
    "item": ["ITEM-1"],
    "site": ["COLUMBUS"],
    "number": [1],
    "/v1/obligations/{id}": ["SO-A1/credit-check", "SO-A6/create-in-erp"],
    "/v1/deliveries/{id}": ["SO-A1/credit-check"],
    "/v1/exceptions/{id}": ["SO-A7/price-mismatch/1", "SO-B7/price-mismatch/1"],
    "/v1/messages/{id}": [1],
    "/v1/messages/{id}/raw": [1],
    "/v1/messages/{id}/edit": [1],
}
"""What there is, by the name of a path's parameter or by the path: of every two questions one is about something."""


@schemathesis.serializer("application/x-ndjson")
def ndjson(_: Any, value: Any) -> bytes:
    """Lines of JSON: one for each element of a list."""
    lines = value if isinstance(value, list) else [value]
    return b"\n".join(json.dumps(line).encode() for line in lines)


@pytest.fixture(scope="module")
def document(expendable: Server) -> dict[str, Any]:
    """The OpenAPI document that the server serves."""
    return httpx.get(f"{expendable.url}/v1/openapi.json", timeout=60).json()


@pytest.mark.parametrize("role", BUDGET_SECONDS)
def test_no_answer_is_a_defect_or_undocumented(expendable: Server, document: dict[str, Any], role: str) -> None:
    authorization = f"Bearer {expendable.key(role, 'acme' if role == 'partner' else '')}" if role else ""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=expendable.url)
    operations = [found.ok() for found in schema.get_all_operations()]
    asking = Asking(authorization)
    strategies = [
        (f"{operation.label} {mode.value}", operation.as_strategy(generation_mode=mode))
        for operation in operations
        if not operation.path.endswith(SKIPPED)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    until = time.monotonic() + BUDGET_SECONDS[role]
    for round_ in range(ROUNDS):
        for label, strategy in strategies:
            if round_ and time.monotonic() > until:
                break
            asking.ask(label, strategy, round_, 1 if round_ == 0 else 4)
    assert asking.asked >= len(operations)
    if role == "admin":
        assert asking.statuses >= {200, 400, 404, 422} and not asking.statuses & {401, 403, 429}
    assert list(asking.wrong.values()) == [], "\n\n".join(asking.wrong.values())


class Asking:
    """One caller's questions. wrong: by operation the first answer that is not as it should be, and how to ask for it again."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization
        self.asked = 0
        self.statuses: set[int] = set()
        self.wrong: dict[str, str] = {}

    def ask(self, label: str, strategy: Any, round_: int, examples: int) -> None:
        """Asks an operation so often, with what this round's seed makes of it; one that is wrong already is let be."""
        if label in self.wrong:
            return

        @seed(round_)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def once(case: Any) -> None:
            self._once(label, case)

        # An operation without parameters and body has nothing that could be said badly.
        with contextlib.suppress(Unsatisfiable):
            once()

    def _once(self, label: str, case: Any) -> None:
        self.asked += 1
        headers = {k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}
        case.headers = headers | ({"Authorization": self._authorization} if self._authorization else {})
        if self.asked % 2:
            for name in case.path_parameters or {}:
                real = REAL.get(case.operation.path, REAL.get(name))
                if real:
                    case.path_parameters[name] = real[self.asked // 2 % len(real)]
        answer = case.call()
        self.statuses.add(answer.status_code)
        try:
            case.validate_response(answer, checks=CHECKS)
        except (BaseExceptionGroup, AssertionError) as failure:
            told = f"{label}: {_words(failure)}\n{case.as_curl_command()}\n{answer.status_code} {answer.text[:400]}"
            self.wrong.setdefault(label, told)


def _words(failure: BaseException) -> str:
    parts = failure.exceptions if isinstance(failure, BaseExceptionGroup) else (failure,)
    return "; ".join(str(part).strip().replace("\n", " ")[:600] for part in parts)


def test_every_role_asks() -> None:
    assert BUDGET_SECONDS.keys() == {role.value for role in Role} | {""}


def test_an_undocumented_answer_would_be_noticed(expendable: Server, document: dict[str, Any]) -> None:
    lacking = copy.deepcopy(document)
    lacking["paths"] = {"/v1/versions": lacking["paths"]["/v1/versions"]}
    del lacking["paths"]["/v1/versions"]["get"]["responses"]["200"]
    schema = schemathesis.openapi.from_dict(lacking)
    schema.config.update(base_url=expendable.url)
    asking = Asking(f"Bearer {expendable.key('auditor')}")
    for found in schema.get_all_operations():
        asking.ask("versions", found.ok().as_strategy(generation_mode=GenerationMode.POSITIVE), 0, 5)
    assert "200" in asking.wrong["versions"]


def test_every_problem_type_of_the_document_is_in_the_catalogue(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert '"Problem"' in text
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation and path.startswith("/v1"):
                assert "401" in operation["responses"], (method, path)
                assert operation.get("x-permission"), (method, path)
