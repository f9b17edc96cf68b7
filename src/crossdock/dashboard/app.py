"""The dashboard as a part of the application: all pages behind the session's middleware, the static files, and what a page says when something went wrong."""

import mimetypes
from importlib import import_module, resources
from pkgutil import iter_modules
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.response import Redirect
from litestar.types import ASGIApp

from crossdock.api.failures import problem_of
from crossdock.api.hub import Hub
from crossdock.dashboard.measuring import keeping
from crossdock.dashboard.missing import pages_for_the_missing
from crossdock.dashboard.render import STATIC, page, part
from crossdock.dashboard.session import Sessions, session_of

_log = structlog.get_logger(__name__)


def pages() -> list[Router]:
    """The router of every module of `pages/`."""
    names = sorted(each.name for each in iter_modules(import_module("crossdock.dashboard.pages").__path__))
    return [import_module(f"crossdock.dashboard.pages.{name}").router for name in names]


def faces(hub: Hub) -> tuple[list[Any], dict[str, Any]]:
    """What `crossdock serve` hands to `make_app` beside the API: handlers, and further arguments of Litestar."""

    def sessions(app: ASGIApp) -> ASGIApp:
        return Sessions(app, hub)

    site = Router(
        "/",
        route_handlers=[static_file, *pages()],
        middleware=[sessions],
        exception_handlers={Exception: went_wrong},
        include_in_schema=False,
    )
    return [site], {"lifespan": [keeping(hub), pages_for_the_missing(hub, went_wrong)]}


@get(f"{STATIC}/{{path:path}}", sync_to_thread=False)
def static_file(path: str) -> Response[bytes]:
    """A file of `static/`, to be kept by the browser for good: its address changes with its content."""
    parts = [each for each in path.split("/") if each]
    file = resources.files(__package__).joinpath("static", *parts)
    if ".." in parts or not file.is_file():
        raise NotFoundException("there is no such file")
    kind = mimetypes.guess_type(parts[-1])[0] or "application/octet-stream"
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(file.read_bytes(), media_type=kind, headers=headers)


WENT_WRONG = {
    "not-found": ("Not found", "There is no such page or thing, or it is not yours to see."),
    "not-allowed": ("Not allowed", "Your role may not do this. Someone with another role can."),
    "unavailable": ("Not available just now", "The database cannot be reached. Nothing was changed; try again in a moment."),
    "defect": ("Something went wrong", "A defect of ours; it is in the log. Nothing was left half done."),
}  # fmt: skip


def went_wrong(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A problem as a page; whoever is not signed in is sent to the door, and comes back afterwards."""
    found = problem_of(error)
    at = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    by_htmx = "hx-request" in request.headers
    if found.slug == "not-signed-in":
        door = f"/sign-in?next={quote(at, safe='')}" if request.method == "GET" else "/sign-in"
        return (
            Response(b"", status_code=401, headers={"HX-Redirect": door})
            if by_htmx
            else Redirect(door, status_code=303)
        )
    if found.slug == "defect":
        _log.error("dashboard.defect", path=request.url.path, exc_info=error)
    if found.slug == "unavailable":
        _log.warning("dashboard.unavailable", path=request.url.path, error=f"{type(error).__name__}: {error}")
    title, words = WENT_WRONG.get(found.slug, (found.kind.title, ""))
    if found.slug not in ("defect", "not-found", "unavailable"):
        words = found.detail[:1].upper() + found.detail[1:] + "."
    if session_of(request) is None:
        return Response(f"{title}. {words}", status_code=found.status, media_type="text/plain; charset=utf-8")
    make = part if by_htmx else page
    template = "problem_part.html" if by_htmx else "problem.html"
    return make(request, template, code=found.status, title=title, words=words, path=request.url.path)
