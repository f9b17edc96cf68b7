"""Sign-in through the workspace's identity provider: OpenID Connect authorization code flow (Core 1.0, section 3.1) with PKCE (RFC 7636, S256), state and nonce.

The state is good once, for ten minutes, in the browser that began; the verifier never leaves the server but for the provider. The ID token is checked as
the API checks bearer tokens (signature, issuer, audience, expiry), with the client's own id as audience, and then its nonce and authorized party.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import structlog
from joserfc import jws

from crossdock.api.hub import Hub
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem
from crossdock.api.tokens import Provider
from crossdock.connectors.settings import Secret, SettingsError
from crossdock.store.sign_in import Door

VALID = timedelta(minutes=10)
FETCH_SECONDS = 5.0
DISCOVERED_SECONDS = 900.0

_log = structlog.get_logger(__name__)


class NotSignedOn(Exception):
    """It came to nothing; the message is for the person at the door and tells no secret."""


class SignOn:
    """The flow with one provider, as one client of it."""

    def __init__(self, hub: Hub, client_id: str, client_secret: str, redirect: str) -> None:
        terms = hub.terms.oidc
        if terms is None:
            raise LookupError("the workspace names no identity provider")
        self._hub = hub
        self._issuer = terms.issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect = redirect
        self._provider = Provider(msgspec.structs.replace(terms, audience=client_id), hub.clock)
        self._endpoints: Mapping[str, Any] = {}
        self._asked = float("-inf")

    async def begin(self, going_to: str) -> tuple[str, str]:
        """Where the browser is to go, and the state that it is to bring back."""
        said = await self._discovered()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        await Door(self._hub.database).begin_flow(state, nonce, verifier, going_to, self._hub.clock(), VALID)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        address = str(said["authorization_endpoint"])
        return address + ("&" if "?" in address else "?") + urlencode(asked), state

    async def end(self, state: str, code: str, issuer: str | None) -> tuple[Principal, str]:
        """Who came back, and where they were going. Raises NotSignedOn. issuer: as RFC 9207 tells it, None where the provider does not."""
        flow = await Door(self._hub.database).end_flow(state, self._hub.clock())
        if flow is None:
            raise NotSignedOn("That took too long, or was used before. Sign in again.")
        if issuer is not None and issuer != self._issuer:
            raise NotSignedOn("The answer came from another identity provider.")
        token = await self._token(code, flow["verifier"])
        try:
            principal = await self._provider.principal(token)
        except Problem as refused:
            words = (
                "Your account has no role here."
                if refused.slug == "not-allowed"
                else "The identity provider's answer is not good."
            )
            _log.warning("dashboard.sign-on", reason=refused.detail)
            raise NotSignedOn(words) from None
        claims = msgspec.json.decode(jws.extract_compact(token.encode()).payload)
        if not hmac.compare_digest(str(claims.get("nonce", "")), flow["nonce"]):
            raise NotSignedOn("The identity provider's answer is not to our question.")
        if claims.get("azp", self._client_id) != self._client_id:
            raise NotSignedOn("The identity provider's answer is meant for another.")
        return principal, flow["going_to"]

    async def _token(self, code: str, verifier: str) -> str:
        said = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        basic = (self._client_id, self._client_secret) if self._client_secret else None
        try:
            async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as client:
                answer = await client.post(
                    str(said["token_endpoint"]), data=form, auth=basic or httpx.USE_CLIENT_DEFAULT
                )
                answer.raise_for_status()
                return str(answer.json()["id_token"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            _log.warning("dashboard.sign-on", error=type(error).__name__)
            raise NotSignedOn("The identity provider did not confirm the sign-in.") from None

    async def _discovered(self) -> Mapping[str, Any]:
        if time.monotonic() - self._asked > DISCOVERED_SECONDS:
            try:
                async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False) as client:
                    answer = await client.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
                    answer.raise_for_status()
                    said = answer.json()
                if said.get("issuer") != self._issuer:
                    raise ValueError("the discovery document is of another issuer")
                self._endpoints, self._asked = said, time.monotonic()
            except (httpx.HTTPError, ValueError, AttributeError) as error:
                _log.warning("dashboard.sign-on", error=f"{type(error).__name__}: {error}")
                if not self._endpoints:
                    raise NotSignedOn("The identity provider cannot be reached.") from None
        return self._endpoints


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def offered(hub: Hub) -> bool:
    """Whether people may sign in through a provider: the workspace names one, and it or the environment says which of its clients we are."""
    terms = hub.terms.oidc
    return terms is not None and bool(hub.environ.get("CROSSDOCK_OIDC_CLIENT_ID") or terms.client_id)


def called(hub: Hub) -> str:
    """What people call the provider."""
    terms = hub.terms.oidc
    return hub.environ.get("CROSSDOCK_OIDC_NAME", "") or (terms.display_name if terms is not None else "")


def sign_on_of(hub: Hub, redirect: str) -> SignOn:
    """The flow under the workspace's terms. Raises LookupError where none is offered, NotSignedOn where the client's secret is not to be had.

    Whoever names the client says its secret: a client of the environment's has none of the workspace's.
    """
    terms = hub.terms.oidc
    if terms is None or not offered(hub):
        raise LookupError("no identity provider is set up")
    if client := hub.environ.get("CROSSDOCK_OIDC_CLIENT_ID"):
        return SignOn(hub, client, hub.environ.get("CROSSDOCK_OIDC_CLIENT_SECRET", ""), redirect)
    try:
        secret = hub.secrets(msgspec.convert(terms.client_secret, Secret)) if terms.client_secret else ""
    except (SettingsError, msgspec.ValidationError) as error:
        _log.warning("dashboard.sign-on", reason=str(error))
        raise NotSignedOn("The identity provider is not set up in full: our client's secret is missing.") from None
    return SignOn(hub, terms.client_id, secret, redirect)
