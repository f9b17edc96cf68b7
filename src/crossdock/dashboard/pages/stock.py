"""Stock: items across sites, and of one item all that stands behind what may be promised of it.

The figures are those of `ledger.atp` and the causes those of `ledger.explanation`, over what the books say. They name the orders of all partners, so a partner is
refused here whatever its role may elsewhere.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, Router, get

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.api.problem import problem
from crossdock.dashboard.drawing import Event, steps
from crossdock.dashboard.filtering import only_of
from crossdock.dashboard.render import page
from crossdock.dashboard.words import quantity
from crossdock.flow.promising import promisable
from crossdock.ledger.atp import Promisable
from crossdock.ledger.demand import Reservation
from crossdock.ledger.explanation import Cause, explain
from crossdock.ledger.movement import Movement
from crossdock.ports.stock import Stock
from crossdock.store.channels import ChannelFeeds
from crossdock.store.stock import StockBooks
from crossdock.store.trading import Trading
from crossdock.workspace import Loaded

ROWS = 60
FOUND_BY_WORDS = 200
"""Items that are looked for by their description, at the most."""
MOVEMENTS_SHOWN = 25
MOST_SHOWN = 100
"""Reservations, receipts, orders that wait and causes of one kind, at the most: of an item that everybody orders there are thousands."""
NOTHING = Decimal(0)
MOST = Decimal(10) ** 12
"""Nobody asks for more."""

PLACES = ("storage", "allocated", "staging", "receiving", "transit", "quarantine", "damaged")

WHY: Mapping[str, str] = {
    "storage": "In storage",
    "allocated": "Allocated by the warehouse",
    "staging": "Picked, in staging",
    "reserved": "Reserved for orders",
    "taken": "Taken by the warehouse beyond what is reserved",
    "buffer": "Safety buffer, never promised",
    "receipt": "Expected receipts",
    "waiting": "Orders that wait",
    "oversold": "A site lacks more than it has; nothing less than nothing is promised",
    "elsewhere": "Counted on by orders that any site may serve",
}


class Item(msgspec.Struct, frozen=True):
    """An item of the list with its sites."""

    id: str
    description: str
    unit: str
    rows: Sequence[Stock]


class Why(msgspec.Struct, frozen=True):
    """Causes of one kind, summed. links: the first of them with where each leads, None where nowhere; more: how many are not among these."""

    words: str
    quantity: Decimal
    links: Sequence[tuple[Cause, str | None]]
    more: int


@get("/stock", guards=[allowed(Permission.STOCK_READ)])
async def stock(request: Request[Any, Any, Any], hub: Hub, q: str = "", cursor: str | None = None) -> Response[str]:
    """Items whose number begins with `q`, or whose number or description holds it, with their stock by site."""
    _ours_alone(request)
    q = q.strip()[:80]
    loaded = hub.book.current
    after = decode(cursor, ("stock", q), tuple[str, str]) or ("", "")
    books = StockBooks(hub.database)
    rows = await books.listed(q, after, ROWS + 1)
    if q and not rows and after == ("", ""):
        rows = await Trading(hub.database).stock_of(_by_words(loaded, q), limit=ROWS + 1)
    more = len(rows) > ROWS
    shown = rows[:ROWS]
    items = loaded.directory.items if loaded is not None else {}
    return page(
        request,
        "stock.html",
        items=[
            Item(
                id_,
                items[id_].description if id_ in items else "",
                items[id_].unit if id_ in items else "",
                list(found),
            )
            for id_, found in groupby(shown, key=lambda row: row.item)
        ],
        q=q,
        next=encode((shown[-1].item, shown[-1].site), ("stock", q)) if more else None,
        first=after == ("", ""),
        sites=loaded.directory.sites if loaded is not None else {},
        path_of=path_of,
        kept=loaded is not None and loaded.stock is not None,
        sources=await _freshness(hub, loaded),
    )


@get("/stock/{item:path}", guards=[allowed(Permission.STOCK_READ)])
async def item(
    request: Request[Any, Any, Any], hub: Hub, item: str, site: str = "", day: str = "", qty: str = ""
) -> Response[str]:
    """One item: what may be promised of it day by day, why, and what the books hold."""
    _ours_alone(request)
    id_, loaded, now = item.strip("/"), hub.book.current, hub.clock()
    policy = loaded.stock if loaded is not None else None
    books, trading = StockBooks(hub.database), Trading(hub.database)
    rows = await trading.stock_of([id_])
    sites = sorted({row.site for row in rows} | (set(policy.sites) if policy is not None else set()))
    supply = await books.supply([(id_, each) for each in sites])
    known = loaded.directory.items.get(id_) if loaded is not None else None
    if not rows and not supply.receipts and not supply.demands and known is None:
        raise problem("not-found", f"the books know nothing of {id_}")
    today = now.date()
    found = promisable(id_, supply, policy, today)
    at = site if site in found.sites else None
    asked = min(max(_day(day) or today, today), today + timedelta(days=found.horizon_days))
    wanted = _number(qty)
    values: dict[str, Any] = {
        "item": id_,
        "known": known,
        "unit": known.unit if known is not None else "",
        "sites": sites,
        "site": at,
        "site_names": loaded.directory.sites if loaded is not None else {},
        "asked": asked,
        "today": today,
        "last": today + timedelta(days=found.horizon_days),
        "qty": qty if wanted is not None else "",
        "wanted": wanted,
        "promised": found.promise_date(wanted, None, at) if wanted is not None else None,
        "figure": found.quantity_on(asked, at),
        "now_promisable": found.quantity_on(today, at),
        "curve": found.by_day(at),
        "chart": _chart(found, at, asked),
        "path_of": path_of,
    }
    held = sorted({row.site for row in rows})
    told = {each: await books.explain(id_, each, limit=MOVEMENTS_SHOWN) for each in held}
    behind = [told[each] for each in held if at in (None, each)]
    reservations = [r for each in behind for r in each.reservations]
    movements = [m for each in behind for m in each.movements]
    positions = {
        (p.site, p.place.value, p.lot, p.owner): q for each in told.values() for p, q in each.positions.items()
    }
    here = [supply.stock[id_, each] for each in ([at] if at is not None else sites)]
    return page(
        request,
        "stock_item.html",
        **values,
        on_hand=sum((each.on_hand for each in here), NOTHING),
        reserved=sum((each.reserved for each in here), NOTHING),
        available=sum((each.available for each in here), NOTHING),
        expected=sum((q for _, q, r in found.receipts if at is None or r.site == at), NOTHING),
        waiting=sum((w.quantity for _, where, w in found.waits if at is None or where in (at, "")), NOTHING),
        explanation=_why(found, asked, at, reservations, movements),
        stocks=[supply.stock[id_, each] for each in sites],
        places=[p for p in PLACES if any(getattr(s, p) for s in supply.stock.values())] or ["storage"],
        apart=sorted((place, q) for place, q in positions.items() if place[2] or place[3] != "own"),
        reservations=reservations,
        receipts=sorted(
            ((today + timedelta(days=d), q, r) for d, q, r in found.receipts if at is None or r.site == at),
            key=lambda each: each[0],
        ),
        waits=[(today + timedelta(days=d), where, w) for d, where, w in found.waits if at is None or where in (at, "")],
        movements=sorted(movements, key=lambda m: m.occurred_at, reverse=True)[:MOVEMENTS_SHOWN],
        variances=await trading.variances_of(id_),
        sources={each["system"]: each for each in await _freshness(hub, loaded)},
        source_of={each: policy.sites[each].system for each in sites if policy and each in policy.sites},
        channels=[
            (channel, row)
            for channel in (sorted(loaded.channels) if loaded is not None else [])
            for row in await ChannelFeeds(hub.database).told(channel, id_, 10)
        ],
        why_words=WHY,
        most=MOST_SHOWN,
    )


def _ours_alone(request: Request[Any, Any, Any]) -> None:
    """Raises Problem not-allowed for whoever sees one partner's rows alone."""
    if only_of(request) is not None:
        raise problem("not-allowed", "stock is not shown to partners")


def path_of(item: str, **more: Any) -> str:
    """Where an item's page is."""
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in more.items() if value)
    return f"/stock/{quote(item)}" + (f"?{query}" if query else "")


def _by_words(loaded: Loaded | None, q: str) -> list[str]:
    """Items whose number or description holds these words."""
    words = q.casefold().split()
    found: list[str] = []
    for id_, each in (loaded.directory.items if loaded is not None else {}).items():
        text = f"{id_} {each.description}".casefold()
        if all(word in text for word in words):
            found.append(id_)
            if len(found) == FOUND_BY_WORDS:
                break
    return found


async def _freshness(hub: Hub, loaded: Loaded | None) -> list[dict[str, Any]]:
    """Each system that tells stock: when it was heard, and whether it has been silent for too long."""
    policy = loaded.stock if loaded is not None else None
    systems = policy.sources() if policy is not None else ()
    if policy is None or not systems:
        return []
    feeds, now = ChannelFeeds(hub.database), hub.clock()
    heard, standing = await feeds.heard(systems), {each["system"]: each for each in await feeds.sources()}
    rows = []
    for system in systems:
        at = heard.get(system) or standing.get(system, {}).get("heard_at")
        limit = policy.silent_after_minutes
        stale = at is None or (limit is not None and now - at > timedelta(minutes=limit))
        rows.append({"system": system, "heard_at": at, "stale": stale, "sites": policy.told_by(system)})
    return rows


def _chart(found: Promisable, site: str | None, asked: date) -> Any:
    curve = [(day, float(value)) for day, value in found.by_day(site)]
    last = max([curve[-1][0], asked, *(found.today + timedelta(d) for d, _, _ in found.receipts)])
    until = min(last + timedelta(days=7), found.today + timedelta(days=found.horizon_days))
    until = max(until, found.today + timedelta(days=14))
    events = [
        Event(
            found.today + timedelta(d),
            f"{found.today + timedelta(d):%Y-%m-%d}: {quantity(q)} expected at {r.site}, {r.source_id}",
        )
        for d, q, r in found.receipts
        if site is None or r.site == site
    ]
    words = "; ".join(f"from {day:%Y-%m-%d} {value:g}" for day, value in curve[:12])
    label = f"What can be promised of {found.item}{f' at {site}' if site else ''}, by day: {words}"
    return steps(
        curve, until, lambda value: f"{value:,.6g}", label, events=events, chosen=asked if asked > found.today else None
    )


def _why(
    found: Promisable,
    day: date,
    site: str | None,
    reservations: Sequence[Reservation],
    movements: Sequence[Movement],
) -> dict[str, Any]:
    """The explanation of a figure, its causes by kind in the order in which they come."""
    told = explain(found, day, site, reservations=reservations, movements=movements)
    groups: dict[str, list[Cause]] = {}
    for cause in told.causes:
        groups.setdefault(cause.what, []).append(cause)
    return {
        "figure": told.figure,
        "decided_on": told.decided_on,
        "groups": [
            Why(
                WHY[what],
                sum((cause.quantity for cause in causes), NOTHING),
                [(cause, _leads(cause)) for cause in causes[:MOST_SHOWN]],
                max(0, len(causes) - MOST_SHOWN),
            )
            for what, causes in groups.items()
        ],
    }


def _leads(cause: Cause) -> str | None:
    """Where a cause leads: an order's page."""
    return (
        f"/orders/{quote(cause.source_id, safe='')}"
        if cause.what in ("reserved", "waiting") and cause.source_id
        else None
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if value.is_finite() and 0 < value <= MOST else None


router = Router("/", route_handlers=[stock, item])
