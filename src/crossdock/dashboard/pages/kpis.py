"""KPIs: every key figure over a period beside the one before it, day by day and by partner, site and channel; and all of it as CSV.

What each means stands in docs/kpis.md; the figures are `store.figures`, kept by day in UTC.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import QueryParameter

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.dashboard.drawing import Series, duration, duration_ticks, lines, share
from crossdock.dashboard.filtering import only_of
from crossdock.dashboard.measuring import measured
from crossdock.dashboard.remembered import Remembered
from crossdock.dashboard.render import page
from crossdock.store.figures import KPIS, Cut, DayFigure, Figures, Kpi, Measured, days_until, summed

PERIODS = (7, 30, 90)
MEMBERS_SHOWN = 100
CUTS: Mapping[Cut, str] = {"partner": "Partner", "site": "Site", "channel": "Channel"}

Days = Annotated[int, QueryParameter(name="days", ge=1, le=366)]


class Card(msgspec.Struct, frozen=True):
    """A key figure as a card. change: in words against the period before, with its tone; daily: day by day, for the small chart."""

    kpi: Kpi
    value: str
    note: str
    change: str
    tone: str
    daily: list[float]
    said: str


@get("/kpis", guards=[allowed(Permission.FIGURES_READ)])
async def kpis(
    request: Request[Any, Any, Any],
    hub: Hub,
    kpi: str = "",
    days: Days = 30,
    of: str = "",
    by: Literal["partner", "site", "channel"] = "partner",
) -> Response[str]:
    """All key figures, or with `kpi` one of them in full."""
    only = only_of(request)
    left = await measured(hub)
    figures, chosen = Figures(hub.database), KPIS.get(kpi)
    begin, end = days_until(hub.clock().date(), days)
    cut, member = _of(of)
    now = await figures.by_day(KPIS, begin, end, cut, member, only)
    earlier = (begin - timedelta(days=days), begin - timedelta(days=1))
    before = (await figures.by_member(KPIS, cut, [member], *earlier, only)).get(member if only is None else only, {})
    by_kpi: dict[str, list[DayFigure]] = {}
    for row in now:
        by_kpi.setdefault(row.kpi, []).append(row)
    cards = [_card(each, by_kpi.get(each.id, ()), before, begin, end) for each in KPIS.values() if cut in each.cuts]
    detail = None
    if chosen is not None:
        by = by if by in chosen.cuts else "channel"
        ids = await figures.members(by, [chosen.id], limit=MEMBERS_SHOWN, only=only)
        detail = {
            "kpi": chosen,
            "chart": _chart(chosen, now, begin, end),
            "days": _table(chosen, now),
            "by": by,
            "cuts": [each for each in CUTS if each in chosen.cuts and (only is None or each == "partner")],
            "members": _members(chosen, await figures.by_member([chosen.id], by, ids, begin, end, only)),
            "more": len(ids) == MEMBERS_SHOWN,
        }
    choices = [] if only is not None else await _choices(hub).told()
    return page(
        request,
        "kpis.html",
        cards=cards,
        detail=detail,
        left=left,
        days=days,
        periods=PERIODS,
        begin=begin,
        end=end,
        of=f"{cut}:{member}" if member else "",
        choices=choices,
        anything=bool(before) or any(row.measured.cases for row in now),
        names=_names(hub),
    )


@get("/kpis.csv", guards=[allowed(Permission.FIGURES_READ)])
async def kpis_csv(
    request: Request[Any, Any, Any],
    hub: Hub,
    days: Days = 30,
    of: str = "",
    by: Literal["", "partner", "site", "channel"] = "",
) -> Response[str]:
    """The figures by day of one member or of all together; with `by`, of the whole period by partner, site or channel."""
    only = only_of(request)
    figures = Figures(hub.database)
    begin, end = days_until(hub.clock().date(), days)
    out = io.StringIO()
    rows = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    head = ["kpi", "name", "unit", "cases", "mean", "p50", "p90"]
    if by:
        rows.writerow(["from", "to", by, *head])
        ids = await figures.members(by, KPIS, limit=100_000, only=only)
        for at in range(0, len(ids), MEMBERS_SHOWN):
            found = await figures.by_member(KPIS, by, ids[at : at + MEMBERS_SHOWN], begin, end, only)
            for name, each in found.items():
                rows.writerows([begin, end, harmless(name), *_figures(KPIS[k], m)] for k, m in each.items())
    else:
        cut, member = _of(of)
        rows.writerow(["day", "cut", "member", *head])
        for row in await figures.by_day(KPIS, begin, end, cut, member, only):
            where = ("partner", only) if only is not None else (cut, member)
            rows.writerow([row.day, where[0], harmless(where[1]), *_figures(KPIS[row.kpi], row.measured)])
    name = f"crossdock-kpis-{begin}-{end}{f'-by-{by}' if by else ''}.csv"
    return Response(
        out.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one is told with an apostrophe before it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else text


def _figures(kpi: Kpi, m: Measured) -> list[str]:
    """Milliseconds for a duration, a share from 0 to 1 for a share, which has no percentiles."""
    if kpi.unit == "share":
        return [kpi.id, kpi.name, "share", f"{m.cases:f}", f"{m.mean or 0:.6f}", "", ""]
    return [
        kpi.id,
        kpi.name,
        "ms",
        f"{m.cases:f}",
        f"{m.mean or 0:.0f}",
        f"{m.percentile(0.5) or 0:.0f}",
        f"{m.percentile(0.9) or 0:.0f}",
    ]


def _of(text: str) -> tuple[Cut, str]:
    """ "partner:acme" as a cut and its member; anything else is everything."""
    cut, _, member = text.partition(":")
    return next(((each, member) for each in CUTS if each == cut and member), ("all", ""))


def _names(hub: Hub) -> Mapping[str, str]:
    loaded = hub.book.current
    if loaded is None:
        return {}
    partners = {id_: partner.name for id_, partner in loaded.directory.partners.items()}
    return {id_: system.name for id_, system in loaded.systems.items()} | partners | dict(loaded.directory.sites)


Choices = Remembered[list[tuple[Cut, str, list[str]]]]
_choosing: WeakKeyDictionary[Hub, Choices] = WeakKeyDictionary()


def _choices(hub: Hub) -> Choices:
    """What the figures can be narrowed to: the same for all who look."""
    found = _choosing.get(hub)
    if found is None:
        figures = Figures(hub.database)

        async def work() -> list[tuple[Cut, str, list[str]]]:
            members = [(cut, name, await figures.members(cut, KPIS, limit=MEMBERS_SHOWN)) for cut, name in CUTS.items()]
            return [each for each in members if each[2]]

        found = _choosing[hub] = Remembered(work)
    return found


def headline(kpi: Kpi, m: Measured) -> float | None:
    """What a key figure is judged by: the median of a duration, the mean of a share."""
    return m.mean if kpi.unit == "share" else m.percentile(0.5)


def said(kpi: Kpi, value: float | None) -> str:
    """A value of it in words."""
    return share(value) if kpi.unit == "share" else duration(value)


def _card(kpi: Kpi, now: Sequence[DayFigure], before: Mapping[str, Measured], begin: date, end: date) -> Card:
    """now: the days of this one; before: every key figure over the period before."""
    mine = {row.day: row.measured for row in now}
    m = summed(now).get(kpi.id, Measured())
    value, old = headline(kpi, m), headline(kpi, before.get(kpi.id, Measured()))
    change, tone = _change(kpi, value, old)
    p90 = f"p90 {duration(m.percentile(0.9))} · " if kpi.unit == "duration" and m.cases else ""
    span = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
    return Card(
        kpi,
        said(kpi, value) or "-",
        f"{p90}{_cases(kpi, m)}" if m.cases else "no cases",
        change,
        tone,
        [headline(kpi, mine[day]) or 0.0 if day in mine else 0.0 for day in span],
        f"{kpi.name} by day: {said(kpi, value) or 'nothing measured'} over the period",
    )


def _cases(kpi: Kpi, m: Measured) -> str:
    what = {
        "fill": "units",
        "line-fill": "lines",
        "pick-to-ship": "shipments",
        "ship-to-invoice": "invoices",
        "invoice-exception": "invoices",
        "asn-accuracy": "ship notices",
        "functional-ack": "documents",
        "sync-in": "facts",
        "sync-out": "deliveries",
    }.get(kpi.id, "orders")
    return f"{m.cases:,.0f} {what if m.cases != 1 else what.removesuffix('s')}"


def _change(kpi: Kpi, value: float | None, old: float | None) -> tuple[str, str]:
    """Against the period before: points for a share, per cent for a duration; what is less than a rounding is no change."""
    if value is None or old is None:
        return ("", "")
    if kpi.unit == "share":
        points = 100 * (value - old)
        if abs(points) < 0.05:
            return ("unchanged", "")
        words, more = f"{abs(points):.1f} pt", points > 0
    else:
        if not old or abs(value / old - 1) < 0.005:
            return ("unchanged", "")
        words, more = f"{abs(100 * (value / old - 1)):.0f} %", value > old
    good = more == (kpi.better == "more")
    return (f"{'up' if more else 'down'} {words}", "good" if good else "bad")


def _chart(kpi: Kpi, now: Sequence[DayFigure], begin: date, end: date) -> Any:
    mine = {row.day: row.measured for row in now if row.kpi == kpi.id}
    if not mine:
        return None
    span = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]

    def of(name: str, tone: str, value: Any) -> Series:
        return Series(name, tone, [(day, value(mine[day]) if day in mine else None) for day in span])

    if kpi.unit == "share":
        label = f"{kpi.name} by day, from {begin} to {end}"
        return lines([of("share", "accent", lambda m: m.mean)], share, label, marks=(0, 0.25, 0.5, 0.75, 1))
    series = [
        of("median", "accent", lambda m: m.percentile(0.5)),
        of("p90", "wait", lambda m: m.percentile(0.9)),
    ]
    top = max(value for each in series for _, value in each.points if value is not None)
    label = f"{kpi.name} by day, median and 90th percentile, from {begin} to {end}"
    return lines(series, duration, label, marks=duration_ticks(top))


class Row(msgspec.Struct, frozen=True):
    """A line of a table of figures. part: the headline against the greatest of the table, 0 to 1."""

    name: str
    cases: str
    value: str
    mean: str
    p90: str
    part: float = 0.0


def _row(kpi: Kpi, name: str, m: Measured, greatest: float) -> Row:
    value = headline(kpi, m) or 0.0
    long = kpi.unit == "duration"
    return Row(
        name,
        f"{m.cases:,.0f}",
        said(kpi, value),
        duration(m.mean) if long else "",
        duration(m.percentile(0.9)) if long else "",
        value / greatest if greatest else 0.0,
    )


def _table(kpi: Kpi, now: Sequence[DayFigure]) -> list[Row]:
    mine = sorted((row for row in now if row.kpi == kpi.id), key=lambda row: row.day, reverse=True)
    return [_row(kpi, row.day.isoformat(), row.measured, 0.0) for row in mine]


def _members(kpi: Kpi, found: Mapping[str, Mapping[str, Measured]]) -> list[Row]:
    """The worst first."""
    mine = {name: each[kpi.id] for name, each in found.items() if kpi.id in each}
    greatest = 1.0 if kpi.unit == "share" else max((headline(kpi, m) or 0.0 for m in mine.values()), default=0.0)
    order = sorted(mine, key=lambda name: headline(kpi, mine[name]) or 0.0, reverse=kpi.better == "less")
    return [_row(kpi, name, mine[name], greatest) for name in order]


router = Router("/", route_handlers=[kpis, kpis_csv])
