"""Templates to answers: `page` is what a route returns. Everything that is put into a template is escaped unless it is Markup of our own making."""

import hashlib
from datetime import datetime
from functools import partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from crossdock.dashboard import words
from crossdock.dashboard.menu import menu_of
from crossdock.dashboard.session import NOTICE_COOKIE, Session, session_of, take_notice
from crossdock.wiring import clock


def _digest_of_static() -> str:
    seen = hashlib.sha256()
    pending = [resources.files(__package__) / "static"]
    while pending:
        for each in sorted(pending.pop().iterdir(), key=lambda e: e.name):
            if each.is_dir():
                pending.append(each)
            else:
                seen.update(each.name.encode() + b"\0" + each.read_bytes())
    return seen.hexdigest()[:12]


STATIC = f"/static/{_digest_of_static()}"
"""Where the static files are served: the address changes with their content, so that browsers may keep them for good."""

ENVIRONMENT = Environment(
    loader=PackageLoader("crossdock.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
ENVIRONMENT.globals["asset"] = lambda name: f"{STATIC}/{name}"
ENVIRONMENT.filters.update(
    money=words.money,
    short_money=words.short_money,
    quantity=words.quantity,
    count=words.count,
    span=words.span,
    percent=words.percent,
    size=words.size,
    plain=words.plain,
    title_of=words.title,
    tone=words.tone,
)


def _csrf(session: Session | None) -> Markup:
    if session is None:
        return Markup("")
    return Markup('<input type="hidden" name="csrf" value="{}">').format(session.csrf)


def rendered(request: Request[Any, Any, Any], template: str, **values: Any) -> str:
    """A template as HTML. Beside `values` every template has: principal, session, may(permission), csrf(), now, zone, when, ago, menu, here, notice."""
    session = session_of(request)
    principal = session.principal if session else None
    zone_name = request.cookies.get("zone", "")
    zone = words.zone_of(zone_name)
    now: datetime = clock()
    given: dict[str, Any] = {
        "principal": principal,
        "session": session,
        "may": principal.may if principal else (lambda _: False),
        "csrf": partial(_csrf, session),
        "now": now,
        "zone": str(zone),
        "when": partial(words.when, zone=zone),
        "ago": partial(words.ago, now=now, zone=zone),
        "theme": theme if (theme := request.cookies.get("theme", "")) in ("light", "dark") else "",
        "menu": menu_of(principal) if principal else [],
        "here": _here(request.url.path),
        "notice": None,
        "searched": "",
    }
    return ENVIRONMENT.get_template(template).render({**given, **values})


def page(request: Request[Any, Any, Any], template: str, *, code: int = 200, **values: Any) -> Response[str]:
    """A whole page. What `session.to_page` told on the way here is shown once."""
    notice = take_notice(request)
    body = rendered(request, template, **({"notice": notice} if notice else {}), **values)
    cookies = [Cookie(NOTICE_COOKIE, value="", max_age=0, path="/", httponly=True, samesite="lax")] if notice else []
    return Response(body, media_type="text/html", status_code=code, cookies=cookies)


def part(request: Request[Any, Any, Any], template: str, *, code: int = 200, **values: Any) -> Response[str]:
    """A piece of a page, for htmx."""
    return Response(rendered(request, template, **values), media_type="text/html", status_code=code)


def _here(path: str) -> str:
    """The page of the rail that a path belongs to."""
    first = "/" + path.strip("/").split("/")[0]
    return {"/orders": "/search"}.get(first, first)
