"""A circuit breaker. Closed until so many failures in a row; then open for a while, in which nothing goes out; then one
probe decides. Pure: values and the time as an argument.

The probe waits until everything that was under way has ended, since an end does not say which beginning it belongs to.
"""

from typing import Literal

import msgspec

State = Literal["closed", "open", "half-open"]


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """failures: in a row. under_way: begun and not ended. open_until_seconds: None while closed. probing: the probe is
    under way."""

    limit: int
    open_seconds: float
    failures: int = 0
    under_way: int = 0
    open_until_seconds: float | None = None
    probing: bool = False

    def state(self, now_seconds: float) -> State:
        """closed, open or half-open (probing, or about to)."""
        if self.open_until_seconds is None:
            return "closed"
        return "half-open" if self.probing or now_seconds >= self.open_until_seconds else "open"

    def may_begin(self, now_seconds: float) -> int | None:
        """How many may begin now: 0 or 1, or None for as many as one likes."""
        if self.open_until_seconds is None:
            return None
        return 1 if not self.probing and self.under_way == 0 and now_seconds >= self.open_until_seconds else 0

    def wait_seconds(self, now_seconds: float) -> float:
        """After how long one may begin at the earliest; while a probe or what was before it is under way, its end
        decides and nobody knows."""
        return 0.0 if self.open_until_seconds is None else max(0.0, self.open_until_seconds - now_seconds)

    def begin(self, now_seconds: float) -> "Breaker":
        """One begins."""
        probing = self.probing or self.may_begin(now_seconds) == 1
        return msgspec.structs.replace(self, under_way=self.under_way + 1, probing=probing)

    def end(self, failed: bool, now_seconds: float) -> "Breaker":
        """One has ended. A limit of 0 never opens."""
        under_way = max(0, self.under_way - 1)
        if self.probing:
            if not failed:
                return Breaker(limit=self.limit, open_seconds=self.open_seconds, under_way=under_way)
            return self._opened(now_seconds, self.failures + 1, under_way)
        if self.open_until_seconds is not None:
            # It had begun before the circuit opened, and tells nothing of how things are now.
            return msgspec.structs.replace(self, under_way=under_way)
        failures = self.failures + 1 if failed else 0
        if failed and 0 < self.limit <= failures:
            return self._opened(now_seconds, failures, under_way)
        return msgspec.structs.replace(self, failures=failures, under_way=under_way)

    def _opened(self, now_seconds: float, failures: int, under_way: int) -> "Breaker":
        return Breaker(
            limit=self.limit,
            open_seconds=self.open_seconds,
            failures=failures,
            under_way=under_way,
            open_until_seconds=now_seconds + self.open_seconds,
        )
