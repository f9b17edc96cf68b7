"""The HTTP listener for webhooks of all channels: POST /hooks/{channel}, Litestar on Granian in the process's own event
loop, on loopback unless told otherwise.

Every error is problem details (RFC 9457). It is meant to stand behind a proxy that ends TLS.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, post
from litestar.exceptions import HTTPException

from crossdock.connectors.webhook.signature import BadSignature
from crossdock.connectors.webhook.source import NotKept, WebhookSource

READ_SECONDS = 30.0
"""How long a sender may take over its body."""

RETRY_AFTER_SECONDS = 5
START_SECONDS = 10.0
STOP_SECONDS = 5.0

_TITLES = {
    400: "Bad request",
    401: "Signature refused",
    404: "No such channel",
    405: "Method not allowed",
    408: "Body too slow",
    413: "Body too long",
    500: "Internal error",
    503: "Not kept",
}

_log = structlog.get_logger(__name__)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response[Any]:
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)


def _on_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    if isinstance(error, HTTPException):
        return _problem(error.status_code, error.detail, dict(error.headers or {}))
    _log.error("webhook.defect", path=request.url.path, exc_info=error)
    return _problem(500, "the message was not kept; send it again")


class WebhookReceiver:
    """Listens for `sources`. `port` 0 takes a free one; `port` and `url` say which after construction."""

    def __init__(self, sources: Sequence[WebhookSource], host: str = "127.0.0.1", port: int = 0) -> None:
        self._sources = {source.channel: source for source in sources}
        self._host = host
        # Granian shares its port; a bound socket that does not listen finds a free one and keeps it ours.
        self._held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind((host, port))
        self.port: int = self._held.getsockname()[1]
        self._server: Server | None = None
        self._serving: asyncio.Task[Any] | None = None

    @property
    def url(self) -> str:
        """Where channels are posted to: this, a slash, and the channel's name."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/hooks"

    async def start(self) -> None:
        """Returns when connections are accepted. Raises RuntimeError when they are not within some seconds."""
        app = Litestar([self._route()], exception_handlers={Exception: _on_error}, openapi_config=None)
        self._server = Server(
            app, address=self._host, port=self.port, interface=Interfaces.ASGI, log_enabled=False, websockets=False
        )
        self._serving = asyncio.create_task(self._server.serve())
        try:
            async with asyncio.timeout(START_SECONDS):
                while not self._serving.done():
                    try:
                        _, writer = await asyncio.open_connection(self._host, self.port)
                    except OSError:
                        await asyncio.sleep(0.02)
                        continue
                    writer.close()
                    return
        except TimeoutError:
            pass
        raise RuntimeError(f"nothing listens on {self._host}:{self.port}")

    async def stop(self) -> None:
        """Stop listening. The sources are closed before, so that nobody waits in vain."""
        if self._server is not None and self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # Granian leaves it untyped
            await asyncio.wait([self._serving], timeout=STOP_SECONDS)
        self._held.close()

    def _route(self) -> Any:
        @post("/hooks/{channel:str}", request_max_body_size=None)
        async def receive(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._receive(str(request.path_params["channel"]), request)

        return receive

    async def _receive(self, channel: str, request: Request[Any, Any, Any]) -> Response[Any]:
        source = self._sources.get(channel)
        if source is None:
            return _problem(404, f"there is no webhook channel {channel!r}")
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await _body(request, source.spec.body_bytes)
        except TimeoutError:
            return _problem(408, f"the body did not come within {READ_SECONDS:g} s")
        if body is None:
            return _problem(413, f"at most {source.spec.body_bytes} bytes are taken")
        try:
            await source.accept(source.check({name.lower(): value for name, value in request.headers.items()}, body))
        except BadSignature as error:
            _log.warning("webhook.refused", channel=channel, reason=str(error))
            return _problem(401, str(error))
        except NotKept as error:
            return _problem(503, str(error), {"Retry-After": str(RETRY_AFTER_SECONDS)})
        return Response(None, status_code=204)


async def _body(request: Request[Any, Any, Any], limit: int) -> bytes | None:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)
