"""Search by any reference, lists of orders, and the order page: what stands, what it waits for, what happened, and how it hangs together."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get
from litestar.response import Redirect

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.dashboard.lineage import picture
from crossdock.dashboard.render import page, part
from crossdock.dashboard.story import counters, moments, troubles, waits_for
from crossdock.store.lineage import lineage
from crossdock.store.reading import MILESTONES, Reading

A_PAGE = 50
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
    if principal.only is not None:
        return page(
            request,
            "order_partner.html",
            found=found,
            row=row,
            counters=counters(found["summary"]),
            moments=[each for each in moments(found) if each.system in (principal.only, "")],
        )
    waits = waits_for(found)
    return page(
        request,
        "order.html",
        found=found,
        row=row,
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


def _partners(hub: Hub) -> list[str]:
    try:
        return sorted(p for p, each in hub.loaded.directory.partners.items() if each.role == "customer")
    except LookupError:
        return []


router = Router("/", route_handlers=[search, order])
