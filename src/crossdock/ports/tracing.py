"""The trace of a business key: its id follows from the key, so that spans of different processes, machines and days meet in one trace without a word between them.

W3C Trace Context (www.w3.org/TR/trace-context, level 2): a trace id of 16 bytes, a span id of 8, and whether it is sampled, as one header. Pure.
"""

import hashlib
import re
from collections.abc import Mapping

import msgspec

HEADER = "traceparent"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """A place in a trace. trace: 128 bits, span: 64 bits, neither 0."""

    trace: int
    span: int
    sampled: bool = True

    @property
    def header(self) -> str:
        """As `traceparent` says it."""
        return f"00-{self.trace:032x}-{self.span:016x}-{int(self.sampled):02x}"


def read_traceparent(header: str) -> TraceContext | None:
    """What a caller's `traceparent` says; None for one that breaks the form (section 3.2.2.3: it is then as if there were none)."""
    match = _FORM.fullmatch(header.strip())
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return TraceContext(int(trace, 16), int(span, 16), bool(int(flags, 16) & 1))


def kept_traceparent(headers: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a caller's headers (by lower-case name) with its message: its `traceparent`, where it has a proper one."""
    header = headers.get(HEADER, "").strip()
    return {HEADER: header} if header and read_traceparent(header) is not None else {}


def trace_of(key: str, seed: str = "") -> int:
    """The trace id of a business key. seed: tells installations apart that know the same keys and share a tracing backend."""
    return _digest(f"trace\0{seed}\0{key}", 16)


def root_span_of(key: str, seed: str = "") -> int:
    """The id of the span that all others of the key's trace hang from."""
    return _digest(f"span\0{seed}\0{key}", 8)


def _digest(text: str, size: int) -> int:
    # 0 is no id; nobody will ever see the 1.
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest()) or 1
