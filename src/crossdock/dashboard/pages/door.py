"""Coming in and going out: sign-in with a password, the set-up of the first administrator by its link, sign-out. OpenID Connect is next door in `oidc`."""

import asyncio
import secrets
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from crossdock.api.hub import Hub
from crossdock.api.principal import Role
from crossdock.api.problem import problem
from crossdock.dashboard import passwords
from crossdock.dashboard.oidc import called, offered
from crossdock.dashboard.render import page
from crossdock.dashboard.session import here_only, session_of, signed_in, signed_out, with_door
from crossdock.store.sign_in import Door

WINDOW = timedelta(minutes=15)
PERSON_FAILURES, ADDRESS_FAILURES = 8, 40
"""So many wrong passwords in `WINDOW`, and the door stays shut for that person or address until the oldest is forgotten."""


class SignIn(msgspec.Struct):
    """The form at the door."""

    person: str = ""
    password: str = ""
    next: str = "/"
    csrf: str = ""


class SetUp(msgspec.Struct):
    """The form behind the link."""

    person: str = ""
    name: str = ""
    password: str = ""
    again: str = ""
    csrf: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


@get("/sign-in")
async def door(request: Request[Any, Any, Any], hub: Hub, next: str = "/") -> Response[Any]:
    """The door."""
    session = session_of(request)
    if session is not None and session.principal is not None:
        return Redirect(here_only(next), status_code=303)
    return await at_the_door(request, hub, here_only(next))


async def at_the_door(
    request: Request[Any, Any, Any], hub: Hub, to: str, trouble: str = "", person: str = ""
) -> Response[Any]:
    """The sign-in page, with what went wrong."""
    found = page(
        request,
        "sign_in.html",
        code=401 if trouble else 200,
        next=to,
        trouble=trouble,
        person=person,
        provider=called(hub),
        oidc=offered(hub),
        set_up=await Door(hub.database).has_administrator(),
    )
    return with_door(found, request, hub)


@post("/sign-in", status_code=303)
async def sign_in(request: Request[Any, Any, Any], hub: Hub, data: Annotated[SignIn, Form]) -> Response[Any]:
    """Holds a password against the one that is kept. Whoever mistypes too often waits."""
    now, to, person = hub.clock(), here_only(data.next), data.person.strip().lower()
    at, subject = Door(hub.database), f"person:{person[:200]}"
    address = f"address:{request.client.host if request.client else ''}"
    failed = await at.failures([subject, address], now - WINDOW)
    if failed[subject] >= PERSON_FAILURES or failed[address] >= ADDRESS_FAILURES:
        found = await at_the_door(request, hub, to, "Too many attempts. Try again in a quarter of an hour.", person)
        found.status_code = 429
        found.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
        return found
    row = await hub.access.person(person)
    kept = row["password"] if row and row["password"] and row["disabled_at"] is None else ""
    right = await asyncio.to_thread(passwords.matches, data.password[: passwords.LONGEST], kept or passwords.NOBODY)
    if row is None or not kept or not right:
        await at.note_failure([subject, address], now, WINDOW)
        return await at_the_door(request, hub, to, "That name and password do not go together.", person)
    await at.forget_failures(subject)
    await hub.access.note(now, f"user:{person}", row["name"], row["role"], "sign in", f"person:{person}")
    return await signed_in(request, hub, person, row["name"], row["role"], row["partner"], to)


@post("/sign-out", status_code=303)
async def sign_out(request: Request[Any, Any, Any], hub: Hub) -> Response[Any]:
    """The end of a session."""
    return await signed_out(request, hub)


async def _can_be_set_up(hub: Hub, token: str) -> bool:
    """A link stands until it is used, too old, or somebody has become administrator by another."""
    return await hub.access.setup_link_stands(token, hub.clock()) and not await Door(hub.database).has_administrator()


@get("/set-up/{token:str}")
async def set_up(request: Request[Any, Any, Any], hub: Hub, token: str) -> Response[Any]:
    """What the link leads to, as long as it can be used."""
    if not await _can_be_set_up(hub, token):
        return page(
            request,
            "problem.html",
            code=404,
            title="This link can't be used",
            words="It was used before, or it is older than a day. Start the server again for a new one.",
            path="/set-up",
        )
    return with_door(page(request, "set_up.html", trouble="", data=SetUp(), token=token), request, hub)


@post("/set-up/{token:str}", status_code=303)
async def make_administrator(
    request: Request[Any, Any, Any], hub: Hub, token: str, data: Annotated[SetUp, Form]
) -> Response[Any]:
    """The first administrator, who is signed in at once."""
    now, person = hub.clock(), data.person.strip().lower()
    trouble = passwords.lacking(data.password)
    if data.password != data.again:
        trouble = "The two passwords differ."
    if not 1 <= len(person) <= 200 or any(letter.isspace() for letter in person):
        trouble = "The name to sign in with is one word, such as an e-mail address."
    if trouble:
        found = page(request, "set_up.html", code=422, trouble=trouble, data=data, token=token)
        return with_door(found, request, hub)
    kept = await asyncio.to_thread(passwords.hashed, data.password, secrets.token_bytes(16))
    name = data.name.strip() or person
    if not await _can_be_set_up(hub, token) or not await hub.access.set_up(token, person, name, Role.ADMIN, kept, now):
        raise problem("not-found", "the link was used or is too old")
    await hub.access.note(now, f"user:{person}", name, Role.ADMIN, "set up the first administrator", f"person:{person}")
    return await signed_in(request, hub, person, name, Role.ADMIN, "", "/")


router = Router("/", route_handlers=[door, sign_in, sign_out, set_up, make_administrator])
