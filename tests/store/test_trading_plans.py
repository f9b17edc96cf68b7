"""What the pages of billing, partners, flows, stock and KPIs ask reads by an index what is open, late or last, however many orders there have been."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.figures import BY_HAND, KPIS, OUR_OWN, SETTLING
from crossdock.store.queries import SQL
from crossdock.store.trading import BEGINNING, TRAFFIC_SEEN

ORDERS = 20_000
OPEN_EVERY = 100
"""One order in so many is under way."""
TOUCHED_AT_MOST = 8_000
"""Rows of large tables that one question may look at: far fewer than any of these has."""
A_PAGE = {
    "last_orders_of_partner": 10,
    "messages_over_channel": 15,
    "list_stock": 61,
    "to_bill": 102,
    "movements_behind": 26,
}
"""Of a list that goes on by its index no row more is read than is shown (of an invoice its order's besides)."""
LARGE = frozenset(
    ("facts", "processes", "obligations", "exceptions", "deliveries", "messages", "movements", "measured", "figures")
)
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

FILL = """
INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, created_at, updated_at)
SELECT n % 16, 'SO-' || n, 'order_to_cash', '', '', ARRAY[n::bigint], CASE WHEN n % 100 = 0 THEN 'released' ELSE 'complete' END,
       json_build_object('customer', 'p' || n % 50, 'purchase_order', 'PO' || n, 'currency', 'USD', 'total', '10', 'lines', '{}'::json),
       $1::timestamptz - n * interval '10 min', $1::timestamptz - n * interval '10 min' FROM generate_series(1, $2::int) n;
INSERT INTO facts (lane, position, digest, key, type, version, source, source_id, occurred_at, recorded_at, message, body)
SELECT n % 16, n * 10 + k, md5(n || '/' || k)::uuid, 'SO-' || n, 'document.sent', 1, 'p' || n % 50, n || '/' || k,
       $1::timestamptz - n * interval '10 min', $1::timestamptz - n * interval '10 min', n, '{"type":"document.sent"}' FROM generate_series(1, $2::int) n, generate_series(1, 6) k;
INSERT INTO obligations (lane, id, key, kind, debtor, creditor, status, due_at, blocked_by, evidence, subject, amount, opened_at, updated_at)
SELECT n % 16, 'SO-' || n || '/' || k || '/1', 'SO-' || n, k, CASE WHEN k = 'functional-ack' THEN 'p' || n % 50 ELSE 'us' END,
       CASE WHEN k = 'functional-ack' THEN 'us' ELSE 'p' || n % 50 END,
       CASE WHEN n % 100 > 0 THEN 'met' WHEN k = 'functional-ack' THEN 'waiting' ELSE 'blocked' END,
       $1::timestamptz - n * interval '10 min' + interval '2 days', ARRAY['tax-received: the tax is not known'], '{}', '1', 10,
       $1::timestamptz - n * interval '10 min', $1::timestamptz - n * interval '10 min'
  FROM generate_series(1, $2::int) n, unnest(ARRAY['acknowledge', 'release', 'ship-notice', 'invoice', 'functional-ack', 'tax']) k;
INSERT INTO exceptions (lane, id, key, category, cause, detail, action, subject, obligations, opened_at, closed_at)
SELECT n % 16, 'SO-' || n || '/overdue', 'SO-' || n, 'business', 'overdue', '', '', '', '{}', $1, CASE WHEN n % 100 > 0 THEN $1::timestamptz END FROM generate_series(1, $2::int) n;
INSERT INTO deliveries (lane, id, key, system, document, partner, ordering_key, content, number, told, status, due_at, created_at)
SELECT n % 16, 'SO-' || n || '/' || k || '/1', 'SO-' || n, 'p' || n % 50, k, '', '', '', '', '', CASE WHEN n % 100 > 0 THEN 'accepted' ELSE 'queued' END, $1, $1
  FROM generate_series(1, $2::int) n, unnest(ARRAY['acknowledge', 'invoice', 'tax']) k;
INSERT INTO messages (direction, channel, source_id, sha256, data, received_at, status)
SELECT 'in', 'p' || n % 50, n::text, '', 'ISA', $1::timestamptz - ($2 - n) * interval '10 min', 'read' FROM generate_series(1, $2::int) n;
INSERT INTO measured (lane, key, partner, site, channel, kpis, days, cases, totals)
SELECT n % 16, 'SO-' || n, 'p' || n % 50, 'EAST', 'edi', '{fill}', ARRAY[$1::date], '{1}', '{1}' FROM generate_series(1, $2::int) n;
INSERT INTO figures (cut, kpi, member, day, bucket, cases, total)
SELECT 'partner', k::kpi, 'p' || p, $1::date - d, b, 1, 1
  FROM unnest(ARRAY['order-cycle', 'fill', 'sync-in']) k, generate_series(0, 49) p, generate_series(0, 299) d, generate_series(80, 83) b;
INSERT INTO movements (source, source_id, kind, item, site, to_site, origin, destination, quantity, lot, owner, entity, occurred_at, recorded_at, stream, reason, reference, line)
SELECT 'wms', n::text, 'receipt',
       'I-' || n % 2000, 'EAST', '', 'supplier', 'storage', 1, '', 'own', '', $1::timestamptz - n * interval '1 min', $1, '', '', '', '' FROM generate_series(1, $2::int) n;
INSERT INTO stock (item, site, storage, changed_at) SELECT 'I-' || n, s, 10, $1 FROM generate_series(0, 5999) n, unnest(ARRAY['EAST', 'WEST', 'NORTH']) s;
"""

DAY = date(2026, 5, 20)
BEFORE = timedelta(days=29)
PARTNERS = [f"p{n}" for n in range(50)]
READS: dict[str, tuple[Any, ...]] = {
    "to_bill_by_partner": (NOW,),
    "to_bill_by_checkpoint": (),
    "to_bill": (None, BEGINNING, "", 51),
    "to_bill_of_partner": ("p0", None, BEGINNING, "", 51),
    "late_by_party": (PARTNERS, NOW),
    "owed_by_party": ("p0", 20, "functional-ack"),
    "late_to_party": ("p0", NOW, 20),
    "last_orders_of_partner": ("p7", 10),
    "messages_over_channel": ("p7", 15),
    "traffic_of_channels": (PARTNERS, NOW - timedelta(minutes=15), TRAFFIC_SEEN),
    "stock_of_items": (["I-5", "I-17"], "", "", 61),
    "list_stock": ("I-1", "", "", 61, "I-1\U0010ffff"),
    "supply_of": (["I-5", "I-5"], ["EAST", "WEST"]),
    "movements_behind": ("I-5", "EAST", NOW, datetime(9999, 1, 1, tzinfo=UTC), "~", "~", 26),
    "variances_of_item": ("I-5",),
    "figures_by_day": ("partner", list(KPIS), "p7", DAY - BEFORE, DAY),
    "figures_by_member": ("partner", ["order-cycle"], PARTNERS[:20], DAY - BEFORE, DAY),
    "figure_members": ("partner", list(KPIS), "", 100),
    "facts_to_measure": (),
    "lanes_to_measure": (500,),
}
"""The questions of the pages, with what a page asks."""


@pytest.fixture(scope="module")
def filled(postgres: Embedded) -> Iterator[str]:
    """The address of a database with many orders, most of them done."""

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    async def fill(url: str) -> None:
        database = await connect(url)
        async with database.pool.acquire() as connection:
            for statement in filter(str.strip, FILL.split(";\n")):
                numbers = [NOW, ORDERS][: 2 if "$2" in statement else 1]
                await connection.execute(statement, *numbers)
            await connection.execute("UPDATE cursors SET position = 1000000")
            await connection.execute("ANALYZE")
        await database.close()

    asyncio.run(admin("CREATE DATABASE trading_plans"))
    url = postgres.url.replace("/postgres?", "/trading_plans?")
    asyncio.run(fill(url))
    yield url
    asyncio.run(admin("DROP DATABASE trading_plans WITH (FORCE)"))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, each once."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def touched_of(plan: list[dict[str, Any]]) -> float:
    """Rows of large tables that were looked at."""
    touched: float = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in plan
        if node.get("Relation Name") in LARGE
    )
    return touched


async def explained(database: Database, how: str, query: str, *arguments: Any) -> list[dict[str, Any]]:
    async with database.transaction() as connection:
        if query.startswith("measure_"):
            await connection.execute(SQL["plan_measuring"])
        found = await connection.fetchval(f"EXPLAIN ({how}, FORMAT JSON) {SQL[query]}", *arguments)
    return list(nodes(msgspec.json.decode(found)[0]["Plan"]))


@pytest.mark.parametrize("query", READS)
async def test_a_page_reads_by_an_index_and_little(filled: str, query: str) -> None:
    database = await connect(filled)
    try:
        plan = await explained(database, "ANALYZE, TIMING OFF", query, *READS[query])
    finally:
        await database.close()
    large = [node for node in plan if node.get("Relation Name") in LARGE]
    assert not [node for node in large if node["Node Type"] == "Seq Scan"], query
    assert touched_of(plan) <= A_PAGE.get(query, TOUCHED_AT_MOST), (query, touched_of(plan))


async def test_a_question_to_every_order_would_be_found_out(filled: str) -> None:
    database = await connect(filled)
    try:
        plan = await explained(database, "ANALYZE, TIMING OFF", "obligation_counts")
    finally:
        await database.close()
    assert touched_of(plan) > TOUCHED_AT_MOST


@pytest.mark.parametrize(("query", "more"), [("measure_orders", (BY_HAND,)), ("measure_lags", (SETTLING, OUR_OWN))])
async def test_measuring_finds_its_orders_by_key(filled: str, query: str, more: tuple[Any, ...]) -> None:
    """Whatever the planner thinks of how many facts there are in a batch."""
    database = await connect(filled)
    lanes = list(range(16))
    try:
        for span in (100, 100_000):
            plan = await explained(database, "COSTS", query, lanes, [1000] * 16, [1000 + span] * 16, *map(list, more))
            scanned = [n["Relation Name"] for n in plan if n["Node Type"] == "Seq Scan" and n["Relation Name"] in LARGE]
            assert not scanned, (query, span, scanned)
    finally:
        await database.close()
