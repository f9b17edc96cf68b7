"""A worker on a PostgreSQL that is killed under it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from play import AGREEMENT, order

from crossdock.facts import Fact
from crossdock.facts.order import CreditAnswered
from crossdock.flow.dispatch import Dispatch
from crossdock.ports.inbound import Arrival
from crossdock.ports.outbound import Absent, Accepted, Delivery, Pace, Transmission
from crossdock.ports.translation import Composition, Message, Reading
from crossdock.run.pacing import SystemPacing
from crossdock.run.worker import Worker
from crossdock.store.database import UNREACHABLE, Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.outbox import DeliveryOutbox


class OrderReader:
    """Each message is the number of an order."""

    def read(self, message: Message) -> Iterator[Reading]:
        key = message.data.decode()
        fact = Fact(
            key=key,
            data=order(purchase_order=key),
            source=message.channel,
            source_id=key,
            occurred_at=message.received_at,
            message=message.id,
        )
        yield Reading(facts=(fact,))


class Erp:
    """Says no to every credit, so that nothing follows; remembers, and can be asked."""

    system = "erp"

    def __init__(self) -> None:
        self.had: list[str] = []
        self.first = asyncio.Event()

    async def send(self, transmission: Transmission) -> Accepted:
        self.had.append(transmission.name)
        self.first.set()
        return Accepted({"approved": False})

    async def look_up(self, transmission: Transmission) -> Accepted | Absent:
        return Accepted({"approved": False}) if transmission.name in self.had else Absent()

    async def close(self) -> None:
        """Nothing to give up."""


class Requests:
    """One request a delivery, named by it."""

    def needs(self, deliveries: Sequence[Delivery]) -> dict[tuple[str, str], int]:
        return {}

    def compose(self, deliveries: Sequence[Delivery], numbers: Any, now: datetime) -> Composition:
        return Composition(
            transmissions=tuple(Transmission(name=d.id, data=d.content, deliveries=(d.id,)) for d in deliveries)
        )

    def settle(self, delivery: Delivery, control: str, answer: Any) -> CreditAnswered:
        return CreditAnswered(obligation=delivery.id, approved=answer["approved"])


def worker_on(database: Database, erp: Erp) -> Worker:
    clock = lambda: datetime.now(UTC)  # noqa: E731 - the real one, as wiring hands it in
    worker = Worker(
        MessageInbox(database),
        FactLog(database),
        DeliveryOutbox(database),
        {"shop": OrderReader()},
        [],
        lambda partner, version: AGREEMENT,
        clock,
    )
    pace = Pace(timeout_seconds=0.2)
    seconds = asyncio.get_running_loop().time
    pacing = SystemPacing(pace, lambda: 0.0, seconds())
    worker.dispatch_to(
        "erp",
        lambda settled, ended: Dispatch(
            erp, Requests(), DeliveryOutbox(database), pace, pacing, clock, seconds, settled, ended
        ),
    )
    return worker


@pytest.fixture
def server() -> Iterator[Embedded]:
    """A server of the test's own, to kill."""
    with tempfile.TemporaryDirectory(prefix="crossdock-kill-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        made = Embedded(Path(folder))
        yield made
        made.stop()


async def arrive(database: Database, *keys: str) -> None:
    """Orders come in, as often as it takes."""
    while True:
        try:
            await MessageInbox(database).keep(
                [Arrival(channel="shop", source_id=key, data=key.encode()) for key in keys], datetime.now(UTC)
            )
            return
        except UNREACHABLE:
            await asyncio.sleep(0.1)


async def met(database: Database) -> set[str]:
    try:
        async with database.pool.acquire() as connection:
            rows = await connection.fetch("SELECT key FROM obligations WHERE kind = 'credit-check' AND status = 'met'")
            return {row["key"] for row in rows}
    except UNREACHABLE:
        return set()


async def test_a_worker_goes_on_when_postgresql_was_killed_and_loses_and_doubles_nothing(server: Embedded) -> None:
    database = await connect(server.url)
    erp = Erp()
    worker = worker_on(database, erp)
    running = asyncio.create_task(worker.run())
    before, after = [f"SO-{n}" for n in range(30)], [f"SO-{n}" for n in range(30, 60)]
    await arrive(database, *before)
    await asyncio.wait_for(erp.first.wait(), 30)
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.sleep(0.5)
    assert not running.done()
    await asyncio.to_thread(server.restart)
    await arrive(database, *after)
    until = asyncio.get_running_loop().time() + 60
    while await met(database) != {*before, *after}:
        assert asyncio.get_running_loop().time() < until, "it does not go on"
        assert not running.done()
        await asyncio.sleep(0.1)
    worker.end()
    await asyncio.wait_for(running, 60)
    assert sorted(erp.had) == sorted(f"{key}/credit-check" for key in (*before, *after))
    await database.close()


async def test_a_worker_that_is_asked_to_end_settles_what_is_under_way(database: Database) -> None:
    erp = Erp()
    worker = worker_on(database, erp)
    running = asyncio.create_task(worker.run())
    await arrive(database, *(f"SO-{n}" for n in range(20)))
    await asyncio.wait_for(erp.first.wait(), 30)
    worker.end()
    await asyncio.wait_for(running, 60)
    async with database.pool.acquire() as connection:
        rows = await connection.fetch("SELECT id, status FROM deliveries WHERE status <> 'queued'")
    assert {row["status"] for row in rows} == {"accepted"}
    assert sorted(row["id"] for row in rows) == sorted(erp.had)
