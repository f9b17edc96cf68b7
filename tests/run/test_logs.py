"""The log of a worker on a road where everything goes wrong: it says what it is about, and nothing of whom or what was ordered."""

import asyncio
import io
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from http_server import Reply, ScriptedServer
from hypothesis import given
from hypothesis import strategies as st

from crossdock.flow import fold
from crossdock.ports.inbound import Arrival
from crossdock.ports.tracing import trace_of
from crossdock.run import logs
from crossdock.run.watching import Watching
from crossdock.store.database import Database, connect
from crossdock.store.inbox import MessageInbox
from crossdock.store.versions import WorkspaceVersions
from crossdock.testing.configs import CatalogueItem
from crossdock.testing.simulators.orders import orders
from crossdock.wiring import AgreementBook, KeptVersions, Systems, WaitingWork, make_worker
from crossdock.workspace import load
from crossdock.workspace.apply import apply
from crossdock.workspace.plan import plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "wholesaler"
SECRETS = {
    "ERP_TOKEN": "erp-token-Zx81",
    "TAX_API_KEY": "tax-key-Qw77",
    "SHOP_TOKEN": "shop-token-Lm55",
    "ERP_WEBHOOK_SECRET": "whsec_" + "eA" * 16,
}
PERSONAL = ("LIVELY", "OAK AVENUE", "512-555-0147", "AUSTIN")


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is logged from here on, as lines of JSON."""
    stream = io.StringIO()
    logs.set_up_log({}, "crossdock-worker", stream, seed="")
    yield stream
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# --- The road ---


def order_of_ann(number: int) -> bytes:
    """A purchase order with a person's name, address and telephone in it."""
    items = (
        CatalogueItem(buyer_item="700247", upc="614141100224", price="9.25"),
        CatalogueItem(buyer_item="700254", upc="614141100231", price="3.60"),
    )
    (made,) = orders(
        7, 1, 2, per_interchange=1, first_po=number, first_control_number=number, items=items, day=date.today()
    )
    text = made.decode()
    name, _, rest = text.partition("~N1*ST*")[2].partition("*")
    assert name
    text = text.replace(f"N1*ST*{name}*", "N1*ST*ANN LIVELY*").replace(
        "~DTM*010", "~PER*BD*ANN LIVELY*TE*512-555-0147~DTM*010"
    )
    before, _, after = text.partition("~N3*")
    text = f"{before}~N3*12 OAK AVENUE~{after.partition('~')[2]}"
    assert rest
    count = len(text.partition("ST*850")[2].partition("~SE*")[0].split("~")) + 1
    head, _, tail = text.partition("~SE*")
    return f"{head}~SE*{count}*{tail.partition('*')[2]}".encode()


class Torn:
    """A reader with a defect that quotes what it was reading."""

    def read(self, message: Any) -> Any:
        raise ValueError(f"cannot take {message.data!r}")


async def all_of(question: Callable[[], Any], wanted: int) -> None:
    """Until a count has come so far."""
    until = asyncio.get_running_loop().time() + 60
    while await question() < wanted:
        assert asyncio.get_running_loop().time() < until, "it does not get so far"
        await asyncio.sleep(0.1)


async def test_a_road_where_everything_goes_wrong_leaves_no_name_address_telephone_or_secret_in_the_log(
    database_url: str, tmp_path: Path, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "wholesaler"
    shutil.copytree(EXAMPLE, workspace, ignore=shutil.ignore_patterns(".crossdock", "mailboxes"))

    def refuse(request: Any) -> Reply:
        told = {"error": f"Ann LIVELY, 12 OAK AVENUE, 512-555-0147; {request.headers.get('authorization')}"}
        return Reply(422 if "credit" in request.path else 500, told)

    async with ScriptedServer(refuse) as system:
        environ = {**SECRETS, "ERP_URL": system.url, "TAX_URL": system.url, "SHOP_URL": system.url}
        database = await connect(database_url, 12)
        await apply(plan(None, load(workspace, environ)), KeptVersions(database), WaitingWork(database), who="ann")
        await road(database, workspace, environ, monkeypatch)
        await database.close()
    text = said.getvalue()
    for word in (*PERSONAL, *SECRETS.values()):
        assert word.lower() not in text.lower(), f"{word} in: {text}"
    by_event = {line["event"]: line for line in lines(said)}
    # What went wrong is said all the same, and can be followed.
    assert by_event["reading failed"]["exception"].startswith("ValueError < test_logs.py")
    assert by_event["message held"] | {"cause": "defect", "channel": "blue"} == by_event["message held"]
    refused = by_event["delivery refused"]
    assert refused["delivery"] == f"{refused['key']}/credit-check"
    assert refused["trace_id"] == f"{trace_of(refused['key']):032x}"
    assert by_event["process set aside"]["key"].endswith("PO2")
    assert by_event["loop failed, trying again"]["error"] == "DataError"
    assert {line["service"] for line in lines(said)} == {"crossdock-worker"}


async def road(database: Database, workspace: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker as it is wired, over two orders and a message that nobody can read; a loop, a reader and a fold fail and quote what they had in hand."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    assert book.current is not None
    systems = Systems(book.current, environ, workspace)
    evolved = fold.evolved

    def torn(about: Any, before: Any, now: Any) -> Any:
        if about[0].key.endswith("PO2"):
            raise KeyError("ANN LIVELY, 12 OAK AVENUE")
        return evolved(about, before, now)

    monkeypatch.setattr(fold, "evolved", torn)
    reading, failed = MessageInbox.reading, []

    def failing(self: MessageInbox, limit: int) -> Any:
        if not failed:
            failed.append(1)
            raise asyncpg.DataError("invalid input for $1: 'ANN LIVELY'\nDETAIL: 12 OAK AVENUE, AUSTIN")
        return reading(self, limit)

    monkeypatch.setattr(MessageInbox, "reading", failing)
    worker = make_worker(database, systems, book, 1, False, Watching({}))
    worker._readers = {**worker._readers, "blue": Torn()}
    arrivals = [Arrival(channel="acme", source_id=str(n), data=order_of_ann(n)) for n in (1, 2)]
    arrivals.append(Arrival(channel="blue", source_id="b", data=b"ANN LIVELY, 12 OAK AVENUE"))
    await MessageInbox(database).keep(arrivals, datetime.now(UTC))
    running = asyncio.create_task(worker.run())

    async def ended() -> Any:
        async with database.pool.acquire() as connection:
            return await connection.fetchval(
                "SELECT (SELECT count(*) FROM deliveries WHERE status = 'refused')"
                " + (SELECT count(*) FROM processes WHERE defect <> '') + (SELECT count(*) FROM messages WHERE status = 'held')"
            )

    await all_of(ended, 3)
    await asyncio.sleep(0.5)
    worker.end()
    await running


# --- Line by line ---


@given(
    st.sampled_from(["ValueError", "KeyError", "DataError", "ValidationError", "UnicodeEncodeError", "MapError"]),
    st.text(min_size=1),
)
def test_of_an_error_that_may_quote_anything_only_its_type_is_logged(kind: str, words: str) -> None:
    assert logs.discreet(None, "", {"event": "e", "error": f"{kind}: {words}"})["error"] == kind


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        ("OSError: [Errno 111] Connect call failed ('127.0.0.1', 5432)", None),
        ("CannotConnectNowError: the database system is starting up", None),
        (
            'UniqueViolationError: duplicate key value violates unique constraint "facts"\nDETAIL: Key (Ann) exists.',
            'UniqueViolationError: duplicate key value violates unique constraint "facts"',
        ),
        ("OSError: postgresql://hub:sesame@db/crossdock is away", "OSError: postgresql://***@db/crossdock is away"),
    ],
)
def test_what_is_wrong_with_a_connection_is_said_in_words(error: str, logged: str | None) -> None:
    assert logs.discreet(None, "", {"event": "e", "error": error})["error"] == (logged or error)


@pytest.mark.parametrize("name", ["password", "erp_token", "Authorization", "webhook_secret", "api_key", "cookie"])
def test_a_field_that_is_named_like_a_secret_is_masked(name: str) -> None:
    assert logs.discreet(None, "", {"event": "e", name: "sesame"})[name] == "***"


@pytest.mark.parametrize("text", ["Bearer abc.def", "sent with cdk_1234", "key whsec_ABCD="])
def test_a_credential_inside_a_text_is_masked(text: str) -> None:
    masked = logs.discreet(None, "", {"event": text, "note": text})
    assert "***" in masked["note"]
    assert not {"abc.def", "cdk_1234", "whsec_ABCD="} & set(masked["note"].split())
    assert masked["event"] == masked["note"]


def test_an_exception_is_logged_as_the_places_it_went_through_with_those_that_caused_it(said: io.StringIO) -> None:
    try:
        try:
            raise ValueError("ANN LIVELY")
        except ValueError as error:
            raise RuntimeError("AUSTIN") from error
    except RuntimeError:
        structlog.get_logger("test").exception("it failed", key="SO-1")
    (line,) = lines(said)
    assert line["exception"].startswith("RuntimeError < test_logs.py:")
    assert "; caused by ValueError < test_logs.py:" in line["exception"]
    assert line["level"] == "error"
    assert not {"LIVELY", "AUSTIN"} & set(said.getvalue().split())


def test_what_libraries_log_comes_as_lines_of_the_same_kind(said: io.StringIO) -> None:
    try:
        raise ValueError("ANN LIVELY")
    except ValueError:
        logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: ANN LIVELY", exc_info=True)
    logging.getLogger("httpx").info("GET https://erp/customers/ann-lively")
    (line,) = lines(said)
    assert (line["event"], line["logger"]) == ("Task exception was never retrieved", "asyncio")
    assert "LIVELY" not in said.getvalue()


def test_what_is_bound_to_the_work_at_hand_stands_in_its_lines(said: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="abc", worker=2):
        structlog.get_logger("test").info("done", key="SO-1")
    structlog.get_logger("test").info("done", key="SO-1")
    first, second = lines(said)
    assert (first["trace_id"], first["worker"]) == ("abc", 2)
    assert second["trace_id"] == f"{trace_of('SO-1'):032x}"


def test_of_a_flood_of_troubles_some_are_told_and_the_rest_counted(said: io.StringIO) -> None:
    logs._each("message held", [{"message": n} for n in range(500)])
    told = lines(said)
    assert len(told) == logs.LINES + 1
    assert told[-1]["count"] == 500 - logs.LINES


def test_people_at_a_terminal_read_keys_and_values() -> None:
    stream = io.StringIO()
    logs.set_up_log({"CROSSDOCK_LOG": "text"}, "crossdock", stream)
    structlog.get_logger("test").warning("message held", message=7)
    structlog.reset_defaults()
    logging.basicConfig(force=True, stream=sys.stderr)
    assert "message held" in stream.getvalue()
    assert "message=7" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
