"""How deliveries leave us, exactly once in effect: an outcome is one of a small closed set, and an unknown one is looked up before it is tried again."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One effect to be made. `id` is the obligation's id and the idempotency key. `content` is the JSON of the document or request that `document` names.
    `attempt` counts from 1, `round` how often
    a person had it done again. number, told: what the effect says of itself, copied into the fact that it was sent (see `process.obligation.Effect`)."""

    id: str
    key: str
    system: str
    document: str
    content: bytes
    partner: str = ""
    number: str = ""
    told: tuple[tuple[str, Decimal], ...] = ()
    attempt: int = 1
    round: int = 0
    created_at: datetime | None = None


class Transmission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What goes over the wire in one piece: one or many deliveries, as bytes, under a name of its own.

    name: unique and stable over retries: a file's name, a request's idempotency key. request: for HTTP, method, path and headers (no secrets).
    control: the delivery's place inside, by delivery id: "000000123/7/0004" (interchange, group and transaction control number); empty for JSON.
    """

    name: str
    data: bytes
    deliveries: tuple[str, ...]
    content_type: str = ""
    request: dict[str, Any] = {}
    control: dict[str, str] = {}


class Heard(msgspec.Struct, frozen=True, gc=False):
    """What the other side answered, as it is kept with the attempt: headers and body without secrets, the body as text and not longer than the sink keeps.
    length: bytes that it had."""

    status: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    length: int = 0


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The other side has it. `answer`: what the response map made of its answer (per delivery the same), JSON-able; `status`: as seen on the wire."""

    answer: dict[str, Any] = {}
    status: str = ""
    heard: Heard | None = None


class Later(msgspec.Struct, frozen=True, gc=False):
    """Not now, and surely not done: throttled, refused connection, 5xx that the connection declares safe. `after_seconds`: as the other side asked (Retry-After), else None."""

    reason: str
    status: str = ""
    after_seconds: float | None = None
    heard: Heard | None = None


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A business no: trying again without a change is of no use."""

    reason: str
    code: str = ""
    status: str = ""
    heard: Heard | None = None


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Nobody knows whether it was done: a time-out, a cut connection or a 5xx after the request had left. no_look_up: of a look-up, that there is none to ask by."""

    reason: str
    status: str = ""
    no_look_up: bool = False
    heard: Heard | None = None


Outcome = Accepted | Later | Refused | Unknown


class Absent(msgspec.Struct, frozen=True, gc=False):
    """Looked up: the other side does not have it; it may be sent again."""


Found = Accepted | Absent | Unknown
"""What a look-up says: it was done (with its answer), it was not, or still nobody knows (ask again later; after the connection's patience it is held for a person)."""


class Sink(Protocol):
    """A system's taking end. One that cannot look up says Unknown; whether it then is sent again with the same key (`resend_is_safe`) or held is its Spec's word."""

    @property
    def system(self) -> str: ...

    async def send(self, transmission: Transmission) -> Outcome: ...

    async def look_up(self, transmission: Transmission) -> Found: ...

    async def close(self) -> None: ...


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a system wants to be treated: the workspace's `[pace]` table.

    concurrency: transmissions under way at once, over all workers of one process. rate_per_second, burst: token bucket, None for no limit. timeout_seconds: per attempt.
    first_retry_seconds, factor, longest_retry_seconds, jitter (0..1): exponential backoff with jitter. attempts: after
    so many the delivery is a dead letter. breaker_failures in a row open the
    circuit for breaker_seconds, then one probe. batch: deliveries per transmission at the most.
    ordered: effects of one ordering key one after the other. None overtakes an earlier one, not one that is dead or refused either: those behind it wait until a
    person has it done after all (`crossdock retry`) or it is no longer owed. Effects of other keys go on.
    """

    concurrency: int = 8
    rate_per_second: float | None = None
    burst: int = 10
    timeout_seconds: float = 10
    first_retry_seconds: float = 0.5
    factor: float = 2
    longest_retry_seconds: float = 300
    jitter: float = 0.3
    attempts: int = 12
    breaker_failures: int = 8
    breaker_seconds: float = 5
    ordered: bool = False
    batch: int = 1
    resend_is_safe: bool = False


class Pacing(Protocol):
    """How many transmissions a system may be sent now: its concurrency is the dispatcher's, its rate, back-off and
    circuit breaker are here. Times are seconds of a monotonic clock."""

    def allowance(self, now_seconds: float) -> int:
        """How many transmissions may start now: limited by the token bucket, 0 while the circuit is open, 1 while it is probed."""
        ...

    def wait_seconds(self, now_seconds: float) -> float:
        """After how long the allowance may be more than 0 again."""
        ...

    def begin(self, now_seconds: float) -> None:
        """A transmission starts: takes a token, and the probe if that is what it is."""
        ...

    def end(self, outcome: Outcome, now_seconds: float) -> None:
        """It ended so: counts for the breaker; a Later with `after_seconds` closes the door for that long."""
        ...

    def retry_seconds(self, attempt: int, outcome: Outcome) -> float | None:
        """After how long attempt + 1 may be made; None when it is not to be made any more."""
        ...

    @property
    def breaker(self) -> str:
        """closed, open or half-open."""
        ...
