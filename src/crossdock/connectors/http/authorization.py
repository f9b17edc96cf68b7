"""What proves to the other side who we are: a header per request. Secrets are resolved when first needed and stay in
memory only."""

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

import httpx
import msgspec

from crossdock.connectors.http.spec import Bearer, ClientCredentials, Header, HttpSpec
from crossdock.connectors.settings import Secrets

SHORTEST_TOKEN_SECONDS = 300.0
"""How long a token without `expires_in` is taken to last."""


class NotAuthorized(Exception):
    """No credentials could be had. The text holds no secret."""


class Authorization(Protocol):
    """Gives the headers of a request. `renew` is called with those that got a 401 and says whether another try makes
    sense."""

    async def headers(self) -> dict[str, str]: ...

    async def renew(self, rejected: Mapping[str, str]) -> bool: ...

    async def close(self) -> None: ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret in use, to be struck out of whatever is told."""
        ...


class Fixed:
    """The same header for every request."""

    def __init__(self, name: str = "", value: str = "", secret: str = "") -> None:
        self._headers = {name: value} if name else {}
        self._secret = secret

    async def headers(self) -> dict[str, str]:
        return self._headers

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        return False

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._secret,) if self._secret else ()


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float = SHORTEST_TOKEN_SECONDS


class ClientCredentialsFlow:
    """An OAuth 2.0 access token, fetched by one request at a time however many wait for it. `monotonic` is a clock in
    seconds."""

    def __init__(
        self, spec: ClientCredentials, secret: str, client: httpx.AsyncClient, monotonic: Callable[[], float]
    ) -> None:
        self._spec = spec
        self._secret = secret
        self._client = client
        self._monotonic = monotonic
        self._token = ""
        self._until = float("-inf")
        self._fetching = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        async with self._fetching:
            if self._monotonic() >= self._until:
                await self._fetch()
            return self._bearer()

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    async def renew(self, rejected: Mapping[str, str]) -> bool:
        # Of many that were rejected with the same token, one has it fetched anew.
        if rejected == self._bearer():
            self._until = float("-inf")
        return True

    async def close(self) -> None:
        """Close the connection to the token endpoint."""
        await self._client.aclose()

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(each for each in (self._secret, self._token) if each)

    async def _fetch(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._spec.scope:
            form["scope"] = self._spec.scope
        if self._spec.audience:
            form["audience"] = self._spec.audience
        headers = {"Accept": "application/json"}
        if self._spec.placement == "basic":
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(self._spec.client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self._spec.client_id, "client_secret": self._secret}
        try:
            response = await self._client.post(self._spec.token_url, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise NotAuthorized(f"the token endpoint cannot be reached: {type(error).__name__}") from None
        if response.status_code != 200:
            raise NotAuthorized(f"the token endpoint answered {response.status_code}")
        try:
            token = msgspec.json.decode(response.content, type=_Token, strict=False)
        except msgspec.DecodeError:
            raise NotAuthorized("the token endpoint's answer holds no access_token") from None
        self._token = token.access_token
        # A token that lives shorter than early_seconds is still used for half of its life.
        self._until = self._monotonic() + max(token.expires_in - self._spec.early_seconds, token.expires_in / 2)


def authorization(
    spec: HttpSpec,
    secrets: Secrets,
    context: ssl.SSLContext | None,
    timeout_seconds: float,
    monotonic: Callable[[], float],
) -> Authorization:
    """What `spec.auth` declares. Raises what `secrets` raises when there is no such secret."""
    match spec.auth:
        case Header(name=name, value=reference):
            value = secrets(reference)
            return Fixed(name, value, value)
        case Bearer(token=reference):
            token = secrets(reference)
            return Fixed("Authorization", f"Bearer {token}", token)
        case ClientCredentials(client_secret=reference) as flow:
            client = httpx.AsyncClient(verify=context or True, timeout=timeout_seconds, trust_env=False)
            return ClientCredentialsFlow(flow, secrets(reference), client, monotonic)
    return Fixed()
