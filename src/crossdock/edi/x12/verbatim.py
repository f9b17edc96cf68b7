"""A file taken apart to its last byte and put together again, unchanged: for mending a held message in place.

`put_together(take_apart(data)) == data` holds for any bytes. Interchanges come as segments with the blanks around them;
whatever is no interchange, or has its lines wrapped, stays as it is.
"""

from collections.abc import Iterable

import msgspec

from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Index, Interchange, SpanKind
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import spans


class Line(msgspec.Struct, frozen=True, gc=False):
    """One segment as it stands: the bytes before it (blanks, empty segments), its elements, and whether it ends."""

    before: bytes
    elements: tuple[bytes, ...]
    terminated: bool = True


class Verbatim(msgspec.Struct, frozen=True):
    """One interchange as it stands. after: blanks behind its last segment that belong to it."""

    delimiters: Delimiters
    lines: tuple[Line, ...]
    after: bytes = b""


def take_apart(data: bytes, known: Index | None = None) -> tuple[Verbatim | bytes, ...]:
    """Cut `data` into interchanges and what lies between. known: its index, if there is one already."""
    found = known if known is not None else index(data)
    by_start = {each.start: each for each in found.interchanges if not each.delimiters.wrapped}
    return tuple(
        _interchange(data, by_start[span.start])
        if span.kind is SpanKind.INTERCHANGE and span.start in by_start
        else data[span.start : span.end]
        for span in found.spans
    )


def put_together(parts: Iterable[Verbatim | bytes]) -> bytes:
    """The file that `parts` make."""
    return b"".join(part if isinstance(part, bytes) else _bytes(part) for part in parts)


def _interchange(data: bytes, interchange: Interchange) -> Verbatim:
    delimiters = interchange.delimiters
    element, terminator = delimiters.element, delimiters.segment
    behind = interchange.start + len(interchange.header)
    terminated = data.startswith(terminator, behind, interchange.end)
    lines = [Line(b"", tuple(interchange.header.split(element)), terminated)]
    at = behind + (len(terminator) if terminated else 0)
    raw = data[at : interchange.end]
    done = 0
    for start, end in spans(raw, delimiters, binary=True):
        terminated = raw.startswith(terminator, end)
        lines.append(Line(raw[done:start], tuple(raw[start:end].split(element)), terminated))
        done = end + (len(terminator) if terminated else 0)
    return Verbatim(delimiters, tuple(lines), raw[done:])


def _bytes(interchange: Verbatim) -> bytes:
    element, terminator = interchange.delimiters.element, interchange.delimiters.segment
    parts: list[bytes] = []
    for line in interchange.lines:
        parts += (line.before, element.join(line.elements), terminator if line.terminated else b"")
    return b"".join(parts) + interchange.after
