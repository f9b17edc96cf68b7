"""What the dashboard reads: the board of Today, search by any reference, lists of orders, saved filters. Nothing here asks every order.

What is open is read by indexes of what is open. Figures over time are counted as the log grows. The board is worked out by one server at a time and kept,
so that a page costs one row however many look. `only` narrows to one partner's rows; None sees all.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.store.database import Database
from crossdock.store.queries import SQL

Row = dict[str, Any]

BOARD_LOCK = 0x424F4152
FACTS_A_LANE = 5_000
"""Facts of each lane that one round counts."""
FIRST_FACTS_A_LANE = 50_000
"""Of a log that has never been counted, so much of its end is."""
KEPT = timedelta(hours=26)
RATE_WINDOW = timedelta(minutes=5)
LOOKED_AT = 400
"""How many names of each kind of match a search looks at, at most."""
MILESTONES = (
    "waiting-for-order",
    "received",
    "accepted",
    "in-erp",
    "released",
    "partly-shipped",
    "shipped",
    "invoiced",
)
"""Of an order in flight, in order."""


class Late(msgspec.Struct):
    """What is late on one side: us, or others. amount in the company's currency as far as it is known."""

    count: int = 0
    amount: Decimal = Decimal(0)
    oldest: datetime | None = None
    soon: int = 0
    soon_amount: Decimal = Decimal(0)


class Owed(msgspec.Struct):
    """One obligation that is late."""

    id: str
    key: str
    kind: str
    debtor: str
    creditor: str
    status: str
    due_at: datetime
    blocked_by: list[str]
    subject: str
    amount: Decimal | None


class Health(msgspec.Struct):
    """How one system does. sent, accepted, came: in the last five minutes; seconds: of the other side's answers; waiting: what is to be sent; stuck: dead letters."""

    system: str
    breaker: str = ""
    detail: str = ""
    seen_at: datetime | None = None
    sent: int = 0
    accepted: int = 0
    median_seconds: float | None = None
    slow_seconds: float | None = None
    came: int = 0
    came_at: datetime | None = None
    waiting: int = 0
    waiting_since: datetime | None = None
    stuck: int = 0


class Cause(msgspec.Struct):
    """Open exceptions of one cause."""

    category: str
    cause: str
    count: int
    amount: Decimal | None
    oldest: datetime


class Board(msgspec.Struct):
    """Today, as of `at`. by_hour: exceptions opened in each of the last 24 hours, the present one last; throughput: facts in each of the last 60 minutes by type;
    behind: facts recorded and not folded yet; sources: when each system that tells stock was heard last."""

    at: datetime
    in_flight: dict[str, int]
    ours: Late
    theirs: Late
    late_ours: list[Owed]
    late_theirs: list[Owed]
    systems: list[Health]
    causes: list[Cause]
    by_hour: list[int]
    throughput: dict[str, list[int]]
    sources: dict[str, datetime | None]
    held: int
    unread: int
    set_aside: int
    behind: int
    took_ms: float = 0.0


class Reading:
    """Questions to one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: str, *arguments: Any) -> list[Row]:
        async with self._database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]

    # --- Today ---

    async def board(self) -> Board | None:
        """The board as it was last worked out; None before the first."""
        rows = await self._rows("board")
        return msgspec.json.decode(rows[0]["figures"], type=Board) if rows else None

    async def work_out_board(self, now: datetime) -> Board | None:
        """Works the board out and keeps it; None when another server is at it."""
        async with self._database.repeatable() as connection:
            if not await connection.fetchval(SQL["try_lock_board"], BOARD_LOCK):
                return None
            began = time.monotonic()
            await connection.fetchval(SQL["count_throughput"], FACTS_A_LANE, FIRST_FACTS_A_LANE)
            await connection.execute(SQL["forget_throughput"], now - KEPT)
            board = await _board(connection, now)
            board.took_ms = 1000 * (time.monotonic() - began)
            await connection.execute(SQL["put_board"], now, msgspec.json.encode(board), board.took_ms)
        return board

    async def in_flight(self, only: str | None) -> dict[str, int]:
        """Orders that are not complete, by milestone."""
        return {row["milestone"]: row["count"] for row in await self._rows("in_flight", only)}

    async def causes(self, assignee: str | None, now: datetime) -> list[Row]:
        """Open exceptions by category and cause, of whoever they belong to: count, amount, oldest, assigned, snoozed. Asks no order."""
        return await self._rows("trouble_cared_for", now, assignee)

    # --- search and lists ---

    async def search(self, text: str, only: str | None, limit: int = 20) -> list[Row]:
        """Processes that a reference leads to, the best match first: value, kind, key, rank (0 whole, 1 begins so, 2 ends so), process, milestone, partner, summary, updated_at."""
        text = text.strip()
        if not text:
            return []
        spellings = list(dict.fromkeys((text, text.upper(), text.lower())))
        backwards = [each[::-1] for each in spellings] if len(text) >= 3 else []
        rows = await self._rows(
            "search_references",
            spellings,
            spellings,
            [_beyond(each) for each in spellings],
            backwards,
            [_beyond(each) for each in backwards],
            only,
            LOOKED_AT,
            limit,
        )
        return [{**row, "summary": msgspec.json.decode(row["summary"])} for row in rows]

    async def orders(
        self,
        only: str | None,
        partners: Sequence[str],
        milestone: str | None = None,
        after: tuple[datetime, str] | None = None,
        limit: int = 50,
    ) -> list[Row]:
        """The newest orders of these partners; `milestone`: only those that stand there (of complete ones, all). A row's created_at and key are its place."""
        at, key = after or (datetime(9999, 1, 1, tzinfo=UTC), "")
        chosen = list(partners) if only is None else [only]
        if milestone is not None and milestone != "complete":
            rows = await self._rows("orders_standing", chosen, milestone, at, key, limit)
        else:
            rows = await self._rows("orders_newest", chosen, at, key, limit)
        return [{**row, "summary": msgspec.json.decode(row["summary"])} for row in rows]

    # --- saved filters ---

    async def filters(self, person: str) -> list[Row]:
        """What somebody has saved: name and query."""
        return await self._rows("filters_of", person)

    async def save_filter(self, person: str, name: str, query: str) -> None:
        """Saves a filter, over an earlier one of that name."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["put_filter"], person, name, query)

    async def drop_filter(self, person: str, name: str) -> None:
        """Forgets a filter."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["drop_filter"], person, name)


def _beyond(prefix: str) -> str:
    """The end of the range of all that begins with `prefix`, byte by byte."""
    return prefix + "\U0010ffff"


async def _board(connection: Any, now: datetime) -> Board:
    async def rows(query: str, *arguments: Any) -> list[Row]:
        return [dict(row) for row in await connection.fetch(SQL[query], *arguments)]

    sides = {True: Late(), False: Late()}
    for row in await rows("owed_late", now):
        side = sides[row["ours"]]
        side.count, side.amount, side.oldest = row["count"], row["amount"] or Decimal(0), row["oldest"]
    for row in await rows("owed_soon", now, now + timedelta(hours=24)):
        sides[row["ours"]].soon, sides[row["ours"]].soon_amount = row["count"], row["amount"] or Decimal(0)
    lanes = await rows("vital_lanes")
    unread = await rows("vital_unread")
    hour, minute = now.replace(minute=0, second=0, microsecond=0), now.replace(second=0, microsecond=0)
    opened = {row["hour"]: row["count"] for row in await rows("trouble_by_hour", hour - timedelta(hours=23))}
    told: dict[str, list[int]] = {}
    for row in await rows("throughput_since", minute - timedelta(minutes=59)):
        place = 59 - int((minute - row["minute"]).total_seconds() // 60)
        if 0 <= place < 60:
            told.setdefault(row["type"], [0] * 60)[place] = row["count"]
    return Board(
        at=now,
        in_flight={row["milestone"]: row["count"] for row in await rows("in_flight", None)},
        ours=sides[True],
        theirs=sides[False],
        late_ours=[Owed(**row) for row in await rows("latest_owed", now, True, 8)],
        late_theirs=[Owed(**row) for row in await rows("latest_owed", now, False, 8)],
        systems=await _systems(rows, now),
        causes=[Cause(**row) for row in await rows("trouble_now")],
        by_hour=[opened.get(hour - timedelta(hours=back), 0) for back in range(23, -1, -1)],
        throughput=told,
        sources={row["system"]: row["heard_at"] for row in await rows("vital_sources")},
        held=sum(row["count"] for row in await rows("vital_held")),
        unread=unread[0]["count"],
        set_aside=(await rows("vital_set_aside"))[0]["count"],
        behind=sum(row["head"] - row["position"] for row in lanes),
    )


async def _systems(rows: Any, now: datetime) -> list[Health]:
    found: dict[str, Health] = {}

    def of(system: str) -> Health:
        return found.setdefault(system, Health(system))

    for row in await rows("healths"):
        of(row["system"]).breaker, of(row["system"]).detail = row["breaker"], row["detail"]
        of(row["system"]).seen_at = row["updated_at"]
    for row in await rows("vital_deliveries"):
        health = of(row["system"])
        if row["status"] == "dead":
            health.stuck += row["count"]
        else:
            health.waiting += row["count"]
            if row["due_since"] is not None and row["due_since"] < now:
                health.waiting_since = row["due_since"]
    for row in await rows("answered_since", now - RATE_WINDOW):
        health = of(row["system"])
        health.sent, health.accepted = row["count"], row["accepted"]
        health.median_seconds, health.slow_seconds = row["median_seconds"], row["slow_seconds"]
    for row in await rows("came_since", now - RATE_WINDOW):
        of(row["channel"]).came, of(row["channel"]).came_at = row["count"], row["latest"]
    return [found[name] for name in sorted(found)]
