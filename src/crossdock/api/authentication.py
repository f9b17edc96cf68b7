"""Who asks, by `Authorization: Bearer`: an API key, or an identity provider's token. A key is looked up at most every `KEPT_SECONDS`, so that
one that is revoked opens nothing any more after as long.
"""

import time
from collections.abc import Callable
from datetime import datetime

from crossdock.api.principal import Principal, Role
from crossdock.api.tokens import Provider, refused
from crossdock.policy.access import ApiTerms
from crossdock.store.access import Access, ApiKey

KEPT_SECONDS = 2.0
KEPT_KEYS = 10_000


class Authentication:
    """Principals by what was shown. terms: what the workspace in force says, asked at every token."""

    def __init__(self, access: Access, clock: Callable[[], datetime], terms: Callable[[], ApiTerms]) -> None:
        self._access = access
        self._clock = clock
        self._terms = terms
        self._provider: Provider | None = None
        self._kept: dict[str, tuple[float, ApiKey | None, Principal | None]] = {}

    async def principal(self, authorization: str | None) -> Principal | None:
        """Who asks; None when nothing was shown. Raises Problem not-signed-in for what is no good."""
        if authorization is None:
            return None
        kept = self._kept.get(authorization)
        if kept is None or kept[0] < time.monotonic():
            scheme, _, shown = authorization.partition(" ")
            shown = shown.strip()
            if scheme.lower() != "bearer" or not shown:
                raise refused("Authorization is to be `Bearer` and a key or a token")
            if not shown.startswith("cdk_"):
                return await self._by_token(shown)
            kept = await self._look_up(shown, authorization)
        _, key, principal = kept
        if key is None or principal is None or not key.good_at(self._clock()):
            raise refused("this key is unknown, expired or revoked")
        return principal

    async def _look_up(self, secret: str, authorization: str) -> tuple[float, ApiKey | None, Principal | None]:
        key = await self._access.key_of(secret)
        kept = (time.monotonic() + KEPT_SECONDS, key, _principal_of(key) if key else None)
        if key is not None:
            if len(self._kept) >= KEPT_KEYS:
                self._kept.clear()
            self._kept[authorization] = kept
        return kept

    async def _by_token(self, token: str) -> Principal:
        terms = self._terms().oidc
        if terms is None:
            raise refused("this is no API key, and the workspace names no identity provider")
        if self._provider is None or self._provider.terms != terms:
            self._provider = Provider(terms, self._clock)
        return await self._provider.principal(token)


def _principal_of(key: ApiKey) -> Principal:
    return Principal(f"key:{key.family}", key.name, Role(key.role), key.partner, frozenset(key.scopes))
