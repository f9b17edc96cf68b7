"""What publishing needs of the store: the channels, what each was told, what has changed since, and when the systems that tell stock were heard.

`holding` and `listening` are one transaction each, and what they hold nobody else has: a channel is told one thing at a time.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from crossdock.facts import Fact
from crossdock.facts.feed import OfferedLine

Pair = tuple[str, str]
"""(item, site)."""


class Figure(msgspec.Struct, frozen=True, gc=False):
    """What an item at a site can be offered from: what is available, receipts still expected as (day, quantity), and what waits for them; and what the channel was
    told last (None: nothing yet)."""

    item: str
    site: str
    available: Decimal
    receipts: tuple[tuple[date, Decimal], ...] = ()
    lacking: Decimal = Decimal(0)
    told: Decimal | None = None
    told_next_on: date | None = None
    told_next_quantity: Decimal = Decimal(0)


class ChannelRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a channel stands. open: keys of the offers made last. slot, terms: of the last full offer."""

    sequence: int = 0
    open: tuple[str, ...] = ()
    offered_at: datetime | None = None
    full_at: datetime | None = None
    slot: datetime | None = None
    terms: str = ""


class Held(Protocol):
    """A channel that this publisher holds."""

    @property
    def row(self) -> ChannelRow: ...

    async def standing(self) -> Mapping[str, tuple[str, str]]:
        """By key of the open offers: the status of the obligation and of the delivery, "" where there is none yet."""
        ...

    async def in_trouble(self) -> Mapping[str, str]:
        """The channel's offers that stand in trouble, to the cause."""
        ...

    async def waiting_since(self) -> datetime | None: ...

    async def take(self, limit: int | None) -> Sequence[Pair]:
        """Marks taken off the list, at most `limit` (None: all), each pair once."""
        ...

    async def everything(self, sites: Sequence[str], items: Sequence[str] | None) -> Sequence[Pair]: ...

    async def figures(self, pairs: Sequence[Pair]) -> Sequence[Figure]: ...

    async def heard(self, systems: Sequence[str]) -> Mapping[str, datetime | None]: ...

    async def tell(self, lines: Sequence[OfferedLine], sequence: int, facts: Sequence[Fact], now: datetime) -> None: ...

    async def finish(
        self, sequence: int, open: Sequence[str], now: datetime, full: tuple[int, datetime | None, str] | None
    ) -> None:
        """`full`: (first sequence, slot, terms) of a full offer; what it did not tell is forgotten."""
        ...


class Listening(Protocol):
    """The sources that this worker holds: (last heard as its facts say, whether silent, terms) by system, and what each channel does about each."""

    @property
    def sources(self) -> Mapping[str, tuple[datetime | None, bool, str]]: ...

    @property
    def states(self) -> Mapping[tuple[str, str], str]: ...

    async def heard(self, systems: Sequence[str]) -> Mapping[str, datetime | None]: ...

    async def save(
        self, system: str, heard_at: datetime | None, silent: bool, terms: str, facts: Sequence[Fact], now: datetime
    ) -> None: ...

    async def change(self, channel: str, system: str, state: str, sites: Sequence[str], now: datetime) -> None:
        """From now on the channel does this about the source; all that these sites have is marked for it."""
        ...


class Feeds(Protocol):
    async def spread(self, sites: Mapping[str, Sequence[str]], limit: int, now: datetime) -> int:
        """Hands what has changed to the channels that sell from the site (`sites`: channels by site); returns how many pairs were taken."""
        ...

    def holding(self, channel: str) -> AbstractAsyncContextManager[Held | None]: ...

    def listening(self, systems: Sequence[str]) -> AbstractAsyncContextManager[Listening]: ...
