"""The picture of systems around the hub, drawn from the workspace and what passes just now. Pure: values in, SVG out.

Partners stand at the left, our own systems at the right. An arrow points the way that messages go; its weight is the rate, its colour the breaker.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup, escape

WIDTH, BOX, HEIGHT, GAP = 1080.0, 250.0, 74.0, 20.0
TOP = 34.0
HUB = 150.0
DRAWN = 12
"""Systems of a column at the most: those in trouble first, then the busiest; the table beneath the picture has all."""

ROLES = {"partner": "Partners", "warehouse": "Warehouses", "erp": "ERP", "tax": "Tax", "other": "Others"}
TONES = {"closed": "good", "half-open": "warn", "open": "bad"}
BREAKERS = {"closed": "calls go through", "half-open": "trying again", "open": "calls are held back"}


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A system as it does now. ways: in, out. per_minute: messages, by way. backlog: deliveries that wait for it; dead: given up; held: messages of it that nobody
    could read. breaker: closed, half-open, open, "" where nothing was sent yet. unread: what comes in and was not looked at."""

    id: str
    name: str
    role: str
    connector: str
    format: str
    ways: frozenset[str]
    per_minute: Mapping[str, float] = {}
    backlog: int = 0
    dead: int = 0
    held: int = 0
    breaker: str = ""
    stock: bool = False


def ways_of(connector: str, settings: Mapping[str, Any]) -> frozenset[str]:
    """Which way messages go over a system: a webhook only tells us, HTTP only is told, a folder does what it names."""
    if connector == "webhook":
        return frozenset({"in"})
    if connector == "http":
        return frozenset({"out"})
    return frozenset(way for way, word in (("in", "inbound"), ("out", "outbound")) if word in settings) or frozenset(
        {"in", "out"}
    )


def rate(per_minute: float) -> str:
    """A rate in few characters."""
    if not per_minute:
        return "0/min"
    if per_minute >= 60:
        return f"{per_minute / 60:.1f}/s" if per_minute < 600 else f"{per_minute / 60:.0f}/s"
    return f"{per_minute:.1f}/min" if per_minute < 10 else f"{per_minute:.0f}/min"


def topology(nodes: Sequence[Node], hub: str) -> Markup:
    """The picture; `hub` is our name."""
    left, more_left = _drawn([node for node in nodes if node.role == "partner"])
    right, more_right = _drawn([node for node in nodes if node.role != "partner"])
    rows = max(len(left), len(right), 2)
    height = TOP + rows * (HEIGHT + GAP) + 6
    middle = TOP + (rows * (HEIGHT + GAP) - GAP) / 2
    tall = min(rows * (HEIGHT + GAP) - GAP, max(150.0, 46.0 * rows))
    x = (WIDTH - HUB) / 2
    parts = [
        _heading(0, f"Partners{more_left}", "start"),
        _heading(WIDTH, f"Our systems{more_right}", "end"),
        f'<rect x="{x}" y="{middle - tall / 2:.1f}" width="{HUB}" height="{tall:.1f}" rx="10" class="hub-box"/>',
        f'<text x="{WIDTH / 2}" y="{middle - 2:.1f}" text-anchor="middle" class="head">{escape(_cut(hub, 20))}</text>',
        f'<text x="{WIDTH / 2}" y="{middle + 16:.1f}" text-anchor="middle" class="faint">Crossdock</text>',
    ]
    for column, at, edge in ((left, 0.0, x), (right, WIDTH - BOX, x + HUB)):
        offset = (rows - len(column)) * (HEIGHT + GAP) / 2
        for n, node in enumerate(column):
            y = TOP + offset + n * (HEIGHT + GAP)
            inner = at + BOX if at == 0 else at
            target = middle + (n - (len(column) - 1) / 2) * min(tall / max(len(column), 1), 40.0)
            parts.append(_edges(node, inner, y + HEIGHT / 2, edge, target))
            parts.append(_box(node, at, y))
    label = escape("; ".join(in_words(node) for node in [*left, *right]))
    return Markup(
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="group" aria-label="Systems around {escape(hub)}: {label}">'
        f"{''.join(parts)}</svg>"
    )


def _drawn(column: Sequence[Node]) -> tuple[list[Node], str]:
    """Those that are drawn, in their order, and how many are not, in words."""

    def notable(node: Node) -> tuple[bool, float, int]:
        trouble = bool(node.dead or node.held or node.breaker not in ("", "closed"))
        return (trouble, sum(node.per_minute.values()), node.backlog)

    kept = sorted(column, key=notable, reverse=True)[:DRAWN]
    more = f", {DRAWN} of {len(column)}" if len(column) > DRAWN else ""
    return sorted(kept, key=lambda n: (list(ROLES).index(n.role), n.id)), more


def in_words(node: Node) -> str:
    """A node as a sentence."""
    rates = ", ".join(f"{rate(node.per_minute.get(way, 0.0))} {way}" for way in ("in", "out") if way in node.ways)
    waits = f", {node.backlog} waiting" if node.backlog else ""
    trouble = f", {node.dead} dead" if node.dead else ""
    breaker = f", breaker {node.breaker}" if node.breaker not in ("", "closed") else ""
    return f"{node.name or node.id}: {rates}{waits}{trouble}{breaker}"


def _heading(x: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="14" text-anchor="{anchor}" class="head">{escape(words)}</text>'


def _edges(node: Node, x: float, y: float, hub_x: float, hub_y: float) -> str:
    tone = TONES.get(node.breaker, "idle")
    both = len(node.ways) == 2
    parts = []
    for way in sorted(node.ways):
        shift = (-5.0 if way == "in" else 5.0) if both else 0.0
        per_minute = node.per_minute.get(way, 0.0)
        weight = 1.4 + min(5.0, 1.6 * math.log10(1 + per_minute))
        y1, y2 = y + shift, hub_y + shift
        bend = (x + hub_x) / 2
        colour = ("accent" if per_minute else "idle") if way == "in" or tone in ("good", "idle") else tone
        dash = ' stroke-dasharray="5 4"' if tone == "bad" and way == "out" else ""
        parts.append(
            f'<path d="M{x:.1f} {y1:.1f} C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {hub_x:.1f} {y2:.1f}" class="f-none s-{colour}" stroke-width="{weight:.1f}"{dash}/>'
        )
        tip_x, tip_y, back = (hub_x, y2, x) if way == "in" else (x, y1, hub_x)
        away = 9.0 if back > tip_x else -9.0
        parts.append(f'<path d="M{tip_x:.1f} {tip_y:.1f} l{away:.1f} -4.5 v9 Z" class="f-{colour}"/>')
    return "".join(parts)


def _box(node: Node, x: float, y: float) -> str:
    tone = TONES.get(node.breaker, "idle")
    trouble = [
        *([f"{node.backlog:,} waiting"] if node.backlog else []),
        *([f"{node.dead:,} dead"] if node.dead else []),
        *([f"{node.held:,} held"] if node.held else []),
    ]
    rates = "   ".join(f"{way} {rate(node.per_minute.get(way, 0.0))}" for way in ("in", "out") if way in node.ways)
    words = BREAKERS.get(node.breaker, "nothing sent yet" if "out" in node.ways else "only tells us")
    lower = ", ".join(trouble) or words
    shade = (
        "f-bad" if node.dead or node.breaker == "open" else "f-warn" if node.held or node.breaker == "half-open" else ""
    )
    about = " · ".join(part for part in (ROLES[node.role].rstrip("s"), node.connector, node.format) if part)
    mark = (
        f'<rect x="{x + 0.5:.1f}" y="{y + 8:.1f}" width="3.5" height="{HEIGHT - 16}" class="{shade}"/>' if shade else ""
    )
    return (
        f'<a href="/messages?channel={quote(node.id, safe="")}" aria-label="{escape(in_words(node))}">'
        f'<rect x="{x}" y="{y:.1f}" width="{BOX}" height="{HEIGHT}" rx="8" class="box"/>{mark}'
        f'<circle cx="{x + 18:.1f}" cy="{y + 18.5:.1f}" r="4.5" class="f-{tone}"/>'
        f'<text x="{x + 30:.1f}" y="{y + 23:.1f}" class="head">{escape(_cut(node.name or node.id, 27))}</text>'
        f'<text x="{x + 14:.1f}" y="{y + 42:.1f}" class="faint">{escape(_cut(about, 38))}{" · stock" if node.stock else ""}</text>'
        f'<text x="{x + 14:.1f}" y="{y + 61:.1f}" xml:space="preserve">{escape(rates)}</text>'
        f'<text x="{x + BOX - 12:.1f}" y="{y + 61:.1f}" text-anchor="end" class="faint">{escape(lower)}</text></a>'
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
