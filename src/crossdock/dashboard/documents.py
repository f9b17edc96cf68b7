"""A message for people: X12 in words by the guides, JSON laid out, and the raw text beside it. Pure; nothing is raised for what a message holds."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crossdock.edi.x12 import explain

LONGEST = 200_000
"""More than this is not shown in a page; it can be kept as a file."""


class Section(msgspec.Struct, frozen=True):
    """A document within a message: its heading, lines of summary, and every segment in words."""

    heading: str
    lines: Sequence[str]
    segments: Sequence[str]


class Shown(msgspec.Struct, frozen=True):
    """A message as a page shows it. raw is "" for whoever may not see it. line_end: lf, crlf or none: what ends its lines. cut: it goes on."""

    kind: str
    sections: Sequence[Section]
    findings: Sequence[Mapping[str, Any]]
    raw: str
    line_end: str
    cut: bool


def told(row: Mapping[str, Any], with_raw: bool) -> Shown:
    """A message's row as it is shown."""
    data = bytes(row["data"])
    text = data[:LONGEST].decode("utf-8", "replace")
    line_end = "crlf" if "\r\n" in text else "lf" if "\n" in text else "none"
    kind, sections = "text", list[Section]()
    if data.lstrip()[:3] == b"ISA":
        kind, sections = "X12", _x12(data)
    elif data.lstrip()[:1] in (b"{", b"["):
        kind, sections = "JSON", _json(data)
    shown = _lines(text) if kind == "X12" else text
    return Shown(kind, sections, row.get("findings") or [], shown if with_raw else "", line_end, len(data) > LONGEST)


def _lines(text: str) -> str:
    """X12 that has no line ends, a segment a line. Where it has some it is as it came."""
    if "\n" in text or len(text) < 106:
        return text
    return text.replace(text[105], text[105] + "\n")


def _x12(data: bytes) -> list[Section]:
    try:
        report = explain.inspect(data[:2_000_000], with_segments=True)
    except Exception:  # a page about a message is never lost because it cannot be explained
        return []
    found = []
    for each in report.interchanges:
        sender, receiver = each.sender.partition(":")[2].strip(), each.receiver.partition(":")[2].strip()
        head = f"Interchange {each.control_number} from {sender} to {receiver}"
        told_of = [f"{each.date} {each.time}, version {each.version}, {each.usage}"]
        told_of += [f"acknowledges interchange {given[1]}" for given in each.acknowledgements if len(given) > 1]
        found.append(Section(head, told_of, []))
        for group in each.groups:
            for document in group.transactions:
                heading = f"{document.set_id} {document.name}, number {document.control_number}"
                found.append(Section(heading, document.summary, document.segments))
    return found


def _json(data: bytes) -> list[Section]:
    try:
        laid_out = msgspec.json.format(data[:LONGEST], indent=2).decode("utf-8", "replace")
    except (msgspec.MsgspecError, ValueError):
        return []
    return [Section("JSON", [], laid_out.splitlines())]
