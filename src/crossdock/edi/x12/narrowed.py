"""A guide's structure narrowed to what traffic uses: the segments that were met, of these the elements that held something, and
the kinds of item and package numbers among them.

X12 allows in an 850 some 150 segments in their places, a partner sends fifteen. An expression for what is sent is compiled
in a twentieth of the time, and matches faster. What was never met is not allowed here: whoever uses it falls back on the guide.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from crossdock.edi.x12.guide import Element, Loop, Note, Segment

QUALIFIERS = frozenset({"235", "88"})
"""Elements that say what kind of number follows; where they stand, check digits are judged."""
_MOST_KINDS = 40

_NEVER = Element(unused=True)


class Met:
    """elements: by the path of a segment, a bit for each of its elements that held something in one of the sets seen (bit n:
    element n). kinds: the item and package qualifiers that were used, wherever."""

    __slots__ = ("elements", "kinds")

    def __init__(self) -> None:
        self.elements: dict[str, int] = {}
        self.kinds: set[str] = set()

    def take(self, segment: Segment, values: Sequence[str]) -> None:
        """One segment of a set, its name first."""
        bits = sum([1 << number for number, value in enumerate(values) if value]) & ~1
        self.elements[segment.path] = self.elements.get(segment.path, 0) | bits
        for number in _qualifiers(segment):
            if bits >> number & 1:
                self.kinds.add(values[number])

    def add(self, seen: "Met") -> bool:
        """What was seen in further sets; says whether any of it is new."""
        new = False
        for path, bits in seen.elements.items():
            known = self.elements.get(path)
            if known is None or bits & ~known:
                self.elements[path] = (known or 0) | bits
                new = True
        kinds = seen.kinds - self.kinds
        if kinds and len(self.kinds) + len(kinds) <= _MOST_KINDS:
            self.kinds |= kinds
            new = True
        return new

    @property
    def size(self) -> int:
        """How many elements there are in it."""
        return sum(map(int.bit_count, self.elements.values()))


@lru_cache(maxsize=1024)
def _qualifiers(segment: Segment) -> tuple[int, ...]:
    return tuple(n for n, element in enumerate(segment.elements or (), 1) if element.number in QUALIFIERS)


def narrowed(loop: Loop, met: Met) -> Loop:
    """The loop with what is mandatory, and what else was met."""
    parts: list[Segment | Loop] = []
    for part in loop.parts:
        if isinstance(part, Loop):
            if part.trigger.path in met.elements or (part.required and not part.unused):
                parts.append(narrowed(part, met))
        elif part.path in met.elements or part.required or (part is loop.parts[0] and loop.path):
            parts.append(_segment(part, met))
    return msgspec.structs.replace(loop, parts=parts)


def _segment(segment: Segment, met: Met) -> Segment:
    if segment.elements is None:
        return segment
    bits = met.elements.get(segment.path, 0)
    usual = {n for n, each in enumerate(segment.elements, 1) if each.required or bits >> n & 1}
    last = max(usual, default=0)
    elements = [_element(each, met) if n in usual else _NEVER for n, each in enumerate(segment.elements[:last], 1)]
    notes = []
    for note in segment.notes:
        there = usual.intersection(note.positions)
        if note.kind == "R" and len(there) == 1:  # one of which only one is ever used: that one
            (only,) = there
            elements[only - 1] = msgspec.structs.replace(elements[only - 1], required=True)
        elif _matters(note, there):
            notes.append(note)
    return msgspec.structs.replace(segment, elements=elements, notes=tuple(notes))


def _element(element: Element, met: Met) -> Element:
    if element.number not in QUALIFIERS or element.unused:
        return element
    kinds = frozenset(kind for kind in met.kinds if element.min <= len(kind) <= element.max)
    return msgspec.structs.replace(element, codes=kinds & element.codes if element.closed else kinds, closed=True)


def _matters(note: Note, there: set[int]) -> bool:
    """Whether a note can be broken where of its elements no others than these have anything."""
    if note.kind in "CL":
        return note.positions[0] in there
    return len(there) > 1 if note.kind == "E" else note.kind == "R" or bool(there)
