"""How fast one system may be sent to: its rate, its breaker, its back-off and whatever it asked for by Retry-After,
behind the one `Pacing` that a dispatcher asks.

Throttling is no failure: a system that says when to come back is alive, so its Later shuts the door until then and
leaves the breaker alone.
"""

import math
from collections.abc import Callable

from crossdock.ports.outbound import Later, Outcome, Pace, Unknown
from crossdock.run.backoff import backoff_seconds
from crossdock.run.breaker import Breaker
from crossdock.run.throttle import TokenBucket

UNLIMITED = 1_000_000
"""The allowance of a system without a rate."""


class SystemPacing:
    """A `Pacing` by the workspace's `[pace]`. `random` gives 0..1, `now_seconds` is the monotonic time at the start."""

    def __init__(self, pace: Pace, random: Callable[[], float], now_seconds: float) -> None:
        self._pace = pace
        self._random = random
        self._bucket = TokenBucket.full(pace.rate_per_second, pace.burst, now_seconds)
        self._circuit = Breaker(limit=pace.breaker_failures, open_seconds=pace.breaker_seconds)
        self._shut_until_seconds = -math.inf
        self._seen_seconds = now_seconds

    def allowance(self, now_seconds: float) -> int:
        """How many transmissions may start now."""
        self._seen_seconds = max(self._seen_seconds, now_seconds)
        if now_seconds < self._shut_until_seconds:
            return 0
        tokens = min(self._bucket.available(now_seconds), UNLIMITED)
        circuit = self._circuit.may_begin(now_seconds)
        return int(tokens if circuit is None else min(tokens, circuit))

    def wait_seconds(self, now_seconds: float) -> float:
        """After how long the allowance may be more than 0 again; 0 when it is, or when an end that is awaited
        decides."""
        return max(
            0.0,
            self._shut_until_seconds - now_seconds,
            self._bucket.wait_seconds(now_seconds),
            self._circuit.wait_seconds(now_seconds),
        )

    def begin(self, now_seconds: float) -> None:
        """A transmission starts."""
        self._seen_seconds = max(self._seen_seconds, now_seconds)
        self._bucket = self._bucket.take(now_seconds)
        self._circuit = self._circuit.begin(now_seconds)

    def end(self, outcome: Outcome, now_seconds: float) -> None:
        """A transmission has ended."""
        self._seen_seconds = max(self._seen_seconds, now_seconds)
        if isinstance(outcome, Later) and outcome.after_seconds is not None:
            self._shut_until_seconds = max(self._shut_until_seconds, now_seconds + outcome.after_seconds)
            failed = False
        else:
            failed = isinstance(outcome, Later | Unknown)
        self._circuit = self._circuit.end(failed, now_seconds)

    def retry_seconds(self, attempt: int, outcome: Outcome) -> float | None:
        """After how long attempt + 1 may be made, jittered; None when it must not be made: done, refused, or attempts
        used up."""
        if not isinstance(outcome, Later | Unknown) or attempt >= self._pace.attempts:
            return None
        wait = backoff_seconds(
            attempt,
            self._random(),
            first_seconds=self._pace.first_retry_seconds,
            factor=self._pace.factor,
            longest_seconds=self._pace.longest_retry_seconds,
            jitter=self._pace.jitter,
        )
        asked = outcome.after_seconds if isinstance(outcome, Later) else None
        # The jitter goes on top of what was asked: never earlier, and not all at once.
        return wait if asked is None else asked + wait * self._pace.jitter

    @property
    def breaker(self) -> str:
        """closed, open or half-open, as of the last time that we were asked or told anything."""
        return self._circuit.state(self._seen_seconds)
