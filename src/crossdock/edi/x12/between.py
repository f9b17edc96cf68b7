"""What lies between interchanges: filler, a byte order mark, or bytes that belong to nothing and are said to."""

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12.control import text
from crossdock.edi.x12.delimiters import BLANKS
from crossdock.edi.x12.envelope import Span, SpanKind

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def between(data: bytes, start: int, end: int, base: int) -> tuple[list[Finding], Span | None]:
    """Look at data[start:end], which is no part of an interchange. base: the offset of `data` in the file."""
    findings: list[Finding] = []
    rest = data[start:end].lstrip(BLANKS)
    while rest.startswith(BYTE_ORDER_MARK):
        place = Place(offset=base + end - len(rest), length=3)
        findings.append(find(Code.BYTE_ORDER_MARK, "A byte order mark was skipped", place))
        rest = rest[3:].lstrip(BLANKS)
    start = base + end - len(rest)
    rest = rest.rstrip(BLANKS)
    if not rest:
        return findings, None
    place = Place(offset=start, length=len(rest))
    told = text(rest[:40])
    if rest.startswith(b"ISA"):
        message = f"ISA cannot be read: too few elements, or no usable delimiters: {told}"
        findings.append(find(Code.BAD_HEADER, message, place, found=told))
    else:
        message = f"{len(rest)} bytes at {start} belong to no interchange: {told}"
        findings.append(find(Code.UNREADABLE_BYTES, message, place, found=told))
    return findings, Span(SpanKind.UNREADABLE, start, start + len(rest))


def nothing(length: int, unreadable: bool) -> Finding:
    """What to say of a whole file without a readable interchange."""
    place = Place(length=length)
    if unreadable:
        return find(Code.NOT_X12, "No interchange header (ISA) can be read in this file", place)
    return find(Code.EMPTY_FILE, "The file holds nothing but blanks", place)
