"""A feed with webhooks on a real PostgreSQL, and a clock that tests move."""

from datetime import UTC, datetime
from typing import Any

from crossdock.connectors.events.guard import Allowed
from crossdock.connectors.events.sender import HttpWebhookSender
from crossdock.events import signing
from crossdock.events.event import event
from crossdock.events.types import OrderClosed
from crossdock.flow.notify import Notify
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.store.webhooks import WebhookStore

SECRET = signing.secret_of(bytes(range(24)))
HERE = Allowed(http=True, private=True)


class House:
    """A feed, its webhooks, and a clock that tests move."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, datetime.now(UTC).replace(microsecond=0)
        self.feed, self.store = EventFeed(database), WebhookStore(database)
        self.notify = self.worker()
        self._told = 0

    def worker(self) -> Notify:
        """One more worker that sends."""
        return Notify(self.store, HttpWebhookSender(HERE), lambda: self.now, lambda: 0.0)

    async def subscribe(self, url: str, id_: str = "sub_1", **more: Any) -> None:
        await self.store.add(id_, url, more.pop("secret", SECRET), self.now, by="test", **more)

    async def tell(self, count: int = 1, partner: str = "acme") -> None:
        """Announces events of closed orders."""
        events = []
        for _ in range(count):
            self._told += 1
            key = f"SO-{self._told}"
            said = OrderClosed(order=key, purchase_order="1", customer=partner, outcome="complete")
            events.append(event(f"test:{key}", said, key, self.now, partner))
        async with self.feed.announcing() as held:
            assert held is not None
            await held.save(events, self.now)

    async def work(self, *workers: Notify) -> None:
        """Sends all that is due, and writes down what became of it."""
        workers = workers or (self.notify,)
        did = True
        while did:
            did = any([await worker.step() for worker in workers])
            for worker in workers:
                await worker.drain(20)

    async def deliveries(self, id_: str = "sub_1") -> list[tuple[str, int]]:
        """(status, attempts) of each delivery, the latest first."""
        return [(d.status, d.attempts) for d in await self.store.deliveries(id_)]

    async def rows(self, query: str) -> list[Any]:
        async with self.database.pool.acquire() as connection:
            return list(await connection.fetch(query))
