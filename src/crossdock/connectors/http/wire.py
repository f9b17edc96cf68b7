"""HTTP/1.1 connections to one host, kept alive and used again last in, first out; and the one distinction that matters
afterwards: whether a request can have arrived.

Built on httpcore's single connections: httpx's client and its pool cost four times as much per request at 16
connections (2.0 ms against 0.5 ms of one core).
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import httpcore
import httpx

_NOT_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.ConnectionNotAvailable)
_CUT = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    OSError,
)


class NotSent(Exception):
    """Nothing of the request has left: no connection could be made."""


class NotSendable(Exception):
    """The request breaks the protocol, and would at every attempt."""


class CutOff(Exception):
    """The request, or some of it, has left, and no whole answer has come."""


class Answer(NamedTuple):
    """headers by lower-case name; the last of several counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def trust(ca_file: str | None) -> ssl.SSLContext:
    """The authorities that are trusted: those in `ca_file`, else the usual ones (SSL_CERT_FILE and SSL_CERT_DIR are
    heeded)."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context()


class Wire:
    """Connections to the host of `base_url`. At most `connections` at once; who comes later waits.

    timeout_seconds: for a whole exchange. connect_seconds: for its connection. keepalive_seconds: how long an idle one
    is used again. answer_bytes: longest answer that is read.
    """

    def __init__(
        self,
        base_url: str,
        context: ssl.SSLContext | None,
        *,
        connections: int,
        timeout_seconds: float,
        connect_seconds: float,
        keepalive_seconds: float,
        answer_bytes: int,
    ) -> None:
        url = httpx.URL(base_url)
        self._origin = httpcore.URL(base_url).origin
        self._base_path = url.raw_path.decode("ascii").rstrip("/")
        self._host = url.netloc.decode("ascii")
        self._context = context
        self._free = asyncio.Semaphore(connections)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._timeout_seconds = timeout_seconds
        self._keepalive_seconds = keepalive_seconds
        self._answer_bytes = answer_bytes
        self._timeouts = {"connect": connect_seconds, "read": timeout_seconds, "write": timeout_seconds}

    async def exchange(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Sends one request, once, and reads its answer. Raises NotSent, NotSendable or CutOff."""
        try:
            target = (self._base_path + path).encode("ascii")
            every = [("Host", self._host), ("Accept-Encoding", "identity"), ("User-Agent", "crossdock"), *headers]
            if body:
                every.append(("Content-Length", str(len(body))))
            lines = [(name.encode("ascii"), value.encode("latin-1")) for name, value in every]
        except UnicodeEncodeError as error:
            raise NotSendable(f"{error.object!r} cannot stand in a path or header") from None
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=self._origin.scheme, host=self._origin.host, port=self._origin.port, target=target),
            headers=lines,
            content=body,
            extensions={"timeout": self._timeouts},
        )
        async with self._free:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await self._on_a_connection(request)
            except TimeoutError:
                raise CutOff(f"no answer within {self._timeout_seconds:g} s") from None

    async def _on_a_connection(self, request: httpcore.Request) -> Answer:
        connection = await self._connection()
        try:
            response = await connection.handle_async_request(request)
            try:
                answer = Answer(response.status, _by_name(response.headers), await self._read(response))
            finally:
                await response.aclose()
        except BaseException as error:
            await connection.aclose()
            if isinstance(error, _NOT_SENT):
                raise NotSent(f"no connection: {type(error).__name__} {error}".rstrip()) from None
            if isinstance(error, httpcore.LocalProtocolError):
                raise NotSendable(str(error)) from None
            if isinstance(error, httpcore.ReadTimeout):
                raise CutOff(f"no answer within {self._timeout_seconds:g} s") from None
            if isinstance(error, _CUT) and not isinstance(error, TimeoutError):
                raise CutOff(f"cut off: {type(error).__name__} {error}".rstrip()) from None
            raise
        if connection.is_idle():
            self._idle.append(connection)
        else:
            await connection.aclose()
        return answer

    async def _connection(self) -> httpcore.AsyncHTTPConnection:
        while self._idle:
            connection = self._idle.pop()
            # Also true of one that the other side has closed meanwhile.
            if not connection.has_expired() and connection.is_idle():
                return connection
            await connection.aclose()
        return httpcore.AsyncHTTPConnection(self._origin, self._context, keepalive_expiry=self._keepalive_seconds)

    async def _read(self, response: httpcore.Response) -> bytes:
        content = bytearray()
        async for chunk in response.aiter_stream():
            content += chunk
            if len(content) > self._answer_bytes:
                raise CutOff(f"HTTP {response.status}, and an answer longer than {self._answer_bytes} bytes")
        return bytes(content)

    async def close(self) -> None:
        """Close the idle connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.aclose()


def _by_name(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers}
