"""What is seen of every request: how long it took, its span, and a log that carries its trace.

A request without a `traceparent` is given one here, so that whoever looks at it further in sees the same. Of a request nothing is noted but its method, its route as the API
declares it, and its status: no address, no query, no body.
"""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry

from crossdock.api.failures import problem_of
from crossdock.ports.tracing import HEADER, TraceContext, read_traceparent
from crossdock.run.metrics import instrument
from crossdock.run.witness import Took

if TYPE_CHECKING:
    from crossdock.run.telemetry import Traces

_HEADER = HEADER.encode()


class Requests:
    """Figures, and traces where those are exported."""

    def __init__(self, registry: CollectorRegistry, traces: "Traces | None" = None) -> None:
        self._seconds = instrument("crossdock_http_request_duration_seconds", registry)
        self._traces = traces

    def sampled(self, trace: int) -> bool:
        """Whether the span of a request that began this trace is to be exported."""
        return self._traces is not None and self._traces.wanted(trace)

    def answered(
        self, method: str, route: str, status: int, at: TraceContext, parent: TraceContext | None, took: Took
    ) -> None:
        """A request has been answered."""
        self._seconds.labels(method, route, status).observe(took.seconds)
        if self._traces is not None and at.sampled:
            self._traces.request(method, route, status, at, parent, took)


class Observing:
    """ASGI middleware on the whole application."""

    def __init__(
        self, app: ASGIApp, requests: Requests, clock_ns: Callable[[], int] = time.time_ns, random: Any = random
    ) -> None:
        self._app = app
        self._requests = requests
        self._clock_ns = clock_ns
        self._random = random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = self._clock_ns()
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"").decode("latin-1")
        parent = read_traceparent(given)
        if parent is None:
            # Not sampled as far as others are told: what follows of it goes on in the traces of its keys.
            place = TraceContext(self._random.getrandbits(128) or 1, self._random.getrandbits(64) or 1, False)
            others = [(name, value) for name, value in scope["headers"] if name != _HEADER]
            scope["headers"] = [*others, (_HEADER, place.header.encode())]
        else:
            place = TraceContext(parent.trace, self._random.getrandbits(64) or 1, parent.sampled)
        told = False

        def tell(status: int) -> None:
            nonlocal told
            told = True
            # The gate names our part of the trace in its answer; that is the span.
            ours = read_traceparent(scope["state"].get("crossdock", {}).get("traceparent", "")) or place
            if parent is None and self._requests.sampled(ours.trace):
                ours = TraceContext(ours.trace, ours.span, True)
            route = str(scope.get("path_template") or "")
            took = Took(began, self._clock_ns())
            self._requests.answered(str(scope["method"]), route, status, ours, parent, took)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not told:
                tell(int(message["status"]))
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=f"{place.trace:032x}"):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                if not told:
                    tell(problem_of(error).status)
                raise
