"""`crossdock serve`: the HTTP API and the dashboard, in one process on one port. It is meant to stand behind a proxy that ends TLS.

Any number of these may run against one database, each on a port of its own.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from crossdock.cli.run import LISTEN, SUPERVISED, set_up_log
from crossdock.cli.session import HERE, WorkspaceFolder, database_of, fail, host_and_port
from crossdock.run.collecting import collect_seldom
from crossdock.store.database import Database
from crossdock.wiring import clock

STOP_SECONDS = 10.0
CONNECTIONS = 4000
"""At once. Each page that is live, each reader of events and each client that keeps its connection has one for as long as it likes."""

OTHER_FILES = 100
"""What a server has open besides: the database's connections, the log."""

Listen = Annotated[str, typer.Option(help="host:port to listen on.", envvar="CROSSDOCK_API_LISTEN")]

FACES = ("crossdock.dashboard.app", "crossdock.api.health")
"""Modules that stand beside the API, each with `faces(hub) -> (handlers, further arguments of Litestar)`; one that is not there is passed over."""

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(serve)


def serve(workspace: WorkspaceFolder = HERE, listen: Listen = LISTEN) -> None:
    """Serve the HTTP API and the dashboard until it is stopped (Ctrl-C or SIGTERM finish what is under way)."""
    set_up_log()
    host_and_port(listen)
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.run(_serve(workspace, listen))
        return
    asyncio.run(_serve(workspace, listen))


async def _serve(workspace: Path, listen: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with database_of(workspace, connections=10) as database:
        await serve_on(database, workspace, listen, stop)


def make(database: Database, workspace: Path) -> Any:
    """The application with all its faces."""
    from crossdock.api.app import make_app
    from crossdock.api.hub import Hub
    from crossdock.api.routers import routers

    hub = Hub(database, os.environ, workspace)
    handlers: list[Any] = []
    config: dict[str, Any] = {}
    for name in FACES:
        if find_spec(name.rpartition(".")[0]) is None or find_spec(name) is None:
            continue
        found, more = import_module(name).faces(hub)
        handlers.extend(found)
        for key, value in more.items():
            config[key] = [*config.get(key, []), *value] if isinstance(value, list) else value
    return make_app(hub, routers(), handlers, **config)


async def serve_on(database: Database, workspace: Path, listen: str, stop: asyncio.Event) -> None:
    """Serves until `stop`; then what is under way comes to its end. A supervised one stops when its supervisor is gone."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from crossdock.dashboard.set_up import set_up_link

    host, port = host_and_port(listen)
    _must_be_free(host, port)
    server = Server(
        make(database, workspace),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        log_enabled=False,
        websockets=False,
    )
    _allow_files(CONNECTIONS + OTHER_FILES)
    collect_seldom()
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stop.wait())
    sys.stderr.write(f"Crossdock serves at http://{listen} (API under /v1).\n")
    if (link := await set_up_link(database, os.environ, f"http://{listen}", clock())) is not None:
        sys.stderr.write(f"Nobody administers it yet. Whoever opens this first, within a day, does: {link}\n")
    parent = os.getppid()
    while not stop.is_set() and not serving.done():
        await asyncio.wait([serving, stopping], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        if SUPERVISED in os.environ and os.getppid() != parent:
            _log.warning("the supervisor is gone, stopping")
            stop.set()
    stopping.cancel()
    if serving.done():
        serving.result()
        fail(f"cannot listen on {listen}")
    server.stop()  # type: ignore[no-untyped-call]  # Granian leaves it untyped
    await asyncio.wait([serving], timeout=STOP_SECONDS)


def _allow_files(count: int) -> None:
    """Raises this process's own limit of open files as far as it may; one below `count` bounds the connections instead."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
            )


def _must_be_free(host: str, port: int) -> None:
    """Granian would share the port with whoever has it, and answer for another workspace every second time."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((host, port))
        except OSError as error:
            fail(f"cannot listen on {host}:{port}: {error.strerror}")
