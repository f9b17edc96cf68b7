"""No page reads a table that grows with every order from end to end: asked of the planner, on a population with its statistics.

Thirty thousand orders are enough for it to choose as it does for a million: what it would gain by reading all of a table grows with the table.
"""

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import msgspec
import pytest

from crossdock.facts import Fact
from crossdock.facts.order import HoldPlaced
from crossdock.store.database import Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.figures import KPIS
from crossdock.store.log import FactLog
from crossdock.store.queries import SQL, named
from crossdock.store.reading import BOARD_LOCK, LOOKED_AT, Reading
from crossdock.store.trading import BEGINNING, TRAFFIC_SEEN

ORDERS = 30_000
NOW = datetime.now(UTC)
DAY = NOW.date()
FAR = datetime(9999, 1, 1, tzinfo=UTC)


def _population() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "population.py"
    spec = importlib.util.spec_from_file_location("loaded_bench_population", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


population = _population()

QUESTIONS: dict[str, tuple[Any, ...]] = {
    # Today
    "board": (),
    "in_flight": (None,),
    "owed_late": (NOW,),
    "owed_soon": (NOW, NOW + timedelta(days=1)),
    "latest_owed": (NOW, True, 8),
    "trouble_now": (),
    "trouble_cared_for": (NOW, None),
    "trouble_by_hour": (NOW - timedelta(hours=23),),
    "answered_since": (NOW - timedelta(minutes=5),),
    "came_since": (NOW - timedelta(minutes=5),),
    "throughput_since": (NOW - timedelta(hours=1),),
    "count_throughput": (5000, 50_000),
    "vital_lanes": (),
    "vital_unread": (),
    "vital_held": (),
    "vital_set_aside": (),
    "vital_deliveries": (),
    # Search and orders
    "search_references": (
        ["PO400"],
        ["PO400"],
        ["PO400\U0010ffff"],
        ["004OP"],
        ["004OP\U0010ffff"],
        None,
        LOOKED_AT,
        20,
    ),
    "orders_newest": (list(population.PARTNERS), FAR, "", 51),
    "orders_standing": (list(population.PARTNERS), "released", FAR, "", 51),
    "process": (1, "SO-000000001"),
    "obligations_of": (1, "SO-000000001"),
    "exceptions_of": (1, "SO-000000001"),
    "deliveries_of": (1, ["SO-000000001/create-in-erp"]),
    "attempts_of": (1, ["SO-000000001/create-in-erp"]),
    "message_heads": ([1, 2, 3],),
    # Exceptions and messages
    "exceptions_page": (FAR, "", None, None, None, None, None, None, None, False, NOW, 51),
    "exceptions_counted": (None, None, NOW),
    "exception_by_id": (1, "SO-000000001/price-mismatch/1", None, NOW),
    "actions_of": (1, "SO-000000001/price-mismatch/1"),
    "deliveries_by_id": ([1], ["SO-000000001/create-in-erp"], None),
    "messages_page": (2**62, None, None, None, None, 51),
    "messages_held_page": (2**62, None, None, 51),
    "message": (1,),
    "resubmissions_of": (1,),
    "intervals_of": (1, "SO-000000001/price-mismatch/1"),
    "filters_of": ("user:ann",),
    "session": (b"x" * 32, NOW, NOW),
    # Flows
    "vital_systems": (),
    "traffic_of_channels": (list(population.PARTNERS), NOW - timedelta(minutes=15), TRAFFIC_SEEN),
    "channels_now": (),
    # Partners
    "late_by_party": ([*population.PARTNERS, "quick3pl"], NOW),
    "owed_by_party": ("quick3pl", 20, None),
    "late_to_party": ("acme", NOW, 20),
    "last_orders_of_partner": ("acme", 10),
    "messages_over_channel": ("acme", 15),
    # KPIs
    "facts_to_measure": (),
    "lanes_to_measure": (500,),
    "figures_by_day": ("partner", list(KPIS), "acme", DAY - timedelta(days=29), DAY),
    "figures_by_member": ("partner", ["order-cycle"], list(population.PARTNERS), DAY - timedelta(days=29), DAY),
    "figure_members": ("partner", list(KPIS), "", 100),
    # Stock
    "list_stock": ("SKU-00001", "", "", 61, "SKU-00001\U0010ffff"),
    "stock_of_items": (["SKU-0000007", population.BUSY], "", "", 61),
    "supply_of": ([population.BUSY] * 2, list(population.SITES)),
    "positions_of_pairs_now": ([population.BUSY] * 2, list(population.SITES)),
    "movements_behind": (population.BUSY, "RENO", FAR, FAR, "~", "~", 26),
    "reservations_behind": (population.BUSY, "RENO"),
    "variances_of_item": (population.BUSY,),
    "sources_heard": (["quick3pl"],),
    "sources_now": (),
    "told_of_channel": ("shop", population.BUSY, 10),
    # Billing
    "to_bill_by_partner": (NOW,),
    "to_bill_by_checkpoint": (),
    "to_bill": (None, BEGINNING, "", 51),
    "to_bill_of_partner": ("acme", None, BEGINNING, "", 51),
    # Configuration
    "versions": (),
    "version": (1,),
    # What /metrics asks besides
    "vital_late": (NOW,),
    "vital_exceptions": (),
    "vital_sources": (),
    "vital_channels": (),
    "vital_events": (),
    "vital_subscriptions": (),
    "vital_webhooks": (),
    "callers_traces": ([1], ["SO-000000001"]),
}


@pytest.fixture(scope="module")
def crowded(postgres: Embedded) -> Iterator[str]:
    """The address of a database with the population."""
    url = postgres.url.replace("/postgres?", "/crowded?")

    async def admin(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    async def fill() -> None:
        database = await connect(url, 2)
        connection = await asyncpg.connect(url)
        await population.populate(connection, ORDERS, database.lanes)
        await connection.close()
        await Reading(database).work_out_board(NOW)
        await database.close()

    asyncio.run(admin("CREATE DATABASE crowded"))
    asyncio.run(fill())
    yield url
    asyncio.run(admin("DROP DATABASE crowded WITH (FORCE)"))


def scanned(plan: dict[str, Any]) -> set[str]:
    """The tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    for each in plan.get("Plans", ()):
        found |= scanned(each)
    return found


async def test_no_question_of_a_page_reads_a_table_that_grows_from_end_to_end(crowded: str) -> None:
    connection = await asyncpg.connect(crowded)
    found = {}
    for name, arguments in QUESTIONS.items():
        row = await connection.fetchval("EXPLAIN (FORMAT JSON) " + SQL[name], *arguments)
        plan = msgspec.json.decode(row)[0]["Plan"]
        if read := scanned(plan) & set(population.TABLES):
            found[name] = read
    await connection.close()
    assert found == {}


async def test_nor_does_it_when_it_is_planned_once_for_all_arguments(crowded: str) -> None:
    """A statement that is asked often is planned without a look at its arguments, if that is thought to cost no more."""
    connection = await asyncpg.connect(crowded)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    found = {}
    for name, arguments in QUESTIONS.items():
        await connection.execute(f"PREPARE asked AS {SQL[name]}")
        given = f"({', '.join(['NULL'] * len(arguments))})" if arguments else ""
        row = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}")
        await connection.execute("DEALLOCATE asked")
        if read := scanned(msgspec.json.decode(row)[0]["Plan"]) & set(population.TABLES):
            found[name] = read
    await connection.close()
    assert found == {}


async def test_a_plan_that_scans_would_be_noticed(crowded: str) -> None:
    connection = await asyncpg.connect(crowded)
    row = await connection.fetchval(
        "EXPLAIN (FORMAT JSON) SELECT milestone, count(*) FROM processes GROUP BY milestone"
    )
    await connection.close()
    assert "processes" in scanned(msgspec.json.decode(row)[0]["Plan"])


WRITES = {
    "reading": {"forget_throughput", "try_lock_board", "put_board", "put_filter", "drop_filter"},
    "trading": set(),
    "vitals": set(),
    "figures": {
        "hold_measuring",
        "plan_measuring",
        "measure_lags",
        "measure_orders",
        "save_measuring",
        "forget_figures",
    },
}
"""What pages do not ask: `tests/store/test_trading_plans.py` looks at how measuring reads."""


@pytest.mark.parametrize("room", WRITES)
def test_every_question_of_the_dashboards_own_is_asked_here(room: str) -> None:
    own = {name for name, _ in named((resources.files("crossdock.store") / "sql" / f"{room}.sql").read_text())}
    assert own - WRITES[room] <= set(QUESTIONS)


async def test_the_board_tells_what_there_is(database: Database) -> None:
    connection = await asyncpg.connect(database.pool._connect_args[0])
    await population.populate(connection, 400, database.lanes)
    await connection.close()
    reading = Reading(database)
    made = await reading.work_out_board(datetime.now(UTC))
    kept = await reading.board()
    assert made is not None and kept is not None and kept.in_flight == made.in_flight
    # Nineteen in twenty are complete and one in a hundred is cancelled.
    assert sum(made.in_flight.values()) == 400 * 4 // 100
    assert await reading.in_flight("acme") != made.in_flight
    assert made.late_ours == sorted(made.late_ours, key=lambda row: (-(row.amount or 0), row.due_at))
    assert sum(each.count for each in made.causes) > 0


async def test_only_one_server_at_a_time_works_the_board_out(database: Database) -> None:
    reading, now = Reading(database), datetime.now(UTC)
    async with database.transaction() as held:
        assert await held.fetchval(SQL["try_lock_board"], BOARD_LOCK)
        assert await reading.work_out_board(now) is None
    assert await reading.work_out_board(now) is not None


async def test_throughput_counts_every_fact_once(database: Database) -> None:
    now, reading = datetime.now(UTC), Reading(database)
    facts = [
        Fact(key=f"SO-{n}", data=HoldPlaced(hold="x"), source="t", source_id=str(n), occurred_at=now) for n in range(50)
    ]
    await FactLog(database).record(facts[:30], now)
    await reading.work_out_board(now)
    await FactLog(database).record(facts[30:], now)
    await reading.work_out_board(now)
    board = await reading.work_out_board(now)
    assert board is not None and sum(board.throughput["order.hold-placed"]) == 50
