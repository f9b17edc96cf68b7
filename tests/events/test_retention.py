"""Events are kept for as long as the workspace says: swept behind that, never before a webhook was sent them, and whoever comes later is told so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crossdock.store.database import Database
from crossdock.store.events import Swept

from .receiving import Receiver, receiving
from .webhook_house import House

LONG = timedelta(days=100)
KEPT = timedelta(days=90)
TABLES = ("events", "webhook_deliveries", "webhook_attempts")


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    yield House(database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def sweep(house: House, at_once: int = 3) -> int:
    """Sweeps as a server does, batch by batch."""
    forgotten = 0
    while swept := await house.feed.sweep(house.now - KEPT, at_once):
        forgotten += swept
    return forgotten


async def counts(house: House) -> list[int]:
    """Rows of the tables that grow."""
    return [(await house.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in TABLES]


async def sequences(house: House, *where: Any, **more: Any) -> list[int]:
    kept, _, _ = await house.feed.after(*(where or (None,)), 100, **more)
    return [each.sequence for each in kept]


async def status(house: House, wanted: str, after: int | None = None) -> None:
    """An edit of the webhook's status."""
    stands = await house.store.get("sub_1")
    assert stands is not None
    assert await house.store.edit(replace(stands, status=wanted), stands.revision, house.now, after)


async def test_what_is_older_than_is_kept_is_swept_with_all_that_was_sent_of_it(
    house: House, receiver: Receiver
) -> None:
    await house.subscribe(receiver.url)
    await house.tell(7)
    await house.work()
    house.now += LONG
    await house.tell(2)
    await house.work()
    assert await counts(house) == [9, 9, 9]
    assert await sweep(house) == 7
    assert await counts(house) == [2, 2, 2]
    assert await sequences(house) == [8, 9]
    assert await sweep(house) == 0


async def test_nothing_young_is_swept(house: House) -> None:
    await house.tell(3)
    house.now += KEPT - timedelta(seconds=1)
    assert await sweep(house) == 0
    assert await sequences(house, 0) == [1, 2, 3]


@pytest.mark.parametrize("narrowed", [{}, {"key": "SO-1"}, {"only": "acme"}])
async def test_a_cursor_older_than_what_is_kept_raises_and_tells_the_first_that_stands(
    house: House, narrowed: dict[str, str]
) -> None:
    await house.tell(5)
    announced = house.now
    house.now += LONG
    await house.tell(2)
    await sweep(house)
    for cursor in (0, 4):
        with pytest.raises(Swept) as told:
            await house.feed.after(cursor, 10, **narrowed)  # type: ignore[arg-type]
        assert (told.value.cursor, told.value.since) == (5, announced)
    await house.feed.after(told.value.cursor, 10, **narrowed)  # type: ignore[arg-type]
    assert await sequences(house, 5) == [6, 7]
    with pytest.raises(Swept):
        await house.feed.before(announced)
    assert await house.feed.before(announced + timedelta(seconds=1)) == 5


async def test_when_all_is_swept_a_reader_that_had_read_all_goes_on(house: House) -> None:
    await house.tell(4)
    house.now += LONG
    await sweep(house)
    assert await sequences(house, 4) == []
    with pytest.raises(Swept):
        await house.feed.after(3, 10)
    await house.tell()
    assert await sequences(house, 4) == await sequences(house) == [5]


async def test_an_event_that_a_webhook_was_not_sent_yet_is_not_swept(house: House, receiver: Receiver) -> None:
    receiver.answer = lambda post: (500, {}, b"") if b'"SO-3"' in post.body else (200, {}, b"")
    await house.subscribe(receiver.url)
    await house.tell(5)
    await house.work()
    house.now += LONG
    assert await sweep(house) == 2
    receiver.answer = None
    await house.work()
    assert await sweep(house) == 3
    assert [post.body for post in receiver.posts if b'"SO-3"' in post.body][1:]


async def test_a_paused_webhook_is_sent_what_was_announced_however_long_ago(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    await status(house, "paused")
    await house.tell(3)
    house.now += LONG
    assert await sweep(house) == 0
    await status(house, "active")
    await house.work()
    assert len(receiver.posts) == 3
    assert await sweep(house) == 3


async def test_a_webhook_given_up_long_ago_holds_up_nothing_and_is_taken_up_only_by_who_knows_what_it_missed(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [(410, {}, b"")]
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    await house.tell(4)
    house.now += KEPT
    assert await sweep(house) == 0
    house.now += timedelta(days=1)
    await house.tell(2)
    assert await sweep(house) == 5
    stands = await house.store.get("sub_1")
    assert stands is not None
    assert (stands.status, stands.missed) == ("disabled", 5)
    with pytest.raises(Swept) as told:
        await status(house, "active")
    await status(house, "active", told.value.cursor)
    await house.work()
    assert [msgspec.json.decode(post.body)["subject"] for post in receiver.posts[1:]] == ["SO-6", "SO-7"]
    stands = await house.store.get("sub_1")
    assert stands is not None
    assert (stands.status, stands.missed) == ("active", 0)


async def test_what_is_not_kept_is_neither_redelivered_nor_begun_with(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    await house.tell(5)
    await house.work()
    house.now += LONG
    await house.tell(2)
    await house.work()
    await sweep(house)
    for first, last in ((0, 7), (5, 5), (5, 7)):
        with pytest.raises(Swept):
            await house.store.redeliver("sub_1", first, last, house.now)
    assert [status for status, _ in await house.deliveries()] == ["delivered"] * 2
    with pytest.raises(Swept):
        await house.subscribe(receiver.url, "sub_2", after=3)
    await house.subscribe(receiver.url, "sub_2", after=5)
    assert await house.store.redeliver("sub_1", 6, 7, house.now) == 2
    await house.work()
    assert len(receiver.posts) == 7 + 2 + 2


async def test_sweeping_beside_announcing_sending_and_reading_loses_nothing(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    read: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        cursor = 0
        while not done.is_set() or cursor < 60:
            kept, cursor, _ = await house.feed.after(cursor, 5)
            read.extend(each.sequence for each in kept)
            await asyncio.sleep(0.005)

    async def forget() -> None:
        while not done.is_set():
            # Whatever the reader has had is old.
            if read:
                (row,) = await house.rows(f"SELECT announced_at FROM events WHERE sequence = {read[-1]}") or [None]
                if row is not None:
                    await house.feed.sweep(row["announced_at"], 4)
            await asyncio.sleep(0.005)

    async def announce() -> None:
        for _ in range(20):
            house.now += timedelta(seconds=1)
            await house.tell(3)
            await house.work()
        done.set()

    await asyncio.wait_for(asyncio.gather(announce(), follow(), forget()), 60)
    assert read == list(range(1, 61))
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 60


async def test_two_do_not_sweep_at_once(house: House) -> None:
    await house.tell(6)
    house.now += LONG
    assert sum(await asyncio.gather(*(sweep(house, 2) for _ in range(3)))) == 6
    assert await counts(house) == [0, 0, 0]
