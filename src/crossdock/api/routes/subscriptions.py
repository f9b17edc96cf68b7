"""Webhooks: who is told of which events, what was sent to it, and having it sent again. A partner has its own, and they tell of its own events."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter
from msgspec.structs import replace

from crossdock.api.asked import LONGEST_TEXT, PLAIN, Cursor, Limit, Moment, Number, moment
from crossdock.api.editing import etag_of, must_match
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.subscribing import (
    LONGEST_OVERLAP_HOURS,
    OVERLAP_HOURS,
    Unwanted,
    callable_url,
    full_types,
    known_types,
    replace_secret,
    subscribe,
)
from crossdock.connectors.events.guard import allowed_by
from crossdock.store.access import Write
from crossdock.store.events import EventFeed
from crossdock.store.webhooks import Subscription, WebhookAttempt, WebhookDelivery, WebhookStore

ETAG = ResponseHeader(name="ETag", documentation_only=True, description="Name it in `If-Match` to edit what you saw.")
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=PLAIN)]
Words = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT, pattern=PLAIN)]
TypeNames = Annotated[list[Annotated[str, msgspec.Meta(max_length=100, pattern=PLAIN)]], msgspec.Meta(max_length=100)]
IfMatch = Annotated[
    str | None, Parameter(header="If-Match", max_length=300, description="The ETag of what the edit was made of.")
]
Status = Literal["active", "paused", "disabled"]
Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. types: empty for all. partner: whose events it is told, "" everybody's. status: disabled when it was given up, and `reason` says why.
    failures: attempts that failed in a row. cursor: up to where the feed was queued for it. previous_until: until when a secret that was replaced signs as well. missed: up to
    where events were swept before it was sent them, "" when none were."""

    id: str
    url: str
    types: list[str]
    partner: str
    description: str
    status: Status
    reason: str
    failures: int
    cursor: str
    succeeded_at: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    created_by: str
    previous_until: datetime | None
    missed: str


class WebhookWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription to be made. url: https, on the open Internet. types: full names, empty for all. partner: only this partner's events. after: a cursor of the feed to
    begin behind; from now on when it is not told."""

    url: Url
    types: TypeNames = []
    partner: Annotated[str, msgspec.Meta(max_length=300, pattern=PLAIN)] = ""
    description: Words = ""
    after: Sequence | None = None


class WebhookMade(msgspec.Struct, frozen=True):
    """A subscription with its secret, which is shown this once."""

    subscription: Webhook
    secret: str


class WebhookEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is not told stays. status: paused keeps what is announced meanwhile, active takes it up (again). after: a cursor of the feed to go on
    behind; what it has been sent already is not sent again."""

    url: Url | None = None
    types: TypeNames | None = None
    description: Words | None = None
    status: Literal["active", "paused"] | None = None
    after: Sequence | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """overlap_hours: how long the secret that is replaced signs as well."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_OVERLAP_HOURS)] = OVERLAP_HOURS


class Secret(msgspec.Struct, frozen=True):
    """A new secret, which is shown this once."""

    secret: str


class Redelivery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be sent again: one event by `sequence`, or a range of sequences from `first` to `last`, or of moments from `since` to `until` (now when not told)."""

    sequence: Sequence | None = None
    first: Sequence | None = None
    last: Sequence | None = None
    since: Moment | None = None
    until: Moment | None = None


class Redelivered(msgspec.Struct, frozen=True):
    """How many deliveries were queued; at most ten thousand at once."""

    queued: int


def shown(found: Subscription) -> Webhook:
    """A subscription as it is shown."""
    return Webhook(
        id=found.id,
        url=found.url,
        types=full_types(found.types),
        partner=found.partner,
        description=found.description,
        status=found.status,  # type: ignore[arg-type]  # the table holds no other
        reason=found.reason,
        failures=found.failures,
        cursor=str(found.cursor),
        succeeded_at=found.succeeded_at,
        disabled_at=found.disabled_at,
        created_at=found.created_at,
        created_by=found.created_by,
        previous_until=found.previous_until,
        missed=str(found.missed) if found.missed else "",
    )


def _etag(found: Subscription) -> str:
    return etag_of(found.id, found.revision)


def _unwanted(error: Unwanted) -> Problem:
    return problem("invalid", str(error), errors=[{"pointer": f"#/{error.field}", "detail": str(error)}])


async def _found(hub: Hub, principal: Principal, id_: str) -> Subscription:
    found = await WebhookStore(hub.database).get(id_, principal.only) if "\0" not in id_ else None
    if found is None:
        raise problem("not-found", "there is no such subscription")
    return found


@get("/", guards=[allowed(Permission.EVENTS_READ)])
async def subscriptions(
    hub: Hub, principal: Principal, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Webhook]:
    """Subscriptions. Webhooks and how each stands, without their secrets."""
    bound = ("subscriptions", principal.only)
    after = decode(cursor, bound, tuple[str])
    rows = await WebhookStore(hub.database).all(principal.only, after[0] if after else "", limit + 1)
    return page([shown(row) for row in rows], limit, bound, lambda row: [row.id])


@post("/", guards=[allowed(Permission.EVENTS_WRITE)], opt={"problems": [410]})
async def create(data: WebhookWanted, hub: Hub, principal: Principal, write: Write) -> WebhookMade:
    """Subscribe. The answer has the secret that signs, as Standard Webhooks 1.0 does; it is shown this once. A partner's webhook tells of its own events alone."""
    if principal.only is not None and data.partner not in ("", principal.only):
        raise _unwanted(Unwanted("partner", "a partner subscribes to its own events"))
    try:
        made = await subscribe(
            WebhookStore(hub.database),
            data.url,
            data.types,
            allowed_by(hub.environ),
            hub.clock(),
            by=principal.id,
            partner=data.partner if principal.only is None else principal.only,
            description=data.description,
            after=data.after,
        )
    except Unwanted as error:
        raise _unwanted(error) from None
    found = shown(made.subscription)
    write.subject, write.after = found.id, found
    return WebhookMade(found, made.secret)


@get("/{id:str}", guards=[allowed(Permission.EVENTS_READ)], response_headers=[ETAG])
async def subscription(id: str, hub: Hub, principal: Principal) -> Response[Webhook]:
    """One subscription. Its ETag is for editing it."""
    found = await _found(hub, principal, id)
    return Response(shown(found), headers={"ETag": _etag(found)})


@patch("/{id:str}", guards=[allowed(Permission.EVENTS_WRITE)], response_headers=[ETAG], opt={"problems": [410]})
async def edit(
    id: str,
    data: WebhookEdit,
    hub: Hub,
    principal: Principal,
    write: Write,
    request: Request[Any, Any, Any],
    if_match: IfMatch = None,
) -> Response[Webhook]:
    """Edit, pause, resume. One that was given up is taken up again by `"status": "active"`, and its exception closes; what failed is not sent again by itself.
    Where it has `missed` what was swept meanwhile, that is answered 410 until the edit names the cursor to go on behind, `after`."""
    before, store = await _found(hub, principal, id), WebhookStore(hub.database)
    must_match(request, _etag(before))
    try:
        wanted = replace(
            before,
            url=before.url if data.url is None else callable_url(data.url, allowed_by(hub.environ)),
            types=before.types if data.types is None else known_types(data.types),
            description=before.description if data.description is None else data.description,
            status=before.status if data.status is None else data.status,
        )
    except Unwanted as error:
        raise _unwanted(error) from None
    if not await store.edit(wanted, before.revision, hub.clock(), data.after):
        raise problem("changed-meanwhile", "it has been changed since it was read")
    after = await _found(hub, principal, id)
    write.subject, write.before, write.after = id, shown(before), shown(after)
    return Response(shown(after), headers={"ETag": _etag(after)})


@delete("/{id:str}", guards=[allowed(Permission.EVENTS_WRITE)], status_code=200)
async def remove(id: str, hub: Hub, principal: Principal, write: Write) -> Webhook:
    """Unsubscribe. What was sent to it is forgotten with it; the audit log is not."""
    before = await _found(hub, principal, id)
    await WebhookStore(hub.database).delete(id, hub.clock())
    write.subject, write.before = id, shown(before)
    return shown(before)


@post("/{id:str}/secret", guards=[allowed(Permission.EVENTS_WRITE)], status_code=200)
async def rotate(id: str, data: Rotation, hub: Hub, principal: Principal, write: Write) -> Secret:
    """Replace the secret. For some hours both sign, so that a receiver may change over when it likes."""
    await _found(hub, principal, id)
    secret = await replace_secret(WebhookStore(hub.database), id, data.overlap_hours, hub.clock())
    if secret is None:
        raise problem("not-found", "there is no such subscription")
    write.subject = id
    return Secret(secret)


@post("/{id:str}/redeliver", guards=[allowed(Permission.EVENTS_WRITE)], status_code=202, opt={"problems": [410]})
async def redeliver(id: str, data: Redelivery, hub: Hub, principal: Principal, write: Write) -> Redelivered:
    """Redeliver. One event, or all of a range that it wants, delivered before or not; under the same `webhook-id`, so that a receiver knows what it has.
    A range that begins before what is kept is answered 410, and nothing of it is queued."""
    await _found(hub, principal, id)
    feed = EventFeed(hub.database)
    if data.sequence is not None:
        first = last = data.sequence
    elif data.first is not None:
        first, last = data.first, await feed.head() if data.last is None else data.last
    elif data.since is not None:
        since, until = moment(data.since, "since"), moment(data.until, "until")
        assert since is not None
        first = await feed.before(since) + 1
        last = await feed.head() if until is None else await feed.before(until)
    else:
        detail = "say which: sequence, first or since"
        raise problem("invalid", detail, errors=[{"pointer": "#", "detail": detail}])
    queued = await WebhookStore(hub.database).redeliver(id, first, last, hub.clock())
    write.subject, write.after = id, {"first": first, "last": last, "queued": queued}
    return Redelivered(queued)


@get("/{id:str}/deliveries", guards=[allowed(Permission.EVENTS_READ)])
async def deliveries(
    id: str,
    hub: Hub,
    principal: Principal,
    status: Literal["queued", "sending", "delivered", "failed"] | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[WebhookDelivery]:
    """What was sent to it. The latest events first, each with its standing and how often it was tried."""
    await _found(hub, principal, id)
    bound = ("webhook-deliveries", id, status, principal.only)
    before = decode(cursor, bound, tuple[int])
    rows = await WebhookStore(hub.database).deliveries(id, before[0] if before else None, status, limit + 1)
    return page(rows, limit, bound, lambda row: [row.sequence])


@get("/{id:str}/deliveries/{sequence:int}", guards=[allowed(Permission.EVENTS_READ)])
async def attempts(id: str, sequence: Number, hub: Hub, principal: Principal) -> list[WebhookAttempt]:
    """Attempts. Every one at telling this event, with what was answered."""
    await _found(hub, principal, id)
    return await WebhookStore(hub.database).attempts(id, sequence)


router = Router(
    "/subscriptions",
    route_handlers=[
        subscriptions,
        create,
        subscription,
        edit,
        remove,
        rotate,
        redeliver,
        deliveries,
        attempts,
    ],
    tags=["Events"],
)
