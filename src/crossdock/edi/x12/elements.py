"""What is wrong with one segment's elements, judged one by one against the guide: presence, type, length, codes, notes."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from crossdock.edi.findings import Code
from crossdock.edi.x12.guide import Element, Note, Segment

_INTEGER = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Fault(NamedTuple):
    """One fault of a segment. element 0: of the segment as a whole."""

    code: Code
    message: str
    element: int = 0
    data_element: str = ""
    expected: str = ""
    found: str = ""


def faults(values: Sequence[str], segment: Segment) -> Iterator[Fault]:
    """Faults of a segment's elements, in order; values[0] is its name."""
    elements = segment.elements
    last = len(values) - 1
    if last == 0 or not any(values[1:]):
        yield Fault(Code.SEGMENT_WITHOUT_DATA, f"{segment.id} holds no data")
    elif not values[last]:
        yield Fault(Code.TRAILING_EMPTY_ELEMENTS, f"{segment.id} ends with empty elements", last)
    if elements is None:
        return
    for number in range(len(elements) + 1, last + 1):
        if values[number]:
            message = f"{segment.id}-{number:02} is one element too many: {segment.id} has {len(elements)}"
            yield Fault(Code.TOO_MANY_ELEMENTS, message, number, found=values[number])
            break
    for number, element in enumerate(elements, 1):
        text = values[number] if number <= last else ""
        if text:
            if element.unused:
                message = f"{segment.id}-{number:02} ({element.name}) is not used by this partner"
                yield Fault(Code.UNMAPPED_VALUE, message, number, element.number, found=text)
            if not element.open:
                yield from _value(text, element, segment.id, number)
        elif element.required:
            yield Fault(
                Code.MISSING_ELEMENT,
                f"{segment.id}-{number:02} ({element.name}) is missing",
                number,
                element.number,
                element.name,
            )
    for note in segment.notes:
        yield from _broken(note, values, segment)


def _value(text: str, element: Element, name: str, number: int) -> Iterator[Fault]:
    where = f"{name}-{number:02} ({element.name})"

    def fault(code: Code, what: str, expected: str) -> Fault:
        return Fault(code, f"{where} {what}: {text!r}", number, element.number, expected, text)

    kind, length = element.type, len(text)
    if kind in ("AN", "ID"):
        if _CONTROL.search(text):
            yield fault(Code.BAD_CHARACTER, "holds a control character", "printable text")
        if element.closed and text not in element.codes:
            yield fault(Code.BAD_CODE, "is not a code that may stand here", ", ".join(sorted(element.codes)[:12]))
            return
    elif kind in ("N0", "N2", "R"):
        if not (_DECIMAL if kind == "R" else _INTEGER).fullmatch(text):
            yield fault(Code.BAD_NUMBER, "is no number", "a decimal number" if kind == "R" else "a whole number")
            return
        length = sum(map(str.isdigit, text))
    elif kind == "DT":
        if not is_date(text, element.min):
            yield fault(Code.BAD_DATE, "is no date", "YYMMDD" if element.max == 6 else "CCYYMMDD")
        return
    elif kind == "TM":
        if not is_time(text):
            yield fault(Code.BAD_TIME, "is no time", "HHMM or HHMMSS")
        return
    if length > element.max:
        yield fault(Code.ELEMENT_TOO_LONG, f"is longer than {element.max}", f"at most {element.max}")
    elif length < element.min:
        yield fault(Code.ELEMENT_TOO_SHORT, f"is shorter than {element.min}", f"at least {element.min}")


def is_date(text: str, shortest: int = 8) -> bool:
    """CCYYMMDD, or YYMMDD where the element allows six digits, and a day of the calendar."""
    if not (text.isascii() and text.isdigit()):
        return False
    if len(text) == 6 and shortest == 6:
        text = "20" + text
    if len(text) != 8:
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """HHMM, HHMMSS, and up to two decimals of a second."""
    if not (text.isascii() and text.isdigit()) or len(text) not in (4, 6, 7, 8):
        return False
    return text[:2] < "24" and text[2:4] < "60" and (text[4:6] or "00") < "60"


def _broken(note: Note, values: Sequence[str], segment: Segment) -> Iterator[Fault]:
    there = [number < len(values) and values[number] != "" for number in note.positions]
    names = [f"{segment.id}-{number:02}" for number in note.positions]
    first, *rest = there
    if note.kind == "P" and any(there) and not all(there):
        lacking = note.positions[there.index(False)]
        told = f"{' and '.join(names)} go together: {segment.id}-{lacking:02} is missing"
    elif note.kind == "R" and not any(there):
        lacking = note.positions[0]
        told = f"one of {', '.join(names)} must be told"
    elif note.kind == "C" and first and not all(rest):
        lacking = note.positions[1 + rest.index(False)]
        told = f"where {names[0]} is told, {segment.id}-{lacking:02} must be"
    elif note.kind == "L" and first and not any(rest):
        lacking = note.positions[1]
        told = f"where {names[0]} is told, one of {', '.join(names[1:])} must be"
    elif note.kind == "E" and sum(there) > 1:
        extra = note.positions[1 + there[1:].index(True)]
        yield Fault(Code.EXCLUSION_VIOLATED, f"only one of {', '.join(names)} may be told ({note})", extra)
        return
    else:
        return
    element = segment.elements[lacking - 1] if segment.elements and lacking <= len(segment.elements) else None
    yield Fault(Code.BROKEN_SYNTAX_NOTE, f"{told} ({note})", lacking, element.number if element else "", str(note))
