"""Stock: what can be promised of many lines at once, what there is, what stands behind it; and what systems tell of it, under the rules of ownership."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post

from crossdock.api.asked import Cursor, Limit, Name, moment
from crossdock.api.body import Exact
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, encode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.submitting import known_system, submission, submit, trace_of
from crossdock.connectors.api import Submission, ToldMovement, ToldSnapshot, movement_of
from crossdock.crosswalk.amounts import uncountable_in
from crossdock.flow.ownership import judged
from crossdock.flow.promising import by_item, promisable
from crossdock.ledger.movement import Movement
from crossdock.ports.stock import Stock
from crossdock.ports.translation import Reading
from crossdock.store.access import Write
from crossdock.store.stock import StockBooks
from crossdock.trade.documents import ItemReference, PurchaseOrderLine

Req = Request[Any, Any, Any]
READ, WRITE = allowed(Permission.STOCK_READ), allowed(Permission.STOCK_WRITE)
BIG_BYTES = 32_000_000
LINES = 1000

_encode = msgspec.json.Encoder().encode


class AskedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of an item, by a day (left out: as soon as can be). item: our id of it; or items and unit: in the customer's words. site: from there alone."""

    line: str
    quantity: Decimal
    item: str = ""
    items: tuple[ItemReference, ...] = ()
    unit: str = ""
    by: date | None = None
    site: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines to be promised, each by itself. customer: in whose words they are; a partner's key may leave it out."""

    lines: Annotated[tuple[AskedLine, ...], msgspec.Meta(min_length=1, max_length=LINES)]
    customer: str = ""


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """What can be promised of a line. quantity: what was asked for, in our stock unit. promise_date: the first day on which all of it can be there; None:
    not by the day, or not within the horizon. today: how much of it can be there today. trouble: why nothing can be said."""

    line: str
    item: str
    quantity: Decimal
    unit: str
    today: Decimal
    promise_date: date | None
    trouble: str = ""


class Promises(msgspec.Struct, frozen=True):
    """The answer to each line, in the order in which they were asked. Nothing is reserved: an order does that."""

    lines: list[Promised]


@post("/", guards=[allowed(Permission.ORDERS_READ)], dto=Exact[Asked], opt={"reads": True}, status_code=200)
async def available_to_promise(data: Asked, hub: Hub, principal: Principal) -> Promises:
    """Available to promise, for up to 1,000 lines at once. Nothing is reserved, so it needs no `Idempotency-Key`."""
    customer = principal.only if principal.only is not None else data.customer
    if principal.only is not None and data.customer not in ("", principal.only):
        raise _wrong("#/customer", "this key asks for its own partner alone")
    if customer and customer not in hub.loaded.directory.partners:
        raise _wrong("#/customer", f"the workspace knows no partner {customer!r}")
    told = [_understood(hub, customer, line, place) for place, line in enumerate(data.lines)]
    policy = hub.loaded.stock
    sites = tuple(policy.sites) if policy is not None else ()
    pairs = sorted({(item, site) for item, _, _, trouble in told if not trouble for site in sites})
    supply = await StockBooks(hub.database).supply(pairs)
    today = hub.clock().date()
    found = {item: promisable(item, of_item, policy, today) for item, of_item in by_item(supply).items()}
    answers = []
    for line, (item, quantity, unit, trouble) in zip(data.lines, told, strict=True):
        promise = found.get(item)
        if promise is None or (line.site is not None and line.site not in sites):
            trouble = trouble or ("unknown-site" if promise is not None else "no-stock-kept")
        there = Decimal(0) if promise is None or trouble else promise.quantity_on(today, line.site)
        answers.append(
            Promised(
                line=line.line,
                item=item,
                quantity=quantity,
                unit=unit,
                today=min(there, quantity),
                promise_date=None if promise is None or trouble else promise.promise_date(quantity, line.by, line.site),
                trouble=trouble,
            )
        )
    return Promises(answers)


def _understood(hub: Hub, customer: str, line: AskedLine, place: int) -> tuple[str, Decimal, str, str]:
    """Item, quantity and unit as we say it, and the trouble with it."""
    if not line.quantity.is_finite() or line.quantity <= 0:
        raise _wrong(f"#/lines/{place}/quantity", "is to be more than nothing")
    directory = hub.loaded.directory
    if line.item:
        known = directory.items.get(line.item)
        return line.item, line.quantity, known.unit if known else "", "" if known else "unknown-item"
    if not line.items or not customer:
        raise _wrong(f"#/lines/{place}", "names our `item`, or `items` and the `customer` whose words they are")
    said = PurchaseOrderLine(line=line.line, quantity=line.quantity, unit=line.unit or "EA", items=line.items)
    found = hub.systems.crosswalk.ordered_line(directory.partners[customer], said)
    return found.item, found.quantity, found.unit, found.trouble


class StockRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the books have of an item at a site. available: in storage, allocated or staged, and not reserved."""

    item: str
    site: str
    on_hand: Decimal
    available: Decimal
    storage: Decimal
    allocated: Decimal
    staging: Decimal
    receiving: Decimal
    transit: Decimal
    quarantine: Decimal
    damaged: Decimal
    reserved: Decimal


def _row(each: Stock) -> StockRow:
    return StockRow(**{name: getattr(each, name) for name in StockRow.__struct_fields__})


@get("/", guards=[READ])
async def list_stock(
    hub: Hub, principal: Principal, item: str = "", cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> Page[StockRow]:
    """Stock by item and site. `item`: how its number begins."""
    bound = ("stock", item, principal.only)
    after = decode(cursor, bound, tuple[str, str])
    rows = await StockBooks(hub.database).listed(item, after or ("", ""), limit + 1)
    return page([_row(each) for each in rows], limit, bound, lambda row: [row.item, row.site])


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the figures of an item at a site: what is reserved for whom, and the movements, the latest first."""

    item: str
    site: str
    as_of: datetime | None
    places: dict[str, Decimal]
    reservations: list[dict[str, Any]]
    movements: list[Movement]
    next: str | None


@get("/{item:str}/{site:str}", guards=[READ])
async def explain_stock(
    item: str,
    site: str,
    hub: Hub,
    principal: Principal,
    as_of: datetime | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Behind:
    """One item at one site, now or as of any moment, with the movements and reservations behind each figure."""
    at = moment(as_of, "as_of")
    bound = ("stock", item, site, at, principal.only)
    after = decode(cursor, bound, tuple[datetime, str, str])
    told = await StockBooks(hub.database).explain(item, site, at, limit, after)
    if not told.positions and not told.movements and not told.reservations:
        raise problem("not-found", f"the books know nothing of {item} at {site}")
    places: dict[str, Decimal] = {}
    for position, quantity in told.positions.items():
        places[position.place.value] = places.get(position.place.value, Decimal(0)) + quantity
    return Behind(
        item=item,
        site=site,
        as_of=at,
        places=places,
        reservations=[
            {"key": r.key, "line": r.line, "site": r.site, "quantity": r.quantity} for r in told.reservations
        ],
        movements=list(told.movements),
        next=encode(list(told.cursor), bound) if told.cursor is not None else None,
    )


# --- What systems tell ---


class MovementsTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Movements that a system of the workspace tells, in our own words."""

    system: Name
    movements: Annotated[tuple[ToldMovement, ...], msgspec.Meta(min_length=1, max_length=5000)]


class RefusedMovement(msgspec.Struct, frozen=True):
    """A movement that its system may not tell, with the rule in words. It is kept as a conflict and moves nothing."""

    id: str
    rule: str


class MovementsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """message: under which they are kept. told: how many were in it; one that was told before under its id moved once. refused: those that were not this system's to tell."""

    message: int
    told: int
    refused: list[RefusedMovement]


@post("/", guards=[WRITE], dto=Exact[MovementsTold], opt={"body_bytes": BIG_BYTES}, status_code=201)
async def tell_movements(
    data: MovementsTold, request: Req, hub: Hub, principal: Principal, write: Write
) -> MovementsTaken:
    """Movements into the books of stock. Each is taken once by its system and id; what the system is not of record for is refused and kept as a conflict."""
    known_system(hub, data.system)
    try:
        told = tuple(movement_of(each, data.system, None) for each in data.movements)
    except ValueError as wrong:
        raise _wrong("#/movements", str(wrong)) from None
    reading = judged(Reading(movements=told), hub.systems.owners())
    taken = await submit(hub, write, _told("movements", principal, request, data.system), _encode(data.movements))
    refused = [RefusedMovement(movement.source_id, rule) for movement, rule in reading.refused]
    write.subject, write.after = data.system, {"movements": len(told), "refused": len(refused)}
    return MovementsTaken(message=taken.message, told=len(told), refused=refused)


class SnapshotTold(ToldSnapshot, frozen=True, kw_only=True):
    """What a system of the workspace says that there is, in our own words."""

    system: Name


class SnapshotTaken(msgspec.Struct, frozen=True, kw_only=True):
    """message: under which it is kept. It is held against the books as the workspace's schedule says."""

    message: int
    lines: int


@post("/", guards=[WRITE], dto=Exact[SnapshotTold], opt={"body_bytes": BIG_BYTES}, status_code=201)
async def tell_snapshot(
    data: SnapshotTold, request: Req, hub: Hub, principal: Principal, write: Write
) -> Response[SnapshotTaken]:
    """A snapshot of stock. It moves nothing: reconciliation holds it against the books."""
    known_system(hub, data.system)
    if (place := uncountable_in(data.lines, "#/lines")) is not None:
        raise _wrong(place, "is no number that can be counted with")
    told = {name: getattr(data, name) for name in ToldSnapshot.__struct_fields__}
    taken = await submit(hub, write, _told("snapshot", principal, request, data.system), _encode(told))
    write.subject, write.after = data.system, {"snapshot": data.id, "lines": len(data.lines)}
    return Response(SnapshotTaken(message=taken.message, lines=len(data.lines)), status_code=201)


def _told(kind: str, principal: Principal, request: Req, system: str) -> Submission:
    return submission(kind, principal, trace_of(request), system=system)


def _wrong(pointer: str, detail: str) -> Problem:
    return problem("invalid", f"{pointer}: {detail}", errors=[{"pointer": pointer, "detail": detail}])


router = Router(
    "/",
    route_handlers=[
        Router("/atp", route_handlers=[available_to_promise]),
        Router("/stock", route_handlers=[list_stock, explain_stock]),
        Router("/movements", route_handlers=[tell_movements]),
        Router("/snapshots", route_handlers=[tell_snapshot]),
    ],
    tags=["Stock"],
)
