"""Messages: what came in and went out, byte for byte and in words; those that are held are mended here, and the original is kept beside the edit."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.dashboard.acting import read_again, resubmit
from crossdock.dashboard.documents import told
from crossdock.dashboard.render import page, part
from crossdock.dashboard.session import to_page
from crossdock.facts.codec import type_of
from crossdock.store.operations import Operations

A_PAGE = 50
STATUSES = ("stored", "read", "held", "sent", "replaced")


class Edit(msgspec.Struct):
    """An edit of a held message. kept: how the text area stands for line ends, so that they come back as they were."""

    text: str = ""
    reason: str = ""
    line_end: str = ""
    readings: str = ""
    csrf: str = ""


class Chosen(msgspec.Struct):
    """Messages chosen in the list."""

    ids: str | list[str] = ""
    csrf: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


@get("/messages", guards=[allowed(Permission.OPERATIONS_READ)])
async def messages(
    request: Request[Any, Any, Any],
    hub: Hub,
    status: str = "",
    channel: str = "",
    direction: str = "",
    cursor: str | None = None,
) -> Response[str]:
    """The newest first; held ones on top of everybody's mind are a click away."""
    principal: Principal = request.user
    bound = ("messages page", status, channel, direction, principal.only)
    after = decode(cursor, bound, tuple[int])
    rows = await Operations(hub.database).messages(
        principal.only,
        after[0] if after else None,
        A_PAGE + 1,
        direction=direction if direction in ("in", "out") else None,
        channel=channel or None,
        status=status if status in STATUSES else None,
    )
    more = rows[A_PAGE - 1] if len(rows) > A_PAGE else None
    return page(
        request,
        "messages.html",
        rows=rows[:A_PAGE],
        status=status,
        channel=channel,
        direction=direction,
        statuses=STATUSES,
        channels=sorted(hub.book.current.systems) if hub.book.current else [],
        more=encode([more["id"]], bound) if more else "",
    )


async def _found(hub: Hub, principal: Principal, number: int) -> dict[str, Any]:
    operations = Operations(hub.database)
    row = await hub.lookup.message(number) if await operations.may_see_message(number, principal.only) else None
    if row is None:
        raise problem("not-found", "there is no such message")
    return row


@get("/messages/{number:int}", guards=[allowed(Permission.OPERATIONS_READ)])
async def message(request: Request[Any, Any, Any], hub: Hub, number: int) -> Response[str]:
    """One message, in words next to its raw text, with its findings and the facts that it told."""
    principal: Principal = request.user
    row = await _found(hub, principal, number)
    given: dict[str, Any] = {"row": row, "told": told(row, principal.may(Permission.MESSAGES_RAW))}
    if "part" in request.query_params:
        return part(request, "message_part.html", **given)
    facts = await hub.lookup.facts_of_message(number)
    return page(
        request,
        "message.html",
        facts=[(type_of(fact.data)[0], fact.key) for fact in facts],
        instead=await Operations(hub.database).resubmissions(number),
        **given,
    )


@get("/messages/{number:int}/raw", guards=[allowed(Permission.MESSAGES_RAW)])
async def raw(request: Request[Any, Any, Any], hub: Hub, number: int) -> Response[bytes]:
    """Its bytes, as they came or went, to be kept as a file: a browser never shows them as a page."""
    row = await _found(hub, request.user, number)
    headers = {"Content-Disposition": f'attachment; filename="message-{number}.txt"'}
    return Response(bytes(row["data"]), media_type="application/octet-stream", headers=headers)


@post("/messages/{number:int}/mend", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=303)
async def mend(request: Request[Any, Any, Any], hub: Hub, number: int, data: Annotated[Edit, Form]) -> Response[Any]:
    """Puts an edit in the place of a held message."""
    principal: Principal = request.user
    if not principal.may(Permission.MESSAGES_RAW):
        raise problem("not-allowed", "your role does not see the raw text, and so can't mend it")
    await _found(hub, principal, number)
    reason = data.reason.strip()[:2000]
    if not reason:
        return to_page(f"/messages/{number}", "Say why; it is kept with the edit.", "warn")
    end = {"crlf": "\r\n", "none": ""}.get(data.line_end, "\n")
    text = data.text.replace("\r\n", "\n").replace("\n", end)
    readings = int(data.readings) if data.readings.isdigit() else None
    made = await resubmit(hub, principal, number, text.encode(), reason, readings)
    return to_page(f"/messages/{made}", f"Message {made} stands in the place of {number} and is being read.")


@post("/messages/read-again", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=303)
async def once_more(request: Request[Any, Any, Any], hub: Hub, data: Annotated[Chosen, Form]) -> Response[Any]:
    """Has held messages read again, for instance after the workspace has learned an item."""
    ids = [data.ids] if isinstance(data.ids, str) else data.ids
    numbers = [int(each) for each in ids if each.isascii() and each.isdigit() and len(each) < 19]
    for number in numbers:
        await _found(hub, request.user, number)
    done = await read_again(hub, request.user, numbers) if numbers else 0
    return to_page("/messages?status=held", f"{done} to be read again.", "good" if done else "warn")


router = Router("/", route_handlers=[messages, message, raw, mend, once_more])
