"""Whoever asks for events that are no longer kept is told so: by the feed, the stream, subscriptions and redelivery alike; and a server sweeps by the workspace's own words."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from crossdock.api.hub import Hub
from crossdock.events.event import event
from crossdock.events.types import OrderClosed
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.workspace import WorkspaceError, load

from .conftest import ENVIRON, EXAMPLE, Server, Writer

URL = "https://hooks.example.com/crossdock"


async def closed(database: Database, key: str, at: datetime, partner: str = "acme") -> None:
    """An event, announced at a moment."""
    said = OrderClosed(order=key, purchase_order="1", customer=partner, outcome="complete")
    async with EventFeed(database).announcing() as held:
        assert held is not None
        await held.save([event(f"test:{key}", said, key, at, partner)], at)


@pytest.fixture(scope="module")
def swept(expendable: Server) -> int:
    """How many events were swept; there are two more."""

    async def work(database: Database) -> int:
        feed, now = EventFeed(database), datetime.now(UTC)
        for n in range(4):
            await closed(database, f"SO-OLD-{n}", now - timedelta(days=100))
        for n in range(2):
            await closed(database, f"SO-NEW-{n}", now, ("acme", "blue")[n])
        return await feed.sweep(now - timedelta(days=90))

    count = expendable.ask(work)
    assert count == 4
    return count


@pytest.fixture(scope="module")
def admin(expendable: Server, swept: int) -> Iterator[Writer]:
    headers = {"Authorization": f"Bearer {expendable.key('admin')}"}
    with Writer(base_url=expendable.url, headers=headers, timeout=30) as client:
        yield client


def gone(answer: httpx.Response, swept: int) -> None:
    """That an answer is the problem, and names the first cursor that still stands."""
    assert answer.status_code == 410, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"].endswith("/no-longer-kept")
    assert told["cursor"] == str(swept)
    assert datetime.fromisoformat(told["since"]) < datetime.now(UTC) - timedelta(days=90)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream"])
@pytest.mark.parametrize("query", [{"after": "0"}, {"after": "3"}, {"since": "2020-01-01T00:00:00Z"}])
def test_a_cursor_or_moment_older_than_what_is_kept_is_gone(
    admin: Writer, swept: int, path: str, query: dict[str, str]
) -> None:
    gone(admin.get(path, params=query), swept)


def test_the_last_event_that_a_reader_of_the_stream_had_may_be_too_old_as_well(admin: Writer, swept: int) -> None:
    gone(admin.get("/v1/events/stream", headers={"Last-Event-ID": "2"}), swept)


def test_the_cursor_that_the_answer_names_is_good_for_both(admin: Writer, swept: int) -> None:
    named = admin.get("/v1/events", params={"after": "0"}).json()["cursor"]
    page = admin.get("/v1/events", params={"after": named}).raise_for_status().json()
    assert [each["subject"] for each in page["items"]] == ["SO-NEW-0", "SO-NEW-1"]
    with admin.stream("GET", "/v1/events/stream", params={"after": named}) as answer:
        assert answer.status_code == 200
        assert next(line for line in answer.iter_lines() if line.startswith("id:")) == f"id: {swept + 1}"


def test_who_names_no_cursor_begins_with_the_oldest_that_is_kept(admin: Writer, swept: int) -> None:
    page = admin.get("/v1/events", params={"limit": 1}).raise_for_status().json()
    assert page["items"][0]["sequence"] == str(swept + 1)


def test_a_partner_is_told_the_same(expendable: Server, swept: int) -> None:
    headers = {"Authorization": f"Bearer {expendable.key('partner', 'blue')}"}
    with Writer(base_url=expendable.url, headers=headers, timeout=30) as blue:
        gone(blue.get("/v1/events", params={"after": "1"}), swept)
        assert [e["subject"] for e in blue.get("/v1/events").json()["items"]] == ["SO-NEW-1"]


def test_nothing_is_begun_with_edited_to_or_redelivered_from_what_is_not_kept(admin: Writer, swept: int) -> None:
    gone(admin.post("/v1/subscriptions", json={"url": URL, "after": 2}), swept)
    made = admin.post("/v1/subscriptions", json={"url": URL, "after": swept}).json()["subscription"]
    place = f"/v1/subscriptions/{made['id']}"
    assert (made["cursor"], made["missed"]) == (str(swept), "")
    for asked in ({"sequence": 2}, {"first": 0}, {"first": 1, "last": 6}, {"since": "2020-01-01T00:00:00Z"}):
        gone(admin.post(f"{place}/redeliver", json=asked), swept)
    assert admin.get(f"{place}/deliveries").json()["items"] == []
    assert admin.post(f"{place}/redeliver", json={"first": swept + 1}).json() == {"queued": 2}
    etag = {"If-Match": admin.get(place).headers["etag"]}
    gone(admin.patch(place, json={"after": 1}, headers=etag), swept)
    assert admin.patch(place, json={"after": swept + 1}, headers=etag).json()["cursor"] == str(swept + 1)
    assert admin.delete(place).status_code == 200


def test_a_webhook_that_missed_events_is_taken_up_by_who_names_where_to_go_on(
    admin: Writer, expendable: Server, swept: int
) -> None:
    made = admin.post("/v1/subscriptions", json={"url": URL}).json()["subscription"]
    place = f"/v1/subscriptions/{made['id']}"

    async def give_up(database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(
                "UPDATE subscriptions SET status = 'disabled', reason = 'gone', disabled_at = now() - interval '100 days', missed = 2 WHERE id = $1",
                made["id"],
            )

    expendable.ask(give_up)
    seen = admin.get(place)
    assert seen.json()["missed"] == "2"
    etag = {"If-Match": seen.headers["etag"]}
    gone(admin.patch(place, json={"status": "active"}, headers=etag), swept)
    taken_up = admin.patch(place, json={"status": "active", "after": swept}, headers=etag).json()
    assert (taken_up["status"], taken_up["missed"], taken_up["cursor"]) == ("active", "", str(swept))
    admin.delete(place)


def test_a_reader_of_the_stream_hears_on_while_events_are_swept(admin: Writer, expendable: Server, swept: int) -> None:
    heard: list[str] = []
    opened = threading.Event()

    def listen() -> None:
        with admin.stream("GET", "/v1/events/stream") as answer:
            for line in answer.iter_lines():
                opened.set()
                if line.startswith("data:"):
                    heard.append(line)
                    return

    reader = threading.Thread(target=listen, daemon=True)
    reader.start()
    assert opened.wait(10)
    expendable.ask(lambda database: EventFeed(database).sweep(datetime.now(UTC) - timedelta(days=90)))
    expendable.ask(lambda database: closed(database, "SO-NEXT", datetime.now(UTC)))
    reader.join(20)
    assert '"subject":"SO-NEXT"' in heard[0]


# --- The setting ---


def workspace_with(tmp_path: Path, more: str) -> Path:
    workspace = tmp_path / "workspace"
    shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns(".crossdock"))
    file = workspace / "crossdock.toml"
    file.write_text(file.read_text() + more)
    return workspace


async def test_a_server_sweeps_as_its_workspace_says(database: Database, tmp_path: Path) -> None:
    hub, now = Hub(database, {}, tmp_path), datetime.now(UTC)
    for days in (50, 40, 20, 0):
        await closed(database, f"SO-{days}", now - timedelta(days=days))
    assert await hub.sweep() == 0, "no workspace is in force yet"
    hub.book.current = load(workspace_with(tmp_path, "\n[events]\nkept_days = 30\n"), ENVIRON)
    assert await hub.sweep() == 2
    kept, _, _ = await EventFeed(database).after(None, 10)
    assert [each.event.key for each in kept] == ["SO-20", "SO-0"]


def test_ninety_days_are_kept_unless_the_workspace_says_otherwise() -> None:
    assert load(EXAMPLE, ENVIRON).company.events.kept_days == 90


@pytest.mark.parametrize("days", ["0", "-1", "40000", '"long"', "1.5"])
def test_days_that_are_none_do_not_pass_the_check(tmp_path: Path, days: str) -> None:
    with pytest.raises(WorkspaceError) as refused:
        load(workspace_with(tmp_path, f"\n[events]\nkept_days = {days}\n"), ENVIRON)
    (problem,) = refused.value.problems
    assert "crossdock.toml" in str(problem)
    assert "kept" in str(problem)
