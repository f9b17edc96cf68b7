"""The file of a snapshot of stock, copied into the database as it lies on the disk: a large one in two halves at once, by two connections.

The second half stands in a transaction of its own, which commits right before that of the snapshot. Should PostgreSQL die between the two, those lines stay behind under a
number that no snapshot has: nobody reads them, and they go with the old ones. A file is not halved where no second connection is free.
"""

import asyncio
import csv
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from crossdock.store.database import Database
from crossdock.store.queries import SQL

COLUMNS = ("item", "site", "place", "lot", "owner", "entity", "quantity")
HALVED_BYTES = 4 << 20
"""A file of fewer bytes is copied by one connection."""
WAIT_SECONDS = 0.2
"""So long a second connection is waited for."""
PIECE_BYTES = 1 << 19


class SnapshotError(ValueError):
    """A snapshot's file cannot be kept; says where and why."""


def header_of(path: Path) -> list[str]:
    """The columns that a file names in its first line. Raises SnapshotError where they are not those of a snapshot."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    unknown = [name for name in header if name not in COLUMNS]
    lacking = [name for name in ("item", "site", "quantity") if name not in header]
    if unknown or lacking or len(set(header)) < len(header):
        wrong = f"knows no column {unknown[0]!r}" if unknown else f"lacks {lacking[0]!r}" if lacking else "is doubled"
        raise SnapshotError(f"{path.name} line 1: a snapshot {wrong}; columns are {', '.join(COLUMNS)}")
    return header


@asynccontextmanager
async def copied(database: Database, connection: Any, id_: int, path: Path) -> AsyncIterator[list[Any]]:
    """Copies the lines of a file under the number of a snapshot that `connection` has just made; gives their scope (rows of `snapshot_scope`), and commits the second half
    when it is left: right before that connection's own transaction does. Raises SnapshotError, which names the line."""
    header, (middle, size) = header_of(path), _middle_and_size(path)
    try:
        second = await database.pool.acquire(timeout=WAIT_SECONDS) if middle else None
    except TimeoutError:
        second = None
    if second is None:
        await _copy(connection, path, (0, size), header)
        yield await connection.fetch(SQL["snapshot_scope"], id_)
        return
    try:
        async with second.transaction():
            for each in (connection, second):
                await each.fetch(SQL["copy_for_snapshot"], id_)
            halves = [
                asyncio.create_task(_scope_of(connection, id_, path, (0, middle), header)),
                asyncio.create_task(_scope_of(second, id_, path, (middle, size), header)),
            ]
            try:
                scopes = await asyncio.gather(*halves)
            except BaseException:
                for half in halves:
                    half.cancel()
                await asyncio.gather(*halves, return_exceptions=True)
                raise
            yield [row for scope in scopes for row in scope]
    finally:
        await database.pool.release(second)


async def _scope_of(connection: Any, id_: int, path: Path, part: tuple[int, int], header: Sequence[str]) -> list[Any]:
    await _copy(connection, path, part, header)
    rows: list[Any] = await connection.fetch(SQL["snapshot_scope"], id_)
    return rows


async def _copy(connection: Any, path: Path, part: tuple[int, int], header: Sequence[str]) -> None:
    try:
        await connection.copy_to_table(
            "snapshot_lines",
            source=_pieces(path, *part),
            columns=header,
            format="csv",
            header=part[0] == 0,
            force_not_null=[name for name in header if name != "quantity"],
        )
    except asyncpg.DataError as error:
        where = getattr(error, "context", None) or ""
        before = _lines_before(path, part[0])
        where = re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + before}", where, count=1)
        raise SnapshotError(f"{path.name}: {error}. {where}".strip()) from None


async def _pieces(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(PIECE_BYTES, end - start))):
            start += len(piece)
            yield piece


def _middle_and_size(path: Path) -> tuple[int, int]:
    size = path.stat().st_size
    return _middle(path, size), size


def _middle(path: Path, size: int) -> int:
    """Where the second half of a large file begins, at the beginning of a line; 0: it is not to be halved. A line may end within quotes: then the quotes before it are odd."""
    if size < HALVED_BYTES:
        return 0
    quotes, read = 0, 0
    with path.open("rb") as file:
        while read < size // 2 and (piece := file.read(min(PIECE_BYTES, size // 2 - read))):
            quotes += piece.count(b'"')
            read += len(piece)
        for line in file:
            quotes += line.count(b'"')
            read += len(line)
            if quotes % 2 == 0:
                return read if read < size else 0
    return 0


def _lines_before(path: Path, start: int) -> int:
    """How many lines PostgreSQL would have counted up to there: those that end within quotes are none."""
    lines, quotes, read = 0, 0, 0
    with path.open("rb") as file:
        while read < start:
            line = file.readline()
            read += len(line)
            quotes += line.count(b'"')
            lines += quotes % 2 == 0
    return lines
