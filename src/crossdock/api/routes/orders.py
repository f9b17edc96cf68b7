"""Orders: submit, change, cancel, and look at. A submission is answered after it has been kept and folded; what must be asked of other systems is
waited for as long as the caller prefers, and is 202 after that.
"""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse

from crossdock.api.answers import InvoiceView, OrderAnswer, ShipmentView, invoices, shipments
from crossdock.api.asked import Cursor, Limit, Word
from crossdock.api.body import Exact
from crossdock.api.editing import must_match
from crossdock.api.hub import Hub
from crossdock.api.packing import PLAIN, Ready
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.preferences import Preferences, preferences
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.submitting import answered, not_found, source_id, state_of, submission, submit, trace_of
from crossdock.connectors.api import CHANNEL
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.facts import Fact
from crossdock.facts.order import OrderReceived
from crossdock.process.order_to_cash import agreement_of, derive, evolve, new
from crossdock.store.access import Write
from crossdock.trade.documents import (
    ItemReference,
    PurchaseOrder,
    PurchaseOrderChange,
    PurchaseOrderChangeLine,
)

READ, WRITE = allowed(Permission.ORDERS_READ), allowed(Permission.ORDERS_WRITE)
Req = Request[Any, Any, Any]


UNDECIDED = {
    202: ResponseSpec(
        OrderAnswer,
        description="Kept, and not decided yet: a system that must be asked is away, or a person decides. Look at `Location` again.",
    )
}


class OrderWanted(PurchaseOrder, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A purchase order in canonical JSON. customer: our id of the customer; a partner's key may leave it out, for it orders for itself alone."""

    customer: str = ""


class ChangeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different. change_number: the customer's own number of the change; left out: the next one. A line without items or unit is
    understood in those of the order's line."""

    lines: tuple[PurchaseOrderChangeLine, ...] = ()
    change_number: str = ""
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None


class CancellationWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the order is not wanted any more."""

    reason: str = ""


class LineCounters(msgspec.Struct, frozen=True, kw_only=True):
    """A line by its counters, in our stock unit."""

    line: str = ""
    item: str = ""
    ordered: Decimal = Decimal(0)
    accepted: Decimal = Decimal(0)
    released: Decimal = Decimal(0)
    shipped: Decimal = Decimal(0)
    invoiced: Decimal = Decimal(0)
    cancelled: Decimal = Decimal(0)
    backordered: Decimal = Decimal(0)


class _Summary(msgspec.Struct, frozen=True, kw_only=True):
    customer: str = ""
    purchase_order: str = ""
    currency: str = ""
    total: Decimal = Decimal(0)
    invoiced: Decimal = Decimal(0)
    lines: dict[str, LineCounters] = {}


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. milestone: waiting-for-order, received, accepted, in-erp, released, partly-shipped, shipped, invoiced, complete or cancelled."""

    order: str
    customer: str
    purchase_order: str
    milestone: str
    currency: str
    total: Decimal
    invoiced: Decimal
    lines: list[LineCounters]
    created_at: datetime
    updated_at: datetime


_summary = msgspec.json.Decoder(_Summary)
_encode = msgspec.json.Encoder().encode


def view(row: Any) -> OrderView:
    """A row of `store.orders` as the API shows it."""
    said = _summary.decode(row["summary"])
    return OrderView(
        order=row["key"],
        customer=said.customer,
        purchase_order=said.purchase_order,
        milestone=row["milestone"],
        currency=said.currency,
        total=said.total,
        invoiced=said.invoiced,
        lines=[
            LineCounters(
                line=name,
                item=line.item,
                ordered=line.ordered,
                accepted=line.accepted,
                released=line.released,
                shipped=line.shipped,
                invoiced=line.invoiced,
                cancelled=line.cancelled,
                backordered=line.backordered,
            )
            for name, line in said.lines.items()
        ],
        created_at=row["created_at"].astimezone(UTC),
        updated_at=row["updated_at"].astimezone(UTC),
    )


def etag_of_order(row: Any) -> str:
    """Of an order's milestone and figures, as they were written."""
    return '"' + hashlib.blake2b(f"{row['milestone']}\n{row['summary']}".encode(), digest_size=12).hexdigest() + '"'


# --- Submitting ---


@post("/", guards=[WRITE], dto=Exact[OrderWanted], status_code=201, responses=UNDECIDED)
async def submit_order(data: OrderWanted, request: Req) -> Response[OrderAnswer]:
    """Submit an order. 201 with the answer; 202 with its Location when a system that must be asked is away or a person has to decide;
    422 order-refused with the reasons, and nothing kept, unless `Prefer: handling=lenient`."""
    # Of the writes it is asked the most: what it needs it takes from the request itself, as `get_order` does.
    hub: Hub = request.app.state["hub"]
    principal: Principal = request.user
    write: Write = request.scope["state"]["crossdock"]["write"]
    prefer = preferences(request.headers.get("prefer"))
    customer = _customer(data.customer, hub, principal)
    if not data.number:
        raise _wrong("#/number", "an order has the customer's number")
    if not data.lines:
        raise _wrong("#/lines", "an order has at least one line")
    reader = hub.systems.api_reader
    try:
        key, fact = reader.received(customer, data)
    except NotUnderstood as unclear:
        raise _wrong(unclear.place or "#/purpose", str(unclear)) from None
    if not isinstance(fact, OrderReceived):
        raise _wrong("#/purpose", "an order is cancelled by POST /v1/orders/{order}/cancellation")
    await _must_be_new(hub, key, write)
    if not prefer.lenient:
        await _must_be_understood(hub, key, fact)
    told = submission("order", principal, trace_of(request), partner=customer)
    await submit(hub, write, told, await request.body(), key)
    return await _said(hub, key, principal, write, prefer, 201)


async def _must_be_new(hub: Hub, key: str, write: Write) -> None:
    """An order is placed once. One that this very write placed before its server died is its own."""
    known = await hub.orders.order(key, None)
    if known is None or known["milestone"] == "waiting-for-order":
        return
    if await hub.orders.so_far([(CHANNEL, source_id(write), key)]):
        return
    raise problem("conflict", f"{key} has been ordered; change it instead", headers={"Location": f"/v1/orders/{key}"})


async def _must_be_understood(hub: Hub, key: str, fact: OrderReceived) -> None:
    """Folds the order in memory: what would be an exception at once is a reason to refuse it."""
    now = hub.clock()
    state = evolve(new(key), Fact(key=key, data=fact, source=CHANNEL, source_id="", occurred_at=now))
    agreed = agreement_of(state)
    standing = derive(state, await hub.agreement(*agreed) if agreed else None, now)
    if standing.troubles:
        places = {line.line: place for place, line in enumerate(fact.lines)}
        errors = [
            {
                "pointer": f"#/lines/{places[trouble.subject]}" if trouble.subject in places else "#",
                "cause": trouble.cause,
                "detail": trouble.detail,
            }
            for trouble in standing.troubles
        ]
        raise problem("order-refused", "; ".join(trouble.detail for trouble in standing.troubles), errors=errors)


@post("/{order:str}/changes", guards=[WRITE], dto=Exact[ChangeWanted], status_code=201, responses=UNDECIDED)
async def change_order(
    order: str, data: ChangeWanted, request: Req, hub: Hub, principal: Principal, write: Write
) -> Response[OrderAnswer]:
    """Change an order. `If-Match` names the ETag that the change was made of. The answer is that to the order as changed."""
    row = await hub.orders.order(order, principal.only)
    _, state = await state_of(hub, order, principal.only)
    if row is None or not state.orders:
        raise not_found(order)
    before = view(row)
    if not await hub.orders.so_far([(CHANNEL, source_id(write), order)]):
        must_match(request, etag_of_order(row))
    held = state.orders[0]
    numbers = [int(number) for number in state.changes if number.isdecimal()]
    lines = {line.line: line for line in held.lines}
    change = PurchaseOrderChange(
        number=held.purchase_order,
        change_number=data.change_number or str(max(numbers, default=0) + 1),
        lines=tuple(_in_its_words(line, lines.get(line.line)) for line in data.lines),
        ship_not_before=data.ship_not_before,
        ship_no_later=data.ship_no_later,
        cancel_after=data.cancel_after,
    )
    try:
        hub.systems.api_reader.changed(held.partner, change)
    except NotUnderstood as unclear:
        raise _wrong(unclear.place or "#/lines", str(unclear)) from None
    write.subject, write.before = order, before
    told = submission("change", principal, trace_of(request), partner=held.partner, key=order)
    await submit(hub, write, told, _encode(change), order)
    return await _said(hub, order, principal, write, preferences(request.headers.get("prefer")), 201)


@post("/{order:str}/cancellation", guards=[WRITE], dto=Exact[CancellationWanted], status_code=201, responses=UNDECIDED)
async def cancel_order(
    order: str, data: CancellationWanted, request: Req, hub: Hub, principal: Principal, write: Write
) -> Response[OrderAnswer]:
    """Cancel an order. What has left stays; where something has been released, a person or the warehouse has a say, and the answer is `held`."""
    row, state = await state_of(hub, order, principal.only)
    if not state.orders:
        raise not_found(order)
    write.subject, write.before = order, view({**row, "summary": msgspec.json.encode(row["summary"])})
    told = submission("cancellation", principal, trace_of(request), partner=principal.only or "", key=order)
    await submit(hub, write, told, _encode(data), order)
    return await _said(hub, order, principal, write, preferences(request.headers.get("prefer")), 201)


async def _said(
    hub: Hub, key: str, principal: Principal, write: Write, prefer: Preferences, status: int
) -> Response[OrderAnswer]:
    said = await answered(hub, key, principal.only, prefer)
    write.subject = key
    write.after = {"answer": said.answer, "milestone": said.milestone}
    headers = {"Location": f"/v1/orders/{key}", **prefer.headers}
    return Response(said, status_code=status if said.decided else 202, headers=headers)


def _customer(given: str, hub: Hub, principal: Principal) -> str:
    if principal.only is not None:
        if given and given != principal.only:
            raise _wrong("#/customer", "this key orders for its own partner alone")
        return principal.only
    partner = hub.loaded.directory.partners.get(given)
    if partner is None or partner.role != "customer":
        raise _wrong("#/customer", f"the workspace knows no customer {given!r}")
    return given


def _in_its_words(line: PurchaseOrderChangeLine, ordered: Any) -> PurchaseOrderChangeLine:
    """A change of a line in the words of the order's line, where it has none of its own."""
    if ordered is None:
        return line
    items = line.items or tuple(ItemReference(qualifier=qualifier, id=id_) for qualifier, id_ in ordered.items)
    return msgspec.structs.replace(line, items=items, unit=line.unit or ordered.partner_unit)


def _wrong(pointer: str, detail: str) -> Problem:
    detail = detail.removeprefix(f"{pointer} ")
    return problem("invalid", f"{pointer}: {detail}", errors=[{"pointer": pointer, "detail": detail}])


# --- Looking ---


@get("/", guards=[READ])
async def list_orders(
    hub: Hub,
    principal: Principal,
    customer: Word = None,
    milestone: Word = None,
    purchase_order: Word = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Page[OrderView]:
    """Orders, the newest first, by customer, milestone and purchase order. A partner sees its own."""
    if principal.only is not None:
        if customer is not None and customer != principal.only:
            return Page([])
        customer = principal.only
    bound = ("orders", customer, milestone, purchase_order, principal.only)
    after = decode(cursor, bound, tuple[datetime, str])
    rows = await hub.orders.page(customer, milestone, purchase_order, after, limit + 1)
    return page([view(row) for row in rows], limit, bound, lambda order: [order.created_at, order.order])


@get(
    "/{order:str}",
    guards=[READ],
    opt={PLAIN: True},
    responses={200: ResponseSpec(OrderView, description="The order as it stands.")},
)
async def get_order(order: str, request: Req) -> ASGIResponse:
    """One order: its milestone and the counters of its lines. Its `ETag` is what a change names in `If-Match`.

    It is asked the most by far: it takes what it needs from the request itself, for Litestar's injection costs as much as the query.
    """
    hub: Hub = request.app.state["hub"]
    row = await hub.orders.order(order, request.user.only)
    if row is None:
        raise not_found(order)
    return Ready(_encode(view(row)), [(b"etag", etag_of_order(row).encode())])


@get("/{order:str}/answer", guards=[READ])
async def get_answer(order: str, request: Req, hub: Hub, principal: Principal) -> OrderAnswer:
    """The answer to an order as it is now. `Prefer: wait=N` waits for one that is still pending."""
    header = request.headers.get("prefer")
    prefer = preferences(header) if header is not None else Preferences(0.0)
    return await answered(hub, order, principal.only, prefer)


@get("/{order:str}/shipments", guards=[READ])
async def order_shipments(order: str, hub: Hub, principal: Principal) -> Page[ShipmentView]:
    """What has left for an order, with tracking numbers and lines."""
    return Page(await _shipments(hub, order, principal.only))


@get("/{order:str}/invoices", guards=[READ])
async def order_invoices(order: str, hub: Hub, principal: Principal) -> Page[InvoiceView]:
    """What is invoiced for an order and what is going to be, with what each waits for."""
    return Page(await _invoices(hub, order, principal.only))


@get("/{shipment:str}", guards=[READ])
async def get_shipment(shipment: str, hub: Hub, principal: Principal) -> Page[ShipmentView]:
    """A shipment by its number: a part for each order that it carries, of those that the caller may see."""
    keys = await hub.orders.named("shipment", shipment, principal.only)
    found = [s for key in keys for s in await _shipments(hub, key, principal.only) if s.shipment == shipment]
    if not found:
        raise problem("not-found", f"there is no shipment {shipment}")
    return Page(found)


@get("/{invoice:str}", guards=[READ])
async def get_invoice(invoice: str, hub: Hub, principal: Principal) -> InvoiceView:
    """An invoice by its number."""
    for key in await hub.orders.named("invoice", invoice, principal.only):
        for each in await _invoices(hub, key, principal.only):
            if each.number == invoice:
                return each
    raise problem("not-found", f"there is no invoice {invoice}")


async def _shipments(hub: Hub, key: str, only: str | None) -> list[ShipmentView]:
    _, state = await state_of(hub, key, only)
    agreed = agreement_of(state)
    return shipments(state, await hub.agreement(*agreed) if agreed else None, hub.clock())


async def _invoices(hub: Hub, key: str, only: str | None) -> list[InvoiceView]:
    _, state = await state_of(hub, key, only)
    agreed = agreement_of(state)
    return invoices(state, await hub.agreement(*agreed) if agreed else None, hub.clock())


router = Router(
    "/",
    route_handlers=[
        Router(
            "/orders",
            route_handlers=[
                submit_order,
                change_order,
                cancel_order,
                list_orders,
                get_order,
                get_answer,
                order_shipments,
                order_invoices,
            ],
        ),
        Router("/shipments", route_handlers=[get_shipment]),
        Router("/invoices", route_handlers=[get_invoice]),
    ],
    tags=["Orders"],
)
