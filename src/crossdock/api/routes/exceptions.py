"""What is wrong and who looks after it: exceptions with the money at stake, taken on, spoken of, put off and decided. Each opens and closes by its cause alone."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import ResponseHeader
from litestar.params import Parameter

from crossdock.api.asked import LONGEST_TEXT, PLAIN, Cursor, Limit, Moment, Reason, Word, moment, whole
from crossdock.api.editing import must_match
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.flow.decide import decided
from crossdock.process.order_to_cash.deciding import choices
from crossdock.store.access import Write
from crossdock.store.operations import Action, Changed, Narrowed, Operations, mark_of

Category = Literal["business", "transport", "defect"]
Note = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT, pattern=PLAIN)]
ETAG = ResponseHeader(name="ETag", documentation_only=True, description="Name it in `If-Match` to act on what you saw.")


class OpenException(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong. detail: what, with figures; action: what a person can do; amount: the money at stake. assignee: who has taken it on, "" nobody.
    snoozed_until: out of sight until then, None when it is in sight."""

    id: str
    key: str
    process: str | None
    partner: str | None
    category: Category
    cause: str
    detail: str
    action: str
    subject: str
    obligations: list[str]
    amount: Decimal | None
    opened_at: datetime
    closed_at: datetime | None
    assignee: str
    snoozed_until: datetime | None
    comments: int


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did about it, kept for good."""

    action: Literal["assign", "comment", "snooze", "wake", "decide"]
    who: str
    at: datetime
    assignee: str
    until: datetime | None
    accept: bool | None
    note: str


class Interval(msgspec.Struct, frozen=True):
    """A time for which it was open."""

    opened_at: datetime
    closed_at: datetime | None


class ExceptionInFull(msgspec.Struct, frozen=True, kw_only=True):
    """An exception with its history. choices: what may be decided of it and what each means; empty where only its cause closes it."""

    exception: OpenException
    choices: dict[str, str]
    actions: list[Done]
    intervals: list[Interval]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Open exceptions of one cause. amount: the money at stake; assigned, snoozed: how many of them."""

    category: Category
    cause: str
    count: int
    amount: Decimal | None
    oldest: datetime
    assigned: int
    snoozed: int


class Assign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="assign"):
    """Takes it on, or hands it to somebody; "" gives it back."""

    assignee: Annotated[str, msgspec.Meta(max_length=300, pattern=PLAIN)]
    note: Note = ""


class Comment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="comment"):
    """Says something of it."""

    text: Reason


class Snooze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="snooze"):
    """Puts it out of sight until a moment, or until it closes and opens again; then it comes back by itself."""

    until: Moment
    reason: Reason


class Wake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="wake"):
    """Brings it back into sight."""

    note: Note = ""


class Resolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action", tag="resolve"):
    """Decides what facts alone cannot; `choices` of the exception says what each decision means. It closes when the decision has been folded."""

    decision: Literal["accept", "decline"]
    reason: Reason


Act = Assign | Comment | Snooze | Wake | Resolve


def exception_of(row: Mapping[str, Any]) -> OpenException:
    """A row of the books as it is shown."""
    return OpenException(**{name: row[name] for name in OpenException.__struct_fields__})


def in_full(row: Mapping[str, Any]) -> ExceptionInFull:
    """The same with its history."""
    return ExceptionInFull(
        exception=exception_of(row),
        choices=choices(row["cause"], row["subject"]) if row["closed_at"] is None else {},
        actions=[Done(**{name: each[name] for name in Done.__struct_fields__}) for each in row["actions"]],
        intervals=[Interval(**each) for each in row["intervals"]],
    )


def etag(row: Mapping[str, Any]) -> str:
    """The ETag of an exception as it stands."""
    return f'"{mark_of(row)}"'


@get("/exceptions", guards=[allowed(Permission.OPERATIONS_READ)])
async def exceptions(
    hub: Hub,
    principal: Principal,
    cause: Word = None,
    category: Category | None = None,
    assignee: Annotated[
        str | None, Parameter(max_length=300, pattern=PLAIN, description="Who has taken it on; empty for nobody.")
    ] = None,
    partner: Word = None,
    key: Word = None,
    opened_before: datetime | None = None,
    opened_after: datetime | None = None,
    snoozed: Literal["hidden", "shown", "only"] = "hidden",
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[OpenException]:
    """Exceptions. Those that stand open, the newest first; what is snoozed is left out unless asked for."""
    narrowed = Narrowed(
        partner=partner,
        cause=cause,
        category=category,
        key=key,
        assignee=assignee,
        opened_before=moment(opened_before, "opened_before"),
        opened_after=moment(opened_after, "opened_after"),
        snoozed={"hidden": False, "shown": None, "only": True}[snoozed],
    )
    bound = ("exceptions", narrowed, principal.only)
    after = decode(cursor, bound, tuple[datetime, str])
    rows = await Operations(hub.database).exceptions(narrowed, principal.only, after, limit + 1, hub.clock())
    made = page(rows, limit, bound, lambda row: [row["opened_at"], row["id"]])
    return Page([exception_of(row) for row in made.items], made.next)


@get("/exceptions/summary", guards=[allowed(Permission.OPERATIONS_READ)])
async def summary(hub: Hub, principal: Principal, partner: Word = None, assignee: Word = None) -> list[Counted]:
    """Exceptions by cause. How many stand open, with the money at stake, the dearest cause first."""
    rows = await Operations(hub.database).exceptions_counted(partner, assignee, principal.only, hub.clock())
    return [Counted(**row) for row in rows]


@get("/exceptions/{id:path}", guards=[allowed(Permission.OPERATIONS_READ)], response_headers=[ETAG])
async def exception(
    id: str, hub: Hub, principal: Principal, request: Request[Any, Any, Any]
) -> Response[ExceptionInFull]:
    """One exception. With what may be decided of it, each time it was open, and what people did about it."""
    name = whole(request, "/v1/exceptions/")
    row = await Operations(hub.database).exception(name, principal.only, hub.clock())
    if row is None:
        raise problem("not-found", f"there is no exception {name}")
    return Response(in_full(row), headers={"ETag": etag(row)})


@post("/exceptions/{id:path}", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=200, response_headers=[ETAG])
async def act(
    id: str,
    data: Act,
    hub: Hub,
    principal: Principal,
    write: Write,
    request: Request[Any, Any, Any],
    if_match: Annotated[
        str | None,
        Parameter(header="If-Match", max_length=300, description="The exception's ETag; all but a comment need it."),
    ] = None,
) -> Response[ExceptionInFull]:
    """Do something about it. Assign, comment, snooze, wake, or resolve with a reason; all but a comment name in `If-Match` what they were made of."""
    name, now, operations = whole(request, "/v1/exceptions/"), hub.clock(), Operations(hub.database)
    row = await operations.exception(name, principal.only, now)
    if row is None:
        raise problem("not-found", f"there is no exception {name}")
    if not isinstance(data, Comment):
        must_match(request, etag(row))
    action = _action(data, row, principal.id, now)
    tell = None
    if isinstance(data, Resolve):
        fact = decided(row, data.decision == "accept", principal.id, data.reason, now)
        tell = lambda _: [fact]  # noqa: E731  # a function a line long, made once
    seen = None if isinstance(data, Comment) or request.headers.get("if-match") == "*" else mark_of(row)
    try:
        before, after = await operations.act(name, action, principal.only, now, seen, tell)
    except Changed:
        raise problem("changed-meanwhile", "somebody has done something about it since it was read") from None
    write.subject, write.before, write.after = name, exception_of(before), exception_of(after)
    return Response(in_full(after), headers={"ETag": etag(after)})


def _action(data: Act, row: Mapping[str, Any], who: str, now: datetime) -> Action:
    """What is asked for as an action. Raises Problem for what cannot be done about it as it stands."""
    match data:
        case Comment(text=text):
            return Action(action="comment", who=who, note=text)
        case Assign(assignee=assignee, note=note):
            return Action(action="assign", who=who, assignee=assignee.strip(), note=note)
        case Wake(note=note):
            return Action(action="wake", who=who, note=note)
        case Snooze(until=until, reason=reason):
            end = moment(until, "until")
            if end is None or end <= now:
                raise problem(
                    "invalid",
                    "it can be snoozed until a moment to come",
                    errors=[{"pointer": "#/until", "detail": "is past"}],
                )
            if row["closed_at"] is not None:
                raise problem("conflict", "it is closed")
            return Action(action="snooze", who=who, until=end, note=reason)
        case Resolve(decision=decision, reason=reason):
            if row["closed_at"] is not None:
                raise problem("conflict", "it is closed already")
            if decision not in choices(row["cause"], row["subject"]):
                raise problem("conflict", f"{row['cause']} is not closed by that: {row['action']}")
            return Action(action="decide", who=who, accept=decision == "accept", note=reason)


router = Router("/", route_handlers=[exceptions, summary, exception, act], tags=["Exceptions"])
