"""Who looks: the middleware before every page. It finds the session behind the cookie, refuses a form without the session's token, and sets the headers
that keep a page to itself.

The cookie holds a random token; the database holds its hash. A session ends when it is signed out, `IDLE` after the last page, or `LONGEST` after it began.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from crossdock.api.hub import Hub
from crossdock.api.principal import Principal, Role
from crossdock.api.problem import problem

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
BODY_BYTES = 4_000_000
"""The most that a form may have: an edited message goes in one."""

NOTICE_COOKIE = "crossdock_notice"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

HEADERS: Mapping[bytes, bytes] = {
    b"content-security-policy": b"default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}


class Session(msgspec.Struct, frozen=True):
    """A browser: signed in with a principal, or at the door without one. csrf: what every form of it must bring back."""

    csrf: str
    principal: Principal | None = None
    token: str = ""


class Notice(msgspec.Struct, frozen=True):
    """What the page before has to say on the next one. tone: good, warn, bad or ""."""

    words: str
    tone: str = "good"


def is_https(hub: Hub, scope: Scope) -> bool:
    """Whether browsers come by https: by the address that is told to them, else by the connection."""
    told = urlsplit(hub.environ.get("CROSSDOCK_PUBLIC_URL", "")).scheme
    return (told or scope.get("scheme")) == "https"


def cookie_name(https: bool) -> str:
    """With https the name itself promises that the cookie is secure, of this host and of no other (RFC 6265bis, `__Host-`)."""
    return "__Host-crossdock" if https else "crossdock"


def door_name(https: bool) -> str:
    """The cookie of a browser that is not signed in."""
    return "__Host-crossdock-door" if https else "crossdock-door"


def _cookie(name: str, value: str, https: bool, max_age: int | None) -> Cookie:
    return Cookie(name, value=value, max_age=max_age, path="/", httponly=True, secure=https, samesite="lax")


async def signed_in(
    request: Request[Any, Any, Any], hub: Hub, person: str, name: str, role: str, partner: str, to: str
) -> Redirect:
    """Opens a session with a new token, whatever the browser had before, and sends it to `to`."""
    https = is_https(hub, request.scope)
    before = session_of(request)
    if before is not None and before.token:
        await hub.access.close_session(before.token)
    token = secrets.token_urlsafe(32)
    await hub.access.open_session(token, person, name, role, partner, secrets.token_urlsafe(32), hub.clock(), LONGEST)
    cookies = [
        _cookie(cookie_name(https), token, https, int(LONGEST.total_seconds())),
        _cookie(door_name(https), "", https, 0),
    ]
    return Redirect(to, status_code=303, cookies=cookies)


async def signed_out(request: Request[Any, Any, Any], hub: Hub) -> Redirect:
    """Ends the session, here and in the database."""
    session = session_of(request)
    if session is not None and session.token:
        await hub.access.close_session(session.token)
    https = is_https(hub, request.scope)
    headers = {"Clear-Site-Data": '"cache", "storage"'}
    return Redirect("/sign-in", status_code=303, cookies=[_cookie(cookie_name(https), "", https, 0)], headers=headers)


def with_door(response: Response[Any], request: Request[Any, Any, Any], hub: Hub) -> Response[Any]:
    """Gives a browser at the door the cookie that its form will be held against."""
    session = session_of(request)
    https = is_https(hub, request.scope)
    if session is not None and session.principal is None:
        response.cookies.append(_cookie(door_name(https), session.csrf, https, 3600))
    return response


def to_page(path: str, words: str, tone: str = "good") -> Redirect:
    """After a form: the page to look at, with a notice on it."""
    value = secrets.token_hex(4) + msgspec.json.encode(Notice(words, tone)).hex()
    cookie = Cookie(NOTICE_COOKIE, value=value, max_age=60, path="/", httponly=True, samesite="lax")
    return Redirect(path, status_code=303, cookies=[cookie])


def take_notice(request: Request[Any, Any, Any]) -> Notice | None:
    """What `to_page` left."""
    value = request.cookies.get(NOTICE_COOKIE, "")
    try:
        return msgspec.json.decode(bytes.fromhex(value[8:]), type=Notice) if value else None
    except (ValueError, msgspec.MsgspecError):
        return None


def session_of(request: Request[Any, Any, Any]) -> Session | None:
    """The session that the middleware found."""
    found: Session | None = request.scope["state"].get("session")
    return found


def here_only(path: str) -> str:
    """A path of this site and no other: where a sign-in goes on to. Anything else is the first page."""
    parts = urlsplit(path)
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return path if ours and path.isprintable() and "\\" not in path else "/"


class Sessions:
    """ASGI middleware on the dashboard's routers: `scope["user"]` is the principal or None, `request.state.session` the session."""

    def __init__(self, app: ASGIApp, hub: Hub) -> None:
        self._app = app
        self._hub = hub

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        https = is_https(self._hub, scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                more = dict(HEADERS)
                if b"cache-control" not in given:
                    more[b"cache-control"] = b"no-store"
                if https:
                    more[b"strict-transport-security"] = b"max-age=31536000"
                message["headers"] = [*message["headers"], *[h for h in more.items() if h[0] not in given]]
            await send(message)

        request: Request[Any, Any, Any] = Request(scope)
        session = await self._session(request, https)
        scope["user"] = session.principal
        scope["state"]["session"] = session
        if scope["method"] in SAFE:
            await self._app(scope, receive, answer)
            return
        body = await _body(receive)
        _check_origin(request)
        shown = request.headers.get("x-csrf-token") or _field(request, body)
        if not shown or not hmac.compare_digest(shown.encode(), session.csrf.encode()):
            raise problem("not-allowed", "the form is older than the sign-in; load the page again")
        await self._app(scope, _again(body), answer)

    async def _session(self, request: Request[Any, Any, Any], https: bool) -> Session:
        token = request.cookies.get(cookie_name(https), "")
        row = await self._hub.access.session(token, self._hub.clock(), IDLE) if token else None
        if row is None:
            return Session(request.cookies.get(door_name(https), "") or secrets.token_urlsafe(32))
        who = Principal(f"user:{row['person']}", row["name"], Role(row["role"]), row["partner"])
        return Session(row["csrf"], who, token)


def _check_origin(request: Request[Any, Any, Any]) -> None:
    """A form that another site sent is refused even before its token is looked at."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise problem("not-allowed", "a form of another site is not taken")


def _field(request: Request[Any, Any, Any], body: bytes) -> str:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return ""
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=5000).get("csrf", [""])[0]


async def _body(receive: Any) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise problem("malformed", "the form ended before its end")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES:
            raise problem("too-large", f"at most {BODY_BYTES} bytes are taken")
    return bytes(body)


def _again(body: bytes) -> Receive:
    given = False

    async def receive() -> Any:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
