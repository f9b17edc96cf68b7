"""Flows: the systems and channels of the workspace around us, with what passes just now, what waits, and where a breaker is open."""

from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request, Response, Router, get

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.dashboard.drawing import duration
from crossdock.dashboard.remembered import Remembered
from crossdock.dashboard.render import page
from crossdock.dashboard.topology import Node, topology, ways_of
from crossdock.store.channels import ChannelFeeds
from crossdock.store.figures import Figures, Measured
from crossdock.store.trading import Trading
from crossdock.store.vitals import Passing, VitalSigns

MINUTES = 15
"""A rate is that of so many minutes."""


class Line(msgspec.Struct, frozen=True):
    """A system in the table beneath the picture. lag_in, lag_out: today's median, with the ninetieth percentile."""

    node: Node
    counts: dict[str, str]
    last: dict[str, Any]
    since: Any
    lag_in: tuple[str, str]
    lag_out: tuple[str, str]


_passings: WeakKeyDictionary[Hub, Remembered[Passing]] = WeakKeyDictionary()


def _passing(hub: Hub) -> Remembered[Passing]:
    """What waits on the ways in and out, as this server knows it."""
    found = _passings.get(hub)
    if found is None:
        found = _passings[hub] = Remembered(VitalSigns(hub.database).passing)
    return found


@get("/flows", guards=[allowed(Permission.OPERATIONS_READ)])
async def flows(request: Request[Any, Any, Any], hub: Hub) -> Response[str]:
    """The picture and its figures."""
    loaded, now = hub.book.current, hub.clock()
    systems = loaded.systems if loaded is not None else {}
    vitals = await _passing(hub).told()
    traffic = await Trading(hub.database).traffic(list(systems), now - timedelta(minutes=MINUTES))
    today = now.date()
    lags = await Figures(hub.database).by_member(("sync-in", "sync-out"), "channel", list(systems), today, today)
    stock = loaded.stock.sources() if loaded is not None and loaded.stock is not None else ()
    backlog: dict[str, int] = {}
    dead: dict[str, int] = {}
    since: dict[str, Any] = {}
    for each in vitals.deliveries:
        if each.kind == "dead":
            dead[each.name] = each.count
        else:
            backlog[each.name] = backlog.get(each.name, 0) + each.count
            since[each.name] = each.since or since.get(each.name)
    breakers = {each.system: each.breaker for each in vitals.systems}
    lines = []
    for id_, system in systems.items():
        node = Node(
            id=id_,
            name=system.name,
            role=system.role,
            connector=system.connector,
            format=system.format,
            ways=ways_of(system.connector, system.settings),
            per_minute={way: traffic[id_, way].count / MINUTES for way in ("in", "out") if (id_, way) in traffic},
            backlog=backlog.get(id_, 0),
            dead=dead.get(id_, 0),
            held=vitals.held.get(id_, 0),
            breaker=breakers.get(id_, ""),
            stock=id_ in stock,
        )
        seen = {way: traffic.get((id_, way)) for way in ("in", "out")}
        lines.append(
            Line(
                node,
                {way: f"{t.count:,}{'+' if t.more else ''}" if t else "0" for way, t in seen.items()},
                {way: t.last_at if t else None for way, t in seen.items()},
                since.get(id_),
                _lag(lags.get(id_, {}).get("sync-in")),
                _lag(lags.get(id_, {}).get("sync-out")),
            )
        )
    return page(
        request,
        "flows.html",
        lines=sorted(lines, key=lambda each: (each.node.role != "partner", each.node.role, each.node.id)),
        picture=topology([each.node for each in lines], loaded.company.name) if loaded is not None else None,
        minutes=MINUTES,
        channels=await ChannelFeeds(hub.database).now() if loaded is not None and loaded.channels else [],
        channel_systems={id_: each.system for id_, each in (loaded.channels if loaded is not None else {}).items()},
        ahead=sum(lane.head - lane.position for lane in vitals.lanes),
        unread=vitals.unread,
        unread_since=vitals.unread_since,
        version=loaded.version if loaded is not None else 0,
    )


def _lag(m: Measured | None) -> tuple[str, str]:
    if m is None or not m.cases:
        return ("", "")
    return (duration(m.percentile(0.5)), duration(m.percentile(0.9)))


router = Router("/", route_handlers=[flows])
