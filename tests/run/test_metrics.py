"""The declarations of metrics by themselves, and a worker's own port as Prometheus reads it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Attempt, Marked, Settled
from crossdock.ports.outbound import Accepted, Transmission
from crossdock.ports.translation import Message
from crossdock.run.metrics import METRICS, Figures, Given, of, reference
from crossdock.run.watching import Watching
from crossdock.run.witness import Took

ROOT = Path(__file__).parents[2]
UNITS = ("_seconds", "_facts", "_bytes")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: object) -> None:
    name, kind = metric.name, metric.kind  # type: ignore[attr-defined]
    assert re.fullmatch(r"crossdock_[a-z]+(_[a-z]+)*", name)
    assert (kind == "counter") == name.endswith("_total")
    assert kind != "histogram" or name.endswith("_duration_seconds")
    assert metric.help.endswith(".")  # type: ignore[attr-defined]
    assert not {"le", "quantile", "job", "instance"} & set(metric.labels)  # type: ignore[attr-defined]
    assert not re.search(r"_(ms|minutes|hours|percent|kb|mb)\b", name)


def test_no_name_stands_twice() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_no_label_grows_with_orders_or_messages() -> None:
    bounded = {
        "lane",
        "channel",
        "system",
        "status",
        "debtor",
        "kind",
        "category",
        "cause",
        "method",
        "route",
        "result",
        "outcome",
        "worker",
    }
    assert {label for metric in METRICS for label in metric.labels} <= bounded


def test_the_reference_in_docs_is_the_one_that_the_declarations_give() -> None:
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == reference(), "make docs"


def seen_by(figures: Figures) -> None:
    """One of everything."""
    took = Took(0, 20_000_000)
    figures.received([Arrival(channel="acme", source_id="1", data=b"x")], 1, took)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    messages = [Message(id=n, channel="acme", source_id=str(n), data=b"", received_at=at) for n in (1, 2)]
    figures.interpreted(messages, [], [Marked(message=1, held="syntax: torn"), Marked(message=2)], took, took)
    figures.folded([None], {}, [None, None], took)  # type: ignore[list-item]
    transmission = Transmission(name="t", data=b"", deliveries=("SO-1/release", "SO-2/release"))
    figures.tried("erp", "send", transmission, Accepted(), took)
    settled = [Settled(0, f"SO-{n}/release", f"SO-{n}", "erp", "accepted", "200") for n in (1, 2)]
    attempts = [Attempt(0, s.id, 1, "send", 1, at, at, "accepted", "200", "") for s in settled]
    figures.settled(settled, attempts, [], took)


def test_a_workers_port_gives_every_metric_that_is_declared_for_it() -> None:
    registry = CollectorRegistry()
    seen_by(Figures(registry, 1))
    given = Given("127.0.0.1", 0, registry)
    answer = httpx.get(f"http://127.0.0.1:{given.port}/metrics")
    given.close()
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    for metric in of("worker"):
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind
        assert family.samples
        assert {label for s in family.samples for label in s.labels} - {"le"} == set(metric.labels)
    assert set(families) == {metric.name.removesuffix("_total") for metric in of("worker")}
    assert samples["crossdock_messages_read_total", ("channel", "acme"), ("result", "held")] == 1
    assert samples["crossdock_delivery_attempt_duration_seconds_count", ("system", "erp")] == 1
    attempted = (("kind", "send"), ("outcome", "accepted"), ("system", "erp"))
    assert samples["crossdock_delivery_attempts_total", *attempted] == 2
    assert samples["crossdock_fold_facts_total",] == 1


def test_a_worker_whose_port_is_taken_works_without_figures() -> None:
    first = Watching({"CROSSDOCK_METRICS": "127.0.0.1:0"})
    assert first.port
    second = Watching({"CROSSDOCK_METRICS": f"127.0.0.1:{first.port}"})
    assert second.port is None
    first.close()
    second.close()
