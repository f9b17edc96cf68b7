"""The envelope of a fact, and the lane that its key hashes to."""

from datetime import datetime
from typing import Any
from zlib import crc32

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that has happened.

    key: the business process it is about (an order's number, an interchange's key).
    data: one of the structs of `facts.order`, `facts.interchange`, ... (its tag is the fact's type).
    source, source_id: who says so, and under which id of its own; together the idempotency key.
    occurred_at: when it happened there; recorded_at: when we wrote it down.
    message: the raw message it was read from, or the one whose sending it tells of.
    lane, position: its place in the log; 0 before it is recorded.
    """

    key: str
    data: Any
    source: str
    source_id: str
    occurred_at: datetime
    recorded_at: datetime | None = None
    message: int | None = None
    lane: int = -1
    position: int = 0

    @property
    def id(self) -> str:
        """The id that evidence and lineage quote: source and source's id."""
        return f"{self.source}:{self.source_id}"


def lane_of(key: str, lanes: int) -> int:
    """The lane, 0 to lanes - 1, in which all facts of `key` stand in order. Stable across machines and releases."""
    return crc32(key.encode()) % lanes
