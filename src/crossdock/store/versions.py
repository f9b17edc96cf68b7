"""Every version of the workspace, whole, with who put it in force and when. Nothing is ever edited; rolling back is a new version with an old content."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.store.database import Database
from crossdock.store.queries import SQL

Row = dict[str, Any]


class WorkspaceVersions:
    """The versions in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self) -> Row | None:
        """The version in force, None before the first."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["version_active"])
        return dict(row) if row else None

    async def get(self, version: int) -> bytes:
        """A version's snapshot. Raises KeyError when there is no such version."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["version"], version)
        if row is None:
            raise KeyError(version)
        snapshot: bytes = row["snapshot"]
        return snapshot

    async def put(self, snapshot: bytes, digest: str, who: str, note: str, now: datetime) -> int:
        """Stores a version, not yet in force; returns its number."""
        async with self._database.transaction() as connection:
            number: int = await connection.fetchval(SQL["put_version"], snapshot, digest, who, now, note)
            return number

    async def activate(self, number: int, replacing: int) -> bool:
        """Puts `number` in force if `replacing` (0: none) still is; says whether it was."""
        async with self._database.transaction() as connection:
            active = await connection.fetchval(SQL["lock_active_version"])
            if (active or 0) != replacing:
                return False
            await connection.execute(SQL["deactivate_versions"])
            await connection.execute(SQL["activate_version"], number)
            return True

    async def list(self) -> Sequence[Row]:
        """All versions without their snapshots, newest first."""
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL["versions"])]

    async def numbers(self) -> dict[int, bool]:
        """Every version's number, and whether it is in force."""
        async with self._database.pool.acquire() as connection:
            return {row["version"]: row["active"] for row in await connection.fetch(SQL["version_numbers"])}
