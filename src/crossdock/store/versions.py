"""Every version of the workspace, whole, with who put it in force and when. Nothing is ever edited; rolling back is a new version with an old content."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crossdock.store.database import Database
from crossdock.store.queries import SQL


class WorkspaceVersions:
    """The versions in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def current(self) -> tuple[int, bytes] | None:
        """(number, snapshot) of the version in force, None before the first."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["version_active"])
        return (row["version"], row["snapshot"]) if row else None

    async def get(self, version: int) -> bytes:
        """A version's snapshot. Raises KeyError when there is no such version."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["version"], version)
        if row is None:
            raise KeyError(version)
        snapshot: bytes = row["snapshot"]
        return snapshot

    async def put(self, snapshot: bytes, digest: str, who: str, note: str, now: datetime) -> int:
        """Stores a version and puts it in force; returns its number."""
        async with self._database.transaction() as connection:
            number: int = await connection.fetchval(SQL["put_version"], snapshot, digest, who, now, note)
            await connection.execute(SQL["deactivate_versions"])
            await connection.execute(SQL["activate_version"], number)
            return number

    async def list(self) -> Sequence[dict[str, Any]]:
        """All versions without their snapshots, newest first."""
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL["versions"])]

    async def numbers(self) -> dict[int, bool]:
        """Every version's number, and whether it is in force."""
        async with self._database.pool.acquire() as connection:
            return {row["version"]: row["active"] for row in await connection.fetch(SQL["version_numbers"])}
