"""Keys, people and sessions; writes that can be repeated; and the audit log. Secrets come in and are kept as hashes only.

A key is `cdk_{id}_{secret}` with 256 random bits, so that one SHA-256 is enough: there is nothing to guess. Passwords are the dashboard's
to hash; they come here hashed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from crossdock.store.database import Database
from crossdock.store.queries import SQL
from crossdock.store.together import Together

Row = dict[str, Any]

_KEY = re.compile(r"cdk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
LEASE_SECONDS = 60.0
"""How long a write is somebody's alone; after that whoever repeats it takes it over."""


class ApiKey(msgspec.Struct, frozen=True):
    """A key without its secret. family: the id of the key that it was rotated from in the first place. expires_at, revoked_at: from when it is no good."""

    id: str
    family: str
    name: str
    role: str
    partner: str
    scopes: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None = None

    def good_at(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Write(msgspec.Struct, kw_only=True):
    """One write on its way: who, what, under which key. subject, before, after: what the audit log will say it changed, filled by the route."""

    client: str
    key: str
    digest: bytes
    what: str
    name: str
    role: str
    trace: str = ""
    subject: str = ""
    before: Any = None
    after: Any = None
    kept: bytes | None = None


class Answered(msgspec.Struct, frozen=True):
    """The answer that a write was given when it was made."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_Claim: TypeAlias = tuple[Write, datetime, datetime]
_Finish: TypeAlias = tuple[Write, Answered, datetime]


class Access:
    """The rooms of one database that say who may ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claims: Together[_Claim, bool] = Together(self._claim_all)
        self._finishes: Together[_Finish, None] = Together(self._finish_all)

    # --- API keys ---

    async def create_key(
        self,
        entropy: bytes,
        name: str,
        role: str,
        now: datetime,
        *,
        by: str,
        partner: str = "",
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once. entropy: 38 random bytes, 6 for the id and 32 for the secret."""
        id_, secret = _minted(entropy)
        key = ApiKey(id_, id_, name, role, partner, list(scopes), now, by, expires_at)
        async with self._database.transaction() as connection:
            await _put_key(connection, key, secret)
        return key, secret

    async def rotate_key(
        self,
        entropy: bytes,
        id_: str,
        now: datetime,
        overlap: timedelta,
        *,
        by: str,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """The successor of a key and its secret; the old ones of the family go on for `overlap`. Raises KeyError for a key that is unknown or no good."""
        new_id, secret = _minted(entropy)
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_api_key"], id_)
            old = _key_of(row) if row else None
            if old is None or not old.good_at(now):
                raise KeyError(id_)
            key = ApiKey(new_id, old.family, old.name, old.role, old.partner, old.scopes, now, by, expires_at)
            await _put_key(connection, key, secret)
            await connection.execute(SQL["expire_api_keys"], old.family, new_id, now + overlap)
        return key, secret

    async def revoke_key(self, id_: str, now: datetime) -> bool:
        """This key is no good from now on; says whether it was before."""
        async with self._database.transaction() as connection:
            return await connection.fetchval(SQL["revoke_api_key"], id_, now) is not None

    async def keys(self) -> list[ApiKey]:
        """All keys, oldest first."""
        async with self._database.pool.acquire() as connection:
            return [_key_of(row) for row in await connection.fetch(SQL["api_keys"])]

    async def key(self, id_: str) -> ApiKey | None:
        """One key."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["api_key"], id_)
        return _key_of(row) if row else None

    async def key_of(self, secret: str) -> ApiKey | None:
        """The key with this secret, good or not; None when there is none. Compared in constant time."""
        found = _KEY.fullmatch(secret)
        if found is None:
            return None
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["api_key"], found[1])
        if row is None or not hmac.compare_digest(row["hash"], hashed(secret)):
            return None
        return _key_of(row)

    # --- Writes, once each ---

    async def claim(self, write: Write, now: datetime, lease_seconds: float = LEASE_SECONDS) -> Row | None:
        """Claims a write: None when it is the caller's to do, else the row of who has it: digest, leased_until, status, headers, body."""
        if await self._claims((write, now, now + timedelta(seconds=lease_seconds))):
            return None
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["claimed_write"], write.client, write.key)
        # Between the two statements it may have been released: whoever repeats it once more gets it.
        return dict(row) if row else {"digest": write.digest, "status": None}

    async def _claim_all(self, claims: Sequence[_Claim]) -> list[bool]:
        """Which of these it got. Of several of the same key that come at once the first."""
        first: dict[tuple[str, str], int] = {}
        for n, (write, _, _) in enumerate(claims):
            first.setdefault((write.client, write.key), n)
        rows = [
            (w.client, w.key, w.digest, w.what, w.name, w.role, now, until)
            for w, now, until in (claims[n] for n in first.values())
        ]
        # One statement is a transaction by itself, and saves two round trips.
        async with self._database.pool.acquire() as connection:
            claimed = await connection.fetch(SQL["claim_writes"], *map(list, zip(*rows, strict=True)))
        got = {first[row["client"], row["key"]] for row in claimed}
        return [n in got for n in range(len(claims))]

    async def finish(self, write: Write, answer: Answered, now: datetime) -> None:
        """Keeps the answer of a write and its line in the audit log, together and durably."""
        await self._finishes((write, answer, now))

    async def _finish_all(self, finishes: Sequence[_Finish]) -> list[None]:
        rows = [
            (
                write.client,
                write.key,
                answer.status,
                msgspec.json.encode(answer.headers).decode(),
                answer.body,
                now,
                write.name,
                write.role,
                write.what,
                write.subject,
                _json(write.before),
                _json(write.after),
                write.trace,
            )
            for write, answer, now in finishes
        ]
        async with self._database.pool.acquire() as connection:
            await connection.execute(SQL["finish_writes"], *map(list, zip(*rows, strict=True)))
        return [None] * len(finishes)

    async def release(self, write: Write) -> None:
        """Frees the key of a write that came to nothing."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["release_write"], write.client, write.key)

    async def sweep(self, now: datetime, kept: timedelta = timedelta(hours=48)) -> None:
        """Writes down in the audit log what nobody finished, and forgets answers and sessions whose time is over."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lapsed_writes"], now)
            await connection.execute(SQL["forget_writes"], now - kept)
            await connection.execute(SQL["forget_sessions"], now)

    async def note(
        self,
        now: datetime,
        who: str,
        name: str,
        role: str,
        what: str,
        subject: str = "",
        *,
        before: Any = None,
        after: Any = None,
        key: str = "",
        status: int = 200,
        trace: str = "",
    ) -> None:
        """A line of the audit log for a write that came by another way than the API: the dashboard, the command line."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL["audit_write"], now, who, name, role, what, subject, key, status, _json(before), _json(after), trace
            )

    async def audit_lines(
        self, before_id: int | None = None, who: str | None = None, subject: str | None = None, limit: int = 51
    ) -> list[Row]:
        """The audit log, newest first; before and after are decoded."""
        async with self._database.pool.acquire() as connection:
            rows = [dict(row) for row in await connection.fetch(SQL["audit_lines"], before_id, who, subject, limit)]
        for row in rows:
            for side in ("before", "after"):
                row[side] = msgspec.json.decode(row[side]) if row[side] is not None else None
        return rows

    async def count_usage(self, requests: Mapping[str, int], day: date) -> dict[str, int]:
        """Adds requests by client to a day; returns how many each has by now."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["count_usage"], list(requests), day, list(requests.values()))
        return {row["client"]: row["requests"] for row in rows}

    # --- People and sessions ---

    async def put_setup_link(self, token: str, now: datetime, valid: timedelta) -> None:
        """A link for the first administrator, good once and for so long."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["put_setup_link"], hashed(token), now, now + valid)

    async def setup_link_stands(self, token: str, now: datetime) -> bool:
        """Whether a link can still be used."""
        async with self._database.pool.acquire() as connection:
            return await connection.fetchval(SQL["setup_link_stands"], hashed(token), now) is not None

    async def set_up(self, token: str, person: str, name: str, role: str, password: str, now: datetime) -> bool:
        """Uses a link: makes a person with this hashed password, in one transaction; False when the link is used, expired or unknown."""
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["use_setup_link"], hashed(token), now) is None:
                return False
            await connection.execute(SQL["put_person"], person, name, role, "", password, now)
        return True

    async def put_person(
        self, person: str, name: str, role: str, now: datetime, partner: str = "", password: str = ""
    ) -> None:
        """Somebody who may sign in; one that is known gets this name and role. password: hashed, "" leaves it as it is."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["put_person"], person, name, role, partner, password, now)

    async def person(self, person: str) -> Row | None:
        """Somebody who may sign in, with the hashed password."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["person"], person)
        return dict(row) if row else None

    async def people(self) -> list[Row]:
        """Everybody who may sign in, without passwords."""
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL["people"])]

    async def disable_person(self, person: str, now: datetime) -> bool:
        """Signs somebody out of everything, for good; says whether they were in."""
        async with self._database.transaction() as connection:
            return await connection.fetchval(SQL["disable_person"], person, now) is not None

    async def open_session(
        self, token: str, person: str, name: str, role: str, partner: str, csrf: str, now: datetime, valid: timedelta
    ) -> None:
        """Somebody has signed in with a random `token`, which only their browser keeps."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL["open_session"], hashed(token), person, name, role, partner, csrf, now, now + valid
            )

    async def session(self, token: str, now: datetime, idle: timedelta) -> Row | None:
        """The session of a token: person, name, role, partner, csrf, times. None when it has ended or nobody has used it for `idle`."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["session"], hashed(token), now, now - idle)
            if row is not None and now - row["seen_at"] > timedelta(minutes=1):
                await connection.execute(SQL["touch_session"], hashed(token), now)
        return dict(row) if row else None

    async def close_session(self, token: str) -> None:
        """Somebody has signed out."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["close_session"], hashed(token))


def hashed(secret: str) -> bytes:
    """SHA-256 of a secret with enough randomness of its own."""
    return hashlib.sha256(secret.encode()).digest()


def _minted(entropy: bytes) -> tuple[str, str]:
    if len(entropy) != 38:
        raise ValueError("a key takes 38 random bytes")
    id_ = entropy[:6].hex()
    return id_, f"cdk_{id_}_{base64.urlsafe_b64encode(entropy[6:]).decode().rstrip('=')}"


async def _put_key(connection: Any, key: ApiKey, secret: str) -> None:
    await connection.execute(
        SQL["put_api_key"],
        key.id,
        key.family,
        hashed(secret),
        key.name,
        key.role,
        key.partner,
        key.scopes,
        key.created_at,
        key.created_by,
        key.expires_at,
    )


def _key_of(row: Any) -> ApiKey:
    return ApiKey(**{name: row[name] for name in ApiKey.__struct_fields__})


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
