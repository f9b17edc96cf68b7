"""How often one client may ask: a token bucket of each server by itself, and a quota a day over all of them (docs/decisions/025). What is left is told with every answer, in
the headers of draft-ietf-httpapi-ratelimit-headers.

The day's count is written down every `FLUSH_SECONDS`, so a client may exceed its quota by what it asks of several servers in that time.
"""

import math
import time
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from crossdock.api.problem import problem
from crossdock.policy.access import ApiTerms
from crossdock.store.access import Access

FLUSH_SECONDS = 5.0
DAY_SECONDS = 86_400
KEPT_CLIENTS = 20_000
STRANGERS = ApiTerms(rate_per_second=20, burst=60)
"""For those who have shown nothing good, by address."""

Headers = list[tuple[bytes, bytes]]


class Throttle:
    """One server's buckets, and the counts of the day."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._buckets: dict[str, tuple[float, float]] = {}
        self._day = date.min
        self._counted: dict[str, int] = {}
        self._fresh: Counter[str] = Counter()

    def take(self, client: str, terms: ApiTerms, now: datetime) -> Headers:
        """Counts one request; gives the headers that tell what is left. Raises Problem too-many-requests."""
        at = time.monotonic()
        tokens, last = self._buckets.get(client, (float(terms.burst), at))
        tokens = min(float(terms.burst), tokens + (at - last) * terms.rate_per_second)
        window = max(1, math.ceil(terms.burst / terms.rate_per_second))
        policy = f'"burst";q={terms.burst};w={window}'
        if terms.requests_per_day:
            policy += f', "day";q={terms.requests_per_day};w={DAY_SECONDS}'
        if tokens < 1:
            self._buckets[client] = (tokens, at)
            wait = max(1, math.ceil((1 - tokens) / terms.rate_per_second))
            raise _too_many("the rate", policy, f'"burst";r=0;t={wait}', wait)
        left = self._left_today(client, terms, now)
        if left is not None and left <= 0:
            wait = _until_midnight(now)
            raise _too_many("the day's quota", policy, f'"day";r=0;t={wait}', wait)
        if len(self._buckets) > KEPT_CLIENTS:
            self._buckets.clear()
        self._buckets[client] = (tokens - 1, at)
        # The limit that is nearest is told.
        told = f'"burst";r={int(tokens - 1)};t={window}'
        if left is not None and left < tokens:
            told = f'"day";r={left - 1};t={_until_midnight(now)}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", told.encode())]

    def _left_today(self, client: str, terms: ApiTerms, now: datetime) -> int | None:
        if not terms.requests_per_day:
            return None
        if now.date() != self._day:
            self._day = now.date()
            self._counted.clear()
            self._fresh.clear()
        left = terms.requests_per_day - self._counted.get(client, 0) - self._fresh[client]
        if left > 0:
            self._fresh[client] += 1
        return left

    async def flush(self) -> None:
        """Writes down what was counted, and learns what other servers have."""
        if not self._fresh:
            return
        day, fresh = self._day, dict(self._fresh)
        self._fresh.clear()
        try:
            counted: Mapping[str, int] = await self._access.count_usage(fresh, day)
        except BaseException:
            self._fresh.update(fresh)
            raise
        if day == self._day:
            self._counted.update(counted)


def _until_midnight(now: datetime) -> int:
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return max(1, math.ceil((midnight - now).total_seconds()))


def _too_many(what: str, policy: str, told: str, wait: int) -> Exception:
    headers = {"RateLimit-Policy": policy, "RateLimit": told, "Retry-After": str(wait)}
    return problem("too-many-requests", f"{what} is used up; come again in {wait} s", headers=headers)
