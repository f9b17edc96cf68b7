"""What came in and went out, byte for byte, what was found in it, and what is held: read again, or mended and read instead."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from crossdock.api.asked import Cursor, Limit, Number, Reason, Word
from crossdock.api.editing import must_match
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.facts.codec import type_of
from crossdock.flow.resubmit import replaced
from crossdock.store.access import Write
from crossdock.store.inbox import MessageInbox
from crossdock.store.operations import Changed, Operations

Status = Literal["stored", "read", "held", "sent", "replaced"]
LARGEST_BYTES = 16_000_000
ETAG = ResponseHeader(
    name="ETag", documentation_only=True, description="Name it in `If-Match` to replace what you saw."
)


class MessageHead(msgspec.Struct, frozen=True, kw_only=True):
    """A message without its bytes. direction: in or out; channel: by which; status: stored (not read yet), read, held, sent, replaced (an edit is read instead).
    in_place_of, replaced_by: the message that it was edited from, and the edit that stands in its place."""

    id: int
    direction: Literal["in", "out"]
    channel: str
    name: str
    content_type: str
    received_at: datetime
    status: Status
    note: str
    bytes: int
    in_place_of: int | None
    replaced_by: int | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something found in it. code: as in docs/reference/findings.md; place: interchange, group, transaction, segment, element and offset, as far as known."""

    severity: str
    code: str
    message: str
    place: dict[str, Any]


class Told(msgspec.Struct, frozen=True):
    """A fact that it told."""

    id: str
    type: str
    key: str


class Resubmission(msgspec.Struct, frozen=True):
    """An edit in the place of a held message."""

    original: int
    message: int
    who: str
    reason: str
    at: datetime


class MessageInFull(msgspec.Struct, frozen=True, kw_only=True):
    """A message with what was found in it, the facts that it told, and its edits."""

    message: MessageHead
    attributes: dict[str, Any]
    findings: list[Finding]
    facts: list[Told]
    resubmissions: list[Resubmission]


def head_of(row: Mapping[str, Any]) -> MessageHead:
    """A row of the messages as it is shown."""
    told = {name: row[name] for name in MessageHead.__struct_fields__ if name != "in_place_of"}
    return MessageHead(**told, in_place_of=row["original"])


def etag(row: Mapping[str, Any]) -> str:
    """The ETag of a message as it stands: its bytes never change, what was made of them may."""
    return f'"{row["id"]}-{row["status"]}-{row["readings"]}"'


async def _row(hub: Hub, principal: Principal, id_: int) -> dict[str, Any]:
    operations = Operations(hub.database)
    rows = await operations.messages(principal.only, id_ + 1 if id_ < 2**63 - 1 else id_, 1)
    if not rows or rows[0]["id"] != id_:
        raise problem("not-found", f"there is no message {id_}")
    return rows[0]


@get("/messages", guards=[allowed(Permission.OPERATIONS_READ)])
async def messages(
    hub: Hub,
    principal: Principal,
    direction: Literal["in", "out"] | None = None,
    channel: Word = None,
    status: Status | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[MessageHead]:
    """Messages. What came in and went out, the newest first, without the bytes. What waits to be understood: `status=held`."""
    bound = ("messages", direction, channel, status, principal.only)
    after = decode(cursor, bound, tuple[int])
    rows = await Operations(hub.database).messages(
        principal.only, after[0] if after else None, limit + 1, direction=direction, channel=channel, status=status
    )
    made = page(rows, limit, bound, lambda row: [row["id"]])
    return Page([head_of(row) for row in made.items], made.next)


@get("/messages/{id:int}", guards=[allowed(Permission.OPERATIONS_READ)], response_headers=[ETAG])
async def message(id: Number, hub: Hub, principal: Principal) -> Response[MessageInFull]:
    """One message. What was found in it, which facts it told, and what stands in its place."""
    row = await _row(hub, principal, id)
    whole = await hub.lookup.message(id)
    assert whole is not None
    facts = await hub.lookup.facts_of_message(id)
    edits = await Operations(hub.database).resubmissions(id)
    shown = MessageInFull(
        message=head_of(row),
        attributes={name: value for name, value in whole["attributes"].items() if name not in ("request", "control")},
        findings=[_finding(each) for each in whole["findings"]],
        facts=[Told(fact.id, type_of(fact.data)[0], fact.key) for fact in facts],
        resubmissions=[Resubmission(**each) for each in edits],
    )
    return Response(shown, headers={"ETag": etag(row)})


def _finding(each: Mapping[str, Any]) -> Finding:
    return Finding(
        severity=str(each.get("severity", "")),
        code=str(each.get("code", "")),
        message=str(each.get("message", "")),
        place=each.get("place") or {},
    )


@get(
    "/messages/{id:int}/raw",
    guards=[allowed(Permission.MESSAGES_RAW)],
    media_type="application/octet-stream",
    responses={
        200: ResponseSpec(data_container=bytes, media_type="application/octet-stream", description="Its bytes.")
    },
)
async def raw(id: Number, hub: Hub, principal: Principal) -> Response[bytes]:
    """Download. The bytes of a message and nothing else, as they came or went."""
    row = await _row(hub, principal, id)
    whole = await hub.lookup.message(id)
    assert whole is not None
    headers = {
        "Content-Disposition": f'attachment; filename="message-{id}"',
        "X-Content-Type-Options": "nosniff",
        "ETag": etag(row),
    }
    return Response(bytes(whole["data"]), media_type="application/octet-stream", headers=headers)


class ReadAgain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held messages that are to be read again as they are."""

    messages: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]], msgspec.Meta(min_length=1, max_length=500)
    ]


class Count(msgspec.Struct, frozen=True):
    """How many."""

    count: int


@post("/messages/read-again", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=200)
async def read_again(data: ReadAgain, hub: Hub, principal: Principal, write: Write) -> Count:
    """Read again. Held messages are put back to be read with the present workspace."""
    operations = Operations(hub.database)
    ids = [id_ for id_ in data.messages if await operations.may_see_message(id_, principal.only)]
    write.subject = ", ".join(map(str, ids[:10]))
    return Count(await MessageInbox(hub.database).read_again(ids))


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A held message, mended: its whole content, as text (UTF-8) or in base64, and why."""

    reason: Reason
    text: Annotated[str, msgspec.Meta(max_length=LARGEST_BYTES)] | None = None
    base64: Annotated[str, msgspec.Meta(max_length=LARGEST_BYTES)] | None = None


@post(
    "/messages/{id:int}/edit",
    guards=[allowed(Permission.OPERATIONS_WRITE)],
    status_code=201,
    opt={"body_bytes": LARGEST_BYTES},
    response_headers=[ETAG],
)
async def resubmit(
    id: Number,
    data: Edit,
    hub: Hub,
    principal: Principal,
    write: Write,
    request: Request[Any, Any, Any],
    if_match: Annotated[
        str | None, Parameter(header="If-Match", max_length=300, description="The message's ETag.")
    ] = None,
) -> Response[MessageHead]:
    """Mend a held message. The edit is a message of its own, read in the place of the original, whose bytes are kept beside; the log says who did it and why."""
    row = await _row(hub, principal, id)
    must_match(request, etag(row))
    content, now = _content(data), hub.clock()
    try:
        number = await Operations(hub.database).resubmit(
            id,
            content,
            principal.id,
            data.reason,
            now,
            lambda original, keys, edit: replaced(original, keys, edit, principal.id, data.reason, now),
            None if request.headers.get("if-match") == "*" else row["readings"],
        )
    except KeyError:
        raise problem("conflict", "only what came in can be mended") from None
    except Changed as changed:
        raise problem("conflict", f"only a held message can be mended; it is {changed}") from None
    made = await _row(hub, principal, number) if principal.only is None else {**row, "id": number}
    write.subject, write.before, write.after = str(id), {"status": "held"}, {"status": "replaced", "by": number}
    return Response(head_of(made), headers={"ETag": etag(made), "Location": f"/v1/messages/{number}"}, status_code=201)


def _content(data: Edit) -> bytes:
    if (data.text is None) == (data.base64 is None):
        raise problem("invalid", "say either `text` or `base64`", errors=[{"pointer": "#", "detail": "one of both"}])
    if data.text is not None:
        return data.text.encode()
    try:
        return base64.b64decode(data.base64 or "", validate=True)
    except (binascii.Error, ValueError):
        detail = "is no base64"
        raise problem("invalid", detail, errors=[{"pointer": "#/base64", "detail": detail}]) from None


router = Router("/", route_handlers=[messages, message, raw, read_again, resubmit], tags=["Messages"])
