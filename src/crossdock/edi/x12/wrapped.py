"""Files whose lines a transfer broke at a fixed width, without regard to segments (record-oriented hosts still do it).

The breaks are left out for reading, and every offset is told in the file as it came. Only whole files in memory are
seen to be wrapped; a stream reads such a file with findings instead.
"""

import msgspec

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12.envelope import Group, Index, Interchange, Span, Transaction

NARROWEST, WIDEST = 40, 100
"""Line widths in bytes. An ISA of 106 bytes does not fit, so that a line break within it gives the wrapping away."""


class Wrapping(msgspec.Struct, frozen=True, gc=False):
    """How a file is wrapped: bytes to a line, and what ends each line."""

    width: int
    line_break: bytes

    def outer(self, offset: int) -> int:
        """The offset in the file of the byte at `offset` of the unwrapped data."""
        return offset + offset // self.width * len(self.line_break)

    def outer_end(self, offset: int) -> int:
        """The offset in the file behind the byte that ends at `offset` of the unwrapped data."""
        return self.outer(offset - 1) + 1 if offset else 0


def wrapping(data: bytes) -> Wrapping | None:
    """How `data` is wrapped; None unless it starts with ISA and every line but the last has the same width."""
    width = data.find(b"\n", 0, WIDEST + 2)
    if width < 0 or data[:3] != b"ISA":
        return None
    line_break = b"\r\n" if data[width - 1 : width] == b"\r" else b"\n"
    width -= len(line_break) - 1
    step = width + len(line_break)
    body = data.rstrip(b"\r\n")
    if not NARROWEST <= width <= WIDEST or len(body) < 2 * step or body.count(b"\n") != (len(body) - 1) // step:
        return None
    if any(not body.startswith(line_break, at) for at in range(width, len(body), step)):
        return None
    return Wrapping(width, line_break)


def unwrap(data: bytes, how: Wrapping) -> bytes:
    """`data` without its line breaks."""
    return data.replace(how.line_break, b"")


def rewrap(found: Index, how: Wrapping, length: int) -> Index:
    """The index of the unwrapped data, with every offset as in the file, which has `length` bytes."""
    note = find(Code.WRAPPED_LINES, f"Lines are broken every {how.width} bytes", Place(length=how.width))
    return Index(
        tuple(_interchange(each, how) for each in found.interchanges),
        (note, *(_finding(each, how, length) for each in found.findings)),
        length,
        tuple(Span(each.kind, how.outer(each.start), how.outer_end(each.end)) for each in found.unreadable),
    )


def _interchange(each: Interchange, how: Wrapping) -> Interchange:
    return msgspec.structs.replace(
        each,
        delimiters=msgspec.structs.replace(each.delimiters, wrapped=True, line_break=b""),
        groups=tuple(_group(group, how) for group in each.groups),
        start=how.outer(each.start),
        end=how.outer_end(each.end),
    )


def _group(each: Group, how: Wrapping) -> Group:
    return msgspec.structs.replace(
        each,
        transactions=tuple(_transaction(transaction, how) for transaction in each.transactions),
        start=how.outer(each.start),
        end=how.outer_end(each.end),
    )


def _transaction(each: Transaction, how: Wrapping) -> Transaction:
    return msgspec.structs.replace(each, start=how.outer(each.start), end=how.outer_end(each.end))


def _finding(each: Finding, how: Wrapping, length: int) -> Finding:
    # What is missing at the end is missing behind the last byte, where no line break need be.
    offset = min(how.outer(each.place.offset), length)
    return msgspec.structs.replace(each, place=msgspec.structs.replace(each.place, offset=offset))
