"""What is owed to whom by when, and why it is not done yet."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from litestar import Request, Router, get

from crossdock.api.asked import Cursor, Limit, Word, moment, whole
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.api.routes.deliveries import Delivery, delivery_of
from crossdock.flow.why import why
from crossdock.store.operations import Operations, Owing

OpenStatus = Literal["blocked", "ready", "waiting", "refused"]


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is owed. by, to: us, a system or a partner. why: what keeps it from being met, in words; evidence: the facts that met it. amount: the money in it."""

    id: str
    key: str
    kind: str
    by: str
    to: str
    partner: str | None
    status: str
    due_at: datetime | None
    late: bool
    why: list[str]
    evidence: list[str]
    subject: str
    amount: Decimal | None
    opened_at: datetime
    updated_at: datetime


class ObligationInFull(msgspec.Struct, frozen=True, kw_only=True):
    """An obligation with the delivery that is to meet it and the exceptions that stand open about it, by id."""

    obligation: Obligation
    delivery: Delivery | None
    exceptions: list[str]


def obligation_of(row: Mapping[str, Any], now: datetime, delivery: Mapping[str, Any] | None = None) -> Obligation:
    """A row of the books as it is shown."""
    due = row["due_at"]
    is_open = row["status"] in ("blocked", "ready", "waiting", "refused")
    return Obligation(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        by=row["debtor"],
        to=row["creditor"],
        partner=row["partner"],
        status=row["status"],
        due_at=due,
        late=is_open and due is not None and due <= now,
        why=why(row, delivery, now),
        evidence=row["evidence"],
        subject=row["subject"],
        amount=row["amount"],
        opened_at=row["opened_at"],
        updated_at=row["updated_at"],
    )


@get("/obligations", guards=[allowed(Permission.OPERATIONS_READ)])
async def obligations(
    hub: Hub,
    principal: Principal,
    to: Word = None,
    by: Word = None,
    kind: Word = None,
    status: OpenStatus | None = None,
    partner: Word = None,
    key: Word = None,
    due_before: datetime | None = None,
    overdue: bool = False,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Obligation]:
    """What is owed. Open obligations, the earliest due first, those without a due time last. `to` and `by`: us, a system or a partner."""
    now = hub.clock()
    before = moment(due_before, "due_before")
    bound = ("obligations", to, by, kind, status, partner, key, before, overdue, principal.only)
    after = decode(cursor, bound, tuple[datetime | None, str])
    until = now if overdue and (before is None or before > now) else before
    narrowed = Owing(partner=partner, to=to, by=by, kind=kind, status=status, due_before=until, key=key)
    operations = Operations(hub.database)
    made = page(
        await operations.obligations(narrowed, principal.only, after, limit + 1),
        limit,
        bound,
        lambda row: [row["due_at"], row["id"]],
    )
    ours = [row["id"] for row in made.items if row["status"] in ("ready", "refused")]
    sent = {row["id"]: row for row in await operations.deliveries_by_id(ours, principal.only)} if ours else {}
    return Page([obligation_of(row, now, sent.get(row["id"])) for row in made.items], made.next)


@get("/obligations/{id:path}", guards=[allowed(Permission.OPERATIONS_READ)])
async def obligation(id: str, hub: Hub, principal: Principal, request: Request[Any, Any, Any]) -> ObligationInFull:
    """Why it is not done yet. One obligation: what it waits for in words, or by what it was met, its delivery, and the exceptions about it."""
    name, now = whole(request, "/v1/obligations/"), hub.clock()
    operations = Operations(hub.database)
    row = await hub.lookup.obligation(name)
    owner = await operations.owner(row["key"], principal.only) if row is not None else None
    if row is None or owner is None:
        raise problem("not-found", f"there is no obligation {name}")
    sent = await operations.deliveries_by_id([name], principal.only)
    troubles = await hub.lookup.exceptions(key=row["key"])
    return ObligationInFull(
        obligation=obligation_of({**row, "partner": owner["partner"]}, now, sent[0] if sent else None),
        delivery=delivery_of(sent[0]) if sent else None,
        exceptions=[each["id"] for each in troubles if name in each["obligations"]],
    )


router = Router("/", route_handlers=[obligations, obligation], tags=["Obligations"])
