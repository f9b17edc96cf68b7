"""The queries: each can be prepared, is used, says what it promises; and those that volume flows through find their rows by an index, however big the tables are."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from crossdock.store import queries
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded
from crossdock.store.queries import SQL

SRC = Path(queries.__file__).parents[1]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ROWS = 20_000
SMALL = {"lanes", "cursors"}
"""Tables with one row a lane, which a scan reads faster than an index."""


@pytest.mark.parametrize("name", sorted(SQL))
async def test_every_query_is_understood_by_postgresql(big: asyncpg.Connection, name: str) -> None:
    statement = await big.prepare(SQL[name])
    assert statement.get_parameters() is not None


def test_every_query_is_used() -> None:
    code = "\n".join(path.read_text() for path in SRC.rglob("*.py"))
    unused = [name for name in SQL if not re.search(rf"""["']{name}["']""", code)]
    assert unused == []


def test_every_query_that_is_asked_for_is_there() -> None:
    asked = {
        name
        for path in SRC.rglob("*.py")
        for name in re.findall(r"""SQL\[["'](\w+)["']\]|_rows\(["'](\w+)["']""", path.read_text())
        for name in name
        if name
    }
    assert asked
    assert asked <= SQL.keys()


def test_a_query_without_its_sentence_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "a.sql").write_text("-- name: bare\nSELECT 1\n")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="bare lacks the sentence"):
        queries.load()


def test_a_query_that_stands_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sql").mkdir()
    for file in ("a.sql", "b.sql"):
        (tmp_path / "sql" / file).write_text("-- name: same\n-- A sentence.\nSELECT 1\n")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(ValueError, match="same stands twice"):
        queries.load()


FILL = f"""
INSERT INTO messages (direction, channel, source_id, sha256, data, received_at, status)
SELECT CASE WHEN n % 2 = 0 THEN 'in' ELSE 'out' END, 'c' || n % 9, n::text, sha256(n::text::bytea), 'x', $1, CASE WHEN n % 997 = 0 THEN 'stored' ELSE 'read' END
  FROM generate_series(1, {ROWS}) n;
INSERT INTO facts (lane, position, digest, key, type, version, source, source_id, occurred_at, recorded_at, message, body)
SELECT n % 16, n / 16 + 1, md5(n::text)::uuid, 'SO-' || n, 'order.received', 1, 't', n::text, $1, $1, n, 'x' FROM generate_series(0, {ROWS}) n;
INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, wake_at, created_at, updated_at)
SELECT n % 16, 'SO-' || n, 'order_to_cash', 'x', 'x', '{{1}}', 'received', '{{}}', CASE WHEN n % 3 = 0 THEN $1 + n * interval '1 hour' END, $1, $1
  FROM generate_series(1, {ROWS}) n;
INSERT INTO obligations (lane, id, key, kind, debtor, creditor, status, blocked_by, evidence, subject, opened_at, updated_at)
SELECT n % 16, 'SO-' || n || '/invoice', 'SO-' || n, 'invoice', 'us', 'p', 'met', '{{}}', '{{}}', '', $1, $1 FROM generate_series(1, {ROWS}) n;
INSERT INTO deliveries (lane, id, key, system, document, partner, ordering_key, content, number, told, status, due_at, leased_until, message, created_at)
SELECT n % 16, 'SO-' || n || '/invoice', 'SO-' || n, 's' || n % 5, 'invoice', 'p', 'SO-' || n, 'x', '', '[]',
       CASE WHEN n % 100 = 0 THEN 'queued' WHEN n % 1000 = 1 THEN 'unknown' ELSE 'accepted' END, $1, CASE WHEN n % 1000 = 1 THEN $1 END, n, $1
  FROM generate_series(1, {ROWS}) n;
INSERT INTO names (value, kind, key, lane) SELECT 'PO-' || n, 'purchase-order', 'SO-' || n, n % 16 FROM generate_series(1, {ROWS}) n;
INSERT INTO identities (kind, value, message) SELECT 'document', n::text, n FROM generate_series(1, {ROWS}) n;
INSERT INTO exceptions (lane, id, key, category, cause, detail, action, subject, obligations, opened_at, closed_at)
SELECT n % 16, 'SO-' || n || '/overdue/x', 'SO-' || n, 'business', 'overdue', '', '', '', '{{}}', $1, $1 FROM generate_series(1, {ROWS}) n;
INSERT INTO exception_intervals (lane, id, opened_at, closed_at) SELECT n % 16, 'SO-' || n || '/overdue/x', $1, $1 FROM generate_series(1, {ROWS}) n;
INSERT INTO transmitted (channel, interchange, functional_id, group_number, transaction, key, obligation)
SELECT 'c' || n % 9, n::text, 'IN', (n / 100)::text, n::text, 'SO-' || n, 'SO-' || n || '/invoice' FROM generate_series(1, {ROWS}) n;
INSERT INTO exception_care (lane, id, revision) SELECT n % 16, 'SO-' || n || '/overdue/x', n FROM generate_series(1, {ROWS}) n;
INSERT INTO resubmissions (original, message, who, reason, at) SELECT n, n + {ROWS}, 'ann', '', $1 FROM generate_series(1, {ROWS}) n;
INSERT INTO attempts (lane, delivery, attempt, kind, started_at, ended_at, outcome, status, detail)
SELECT n % 16, 'SO-' || n || '/invoice', 1, 'send', $1, $1, 'accepted', '200', '' FROM generate_series(1, {ROWS}) n
"""

KEYS = [1, 2, 3], ["SO-1", "SO-2", "SO-3"]
IDS = [1, 2, 3], ["SO-1/invoice", "SO-2/invoice", "SO-3/invoice"]
TROUBLES = [1, 2, 3], ["SO-1/overdue/x", "SO-2/overdue/x", "SO-3/overdue/x"]
LATER = NOW + timedelta(minutes=1)

HOT: list[tuple[str, tuple[Any, ...]]] = [
    ("claim_deliveries", ("s0", NOW, 32, False)),
    ("claim_deliveries", ("s0", NOW, 32, True)),
    ("claim_uncertain", ("s1", NOW, 32, LATER)),
    ("attach_transmissions", ([(1, "SO-1/invoice", 1, "", "SO-1", None, None, None, None)], LATER, "c1")),
    (
        "settle_deliveries",
        ([(1, "K1/x", 1, 0, "accepted", "", None, False, "send", 1, NOW, NOW, "accepted", "", "", None)], NOW),
    ),
    ("facts_after", ([1, 2, 3], [5, 5, 5], 200)),
    ("load_processes", KEYS),
    ("waking_processes", ([1, 2, 3], NOW + timedelta(hours=50), 500)),
    ("claim_waking_lanes", (16, NOW + timedelta(hours=50))),
    ("find_names", ("PO-77", 20)),
    ("obligations_by_control", (["c1"], [""], ["IN"], ["7"], [""])),
    ("obligations_by_control", (["c1"], ["701"], ["IN"], ["7"], ["701"])),
    ("claim_messages", (200,)),
    ("earlier_bytes", ([2, 4, 6],)),
    ("held_before", ([2, 4, 6],)),
    ("meet_identities", (["document"], ["7"], [9])),
    ("drop_obligations", (*IDS, NOW)),
    ("close_exceptions", (*TROUBLES, NOW)),
    ("cancel_deliveries", (*IDS, NOW)),
    ("attempts_of", (1, ["SO-1/invoice"])),
    ("process", (1, "SO-1")),
    ("obligations_of", (1, "SO-1")),
    ("obligation", (1, "SO-1/invoice")),
    ("delivery_contents", (1, "SO-1")),
    ("exceptions_of", (1, "SO-1")),
    ("exceptions_page", (LATER, "", *([None] * 7), False, NOW, 50)),
    ("exceptions_page", (LATER, "", "p", "overdue", *([None] * 5), False, NOW, 50)),
    ("obligations_dated", (NOW, "", *([None] * 7), 50)),
    ("obligations_undated", ("", *([None] * 6), 50)),
    ("deliveries_page", (2**63 - 1, *([None] * 4), 50)),
    ("deliveries_stuck_page", (2**63 - 1, None, "s0", None, None, 50)),
    ("deliveries_by_id", (*IDS, None)),
    ("attempts_told", (1, "SO-1/invoice")),
    ("messages_page", (2**63 - 1, *([None] * 4), 50)),
    ("messages_held_page", (2**63 - 1, None, None, 50)),
    ("exception_by_id", (1, "SO-1/overdue/x", None, NOW)),
]


@pytest.fixture(scope="module")
def filled(postgres: Embedded) -> Iterator[str]:
    """The address of a database with tables big enough for a planner to care."""
    import asyncio

    name = "filled"
    url = postgres.url.replace("/postgres?", f"/{name}?")

    async def fill() -> None:
        admin = await asyncpg.connect(postgres.url)
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        database = await connect(url)
        async with database.pool.acquire() as connection:
            for statement in FILL.split(";"):
                await connection.execute(statement.replace("$1", f"'{NOW.isoformat()}'::timestamptz"))
            await connection.execute("ANALYZE")
        await database.close()

    async def drop() -> None:
        admin = await asyncpg.connect(postgres.url)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()

    asyncio.run(fill())
    yield url
    asyncio.run(drop())


@pytest.fixture
async def big(filled: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(filled)
    yield connection
    await connection.close()


def scanned(plan: dict[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end, the small ones apart."""
    here = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return (here | {table for part in plan.get("Plans", ()) for table in scanned(part)}) - SMALL


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(("name", "arguments"), HOT, ids=lambda value: value if isinstance(value, str) else "")
async def test_what_volume_flows_through_reads_no_big_table_from_end_to_end(
    big: asyncpg.Connection, name: str, arguments: tuple[Any, ...], mode: str
) -> None:
    await big.execute(f"SET plan_cache_mode = {mode}")
    transaction = big.transaction()
    await transaction.start()
    (told,) = json.loads(await big.fetchval(f"EXPLAIN (FORMAT JSON) {SQL[name]}", *arguments))
    await transaction.rollback()
    assert scanned(told["Plan"]) == set(), name


async def test_the_explanation_would_show_a_scan(big: asyncpg.Connection) -> None:
    (told,) = json.loads(await big.fetchval("EXPLAIN (FORMAT JSON) SELECT FROM facts WHERE source = 'nobody'"))
    assert scanned(told["Plan"]) == {"facts"}
