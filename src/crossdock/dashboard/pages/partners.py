"""Partners: a scorecard of the last thirty days, what is late between us, acknowledgements that are missing, and the last messages and orders."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from litestar import Request, Response, Router, get

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.problem import problem
from crossdock.crosswalk.directory import Partner
from crossdock.dashboard.drawing import duration
from crossdock.dashboard.filtering import only_of
from crossdock.dashboard.measuring import measured
from crossdock.dashboard.pages.kpis import headline, said
from crossdock.dashboard.render import page
from crossdock.store.figures import KPIS, DayFigure, Figures, Measured, days_until, summed
from crossdock.store.trading import Trading
from crossdock.workspace import Loaded

DAYS = 30
ROWS = 60

SCORED = ("acknowledgement", "functional-ack", "fill", "on-time", "asn-accuracy", "perfect-order")
"""Of a customer, in the order of the columns."""
HEADS = ("Our 855", "Their 997", "Fill", "On time", "ASN", "Perfect")


class Score(msgspec.Struct, frozen=True):
    """One figure of a scorecard. daily: its headline day by day, nothing where there is none."""

    id: str
    name: str
    value: str
    note: str
    daily: Sequence[float] = ()


class Line(msgspec.Struct, frozen=True):
    """A partner in the list."""

    id: str
    name: str
    role: str
    scores: Sequence[Score]
    by_them: int
    unacknowledged: int
    by_us: int
    last_at: datetime | None


@get("/partners", guards=[allowed(Permission.FIGURES_READ)])
async def partners(request: Request[Any, Any, Any], hub: Hub, q: str = "", after: str = "") -> Response[str]:
    """Every partner of the workspace, those with `q` in their id or name."""
    only, loaded, now = only_of(request), hub.book.current, hub.clock()
    left = await measured(hub)
    words = q.strip().casefold()[:80]
    every = loaded.directory.partners if loaded is not None else {}
    found = [
        each
        for id_, each in sorted(every.items())
        if only in (None, id_) and id_ > after and words in f"{id_} {each.name}".casefold()
    ]
    shown = found[:ROWS]
    begin, end = days_until(now.date(), DAYS)
    ids = [each.id for each in shown]
    figures = await Figures(hub.database).by_member(SCORED, "partner", ids, begin, end, only)
    trading = Trading(hub.database)
    parties = {id_: _parties(loaded, id_) for id_ in ids}
    late = await trading.late_by_party([each for several in parties.values() for each in several], now)
    channels = {id_: _channel(loaded, id_) for id_ in ids}
    traffic = await trading.traffic([c for c in channels.values() if c], now - timedelta(hours=1))
    lines = []
    for each in shown:
        rows = [late[party] for party in parties[each.id] if party in late]
        lines.append(
            Line(
                each.id,
                each.name,
                each.role,
                [_score(id_, figures.get(each.id, {}).get(id_)) for id_ in SCORED],
                sum(row["by_them"] for row in rows),
                sum(row["unacknowledged"] for row in rows),
                sum(row["by_us"] for row in rows),
                max(
                    [
                        t.last_at
                        for way in ("in", "out")
                        if (t := traffic.get((channels[each.id], way))) and t.last_at is not None
                    ],
                    default=None,
                ),
            )
        )
    return page(
        request,
        "partners.html",
        lines=lines,
        heads=[(head, KPIS[id_].words) for head, id_ in zip(HEADS, SCORED, strict=True)],
        q=q,
        left=left,
        days=DAYS,
        next=shown[-1].id if len(found) > ROWS else None,
        any_partner=bool(every),
    )


@get("/partners/{partner:str}", guards=[allowed(Permission.FIGURES_READ)])
async def partner(request: Request[Any, Any, Any], hub: Hub, partner: str) -> Response[str]:
    """One partner."""
    only, loaded, now = only_of(request), hub.book.current, hub.clock()
    found = loaded.directory.partners.get(partner) if loaded is not None else None
    if found is None or only not in (None, partner):
        raise problem("not-found", f"there is no partner {partner}")
    left = await measured(hub)
    trading, channel = Trading(hub.database), _channel(loaded, partner)
    begin, end = days_until(now.date(), DAYS)
    scored = [id_ for id_, kpi in KPIS.items() if "partner" in kpi.cuts]
    rows = await Figures(hub.database).by_day(scored, begin, end, "partner", partner, only)
    totals = summed(rows)
    parties = _parties(loaded, partner)
    late = await trading.late_by_party(parties, now)
    owing = sorted(
        [row for party in parties for row in await trading.owed_by(party)],
        key=lambda row: (row["due_at"] is None, row["due_at"], row["id"]),
    )
    missing = [
        row
        for party in parties
        if party in late and late[party]["unacknowledged"]
        for row in await trading.owed_by(party, "functional-ack")
        if row["due_at"] is not None and row["due_at"] < now
    ]
    agreement = loaded.agreements.get(partner) if loaded is not None else None
    return page(
        request,
        "partner.html",
        partner=found,
        channel=channel,
        agreement=agreement,
        left=left,
        days=DAYS,
        scores=[_score(id_, totals.get(id_), _daily(id_, rows, begin, end)) for id_ in scored if id_ in totals],
        by_them=sum(row["by_them"] for row in late.values()),
        unacknowledged=sum(row["unacknowledged"] for row in late.values()),
        by_us=sum(row["by_us"] for row in late.values()),
        owing=[row for row in owing if row not in missing][:20],
        missing=missing[:20],
        late_to=[
            row
            for party in parties
            if party in late and late[party]["by_us"]
            for row in await trading.late_to(party, now)
        ][:20],
        messages=await trading.messages_over(channel) if channel else [],
        orders=await trading.orders_of(partner) if found.role == "customer" else [],
        identities=_identities(found),
    )


def _parties(loaded: Loaded | None, partner: str) -> list[str]:
    """Under which names a partner owes and is owed: its own, and those of the systems that speak for it."""
    systems = [id_ for id_, each in (loaded.systems if loaded is not None else {}).items() if each.partner == partner]
    return sorted({partner, *systems})


def _channel(loaded: Loaded | None, partner: str) -> str:
    """The channel that its documents go over."""
    if loaded is None:
        return ""
    agreement = loaded.agreements.get(partner)
    if agreement is not None and agreement.channel:
        return agreement.channel
    return next((id_ for id_, each in loaded.systems.items() if each.partner == partner), "")


def _identities(partner: Partner) -> list[str]:
    return [f"{each.qualifier}/{each.id}" for each in partner.them]


def _score(id_: str, m: Measured | None, daily: Sequence[float] = ()) -> Score:
    kpi = KPIS[id_]
    if m is None or not m.cases:
        return Score(id_, kpi.name, "", "")
    note = f"p90 {duration(m.percentile(0.9))}" if kpi.unit == "duration" else f"of {m.cases:,.0f}"
    return Score(id_, kpi.name, said(kpi, headline(kpi, m)), note, daily)


def _daily(id_: str, rows: Sequence[DayFigure], begin: date, end: date) -> list[float]:
    mine: Mapping[date, Measured] = {row.day: row.measured for row in rows if row.kpi == id_}
    span = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    return [headline(KPIS[id_], mine[day]) or 0.0 if day in mine else 0.0 for day in span]


router = Router("/", route_handlers=[partners, partner])
