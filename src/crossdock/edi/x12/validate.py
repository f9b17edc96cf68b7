"""Judges one transaction set by its guide, segment by segment and element by element, and says precisely what is wrong.

Segments are placed as a translator places them: forward in the innermost loop that knows them, else in the loops around
it. Elements and segments that X12 allows but we give no meaning to are never errors. Where the guide is not of the very
version that was sent, what other versions may well allow is but a warning. `compiled` proves most sets valid faster.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from crossdock.edi.findings import Code, Finding, Place, Severity, find
from crossdock.edi.x12 import check_digits, elements
from crossdock.edi.x12.guide import Guide, Loop, Segment
from crossdock.edi.x12.narrowed import Met
from crossdock.edi.x12.reading import pair_positions

_VERSION_DEPENDENT = frozenset(
    {
        Code.ELEMENT_TOO_LONG,
        Code.ELEMENT_TOO_SHORT,
        Code.TOO_MANY_ELEMENTS,
        Code.UNKNOWN_SEGMENT,
        Code.UNEXPECTED_SEGMENT,
        Code.SEGMENT_OUT_OF_ORDER,
        Code.TOO_MANY_SEGMENTS,
        Code.TOO_MANY_LOOPS,
        Code.BROKEN_SYNTAX_NOTE,
    }
)
HOLDS = {"O": "STP", "T": "SOTP", "P": "SOTPI", "I": "SOTPI"}


def validate(
    segments: Sequence[Sequence[str]],
    guide: Guide,
    place: Place | None = None,
    offsets: Sequence[tuple[int, int]] | None = None,
    met: Met | None = None,
) -> list[Finding]:
    """All findings of one transaction set, ST to SE, in the order of its segments.

    place: where the set stands (interchange, group, control number); offsets: start and end of each segment in the file.
    met: takes down which segments and elements were used.
    """
    judge = _Judge(guide, place or Place(transaction_set=guide.set_id), offsets)
    if not guide.exact:
        message = f"version {guide.asked} is judged by the guide for {guide.version}"
        judge.tell(Code.VERSION_UNSUPPORTED, message, 1, severity=Severity.NOTE, found=guide.asked)
    judge.walk(segments, met)
    judge.totals(segments)
    if guide.levels:
        judge.hierarchy(segments)
    judge.numbers(segments)
    return judge.findings


class _Cursor:
    """How far one repetition of a loop has got."""

    __slots__ = ("at", "counts", "loop")

    def __init__(self, loop: Loop, at: int) -> None:
        self.loop, self.at = loop, at
        self.counts: dict[int, int] = {}


class _Judge:
    def __init__(self, guide: Guide, place: Place, offsets: Sequence[tuple[int, int]] | None) -> None:
        self.guide, self.place, self.offsets = guide, place, offsets
        self.findings: list[Finding] = []
        self.placed: dict[int, str] = {}

    def tell(
        self,
        code: Code,
        message: str,
        position: int,
        *,
        segment: str = "",
        element: int = 0,
        data_element: str = "",
        loop: str = "",
        expected: str = "",
        found: str = "",
        severity: Severity | None = None,
    ) -> None:
        if severity is None and not self.guide.exact and code in _VERSION_DEPENDENT:
            severity = Severity.WARNING
        start, end = (
            self.offsets[position - 1] if self.offsets and position <= len(self.offsets) else (self.place.offset, 0)
        )
        place = msgspec.structs.replace(
            self.place,
            offset=start,
            length=max(end - start, 0),
            segment=segment,
            segment_position=position,
            element=element,
            data_element=data_element,
            loop=loop,
        )
        self.findings.append(find(code, message, place, expected=expected, found=found, severity=severity))

    # --- structure --------------------------------------------------------------------------------------------------

    def walk(self, segments: Sequence[Sequence[str]], met: Met | None = None) -> None:
        """Place each segment in the structure and judge its elements."""
        stack = [_Cursor(self.guide.root, 0)]
        for position, values in enumerate(segments, 1):
            segment = self._place(values, position, stack)
            if segment is None:
                continue
            if met is not None:
                met.take(segment, values)
            for fault in elements.faults(values, segment):
                self.tell(
                    fault.code,
                    f"segment {position}: {fault.message}",
                    position,
                    segment=segment.id,
                    element=fault.element,
                    data_element=fault.data_element,
                    loop=self.placed.get(position, ""),
                    expected=fault.expected,
                    found=fault.found,
                )
        last = len(segments)
        for cursor in reversed(stack):
            self._leave(cursor, len(cursor.loop.parts), last)
        if self.guide.levels and not any(values[0] == "HL" for values in segments):
            self.tell(Code.MISSING_SEGMENT, "HL is missing: the notice has no hierarchy", last, segment="HL")

    def _place(self, values: Sequence[str], position: int, stack: list[_Cursor]) -> Segment | None:
        name = values[0]
        for depth in range(len(stack) - 1, -1, -1):
            cursor = stack[depth]
            at = _forward(cursor.loop, cursor.at, values)
            if at < 0:
                continue
            for left in reversed(stack[depth + 1 :]):
                self._leave(left, len(left.loop.parts), position)
            del stack[depth + 1 :]
            self._leave(cursor, at, position)
            return self._take(cursor, at, position, stack)
        for depth in range(len(stack) - 1, -1, -1):
            cursor = stack[depth]
            at = _forward(cursor.loop, 0, values, before=cursor.at)
            if at < 0:
                continue
            where = f" in loop {cursor.loop.path}" if cursor.loop.path else ""
            message = f"segment {position}: {name} comes too late{where}"
            self.tell(Code.SEGMENT_OUT_OF_ORDER, message, position, segment=name, loop=cursor.loop.path)
            del stack[depth + 1 :]
            return self._take(cursor, at, position, stack)
        loop = stack[-1].loop.path
        if name in self.guide.ids:
            message = f"segment {position}: {name} does not belong here" + (f", after loop {loop}" if loop else "")
            self.tell(Code.UNEXPECTED_SEGMENT, message, position, segment=name, loop=loop)
        else:
            message = f"segment {position}: {name or 'a segment without a name'} is not part of a {self.guide.set_id}"
            self.tell(Code.UNKNOWN_SEGMENT, message, position, segment=name, loop=loop)
        return None

    def _take(self, cursor: _Cursor, at: int, position: int, stack: list[_Cursor]) -> Segment:
        part = cursor.loop.parts[at]
        cursor.at = at
        times = cursor.counts[at] = cursor.counts.get(at, 0) + 1
        if part.unused:
            name = part.id if isinstance(part, Segment) else part.path
            self.tell(
                Code.UNEXPECTED_SEGMENT,
                f"segment {position}: {name} is not used by this partner",
                position,
                segment=name,
            )
        if isinstance(part, Segment):
            self.placed[position] = cursor.loop.path
            if times == part.max + 1:
                message = f"segment {position}: {part.id} stands more than {part.max} times in a row"
                self.tell(Code.TOO_MANY_SEGMENTS, message, position, segment=part.id, expected=str(part.max))
            return part
        if times == part.max + 1:
            message = f"segment {position}: loop {part.path} repeats more than {part.max} times"
            self.tell(
                Code.TOO_MANY_LOOPS, message, position, segment=part.trigger.id, loop=part.path, expected=str(part.max)
            )
        stack.append(_Cursor(part, 1))
        self.placed[position] = part.path
        return part.trigger

    def _leave(self, cursor: _Cursor, until: int, position: int) -> None:
        """Mandatory parts of a loop that were passed over."""
        for at in range(cursor.at, until):
            part = cursor.loop.parts[at]
            if not part.required or cursor.counts.get(at) or (cursor.loop.path and at == 0):
                continue
            cursor.counts[at] = cursor.counts.get(at, 0)
            name = part.id if isinstance(part, Segment) else part.trigger.id
            where = f" in loop {cursor.loop.path}" if cursor.loop.path else ""
            message = f"{name} is missing{where}, before segment {position}"
            self.tell(Code.MISSING_SEGMENT, message, position, segment=name, loop=cursor.loop.path, expected=name)

    # --- business rules of X12 --------------------------------------------------------------------------------------

    def totals(self, segments: Sequence[Sequence[str]]) -> None:
        """CTT01 and CTT02 against what was sent."""
        position, ctt = next(((at, each) for at, each in enumerate(segments, 1) if each[0] == "CTT"), (0, ()))
        if not ctt or not self.guide.line_segments:
            return
        counted = [sum(each[0] == name for each in segments) for name in self.guide.line_segments]
        told = ctt[1] if len(ctt) > 1 else ""
        if told.isdigit() and int(told) not in counted:
            names = " or ".join(
                f"{count} {name}" for count, name in zip(counted, self.guide.line_segments, strict=True)
            )
            message = f"segment {position}: CTT-01 says {told} lines, {names} are there"
            self.tell(
                Code.LINE_COUNT_MISMATCH,
                message,
                position,
                segment="CTT",
                element=1,
                expected=str(counted[0]),
                found=told,
            )
        if len(ctt) > 2 and ctt[2] and self.guide.hash_segment:
            self._hash(segments, position, ctt[2])

    def _hash(self, segments: Sequence[Sequence[str]], position: int, told: str) -> None:
        name, number = self.guide.hash_segment, self.guide.hash_element
        texts = [each[number] for each in segments if each[0] == name and number < len(each)]
        try:
            total, said = sum(map(Decimal, filter(None, texts)), Decimal(0)), Decimal(told)
        except ArithmeticError:
            return
        if total != said:
            message = f"segment {position}: CTT-02 says {told}, the sum of {name}-{number:02} is {total}"
            severity = Severity.ERROR if self.guide.hash_required else Severity.WARNING
            self.tell(
                Code.HASH_TOTAL_MISMATCH,
                message,
                position,
                segment="CTT",
                element=2,
                expected=str(total),
                found=told,
                severity=severity,
            )

    def hierarchy(self, segments: Sequence[Sequence[str]]) -> None:
        """HL: numbers once each, parents before their children, levels where they may stand, child codes true."""
        levels: dict[str, str] = {}
        claims: list[tuple[int, str, str]] = []
        parents: set[str] = set()
        for position, values in enumerate(segments, 1):
            if values[0] != "HL":
                continue
            number, parent, level, child = [*values[1:5], "", "", "", ""][:4]
            if number in levels:
                message = f"segment {position}: HL-01 {number} was used before"
                self.tell(Code.HL_NUMBER_REPEATED, message, position, segment="HL", element=1, found=number)
            self._parent(position, number, parent, level, levels)
            levels[number] = level
            parents.add(parent)
            if child:
                claims.append((position, number, child))
        for position, number, child in claims:
            if (child == "1") != (number in parents) and child in "01":
                told = "has children, none follow" if child == "1" else "has no children, but some follow"
                message = f"segment {position}: HL-04 says that {number} {told}"
                self.tell(Code.HL_CHILD_CODE, message, position, segment="HL", element=4, found=child)

    def _parent(self, position: int, number: str, parent: str, level: str, levels: dict[str, str]) -> None:
        if parent and parent not in levels:
            message = f"segment {position}: HL-02 names {parent} as parent of {number}, which did not come before"
            self.tell(Code.HL_PARENT_UNKNOWN, message, position, segment="HL", element=2, found=parent)
        elif not parent and level != "S" and levels:
            message = f"segment {position}: HL {number} ({level}) names no parent"
            self.tell(Code.HL_PARENT_UNKNOWN, message, position, segment="HL", element=2)
        elif parent and level in HOLDS and levels[parent] in "SOTPI" and levels[parent] not in HOLDS[level]:
            message = f"segment {position}: level {level} cannot stand under level {levels[parent]}"
            self.tell(Code.HL_LEVEL_ORDER, message, position, segment="HL", element=3, found=level)

    def numbers(self, segments: Sequence[Sequence[str]]) -> None:
        """Check digits of SSCC-18s and GTINs."""
        places = _number_places(self.guide)
        for position, values in enumerate(segments, 1):
            name = values[0]
            if name == "MAN":
                for at in (1, 4):
                    if at + 1 < len(values) and values[at] in check_digits.SSCC_QUALIFIERS:
                        self._sscc(position, at + 1, values[at + 1])
            elif name in places:
                for at in places[name]:
                    if at + 1 < len(values) and values[at] in check_digits.GTIN_LENGTHS:
                        self._gtin(position, name, at + 1, values[at], values[at + 1])

    def _sscc(self, position: int, number: int, told: str) -> None:
        digits = check_digits.sscc_of(told)
        where = {"segment": "MAN", "element": number, "data_element": "87", "found": told}
        if not digits:
            message = f"segment {position}: MAN-{number:02} {told} is no SSCC of 18 digits"
            self.tell(Code.SSCC_LENGTH, message, position, expected="18 digits", **where)  # type: ignore[arg-type]
        elif not check_digits.is_valid(digits):
            right = check_digits.check_digit(digits[:-1])
            message = f"segment {position}: the check digit of SSCC {digits} should be {right}"
            self.tell(Code.SSCC_CHECK_DIGIT, message, position, expected=str(right), **where)  # type: ignore[arg-type]

    def _gtin(self, position: int, name: str, number: int, qualifier: str, told: str) -> None:
        length = check_digits.GTIN_LENGTHS[qualifier]
        if len(told) == length and check_digits.is_valid(told):
            return
        message = f"segment {position}: {name}-{number:02} {told} is no GTIN-{length} with a right check digit"
        self.tell(
            Code.GTIN_CHECK_DIGIT, message, position, segment=name, element=number, data_element="234", found=told
        )


def _number_places(guide: Guide) -> dict[str, tuple[int, ...]]:
    """Where item number qualifiers stand, by segment."""
    places: dict[str, tuple[int, ...]] = guide.__dict__.get("_number_places", {})
    if not places:
        for segment in guide.segments.values():
            told = segment.elements or ()
            for rule in segment.rules:
                positions = pair_positions(rule.pairs) if rule.pairs else ()
                kinds = tuple(at for at in positions if at <= len(told) and told[at - 1].number == "235")
                if kinds:
                    places[segment.id] = kinds
        guide.__dict__["_number_places"] = places
    return places


def _forward(loop: Loop, start: int, values: Sequence[str], before: int | None = None) -> int:
    """Index of the first part from `start` on that a segment can be; -1 if none."""
    name, parts = values[0], loop.parts
    here = parts[start] if start < len(parts) else None
    if isinstance(here, Loop) and here.level and before is None:
        while start and isinstance(parts[start - 1], Loop) and parts[start - 1].level:  # type: ignore[union-attr]
            start -= 1
    for at in range(start, len(parts) if before is None else before):
        part = parts[at]
        if isinstance(part, Segment):
            if part.id == name and (at or not loop.path):
                return at
        elif part.trigger.id == name and (not part.level or part.level in (values[3] if len(values) > 3 else "", "*")):
            return at
    return -1
