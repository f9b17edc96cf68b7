"""The application: routers under /v1 behind the gate, other faces beside them, every error a problem, and the OpenAPI document."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import structlog
from litestar import Litestar, Request, Response, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.types import Method

from crossdock.api.failures import problem_of
from crossdock.api.gate import Gate
from crossdock.api.hub import Hub
from crossdock.api.openapi import openapi_config
from crossdock.api.packing import packing
from crossdock.api.principal import Principal
from crossdock.api.problem import MEDIA_TYPE
from crossdock.store.access import Write

ASKED_WITH: list[Method | Literal["*"]] = ["GET", "POST", "PUT", "PATCH", "DELETE"]
TOLD_IN = ["ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed", "Preference-Applied", "Deprecation", "Sunset", "traceparent"]  # fmt: skip
"""Methods that a script of another site may use, and headers of answers that it may read."""

_log = structlog.get_logger(__name__)


def make_app(hub: Hub, routers: Sequence[Router], faces: Sequence[Any] = (), **config: Any) -> Litestar:
    """The application on an opened or unopened `hub`, which it opens and closes. routers: what stands under /v1. faces: routers and handlers that stand
    beside it and look after their own sign-in (the dashboard, health). config: further arguments of Litestar, such as `middleware` or `template_config`."""

    @asynccontextmanager
    async def open_hub(_: Litestar) -> AsyncIterator[None]:
        await hub.open()
        try:
            yield
        finally:
            await hub.close()

    v1 = Router(
        "/v1",
        route_handlers=list(routers),
        middleware=[Gate],
        dependencies={
            "principal": Provide(_principal, sync_to_thread=False),
            "write": Provide(_write, sync_to_thread=False),
        },
        exception_handlers={Exception: _on_error},
    )
    cors = _cors(hub)
    app = Litestar(
        [v1, *faces],
        dependencies={"hub": Provide(lambda: hub, sync_to_thread=False)},
        exception_handlers={Exception: _on_error},
        lifespan=[open_hub, *config.pop("lifespan", [])],
        openapi_config=openapi_config(),
        compression_config=packing(),
        cors_config=cors,
        before_send=[_vary] if cors is not None else [],
        signature_types=[Hub, Principal, Write],
        request_max_body_size=None,  # the gate looks, and each face for itself
        logging_config=None,
        **config,
    )
    app.state["hub"] = hub
    return app


def _cors(hub: Hub) -> CORSConfig | None:
    """Scripts of the sites in CROSSDOCK_CORS_ORIGINS may ask and read what answers tell in headers; a browser's cookies are never taken from them."""
    origins = [origin.strip() for origin in hub.environ.get("CROSSDOCK_CORS_ORIGINS", "").split(",")]
    told = [origin for origin in origins if origin]
    if not told:
        return None
    return CORSConfig(
        allow_origins=told, allow_methods=ASKED_WITH, expose_headers=TOLD_IN, allow_credentials=False, max_age=600
    )


async def _vary(message: Any, _: Any) -> None:
    """Says that an answer is for one site and one encoding: the framework's header for the one takes the place of that for the other, and caches would mix them up."""
    if message["type"] == "http.response.start":
        vary = [b"Origin"]
        others = []
        for name, value in message["headers"]:
            if name.lower() == b"vary":
                vary += [each.strip() for each in value.split(b",") if each.strip().lower() != b"origin"]
            else:
                others.append((name, value))
                if name.lower() == b"content-encoding":
                    vary.append(b"Accept-Encoding")
        message["headers"] = [*others, (b"vary", b", ".join(dict.fromkeys(vary)))]


def _principal(request: Request[Any, Any, Any]) -> Principal:
    principal: Principal = request.user
    return principal


def _write(request: Request[Any, Any, Any]) -> Write:
    """The write that this request is; what a route sets of it (subject, before, after) is what the audit log says."""
    write: Write = request.scope["state"]["crossdock"]["write"]
    return write


def _on_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    passing = request.scope["state"].get("crossdock", {})
    found = problem_of(error, passing.get("traceparent", ""))
    if found.slug == "defect":
        _log.error("api.defect", path=request.url.path, traceparent=passing.get("traceparent"), exc_info=error)
    elif found.slug == "unavailable":
        _log.warning("api.unavailable", path=request.url.path, error=f"{type(error).__name__}: {error}")
    return Response(
        found.body(request.url.path), status_code=found.status, media_type=MEDIA_TYPE, headers=found.headers
    )
