"""Search by any reference, lists of orders, and the order page: what stands, what it waits for, what happened, how it hangs together, and what may be done about it."""

import secrets
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.dashboard.lineage import picture
from crossdock.dashboard.ordering import GONE, OVER, cancel, hold, release
from crossdock.dashboard.render import page, part
from crossdock.dashboard.session import to_page
from crossdock.dashboard.story import counters, holds, moments, troubles, waits_for
from crossdock.store.lineage import lineage
from crossdock.store.reading import MILESTONES, Reading

A_PAGE = 50
SAY_WHY = "Say why; it is kept with what is done."
LISTED = (*MILESTONES, "complete", "cancelled")


@get("/search", guards=[allowed(Permission.ORDERS_READ)])
async def search(
    request: Request[Any, Any, Any],
    hub: Hub,
    q: str = "",
    partner: str = "",
    milestone: str = "",
    cursor: str | None = None,
) -> Response[Any]:
    """What a reference leads to, as a page or (for the box at the top) as a list. Without one: the newest orders."""
    principal: Principal = request.user
    reading, asked = Reading(hub.database), q.strip()[:200]
    if "part" in request.query_params:
        found = await reading.search(asked, principal.only, 8) if asked else []
        return part(request, "search_found.html", rows=found, q=asked)
    if asked:
        found = await reading.search(asked, principal.only, 100)
        if found and len({row["key"] for row in found if row["rank"] == 0}) == 1 and request.query_params.get("go"):
            return Redirect(f"/orders/{found[0]['key']}", status_code=303)
        return page(request, "search.html", rows=found, q=asked, searched=asked)
    partners = [partner] if partner else _partners(hub)
    bound = ("orders", partner, milestone, principal.only)
    after = decode(cursor, bound, tuple[datetime, str])
    chosen = milestone if milestone in LISTED else None
    orders = await reading.orders(principal.only, partners, chosen, after, A_PAGE + 1)
    more = orders[A_PAGE - 1] if len(orders) > A_PAGE else None
    return page(
        request,
        "orders.html",
        orders=orders[:A_PAGE],
        partners=_partners(hub) if principal.only is None else [],
        partner=partner,
        milestone=chosen or "",
        milestones=LISTED,
        more=encode([more["created_at"], more["key"]], bound) if more else "",
    )


@get("/orders/{key:str}", guards=[allowed(Permission.ORDERS_READ)])
async def order(request: Request[Any, Any, Any], hub: Hub, key: str) -> Response[str]:
    """One process in full. A partner sees its own orders, without what we owe others."""
    principal: Principal = request.user
    found = await lineage(hub.lookup, key)
    if not found or (principal.only is not None and found["summary"].get("customer") != principal.only):
        raise problem("not-found", "there is no such order")
    row = await hub.lookup.process(key)
    assert row is not None
    actions = _actions(principal, found, row)
    if principal.only is not None:
        return page(
            request,
            "order_partner.html",
            found=found,
            row=row,
            **actions,
            counters=counters(found["summary"]),
            moments=[each for each in moments(found) if each.system in (principal.only, "")],
        )
    waits = waits_for(found)
    return page(
        request,
        "order.html",
        found=found,
        row=row,
        **actions,
        counters=counters(found["summary"]),
        moments=moments(found),
        waits=waits,
        troubles=troubles(found),
        closed=[each for each in found["exceptions"] if each["closed_at"] is not None],
        deliveries={each["id"]: each for each in found["deliveries"]},
        attempts={
            id_: [each for each in found["attempts"] if each["delivery"] == id_]
            for id_ in {each["delivery"] for each in found["attempts"]}
        },
        lineage=picture(found),
    )


def _actions(principal: Principal, found: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What can be done about this order, and may be by this principal. once: what makes a form that is sent twice one submission."""
    cancelled = any(fact["type"] == "order.cancelled" for fact in found["facts"])
    known = row["process"] == "order_to_cash" and not row["defect"] and row["milestone"] != "waiting-for-order"
    there = known and row["milestone"] not in GONE
    operates = known and principal.only is None and principal.may(Permission.OPERATIONS_WRITE)
    return {
        "holds": holds(found) if known and principal.only is None else [],
        "may_cancel": there and not cancelled and principal.may(Permission.ORDERS_WRITE),
        "may_hold": operates and row["milestone"] not in OVER,
        "may_release": operates,
        "once": secrets.token_hex(8),
    }


class Wanted(msgspec.Struct):
    """A form about an order. hold: the name of one, where it is about that."""

    reason: str = ""
    hold: str = ""
    once: str = ""
    csrf: str = ""


Form = Body(media_type=RequestEncodingType.URL_ENCODED)


def _said(data: Wanted) -> tuple[str, str]:
    """Why, and the form's token."""
    return data.reason.strip()[:500], data.once[:60] or secrets.token_hex(8)


@post("/orders/{key:str}/cancel", guards=[allowed(Permission.ORDERS_WRITE)], status_code=303)
async def cancel_it(
    request: Request[Any, Any, Any], hub: Hub, key: str, data: Annotated[Wanted, Form]
) -> Response[Any]:
    """Cancels an order."""
    back, (reason, once) = f"/orders/{quote(key, safe='')}", _said(data)
    if not reason:
        return to_page(back, SAY_WHY, "warn")
    answer = await cancel(hub, request.user, key, reason, once)
    if answer == "cancelled":
        return to_page(back, f"{key} is cancelled.")
    return to_page(
        back, "The cancellation is kept. Something was released already: what becomes of it is said below.", "warn"
    )


@post("/orders/{key:str}/hold", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=303)
async def hold_it(request: Request[Any, Any, Any], hub: Hub, key: str, data: Annotated[Wanted, Form]) -> Response[Any]:
    """Places a hold."""
    back, (reason, once), name = f"/orders/{quote(key, safe='')}", _said(data), _name(data.hold)
    if not reason or not name:
        return to_page(back, SAY_WHY if name else "A hold has a name, by which it is released.", "warn")
    await hold(hub, request.user, key, name, reason, once)
    return to_page(back, f"{key} is on hold: {name}.")


@post("/orders/{key:str}/release", guards=[allowed(Permission.OPERATIONS_WRITE)], status_code=303)
async def release_it(
    request: Request[Any, Any, Any], hub: Hub, key: str, data: Annotated[Wanted, Form]
) -> Response[Any]:
    """Releases a hold."""
    back, (reason, once) = f"/orders/{quote(key, safe='')}", _said(data)
    if not reason:
        return to_page(back, SAY_WHY, "warn")
    await release(hub, request.user, key, data.hold[:60], reason, once)
    return to_page(back, f"The hold {data.hold[:60]} is released.")


def _name(text: str) -> str:
    """The name of a hold: one line, without what would tell it from its reason."""
    return " ".join(text.replace(":", " ").split())[:60]


def _partners(hub: Hub) -> list[str]:
    try:
        return sorted(p for p, each in hub.loaded.directory.partners.items() if each.role == "customer")
    except LookupError:
        return []


router = Router("/", route_handlers=[search, order, cancel_it, hold_it, release_it])
