"""What the flow needs of the store: an inbox of messages, a log of facts in lanes, the folds of it, an outbox of deliveries, versions.

Each `async with` is one transaction: it commits when the block ends, and nothing of it stands when the block raises.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.facts import Fact
from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Movement
from crossdock.ports.inbound import Arrival
from crossdock.ports.outbound import Delivery, Transmission
from crossdock.ports.translation import Control, ControlNumbers, Identity, Message, Pending, Reading
from crossdock.process.obligation import Effect, Name, Obligation, Trouble


class Marked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a message: `held` names the cause ("" when it was read), `findings` is their JSON, `note` is for people."""

    message: int
    held: str = ""
    findings: bytes | None = None
    note: str = ""


class Met(msgspec.Struct, frozen=True, gc=False):
    """An identity that an earlier message carried: a duplicate, and of which kind."""

    kind: str
    value: str
    message: int
    earlier: int


class Sheaf(Protocol):
    """Messages claimed for reading. `keep` writes facts in a transaction of its own (for messages too big for one); `finish` writes the rest together with the marks."""

    @property
    def messages(self) -> Sequence[Message]: ...

    async def earlier_bytes(self) -> Mapping[int, int]:
        """For each message whose very bytes came before on its channel, the first that brought them."""
        ...

    async def held_before(self) -> Mapping[int, Sequence[str]]:
        """The keys under which these messages were held when they were read before."""
        ...

    async def find(self, controls: Sequence[Control]) -> Sequence[Sequence[tuple[str, str, str]]]:
        """For each control the (key, obligation, transaction) that it names."""
        ...

    async def meet(self, identities: Sequence[tuple[int, Identity]]) -> Sequence[Met]: ...

    async def keep(self, facts: Sequence[Fact], names: Sequence[tuple[str, str, str]], now: datetime) -> int: ...

    async def keep_stock(self, readings: Sequence[Reading], now: datetime, *, apart: bool = False) -> None:
        """Writes what the readings tell of stock, together with the marks; `apart`: in a transaction of its own. Before `finish`: the rows of stock are locked before lanes."""
        ...

    async def finish(
        self,
        facts: Sequence[Fact],
        names: Sequence[tuple[str, str, str]],
        unmatched: Sequence[tuple[int, Pending]],
        marks: Sequence[Marked],
        now: datetime,
    ) -> int: ...


class Inbox(Protocol):
    async def keep(self, arrivals: Sequence[Arrival], now: datetime) -> int:
        """Stores them; returns how many were new. Durable when it returns."""
        ...

    def reading(self, limit: int) -> AbstractAsyncContextManager[Sheaf]: ...

    def unmatched(self, limit: int) -> AbstractAsyncContextManager["Unmatched"]: ...


class Unmatched(Protocol):
    """Acknowledgements whose document was not known when they were read."""

    @property
    def pending(self) -> Sequence[tuple[int, Pending]]: ...

    async def find(self, controls: Sequence[Control]) -> Sequence[Sequence[tuple[str, str, str]]]: ...

    async def settle(self, facts: Sequence[Fact], found: Sequence[tuple[int, str]], now: datetime) -> int: ...


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A process as the store has it. `known` is the fold's own note of what it has written of the process so far; `defect` is the error for which it was
    set aside, "" when it was not."""

    lane: int
    key: str
    state: bytes
    known: bytes
    positions: Sequence[int]
    created_at: datetime
    defect: str = ""


class Folded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a fold writes of one process: how it stands, and the difference to what is known of it. redo: those of `revive` that had been met, and are to be
    done once more (a declined credit, a rejected document); of any other, what was accepted stays accepted, though the fact of it may not be folded yet.
    defect: why it could not be folded and is set aside; then only its positions, this and what is `opened` are written."""

    lane: int
    key: str
    process: str
    state: bytes
    known: bytes
    positions: Sequence[int]
    milestone: str
    summary: bytes
    created_at: datetime
    wake_at: datetime | None = None
    obligations: Sequence[Obligation] = ()
    dropped: Sequence[str] = ()
    opened: Sequence[Trouble] = ()
    closed: Sequence[str] = ()
    names: Sequence[Name] = ()
    queue: Sequence[Effect] = ()
    revive: Sequence[Effect] = ()
    redo: Sequence[str] = ()
    cancel: Sequence[str] = ()
    defect: str = ""
    demands: Sequence[Demand] = ()
    movements: Sequence[Movement] = ()


class Lanes(Protocol):
    """Claimed lanes: their next facts and the processes they touch."""

    @property
    def facts(self) -> Sequence[Fact]: ...

    @property
    def processes(self) -> Mapping[str, Stored]: ...

    async def save(self, folded: Sequence[Folded], now: datetime) -> None: ...


class Log(Protocol):
    async def record(self, facts: Sequence[Fact], now: datetime) -> int:
        """Appends what is new, in one transaction; returns how many were."""
        ...

    def claim(self, lanes: int, per_lane: int) -> AbstractAsyncContextManager[Lanes]: ...

    def claim_waking(self, limit: int, now: datetime) -> AbstractAsyncContextManager[Lanes]: ...

    def claim_set_aside(self, lane: int, limit: int, after: str) -> AbstractAsyncContextManager[Lanes]:
        """Processes of a lane that are set aside, in the order of their keys from behind `after` on, with all their facts."""
        ...


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A delivery with its place. `message` and `control` are set when it has been sent before and nobody knows what became of it;
    `withdrawn` then says that it is no longer owed, and is not to be sent again, `retried` that it was a dead letter and a person wants it done."""

    lane: int
    delivery: Delivery
    message: int | None = None
    control: str = ""
    withdrawn: bool = False
    retried: bool = False


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt at one delivery, kept for good. kind: send or look-up; answer: JSON of the `Heard`, None where nothing was answered or it is not kept."""

    lane: int
    delivery: str
    attempt: int
    kind: str
    message: int | None
    started_at: datetime
    ended_at: datetime
    outcome: str
    status: str
    detail: str
    answer: bytes | None = None


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What a delivery is now: accepted, refused, dead, queued (due again at `due_at`) or unknown (to be looked up at `due_at`).
    attempt, round: of the delivery as it was claimed, so that whoever was overtaken undoes nothing. uncertain: nobody knows whether it was done."""

    lane: int
    id: str
    key: str
    system: str
    status: str
    outcome: str
    due_at: datetime | None = None
    attempt: int = 0
    round: int = 0
    uncertain: bool = False


class Loading(Protocol):
    """Deliveries claimed for sending, in a transaction that also writes down what will go over the wire."""

    @property
    def claimed(self) -> Sequence[Claimed]: ...

    async def numbers(self, needs: Mapping[tuple[str, str], int]) -> ControlNumbers: ...

    async def load(
        self,
        channel: str,
        transmissions: Sequence[Transmission],
        unwritable: Sequence[Settled],
        facts: Sequence[Fact],
        now: datetime,
    ) -> Mapping[str, int]:
        """Writes them down; returns message ids by transmission name. What was written under a name before stays: other bytes are another message."""
        ...


class Outbox(Protocol):
    def loading(
        self, system: str, limit: int, ordered: bool, now: datetime, lease_until: datetime
    ) -> AbstractAsyncContextManager[Loading]: ...

    async def uncertain(
        self, system: str, limit: int, now: datetime, lease_until: datetime
    ) -> Sequence[tuple[Transmission, int, Sequence[Claimed]]]:
        """Deliveries whose outcome nobody knows, by the transmission (and its message id) they went in."""
        ...

    async def settle(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], now: datetime
    ) -> None:
        """Writes each delivery's standing, the attempt at it (one each, in the same order) and what is told of it. Of one that was overtaken by a newer attempt
        only an acceptance counts, and no refusal is told."""
        ...

    async def give_back(self, claimed: Sequence[Claimed], messages: Sequence[int], now: datetime) -> None:
        """Gives back what was claimed and not begun; `messages` had been written down for it and never went."""
        ...

    async def health(self, system: str, breaker: str, detail: Mapping[str, Any], now: datetime) -> None: ...
