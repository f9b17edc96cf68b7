"""A worker folds, announces and calls: from a fact in the log to a post at a receiver, with nothing between them but the worker's own loops."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from play import AGREEMENT, order

from crossdock.connectors.events.guard import Allowed
from crossdock.connectors.events.sender import HttpWebhookSender
from crossdock.events import signing
from crossdock.facts import Fact
from crossdock.flow.notify import Notify
from crossdock.run.worker import Worker
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.webhooks import WebhookStore

from .receiving import receiving


def clock() -> datetime:
    return datetime.now(UTC)


async def test_a_worker_tells_a_receiver_of_an_order_and_of_stock(database: Database) -> None:
    store = WebhookStore(database)

    def agreements(partner: str, version: int) -> Any:
        return AGREEMENT

    async with receiving() as receiver:
        await store.add("sub_1", receiver.url, signing.secret_of(bytes(24)), clock(), by="test")
        async with database.transaction() as connection:
            await connection.execute(
                "INSERT INTO stock (item, site, storage, changed_at) VALUES ('ITEM-1', 'EAST', 4, now())"
            )
        log = FactLog(database)
        worker = Worker(MessageInbox(database), log, DeliveryOutbox(database), {}, [], agreements, clock)
        worker.announce_to(EventFeed(database))
        sender = HttpWebhookSender(Allowed(http=True, private=True))
        worker.notify_by(lambda ended: Notify(store, sender, clock, lambda: 0.0, ended))
        working = asyncio.create_task(worker.run())
        fact = Fact(key="SO-1", data=order(), source="shop", source_id="1", occurred_at=clock())
        await log.record([fact], clock())

        def told() -> set[str]:
            return {msgspec.json.decode(post.body)["type"] for post in receiver.posts}

        wanted = {
            "crossdock.order.received.v1",
            "crossdock.demand.accepted.v1",
            "crossdock.stock.available-changed.v1",
        }
        async with asyncio.timeout(60):
            while not wanted <= told():  # noqa: ASYNC110 - a receiver rings nobody
                await asyncio.sleep(0.02)
        worker.end()
        await asyncio.wait_for(working, 30)
        assert {d.status for d in await store.deliveries("sub_1")} == {"delivered"}
