"""The lineage of a process as a picture: what came in, which facts it told, what was owed because of them, what went out, what was answered. Drawn on the server, as SVG."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.dashboard.story import TELLING
from crossdock.dashboard.words import plain, title, tone

COLUMNS = ("Came in", "Facts", "Owed", "Went out", "Answers")
WIDTH, HEIGHT, GAP, ACROSS, TOP = 178, 34, 10, 54, 30
MOST = 40
"""So many boxes a column; what is more is told as a number."""


class Box(msgspec.Struct):
    """A box: its place, two lines of words, where it leads, and its tone."""

    column: int
    words: str
    more: str
    href: str = ""
    tone: str = "idle"
    x: int = 0
    y: int = 0


class Picture(msgspec.Struct):
    """Boxes and the lines between them (as SVG paths), in a frame of this size. left_out: boxes that a column has no room for."""

    width: int
    height: int
    boxes: list[Box]
    paths: list[str]
    heads: list[tuple[int, str]]
    left_out: int


def picture(found: Mapping[str, Any]) -> Picture:
    """The picture of a lineage."""
    heads = {row["id"]: row for row in found["messages"]}
    boxes: dict[str, Box] = {}
    lines: list[tuple[str, str]] = []
    for fact in sorted(found["facts"], key=lambda each: each["recorded_at"]):
        head = heads.get(fact["message"])
        answers = head is not None and head["direction"] == "out"
        name = f"fact {fact['id']}"
        words = TELLING.get(fact["type"], title(fact["type"].replace(".", " ")))
        if fact["type"] == "document.sent":
            words = "Sent"
        boxes[name] = Box(4 if answers else 1, words, f"by {fact['source']}", tone="accent")
        if head is None:
            continue
        message = f"message {head['id']}"
        if not answers:
            boxes.setdefault(message, _message(head, 0))
            lines.append((message, name))
        else:
            lines.append((message, name))
    facts = {fact["id"]: f"fact {fact['id']}" for fact in found["facts"]}
    sent = {row["id"]: row for row in found["deliveries"]}
    for row in found["obligations"]:
        name = f"owed {row['id']}"
        boxes[name] = Box(
            2,
            title(row["kind"]),
            f"{row['status']}, {row['debtor']} to {row['creditor']}",
            f"#{row['id']}",
            tone(row["status"]) or "idle",
        )
        delivery = sent.get(row["id"])
        if delivery is not None and delivery["message"] in heads:
            head = heads[delivery["message"]]
            boxes.setdefault(f"message {head['id']}", _message(head, 3))
            lines.append((name, f"message {head['id']}"))
        for evidence in row["evidence"]:
            told = facts.get(evidence)
            if told is not None and boxes[told].column == 1:
                lines.append((told, name))
    placed, left_out = _place(boxes)
    paths = [
        _path(placed[a], placed[b])
        for a, b in lines
        if a in placed and b in placed and placed[a].column < placed[b].column
    ]
    rows = max((box.y for box in placed.values()), default=TOP) + HEIGHT + 4
    width = len(COLUMNS) * WIDTH + (len(COLUMNS) - 1) * ACROSS
    heading = [(column * (WIDTH + ACROSS), words) for column, words in enumerate(COLUMNS)]
    return Picture(width, rows, list(placed.values()), paths, heading, left_out)


def _message(head: Mapping[str, Any], column: int) -> Box:
    way = "from" if head["direction"] == "in" else "to"
    return Box(
        column,
        f"{way} {head['channel']}",
        f"message {head['id']} {plain(head['status'])}",
        f"/messages/{head['id']}",
        tone(head["status"]) or "idle",
    )


def _place(boxes: Mapping[str, Box]) -> tuple[dict[str, Box], int]:
    placed: dict[str, Box] = {}
    left_out = 0
    for column in range(len(COLUMNS)):
        inside = [(name, box) for name, box in boxes.items() if box.column == column]
        left_out += max(0, len(inside) - MOST)
        for row, (name, box) in enumerate(inside[:MOST]):
            box.x, box.y = column * (WIDTH + ACROSS), TOP + row * (HEIGHT + GAP)
            placed[name] = box
    return placed, left_out


def _path(a: Box, b: Box) -> str:
    x1, y1, x2, y2 = a.x + WIDTH, a.y + HEIGHT // 2, b.x, b.y + HEIGHT // 2
    bend = min(ACROSS, (x2 - x1) // 2 + 8)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
