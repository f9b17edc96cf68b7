"""Signed webhooks over real HTTP: what is taken, what is refused, and that nobody is told 2xx before we have the
message."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectors.settings import Secret, SettingsError
from crossdock.connectors.webhook import WebhookReceiver, WebhookSource, webhook_spec
from crossdock.connectors.webhook.signature import (
    BadSignature,
    check_plain,
    check_standard,
    signing_key,
    standard_signature,
)
from crossdock.ports.inbound import Arrival

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
SECRETS = {"OLD": "whsec_" + base64.b64encode(b"old key of twenty-four b").decode(), "NEW": "a plain new secret"}
BODY = b'{"id": "evt_1", "type": "order.held"}'


def secrets(reference: Secret) -> str:
    return SECRETS[reference.env]


def source(**settings: Any) -> WebhookSource:
    table = {"secret": {"env": "NEW"}, "former_secret": {"env": "OLD"}, **settings}
    return WebhookSource("erp-events", webhook_spec(table, Path()), secrets, now=lambda: NOW)


def signed(body: bytes = BODY, id: str = "evt_1", stamp: str = STAMP, secret: str = "NEW") -> dict[str, str]:
    signature = standard_signature(signing_key(SECRETS[secret]), id, stamp, body)
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature,
        "content-type": "application/json",
    }


class Keeper:
    """Keeps whatever comes, after `delay` seconds."""

    def __init__(self, source: WebhookSource, delay: float = 0) -> None:
        self.kept: list[Arrival] = []
        self._source, self._delay = source, delay

    async def run(self) -> None:
        async for batch in self._source.arrivals():
            await asyncio.sleep(self._delay)
            self.kept.extend(batch)
            await self._source.keep(batch)


@asynccontextmanager
async def listening(source: WebhookSource, delay: float = 0) -> AsyncIterator[tuple[httpx.AsyncClient, Keeper]]:
    receiver = WebhookReceiver([source])
    await receiver.start()
    keeper = Keeper(source, delay)
    running = asyncio.create_task(keeper.run())
    async with httpx.AsyncClient(base_url=receiver.url, trust_env=False) as client:
        yield client, keeper
    await source.close()
    await running
    await receiver.stop()


async def post(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes = BODY, channel: str = "erp-events"
) -> httpx.Response:
    return await client.post(f"/{channel}", content=body, headers=headers)


async def test_a_signed_message_is_kept_before_its_sender_is_told() -> None:
    async with listening(source(), delay=0.2) as (client, keeper):
        posting = asyncio.create_task(post(client, signed()))
        await asyncio.sleep(0.1)
        assert not posting.done()
        assert (await posting).status_code == 204
    [arrival] = keeper.kept
    assert (arrival.source_id, arrival.data, arrival.received_at) == ("evt_1", BODY, NOW)
    assert "signature" not in str(arrival.attributes)


async def test_both_secrets_are_taken_while_they_are_changed_over_and_any_of_several_signatures() -> None:
    async with listening(source()) as (client, _):
        assert (await post(client, signed(secret="OLD"))).status_code == 204
        headers = signed()
        headers["webhook-signature"] = "v1,AAAA v1a,xyz " + headers["webhook-signature"]
        assert (await post(client, headers)).status_code == 204


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"webhook-signature": "v1,AAAA"}, "no v1 signature"),
        ({"webhook-signature": ""}, "are needed"),
        ({"webhook-id": "evt_2"}, "no v1 signature"),
        ({"webhook-timestamp": str(int(STAMP) - 301)}, "from our time"),
        ({"webhook-timestamp": str(int(STAMP) + 301)}, "from our time"),
        ({"webhook-timestamp": "now"}, "whole seconds"),
    ],
)
async def test_what_is_not_rightly_signed_is_refused_as_a_problem(change: dict[str, str], told: str) -> None:
    async with listening(source()) as (client, keeper):
        response = await post(client, {**signed(), **change})
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("application/problem+json")
    assert told in response.json()["detail"]
    assert keeper.kept == []


async def test_an_old_signature_with_a_fresh_timestamp_is_refused() -> None:
    headers = signed(stamp=str(int(STAMP) - 1000))
    async with listening(source()) as (client, _):
        assert (await post(client, {**headers, "webhook-timestamp": STAMP})).status_code == 401


async def test_a_changed_body_is_refused() -> None:
    async with listening(source()) as (client, _):
        assert (await post(client, signed(), BODY + b" ")).status_code == 401


async def test_a_long_body_an_unknown_channel_and_a_wrong_method_are_problems() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 100

    async with listening(source(body_bytes=500)) as (client, keeper):
        responses = [
            await post(client, signed(), b"x" * 501),
            await client.post("/erp-events", content=endless(), headers=signed()),
            await post(client, signed(), channel="nobody"),
            await client.get("/erp-events"),
        ]
    assert [response.status_code for response in responses] == [413, 413, 404, 405]
    for response in responses:
        assert response.headers["content-type"].startswith("application/problem+json")
        assert response.json()["status"] == response.status_code
    assert keeper.kept == []


async def test_a_message_that_is_not_kept_in_time_is_answered_503() -> None:
    async with listening(source(answer_seconds=0.1), delay=0.5) as (client, _):
        response = await post(client, signed())
    assert response.status_code == 503
    assert response.headers["retry-after"]


async def test_when_too_many_wait_the_next_is_told_to_come_again() -> None:
    async with listening(source(waiting=2), delay=1.5) as (client, _):
        responses = await asyncio.gather(*(post(client, signed(id=f"e{n}")) for n in range(5)))
    assert sorted(response.status_code for response in responses) == [204, 204, 503, 503, 503]


async def test_a_message_sent_twice_at_once_is_shown_with_one_id_and_both_senders_are_let_go() -> None:
    async with listening(source(), delay=0.1) as (client, keeper):
        responses = await asyncio.gather(*(post(client, signed()) for _ in range(2)))
    assert [response.status_code for response in responses] == [204, 204]
    assert {arrival.source_id for arrival in keeper.kept} == {"evt_1"}


async def test_closing_tells_those_who_wait_to_send_again() -> None:
    channel = source()
    receiver = WebhookReceiver([channel])
    await receiver.start()
    async with httpx.AsyncClient(base_url=receiver.url, trust_env=False) as client:
        posting = asyncio.create_task(post(client, signed()))
        await asyncio.sleep(0.2)
        await channel.close()
        assert (await posting).status_code == 503
        assert (await post(client, signed())).status_code == 503
    await receiver.stop()


GITHUB = {
    "scheme": "hmac-sha256",
    "header": "X-Hub-Signature-256",
    "prefix": "sha256=",
    "id_header": "X-GitHub-Delivery",
}
SHOPIFY = {"scheme": "hmac-sha256", "header": "X-Shopify-Hmac-Sha256", "prefix": "", "encoding": "base64"}


async def test_the_plain_hmac_of_github_and_shopify_is_taken() -> None:
    mac = hmac.new(b"a plain new secret", BODY, hashlib.sha256).digest()
    async with listening(source(**GITHUB)) as (client, keeper):
        headers = {"X-Hub-Signature-256": f"sha256={mac.hex()}", "X-GitHub-Delivery": "d-1"}
        assert (await post(client, headers)).status_code == 204
        assert (await post(client, headers, BODY + b"x")).status_code == 401
        assert (await post(client, {"X-GitHub-Delivery": "d-1"})).status_code == 401
    assert [arrival.source_id for arrival in keeper.kept] == ["d-1"]
    async with listening(source(**SHOPIFY)) as (client, keeper):
        assert (await post(client, {"X-Shopify-Hmac-Sha256": base64.b64encode(mac).decode()})).status_code == 204
    assert [arrival.source_id for arrival in keeper.kept] == ["sha256:" + hashlib.sha256(BODY).hexdigest()]


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """The example of the Standard Webhooks specification's libraries."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = standard_signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20), st.text(max_size=40))
def test_nothing_but_the_right_signature_is_taken_and_nothing_else_is_raised(
    body: bytes, id: str, stamp: str, given: str
) -> None:
    headers = {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": given, "x-hub-signature-256": given}
    with pytest.raises(BadSignature):
        check_standard([b"key"], headers, body, NOW.timestamp(), 300)
    with pytest.raises(BadSignature):
        check_plain([b"key"], headers, body, "X-Hub-Signature-256", "sha256=", "hex", "")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***"])
def test_a_secret_with_which_anybody_could_sign_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        WebhookSource("x", webhook_spec({"secret": {"env": "X"}}, Path()), lambda _: secret)


def test_settings_that_make_no_sense_are_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="did you mean `former_secret`"):
        webhook_spec({"secret": {"env": "X"}, "former_secre": {"env": "Y"}}, Path())
    with pytest.raises(SettingsError, match="required field `secret`"):
        webhook_spec({}, Path())
