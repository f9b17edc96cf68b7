"""Who asks, by `Authorization: Bearer`: an API key, or an identity provider's token. A key is looked up at most every `KEPT_SECONDS`, so that
one that is revoked opens nothing any more after as long.
"""

import time
from collections.abc import Callable
from datetime import datetime

from crossdock.api.principal import Principal, Role
from crossdock.api.problem import Problem, problem
from crossdock.store.access import Access, ApiKey, hashed

KEPT_SECONDS = 2.0
KEPT_KEYS = 10_000


class Authentication:
    """Principals by what was shown."""

    def __init__(self, access: Access, clock: Callable[[], datetime]) -> None:
        self._access = access
        self._clock = clock
        self._kept: dict[bytes, tuple[float, ApiKey | None, Principal | None]] = {}

    async def principal(self, authorization: str | None) -> Principal | None:
        """Who asks; None when nothing was shown. Raises Problem not-signed-in for what is no good."""
        if authorization is None:
            return None
        scheme, _, shown = authorization.partition(" ")
        shown = shown.strip()
        if scheme.lower() != "bearer" or not shown:
            raise _refused("Authorization is to be `Bearer` and a key or a token")
        if shown.startswith("cdk_"):
            return await self._by_key(shown)
        raise _refused("this is no API key")

    async def _by_key(self, secret: str) -> Principal:
        digest, now = hashed(secret), time.monotonic()
        kept = self._kept.get(digest)
        if kept is None or kept[0] < now:
            key = await self._access.key_of(secret)
            if len(self._kept) >= KEPT_KEYS:
                self._kept.clear()
            kept = self._kept[digest] = (now + KEPT_SECONDS, key, _principal_of(key) if key else None)
        _, key, principal = kept
        if key is None or principal is None or not key.good_at(self._clock()):
            raise _refused("this key is unknown, expired or revoked")
        return principal


def _principal_of(key: ApiKey) -> Principal:
    return Principal(f"key:{key.family}", key.name, Role(key.role), key.partner, frozenset(key.scopes))


def _refused(detail: str) -> Problem:
    return problem(
        "not-signed-in", detail, headers={"WWW-Authenticate": 'Bearer realm="crossdock", error="invalid_token"'}
    )
