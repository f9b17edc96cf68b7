"""What announcing and webhooks need of the store and of the network. Each `async with` is one transaction."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from crossdock.events import Event, Kept
from crossdock.facts import Fact


class Stands(msgspec.Struct, frozen=True, gc=False):
    """How a process stands, as the fold has written it. last: the position of the last fact in that. before: that of
    the last fact before those that are looked at, 0: none. aside: it could not be folded. told: what was announced of it."""

    lane: int
    key: str
    milestone: str
    summary: str
    last: int
    before: int
    partner: str
    aside: bool
    told: bytes | None


class Interval(msgspec.Struct, frozen=True, gc=False):
    """An exception that opened, or has closed as well, since it was told of. opening: that it opened is still to be told."""

    lane: int
    id: str
    key: str
    category: str
    cause: str
    detail: str
    action: str
    amount: Decimal | None
    opened_at: datetime
    closed_at: datetime | None
    opening: bool


class Available(msgspec.Struct, frozen=True, gc=False):
    """What of an item at a site is available, and what was told before (None: nothing); `times` it will have been told."""

    item: str
    site: str
    available: Decimal
    previous: Decimal | None
    times: int


class GivenUp(msgspec.Struct, frozen=True, gc=False):
    """A webhook that was disabled and nobody was told of."""

    id: str
    url: str
    reason: str
    partner: str
    at: datetime


class Announcing(Protocol):
    """The announcer's lock, held."""

    async def facts(self, per_lane: int) -> Sequence[Fact]:
        """The next facts that the fold has passed."""
        ...

    def swept(self, fact: Fact) -> bool:
        """Whether what `fact`, one of the last `facts`, tells was announced before and has been swept since: it is not told again."""
        ...

    async def standings(self, keys: Mapping[str, tuple[int, int]]) -> Mapping[str, Stands]:
        """How these processes stand: by key the lane, and the position of the first fact that is looked at."""
        ...

    async def histories(self, upto: Mapping[str, tuple[int, int]]) -> Mapping[str, Sequence[Fact]]:
        """All facts of processes, by key, up to a position: (lane, position) by key."""
        ...

    async def exceptions(self, limit: int) -> Sequence[Interval]: ...

    async def stock(self, limit: int) -> Sequence[Available]: ...

    async def given_up(self) -> Sequence[GivenUp]: ...

    async def save(
        self,
        events: Sequence[Event],
        now: datetime,
        told: Mapping[str, tuple[int, bytes]] | None = None,
        heads: Mapping[int, int] | None = None,
        exceptions: Sequence[Interval] = (),
        stock: Sequence[Available] = (),
        given_up: Sequence[GivenUp] = (),
    ) -> int:
        """Appends events to the feed, with what that says was told; returns how many were new."""
        ...


class Announcements(Protocol):
    def announcing(self) -> AbstractAsyncContextManager[Announcing | None]:
        """None where another announces."""
        ...


class Attempted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A delivery to a webhook, claimed for one attempt; `previous` is a secret that is signed with besides."""

    subscription: str
    attempt: int
    round: int
    first_at: datetime
    url: str
    secret: str
    previous: str | None
    kept: Kept


class Answered(msgspec.Struct, frozen=True, gc=False):
    """What a webhook said: its HTTP status (None: nothing came back), in words, and when it wants to be asked again."""

    status: int | None
    detail: str
    after_seconds: float | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of an attempt. status: delivered, queued (again at `due_at`), failed (for good). disable: why the webhook is to be given up, "" not at all."""

    attempted: Attempted
    status: str
    outcome: str
    answered: Answered
    started_at: datetime
    ended_at: datetime
    due_at: datetime | None = None
    disable: str = ""


class Webhooks(Protocol):
    async def fill(self, now: datetime) -> int:
        """Queues what was announced for the webhooks that want it; returns how many webhooks went on."""
        ...

    async def claim(self, busy: Mapping[str, int], now: datetime, lease_until: datetime) -> Sequence[Attempted]:
        """Deliveries that are due, no more for any webhook than it has room for beside those that are `busy`."""
        ...

    async def settle(self, settlements: Sequence[Settlement], now: datetime) -> None: ...


class WebhookSender(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Posts once. Never raises for what the other side or the network does."""
        ...

    async def close(self) -> None: ...
