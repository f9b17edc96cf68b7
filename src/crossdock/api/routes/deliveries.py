"""What was sent and what is to be sent: every attempt with what went over the wire and what came back, and trying again what was given up."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post

from crossdock.api.asked import Cursor, Limit, Name, Word, whole
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.connectors.http.masking import masked_headers, masked_text
from crossdock.flow.retry import previewed, retry
from crossdock.store.access import Write
from crossdock.store.log import FactLog
from crossdock.store.operations import Operations
from crossdock.store.outbox import DeliveryOutbox

Status = Literal["queued", "sending", "unknown", "accepted", "refused", "dead", "cancelled"]
SHOWN_BYTES = 100_000
"""Of what was sent so much is shown; the whole is the message's, which has a download."""
MOST = 500
"""Deliveries that one request tries again."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An effect of ours on a system, by the id of the obligation that it meets. status: queued, sending, unknown (it is looked up), accepted, refused, dead (given up),
    cancelled. rounds: how often a person had it done again; message: what went over the wire; control: where in it; uncertain: nobody knows whether it was done."""

    id: str
    key: str
    partner: str | None
    system: str
    document: str
    number: str
    status: str
    attempts: int
    rounds: int
    due_at: datetime | None
    message: int | None
    control: str
    outcome: str
    uncertain: bool
    created_at: datetime
    settled_at: datetime | None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What went over the wire, secrets as stars. body: as text; what is no text in base64, and then `base64` is true. length: bytes of the whole."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = {}
    content_type: str = ""
    body: str = ""
    base64: bool = False
    length: int = 0


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, secrets as stars; the beginning of the body."""

    status: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    length: int = 0


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. kind: send or look-up; outcome: accepted, later, refused, unknown. request: None where it was not written down; answer: None where nothing was answered,
    or by a system whose answers are not kept."""

    attempt: int
    kind: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    status: str
    detail: str
    message: int | None
    request: Sent | None
    answer: Answered | None


class DeliveryInFull(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with its attempts, in order."""

    delivery: Delivery
    attempts: list[Attempt]


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """A row of the outbox as it is shown. Due at infinity is: not due again."""
    due = row["due_at"]
    told = {name: row[name] for name in Delivery.__struct_fields__ if name != "due_at"}
    return Delivery(**told, due_at=due if due.year < 9999 and row["status"] in ("queued", "unknown") else None)


def _sent(row: Mapping[str, Any]) -> Sent | None:
    data = row["request_data"]
    if data is None:
        return None
    request = msgspec.json.decode(row["request_attributes"] or "{}").get("request") or {}
    shown = bytes(data[:SHOWN_BYTES])
    try:
        body, encoded = masked_text(shown.decode()), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(shown).decode(), True
    headers = {str(name): str(value) for name, value in (request.get("headers") or {}).items()}
    return Sent(
        method=str(request.get("method", "")),
        path=masked_text(str(request.get("path", ""))),
        headers=masked_headers(headers),
        content_type=row["request_type"] or "",
        body=body,
        base64=encoded,
        length=len(data),
    )


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    """A row of the attempts as it is shown."""
    told = {name: row[name] for name in Attempt.__struct_fields__ if name not in ("request", "answer")}
    answer = msgspec.json.decode(row["answer"], type=Answered) if row["answer"] else None
    return Attempt(**told, request=_sent(row), answer=answer)


@get("/deliveries", guards=[allowed(Permission.OPERATIONS_READ)])
async def deliveries(
    hub: Hub,
    principal: Principal,
    system: Word = None,
    document: Word = None,
    status: Status | None = None,
    partner: Word = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Delivery]:
    """Deliveries. What was sent and what is to be sent, the newest first. Dead letters: `status=dead`."""
    bound = ("deliveries", system, document, status, partner, principal.only)
    after = decode(cursor, bound, tuple[int])
    rows = await Operations(hub.database).deliveries(
        principal.only,
        after[0] if after else None,
        limit + 1,
        partner=partner,
        system=system,
        document=document,
        status=status,
    )
    made = page(rows, limit, bound, lambda row: [row["sequence"]])
    return Page([delivery_of(row) for row in made.items], made.next)


@get("/deliveries/{id:path}", guards=[allowed(Permission.OPERATIONS_READ)])
async def delivery(id: str, hub: Hub, principal: Principal, request: Request[Any, Any, Any]) -> DeliveryInFull:
    """One delivery. Every attempt with what was sent and what was answered; secrets are stars."""
    name, operations = whole(request, "/v1/deliveries/"), Operations(hub.database)
    rows = await operations.deliveries_by_id([name], principal.only)
    if not rows:
        raise problem("not-found", f"there is no delivery {name}")
    return DeliveryInFull(
        delivery=delivery_of(rows[0]), attempts=[attempt_of(row) for row in await operations.attempts(rows[0])]
    )


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be tried again: deliveries by id, or the newest that are stuck of a system (`status`: only dead letters, or only refusals). force: what nobody knows to be
    done or not is sent without looking up; that may do it twice."""

    ids: Annotated[list[Name], msgspec.Meta(max_length=MOST)] = []
    system: Name | None = None
    status: Literal["dead", "refused"] | None = None
    force: bool = False


class WouldRetry(msgspec.Struct, frozen=True):
    """What would be done about one. verdict: look-up (sent only if it is not there), send, take-back (a refusal is taken back, and it is made anew), nothing."""

    id: str
    verdict: Literal["look-up", "send", "take-back", "nothing"]
    detail: str


class RetryPreview(msgspec.Struct, frozen=True):
    """What a retry would do, before anything is done. more: there are further ones of the system; repeat when these are through."""

    items: list[WouldRetry]
    more: bool


class RetryDone(msgspec.Struct, frozen=True):
    """What was taken up: dead letters by id, and how many refusals were taken back. more: as in the preview."""

    queued: list[str]
    taken_back: int
    more: bool


async def _meant(hub: Hub, principal: Principal, data: Again) -> tuple[list[str], list[dict[str, Any]], bool]:
    """The ids, their rows, and whether the system has more."""
    operations = Operations(hub.database)
    if bool(data.ids) == (data.system is not None):
        detail = "say either `ids` or `system`"
        raise problem("invalid", detail, errors=[{"pointer": "#", "detail": detail}])
    if data.ids:
        rows = await operations.deliveries_by_id(data.ids, principal.only)
        return list(dict.fromkeys(data.ids)), rows, False
    rows = await operations.deliveries(
        principal.only, None, MOST + 1, system=data.system, status=data.status, stuck=True
    )
    return [row["id"] for row in rows[:MOST]], rows[:MOST], len(rows) > MOST


@post("/deliveries/retry/preview", guards=[allowed(Permission.OPERATIONS_READ)], status_code=200, opt={"reads": True})
async def preview_retry(data: Again, hub: Hub, principal: Principal) -> RetryPreview:
    """Preview a retry. What trying these again would do about each; nothing is done."""
    ids, rows, more = await _meant(hub, principal, data)
    made = previewed(ids, rows, data.force)
    return RetryPreview([WouldRetry(each.id, each.verdict, each.detail) for each in made], more)  # type: ignore[arg-type]


@post("/deliveries/retry", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=200)
async def retry_deliveries(data: Again, hub: Hub, principal: Principal, write: Write) -> RetryDone:
    """Try again. Dead letters are taken up (looked up first where nobody knows), refusals taken back; what was done is never done twice."""
    ids, rows, more = await _meant(hub, principal, data)
    seen = {row["id"] for row in rows}
    stuck = [id_ for id_ in ids if id_ in seen]
    outbox, log = DeliveryOutbox(hub.database), FactLog(hub.database)
    done = await retry(hub.lookup, outbox, log, stuck, None, principal.id, hub.clock(), data.force)
    write.subject = data.system or ", ".join(stuck[:5])
    write.before, write.after = {row["id"]: row["status"] for row in rows}, done
    return RetryDone(list(done.queued), done.retried, more)


router = Router("/", route_handlers=[deliveries, delivery, preview_retry, retry_deliveries], tags=["Deliveries"])
