"""Charts as SVG, made here and sent with the page: no script draws, and what is drawn is said in words too. Pure.

Colours are classes of the style sheet, so that light and dark are one drawing. Every label is escaped.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import Markup, escape

Say = Callable[[float], str]

LEFT, RIGHT, TOP, BOTTOM = 56.0, 14.0, 14.0, 26.0
"""Room for labels around the plotted field."""


class Series(NamedTuple):
    """A line of a chart: (day, value), None where nothing was measured. tone: how it is coloured."""

    name: str
    tone: str
    points: Sequence[tuple[date, float | None]]


class Event(NamedTuple):
    """Something marked on a day, such as an expected receipt."""

    day: date
    words: str


def ticks(top: float, bases: Sequence[float] = (1, 2, 5), ten: float = 10.0) -> list[float]:
    """About four round values from 0 to at least `top`."""
    if top <= 0:
        return [0.0, 1.0]
    rough = top / 4
    power = ten ** math.floor(math.log(rough, ten))
    step = min(base * power * more for more in (1, ten) for base in bases if base * power * more >= rough * 0.999)
    return [step * n for n in range(math.ceil(top / step - 1e-9) + 1)]


def duration_ticks(top: float) -> list[float]:
    """As `ticks`, of milliseconds: whole seconds, minutes, hours or days."""
    for unit, upto in ((1000.0, 90_000), (60_000.0, 5_400_000), (3_600_000.0, 172_800_000)):
        if top <= upto and top >= unit * 2:
            return [
                each * unit
                for each in ticks(top / unit, (1, 2, 5, 10, 15, 20, 30) if unit != 3_600_000 else (1, 2, 3, 6, 12, 24))
            ]
    if top < 2000:
        return ticks(top)
    return [each * 86_400_000.0 for each in ticks(top / 86_400_000.0)]


def lines(
    series: Sequence[Series],
    say: Say,
    label: str,
    *,
    marks: Sequence[float] | None = None,
    width: float = 860.0,
    height: float = 240.0,
) -> Markup:
    """Values by day as lines. Days without a value interrupt a line; one that stands alone is a dot. marks: the values at the left, round ones if left out."""
    days = [day for day, _ in series[0].points]
    values = [value for each in series for _, value in each.points if value is not None]
    field = _Field(days[0], days[-1], marks or ticks(max(values, default=0.0)), width, height)
    parts = [field.ground(say)]
    for each in series:
        path, dots, pen = [], [], False
        for n, (day, value) in enumerate(each.points):
            if value is None:
                pen = False
                continue
            x, y = field.x(day), field.y(value)
            path.append(f"{'L' if pen else 'M'}{x:.1f} {y:.1f}")
            follows = n + 1 < len(each.points) and each.points[n + 1][1] is not None
            dots.append((x, y, 2.6 if pen or follows else 3.4, f"{day:%Y-%m-%d}: {each.name} {say(value)}"))
            pen = True
        parts.append(
            f'<path d="{" ".join(path)}" class="f-none s-{each.tone}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>'
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" class="f-{each.tone}"><title>{escape(words)}</title></circle>'
            for x, y, r, words in dots
        ]
    return field.drawn(parts, label)


def steps(
    points: Sequence[tuple[date, float]],
    until: date,
    say: Say,
    label: str,
    *,
    events: Sequence[Event] = (),
    chosen: date | None = None,
    width: float = 680.0,
    height: float = 230.0,
) -> Markup:
    """A quantity that holds from each day on until the next, as a stepped area up to `until`. events stand on the ground line; chosen: a day that is asked about."""
    field = _Field(
        points[0][0], max(until, points[-1][0]), ticks(max(value for _, value in points) * 1.06), width, height
    )
    edge, words = [], []
    for n, (day, value) in enumerate(points):
        begin, end = field.x(day), field.x(points[n + 1][0]) if n + 1 < len(points) else field.right
        y = field.y(value)
        edge += [f"{begin:.1f} {y:.1f}", f"{end:.1f} {y:.1f}"]
        words.append(
            f'<rect x="{begin:.1f}" y="{TOP:.1f}" width="{max(end - begin, 0.1):.1f}" height="{field.base - TOP:.1f}" class="f-none" pointer-events="all">'
            f"<title>{escape(f'From {day:%Y-%m-%d}: {say(value)}')}</title></rect>"
        )
    parts = [
        field.ground(say),
        f'<path d="M{field.left:.1f} {field.base:.1f} L{" L".join(edge)} L{field.right:.1f} {field.base:.1f} Z" class="f-accent" fill-opacity="0.16"/>',
        f'<path d="M{" L".join(edge)}" class="f-none s-accent" stroke-width="2.2" stroke-linejoin="miter"/>',
    ]
    for day, value in points:
        x, y = field.x(day), field.y(value)
        anchor, dx = ("end", -4) if x > field.right - 60 else ("start", 4)
        if len(points) <= 10:
            parts.append(
                f'<text x="{x + dx:.1f}" y="{max(y - 6, TOP + 2):.1f}" text-anchor="{anchor}" class="f-text">{escape(say(value))}</text>'
            )
    if chosen is not None and field.begin <= chosen <= field.end:
        x = field.x(chosen)
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP:.1f}" x2="{x:.1f}" y2="{field.base:.1f}" class="s-line" stroke-dasharray="3 3"/>'
        )
    parts += words
    parts += [
        f'<path d="M{field.x(e.day) - 5:.1f} {field.base + 1:.1f} l5 -9 l5 9 Z" class="f-good"><title>{escape(e.words)}</title></path>'
        for e in events
        if field.begin <= e.day <= field.end
    ]
    return field.drawn(parts, label)


class _Field:
    """The plotted field: days along, values up from nothing."""

    def __init__(self, begin: date, end: date, marks: Sequence[float], width: float, height: float) -> None:
        self.begin, self.end = begin, end if end > begin else begin + timedelta(days=1)
        self.marks = marks
        self.width, self.height = width, height
        self.left, self.right, self.base = LEFT, width - RIGHT, height - BOTTOM

    def x(self, day: date) -> float:
        return self.left + (self.right - self.left) * (day - self.begin).days / (self.end - self.begin).days

    def y(self, value: float) -> float:
        return self.base - (self.base - TOP) * max(0.0, value) / (self.marks[-1] or 1.0)

    def ground(self, say: Say) -> str:
        parts = []
        for mark in self.marks:
            y = self.y(mark)
            parts.append(
                f'<line x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}" class="s-idle" stroke-opacity="{"1" if mark == 0 else "0.45"}"/>'
                f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(say(mark))}</text>'
            )
        span = (self.end - self.begin).days
        every = max(1, math.ceil(span / 8))
        for n in range(0, span + 1, every):
            day = self.begin + timedelta(days=n)
            x = self.x(day)
            anchor = "start" if n == 0 else "end" if x > self.right - 24 else "middle"
            parts.append(
                f'<text x="{x:.1f}" y="{self.height - 7}" text-anchor="{anchor}">{day.day} {MONTHS[day.month - 1]}</text>'
            )
        return "".join(parts)

    def drawn(self, parts: Sequence[str], label: str) -> Markup:
        words = escape(label)
        return Markup(
            f'<svg class="chart" viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" aria-label="{words}">'
            f"{''.join(parts)}</svg>"
        )


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def duration(milliseconds: float | None) -> str:
    """A duration in few characters: 320 ms, 4.2 s, 12 min, 3.5 h, 2.1 d."""
    if milliseconds is None:
        return ""
    if not milliseconds:
        return "0"
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{milliseconds:.0f} ms"
    for size, name, upto in ((1, "s", 90), (60, "min", 5400), (3600, "h", 172_800)):
        if seconds < upto:
            return f"{_three(seconds / size)} {name}"
    return f"{_three(seconds / 86_400)} d"


def share(value: float | None) -> str:
    """A share, 0 to 1, in per cent with one place; nothing and all without."""
    if value is None:
        return ""
    return f"{100 * value:.0f} %" if value in (0, 1) else f"{100 * value:.1f} %"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 20 or value == int(value) else f"{value:.1f}"
