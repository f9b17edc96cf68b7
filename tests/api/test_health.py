"""Whether we live, whether we are ready and why not, and figures as Prometheus reads them, of a real server on a real PostgreSQL."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from crossdock.api.exposition import CARDINALITY, text
from crossdock.api.health import Health
from crossdock.api.hub import Hub
from crossdock.api.readiness import STALLED_SECONDS, Stalls, readiness
from crossdock.run.metrics import METRICS
from crossdock.store.database import Database
from crossdock.store.vitals import LaneVitals, Open, Vitals, VitalSigns

from .conftest import Server, Writer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Client = Callable[..., Writer]

Figures = dict[tuple[str, ...], float]


def figures(exposed: str, name: str) -> Figures:
    """Samples of one metric by the values of its labels, in the order of their names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposed)
        for sample in family.samples
        if sample.name == name
    }


# --- A running server ---


def test_whoever_asks_is_told_that_we_live(client: Client) -> None:
    answer = client("").get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_a_server_with_its_database_is_ready(client: Client) -> None:
    answer = client("").get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"]
    assert [check["name"] for check in answer.json()["checks"]] == ["database", "migrations", "lanes"]


def test_figures_are_for_those_who_may_read_figures(client: Client) -> None:
    assert client("").get("/metrics").status_code == 401
    assert client("partner").get("/metrics").status_code == 403
    assert client("auditor").get("/metrics").status_code == 200
    with httpx.Client(base_url=client("").base_url) as stranger:
        assert stranger.get("/metrics", headers={"Authorization": "Bearer cdk_nobody"}).status_code == 401


def test_every_metric_that_is_declared_for_a_server_is_given_as_declared(client: Client) -> None:
    client("operations").get("/v1/nowhere")
    answer = client("operations").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind
        assert family.documentation == metric.help
        assert {label for s in family.samples for label in s.labels} - {"le"} <= set(metric.labels)
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}


def test_figures_say_what_stands_in_the_database(client: Client, server: Server) -> None:
    async def count(database: Database) -> tuple[int, int, int]:
        async with database.pool.acquire() as connection:
            return (
                await connection.fetchval("SELECT count(*) FROM facts"),
                await connection.fetchval("SELECT count(*) FROM messages WHERE status = 'held'"),
                await connection.fetchval("SELECT count(*) FROM deliveries WHERE status = 'dead' AND system = 'erp'"),
            )

    # Figures are kept for some seconds; other tests of the session may write meanwhile.
    for _ in range(4):
        before = server.ask(count)
        asyncio.run(asyncio.sleep(5.1))
        exposed = client("admin").get("/metrics").text
        if server.ask(count) == before:
            break
    told, held, dead = before
    assert figures(exposed, "crossdock_up") == {(): 1}
    assert figures(exposed, "crossdock_facts_recorded_total") == {(): told}
    assert sum(figures(exposed, "crossdock_messages_held").values()) == held >= 1
    assert figures(exposed, "crossdock_deliveries_open").get(("dead", "erp"), 0) == dead
    assert sum(figures(exposed, "crossdock_exceptions_open").values()) >= 1
    assert len(figures(exposed, "crossdock_lane_lag_facts")) >= 8


def test_requests_are_timed_by_the_route_as_declared_and_never_by_what_was_asked(client: Client) -> None:
    client("admin").get("/v1/keys", params={"limit": 3})
    exposed = client("admin").get("/metrics").text
    counted = figures(exposed, "crossdock_http_request_duration_seconds_count")
    routes = {route for _, route, _ in counted}
    assert any(route.startswith("/v1/keys") for route in routes)
    assert not any("limit" in route for route in routes)
    assert {method for method, _, _ in counted} <= {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}


def test_a_request_without_a_trace_is_answered_with_one_and_one_with_goes_on_in_it(client: Client) -> None:
    own = client("admin").get("/v1/keys").headers["traceparent"]
    assert len(own.split("-")[1]) == 32
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answered = client("admin").get("/v1/keys", headers={"traceparent": given}).headers["traceparent"]
    assert answered.split("-")[1] == given.split("-")[1]
    assert answered.split("-")[2] != given.split("-")[2]


# --- Readiness ---


def lane(head: int, position: int, lane: int = 0) -> LaneVitals:
    return LaneVitals(lane, head, position, NOW)


def test_a_lane_is_stalled_when_its_fold_stands_still_with_facts_ahead() -> None:
    stalls = Stalls()
    assert stalls.look([lane(10, 4)], 0) == []
    assert stalls.look([lane(12, 4)], STALLED_SECONDS - 1) == []
    assert stalls.look([lane(12, 4)], STALLED_SECONDS) == [0]


def test_a_lane_that_moves_however_slowly_is_not_stalled() -> None:
    stalls = Stalls()
    for n in range(10):
        assert stalls.look([lane(100, n)], n * (STALLED_SECONDS - 1)) == []


def test_a_lane_with_nothing_to_fold_is_not_stalled_and_its_time_begins_when_something_comes() -> None:
    stalls = Stalls()
    for n in range(5):
        assert stalls.look([lane(7, 7)], n * STALLED_SECONDS) == []
    assert stalls.look([lane(8, 7)], 5 * STALLED_SECONDS - 1) == []
    assert stalls.look([lane(8, 7)], 5 * STALLED_SECONDS) == [0]


def test_readiness_says_in_words_what_is_not_as_it_must_be() -> None:
    found = readiness("", ["012_reading.sql"], [3, 4], 17)
    assert not found.ready
    assert {check.name: check.reason for check in found.checks if not check.ok} == {
        "migrations": "the database lacks 012_reading.sql",
        "lanes": "nothing has been folded for 60 s in lanes 3, 4, with 17 facts ahead: is a worker running?",
    }


def health(database: Database) -> Health:
    return Health(cast(Hub, SimpleNamespace(database=database, clock=lambda: NOW)), CollectorRegistry())


async def test_a_database_that_lacks_a_migration_is_not_ready(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("DELETE FROM migrations WHERE number = 8")
    found = await health(database).readiness()
    assert [(check.name, check.reason) for check in found.checks if not check.ok] == [
        ("migrations", "the database lacks 008_receipts.sql")
    ]


async def test_a_database_that_is_away_is_said_to_be_and_figures_say_so_without_inventing_any(
    database: Database,
) -> None:
    asked = health(database)
    await database.close()
    found = await asked.readiness()
    assert not found.ready
    assert found.checks[0].reason.startswith("the database cannot be reached")
    exposed = (await asked.exposition()).decode()
    assert figures(exposed, "crossdock_up") == {(): 0}
    assert figures(exposed, "crossdock_facts_recorded_total") == {}


# --- Figures ---


def vitals(**more: Any) -> Vitals:
    nothing: dict[str, Any] = {
        "at": NOW,
        "lanes": [],
        "deliveries": [],
        "late": [],
        "exceptions": [],
        "unread": 0,
        "unread_since": None,
        "held": {},
        "set_aside": 0,
        "systems": [],
        "sources": {},
        "channels": {},
        "events": 0,
        "unannounced": 0,
        "subscriptions": {},
        "webhooks": 0,
        "webhooks_since": None,
    }
    return Vitals(**{**nothing, **more})


def exposed(**more: Any) -> str:
    return text(vitals(**more), CollectorRegistry()).decode()


def test_however_many_partners_are_late_the_figures_name_the_most_and_sum_the_rest() -> None:
    late = [Open(f"partner-{n}", "functional-ack", n, NOW - timedelta(hours=1)) for n in range(1, 301)]
    told = figures(exposed(late=late), "crossdock_obligations_late")
    assert len(told) == CARDINALITY + 1
    assert told["partner-300", "functional-ack"] == 300
    assert told["other", "functional-ack"] == sum(range(1, 201))
    assert sum(told.values()) == sum(range(1, 301))


def test_labels_with_odd_characters_are_read_back_as_they_were() -> None:
    odd = 'a"b\\c\nd'
    assert figures(exposed(held={odd: 2}), "crossdock_messages_held") == {(odd,): 2}


def test_ages_are_seconds_since_and_never_negative() -> None:
    told = exposed(sources={"wms": NOW - timedelta(minutes=2), "erp": NOW + timedelta(seconds=5), "new": None})
    assert figures(told, "crossdock_stock_source_age_seconds") == {("wms",): 120, ("erp",): 0}


async def test_vitals_of_an_empty_database_are_all_there(database: Database) -> None:
    read = await VitalSigns(database).read(NOW)
    assert {each.head - each.position for each in read.lanes} == {0}
    assert (read.unread, read.set_aside, list(read.late)) == (0, 0, [])


async def test_vitals_read_what_is_open_by_an_index_and_never_a_whole_table(database: Database) -> None:
    from crossdock.store.queries import SQL

    names = [name for name in SQL if name.startswith("vital_")]
    assert len(names) >= 9
    small = {
        "system_health",
        "stock_sources",
        "lanes",
        "cursors",
        "migrations",
        "streams",
        "channel_changed",
        "announcer",
        "subscriptions",
        "event_cursors",
    }
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        for name in names:
            arguments = [NOW] if "$1" in SQL[name] else []
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {SQL[name]}", *arguments))
            scanned = {line.split(" on ")[1].split()[0] for line in plan.splitlines() if "Seq Scan on" in line}
            assert scanned <= small, f"{name}:\n{plan}"


@pytest.mark.parametrize("route", ["/livez", "/readyz", "/metrics"])
def test_what_is_so_now_is_kept_by_nobody(client: Client, route: str) -> None:
    assert client("admin").get(route).headers["cache-control"] == "no-store"
