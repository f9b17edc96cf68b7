"""A token bucket: at most `burst` at once, and over any time no more than `burst` + `rate_per_second` x seconds. Pure:
values and the time as an argument."""

import math

import msgspec

_ROUNDING = 1e-9
"""So that a wait of exactly the time told is enough, whatever the last bit of a float says."""


class TokenBucket(msgspec.Struct, frozen=True):
    """A bucket that held `tokens` at `at_seconds`. rate_per_second None: no limit. May be overdrawn, and then pays back
    before it gives again."""

    rate_per_second: float | None
    burst: int
    tokens: float
    at_seconds: float

    @classmethod
    def full(cls, rate_per_second: float | None, burst: int, now_seconds: float) -> "TokenBucket":
        """A full one. A burst below 1 would let nothing through, ever, so it is taken as 1."""
        return cls(rate_per_second, max(1, burst), max(1, burst), now_seconds)

    def _level(self, now_seconds: float) -> float:
        if self.rate_per_second is None:
            return math.inf
        # A clock that goes back earns nothing.
        return min(self.burst, self.tokens + self.rate_per_second * max(0.0, now_seconds - self.at_seconds))

    def available(self, now_seconds: float) -> float:
        """Whole tokens that may be taken now; infinity without a limit."""
        level = self._level(now_seconds)
        return level if level == math.inf else max(0, math.floor(level + _ROUNDING))

    def wait_seconds(self, now_seconds: float) -> float:
        """After how long there is a token; 0 if there is one."""
        if self.rate_per_second is None or self.available(now_seconds) >= 1:
            return 0.0
        return (1 - self._level(now_seconds)) / self.rate_per_second

    def take(self, now_seconds: float) -> "TokenBucket":
        """The bucket with one token less."""
        if self.rate_per_second is None:
            return self
        return TokenBucket(
            self.rate_per_second, self.burst, self._level(now_seconds) - 1, max(now_seconds, self.at_seconds)
        )
