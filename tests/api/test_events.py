"""Events by HTTP, on a real server: the feed and the stream, for each only what it may see; webhooks from subscribing to redelivering."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jsonschema
import pytest

from crossdock.events import TYPES
from crossdock.facts import Fact
from crossdock.flow.announce import announce_once
from crossdock.flow.fold import fold_once
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.store.log import FactLog
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook

from .conftest import Server, received

Clients = Callable[..., httpx.Client]


async def announce(database: Database) -> None:
    """What has been folded is announced."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    while await announce_once(EventFeed(database), book, datetime.now(UTC), 500):
        pass


async def tell(database: Database, key: str, partner: str, *data: Any) -> None:
    """Facts of an order are recorded, folded and announced."""
    book, now = AgreementBook(WorkspaceVersions(database)), datetime.now(UTC)
    await book.refresh()
    told = [
        Fact(key=key, data=each, source="test", source_id=f"{key}/told/{n}", occurred_at=now)
        for n, each in enumerate((received(partner, f"PO-{key}"), *data))
    ]
    await FactLog(database).record(told, now)
    while await fold_once(FactLog(database), book, now, 32, 500):
        pass
    await announce(database)


@pytest.fixture(scope="module", autouse=True)
def announced(server: Server) -> None:
    """The population's events."""
    server.ask(announce)


def whole(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """The feed, page by page to its end."""
    found: list[dict[str, Any]] = []
    after = query.pop("after", "0")
    while True:
        page = client.get("/v1/events", params={"after": after, **query}).raise_for_status().json()
        found += page["items"]
        after = page["next"]
        if not page["more"]:
            return found


def test_the_feed_is_read_page_by_page_without_gaps(client: Clients) -> None:
    admin = client("admin")
    events = whole(admin, limit=7)
    sequences = [int(e["sequence"]) for e in events]
    assert sequences == list(range(1, len(sequences) + 1))
    assert {"crossdock.order.received.v1", "crossdock.shipment.confirmed.v1"} <= {e["type"] for e in events}


def test_every_event_holds_to_its_served_schema(client: Clients) -> None:
    admin = client("admin")
    schemas = {}
    for event in whole(admin, limit=500):
        type_ = event["type"]
        if type_ not in schemas:
            answer = admin.get(event["dataschema"]).raise_for_status()
            assert answer.headers["content-type"].startswith("application/schema+json")
            schemas[type_] = answer.json()
        jsonschema.validate(event, schemas[type_])
    assert len(schemas) > 5


def test_a_reader_begins_where_it_likes(client: Clients) -> None:
    admin = client("admin")
    events = whole(admin)
    assert whole(admin, after=events[4]["sequence"]) == events[5:]
    assert whole(admin, types="crossdock.order.received.v1") == [
        e for e in events if e["type"] == "crossdock.order.received.v1"
    ]
    assert whole(admin, key="SO-A6") == [e for e in events if e["subject"] == "SO-A6"]
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    page = admin.get("/v1/events", params={"since": long_ago}).json()
    assert page["items"][0]["sequence"] == "1"
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert admin.get("/v1/events", params={"since": soon}).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"after": "nowhere"}, 400, "bad-cursor"),
        ({"after": str(2**63)}, 400, "bad-cursor"),
        ({"types": "crossdock.order.eaten.v1"}, 422, "invalid"),
        ({"limit": "0"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_read_is_answered_as_a_problem(
    client: Clients, query: dict[str, str], status: int, slug: str
) -> None:
    answer = client("admin").get("/v1/events", params=query)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (status, slug)


def test_a_partner_is_told_of_its_own_alone(client: Clients) -> None:
    everything, acme = whole(client("admin")), whole(client("partner", "acme"))
    assert acme == [e for e in everything if e.get("partner") == "acme"]
    assert acme
    assert whole(client("partner", "acme"), key="SO-B6") == []
    assert {e["type"].split(".")[1] for e in acme}.isdisjoint({"exception", "variance", "stock", "subscription"})


class Listening:
    """A stream that is read beside the test, until it has ended or enough has come."""

    def __init__(self, client: httpx.Client, enough: int, **more: Any) -> None:
        self.events: list[tuple[str, str, str]] = []
        self.opened = threading.Event()
        self.status = 0

        def read() -> None:
            with client.stream("GET", "/v1/events/stream", **more) as answer:
                self.status = answer.status_code
                told: dict[str, str] = {}
                for line in answer.iter_lines():
                    self.opened.set()
                    name, _, value = line.partition(": ")
                    if line == "" and "data" in told:
                        self.events.append((told["id"], told["event"], told["data"]))
                        told = {}
                        if len(self.events) >= enough:
                            return
                    elif name:
                        told[name] = value

        self._thread = threading.Thread(target=read, daemon=True)
        self._thread.start()
        assert self.opened.wait(10)

    def wait(self) -> list[tuple[str, str, str]]:
        """What has come when enough has."""
        self._thread.join(20)
        return self.events


def test_the_stream_goes_on_behind_the_last_event_that_a_reader_had(client: Clients) -> None:
    events = whole(client("admin"))
    heard = Listening(client("admin"), 3, headers={"Last-Event-ID": events[1]["sequence"]}).wait()
    assert [id_ for id_, _, _ in heard] == [e["sequence"] for e in events[2:5]]
    assert heard[0][1] == events[2]["type"]


def test_the_stream_tells_what_is_announced_as_it_is_and_to_a_partner_its_own(client: Clients, server: Server) -> None:
    heard = Listening(client("partner", "acme"), 1, params={"types": "crossdock.order.received.v1"})
    server.ask(lambda database: tell(database, "SO-STREAM-B", "blue"))
    server.ask(lambda database: tell(database, "SO-STREAM-A", "acme"))
    ((_, type_, data),) = heard.wait()
    assert type_ == "crossdock.order.received.v1"
    assert '"subject":"SO-STREAM-A"' in data


def test_an_unknown_cursor_of_the_stream_is_a_problem(client: Clients) -> None:
    assert client("admin").get("/v1/events/stream", headers={"Last-Event-ID": "x"}).status_code == 400


def test_the_asyncapi_document_names_every_type_and_every_reference_leads_somewhere(client: Clients) -> None:
    document = client("admin").get("/v1/asyncapi.json").raise_for_status().json()
    assert document["asyncapi"] == "3.0.0"
    assert {m["name"] for m in document["components"]["messages"].values()} == set(TYPES)

    def check(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                found = document
                for part in value["$ref"].removeprefix("#/").split("/"):
                    found = found[part]
            for each in value.values():
                check(each)
        elif isinstance(value, list):
            for each in value:
                check(each)

    check(document)
    listed = client("partner", "acme").get("/v1/schemas").json()
    assert [each["type"] for each in listed] == list(TYPES)


# --- Subscriptions ---

URL = "https://hooks.example.com/crossdock"


@pytest.fixture
def made(client: Clients) -> Iterator[dict[str, Any]]:
    """A webhook of nobody's in particular, and its secret."""
    answer = client("integration").post("/v1/subscriptions", json={"url": URL, "types": ["crossdock.order.closed.v1"]})
    assert answer.status_code == 201, answer.text
    yield answer.json()
    client("admin").delete(f"/v1/subscriptions/{answer.json()['subscription']['id']}")


def test_a_subscription_is_made_shown_edited_paused_and_deleted(client: Clients, made: dict[str, Any]) -> None:
    admin, id_ = client("admin"), made["subscription"]["id"]
    assert made["secret"].startswith("whsec_")
    seen = admin.get(f"/v1/subscriptions/{id_}")
    assert "secret" not in seen.text.replace(made["secret"], "secret")
    assert seen.json()["status"] == "active"
    assert admin.patch(f"/v1/subscriptions/{id_}", json={"status": "paused"}).status_code == 428
    etag = {"If-Match": seen.headers["etag"]}
    paused = admin.patch(f"/v1/subscriptions/{id_}", json={"status": "paused", "description": "tests"}, headers=etag)
    assert (paused.json()["status"], paused.json()["description"]) == ("paused", "tests")
    assert admin.patch(f"/v1/subscriptions/{id_}", json={"status": "active"}, headers=etag).status_code == 412
    assert id_ in [each["id"] for each in admin.get("/v1/subscriptions", params={"limit": 500}).json()["items"]]
    assert admin.delete(f"/v1/subscriptions/{id_}").status_code == 200
    assert admin.get(f"/v1/subscriptions/{id_}").status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "https://127.0.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/x",
        "https://2130706433/x",
        "https://user:word@hooks.example.com/x",
        "ftp://hooks.example.com/x",
        "nonsense",
    ],
)
def test_a_webhook_into_our_own_house_is_refused(client: Clients, url: str) -> None:
    answer = client("admin").post("/v1/subscriptions", json={"url": url})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/url")


def test_an_unknown_type_is_refused(client: Clients) -> None:
    answer = client("admin").post("/v1/subscriptions", json={"url": URL, "types": ["order.eaten"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/types")


def test_a_secret_is_replaced_and_shown_once(client: Clients, made: dict[str, Any]) -> None:
    id_ = made["subscription"]["id"]
    answer = client("admin").post(f"/v1/subscriptions/{id_}/secret", json={"overlap_hours": 2})
    assert answer.json()["secret"] != made["secret"]
    assert client("admin").get(f"/v1/subscriptions/{id_}").json()["previous_until"] is not None


def test_a_partner_sees_and_makes_webhooks_of_its_own_alone(client: Clients, made: dict[str, Any]) -> None:
    acme, blue, id_ = client("partner", "acme"), client("partner", "blue"), made["subscription"]["id"]
    assert acme.get(f"/v1/subscriptions/{id_}").status_code == 404
    assert acme.post("/v1/subscriptions", json={"url": URL, "partner": "blue"}).status_code == 422
    own = acme.post("/v1/subscriptions", json={"url": URL}).json()["subscription"]
    assert own["partner"] == "acme"
    for path in ("", "/deliveries", "/deliveries/1"):
        assert blue.get(f"/v1/subscriptions/{own['id']}{path}").status_code == 404
    assert blue.post(f"/v1/subscriptions/{own['id']}/redeliver", json={"first": 0}).status_code == 404
    assert blue.post(f"/v1/subscriptions/{own['id']}/secret", json={}).status_code == 404
    assert blue.delete(f"/v1/subscriptions/{own['id']}").status_code == 404
    assert own["id"] not in blue.get("/v1/subscriptions", params={"limit": 500}).text
    queued = acme.post(f"/v1/subscriptions/{own['id']}/redeliver", json={"first": 0}).json()["queued"]
    assert queued == len(whole(acme))
    told = acme.get(f"/v1/subscriptions/{own['id']}/deliveries", params={"limit": 500}).json()["items"]
    assert {d["key"] for d in told} == {e["subject"] for e in whole(acme)}
    acme.delete(f"/v1/subscriptions/{own['id']}")


def test_events_are_queued_again_by_range_and_one_by_one(client: Clients, made: dict[str, Any]) -> None:
    admin, id_ = client("admin"), made["subscription"]["id"]
    path = f"/v1/subscriptions/{id_}/redeliver"
    assert admin.post(path, json={}).status_code == 422
    closed = whole(admin, types="crossdock.order.closed.v1")
    assert admin.post(path, json={"first": 0}).json()["queued"] == len(closed)
    if closed:
        assert admin.post(path, json={"sequence": int(closed[0]["sequence"])}).json()["queued"] == 1
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert admin.post(path, json={"since": since}).json()["queued"] == len(closed)


def test_a_role_that_may_only_look_may_not_subscribe(client: Clients) -> None:
    assert client("auditor").post("/v1/subscriptions", json={"url": URL}).status_code == 403
    assert client("auditor").get("/v1/subscriptions").status_code == 200


def test_a_stream_ends_when_the_key_does_not_hold_any_more() -> None:
    """The stream asks anew who listens at each heartbeat."""
    from crossdock.api.principal import Principal, Role
    from crossdock.api.problem import problem
    from crossdock.api.routes import events

    class Feed:
        async def after(self, cursor: int, *_: Any) -> tuple[list[Any], int, bool]:
            return [], 7, False

        async def head(self) -> int:
            return 7

    class Authentication:
        asked = 0

        async def principal(self, shown: str | None) -> Principal:
            self.asked += 1
            if self.asked > 1:
                raise problem("not-signed-in", "revoked")
            return who

    class Hub:
        database = None
        authentication = Authentication()

    who = Principal("key:1", "x", Role.ADMIN)

    async def listen() -> list[bytes]:
        hub: Any = Hub()
        return [chunk async for chunk in events._told(hub, who, "Bearer x", 7, None, None)]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events, "EventFeed", lambda database: Feed())
        patched.setattr(events, "HEARTBEAT_SECONDS", 0.01)
        assert asyncio.run(listen())[1:] == [b"id: 7\n: heartbeat\n\n"] * 2
