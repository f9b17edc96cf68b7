"""Every operation of the OpenAPI document against a real server, as it is meant to be asked and as it is not, by everybody and by nobody.

No answer is a 5xx, none is undocumented, and each is of the shape that the document promises. What is asked is made from a fixed seed, so that two runs ask the same.
"""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crossdock.store.embedded import Embedded

from .conftest import Server, serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BUDGET_SECONDS = 80
"""All callers together; operations left when it is used up are asked once each. Time alone decides how much is asked, never whether the test passes."""
EXAMPLES = {"admin": 14, "partner": 4, "auditor": 2, "": 1}
"""How often each operation is asked, meant well and meant badly, by caller."""
SKIPPED = ("/events/stream",)
"""What never ends answers no question."""


@pytest.fixture(scope="module")
def own(postgres: Embedded) -> Iterator[Server]:
    """A server whose population may come to harm."""
    with serving(postgres, f"schemathesis_{os.getpid()}") as server:
        yield server


@pytest.fixture(scope="module")
def until(own: Server) -> float:
    """When the budget is used up, of a monotonic clock."""
    return time.monotonic() + BUDGET_SECONDS


@pytest.fixture(scope="module")
def document(own: Server) -> dict[str, Any]:
    """The OpenAPI document that the server serves."""
    return httpx.get(f"{own.url}/v1/openapi.json", timeout=60).json()


@pytest.mark.parametrize("role", EXAMPLES)
def test_no_answer_is_a_defect_or_undocumented(own: Server, document: dict[str, Any], role: str, until: float) -> None:
    headers = {}
    if role:
        headers["Authorization"] = f"Bearer {own.key(role, 'acme' if role == 'partner' else '')}"
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=own.url)
    wrong: list[str] = []
    asked = 0
    with httpx.Client(timeout=60):
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.path.endswith(SKIPPED):
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                examples = EXAMPLES[role] if time.monotonic() < until else 1
                try:
                    strategy = operation.as_strategy(generation_mode=mode)
                    asked += _ask(strategy, headers, examples, wrong)
                except Exception as error:
                    if "Unsatisfiable" not in type(error).__name__:
                        raise
    assert asked > len(document["paths"])
    assert wrong == [], "\n\n".join(wrong)


def _ask(strategy: Any, headers: dict[str, str], examples: int, wrong: list[str]) -> int:
    """Asks so often; keeps the first thing that is wrong of an operation, and how to ask for it again."""
    asked, shown = 0, False

    @seed(4)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case: Any) -> None:
        nonlocal asked, shown
        if not headers:
            case.headers = {k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}
        answer = case.call(headers=headers)
        asked += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except BaseException as failure:
            if not isinstance(failure, BaseExceptionGroup | AssertionError):
                raise
            if not shown:
                shown = True
                wrong.append(f"{_words(failure)}\n{case.as_curl_command()}\n{answer.status_code} {answer.text[:400]}")

    ask()
    return asked


def _words(failure: BaseException) -> str:
    parts = failure.exceptions if isinstance(failure, BaseExceptionGroup) else (failure,)
    return "; ".join(str(part).strip().replace("\n", " ")[:600] for part in parts)


def test_every_problem_type_of_the_document_is_in_the_catalogue(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert '"Problem"' in text
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "responses" in operation and path.startswith("/v1"):
                assert "401" in operation["responses"], (method, path)
                assert operation.get("x-permission"), (method, path)
