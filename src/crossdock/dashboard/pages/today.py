"""Today: what is in flight, what is owed and late by us and by others, how each system does. Live: the server sends a panel again when it has changed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import structlog
from litestar import Request, Response, Router, get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.dashboard.board import boards_of
from crossdock.dashboard.render import page, rendered
from crossdock.ledger.freshness import FreshnessRule, freshness
from crossdock.store.reading import MILESTONES, Board, Reading

EVERY_SECONDS = 2.0
STREAM = timedelta(minutes=10)
"""So long a stream lasts; then the browser comes again, and who it is is looked at again."""

PANELS = ("figures", "flight", "throughput", "trouble", "ours", "theirs", "systems", "stock")

_log = structlog.get_logger(__name__)


@get("/", guards=[allowed(Permission.ORDERS_READ)])
async def today(request: Request[Any, Any, Any], hub: Hub) -> Response[str]:
    """The first page of the day. A partner sees where its own orders stand."""
    principal: Principal = request.user
    if principal.only is not None or not principal.may(Permission.OPERATIONS_READ):
        reading = Reading(hub.database)
        flight = await reading.in_flight(principal.only)
        orders = await reading.orders(principal.only, _partners(hub), limit=20)
        return page(request, "today_partner.html", flight=flight, milestones=MILESTONES, orders=orders)
    return page(request, "today.html", **values(await boards_of(hub).current(), hub))


@get("/today/live", guards=[allowed(Permission.OPERATIONS_READ)])
async def live(request: Request[Any, Any, Any], hub: Hub) -> ServerSentEvent:
    """The panels of the page, each when it has changed."""
    if request.user.only is not None:
        return ServerSentEvent(_nothing())
    return ServerSentEvent(_panels(request, hub), headers={"X-Accel-Buffering": "no"})


async def _nothing() -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(event="none", data="")


async def _panels(request: Request[Any, Any, Any], hub: Hub) -> AsyncIterator[ServerSentEventMessage]:
    sent: dict[str, bytes] = {}
    until = hub.clock() + STREAM
    yield ServerSentEventMessage(comment="the panels of today", retry=3000)
    while hub.clock() < until:
        try:
            board = await boards_of(hub).current()
        except Exception as error:
            _log.warning("dashboard.board", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(EVERY_SECONDS)
            continue
        told = values(board, hub)
        for panel in PANELS:
            html = rendered(request, f"today/{panel}.html", **told)
            digest = hashlib.blake2b(html.encode(), digest_size=16).digest()
            if sent.get(panel) != digest:
                sent[panel] = digest
                yield ServerSentEventMessage(event=panel, data=html)
        yield ServerSentEventMessage(event="at", data=board.at.isoformat())
        await asyncio.sleep(EVERY_SECONDS)


def values(board: Board, hub: Hub) -> dict[str, Any]:
    """What the panels show."""
    return {
        "board": board,
        "now": board.at,
        "milestones": MILESTONES,
        "currency": _currency(hub),
        "facts_by_minute": [sum(each) for each in zip(*board.throughput.values(), strict=True)] or [0] * 60,
        "believed": {
            system: freshness(heard, board.at, _rule(hub)).belief.value for system, heard in board.sources.items()
        },
    }


def _currency(hub: Hub) -> str:
    try:
        currencies = {each.currency for each in hub.loaded.agreements.values()}
    except LookupError:
        return ""
    return currencies.pop() if len(currencies) == 1 else ""


def _rule(hub: Hub) -> FreshnessRule:
    """How long a source that tells stock may be silent, by the workspace."""
    try:
        stock = hub.loaded.stock
    except LookupError:
        stock = None
    minutes = stock.silent_after_minutes if stock is not None else None
    return FreshnessRule(stale_after=timedelta(minutes=minutes) if minutes is not None else None)


def _partners(hub: Hub) -> list[str]:
    try:
        return sorted(hub.loaded.agreements)
    except LookupError:
        return []


router = Router("/", route_handlers=[today, live])
