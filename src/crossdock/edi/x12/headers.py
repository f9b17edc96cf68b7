"""What can be said of an envelope header by itself: dates that exist, numbers that are numbers, values the standard allows.

All of it is odd rather than wrong: a partner that reads the content goes on, so these are warnings.
"""

import re
from functools import lru_cache

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12.control import at_element, text
from crossdock.edi.x12.delimiters import Opening

FUNCTIONAL_IDS = {
    b"810": b"IN", b"832": b"SC", b"846": b"IB", b"850": b"PO", b"855": b"PR", b"856": b"SH", b"860": b"PC",
    b"865": b"CA", b"940": b"OW", b"943": b"AR", b"944": b"RE", b"945": b"SW", b"947": b"AW", b"997": b"FA",
}  # fmt: skip
"""Which functional group (GS01) goes with which transaction set, for those that this product has a meaning for."""

_STRICT = re.compile(
    rb"ISA([^\w\s])..\1.{10}\1..\1.{10}\1..\1.{15}\1..\1.{15}\1\d{6}\1\d{4}\1.\1\d{5}\1\d{9}\1.\1.\1..", re.DOTALL
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def strict_header(data: bytes, start: int, end: int) -> int:
    """Where between start and end a fixed-width ISA begins that no data could be taken for; -1 if nowhere."""
    match = _STRICT.search(data, start, end)
    return match.start() if match else -1


@lru_cache(maxsize=4096)
def real_date(value: bytes) -> bool:
    """Whether YYMMDD or CCYYMMDD is a day (29 February is taken in any year of two digits)."""
    if not value.isdigit() or len(value) not in (6, 8):
        return False
    year, month, day = value[:-4], int(value[-4:-2]), int(value[-2:])
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return False
    if len(year) == 4 and month == 2 and day == 29:
        number = int(year)
        return number % 4 == 0 and (number % 100 != 0 or number % 400 == 0)
    return True


@lru_cache(maxsize=4096)
def real_time(value: bytes) -> bool:
    """Whether HHMM, with seconds and hundredths where they are given, is a time of day."""
    return value.isdigit() and len(value) in (4, 6, 7, 8) and value[:2] < b"24" and value[2:4] < b"60" and (
        len(value) == 4 or value[4:6] < b"60"
    )  # fmt: skip


def check_interchange_header(opening: Opening, values: list[bytes], place: Place) -> list[Finding]:
    """Everything odd about an ISA, the problems met while reading its delimiters among it. values: the header's, `tidied`."""
    found = [
        find(each.code, each.message, at_element(place, each.element), found=each.found) for each in opening.problems
    ]
    found.extend(
        find(Code.BAD_HEADER_VALUE, f"ISA-{number:02} is empty", at_element(place, number))
        for number in (6, 8)
        if not values[number]
    )
    for number, good, expected in ((9, real_date, "YYMMDD"), (10, real_time, "HHMM")):
        if not good(values[number]):
            found.append(_odd(Code.BAD_HEADER_DATE, "ISA", number, values[number], expected, place))
    if not values[12].isdigit():
        found.append(_odd(Code.BAD_HEADER_VALUE, "ISA", 12, values[12], "a version such as 00401", place))
    if not values[13].isdigit():
        found.append(_odd(Code.BAD_CONTROL_NUMBER, "ISA", 13, values[13], "a number", place))
    if values[15] not in (b"P", b"T", b"I"):
        found.append(_odd(Code.BAD_HEADER_VALUE, "ISA", 15, values[15], "P, T or I", place))
    return found


def check_group_header(values: list[bytes], place: Place) -> list[Finding]:
    """Everything odd about a GS, given its elements with the name first."""
    if len(values) < 9:
        message = f"GS has {len(values) - 1} elements, 8 are mandatory"
        return [find(Code.BAD_HEADER_VALUE, message, place, expected=8, found=len(values) - 1)]
    found = []
    if not real_date(values[4].strip()):
        found.append(_odd(Code.BAD_HEADER_DATE, "GS", 4, values[4], "a date", place))
    if not real_time(values[5].strip()):
        found.append(_odd(Code.BAD_HEADER_DATE, "GS", 5, values[5], "a time", place))
    number = values[6].strip()
    if not number.isdigit() or len(number) > 9:
        found.append(_odd(Code.BAD_CONTROL_NUMBER, "GS", 6, number, "a number of up to nine digits", place))
    return found


def tidied(header: bytes, element: bytes) -> list[bytes]:
    """A header's values, its name first, without blanks around them and stray line breaks."""
    return [value.strip() for value in header.translate(None, b"\r\n").split(element)]


def _odd(code: Code, segment: str, number: int, value: bytes, expected: str, place: Place) -> Finding:
    told = text(value)
    message = f"{segment}-{number:02} is {told or 'empty'}, not {expected}"
    return find(code, message, at_element(place, number), expected=expected, found=told)
