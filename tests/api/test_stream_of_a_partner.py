"""The stream never ends, so that what it does not tell is proven by what comes last: an event of the partner's own that every question would be told of."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from crossdock.events.event import event
from crossdock.events.types import TYPES, OrderClosed
from crossdock.store.database import Database
from crossdock.store.events import EventFeed

from .conftest import Server
from .test_events import announce, tell
from .test_every_route import FOREIGN, ITS_NAMES

LAST = "SO-LAST"


@pytest.fixture(scope="module")
def told(expendable: Server) -> dict[str, str]:
    """Ways to ask, by the name of the parameter: each a value that reaches back before the events of blue. What comes last is acme's, though its subject is blue's order."""

    async def fill(database: Database) -> dict[str, str]:
        feed, at = EventFeed(database), datetime.now(UTC)
        before = await feed.head()
        await announce(database)
        await tell(database, "SO-STREAM-A", "acme")
        await tell(database, "SO-STREAM-B", "blue")
        blues, _, _ = await feed.after(before, 1, None, None, "blue")
        said = OrderClosed(order=LAST, purchase_order="1", customer="acme", outcome="complete")
        async with feed.announcing() as held:
            assert held is not None
            await held.save([event("test:last", said, FOREIGN, at, "acme")], datetime.now(UTC))
        return {
            "after": str(before),
            "since": at.isoformat(),
            "types": ",".join(TYPES),
            "key": FOREIGN,
            "Last-Event-ID": str(blues[0].sequence - 1),
        }

    return expendable.ask(fill)


def events(server: Server, partner: str, query: dict[str, str], headers: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What the stream tells, up to the last."""
    headers = {"Authorization": f"Bearer {server.key('partner', partner)}", **headers}
    with httpx.stream("GET", f"{server.url}/v1/events/stream", params=query, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found: dict[str, Any] = msgspec.json.decode(line.removeprefix("data: "))
                yield found
                if found["data"].get("order") == LAST:
                    return


def ways(told: dict[str, str]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Queries and headers: each parameter by itself (where none says from when, `after` does), and a cursor that is an event of blue's."""
    after = {"after": told["after"]}
    return {
        "after": (after, {}),
        "since": ({"since": told["since"]}, {}),
        "types": (after | {"types": told["types"]}, {}),
        "key": (after | {"key": told["key"]}, {}),
        "last_event_id": ({}, {"Last-Event-ID": told["Last-Event-ID"]}),
    }


def test_every_parameter_of_the_stream_is_tried(expendable: Server, told: dict[str, str]) -> None:
    document = httpx.get(f"{expendable.url}/v1/openapi.json", timeout=60).json()
    parameters = document["paths"]["/v1/events/stream"]["get"]["parameters"]
    assert {p["name"].lower().replace("-", "_") for p in parameters} == ways(told).keys()


@pytest.mark.parametrize("way", ["after", "since", "types", "key", "last_event_id"])
def test_the_stream_tells_a_partner_nothing_of_another_however_it_asks(
    expendable: Server, told: dict[str, str], way: str
) -> None:
    heard = list(events(expendable, "acme", *ways(told)[way]))
    assert heard[-1]["data"]["order"] == LAST
    assert {each["partner"] for each in heard} == {"acme"}
    text = msgspec.json.encode(heard[:-1]).decode()
    assert [name for name in ITS_NAMES if name in text] == []
    assert len(heard) == 1 if way == "key" else len(heard) > 3


def test_there_was_something_of_the_other_to_be_told(expendable: Server, told: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {expendable.key('admin')}"}
    query = {"after": told["after"], "limit": "500"}
    page = httpx.get(f"{expendable.url}/v1/events", params=query, headers=headers, timeout=30).json()
    assert {"acme", "blue"} <= {each.get("partner") for each in page["items"]}
    assert any(each["subject"] == FOREIGN and each["partner"] == "blue" for each in page["items"])
