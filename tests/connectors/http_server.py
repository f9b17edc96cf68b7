"""A scripted HTTP/1.1 server on loopback: real sockets, and the bad manners that a well-kept server cannot show
(cutting off, silence)."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Reply(NamedTuple):
    """cut: close instead of answering. silent_seconds: wait first."""

    status: int = 200
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    silent_seconds: float = 0


Script = Callable[[Request], Reply]


class ScriptedServer:
    """Answers each request as `script` says and keeps all of them in `requests`."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script = script
        self.requests: list[Request] = []
        self.connections = 0

    async def __aenter__(self) -> "ScriptedServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {
                    name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Request(method, path, headers, body, connection)
                self.requests.append(request)
                reply = self.script(request)
                await asyncio.sleep(reply.silent_seconds)
                if reply.cut:
                    return
                content = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
                lines = [
                    f"HTTP/1.1 {reply.status} X",
                    f"content-length: {len(content)}",
                    *(f"{name}: {value}" for name, value in reply.headers),
                ]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
