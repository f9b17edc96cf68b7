"""What comparing stock needs of the store: snapshots kept, one claimed for comparing, what stands around its differences, and a place to write the outcome."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from crossdock.facts import Fact
from crossdock.ledger.movement import Movement
from crossdock.ledger.snapshot import Snapshot
from crossdock.reconcile.evidence import Evidence, Seen, Terms, Unequal, Where
from crossdock.reconcile.stock import Difference


class KeptSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot as it is kept, without its lines. sites, places, owners: what it speaks of; lots: whether it tells any."""

    id: int
    system: str
    source_id: str
    as_of: datetime
    whole: bool
    sites: tuple[str, ...]
    places: tuple[str, ...]
    owners: tuple[str, ...]
    lots: bool
    lines: int
    message: int | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison came to. differing: positions that differ, `timing` of them in flight or awaited; found, gone: variances told as new or changed, and as gone.
    amount: money of all drift, unsigned. note: why nothing was compared, where nothing was."""

    run: int
    snapshot: int
    system: str
    as_of: datetime
    differing: int = 0
    timing: int = 0
    found: int = 0
    gone: int = 0
    amount: Decimal | None = None
    note: str = ""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What the workspace knows of items: money for one stock unit, and stock units in one of each pack."""

    values: Mapping[str, Decimal] = {}
    factors: Mapping[str, Sequence[Decimal]] = {}


class Comparing(Protocol):
    """One snapshot, claimed to the end of the transaction."""

    @property
    def snapshot(self) -> KeptSnapshot: ...

    @property
    def run(self) -> int: ...

    async def overtaken(self) -> bool:
        """Whether a later snapshot of these sites was compared already."""
        ...

    async def unequal(self) -> Sequence[Unequal]: ...

    async def standing(self) -> Mapping[Where, tuple[str, Seen]]:
        """The positions of its sites that differed when they were compared last: status (open, timing) and how."""
        ...

    async def evidence(
        self, rows: Sequence[Unequal], seen: Mapping[Where, Seen], catalogue: Catalogue, terms: Terms
    ) -> Evidence: ...

    async def finish(
        self,
        differences: Sequence[Difference],
        gone: Sequence[Where],
        facts: Sequence[Fact],
        outcome: Run,
        again_at: datetime | None,
        now: datetime,
    ) -> None: ...


class Repairing(Protocol):
    """A variance that is about to be repaired, with nothing else comparing its system meanwhile. now_differs: the difference at its snapshot's moment as the books are now."""

    @property
    def key(self) -> str: ...
    @property
    def where(self) -> Where: ...
    @property
    def system(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def amount(self) -> Decimal | None: ...
    @property
    def in_flight(self) -> Decimal: ...
    @property
    def now_differs(self) -> Decimal: ...
    @property
    def counted_since(self) -> bool: ...
    @property
    def as_of(self) -> datetime: ...
    @property
    def run(self) -> int: ...
    @property
    def entity(self) -> str: ...

    async def adjust(self, movement: Movement, facts: Sequence[Fact], now: datetime) -> str:
        """Moves and tells, or says why it was refused ("": done)."""
        ...


class ReconcileBooks(Protocol):
    async def keep(self, snapshot: Snapshot, due_at: datetime, now: datetime) -> int | None:
        """Stores it; its number, None where it is known already."""
        ...

    def comparing(
        self, now: datetime, system: str | None = None, as_of: datetime | None = None, snapshot: int | None = None
    ) -> AbstractAsyncContextManager[Comparing | None]:
        """The oldest snapshot that is due; of a system: its latest (at or before `as_of`), or that very one."""
        ...

    def repairing(self, key: str) -> AbstractAsyncContextManager[Repairing | None]: ...


Items = Callable[[Sequence[str]], Catalogue]
"""What the workspace knows of these items."""
