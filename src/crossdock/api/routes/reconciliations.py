"""Our books of stock beside what a system says that it has: comparisons, variances, and what somebody decides about them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
from litestar import Request, Router, get, post

from crossdock.api.asked import Cursor, Limit, Moment, Name, Reason, Word, moment, whole
from crossdock.api.body import Exact
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.flow.reconcile import Limits, Refused, ignored, nothing_known, reconcile_system, repair
from crossdock.reconcile.evidence import Terms
from crossdock.store.access import Write
from crossdock.store.log import FactLog
from crossdock.store.operations import Operations
from crossdock.store.reconcile import StockReconciliation
from crossdock.workspace.reconciling import reconcile_items, reconcile_terms


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison of a snapshot. differing: positions that differ, `timing` of them in flight or awaited; found, gone: variances told as new or changed, and as gone;
    amount: money of all drift. note: why nothing was compared, where nothing was."""

    id: int
    snapshot: int
    system: str
    as_of: datetime
    ran_at: datetime | None
    differing: int
    timing: int
    found: int
    gone: int
    amount: Decimal | None
    note: str


class Variance(msgspec.Struct, frozen=True, kw_only=True):
    """A position on which the books do not agree. quantity: what the system has more than we, less what is in flight. status: open (drift), timing, closed; milestone: open,
    ignored, repaired, closed. confidence: 0 to 1."""

    key: str
    system: str
    item: str
    site: str
    place: str
    lot: str
    owner: str
    status: Literal["open", "timing", "closed"]
    milestone: str
    ours: Decimal
    theirs: Decimal
    quantity: Decimal
    in_flight: Decimal
    amount: Decimal | None
    cause: str
    confidence: Decimal
    detail: str
    evidence: list[str]
    since: datetime | None
    first_as_of: datetime
    as_of: datetime
    snapshot: int
    run: int


class Compare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose latest snapshot is to be compared, at or before `as_of` where that is said."""

    system: Name
    as_of: Moment | None = None


class Ignore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variance to be left alone until a moment, unless it changes."""

    variance: Name
    until: Moment
    reason: Reason


class Approve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The approval of an adjustment of our books: of this variance, by this quantity (as the variance says it), for this reason. Whoever asks answers for it."""

    variance: Name
    quantity: Decimal
    reason: Reason


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """The movement that adjusted our books."""

    movement: str
    item: str
    site: str
    quantity: Decimal
    origin: str
    destination: str


@get("/reconciliations", guards=[allowed(Permission.RECONCILE_READ)])
async def comparisons(
    hub: Hub, principal: Principal, system: Word = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Comparison]:
    """Comparisons. Each time that a snapshot was held against our books, the newest first."""
    bound = ("reconciliations", system, principal.only)
    after = decode(cursor, bound, tuple[int])
    rows = await Operations(hub.database).runs(system, after[0] if after else None, limit + 1)
    made = page(rows, limit, bound, lambda row: [row["id"]])
    return Page([Comparison(**row) for row in made.items], made.next)


@post("/reconciliations", guards=[allowed(Permission.RECONCILE_WRITE)], status_code=200)
async def compare(data: Compare, hub: Hub, principal: Principal, write: Write) -> Comparison:
    """Compare now. Holds a system's latest snapshot against our books as of its own moment."""
    loaded, write.subject = hub.book.current, data.system
    items = reconcile_items(loaded) if loaded else nothing_known
    terms = reconcile_terms(loaded) if loaded else Terms()
    books, now = StockReconciliation(hub.database), hub.clock()
    run = await reconcile_system(books, data.system, now, items, terms, moment(data.as_of, "as_of"))
    if run is None:
        raise problem("not-found", f"{data.system} has told no snapshot")
    told = {name: getattr(run, name) for name in Comparison.__struct_fields__ if name not in ("id", "ran_at")}
    return Comparison(id=run.run, ran_at=now, **told)


@get("/variances", guards=[allowed(Permission.RECONCILE_READ)])
async def variances(
    hub: Hub,
    principal: Principal,
    system: Word = None,
    status: Literal["open", "timing"] | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[Variance]:
    """Variances. Positions on which our books and a system's do not agree, by their keys."""
    bound = ("variances", system, status, principal.only)
    after = decode(cursor, bound, tuple[str])
    rows = await Operations(hub.database).variances(system, status, after[0] if after else None, limit + 1)
    made = page(rows, limit, bound, lambda row: [row["key"]])
    return Page([Variance(**row) for row in made.items], made.next)


@get("/variances/{key:path}", guards=[allowed(Permission.RECONCILE_READ)])
async def variance(key: str, hub: Hub, request: Request[Any, Any, Any]) -> Variance:
    """One variance. With its likely cause and what that is read from."""
    return Variance(**await _row(hub, whole(request, "/v1/variances/")))


async def _row(hub: Hub, key: str) -> Mapping[str, Any]:
    row = await Operations(hub.database).variance(key)
    if row is None:
        raise problem("not-found", f"there is no variance {key}")
    return row


@post("/variances/ignore", guards=[allowed(Permission.RECONCILE_WRITE)], status_code=200)
async def ignore(data: Ignore, hub: Hub, principal: Principal, write: Write) -> Variance:
    """Leave it alone. A variance raises no exception until a moment, unless it changes."""
    row, now = await _row(hub, data.variance), hub.clock()
    until = moment(data.until, "until")
    if until is None or until <= now:
        detail = "is past"
        raise problem("invalid", f"until {detail}", errors=[{"pointer": "#/until", "detail": detail}])
    if row["status"] == "closed":
        raise problem("conflict", "it is closed: the books agree")
    fact = ignored(data.variance, row["quantity"], principal.id, data.reason, until, now)
    await FactLog(hub.database).record([fact], now)
    write.subject, write.after = data.variance, {"ignored_until": until, "quantity": row["quantity"]}
    return Variance(**row)


@post(
    "/variances/repair",
    guards=[allowed(Permission.RECONCILE_WRITE)],
    status_code=200,
    dto=Exact[Approve],
    return_dto=None,
)
async def repair_variance(data: Approve, hub: Hub, principal: Principal, write: Write) -> Repaired:
    """Repair. Adjusts our books by what was approved, within the limits of the workspace, as of the moment at which it was found."""
    row = await _row(hub, data.variance)
    if row["quantity"] != data.quantity:
        raise problem("conflict", f"{data.quantity} was approved, and the variance is of {row['quantity']} now")
    loaded = hub.book.current
    policy = loaded.stock if loaded else None
    limits = Limits(units=policy.repair_units, amount=policy.repair_limit) if policy else Limits()
    books = StockReconciliation(hub.database)
    try:
        movement = await repair(books, data.variance, principal.id, data.reason, hub.clock(), limits)
    except KeyError:
        raise problem("conflict", "the snapshot that found it is not kept any more; compare again") from None
    except Refused as refused:
        raise problem("conflict", f"not repaired: {refused}") from None
    write.subject, write.before = data.variance, {"quantity": row["quantity"], "ours": row["ours"]}
    write.after = {"repaired_by": f"{movement.source}:{movement.source_id}"}
    return Repaired(
        movement=f"{movement.source}:{movement.source_id}",
        item=movement.item,
        site=movement.site,
        quantity=movement.quantity,
        origin=movement.origin.value,
        destination=movement.destination.value,
    )


router = Router(
    "/",
    route_handlers=[comparisons, compare, variances, variance, ignore, repair_variance],
    tags=["Reconciliation"],
)
