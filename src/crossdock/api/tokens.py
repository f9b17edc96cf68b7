"""Bearer tokens of the workspace's identity provider (OpenID Connect Core 1.0, RFC 7519): signature, issuer, audience and expiry are checked, with the
algorithms that the workspace names and no other, and its claims become a principal.

The provider's keys are fetched when they are needed, kept for `KEYS_SECONDS`, and fetched again when a token names one that is not among them, but
not more often than every `AGAIN_SECONDS`: strangers with made-up key ids can't have us ask without end.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx
import msgspec
import structlog
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crossdock.api.principal import Principal, Role
from crossdock.api.problem import Problem, problem
from crossdock.policy.access import OidcTerms

KEYS_SECONDS = 900.0
AGAIN_SECONDS = 30.0
FETCH_SECONDS = 5.0
LONGEST_TOKEN = 16_000
REQUIRED = ("iss", "aud", "exp", "sub")

_log = structlog.get_logger(__name__)


class Provider:
    """One identity provider under one set of terms."""

    def __init__(self, terms: OidcTerms, clock: Callable[[], datetime]) -> None:
        self.terms = terms
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._fetching = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """Whose token it is. Raises Problem not-signed-in, or unavailable when the provider's keys cannot be had."""
        if len(token) > LONGEST_TOKEN:
            raise refused("the token is too long")
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid", "")
            keys = await self._keys_with(str(kid))
            read = jwt.decode(token, keys, algorithms=list(self.terms.algorithms))
            self._check(read.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise refused(
                f"the token is not good: {getattr(error, 'description', '') or type(error).__name__}"
            ) from None
        return self._principal(read.claims)

    def _check(self, claims: Mapping[str, Any]) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=self.terms.leeway_seconds,
            iss={"essential": True, "value": self.terms.issuer},
            aud={"essential": True, "value": self.terms.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        registry.validate(dict(claims))

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        terms = self.terms
        said = _claim(claims, terms.role_claim)
        values = {said} if isinstance(said, str) else set(said) if isinstance(said, list) else set()
        role = next((ours for theirs, ours in terms.roles.items() if theirs in values), None)
        if role is None:
            raise problem("not-allowed", f"none of the token's {terms.role_claim} is a role here")
        partner = _claim(claims, terms.partner_claim) if role == "partner" and terms.partner_claim else ""
        if role == "partner" and (not isinstance(partner, str) or not partner):
            raise problem("not-allowed", f"the token's {terms.partner_claim or 'claims'} name no partner")
        name = _claim(claims, terms.name_claim)
        return Principal(f"user:{claims['sub']}", str(name or claims["sub"]), Role(role), str(partner))

    async def _keys_with(self, kid: str) -> KeySet:
        now = time.monotonic()
        if self._keys is None or now - self._fetched > KEYS_SECONDS or not _has(self._keys, kid):
            await self._fetch(kid)
        if self._keys is None:
            raise problem("unavailable", "the identity provider's keys cannot be had", headers={"Retry-After": "30"})
        return self._keys

    async def _fetch(self, kid: str) -> None:
        async with self._fetching:
            now = time.monotonic()
            fresh = self._keys is not None and now - self._fetched <= KEYS_SECONDS
            if now - self._tried < AGAIN_SECONDS or (fresh and _has(self._keys, kid)):
                return
            self._tried = now
            try:
                async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as client:
                    url = self.terms.jwks_url or await self._discovered(client)
                    answer = await client.get(url)
                    answer.raise_for_status()
                    self._keys = KeySet.import_key_set(answer.json())
                    self._fetched = now
            except (httpx.HTTPError, ValueError, KeyError, JoseError) as error:
                # Keys that we have stay good: a provider that is away signs nobody out.
                _log.warning("oidc.keys", issuer=self.terms.issuer, error=f"{type(error).__name__}: {error}")

    async def _discovered(self, client: httpx.AsyncClient) -> str:
        answer = await client.get(f"{self.terms.issuer.rstrip('/')}/.well-known/openid-configuration")
        answer.raise_for_status()
        said = msgspec.json.decode(answer.content, type=dict[str, Any])
        if said.get("issuer") != self.terms.issuer:
            raise ValueError("the discovery document is of another issuer")
        return str(said["jwks_uri"])


def _has(keys: KeySet | None, kid: str) -> bool:
    return keys is not None and (not kid or any(key.kid == kid for key in keys.keys))


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def refused(detail: str) -> Problem:
    """The answer to what is shown and no good."""
    challenge = 'Bearer realm="crossdock", error="invalid_token"'
    return problem("not-signed-in", detail, headers={"WWW-Authenticate": challenge})
