"""The index of an X12 file in memory: envelopes, counts and control numbers checked, nothing of the content kept."""

from mmap import mmap

from crossdock.edi.x12.delimiters import ISA_LENGTH
from crossdock.edi.x12.envelope import Index
from crossdock.edi.x12.single import learn, single
from crossdock.edi.x12.walk import Walk
from crossdock.edi.x12.wrapped import rewrap, unwrap, wrapping


def index(data: bytes | bytearray | memoryview | mmap) -> Index:
    """Find every interchange, group and transaction set of `data` and check the envelopes. Never raises on what it reads.

    Anything but bytes is copied; `stream` reads a file of any size in portions instead.
    """
    whole = data if isinstance(data, bytes) else bytes(data)
    found = single(whole)
    if found is not None:
        return found
    found = _walked(whole)
    learn(whole, found)
    return found


def _walked(whole: bytes) -> Index:
    how = wrapping(whole)
    if how is not None:
        plain = _index(unwrap(whole, how))
        # An ISA that can be read by position once the breaks are gone: they were no terminators.
        if (
            plain.interchanges
            and plain.interchanges[0].start == 0
            and len(plain.interchanges[0].header) == ISA_LENGTH - 1
        ):
            return rewrap(plain, how, len(whole))
    return _index(whole)


def _index(whole: bytes) -> Index:
    walk = Walk()
    walk.feed(whole, 0, final=True)
    interchanges, findings, unreadable = walk.take()
    findings.sort(key=lambda finding: finding.place.offset)
    return Index(tuple(interchanges), tuple(findings), len(whole), tuple(unreadable))
