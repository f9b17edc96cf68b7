"""The figures of the whole installation in Prometheus' text format: vitals out of the database under the names that `run.metrics` declares. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from crossdock.run.metrics import of
from crossdock.store.vitals import Vitals

CARDINALITY = 100
"""Debtors that are told by name, at the most; the others' sum is `other`."""

_BREAKERS = {"closed": 0.0, "half-open": 0.5, "open": 1.0}

Samples = dict[tuple[str, ...], float]


def families(vitals: Vitals) -> Iterator[Family]:
    """Every metric of the database, each once, also those without a value."""
    samples = _samples(vitals)
    for metric in of("database"):
        made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = made(metric.name, metric.help, labels=metric.labels)
        for labels, value in samples[metric.name].items():
            family.add_metric(labels, value)
        yield family


def text(vitals: Vitals | None, own: CollectorRegistry) -> bytes:
    """The whole answer: `vitals` (None: they could not be read) and what the server counts itself."""
    registry = CollectorRegistry()
    if vitals is not None:
        registry.register(_Once(list(families(vitals))))
    up = GaugeMetricFamily("crossdock_up", _help("crossdock_up"), value=0.0 if vitals is None else 1.0)
    registry.register(_Once([up]))
    return generate_latest(registry) + generate_latest(own)


class _Once(Collector):
    def __init__(self, found: Iterable[Family]) -> None:
        self._found = found

    def collect(self) -> Iterable[Family]:
        return self._found


def _help(name: str) -> str:
    return next(metric.help for metric in of("server") if metric.name == name)


def _samples(vitals: Vitals) -> dict[str, Samples]:
    now = vitals.at
    late, late_since = _bounded(vitals)
    return {
        "crossdock_lane_lag_facts": {(str(lane.lane),): lane.head - lane.position for lane in vitals.lanes},
        "crossdock_lane_lag_seconds": {(str(lane.lane),): _age(lane.waiting_since, now) for lane in vitals.lanes},
        "crossdock_facts_recorded_total": {(): sum(lane.head for lane in vitals.lanes)},
        "crossdock_facts_folded_total": {(): sum(lane.position for lane in vitals.lanes)},
        "crossdock_messages_unread": {(): vitals.unread},
        "crossdock_messages_unread_age_seconds": {(): _age(vitals.unread_since, now)},
        "crossdock_messages_held": {(channel,): count for channel, count in vitals.held.items()},
        "crossdock_processes_set_aside": {(): vitals.set_aside},
        "crossdock_deliveries_open": {(each.name, each.kind): each.count for each in vitals.deliveries},
        "crossdock_delivery_backlog_age_seconds": {
            (each.name,): _age(each.since, now) for each in vitals.deliveries if each.kind == "queued"
        },
        "crossdock_system_breaker_open": {(each.system,): _BREAKERS.get(each.breaker, 1.0) for each in vitals.systems},
        "crossdock_system_seen_age_seconds": {(each.system,): _age(each.seen_at, now) for each in vitals.systems},
        "crossdock_obligations_late": late,
        "crossdock_obligations_late_age_seconds": late_since,
        "crossdock_exceptions_open": {(each.name, each.kind): each.count for each in vitals.exceptions},
        "crossdock_stock_source_age_seconds": {
            (system,): _age(heard_at, now) for system, heard_at in vitals.sources.items() if heard_at is not None
        },
        "crossdock_channel_changes_waiting": {(channel,): count for channel, count in vitals.channels.items()},
        "crossdock_events_total": {(): vitals.events},
        "crossdock_announce_lag_facts": {(): max(0, vitals.unannounced)},
        "crossdock_subscriptions": {(status,): count for status, count in vitals.subscriptions.items()},
        "crossdock_webhooks_waiting": {(): vitals.webhooks},
        "crossdock_webhooks_waiting_age_seconds": {(): _age(vitals.webhooks_since, now)},
    }


def _bounded(vitals: Vitals) -> tuple[Samples, Samples]:
    """What is late by debtor and kind, as counts and as seconds of the oldest; small debtors together."""
    most: dict[str, int] = {}
    for each in vitals.late:
        most[each.name] = most.get(each.name, 0) + each.count
    named = set(sorted(most, key=lambda name: (-most[name], name))[:CARDINALITY])
    counts: Samples = {}
    ages: Samples = {}
    for each in vitals.late:
        labels = (each.name if each.name in named else "other", each.kind)
        counts[labels] = counts.get(labels, 0) + each.count
        ages[labels] = max(ages.get(labels, 0), _age(each.since, vitals.at))
    return counts, ages


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
