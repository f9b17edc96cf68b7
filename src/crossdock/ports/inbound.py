"""How messages come to us. At least once: a source shows the same message again until it is told that it has been kept."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bytes as they came, before anybody looked into them.

    source_id: the transport's own idempotency key (a file's name with size and time, a webhook's id). attributes: what the transport knows: file name, headers without secrets.
    """

    channel: str
    source_id: str
    data: bytes
    name: str = ""
    content_type: str = ""
    received_at: datetime | None = None
    attributes: dict[str, str] = {}


class Source(Protocol):
    """A channel's receiving end."""

    @property
    def channel(self) -> str: ...

    def arrivals(self) -> AsyncIterator[Sequence[Arrival]]:
        """Batches, as they come, for ever; ends when the source is closed. Nothing is taken away yet."""
        ...

    async def keep(self, batch: Sequence[Arrival]) -> None:
        """The batch is on disk with us: archive, delete or acknowledge it at its origin. Safe to repeat."""
        ...

    async def close(self) -> None: ...
