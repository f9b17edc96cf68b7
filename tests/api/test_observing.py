"""What is seen of a request: its span in the caller's trace, its time, and the trace in its log; by requests to an application in memory."""

from typing import Any

import pytest
import structlog
from litestar import Litestar, Request, Response, get
from litestar.middleware import DefineMiddleware
from litestar.testing import TestClient
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry

from crossdock.api.failures import problem_of
from crossdock.api.observing import Observing, Requests
from crossdock.api.problem import problem
from crossdock.ports.tracing import TraceContext, read_traceparent
from crossdock.run.telemetry import Traces

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@get("/orders/{key:str}")
async def order(key: str, request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Says what was seen further in."""
    return {"traceparent": request.headers.get("traceparent"), "bound": structlog.contextvars.get_contextvars()}


@get("/broken")
async def broken() -> None:
    """Fails."""
    raise problem("not-found", "it is not there")


def answered(_: Request[Any, Any, Any], error: Exception) -> Response[None]:
    """As the API answers what goes wrong."""
    return Response(None, status_code=problem_of(error).status)


class Seen:
    """An application, and what is seen of it."""

    def __init__(self, **provider: Any) -> None:
        self.spans = InMemorySpanExporter()
        self.registry = CollectorRegistry()
        made = TracerProvider(**provider)
        requests = Requests(self.registry, Traces(made, SimpleSpanProcessor(self.spans)))
        app = Litestar(
            [order, broken],
            middleware=[DefineMiddleware(Observing, requests=requests)],
            openapi_config=None,
            exception_handlers={Exception: answered},
        )
        self.client = TestClient(app)

    def count(self, **labels: str) -> float | None:
        return self.registry.get_sample_value("crossdock_http_request_duration_seconds_count", labels)


def test_a_request_is_a_span_in_the_callers_trace_under_its_route() -> None:
    seen = Seen()
    seen.client.get("/orders/ACME-PO1", headers={"traceparent": CALLER})
    (span,) = seen.spans.get_finished_spans()
    caller = read_traceparent(CALLER)
    assert caller is not None
    assert span.name == "GET /orders/{key}"
    assert (span.context.trace_id, span.parent.span_id) == (caller.trace, caller.span)  # type: ignore[union-attr]
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert "ACME-PO1" not in str(span.attributes)
    assert seen.count(method="GET", route="/orders/{key}", status="200") == 1


def test_what_further_in_sees_and_logs_is_one_trace_with_the_span() -> None:
    seen = Seen()
    answer = seen.client.get("/orders/A").json()
    (span,) = seen.spans.get_finished_spans()
    inside = read_traceparent(answer["traceparent"])
    assert inside is not None
    assert inside.trace == span.context.trace_id  # type: ignore[union-attr]
    assert answer["bound"]["trace_id"] == f"{inside.trace:032x}"
    # What follows of a request that nobody traces goes on in the traces of its keys.
    assert not inside.sampled
    assert "trace_id" not in structlog.contextvars.get_contextvars()


def test_a_request_that_is_refused_is_counted_under_what_it_was_answered() -> None:
    seen = Seen()
    assert seen.client.get("/broken").status_code == 404
    assert seen.count(method="GET", route="/broken", status="404") == 1


def test_a_caller_that_wants_no_span_gets_none_and_neither_does_a_sampler() -> None:
    seen = Seen()
    seen.client.get("/orders/A", headers={"traceparent": CALLER[:-2] + "00"})
    assert seen.spans.get_finished_spans() == ()
    unwanted = Seen(sampler=ALWAYS_OFF)
    unwanted.client.get("/orders/A")
    assert unwanted.spans.get_finished_spans() == ()
    assert unwanted.count(method="GET", route="/orders/{key}", status="200") == 1


@pytest.mark.parametrize("torn", ["nonsense", CALLER + "-more", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_a_torn_traceparent_begins_a_trace_of_its_own(torn: str) -> None:
    answer = Seen().client.get("/orders/A", headers={"traceparent": torn}).json()
    inside = read_traceparent(answer["traceparent"])
    assert isinstance(inside, TraceContext)
    assert answer["traceparent"] != torn
