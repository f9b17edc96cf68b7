"""Splitting one transaction set into segments and elements, as close to the speed of `split` as the syntax allows.

Text is UTF-8 where it is valid UTF-8 and Latin-1 otherwise, so that no byte is refused and each can be written back.
Elements are whole: components and repetitions are left to who knows that an element has them. Empty segments and line
breaks are left out. Entry n of the list is segment position n + 1; `offsets` says where each lies in the file.
"""

from functools import lru_cache

from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Transaction

BINARY = {b"BIN": 1, b"BDS": 2}
"""Binary segments by the number of the element that states the length of their data, which is the next element."""

_BLANKS = " \t\r\n"
_BLANK_BYTES = b" \t\r\n"


def segments(data: bytes, transaction: Transaction, delimiters: Delimiters, base: int = 0) -> list[list[str]]:
    """The segments of `transaction`, ST and SE among them, each a list with its name first.

    data: the file, or a portion of it that starts at offset `base` of the file.
    """
    raw = data[transaction.start - base : transaction.end - base]
    element = delimiters.element
    # Bytes are cut before they are decoded where a stated length counts bytes, or where a separator is not ASCII.
    if transaction.binary or delimiters.segment >= b"\x80" or element >= b"\x80":
        return [_elements(raw[start:end], element) for start, end in spans(raw, delimiters, binary=transaction.binary)]
    return split(decode(raw), delimiters)


def decode(raw: bytes) -> str:
    """Text of a file's bytes: UTF-8 if it is that, else Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def split(text: str, delimiters: Delimiters) -> list[list[str]]:
    """Split the text of whole segments, none of them binary."""
    terminator, element, line_break = _separators(delimiters.segment, delimiters.element, delimiters.line_break)
    if delimiters.wrapped:
        text = text.replace("\r", "").replace("\n", "")
        line_break = ""
    elif terminator == "\n" and "\r" in text:
        text = text.replace("\r\n", "\n")
    return [piece.split(element) for piece in _pieces(text, terminator, line_break)]


def _pieces(text: str, terminator: str, line_break: str) -> list[str]:
    """Split text at its terminators; blanks after them and empty segments are left out."""
    found = text.split(terminator + line_break)
    ended = True
    if not found[-1]:
        found.pop()
    elif line_break and found[-1].endswith(terminator):
        found[-1] = found[-1][: -len(terminator)]
    else:
        ended = False
    regular = not line_break or text.count(terminator) == len(found) - (not ended)
    if found and regular and min(found) > "!":
        return found
    return [piece for each in text.split(terminator) if (piece := each.lstrip(_BLANKS))]


@lru_cache(maxsize=64)
def _separators(segment: bytes, element: bytes, line_break: bytes) -> tuple[str, str, str]:
    return decode(segment), decode(element), line_break.decode("latin-1")


def spans(raw: bytes, delimiters: Delimiters, *, binary: bool = False) -> list[tuple[int, int]]:
    """Where each segment of `raw` starts and ends (its terminator left out), empty ones skipped."""
    found = []
    terminator = delimiters.segment
    at, length = 0, len(raw)
    while at < length:
        if raw[at] in _BLANK_BYTES and not raw.startswith(terminator, at):
            at += 1
            continue
        end = binary_end(raw, at, delimiters) if binary and raw[at : at + 3] in BINARY else -1
        if end < 0:
            end = raw.find(terminator, at)
        if end < 0:
            end = length
        if end > at:
            found.append((at, end))
        at = end + len(terminator)
    return found


def offsets(data: bytes, transaction: Transaction, delimiters: Delimiters, base: int = 0) -> list[tuple[int, int]]:
    """Start and end in the file of each segment that `segments` returns, its terminator left out."""
    raw = data[transaction.start - base : transaction.end - base]
    start = transaction.start
    return [(start + at, start + end) for at, end in spans(raw, delimiters, binary=transaction.binary)]


def binary_end(raw: bytes, at: int, delimiters: Delimiters) -> int:
    """Where the binary segment at `at` ends by its stated length: its terminator's offset; -1 if that is wrong."""
    element = delimiters.element
    place = BINARY[raw[at : at + 3]]
    values = raw[at : at + 60].split(element, place + 1)
    if len(values) < place + 2 or not values[place].isdigit():
        return -1
    end = at + sum(map(len, values[: place + 1])) + (place + 1) * len(element) + int(values[place])
    return end if raw.startswith(delimiters.segment, end) else -1


def _elements(raw: bytes, element: bytes) -> list[str]:
    place = BINARY.get(raw[:3], -2)
    return [decode(value) for value in raw.split(element, place + 1)]
