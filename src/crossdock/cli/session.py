"""What commands share: the database that a workspace belongs to, output for people or as JSON, and the exit codes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

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
Limit = Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1)]
HERE = Path()

console = Console()


@asynccontextmanager
async def database_of(workspace: Path, connections: int = 4) -> AsyncIterator[Database]:
    """The database at CROSSDOCK_DATABASE_URL, or the one embedded in the workspace's folder, which is started if it does not run and then stopped again."""
    url = os.environ.get("CROSSDOCK_DATABASE_URL")
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


def fail(reason: str, code: int = WRONG) -> NoReturn:
    """Says why on standard error and ends with `code`."""
    typer.echo(reason, err=True)
    raise typer.Exit(code)


def print_json(value: Any) -> None:
    """One JSON document."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode() + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode(errors="replace")
    return dict(value)


def words(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "; ".join(words(each) for each in value)
    return str(value)


def print_rows(rows: list[dict[str, Any]], columns: dict[str, str], title: str = "", nothing: str = "Nothing.") -> None:
    """Rows as a table; `columns` is field to heading."""
    if not rows:
        console.print(nothing)
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, heading in enumerate(columns.values()):
        # The first column holds what the next command is given: it is never cut.
        table.add_column(heading, no_wrap=place == 0, overflow="ignore" if place == 0 else "fold")
    for row in rows:
        table.add_row(*(words(row[field]) for field in columns))
    console.print(table)
