"""The separators of an interchange, taken from its ISA as the standard places them, or as real senders misplace them.

An ISA that is not fixed-width is read by counting its sixteen element separators; a missing ISA16 is recognised by what
follows. What was odd is told in `Opening.problems`; None means that no ISA can be read there at all.
"""

import re

import msgspec

from crossdock.edi.findings import Code

WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
ISA_LENGTH = 106
BLANKS = b"\r\n \t\x00\x1a"
NO_COMPONENT = b"\x1f"

_FIXED = re.compile(b"ISA" + b"".join(rb"(.)" + b".{%d}" % width for width in WIDTHS), re.DOTALL)
_LONGEST_HEADER = 400
_BLANK_RUN = re.compile(rb"[\r\n \t\x00\x1a]*")


class Delimiters(msgspec.Struct, frozen=True, gc=False):
    """The separators of one interchange, each one character (more than one byte where it is not ASCII).

    component is US (0x1F) where the sender named none that can be used. repetition is None before version 00402.
    line_break is what follows each terminator for people to read (CR, LF); it is no part of the syntax.
    wrapped: lines were broken at a fixed width, so that CR and LF may stand anywhere and mean nothing.
    """

    element: bytes
    component: bytes
    segment: bytes
    repetition: bytes | None = None
    line_break: bytes = b""
    wrapped: bool = False


class Problem(msgspec.Struct, frozen=True, gc=False):
    """Something odd about an ISA: element counts from 1, 0 for the whole segment."""

    code: Code
    message: str
    element: int = 0
    found: str = ""


class Opening(msgspec.Struct, frozen=True, gc=False):
    """A readable ISA. raw: its bytes up to its terminator, without; end: the offset behind the terminator.

    fixed: all sixteen elements have their width, so that they can be taken by position.
    """

    delimiters: Delimiters
    raw: bytes
    end: int
    fixed: bool
    problems: tuple[Problem, ...] = ()


def detect(data: bytes, at: int = 0) -> Opening | None:
    """Read the ISA that starts at offset `at`; None if nothing there can be taken for one."""
    if data[at : at + 3] != b"ISA" or len(data) < at + 20:
        return None
    element = character(data, at + 3)
    if _in_data(element):
        return None
    match = _FIXED.match(data, at)
    fixed = bool(
        match and len(element) == 1 and set(match.groups()) == {element} and data.count(element, at, at + 104) == 16
    )
    if fixed:
        last = at + 104
    else:
        pieces = data[at : at + _LONGEST_HEADER].split(element, 16)
        if len(pieces) < 17 or not _plausible(pieces):
            return None
        last = at + sum(map(len, pieces[:16])) + 16 * len(element)
    return _ending(data, at, last, element, fixed)


def character(data: bytes, at: int) -> bytes:
    """The character at offset `at`: one byte, or the bytes of one UTF-8 character where they form one."""
    first = data[at : at + 1]
    if first >= b"\xc2":
        for size in (2, 3, 4):
            try:
                data[at : at + size].decode("utf-8")
            except UnicodeDecodeError:
                continue
            return data[at : at + size]
    return first


def _ending(data: bytes, at: int, last: int, element: bytes, fixed: bool) -> Opening | None:
    """Work out component separator and terminator from what starts at ISA16, the offset `last`."""
    problems: list[Problem] = []
    component = character(data, last)
    if component in (b"", b"\r", b"\n"):
        terminator, end = component, last + len(component)
        component, raw_end = b"", last
    else:
        raw_end = last + len(component)
        terminator = character(data, raw_end)
        end = raw_end + len(terminator)
        if terminator in (b"\r", b"\n") and _ends_segments(data, end, component):
            terminator, component, end, raw_end = component, b"", raw_end, last
    if not terminator or terminator == element or _in_data(terminator, line_break=False):
        return None
    raw = data[at:raw_end]
    values = raw.split(element)
    widths = tuple(map(len, values[1:]))
    if not component:
        problems.append(Problem(Code.BAD_DELIMITER, "ISA-16 is empty: no component separator is named", 16))
    elif component in (element, terminator) or _in_data(component):
        told = component.decode("latin-1")
        problems.append(Problem(Code.BAD_DELIMITER, f"ISA-16 cannot be a component separator: {told!r}", 16, told))
        component = b""
    fixed = fixed and widths == WIDTHS
    if widths[:15] != WIDTHS[:15]:
        wrong = [number for number, (is_, must) in enumerate(zip(widths, WIDTHS, strict=False), 1) if is_ != must]
        told = ", ".join(f"ISA-{number:02}" for number in wrong)
        problems.append(Problem(Code.ISA_NOT_FIXED_WIDTH, f"ISA is not fixed-width: see {told}", wrong[0]))
    repetition = _repetition(values, component, terminator, element, problems)
    filler = _BLANK_RUN.match(data, end)
    line_break = filler.group() if filler else b""
    line_break = (
        line_break if line_break in (b"\r\n", b"\n", b"\r") else line_break[:1] if line_break in _DOUBLED else b""
    )
    return Opening(
        Delimiters(element, component or NO_COMPONENT, terminator, repetition, line_break),
        raw,
        end,
        fixed,
        tuple(problems),
    )


_DOUBLED = (b"\n\n", b"\r\r")


def _repetition(
    values: list[bytes], component: bytes, terminator: bytes, element: bytes, problems: list[Problem]
) -> bytes | None:
    version, named = values[12].strip(), values[11].strip()
    if not (version.isdigit() and int(version) >= 402) or len(named) != 1 or named.isalnum():
        return None
    if named in (component, terminator, element):
        told = named.decode("latin-1")
        problems.append(Problem(Code.BAD_DELIMITER, f"ISA-11 doubles another delimiter: {told!r}", 11, told))
        return None
    return named


def _in_data(separator: bytes, *, line_break: bool = True) -> bool:
    """Whether a character is of the kind that data is made of, so that it cannot separate."""
    return not separator or separator.isalnum() or separator in b" " or (line_break and separator in b"\r\n")


def _plausible(pieces: list[bytes]) -> bool:
    """Whether at least two of date, version and control number look like what they should be."""
    day, version, number = (pieces[position].strip() for position in (9, 12, 13))
    return (day.isdigit() and len(day) in (6, 8)) + (version.isdigit() and len(version) == 5) + (number.isdigit()) >= 2


def _ends_segments(data: bytes, at: int, candidate: bytes) -> bool:
    """Whether the line after ISA ends with `candidate`, which is then the terminator and ISA16 was left out."""
    start = at + len(data[at : at + 4]) - len(data[at : at + 4].lstrip(b"\r\n"))
    end = min((found for found in (data.find(b"\n", start), data.find(b"\r", start)) if found >= 0), default=len(data))
    return data[start:end].endswith(candidate) and data[start : start + 2] in (b"GS", b"TA", b"IE", b"IS")
