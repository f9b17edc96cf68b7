"""What commands share: the database that a workspace belongs to, output for people or as JSON, and the exit codes."""

import asyncio
import getpass
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from rich.text import Text

from crossdock.cli.table import console_of, print_table
from crossdock.store.database import UNREACHABLE, Database, connect
from crossdock.store.embedded import Embedded
from crossdock.workspace import WorkspaceError, load
from crossdock.workspace.apply import Backlog, Versions

WRONG, NOT_FOUND, NO_DATABASE = 1, 3, 4

T = TypeVar("T")

WorkspaceFolder = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace's folder.", envvar="CROSSDOCK_WORKSPACE")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Limit = Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=1_000_000)]
LARGEST = 2**63 - 1
"""The largest number that the database gives to anything."""
HERE = Path()

console = console_of()


@asynccontextmanager
async def database_of(workspace: Path, connections: int = 4) -> AsyncIterator[Database]:
    """The database at CROSSDOCK_DATABASE_URL, or the one embedded in the workspace's folder, which is started if it does not run and then stopped again."""
    url = os.environ.get("CROSSDOCK_DATABASE_URL")
    if not url and not any((workspace / sign).exists() for sign in ("crossdock.toml", ".crossdock")):
        # A slip in a folder's name must not make a database there, and be answered from it that nothing is owed.
        fail(f"there is no workspace in {workspace}; `crossdock init {workspace}` makes one", NOT_FOUND)
    embedded = None if url else Embedded(workspace / ".crossdock")
    try:
        try:
            database = await connect(url or embedded.url, connections, lanes=_lanes(workspace))  # type: ignore[union-attr]
        except UNREACHABLE as error:
            fail(f"the database cannot be reached: {error}", NO_DATABASE)
        try:
            yield database
        finally:
            await database.close()
    finally:
        if embedded is not None:
            embedded.stop()


def _lanes(workspace: Path) -> int:
    try:
        return load(workspace, os.environ).company.lanes
    except WorkspaceError:
        return 32


@asynccontextmanager
async def versions_and_backlog(workspace: Path) -> AsyncIterator[tuple[Versions, Backlog]]:
    """The database's side of a workspace."""
    from crossdock.wiring import KeptVersions, WaitingWork  # every connector there is, for who needs one

    async with database_of(workspace) as database:
        yield KeptVersions(database), WaitingWork(database)


def ask(workspace: Path, question: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """The answer to one question to the workspace's database."""

    async def work() -> T:
        async with database_of(workspace) as database:
            return await question(database)

    return asyncio.run(work())


def me() -> str:
    """Who types: the variable CROSSDOCK_USER, else who is logged in; in a container, whose user often has no name, its number."""
    if named := os.environ.get("CROSSDOCK_USER"):
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def fail(reason: str, code: int = WRONG) -> NoReturn:
    """Says why on standard error and ends with `code`."""
    typer.echo(reason, err=True)
    raise typer.Exit(code)


def host_and_port(listen: str) -> tuple[str, int]:
    """The two parts of what is to be listened on; what is not host:port ends the command with 2."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        fail(f"--listen is host:port, such as 127.0.0.1:8710, not {listen!r}", 2)
    return host.strip("[]") or "127.0.0.1", int(port)


def print_json(value: Any) -> None:
    """One JSON document."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="replace")
    return dict(value)


def print_rows(
    rows: Sequence[dict[str, Any]], columns: dict[str, str], title: str = "", nothing: str = "Nothing."
) -> None:
    """Rows as a table, below `title` where there is one; `columns` is field to heading. nothing: what is said where there are none."""
    if title:
        console.print(Text(title, "bold"))
    if rows:
        print_table(console, rows, columns)
    else:
        console.print(nothing)
