"""Posts an event to a webhook, once: the name is resolved once, its addresses are checked, and the connection goes to the address that was checked, with the name in
SNI and Host. Redirects are not followed, and little of an answer is read. Implements `ports.events.WebhookSender`.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpcore

from crossdock.connectors.events.guard import Allowed, Forbidden, Target, check, target_of
from crossdock.connectors.http.answer import retry_after
from crossdock.connectors.http.wire import trust
from crossdock.ports.events import Answered

TIMEOUT_SECONDS = 15.0
"""For a whole attempt: a receiver answers at once and works afterwards."""

RESOLVE_SECONDS = 5.0
ANSWER_BYTES = 4000
"""So much of an answer is read; a receiver's body says nothing to us."""

LONGEST_DETAIL = 300


class _To(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever name is asked for."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return await self._plain.connect_tcp(self._address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HttpWebhookSender:
    """`allowed`: what this house lets webhooks call. `context`: whom TLS trusts, the usual authorities unless told."""

    def __init__(self, allowed: Allowed, context: ssl.SSLContext | None = None) -> None:
        self._allowed = allowed
        self._context = context or trust(None)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                target = target_of(url, self._allowed)
                address = check(await resolve(target.host, target.port), self._allowed)
                return await self._post(target, address, headers, body)
        except Forbidden as error:
            return Answered(None, f"not called: {error}")
        except TimeoutError:
            return Answered(None, f"no answer within {TIMEOUT_SECONDS:g} s")
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            return Answered(None, f"{type(error).__name__}: {error}"[:LONGEST_DETAIL].rstrip(": "))

    async def _post(self, target: Target, address: str, headers: Mapping[str, str], body: bytes) -> Answered:
        origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
        usual = {"https": 443, "http": 80}[target.scheme]
        name = f"[{target.host}]" if ":" in target.host else target.host
        every = {
            "Host": name if target.port == usual else f"{name}:{target.port}",
            "User-Agent": "crossdock-webhooks",
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
            "Content-Length": str(len(body)),
        }
        request = httpcore.Request(
            "POST",
            httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=target.path.encode()),
            headers=[(key.encode(), value.encode()) for key, value in every.items()],
            content=body,
        )
        connection = httpcore.AsyncHTTPConnection(
            origin, self._context if target.scheme == "https" else None, network_backend=_To(address)
        )
        try:
            response = await connection.handle_async_request(request)
            read = bytearray()
            async for chunk in response.aiter_stream():
                read += chunk
                if len(read) > ANSWER_BYTES:
                    break
            told = {key.lower(): value for key, value in response.headers}
            after = retry_after(told.get(b"retry-after", b"").decode("latin-1"), datetime.now(UTC))
            detail = bytes(read[:LONGEST_DETAIL]).decode("utf-8", "replace") if response.status >= 300 else ""
            return Answered(response.status, detail.replace("\0", ""), after)
        finally:
            await connection.aclose()

    async def close(self) -> None:
        """Every attempt has a connection of its own; there is nothing to close."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that a name leads to. Raises Forbidden when it leads nowhere."""
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Forbidden(f"the name {host} cannot be resolved: {error}") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
