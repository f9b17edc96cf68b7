"""`crossdock run`: everything in one command. It supervises the embedded database and N workers; each worker is a process of its own."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer

from crossdock.cli.session import HERE, NO_DATABASE, WorkspaceFolder, console, fail, host_and_port
from crossdock.run import logs
from crossdock.run.supervisor import Supervised, supervise
from crossdock.run.watching import Watching, check_address, seed_of, tracing
from crossdock.store.database import UNREACHABLE, Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems, WaitingWork, make_worker
from crossdock.workspace import WorkspaceError, load

REFRESH_SECONDS = 1.0
LISTEN = "127.0.0.1:8710"
"""Where the HTTP API and the dashboard are served unless told otherwise."""

SUPERVISED = "CROSSDOCK_SUPERVISED"
"""Set for a server that is to end with the process that started it."""

_log = structlog.get_logger(__name__)


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(run)
    app.command(hidden=True)(worker)


def set_up_log(service: str = "crossdock") -> None:
    """Structured lines on standard error (`run.logs`). service: which of our processes this is."""
    environ = os.environ
    logs.set_up_log(environ, service, seed=seed_of(environ) if tracing(environ) else None)


def run(
    workspace: WorkspaceFolder = HERE,
    workers: Annotated[int, typer.Option(help="Worker processes on this machine.", min=1)] = 1,
    listen: Annotated[
        str, typer.Option(help="host:port of the HTTP API and the dashboard.", envvar="CROSSDOCK_API_LISTEN")
    ] = LISTEN,
    serves: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Whether to serve them.", envvar="CROSSDOCK_SERVE")
    ] = True,
) -> None:
    """Run Crossdock: receive, fold, dispatch, until it is stopped (Ctrl-C or SIGTERM finish what is under way)."""
    set_up_log()
    try:
        check_address(os.environ)
    except ValueError as error:
        fail(str(error))
    if serves:
        host_and_port(listen)
    try:
        lanes = load(workspace, os.environ).company.lanes
    except WorkspaceError as error:
        fail("\n".join(str(problem) for problem in error.problems))
    asyncio.run(_run(workspace, workers, lanes, listen if serves else ""))


async def _run(workspace: Path, workers: int, lanes: int, listen: str) -> None:
    url = os.environ.get("CROSSDOCK_DATABASE_URL")
    embedded = None if url else Embedded(workspace / ".crossdock")
    address = url or embedded.url  # type: ignore[union-attr]
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        try:
            database = await connect(address, 2, lanes)
        except UNREACHABLE as error:
            fail(f"the database cannot be reached: {error}", NO_DATABASE)
        in_force = await WorkspaceVersions(database).current()
        await database.close()
        if in_force is None:
            fail("no version of the workspace is in force; `crossdock apply` first")
        environ = {**os.environ, "CROSSDOCK_DATABASE_URL": address}
        command = [
            sys.executable,
            "-m",
            "crossdock",
            "worker",
            "--workspace",
            str(workspace),
            "--workers",
            str(workers),
        ]
        processes = [Supervised(f"worker {n}", [*command, "--index", str(n)], environ) for n in range(workers)]
        if listen:
            serve = [*command[:3], "serve", "--workspace", str(workspace), "--listen", listen]
            processes.append(Supervised("server", serve, {**environ, SUPERVISED: "1"}))
        console.print(
            f"Crossdock runs with {workers} worker{'s' if workers > 1 else ''}; workspace version {in_force['version']}. Ctrl-C stops it."
            + (f" It serves at http://{listen}." if listen else "")
        )
        await supervise(processes, stop, _keep_alive(embedded) if embedded else _nothing)
    finally:
        if embedded is not None:
            embedded.stop()


def _nothing() -> None:
    """A database of one's own looks after itself."""


def _keep_alive(embedded: Embedded) -> Callable[[], None]:
    def look() -> None:
        if not embedded.alive():
            _log.warning("the embedded database has died, starting it again")
            embedded.restart()

    return look


def worker(
    workspace: WorkspaceFolder = HERE,
    workers: Annotated[int, typer.Option(min=1)] = 1,
    index: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """One worker process; `run` starts these."""
    set_up_log("crossdock-worker")
    structlog.contextvars.bind_contextvars(worker=index)
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.run(_work(workspace, workers, index))
        return
    asyncio.run(_work(workspace, workers, index))


async def _work(workspace: Path, workers: int, index: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parent = os.getppid()
    while not stop.is_set():
        try:
            database = await connect(os.environ["CROSSDOCK_DATABASE_URL"], 12)
            break
        except Exception as error:
            _log.warning("the database cannot be reached yet", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(0.3)
    else:
        return
    watching = Watching(os.environ, index)
    book = AgreementBook(WorkspaceVersions(database))
    while not stop.is_set():
        await book.refresh()
        if book.current is None:
            await asyncio.sleep(REFRESH_SECONDS)
            continue
        systems = Systems(book.current, os.environ, workspace)
        made = make_worker(database, systems, book, workers, index == 0, watching)
        running = asyncio.create_task(made.run())
        catching_up = asyncio.create_task(_catch_up(database, book.current.version, stop)) if index == 0 else None
        while not stop.is_set() and not running.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_SECONDS)
            if os.getppid() != parent:
                _log.warning("the supervisor is gone, stopping")
                stop.set()
            try:
                if await book.refresh():
                    _log.info("another version of the workspace is in force", version=book.current.version)
                    break
            except Exception as error:
                _log.warning("versions cannot be read", error=f"{type(error).__name__}: {error}")
        made.end()
        if catching_up is not None:
            catching_up.cancel()
        await running
    await asyncio.to_thread(watching.close)
    await database.close()


async def _catch_up(database: Database, version: int, stop: asyncio.Event) -> None:
    """What waits for the workspace to know more is taken up when every worker knows it, so that none reads with what it knew before."""
    while not stop.is_set():
        await asyncio.sleep(2 * REFRESH_SECONDS)
        try:
            await WaitingWork(database).catch_up(version)
            return
        except Exception as error:
            _log.warning("waiting work cannot be taken up yet", error=f"{type(error).__name__}: {error}")
