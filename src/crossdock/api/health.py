"""Whether we live, whether we are ready, and figures: /livez, /readyz, /metrics, beside the API and not under /v1.

/livez and /readyz are open and tell nothing of anybody's business. /metrics names systems and partners: whoever reads it shows a key that may read figures.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from litestar import Litestar, Response, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.middleware import DefineMiddleware
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from crossdock.api.exposition import text
from crossdock.api.hub import Hub
from crossdock.api.observing import Observing, Requests
from crossdock.api.permission import Permission, allowed
from crossdock.api.readiness import Readiness, Stalls, readiness
from crossdock.run.logs import Journal
from crossdock.run.metrics import Figures
from crossdock.run.watching import traces_of
from crossdock.run.witness import Watch
from crossdock.store.database import UNREACHABLE
from crossdock.store.vitals import Vitals, VitalSigns

KEPT_SECONDS = 5.0
"""Figures of the database are read again after so long, however many ask."""

ANSWER_SECONDS = 3.0
"""A database that does not answer in so long is not there."""

LOOK_SECONDS = 10.0
"""How often the server looks at the lanes itself, so that the first who asks is told."""

NO_STORE = {"Cache-Control": "no-store"}

_log = structlog.get_logger(__name__)


class Health:
    """What the three routes look at. registry: what this server counts itself."""

    def __init__(self, hub: Hub, registry: CollectorRegistry) -> None:
        self._hub = hub
        self._signs = VitalSigns(hub.database)
        self._stalls = Stalls()
        self._registry = registry
        self._kept: tuple[float, Vitals | None] = (0.0, None)
        self._reading = asyncio.Lock()

    async def readiness(self) -> Readiness:
        """Looks, and says what is not as it must be."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                missing = await self._signs.missing_migrations()
                lanes = await self._signs.lanes() if not missing else []
        except TimeoutError:
            return readiness(f"the database does not answer within {ANSWER_SECONDS:g} s", (), (), 0)
        except UNREACHABLE as error:
            return readiness(f"the database cannot be reached: {type(error).__name__}", (), (), 0)
        stalled = self._stalls.look(lanes, time.monotonic())
        ahead = sum(lane.head - lane.position for lane in lanes if lane.lane in stalled)
        return readiness("", missing, stalled, ahead)

    async def exposition(self) -> bytes:
        """All figures, as Prometheus reads them."""
        async with self._reading:
            until, vitals = self._kept
            if time.monotonic() >= until:
                vitals = await self._read()
                self._kept = (time.monotonic() + KEPT_SECONDS, vitals)
        return text(vitals, self._registry)

    async def _read(self) -> Vitals | None:
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                return await self._signs.read(self._hub.clock())
        except (TimeoutError, *UNREACHABLE) as error:
            _log.warning("vitals cannot be read", error=f"{type(error).__name__}: {error}")
            return None

    async def keep_looking(self) -> None:
        """Looks at the lanes every now and then, for ever."""
        while True:
            await self.readiness()
            await asyncio.sleep(LOOK_SECONDS)


def faces(hub: Hub) -> tuple[list[Any], dict[str, Any]]:
    """The routes, and what the whole application needs so that every request is seen."""
    registry = CollectorRegistry()
    health = Health(hub, registry)
    traced = traces_of(hub.environ, "crossdock-server")
    hub.watch = Watch([Journal(), Figures(registry, "server"), *([traced[0]] if traced is not None else [])])

    async def asker(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        connection.scope["user"] = await hub.authentication.principal(connection.headers.get("authorization"))

    @get("/livez", include_in_schema=False, opt={"open": True})
    async def livez() -> Response[dict[str, str]]:
        """Answers as long as we can answer."""
        return Response({"status": "alive"}, headers=NO_STORE)

    @get("/readyz", include_in_schema=False, opt={"open": True})
    async def readyz() -> Response[Readiness]:
        """200 when we can do our work, 503 with the reasons when not."""
        found = await health.readiness()
        return Response(found, status_code=200 if found.ready else 503, headers=NO_STORE)

    @get("/metrics", include_in_schema=False, guards=[asker, allowed(Permission.FIGURES_READ)])
    async def metrics() -> Response[bytes]:
        """Figures in Prometheus' text format."""
        found = await health.exposition()
        return Response(found, media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)

    @asynccontextmanager
    async def looking(_: Litestar) -> AsyncIterator[None]:
        looks = asyncio.create_task(health.keep_looking(), name="look at lanes")
        try:
            yield
        finally:
            looks.cancel()
            if traced is not None:
                await asyncio.to_thread(traced[1].shutdown)

    observing = DefineMiddleware(Observing, requests=Requests(registry, traced[0] if traced is not None else None))
    return [livez, readyz, metrics], {"middleware": [observing], "lifespan": [looking]}
