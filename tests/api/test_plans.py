"""How PostgreSQL answers what grows: counting open exceptions and sweeping events read what is asked about, whether the plan was made for these arguments or for any."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from crossdock.store.database import Database
from crossdock.store.queries import SQL

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
ROWS = 20_000
LARGE = {"processes", "exceptions", "events", "webhook_deliveries", "webhook_attempts"}
FILL = (
    """
INSERT INTO processes (lane, key, process, state, known, positions, milestone, summary, created_at, updated_at)
SELECT n % 16, 'SO-' || n, 'order_to_cash', '', '', ARRAY[n::bigint], 'complete', json_build_object('customer', 'p' || n % 50), $1, $1
  FROM generate_series(1, $2::int) n""",
    """
INSERT INTO exceptions (lane, id, key, category, cause, detail, action, subject, obligations, amount, opened_at, closed_at)
SELECT n % 16, 'SO-' || n || '/overdue', 'SO-' || n, 'business', 'overdue', '', '', '', '{}', 10, $1, CASE WHEN n % 100 > 0 THEN $1::timestamptz END
  FROM generate_series(1, $2::int) n""",
    """
INSERT INTO events (sequence, id, type, key, partner, time, announced_at, data)
SELECT n, 'e' || n, 'order.closed.v1', 'SO-' || n, 'p' || n % 50, $1, $1::timestamptz + n * interval '1 min', '{}' FROM generate_series(1, $2::int) n""",
    """
INSERT INTO subscriptions (id, url, types, partner, description, status, secret, cursor, created_at, created_by, disabled_at)
SELECT 's' || n, '', '{}', '', '', CASE WHEN n = 3 THEN 'disabled' ELSE 'active' END, '', $2::int, $1, '', $1::timestamptz - interval '1 day'
  FROM generate_series(1, 3) n""",
    """
INSERT INTO webhook_deliveries (subscription, sequence, status, due_at)
SELECT 's' || n % 3 + 1, n, CASE WHEN n > $2 - 5 THEN 'queued' ELSE 'delivered' END, $1 FROM generate_series(1, $2::int) n""",
    """
INSERT INTO webhook_attempts (subscription, sequence, round, attempt, started_at, ended_at, outcome, detail)
SELECT 's' || n % 3 + 1, n, 0, 1, $1, $1, '', '' FROM generate_series(1, $2::int) n""",
)


@pytest.fixture
async def full(database: Database) -> AsyncIterator[Any]:
    """A connection to a database in which much has happened."""
    async with database.transaction() as connection:
        for statement in FILL:
            await connection.execute(statement, NOW, ROWS)
        await connection.execute("UPDATE announcer SET sequence = $1", ROWS)
    async with database.pool.acquire() as connection:
        await connection.execute("VACUUM ANALYZE processes, exceptions, events, webhook_deliveries, webhook_attempts")
        yield connection


def walked(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(step for each in plan.get("Plans", ()) for step in walked(each))]


async def steps(connection: Any, name: str, arguments: tuple[str, ...], mode: str) -> list[dict[str, Any]]:
    """Every step of a plan, with the rows that it came to."""
    await connection.execute(f"SET plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE asked AS {SQL[name]}")
    told = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked ({', '.join(arguments)})")
    await connection.execute("DEALLOCATE asked")
    return walked(msgspec.json.decode(told)[0]["Plan"])


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("partner", ["NULL", "'p0'"])
async def test_counting_open_exceptions_reads_the_open_ones_and_their_orders(
    full: Any, mode: str, partner: str
) -> None:
    found = await steps(full, "exceptions_counted", (partner, "NULL", f"'{NOW}'"), mode)
    of_orders = [s for s in found if s.get("Relation Name") == "processes"]
    assert not [s for s in found if s["Node Type"] == "Seq Scan" and s["Relation Name"] in LARGE]
    assert sum(s["Actual Rows"] * s["Actual Loops"] for s in of_orders) <= ROWS / 100
    if partner == "NULL":
        assert not any(s["Actual Loops"] for s in of_orders)


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_a_sweep_reads_what_it_sweeps(full: Any, mode: str) -> None:
    cutoff = f"'{NOW + timedelta(minutes=ROWS / 2)}'"
    asked = {"sweepable_events": (cutoff, "200"), "sweep_events": ("1", "200", cutoff)}
    async with full.transaction():
        for name, arguments in asked.items():
            found = await steps(full, name, arguments, mode)
            assert not [s for s in found if s["Node Type"] == "Seq Scan" and s["Relation Name"] in LARGE], name
            touched = [s for s in found if s.get("Relation Name") in LARGE and not re.search("Modify", s["Node Type"])]
            assert sum(s["Actual Rows"] * s["Actual Loops"] for s in touched) < ROWS / 10, name
    assert await full.fetchval("SELECT count(*) FROM events") == ROWS - 200
