"""Webhooks against real receivers and a real PostgreSQL: signed so that any Standard Webhooks library takes them, tried for days, given up with notice."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from crossdock.events import retrying, signing
from crossdock.flow.announce import announce_once
from crossdock.store.database import Database
from crossdock.store.webhooks import exception_of

from .receiving import Receiver, receiving
from .webhook_house import SECRET, House


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    yield House(database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def test_an_event_is_told_once_as_a_cloud_event(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    (post,) = receiver.posts
    told = msgspec.json.decode(post.body)
    assert (told["specversion"], told["type"], told["subject"]) == ("1.0", "crossdock.order.closed.v1", "SO-1")
    assert post.headers["content-type"] == "application/cloudevents+json"
    assert await house.deliveries() == [("delivered", 1)]
    await house.work()
    assert len(receiver.posts) == 1


async def test_a_standard_webhooks_library_takes_the_signature_and_refuses_a_body_that_was_touched(
    house: House, receiver: Receiver
) -> None:
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    (post,) = receiver.posts
    assert Webhook(SECRET).verify(post.body, post.headers)["subject"] == "SO-1"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(post.body.replace(b"SO-1", b"SO-2"), post.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.secret_of(bytes(24))).verify(post.body, post.headers)


async def test_while_a_secret_is_replaced_both_sign(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    newer = signing.secret_of(b"n" * 24)
    await house.store.rotate("sub_1", newer, house.now + timedelta(hours=24))
    await house.tell()
    await house.work()
    for secret in (SECRET, newer):
        assert Webhook(secret).verify(receiver.posts[0].body, receiver.posts[0].headers)
    house.now += timedelta(hours=25)
    await house.tell()
    await house.work()
    with pytest.raises(WebhookVerificationError, match="signature"):
        Webhook(SECRET).verify(receiver.posts[1].body, {**receiver.posts[1].headers, "webhook-timestamp": str(int(datetime.now(UTC).timestamp()))})  # fmt: skip


async def test_a_failure_is_tried_again_by_the_schedule_under_the_same_id(house: House, receiver: Receiver) -> None:
    receiver.answers = [(500, {}, b"broken"), (503, {}, b"")]
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    assert await house.deliveries() == [("queued", 1)]
    house.now += timedelta(seconds=4)
    await house.work()
    assert len(receiver.posts) == 1
    house.now += timedelta(seconds=1)
    await house.work()
    assert len(receiver.posts) == 2
    house.now += timedelta(minutes=5)
    await house.work()
    assert await house.deliveries() == [("delivered", 3)]
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 1
    attempts = await house.store.attempts("sub_1", 1)
    assert [(a.attempt, a.status, a.outcome) for a in attempts] == [
        (1, 500, "HTTP 500"),
        (2, 503, "HTTP 503"),
        (3, 204, "delivered"),
    ]
    assert attempts[0].detail == "broken"


async def test_retry_after_is_heeded(house: House, receiver: Receiver) -> None:
    receiver.answers = [(429, {"Retry-After": "120"}, b"")]
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    house.now += timedelta(seconds=110)
    await house.work()
    assert len(receiver.posts) == 1
    house.now += timedelta(seconds=11)
    await house.work()
    assert await house.deliveries() == [("delivered", 2)]


async def test_410_gone_gives_the_webhook_up_and_people_and_others_are_told(house: House, receiver: Receiver) -> None:
    receiver.answers = [(410, {}, b"")]
    await house.subscribe(receiver.url)
    await house.tell()
    await house.work()
    stands = await house.store.get("sub_1")
    assert stands is not None
    assert (stands.status, stands.reason) == ("disabled", "the receiver answered 410 Gone")
    (trouble,) = await house.rows("SELECT id, category, cause FROM exceptions WHERE closed_at IS NULL")
    assert tuple(trouble) == (exception_of("sub_1"), "transport", "subscription-disabled")
    await announce_once(house.feed, lambda partner, version: None, house.now)
    kept, _, _ = await house.feed.after(0, 100)
    assert {"subscription.disabled.v1", "exception.opened.v1"} <= {each.event.type for each in kept}
    await house.tell()
    await house.work()
    assert len(receiver.posts) == 1
    edited = msgspec.structs.replace(stands, status="active")
    assert await house.store.edit(edited, stands.revision, house.now)
    await house.work()
    assert not await house.rows("SELECT FROM exceptions WHERE closed_at IS NULL")
    assert "SO-2" in [msgspec.json.decode(post.body)["subject"] for post in receiver.posts]


async def test_a_webhook_that_takes_nothing_for_days_is_given_up_after_its_last_attempt(
    house: House, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {}, b"")
    await house.subscribe(receiver.url)
    await house.tell()
    began = house.now
    for _ in range(retrying.ATTEMPTS):
        await house.work()
        (due,) = await house.rows("SELECT due_at FROM webhook_deliveries")
        house.now = max(house.now, due[0])
    assert await house.deliveries() == [("failed", retrying.ATTEMPTS)]
    assert timedelta(days=3) < house.now - began < timedelta(days=4)
    stands = await house.store.get("sub_1")
    assert stands is not None and stands.status == "disabled"
    assert len(receiver.posts) == retrying.ATTEMPTS


async def test_a_webhook_that_takes_other_events_is_not_given_up_over_one(house: House, receiver: Receiver) -> None:
    receiver.answer = lambda post: (500, {}, b"") if b'"SO-1"' in post.body else (200, {}, b"")
    await house.subscribe(receiver.url)
    await house.tell()
    for _ in range(retrying.ATTEMPTS):
        await house.work()
        house.now += timedelta(days=1.3)
        await house.tell()
    stands = await house.store.get("sub_1")
    assert stands is not None and stands.status == "active"
    assert ("failed", retrying.ATTEMPTS) in await house.deliveries()


async def test_a_dead_webhook_slows_nobody(house: House, receiver: Receiver) -> None:
    async with receiving() as dead:
        dead.pause_seconds = 60
        await house.subscribe(dead.url, "sub_dead")
        await house.subscribe(receiver.url, "sub_good")
        await house.tell(40)

        async def until_taken() -> None:
            while len(receiver.posts) < 40:
                await house.notify.step()
                await asyncio.sleep(0.01)
                await house.notify.settle()

        await asyncio.wait_for(until_taken(), 10)
        assert len(dead.posts) <= 8
        await house.notify.drain(0)


async def test_a_failing_webhook_is_queued_for_no_further_until_it_takes_something(
    house: House, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (500, {}, b"")
    await house.subscribe(receiver.url)
    await house.tell(10)
    await house.work()
    await house.tell(10)
    await house.work()
    assert len(await house.deliveries()) == 10
    receiver.answer = None
    house.now += timedelta(seconds=6)
    await house.work()
    assert [status for status, _ in await house.deliveries()] == ["delivered"] * 20


async def test_two_workers_send_each_event_once(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    await house.tell(60)
    await asyncio.gather(house.work(), house.work(house.worker()), house.work(house.worker()))
    await house.work()
    assert len(receiver.posts) == 60
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 60


async def test_what_a_worker_took_and_did_not_end_is_due_again_when_its_lease_is_over(
    house: House, receiver: Receiver
) -> None:
    await house.subscribe(receiver.url)
    await house.tell()
    await house.store.fill(house.now)
    (taken,) = await house.store.claim({}, house.now, house.now + timedelta(seconds=60))
    assert taken.attempt == 1
    await house.work()
    assert receiver.posts == []
    house.now += timedelta(seconds=61)
    await house.work()
    assert await house.deliveries() == [("delivered", 2)]


async def test_only_wanted_types_and_only_the_partners_own_events_are_told(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url + "/acme", "sub_acme", partner="acme")
    await house.subscribe(receiver.url + "/types", "sub_types", types=["invoice.issued.v1"])
    await house.subscribe(receiver.url + "/all", "sub_all")
    await house.tell(partner="acme")
    await house.tell(partner="blue")
    await house.work()
    told = sorted((post.path, msgspec.json.decode(post.body)["subject"]) for post in receiver.posts)
    assert told == [("/hook/acme", "SO-1"), ("/hook/all", "SO-1"), ("/hook/all", "SO-2")]


async def test_a_paused_webhook_is_told_afterwards_what_it_missed(house: House, receiver: Receiver) -> None:
    await house.subscribe(receiver.url)
    stands = await house.store.get("sub_1")
    assert stands is not None
    assert await house.store.edit(msgspec.structs.replace(stands, status="paused"), 1, house.now)
    await house.tell(3)
    await house.work()
    assert receiver.posts == []
    assert not await house.store.edit(msgspec.structs.replace(stands, status="active"), 1, house.now)
    assert await house.store.edit(msgspec.structs.replace(stands, status="active"), 2, house.now)
    await house.work()
    assert len(receiver.posts) == 3


async def test_events_are_redelivered_by_hand_with_every_attempt_kept(house: House, receiver: Receiver) -> None:
    await house.tell(5)
    await house.subscribe(receiver.url)
    await house.tell(2)
    await house.work()
    assert len(receiver.posts) == 2
    assert await house.store.redeliver("sub_1", 3, 6, house.now) == 4
    await house.work()
    assert len(receiver.posts) == 6
    attempts = await house.store.attempts("sub_1", 6)
    assert [(a.round, a.attempt) for a in attempts] == [(0, 1), (1, 1)]


async def test_a_redirect_is_not_followed(house: House, receiver: Receiver) -> None:
    async with receiving() as elsewhere:
        receiver.answers = [(302, {"Location": elsewhere.url}, b"")]
        await house.subscribe(receiver.url)
        await house.tell()
        await house.work()
        assert elsewhere.posts == []
        assert await house.deliveries() == [("queued", 1)]


async def test_secrets_have_the_length_that_the_standard_asks_for() -> None:
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 24
    with pytest.raises(ValueError, match="24 random bytes"):
        signing.secret_of(bytes(10))
