"""What those who keep the business running look at, page by page, and what they do about it. Every read takes `only`: None sees all, a partner's id its rows alone.

Lists go on behind the last row seen, by an index; filters are arguments of the statement. Writes hold the row they are about, so that of two who act on what they saw the
second is told.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.facts import Fact, lane_of
from crossdock.store.database import Database
from crossdock.store.log import append
from crossdock.store.queries import SQL

Row = dict[str, Any]

LAST = datetime(9999, 12, 31, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
GREATEST = 2**63 - 1
"""Before the first row of a list, whichever way it runs."""


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of exceptions is narrowed by; None does not. assignee: "" for those that nobody has taken on. snoozed: False leaves them out, True shows only them."""

    partner: str | None = None
    cause: str | None = None
    category: str | None = None
    key: str | None = None
    assignee: str | None = None
    opened_before: datetime | None = None
    opened_after: datetime | None = None
    snoozed: bool | None = False


class Owing(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of obligations is narrowed by; None does not."""

    partner: str | None = None
    to: str | None = None
    by: str | None = None
    kind: str | None = None
    status: str | None = None
    due_before: datetime | None = None
    key: str | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody does about an exception. action: assign (to `assignee`, "" to give it back), comment (`note`), snooze (`until`, and why), wake, decide (`accept`, and why)."""

    action: str
    who: str
    note: str = ""
    assignee: str = ""
    until: datetime | None = None
    accept: bool | None = None


class Changed(Exception):
    """It is not what the caller saw; nothing was done."""


def _both(asked: str | None, only: str | None) -> str | None:
    """The partner to narrow by. Raises LookupError when another's rows are asked for."""
    if only is None:
        return asked
    if asked is not None and asked != only:
        raise LookupError(asked)
    return only


class Operations:
    """Questions and actions on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: str, *arguments: Any) -> list[Row]:
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]

    def lane(self, key: str) -> int:
        """The lane of a key."""
        return lane_of(key, self._database.lanes)

    # --- processes ---

    async def owner(self, key: str, only: str | None) -> Row | None:
        """A process's kind and partner; None where there is no such process, or it is not theirs to see."""
        rows = await self._rows("owner_of", self.lane(key), key, only)
        return rows[0] if rows else None

    # --- obligations ---

    async def obligations(
        self, by: Owing, only: str | None, after: tuple[datetime | None, str] | None, limit: int
    ) -> list[Row]:
        """Open obligations, the earliest due first, then those without a due time. A row's due time and id are its place."""
        try:
            partner = _both(by.partner, only)
        except LookupError:
            return []
        found: list[Row] = []
        if after is None or after[0] is not None:
            due, id_ = (after[0], after[1]) if after is not None else (FIRST, "")
            narrowed = (partner, by.to, by.by, by.kind, by.status, by.due_before, by.key)
            found = await self._rows("obligations_dated", due, id_, *narrowed, limit)
        if len(found) < limit and by.due_before is None:
            id_ = after[1] if after is not None and after[0] is None else ""
            narrowed_undated = (partner, by.to, by.by, by.kind, by.status, by.key)
            found += await self._rows("obligations_undated", id_, *narrowed_undated, limit - len(found))
        return found

    # --- exceptions ---

    async def exceptions(
        self, by: Narrowed, only: str | None, after: tuple[datetime, str] | None, limit: int, now: datetime
    ) -> list[Row]:
        """Open exceptions, the newest first. A row's moment of opening and id are its place."""
        try:
            partner = _both(by.partner, only)
        except LookupError:
            return []
        at, id_ = after or (LAST, "")
        return await self._rows(
            "exceptions_page",
            at,
            id_,
            partner,
            by.cause,
            by.category,
            by.key,
            by.assignee,
            by.opened_before,
            by.opened_after,
            by.snoozed,
            now,
            limit,
        )

    async def exceptions_counted(
        self, partner: str | None, assignee: str | None, only: str | None, now: datetime
    ) -> list[Row]:
        """Open exceptions by category and cause, those with the most money at stake first."""
        try:
            return await self._rows("exceptions_counted", _both(partner, only), assignee, now)
        except LookupError:
            return []

    async def exception(self, id_: str, only: str | None, now: datetime) -> Row | None:
        """One exception with its history: each time it was open, and what people did. None where there is none, or it is not theirs to see."""
        async with self._database.pool.acquire() as connection:
            return await self._exception(connection, id_, only, now)

    async def _exception(self, connection: Any, id_: str, only: str | None, now: datetime) -> Row | None:
        for lane in self._lanes_of(id_):
            row = await connection.fetchrow(SQL["exception_by_id"], lane, id_, only, now)
            if row is not None:
                actions = await connection.fetch(SQL["actions_of"], lane, id_)
                intervals = await connection.fetch(SQL["intervals_of"], lane, id_)
                return {
                    **row,
                    "actions": [dict(each) for each in actions],
                    "intervals": [dict(each) for each in intervals],
                }
        return None

    def _lanes_of(self, id_: str) -> list[int]:
        """The lanes that something whose id begins with its process's key may stand in; a key may hold a slash."""
        parts = id_.split("/")
        return list(dict.fromkeys(self.lane("/".join(parts[:n])) for n in range(1, min(len(parts), 12))))

    async def act(
        self,
        id_: str,
        action: Action,
        only: str | None,
        now: datetime,
        seen: str | None = None,
        told: Callable[[Row], Sequence[Fact]] | None = None,
    ) -> tuple[Row, Row]:
        """Does something about an exception, in one transaction with the facts that `told` makes of it as it stands; gives it before and after. `seen`: the mark of it that
        the caller saw (see `mark_of`), None for whatever it is. Raises KeyError where there is none, Changed where it is another; what `told` raises undoes everything."""
        async with self._database.transaction() as connection:
            before = await self._exception(connection, id_, only, now)
            if before is None:
                raise KeyError(id_)
            await connection.fetch(SQL["lock_exception"], before["lane"], id_)
            before = await self._exception(connection, id_, only, now) or before
            if seen is not None and seen != mark_of(before):
                raise Changed(id_)
            facts = told(before) if told is not None else ()
            await connection.fetchval(
                SQL["act_on_exception"],
                before["lane"],
                id_,
                action.action,
                action.who,
                now,
                action.assignee,
                action.until,
                action.accept,
                action.note,
            )
            await append(connection, facts, self._database.lanes, now)
            after = await self._exception(connection, id_, only, now)
            assert after is not None
            return before, after

    # --- deliveries ---

    async def deliveries(
        self,
        only: str | None,
        after: int | None,
        limit: int,
        *,
        partner: str | None = None,
        system: str | None = None,
        document: str | None = None,
        status: str | None = None,
        stuck: bool = False,
    ) -> list[Row]:
        """Deliveries, the newest first; `stuck`: dead letters and refusals. A row's `sequence` is its place."""
        try:
            narrowed = _both(partner, only)
        except LookupError:
            return []
        query = "deliveries_stuck_page" if stuck or status in ("dead", "refused") else "deliveries_page"
        return await self._rows(query, GREATEST if after is None else after, narrowed, system, document, status, limit)

    async def deliveries_by_id(self, ids: Sequence[str], only: str | None) -> list[Row]:
        """These deliveries, those that there are and may be seen."""
        places = [(lane, id_) for id_ in dict.fromkeys(ids) for lane in self._lanes_of(id_)]
        return await self._rows("deliveries_by_id", [lane for lane, _ in places], [id_ for _, id_ in places], only)

    async def attempts(self, delivery: Row) -> list[Row]:
        """Every attempt at a delivery, with the message that was sent and the answer as it was kept."""
        return await self._rows("attempts_told", delivery["lane"], delivery["id"])

    # --- messages ---

    async def messages(
        self,
        only: str | None,
        after: int | None,
        limit: int,
        *,
        direction: str | None = None,
        channel: str | None = None,
        status: str | None = None,
    ) -> list[Row]:
        """Messages without their bytes, the newest first. A row's id is its place."""
        before = GREATEST if after is None else after
        if status == "held":
            if direction == "out":
                return []
            return await self._rows("messages_held_page", before, only, channel, limit)
        return await self._rows("messages_page", before, only, direction, channel, status, limit)

    async def may_see_message(self, id_: int, only: str | None) -> bool:
        """Whether a message tells of this partner's processes alone."""
        if only is None:
            return True
        async with self._database.pool.acquire() as connection:
            return bool(await connection.fetchval(SQL["message_is_of"], id_, only))

    async def resubmissions(self, message: int) -> list[Row]:
        """What a message stands in the place of, and what stands in its place."""
        return await self._rows("resubmissions_of", message)

    async def resubmit(
        self,
        original: int,
        data: bytes,
        who: str,
        reason: str,
        now: datetime,
        told: Callable[[Row, Sequence[str], int], Sequence[Fact]],
        readings: int | None = None,
    ) -> int:
        """Keeps `data` as a message in the place of a held one, to be read; gives its number. In the same transaction the facts that `told` makes of the original, the keys
        under which it was held, and the new number. Raises KeyError where there is no such received message, Changed where it is not held (any more), or was read again
        since the caller saw it (`readings`)."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_message"], original)
            if row is None or row["direction"] != "in":
                raise KeyError(original)
            if row["status"] != "held" or (readings is not None and row["readings"] != readings):
                raise Changed(row["status"])
            keys = [each["key"] for each in await connection.fetch(SQL["held_before"], [original])]
            attributes: dict[str, str] = msgspec.json.decode(row["attributes"])
            attributes["in-place-of"] = str(original)
            number: int = await connection.fetchval(
                SQL["put_in_place_of"],
                original,
                row["channel"],
                f"{row['source_id']}#in-place-of-{original}",
                hashlib.sha256(data).digest(),
                data,
                row["name"],
                row["content_type"],
                msgspec.json.encode(attributes).decode(),
                now,
                who,
                reason,
            )
            await append(connection, told(dict(row), keys, number), self._database.lanes, now)
            return number

    # --- reconciliation, versions ---

    async def runs(self, system: str | None, after: int | None, limit: int) -> list[Row]:
        """Comparisons of stock, the newest first. A row's id is its place."""
        return await self._rows("runs_page", GREATEST if after is None else after, system, limit)

    async def variances(self, system: str | None, status: str | None, after: str | None, limit: int) -> list[Row]:
        """Variances that stand. A row's key is its place."""
        rows = await self._rows("variances_page", after or "", system, status, limit)
        return [{**row, "evidence": [each for each in row["evidence"].split("\x1f") if each]} for row in rows]

    async def variance(self, key: str) -> Row | None:
        """One variance, None where there is none."""
        rows = await self._rows("variance_by_key", self.lane(key), key)
        return {**rows[0], "evidence": [e for e in rows[0]["evidence"].split("\x1f") if e]} if rows else None

    async def versions(self, after: int | None, limit: int) -> list[Row]:
        """Versions of the workspace, the newest first. A row's number is its place."""
        return await self._rows("versions_page", 2**31 - 1 if after is None else after, limit)


def mark_of(exception: Mapping[str, Any]) -> str:
    """By what an exception is known to be the same as it was seen: what it says, whether it is open, and what was done about it."""
    shown = [
        exception["revision"],
        exception["opened_at"],
        exception["closed_at"],
        exception["detail"],
        exception["cause"],
    ]
    return hashlib.blake2b(msgspec.json.encode(shown), digest_size=9).hexdigest()
