"""The index of an X12 file in memory: envelopes, counts and control numbers checked, nothing of the content kept."""

from mmap import mmap

from crossdock.edi.x12.envelope import Index
from crossdock.edi.x12.walk import Walk


def index(data: bytes | bytearray | memoryview | mmap) -> Index:
    """Find every interchange, group and transaction set of `data` and check the envelopes. Never raises on what it reads.

    Anything but bytes is copied; `stream` reads a file of any size in portions instead.
    """
    whole = data if isinstance(data, bytes) else bytes(data)
    walk = Walk()
    walk.feed(whole, 0, final=True)
    interchanges, findings, unreadable = walk.take()
    findings.sort(key=lambda finding: finding.place.offset)
    return Index(tuple(interchanges), tuple(findings), len(whole), tuple(unreadable))
