"""The door of the dashboard, as the database keeps it: wrong passwords of late, and OpenID Connect flows that are under way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from crossdock.store.access import hashed
from crossdock.store.database import Database
from crossdock.store.queries import SQL


class Door:
    """One database's door."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def failures(self, subjects: Sequence[str], since: datetime) -> dict[str, int]:
        """How often each subject (a person, an address) has failed since then."""
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["sign_in_failures"], list(subjects), since)
        return {row["subject"]: row["failures"] for row in rows}

    async def note_failure(self, subjects: Sequence[str], now: datetime, remembered: timedelta) -> None:
        """A failure, against each subject."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["note_sign_in_failure"], list(subjects), now, now - remembered)

    async def forget_failures(self, subject: str) -> None:
        """Somebody has come in after all."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["forget_sign_in_failures"], subject)

    async def begin_flow(
        self, state: str, nonce: str, verifier: str, going_to: str, now: datetime, valid: timedelta
    ) -> None:
        """Somebody is sent to the identity provider with this random `state`."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL["put_sign_in_flow"], hashed(state), nonce, verifier, going_to, now, now + valid
            )

    async def end_flow(self, state: str, now: datetime) -> dict[str, Any] | None:
        """Takes the flow of a state: nonce, verifier, going_to. None when it is unknown, was taken before, or took too long."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["take_sign_in_flow"], hashed(state))
        return dict(row) if row is not None and row["expires_at"] > now else None

    async def has_administrator(self) -> bool:
        """Whether anybody administers this database; without one, a set-up link is printed."""
        async with self._database.pool.acquire() as connection:
            found: bool = await connection.fetchval(SQL["any_administrator"])
        return found
