"""The books of stock, as those who keep and read them see them: what moved, what is there, what is promised of it, and what stands behind each figure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from crossdock.ledger.demand import Demand, ExpectedReceipt, Promise, Reservation
from crossdock.ledger.movement import Movement, Position

NOTHING = Decimal(0)

Pair = tuple[str, str]
"""(item, site)."""

AllowNegative = Callable[[Movement], bool]
"""Whether this movement may leave less than nothing in a place of ours: policy, by source and site."""


def never(_: Movement) -> bool:
    """The usual policy: nothing of ours is ever less than nothing."""
    return False


class Conflict(msgspec.Struct, frozen=True, gc=False):
    """A movement that was refused and is kept. cause: negative (it would have taken more than there is; tried again when something comes in)."""

    source: str
    source_id: str
    cause: str
    detail: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. new: recorded (corrections of counts not counted); doubled: known already, ignored; late: a number below the highest of its stream;
    gaps: numbers found missing; retried: movements refused before, recorded now; corrections: written to keep a count true."""

    new: int = 0
    doubled: int = 0
    late: int = 0
    gaps: int = 0
    retried: int = 0
    corrections: int = 0
    conflicts: tuple[Conflict, ...] = ()


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Numbers `first` to `last` of a stream that have not come; missing since `missing_at`."""

    source: str
    stream: str
    first: int
    last: int
    missing_at: datetime


class Stock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Own stock of an item at a site, by place, over all lots and entities; and what of it is reserved."""

    item: str
    site: str
    receiving: Decimal = NOTHING
    storage: Decimal = NOTHING
    allocated: Decimal = NOTHING
    staging: Decimal = NOTHING
    transit: Decimal = NOTHING
    quarantine: Decimal = NOTHING
    damaged: Decimal = NOTHING
    reserved: Decimal = NOTHING

    @property
    def on_hand(self) -> Decimal:
        """What a count at the site would find."""
        return self.receiving + self.storage + self.allocated + self.staging + self.quarantine + self.damaged

    @property
    def available(self) -> Decimal:
        """What may still be promised. What the warehouse has allocated or picked is taken to be for what we reserved."""
        taken = self.allocated + self.staging
        return self.storage + taken - max(self.reserved, taken)


class Wanting(msgspec.Struct, frozen=True, gc=False):
    """A demand and what is reserved for it. promised_on: when the rest is expected, where anybody knows."""

    demand: Demand
    reserved: Decimal
    promised_on: date | None = None


class Supply(msgspec.Struct, frozen=True):
    """All that a promise goes by. `stock` has every pair asked for; `receipts` are open ones at these pairs; `demands` those on these items that lack something."""

    stock: Mapping[Pair, Stock]
    receipts: Sequence[ExpectedReceipt]
    demands: Sequence[Wanting]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind the figures of an item at a site as of a moment: its positions, the movements up to then (the latest first, a page of them: `cursor` asks for
    the next, None: that was all), the reservations and open receipts as they are now."""

    positions: Mapping[Position, Decimal]
    movements: Sequence[Movement]
    reservations: Sequence[Reservation]
    receipts: Sequence[ExpectedReceipt]
    cursor: tuple[datetime, str, str] | None = None


class Unequal(msgspec.Struct, frozen=True, gc=False):
    """A figure that its movements or reservations say otherwise. what: balance, stock, reserved or demand."""

    what: str
    item: str
    site: str
    name: str
    folded: Decimal
    stands: Decimal


class Books(Protocol):
    """The books of stock. Each call is one transaction. Raises ValueError for a movement that no ledger can take (a quantity that is no number, or below nothing)."""

    async def record(
        self, movements: Sequence[Movement], now: datetime, allow_negative: AllowNegative = never
    ) -> Moved: ...

    async def reserve(self, demands: Sequence[Demand], now: datetime) -> list[Promise]: ...

    async def supply(self, pairs: Sequence[Pair]) -> Supply: ...

    async def positions(
        self, pairs: Sequence[Pair] | None = None, as_of: datetime | None = None
    ) -> Mapping[Position, Decimal]: ...

    async def explain(
        self,
        item: str,
        site: str,
        as_of: datetime | None = None,
        limit: int = 100,
        cursor: tuple[datetime, str, str] | None = None,
    ) -> Explained: ...

    async def gaps(self, now: datetime, older_than_seconds: float = 0.0) -> list[Gap]: ...

    async def rebuild(self) -> list[Unequal]: ...


class Plans(Protocol):
    """Promises that change without their orders being told anything. Each call is one transaction, and says how many orders were told."""

    async def replan(self, limit: int, now: datetime) -> int: ...

    async def expire(self, now: datetime) -> int: ...


Connection = Any
"""A driver's connection within a transaction."""
