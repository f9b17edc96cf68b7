"""A subscriber's server: takes posts, keeps them, and answers what a test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

Said = tuple[int, dict[str, str], bytes]
TAKEN: Said = (204, {}, b"")


class Post(NamedTuple):
    """A request as it came: headers by lower-case name."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers TAKEN, or what `answers` holds, or what `answer` says."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: list[Said] = []
        self.answer: Callable[[Post], Said] | None = None
        self.pause_seconds = 0.0
        self.port = 0
        self.names: list[str | None] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            post = Post(head[0].split(" ")[1], headers, body)
            self.posts.append(post)
            await asyncio.sleep(self.pause_seconds)
            status, told, content = self.answer(post) if self.answer else self.answers.pop(0) if self.answers else TAKEN
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", *(f"{k}: {v}" for k, v in told.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine, with TLS where a context is given."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
