"""Notify: events become deliveries to webhooks, each sent until it is taken or its schedule has run out. At least once; a receiver knows a double by its `webhook-id`.

Each webhook has a few places of its own, one while it fails, so that one that is dead slows nobody. Order is not promised: what failed comes later than what followed it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from crossdock.events import cloud_event, signing
from crossdock.events.retrying import GONE, retry_seconds
from crossdock.ports.events import Answered, Attempted, Settlement, Webhooks, WebhookSender

LEASE_SECONDS = 60.0
"""After which a delivery that a worker took is due again: longer than any attempt lasts."""

UNDER_WAY = 64
"""Attempts at once in one worker."""

_log = structlog.get_logger(__name__)


def settled(attempted: Attempted, answered: Answered, began: datetime, ended: datetime, random: float) -> Settlement:
    """What an answer comes to. Any 2xx takes the event; 410 says that nobody will ever; everything else is tried again as long as the schedule lasts. Pure."""
    status, disable, due_at = "queued", "", None
    if answered.status is not None and 200 <= answered.status < 300:
        status, outcome = "delivered", "delivered"
    else:
        outcome = f"HTTP {answered.status}" if answered.status is not None else answered.detail or "no answer"
        wait = retry_seconds(attempted.attempt, random, answered.after_seconds)
        if answered.status == GONE:
            status, disable = "failed", "the receiver answered 410 Gone"
        elif wait is None:
            status, disable = "failed", f"nothing was taken since {attempted.first_at:%Y-%m-%d %H:%M} UTC: {outcome}"
        else:
            due_at = ended + timedelta(seconds=wait)
    return Settlement(
        attempted=attempted,
        status=status,
        outcome=outcome,
        answered=answered,
        started_at=began,
        ended_at=ended,
        due_at=due_at,
        disable=disable,
    )


class Notify:
    """Sends what is due. `step` takes and starts, `settle` writes down what has ended; `ended` is called whenever something has."""

    def __init__(
        self,
        webhooks: Webhooks,
        sender: WebhookSender,
        clock: Callable[[], datetime],
        random: Callable[[], float],
        ended: Callable[[], None] = lambda: None,
        besides: Callable[[Attempted], Mapping[str, str]] = lambda _: {},
    ) -> None:
        """besides: headers that a call is to have beside those that sign it."""
        self._webhooks, self._sender, self._clock, self._random, self._ended = webhooks, sender, clock, random, ended
        self._besides = besides
        self._busy: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: list[Settlement] = []

    async def step(self) -> bool:
        """Queues what was announced, takes what is due and starts sending it; says whether there was anything."""
        now = self._clock()
        did = await self._webhooks.fill(now)
        if len(self._tasks) < UNDER_WAY:
            claimed = await self._webhooks.claim(self._busy, now, now + timedelta(seconds=LEASE_SECONDS))
            for attempted in claimed:
                self._busy[attempted.subscription] = self._busy.get(attempted.subscription, 0) + 1
                task = asyncio.create_task(self._send(attempted), name=f"webhook {attempted.subscription}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            did += len(claimed)
        return bool(did)

    async def _send(self, attempted: Attempted) -> None:
        began = self._clock()
        body = cloud_event(attempted.kept)
        secrets = [attempted.secret, *([attempted.previous] if attempted.previous else [])]
        headers = signing.headers(attempted.kept.event.id, body, secrets, int(began.astimezone(UTC).timestamp()))
        try:
            answered = await self._sender.send(attempted.url, {**self._besides(attempted), **headers}, body)
        except Exception as error:
            _log.warning("a webhook's sender failed", subscription=attempted.subscription, error=type(error).__name__)
            answered = Answered(None, f"{type(error).__name__} on our side")
        self._done.append(settled(attempted, answered, began, self._clock(), self._random()))
        self._busy[attempted.subscription] -= 1
        self._ended()

    async def settle(self) -> bool:
        """Writes down what has ended; says whether anything had."""
        done, self._done = self._done, []
        if not done:
            return False
        try:
            await self._webhooks.settle(done, self._clock())
        except BaseException:
            # Not lost: the next round writes it.
            self._done = done + self._done
            raise
        return True

    async def drain(self, seconds: float) -> None:
        """Lets what is under way end, for so long at the most, and writes it down. What does not end is due again when its lease is over."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.settle()

    async def close(self) -> None:
        """Closes the sender."""
        await self._sender.close()
