"""Webhooks in the database: who is told of what, each delivery and each attempt. Implements `ports.events.Webhooks`.

A delivery is claimed under a row lock and a lease: two workers never send one at the same time, and one whose worker died is due again when the lease is over.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.facts import lane_of
from crossdock.ports.events import Attempted, Settlement
from crossdock.store.database import Database
from crossdock.store.events import kept_of, must_stand
from crossdock.store.queries import SQL

PLACES = 8
"""Deliveries to one webhook under way at once in a worker; one when it has failed FAILING times in a row."""

FAILING = 5
FILLED_AT_ONCE = 2000
REDELIVERED_AT_ONCE = 10_000
CAUSE = "subscription-disabled"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. types: as events keep them; () all. partner: whose events it is told; "" all. cursor: up to where the feed was queued for it.
    failures: in a row. previous_until: until when a secret that was replaced signs as well. missed: up to where events were swept before it was sent them; 0: none were."""

    id: str
    url: str
    types: tuple[str, ...]
    partner: str
    description: str
    status: str
    reason: str
    revision: int
    cursor: int
    failures: int
    succeeded_at: datetime | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    previous_until: datetime | None
    missed: int = 0


class WebhookDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event for a webhook. status: queued, sending, delivered, failed. attempts: of this `round`; a round begins when it is redelivered by hand."""

    sequence: int
    event: str
    type: str
    key: str
    status: str
    attempts: int
    round: int
    due_at: datetime
    first_at: datetime | None
    settled_at: datetime | None
    outcome: str


class WebhookAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a delivery. status: of HTTP, None when nothing came back. detail: the beginning of what was answered to a refusal."""

    round: int
    attempt: int
    started_at: datetime
    ended_at: datetime
    status: int | None
    outcome: str
    detail: str


def _subscription(row: Any) -> Subscription:
    return Subscription(**{**dict(row), "types": tuple(row["types"])})


def exception_of(subscription: str) -> str:
    """The id of the exception that says that a webhook was given up."""
    return f"{subscription}/disabled"


class WebhookStore:
    """Subscriptions, and what is sent to them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- subscriptions ---

    async def add(
        self,
        id_: str,
        url: str,
        secret: str,
        now: datetime,
        *,
        by: str,
        types: Sequence[str] = (),
        partner: str = "",
        description: str = "",
        after: int | None = None,
    ) -> Subscription:
        """A new webhook, told of what is announced behind `after`; None: from now on. Raises Swept."""
        async with self._database.transaction() as connection:
            must_stand(await connection.fetchrow(SQL["hold_feed_kept"]), after)
            cursor = await connection.fetchval(SQL["event_head"]) if after is None else after
            await connection.execute(
                SQL["add_subscription"], id_, url, list(types), partner, description, secret, cursor, now, by
            )
            return _subscription(await connection.fetchrow(SQL["subscription"], id_, None))

    async def get(self, id_: str, only: str | None = None) -> Subscription | None:
        """One webhook, if it is `only`'s; None for any."""
        async with self._database.pool.acquire() as connection:
            row = await connection.fetchrow(SQL["subscription"], id_, only)
            return _subscription(row) if row is not None else None

    async def all(self, only: str | None = None, after: str = "", limit: int = 100) -> list[Subscription]:
        """Webhooks in the order of their ids, those of one partner where `only` is given."""
        async with self._database.pool.acquire() as connection:
            return [_subscription(row) for row in await connection.fetch(SQL["subscriptions_list"], after, only, limit)]

    async def edit(self, edited: Subscription, revision: int, now: datetime, after: int | None = None) -> bool:
        """Writes url, types, description and status; False when it has another revision by now. Taken up again, its exception closes.

        after: it goes on behind this; None: where it stopped. Raises Swept for one that is not kept, and where it is taken up, has missed events, and `after` does not say
        that this is known.
        """
        async with self._database.transaction() as connection:
            missing = edited.status == "active" and edited.missed > 0 and after is None
            must_stand(await connection.fetchrow(SQL["hold_feed_kept"]), 0 if missing else after)
            found = await connection.fetchval(
                SQL["edit_subscription"],
                edited.id,
                revision,
                edited.url,
                list(edited.types),
                edited.description,
                edited.status,
                after,
            )
            if found is not None and edited.status == "active":
                await self._close_exception(connection, edited.id, now)
            return found is not None

    async def rotate(self, id_: str, secret: str, previous_until: datetime) -> bool:
        """A new secret; the one before signs as well until then."""
        async with self._database.transaction() as connection:
            return await connection.fetchval(SQL["rotate_secret"], id_, secret, previous_until) is not None

    async def delete(self, id_: str, now: datetime) -> bool:
        """Deletes a webhook with all that was sent to it."""
        async with self._database.transaction() as connection:
            await self._close_exception(connection, id_, now)
            return await connection.fetchval(SQL["delete_subscription"], id_) is not None

    async def _close_exception(self, connection: Any, id_: str, now: datetime) -> None:
        lane = lane_of(id_, self._database.lanes)
        await connection.execute(SQL["close_exceptions"], [lane], [exception_of(id_)], now)

    # --- what was sent ---

    async def redeliver(self, id_: str, first: int, last: int, now: datetime) -> int:
        """Queues events of the feed once more, or for the first time, at most REDELIVERED_AT_ONCE; returns how many. Raises Swept where the first of them is not kept."""
        async with self._database.transaction() as connection:
            must_stand(await connection.fetchrow(SQL["hold_feed_kept"]), max(0, first - 1))
            status = await connection.execute(SQL["redeliver"], id_, first, last, now, REDELIVERED_AT_ONCE)
            return int(status.rsplit(" ", 1)[1])

    async def deliveries(
        self, id_: str, before: int | None = None, status: str | None = None, limit: int = 100
    ) -> list[WebhookDelivery]:
        """Deliveries of a webhook, the latest events first."""
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["webhook_deliveries_list"], id_, before, status, limit)
            return [WebhookDelivery(**row) for row in rows]

    async def attempts(self, id_: str, sequence: int) -> list[WebhookAttempt]:
        """Every attempt at one delivery."""
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["webhook_attempts_list"], id_, sequence)
            return [WebhookAttempt(**row) for row in rows]

    # --- sending ---

    async def fill(self, now: datetime) -> int:
        async with self._database.repeatable() as connection:
            head = await connection.fetchval(SQL["event_head"])
            status: str = await connection.execute(SQL["fill_webhooks"], head, FILLED_AT_ONCE, now, FAILING)
            return int(status.rsplit(" ", 1)[1])

    async def claim(self, busy: Mapping[str, int], now: datetime, lease_until: datetime) -> list[Attempted]:
        async with self._database.repeatable() as connection:
            rows = await connection.fetch(
                SQL["claim_webhooks"], now, lease_until, list(busy), list(busy.values()), PLACES, FAILING
            )
        return [
            Attempted(
                subscription=row["subscription"],
                attempt=row["attempts"],
                round=row["round"],
                first_at=row["first_at"],
                url=row["url"],
                secret=row["secret"],
                previous=row["previous_secret"] if (row["previous_until"] or now) > now else None,
                kept=kept_of(row),
            )
            for row in rows
        ]

    async def settle(self, settlements: Sequence[Settlement], now: datetime) -> None:
        rows = [
            (
                s.attempted.subscription,
                s.attempted.kept.sequence,
                s.attempted.attempt,
                s.attempted.round,
                s.status,
                s.due_at,
                s.outcome,
                s.started_at,
                s.ended_at,
                s.answered.status,
                s.answered.detail,
            )
            for s in settlements
        ]
        async with self._database.transaction() as connection:
            await connection.execute(SQL["settle_webhooks"], rows)
            for s in settlements:
                if s.disable:
                    await self._disable(connection, s, now)

    async def _disable(self, connection: Any, s: Settlement, now: datetime) -> None:
        """Gives it up, unless it has taken something else since the first attempt; 410 counts whatever it took. People see it as an exception."""
        id_, gone = s.attempted.subscription, s.answered.status == 410
        since = None if gone else s.attempted.first_at - timedelta(microseconds=1)
        if await connection.fetchval(SQL["disable_subscription"], id_, s.disable, now, since) is None:
            return
        await connection.execute(
            SQL["open_exceptions"],
            [lane_of(id_, self._database.lanes)],
            [exception_of(id_)],
            [id_],
            ["transport"],
            [CAUSE],
            [f"webhook {id_} to {s.attempted.url} is given up: {s.disable}"],
            ["mend the receiver, then resume it (`crossdock subscriptions resume`) and redeliver what failed"],
            [id_],
            [""],
            [None],
            now,
        )
