"""An HTTP counterparty on loopback: Litestar on Granian in the process's own event loop, behind a gate where
connections must break.

The gate is a plain TCP relay. Closing it is a hard outage (connection refused, open connections reset); cutting one
connection lets a call be carried out and never answered. Without such faults there is no gate and Granian itself
listens on the port.
"""

import asyncio
import socket
import struct
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

HOST = "127.0.0.1"
LINGER_ZERO = struct.pack("ii", 1, 0)


def reserve(port: int) -> socket.socket:
    """A bound socket that does not listen: it keeps the port ours, and refuses connections, while nobody serves it."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((HOST, port))
    return held


class Gate:
    """Relays one port to another. `cut` resets the connection whose inner side has that port number."""

    def __init__(self, port: int, inner: int) -> None:
        self.port = port
        self.inner = inner
        self._server: asyncio.Server | None = None
        self._connections: dict[int, asyncio.StreamWriter] = {}
        self._relays: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def open(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, HOST, self.port, reuse_address=True, reuse_port=True
            )

    async def close(self) -> None:
        """Stop listening and reset every connection."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for inner_port in list(self._connections):
            self.cut(inner_port)
        if self._relays:
            await asyncio.wait(self._relays, timeout=2)

    def cut(self, inner_port: int) -> None:
        """Reset that connection: with linger 0, closing sends RST instead of FIN."""
        writer = self._connections.pop(inner_port, None)
        if writer is None:
            return
        outer = writer.get_extra_info("socket")
        if outer is not None:
            outer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        try:
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self.inner)
        except OSError:
            writer.transport.abort()
            return
        inner_port: int = inner_writer.get_extra_info("sockname")[1]
        self._connections[inner_port] = writer
        try:
            back = asyncio.create_task(_pump(inner_reader, writer))
            await _pump(reader, inner_writer)
            await back
        finally:
            self._connections.pop(inner_port, None)
            writer.close()
            inner_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class Service:
    """A Litestar application on a port; `gated` puts a gate before it."""

    def __init__(self, app: Litestar, port: int, *, gated: bool) -> None:
        self._app = app
        self._held = [reserve(port)]
        self.port: int = self._held[0].getsockname()[1]
        self.gate: Gate | None = None
        inner = self.port
        if gated:
            self._held.append(reserve(0))
            inner = self._held[1].getsockname()[1]
            self.gate = Gate(self.port, inner)
        self._inner = inner
        self._server: Server | None = None
        self._task: asyncio.Task[Any] | None = None

    async def start(self) -> None:
        """Serve, and return once a connection is accepted. Raises RuntimeError if it is not within ten seconds."""
        self._server = Server(
            self._app, address=HOST, port=self._inner, interface=Interfaces.ASGI, log_enabled=False, websockets=False
        )
        self._task = asyncio.create_task(self._server.serve())
        for _ in range(500):
            try:
                _, writer = await asyncio.open_connection(HOST, self._inner)
            except OSError:
                if self._task.done():
                    break
                await asyncio.sleep(0.02)
                continue
            writer.close()
            if self.gate is not None:
                await self.gate.open()
            return
        raise RuntimeError(f"nothing listens on port {self._inner}")

    async def stop(self) -> None:
        """Close the gate, stop the server, free the ports."""
        if self.gate is not None:
            await self.gate.close()
        if self._server is not None and self._task is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # Granian leaves it untyped
            await asyncio.wait([self._task], timeout=3)
        for held in self._held:
            held.close()
