"""Events and webhooks at the terminal: the same as by HTTP, with --json for programs."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.events import events, subscriptions
from crossdock.events.event import event
from crossdock.events.published import published
from crossdock.events.types import OrderClosed
from crossdock.store.database import connect
from crossdock.store.events import EventFeed

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command against a database of the test's own, in a thread as the terminal would: each command has a loop of its own."""
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", database_url)
    monkeypatch.setenv("CROSSDOCK_WORKSPACE", str(tmp_path))

    async def run(app: Any, *words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, list(words))

    return run


async def announced(url: str, count: int) -> None:
    """Closed orders are announced."""
    database = await connect(url, 2)
    async with EventFeed(database).announcing() as held:
        assert held is not None
        now = datetime.now(UTC)
        told = [
            OrderClosed(order=f"SO-{n}", purchase_order="1", customer="acme", outcome="complete") for n in range(count)
        ]
        await held.save([event(f"test:{x.order}", x, x.order, now, "acme") for x in told], now)
    await database.close()


def in_folder(folder: Path) -> dict[str, Any]:
    """The schemas in a folder."""
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


async def test_the_feed_is_shown_and_printed(run: Any, database_url: str) -> None:
    await announced(database_url, 5)
    page = json.loads((await run(events, "feed", "-n", "3", "--json")).stdout)
    assert ([e["sequence"] for e in page["items"]], page["next"], page["more"]) == (["1", "2", "3"], "3", True)
    rest = json.loads((await run(events, "feed", "--after", "3", "--json")).stdout)
    assert [e["subject"] for e in rest["items"]] == ["SO-3", "SO-4"]
    shown = await run(events, "feed", "--type", "order.closed.v1", "--key", "SO-1")
    assert "SO-1" in shown.stdout
    assert (await run(events, "feed", "--type", "order.eaten.v1")).exit_code == 2


async def test_a_webhook_is_made_paused_resumed_redelivered_and_taken_away(run: Any, database_url: str) -> None:
    await announced(database_url, 4)
    made = json.loads((await run(subscriptions, "create", "https://hooks.example.com/x", "--json")).stdout)
    id_ = made["subscription"]["id"]
    assert made["secret"].startswith("whsec_")
    assert json.loads((await run(subscriptions, "pause", id_, "--json")).stdout)["status"] == "paused"
    assert json.loads((await run(subscriptions, "resume", id_, "--json")).stdout)["status"] == "active"
    assert json.loads((await run(subscriptions, "redeliver", id_, "--first", "2", "--json")).stdout) == {"queued": 3}
    told = json.loads((await run(subscriptions, "deliveries", id_, "--json")).stdout)
    assert [d["sequence"] for d in told] == [4, 3, 2]
    listed = json.loads((await run(subscriptions, "list", "--json")).stdout)
    assert [each["id"] for each in listed] == [id_]
    assert made["secret"] not in json.dumps(listed)
    assert (await run(subscriptions, "delete", id_)).exit_code == 0
    assert (await run(subscriptions, "pause", id_)).exit_code == 3


async def test_a_webhook_into_our_own_house_is_refused_with_the_reason(run: Any) -> None:
    refused = await run(subscriptions, "create", "https://127.0.0.1/x")
    assert refused.exit_code == 2
    assert "open Internet" in refused.output


async def test_schemas_are_published_as_they_are_in_force(run: Any, tmp_path: Path) -> None:
    assert (await run(events, "publish", str(tmp_path))).exit_code == 0
    assert in_folder(tmp_path) == published()


async def test_what_is_no_longer_kept_is_said_so_with_the_first_cursor_that_stands(run: Any, database_url: str) -> None:
    await announced(database_url, 5)
    made = json.loads((await run(subscriptions, "create", "https://hooks.example.com/x", "--json")).stdout)
    id_ = made["subscription"]["id"]
    database = await connect(database_url, 2)
    assert await EventFeed(database).sweep(datetime.now(UTC), 3) == 3
    await database.close()
    for app, *words in (
        (events, "feed", "--after", "1"),
        (events, "feed", "--since", "2020-01-01"),
        (events, "tail", "--after", "1"),
        (subscriptions, "create", "https://hooks.example.com/y", "--after", "0"),
        (subscriptions, "resume", id_, "--after", "2"),
        (subscriptions, "redeliver", id_, "--first", "1"),
        (subscriptions, "redeliver", id_, "--since", "2020-01-01"),
    ):
        told = await run(app, *words)
        assert told.exit_code == 3, (words, told.output)
        assert "the first cursor that still stands is 3" in told.output
    page = json.loads((await run(events, "feed", "--json")).stdout)
    assert [e["sequence"] for e in page["items"]] == ["4", "5"]
    resumed = json.loads((await run(subscriptions, "resume", id_, "--after", "3", "--json")).stdout)
    assert (resumed["cursor"], resumed["missed"]) == (3, 0)


async def test_a_type_that_there_is_not_is_answered_with_the_one_that_was_meant(run: Any) -> None:
    for app, *words in ((events, "feed"), (events, "tail"), (subscriptions, "create", "https://hooks.example.com/x")):
        told = await run(app, *words, "--type", "order.acepted.v1")
        assert told.exit_code == 2
        assert "did you mean `crossdock.order.accepted.v1`?" in told.output
        assert "GET " not in told.output


@pytest.mark.parametrize(
    "words",
    [
        ("feed", "--after"),
        ("tail", "--after"),
        ("create", "https://hooks.example.com/x", "--after"),
        ("resume", "sub_1", "--after"),
        ("redeliver", "sub_1", "--first"),
        ("redeliver", "sub_1", "--sequence"),
        ("deliveries", "sub_1", "--sequence"),
    ],
)
async def test_a_number_that_no_sequence_reaches_is_refused_in_words(run: Any, words: tuple[str, ...]) -> None:
    app = events if words[0] in ("feed", "tail") else subscriptions
    told = await run(app, *words, "99999999999999999999")
    assert told.exit_code == 2, told.output
    assert "9223372036854775807" in told.output
