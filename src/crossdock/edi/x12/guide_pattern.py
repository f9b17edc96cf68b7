"""A guide's structure and elements as a regular expression over bytes, for `compiled`.

The expression matches less than the guide allows, never more: text is printable ASCII, years are 1900 to 2099, no 29th
of February, decimals of usual size. Every repetition is possessive, so that matching takes one pass without backtracking.
"""

import re

from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.guide import MANY, Element, Guide, Loop, Note, Segment

SOUND = re.fullmatch(b"(?:ab?c)*+", b"a") is None
"""Whether `re` repeats groups possessively as documented; CPython before 3.11.5 does not (gh-106052, gh-100061)."""


def possessive(body: bytes, times: bytes, *, sound: bool = SOUND) -> bytes:
    """`body` repeated `times` (`*`, `?`, `{1,3}`) without ever giving a repetition back."""
    repeated = b"(?:" + body + b")" + times
    return repeated + b"+" if sound else b"(?>" + repeated + b")"


_DATE = (
    rb"(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
)
_RUN = 3
"""How many optional parts are tried before a look ahead asks whether any of the rest can follow."""
_TIME = rb"(?:[01][0-9]|2[0-3])[0-5][0-9]" + possessive(rb"[0-5][0-9]" + possessive(rb"[0-9]{1,2}", b"?"), b"?")


def transaction(guide: Guide, delimiters: Delimiters, root: Loop | None = None) -> bytes:
    """The expression that the bytes of a transaction set match, ST to behind SE's terminator and the line break after it.

    root: the guide's structure narrowed to what is to be matched; without it all that the guide allows.
    """
    return _Builder(guide, delimiters).parts(root or guide.root)


def text_class(delimiters: Delimiters) -> bytes:
    """Printable ASCII without the separators of elements and segments.

    The grave accent is left out as well: a class of three ranges or more becomes a bitmap in `re`, a fifth faster.
    """
    apart = {*delimiters.element, *delimiters.segment, 0x60}
    allowed = [byte for byte in range(0x20, 0x7F) if byte not in apart]
    pieces, start = [], allowed[0]
    for byte, after in zip(allowed, [*allowed[1:], 0], strict=True):
        if after != byte + 1:
            first, last = re.escape(bytes([start])), re.escape(bytes([byte]))
            pieces.append(first if start == byte else first + b"-" + last)
            start = after
    return b"[" + b"".join(pieces) + b"]"


_Made = tuple[bytes, str, bool]
"""A part's expression, the name of its first segment, and whether it is optional."""


class _Builder:
    def __init__(self, guide: Guide, delimiters: Delimiters) -> None:
        self.guide = guide
        self.mark = re.escape(delimiters.element)
        self.end = re.escape(delimiters.segment + delimiters.line_break)
        self.last_end = re.escape(delimiters.segment) + rb"[\r\n]*+"
        self.more = b"(?=" + self.mark + b")"
        self.text = text_class(delimiters)

    def parts(self, loop: Loop) -> bytes:
        """A loop's parts in order. Optional ones stand in nested groups, so that one look ahead skips all that is not there."""
        made: list[_Made] = []
        levels: list[bytes] = []
        for part in loop.parts:
            if isinstance(part, Loop) and part.level:
                # Items are the most common level and stand first; the level without a name of its own comes last.
                levels.insert(len(levels) if part.level == "*" else 0, self.parts(part))
                continue
            if levels:
                made.append((possessive(b"|".join(levels), b"*"), "", False))
                levels = []
            if not part.unused:
                first = part is loop.parts[0] and bool(loop.path)
                name = part.id if isinstance(part, Segment) else part.trigger.id
                body = self._part(part, first=first, level=loop.level)
                made.append((body, name, not first and not part.required))
        return self._joined(made, loop.trigger.id if loop.path else "")

    def _joined(self, made: list[_Made], trigger: str) -> bytes:
        whole = b""
        at = 0
        while at < len(made):
            until = at
            while until < len(made) and made[until][2]:
                until += 1
            whole += self._optional_parts(made[at:until], trigger)
            if until < len(made):
                whole += made[until][0]
            at = until + 1
        return whole

    def _optional_parts(self, made: list[_Made], trigger: str) -> bytes:
        """A run of optional parts: `a b (look ahead: c d (look ahead: e f))`. What starts the loop again is looked for first."""
        if len(made) <= _RUN:
            return b"".join(body for body, _, _ in made)
        rest = made[_RUN:]
        names = {name for _, name, _ in rest}
        letters = "".join(sorted({name[0] for name in names})).encode()
        again = trigger[:1].encode() in letters and trigger and trigger not in names
        ahead = b"(?!" + trigger.encode() + self.mark + b")" if again else b""
        after = b"(?:" + ahead + b"(?=[" + letters + b"])" + self._optional_parts(rest, trigger) + b"|)"
        return b"".join(body for body, _, _ in made[:_RUN]) + after

    def _part(self, part: Segment | Loop, *, first: bool, level: str) -> bytes:
        if isinstance(part, Loop):
            return _times(self.parts(part), part.required, part.max)
        body = self.segment(part, level if first else "")
        return body if first else _times(body, part.required, part.max)

    def segment(self, segment: Segment, level: str = "") -> bytes:
        """One segment with its terminator. level: the HL03 that this one must have, `*` for any that has no own loop."""
        end = self.last_end if segment.id == "SE" else self.end
        name = segment.id.encode()
        if segment.elements is None:
            return name + possessive(self.mark + self.text + b"*+", b"+") + b"(?<!" + self.mark + b")" + end
        elements = segment.elements
        adjacent = self._adjacent(segment.notes, elements)
        ahead = b"".join(self._note(note) for note in segment.notes if note not in adjacent.values())
        if not any(each.required for each in elements):
            ahead = self.more + ahead  # a segment without data is a finding
        return name + ahead + self._tail(elements, 1, adjacent, level) + end

    def _adjacent(self, notes: tuple[Note, ...], elements: list[Element]) -> dict[int, Note]:
        """Notes about two neighbours, by the first of them, that `_tail` writes where they stand instead of looking ahead."""
        found: dict[int, Note] = {}
        taken: set[int] = set()
        for note in notes:
            first, last = min(note.positions), max(note.positions)
            fits = note.kind in "PC" and len(note.positions) == 2 and last == first + 1 <= len(elements)
            if not fits or any(each.unused for each in elements[first - 1 : last]):
                continue
            if not {first, last} & taken and not any(each.required for each in elements[first - 1 :]):
                found[first] = note
                taken |= {first, last}
        return found

    def _tail(
        self, elements: list[Element], number: int, adjacent: dict[int, Note], level: str, ends: bool = True
    ) -> bytes:
        """Elements from `number` on; they may end where nothing mandatory follows, unless `ends` is false: an empty one stands before."""
        if number > len(elements):
            return b"" if ends else b"(?!)"
        element = elements[number - 1]
        if number in adjacent:
            told = self._neighbours(elements, number, adjacent, level)
            return self.mark + told if not ends else b"(?:" + self.mark + told + b"|)"
        if any(each.required for each in elements[number - 1 :]):
            value = self._at_level(level) if level and number == 3 else self._optional(elements, number)
            return self.mark + value + self._tail(elements, number + 1, adjacent, level)
        if element.unused:
            told = self.mark + self._tail(elements, number + 1, adjacent, level, False)
        else:
            told = self.mark + self._optional(elements, number) + self._tail(elements, number + 1, adjacent, level)
        return told if not ends else b"(?:" + told + b"|)"

    def _at_level(self, level: str) -> bytes:
        """HL03."""
        if level != "*":
            return level.encode()
        others = "|".join(self.guide.levels)
        return b"(?!(?:" + others.encode() + b")" + self.mark + b")" + self.text + b"{1,2}+"

    def _neighbours(self, elements: list[Element], number: int, adjacent: dict[int, Note], level: str) -> bytes:
        """Two optional elements, both or none of them, or the one not without the other, and all that follows; without the first mark."""
        first, second, note = elements[number - 1], elements[number], adjacent[number]
        one, two, mark = self._value(first), self._value(second), self.mark
        rest = self._tail(elements, number + 2, adjacent, level)
        neither = mark + self.more
        if note.kind == "P":
            return b"(?:" + one + mark + two + b"|" + neither + b")" + rest
        alone = self._optional(elements, number + 1)
        if note.positions[0] == number:
            return b"(?:" + one + mark + two + b"|" + mark + alone + b")" + rest
        return b"(?:(?:" + one + mark + alone + b"|" + neither + b")" + rest + b"|" + one + b")"

    def _optional(self, elements: list[Element], number: int) -> bytes:
        """What an element holds, or nothing where another follows: no segment ends with an empty element."""
        element = elements[number - 1]
        if element.required:
            return self._value(element)
        goes_on = any(each.required for each in elements[number:])
        if element.unused:
            return b"" if goes_on else self.more
        return b"(?:" + self._value(element) + b"|" + (b"" if goes_on else self.more) + b")"

    def _value(self, element: Element) -> bytes:
        most = element.max
        if element.open:
            return self.text + b"++"
        if element.closed and not element.codes:
            return b"(?!)"
        if element.closed:
            return (
                b"(?:"
                + b"|".join(re.escape(code.encode()) for code in sorted(element.codes, key=len, reverse=True))
                + b")"
            )
        if element.type in ("N0", "N2"):
            return b"[0-9]{%d,%d}+" % (element.min, most)
        if element.type == "R":
            decimals = min(4, most // 2)
            if not decimals:
                return b"[0-9]{1,%d}+" % most
            return b"[0-9]{1,%d}+(?:\\.[0-9]{1,%d}+|)" % (most - decimals, decimals)
        if element.type == "DT":
            return _DATE if element.min == 8 else b"(?!)"
        if element.type == "TM":
            return _TIME
        return self.text + b"{%d,%d}+" % (max(element.min, 1), most)

    def _has(self, number: int) -> bytes:
        skipped = b"(?:" + self.mark + self.text + b"*+){%d}" % (number - 1) if number > 1 else b""
        return skipped + self.mark + self.text

    def _any_of(self, positions: tuple[int, ...], behind: int = 0) -> bytes:
        """One of the elements at these positions, in rising order, has something; `behind` is where we stand."""
        at = positions[0]
        skipped = b"(?:" + self.mark + self.text + b"*+){%d}" % (at - behind - 1) if at - behind > 1 else b""
        further = b"|" + self._any_of(positions[1:], at) if positions[1:] else b""
        return skipped + self.mark + b"(?:" + self.text + further + b")"

    def _note(self, note: Note) -> bytes:
        """A syntax note as look-aheads from behind the segment's name."""
        rest = note.positions[1:]
        if note.kind == "R":
            return b"(?=" + self._any_of(tuple(sorted(note.positions))) + b")"
        has = [self._has(number) for number in note.positions]
        any_of = b"(?:" + b"|".join(has) + b")"
        if note.kind == "P":
            all_of = b"".join(b"(?=" + each + b")" for each in has)
            return b"(?:" + all_of + b"|(?!" + any_of + b"))"
        if note.kind == "C":
            all_of = b"".join(b"(?=" + self._has(number) + b")" for number in rest)
            return b"(?:(?!" + has[0] + b")|" + all_of + b")"
        if note.kind == "L":
            return b"(?:(?!" + has[0] + b")|(?=" + b"|".join(has[1:]) + b"))"
        pairs = [(one, two) for at, one in enumerate(has) for two in has[at + 1 :]]
        return b"".join(b"(?!(?=" + one + b")" + two + b")" for one, two in pairs)


def _times(body: bytes, required: bool, most: int) -> bytes:
    if most == 1:
        return body if required else b"(?:" + body + b"|)"
    least = 1 if required else 0
    return possessive(body, b"{%d,%s}" % (least, b"" if most >= MANY else b"%d" % most))
