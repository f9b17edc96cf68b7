"""The commands as they are typed, on a small database: each speaks JSON where it is asked to, and ends with the code that is documented."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import Result
from play import order
from typer.testing import CliRunner

from crossdock.cli import app
from crossdock.facts import Fact
from crossdock.flow.fold import fold_once, wake_once
from crossdock.flow.interpret import interpret_once
from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Attempt, Settled
from crossdock.ports.outbound import Transmission
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.stock import StockBooks
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook

WHOLESALER = Path(__file__).parents[2] / "examples" / "wholesaler"
KEY, DEAD = "SO-1001", "SO-1001/credit-check"
_numbers = itertools.count(1)


class Crossdock:
    """The command in a workspace, on a database."""

    def __init__(self, url: str, workspace: Path) -> None:
        self.url = url
        self.environ = {"CROSSDOCK_DATABASE_URL": url, "CROSSDOCK_WORKSPACE": str(workspace)}

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=self.environ)


async def prepare(url: str) -> None:
    """An order whose first step is a dead letter, an overdue acknowledgement, and a message that nobody can read."""
    now = datetime.now(UTC)
    database = await connect(url)
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    log, outbox = FactLog(database), DeliveryOutbox(database)
    taken = order(partner="acme", purchase_order="4500", workspace_version=1)
    fact = Fact(key=KEY, data=taken, source="acme", source_id="4500", occurred_at=now - timedelta(days=3))
    await log.record([fact], now)
    inbox = MessageInbox(database)
    await inbox.keep([Arrival(channel="nobody", source_id="x", data=b"a riddle", name="riddle.txt")], now)
    await interpret_once(inbox, {}, now)
    while await fold_once(log, book, now):
        pass
    await wake_once(log, book, now)
    async with outbox.loading("erp", 9, False, now, now) as loading:
        ids = [claimed.delivery.id for claimed in loading.claimed]
        assert ids == [DEAD]
        sent = [Transmission(name=id_, data=b"{}", deliveries=(id_,)) for id_ in ids]
        messages = await loading.load("erp", sent, [], [], now)
        (claimed,) = loading.claimed
    made = claimed.delivery
    tried = Attempt(claimed.lane, DEAD, made.attempt, "send", messages[DEAD], now, now, "failed", "503", "it is down")
    dead = Settled(claimed.lane, DEAD, KEY, "erp", "dead", "it is down", attempt=made.attempt, round=made.round)
    await outbox.settle([dead], [tried], [], now)
    await stock(StockBooks(database), now)
    await database.close()


async def stock(books: StockBooks, now: datetime) -> None:
    """Ten of TEA at COLUMBUS, four of them reserved, five more in a week."""
    opening = Movement(
        source="quick3pl",
        source_id="944-1",
        kind=Kind.RECEIPT,
        item="TEA",
        site="COLUMBUS",
        quantity=Decimal(10),
        origin=Place.SUPPLIER,
        destination=Place.STORAGE,
        occurred_at=now,
    )
    await books.record([opening], now)
    wanted = Demand(key="SO-2", line="1", item="TEA", quantity=Decimal(4), sites=("COLUMBUS",), asked_at=now)
    await books.reserve([wanted], now)
    coming = ExpectedReceipt(
        source="erp",
        source_id="PO-7",
        line="1",
        kind="purchase-order",
        item="TEA",
        site="COLUMBUS",
        quantity=Decimal(5),
        due_on=now.date() + timedelta(days=7),
    )
    await books.expect([coming], now)


def do(url: str, statement: str) -> None:
    """Does something to the database that no command would."""

    async def work() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())


@contextmanager
def opened(postgres: Embedded, folder: Path) -> Iterator[Crossdock]:
    """Types a command in a workspace that has been applied, on a database of its own."""
    name = f"cli_{next(_numbers)}"

    do(postgres.url, f"CREATE DATABASE {name}")
    url = postgres.url.replace("/postgres?", f"/{name}?")
    workspace = folder / "wholesaler"
    shutil.copytree(WHOLESALER, workspace, ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    typed = Crossdock(url, workspace)
    assert typed("apply", "--who", "ann").exit_code == 0
    asyncio.run(prepare(url))
    yield typed
    do(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def asked(postgres: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crossdock]:
    """For commands that change nothing: all ask the same database."""
    with opened(postgres, tmp_path_factory.mktemp("asked")) as typed:
        yield typed


@pytest.fixture
def crossdock(postgres: Embedded, tmp_path: Path) -> Iterator[Crossdock]:
    """For commands that change something."""
    with opened(postgres, tmp_path) as typed:
        yield typed


def told(result: Result) -> Any:
    """The one JSON document on standard output."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def test_every_question_is_answered_in_json_and_for_people(asked: Crossdock) -> None:
    questions = [
        ("status",),
        ("owed",),
        ("owed", "--overdue"),
        ("owed", "--blocked"),
        ("why", DEAD),
        ("exceptions",),
        ("exceptions", "--cause", "dead-letter"),
        ("deliveries",),
        ("deliveries", "--status", "dead"),
        ("trace", "4500"),
        ("trace", KEY),
        ("message", "1"),
        ("held",),
        ("replay", KEY, "--preview"),
        ("rebuild",),
        ("stock",),
        ("stock", "TEA"),
        ("atp", "TEA"),
        ("atp", "TEA", "--site", "COLUMBUS", "--qty", "8", "--explain"),
        ("channels",),
        ("versions",),
        ("check",),
        ("plan",),
    ]
    for words in questions:
        result = asked(*words, "--json")
        assert told(result), words
        assert result.exit_code == 0, words
        result = asked(*words)
        assert (result.exit_code, bool(result.output.strip())) == (0, True), words


def test_atp_says_by_when_how_many_can_be_promised_and_what_stands_behind_it(asked: Crossdock) -> None:
    answer = told(asked("atp", "TEA", "--qty", "8", "--explain", "--json"))
    today = datetime.now(UTC).date()
    assert [(day["day"], day["quantity"]) for day in answer["by_day"]] == [
        (today.isoformat(), "6"),
        ((today + timedelta(days=7)).isoformat(), "11"),
    ]
    assert answer["promise_date"] == (today + timedelta(days=7)).isoformat()
    assert [(r["key"], r["quantity"]) for r in answer["reservations"]] == [("SO-2", "4")]
    assert [(m["kind"], m["source"]) for m in answer["movements"]] == [("receipt", "quick3pl:944-1")]
    assert [r["source"] for r in answer["receipts"]] == ["purchase-order PO-7"]


def test_why_says_what_the_matter_is(asked: Crossdock) -> None:
    answer = told(asked("why", DEAD, "--json"))
    assert answer["obligation"]["status"] == "ready"
    assert "dead-letter" in {row["cause"] for row in answer["exceptions"]}
    assert [row["status"] for row in answer["deliveries"]] == ["dead"]
    assert "it is down" in asked("why", DEAD).output


def test_trace_leads_from_a_customers_number_to_all_that_belongs_to_the_order(asked: Crossdock) -> None:
    (found,) = told(asked("trace", "4500", "--json"))
    assert found["key"] == KEY
    assert [fact["type"] for fact in found["facts"]] == ["order.received"]
    assert DEAD in {row["id"] for row in found["obligations"]}
    assert "overdue" in {row["cause"] for row in found["exceptions"]}


def test_a_message_comes_out_byte_for_byte(asked: Crossdock) -> None:
    assert asked("message", "1", "--raw").stdout_bytes == b"a riddle"


def test_retry_queues_a_dead_letter_and_has_a_held_message_read_again(crossdock: Crossdock) -> None:
    done = told(crossdock("retry", DEAD, "1", "--json"))
    assert done == {"queued": [DEAD], "retried": 0, "messages": 1}
    assert told(crossdock("exceptions", "--cause", "dead-letter", "--json")) == []
    assert crossdock("retry", DEAD).exit_code == 3, "it is not dead any more"


def test_retry_of_a_whole_system(crossdock: Crossdock) -> None:
    assert told(crossdock("retry", "--system", "erp", "--json"))["queued"] == [DEAD]


def test_retry_of_some_messages_leaves_dead_letters_alone(crossdock: Crossdock) -> None:
    assert told(crossdock("retry", "1", "--json")) == {"queued": [], "retried": 0, "messages": 1}


def test_a_preview_of_a_replay_does_nothing(asked: Crossdock) -> None:
    before = told(asked("status", "--json"))
    shown = told(asked("replay", KEY, "--preview", "--json"))
    assert shown["done"] is False
    assert (len(shown["facts"]["new"]), len(shown["facts"]["known"])) == (0, 1)
    assert {effect["obligation"]: effect["verdict"] for effect in shown["effects"]} == {DEAD: "conflict"}
    assert told(asked("status", "--json")) == before


def test_a_replay_of_what_is_known_doubles_nothing(asked: Crossdock) -> None:
    facts = told(asked("status", "--json"))["facts"]
    assert told(asked("replay", KEY, "--json"))["done"] is True
    assert told(asked("status", "--json"))["facts"] == facts


def test_decide_tells_a_fact(crossdock: Crossdock) -> None:
    open_ = [
        row for row in told(crossdock("exceptions", "--json")) if row["category"] == "business" and row["key"] == KEY
    ]
    made = told(crossdock("decide", open_[0]["id"], "--decline", "--reason", "no", "--who", "ann", "--json"))
    assert made["accept"] is False
    assert told(crossdock("status", "--json"))["facts"]["ahead"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("why", "SO-9/invoice"),
        ("trace", "nobody-knows-it"),
        ("message", "99999"),
        ("retry", "SO-9/invoice"),
        ("retry", "99999"),
        ("decide", "SO-9/overdue/x"),
        ("replay", "99999", "--preview"),
        ("replay", "SO-9", "--preview"),
        ("rollback", "99"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_ends_with_3(asked: Crossdock, words: tuple[str, ...]) -> None:
    result = asked(*words)
    assert result.exit_code == 3, result.output
    assert result.stderr.strip() or words[0] == "retry"


@pytest.mark.parametrize("words", [("retry",), ("owed", "--sideways"), ("message", "first"), ("fly",)], ids=" ".join)
def test_what_is_not_understood_ends_with_2(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, list(words)).exit_code == 2


def test_a_rebuild_that_differs_ends_with_1_and_says_where(crossdock: Crossdock) -> None:
    do(crossdock.url, "UPDATE processes SET milestone = 'dreamt'")
    result = crossdock("rebuild", "--json")
    assert result.exit_code == 1
    assert {difference["what"] for difference in told(result)["differences"]} == {"milestone"}
    assert crossdock("rebuild").exit_code == 1


@pytest.mark.parametrize("words", [("status",), ("owed", "--json"), ("rebuild",), ("apply",)], ids=" ".join)
def test_a_database_that_cannot_be_reached_ends_with_4(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", f"postgresql://postgres@/postgres?host={tmp_path}")
    monkeypatch.setenv("CROSSDOCK_WORKSPACE", str(WHOLESALER))
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 4, result.output
    assert "cannot be reached" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("message", "99999999999999999999"),
        ("rollback", "99999999999"),
        ("owed", "--limit", "99999999999999999999"),
        ("deliveries", "--status", "vanished"),
        ("keys", "create", "shop", "--role", "operations", "--expires-days", "99999999999"),
        ("atp", "TEA", "--qty", "NaN"),
        ("atp", "TEA", "--qty", "Infinity"),
        ("atp", "TEA", "--qty=-5"),
        ("trace", " "),
        ("run", "--listen", "nowhere"),
        ("run", "--listen", "127.0.0.1:99999"),
        ("serve", "--listen", "nowhere"),
    ],
)
def test_an_argument_that_means_nothing_is_not_understood(asked: Crossdock, words: tuple[str, ...]) -> None:
    result = asked(*words)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output


def test_a_number_beyond_all_messages_is_retried_by_nobody(asked: Crossdock) -> None:
    assert asked("retry", "99999999999999999999").exit_code == 3


def test_run_says_that_the_database_cannot_be_reached(asked: Crossdock) -> None:
    result = CliRunner().invoke(
        app, ["run"], env={**asked.environ, "CROSSDOCK_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}
    )
    assert (result.exit_code, "the database cannot be reached" in result.output) == (4, True)


def test_a_site_that_keeps_nothing_of_an_item_has_nothing_to_promise(asked: Crossdock) -> None:
    result = asked("atp", "TEA", "--site", "ATLANTIS")
    assert (result.exit_code, "nothing of TEA at ATLANTIS" in result.output) == (3, True)


def test_who_owes_is_said_as_people_say_it(asked: Crossdock) -> None:
    assert "we owe acme" in asked("why", f"{KEY}/acknowledge").output


def test_nothing_was_compared_is_not_called_agreement(asked: Crossdock) -> None:
    said = asked("reconcile", "show").output
    assert "No variances stand open." in said
    assert "Nothing was compared yet." in said


def test_a_purchase_order_with_brackets_is_shown_as_it_is(crossdock: Crossdock) -> None:
    hostile = "45[/bold]00"

    async def tell() -> None:
        database = await connect(crossdock.url)
        book = AgreementBook(WorkspaceVersions(database))
        await book.refresh()
        now, log = datetime.now(UTC), FactLog(database)
        taken = order(partner="acme", purchase_order=hostile, workspace_version=1)
        await log.record([Fact(key="SO-9", data=taken, source="acme", source_id=hostile, occurred_at=now)], now)
        while await fold_once(log, book, now):
            pass
        await database.close()

    asyncio.run(tell())
    result = crossdock("trace", "SO-9")
    assert (result.exit_code, hostile in result.output) == (0, True), result.exception


@pytest.mark.parametrize("words", [("status",), ("owed", "--json"), ("rebuild",), ("versions",)])
def test_a_slip_in_the_workspaces_name_makes_no_database_there(tmp_path: Path, words: tuple[str, ...]) -> None:
    nowhere = tmp_path / "shpo"
    result = CliRunner().invoke(app, [*words, "-w", str(nowhere)], env={"CROSSDOCK_DATABASE_URL": None})
    assert (result.exit_code, "there is no workspace in" in result.output) == (3, True)
    assert not nowhere.exists()


def test_init_says_why_it_cannot_make_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["init", str(tmp_path / "file" / "shop")])
    assert (result.exit_code, "cannot be made" in result.output) == (1, True)


def test_what_was_noted_of_a_message_stands_behind_its_status(asked: Crossdock) -> None:
    said = " ".join(asked("message", "1").output.split())
    assert said.startswith("message 1 from nobody")
    assert ", held (no-reader), riddle.txt" in said


def test_a_user_without_a_name_as_in_a_container_goes_by_its_number(
    crossdock: Crossdock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("CROSSDOCK_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    create = ("keys", "create", "shop", "--role", "auditor", "--json")
    assert told(crossdock(*create))["key"]["created_by"] == f"user:uid {os.getuid()}"
    monkeypatch.setenv("CROSSDOCK_USER", "deploy")
    assert told(crossdock(*create))["key"]["created_by"] == "user:deploy"


@pytest.mark.parametrize("said", ["so-1001", "SO-1001", "SO-10", "1001", "4500", "450"])
def test_trace_finds_a_number_in_any_letters_and_by_how_it_begins_or_ends(asked: Crossdock, said: str) -> None:
    assert [each["key"] for each in told(asked("trace", said, "--json"))] == [KEY]
