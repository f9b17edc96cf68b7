"""What a browser is shown where there is nothing: the designed page, for an address that no route knows is answered before any page's own handler sees it.

Programs, and whatever stands under /v1, are answered with the problem as before.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.exceptions import NotFoundException
from litestar.response import Response
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from crossdock.api.hub import Hub
from crossdock.api.problem import MEDIA_TYPE
from crossdock.dashboard.session import Sessions

Shown = Callable[[Request[Any, Any, Any], Exception], Response[Any]]
"""What makes a page of an error."""


class Missing:
    """ASGI around the whole application: looks at answers to browsers alone."""

    def __init__(self, app: ASGIApp, hub: Hub, shown: Shown) -> None:
        self._app = app
        self._shown = shown
        self._page = Sessions(self._nothing_here, hub)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not by_a_browser(scope):
            await self._app(scope, receive, send)
            return
        missing = False

        async def answer(message: Message) -> None:
            nonlocal missing
            if message["type"] == "http.response.start" and message["status"] == 404:
                missing = (b"content-type", MEDIA_TYPE.encode()) in [(n.lower(), v) for n, v in message["headers"]]
            if not missing:
                await send(message)

        await self._app(scope, receive, answer)
        if missing:
            await self._page(scope, receive, send)

    async def _nothing_here(self, scope: Scope, receive: Receive, send: Send) -> None:
        request: Request[Any, Any, Any] = Request(scope)
        response = self._shown(request, NotFoundException())
        await response.to_asgi_response(None, request)(scope, receive, send)


def by_a_browser(scope: Any) -> bool:
    """Whether somebody looks at a page: not a program, which does not ask for HTML, and not under /v1."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    if scope["path"] == "/v1" or scope["path"].startswith("/v1/"):
        return False
    return any(name.lower() == b"accept" and b"text/html" in value.lower() for name, value in scope["headers"])


def pages_for_the_missing(hub: Hub, shown: Shown) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """A lifespan for Litestar that stands around the application: its middleware does not see what no route knows."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        within = app.asgi_handler
        app.asgi_handler = Missing(within, hub, shown)
        try:
            yield
        finally:
            app.asgi_handler = within

    return lifespan
