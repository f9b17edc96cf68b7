"""The two addresses of a sign-in through an identity provider: the way there, and the way back."""

import hmac
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import Cookie
from litestar.response import Redirect

from crossdock.api.hub import Hub
from crossdock.api.problem import problem
from crossdock.dashboard.oidc import NotSignedOn, SignOn, sign_on_of
from crossdock.dashboard.pages.door import at_the_door
from crossdock.dashboard.session import here_only, is_https, signed_in

CALLBACK = "/sign-in/oidc/callback"


def _sign_on(request: Request[Any, Any, Any], hub: Hub) -> SignOn:
    """The flow; where to come back to is told by CROSSDOCK_PUBLIC_URL, else by the address that was asked."""
    own = hub.environ.get("CROSSDOCK_PUBLIC_URL", "").rstrip("/") or str(request.base_url).rstrip("/")
    try:
        return sign_on_of(hub, own + CALLBACK)
    except LookupError:
        raise problem("not-found", "no identity provider is set up") from None


def _name(https: bool) -> str:
    return "__Host-crossdock-state" if https else "crossdock-state"


@get("/sign-in/oidc")
async def there(request: Request[Any, Any, Any], hub: Hub, next: str = "/") -> Response[Any]:
    """Sends the browser to the identity provider."""
    to = here_only(next)
    try:
        address, state = await _sign_on(request, hub).begin(to)
    except NotSignedOn as reason:
        return await at_the_door(request, hub, to, str(reason))
    https = is_https(hub, request.scope)
    cookie = Cookie(_name(https), value=state, max_age=600, path="/", httponly=True, secure=https, samesite="lax")
    return Redirect(address, status_code=303, cookies=[cookie])


@get(CALLBACK)
async def back(
    request: Request[Any, Any, Any],
    hub: Hub,
    code: str = "",
    iss: str | None = None,
    error: str = "",
) -> Response[Any]:
    """Takes the browser back, if it is the one that was sent."""
    shown, kept = request.query_params.get("state", ""), request.cookies.get(_name(is_https(hub, request.scope)), "")
    if not kept or not hmac.compare_digest(shown.encode(), kept.encode()):
        return await at_the_door(request, hub, "/", "The sign-in was not begun in this browser. Sign in again.")
    if error or not code:
        return await at_the_door(request, hub, "/", "The identity provider did not let you in.")
    try:
        principal, to = await _sign_on(request, hub).end(shown, code, iss)
    except NotSignedOn as reason:
        return await at_the_door(request, hub, "/", str(reason))
    person = principal.id.removeprefix("user:")
    if (known := await hub.access.person(person)) is not None and known["disabled_at"] is not None:
        return await at_the_door(request, hub, "/", "This account is disabled here.")
    await hub.access.note(hub.clock(), principal.id, principal.name, principal.role, "sign in", f"person:{person}")
    return await signed_in(request, hub, person, principal.name, principal.role, principal.partner, to)


router = Router("/", route_handlers=[there, back])
