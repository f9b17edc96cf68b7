"""Reading a file of any size in portions, within bounded memory: each portion holds whole transaction sets and its bytes."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from crossdock.edi.findings import Finding
from crossdock.edi.x12.envelope import Interchange, Span
from crossdock.edi.x12.walk import Walk

WINDOW_BYTES = 8 << 20
LARGEST_TRANSACTION_BYTES = 32 << 20


class Readable(Protocol):
    """A binary file, or anything else that hands out bytes until there are none left."""

    def read(self, size: int, /) -> bytes: ...


class Portion(msgspec.Struct, frozen=True):
    """Part of a file. data starts at offset `base` of the file and holds every transaction set named here whole.

    An interchange or group that goes on in the next portion comes again there, with the transaction sets of that portion;
    `complete` is True in the last of them. findings are those that came up in this portion.
    """

    data: bytes
    base: int
    interchanges: tuple[Interchange, ...]
    findings: tuple[Finding, ...]
    unreadable: tuple[Span, ...]


def stream(
    file: Readable, *, window_bytes: int = WINDOW_BYTES, largest_bytes: int = LARGEST_TRANSACTION_BYTES
) -> Iterator[Portion]:
    """Read `file` in portions of about `window_bytes`. All checks of `index` are made, across portions as well.

    A transaction set above `largest_bytes` is counted and checked, but not handed on: a finding says so.
    """
    walk = Walk(largest_bytes)
    kept, base = b"", 0
    final = False
    while not final:
        # As much again as is kept: a transaction set that spans many windows is not scanned over and over.
        read = file.read(max(window_bytes, len(kept)))
        final = not read
        data = kept + read if kept else read
        done = walk.feed(data, base, final)
        interchanges, findings, unreadable = walk.take()
        if interchanges or findings or unreadable:
            yield Portion(data, base, tuple(interchanges), tuple(findings), tuple(unreadable))
        kept = data[done:]
        base += done
