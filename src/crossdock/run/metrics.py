"""Prometheus metrics: every one that Crossdock gives is declared here, once; the reference, the dashboard, the alerts and the tests go by these declarations.

Two kinds of process give them. The server's /metrics tells what is so for the whole installation, read from the database, and what it answered itself. A worker tells what it
did, on a port of its own (`CROSSDOCK_METRICS=host:port`, worker n listens on port + n); its figures are those of a witness of the flow, and cost nothing where no port is set.
"""

from collections import Counter as Count
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, start_http_server

from crossdock.facts import Fact
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Attempt, Folded, Marked, Settled, Stored
from crossdock.ports.outbound import Found, Outcome, Transmission
from crossdock.ports.translation import Message
from crossdock.run.witness import Took, Witness

# Nobody asks when a series began, and each would be a series more.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client leaves it untyped

Where = Literal["database", "server", "worker"]


class Metric(msgspec.Struct, frozen=True):
    """One metric. labels: each with a set of values that the workspace or the code bounds. buckets: upper bounds of a histogram, in its unit.

    where: `database`: the server's /metrics, true of the whole installation, the same from every server; `server`: what this server answered; `worker`: what this worker did, or a
    server that reads and folds what the API takes in.
    """

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    where: Where
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_TRANSACTION = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_EXCHANGE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

METRICS: tuple[Metric, ...] = (
    Metric(
        "crossdock_lane_lag_facts",
        "gauge",
        "database",
        "Facts of a lane that are recorded and not folded yet.",
        ("lane",),
    ),
    Metric(
        "crossdock_lane_lag_seconds",
        "gauge",
        "database",
        "For how long the oldest fact of a lane that is not folded yet has been recorded; 0 when all are folded.",
        ("lane",),
    ),
    Metric("crossdock_facts_recorded_total", "counter", "database", "Facts in the log."),
    Metric("crossdock_facts_folded_total", "counter", "database", "Facts that the folds have taken in."),
    Metric("crossdock_messages_unread", "gauge", "database", "Messages that are stored and not read yet."),
    Metric(
        "crossdock_messages_unread_age_seconds",
        "gauge",
        "database",
        "For how long the oldest message that is not read yet has been here; 0 when all are read.",
    ),
    Metric(
        "crossdock_messages_held",
        "gauge",
        "database",
        "Messages that could not be read and are held with their findings.",
        ("channel",),
    ),
    Metric(
        "crossdock_processes_set_aside",
        "gauge",
        "database",
        "Processes that a defect keeps from being folded.",
    ),
    Metric(
        "crossdock_deliveries_open",
        "gauge",
        "database",
        "Deliveries that have not come to their end: queued, sending, unknown (nobody knows whether it was done); and dead, which wait for a person.",
        ("system", "status"),
    ),
    Metric(
        "crossdock_delivery_backlog_age_seconds",
        "gauge",
        "database",
        "For how long the oldest delivery to a system that is queued has been due; 0 when none is.",
        ("system",),
    ),
    Metric(
        "crossdock_system_breaker_open",
        "gauge",
        "database",
        "Whether the circuit to a system is open (1), half-open (0.5) or closed (0), as the worker that told last saw it.",
        ("system",),
    ),
    Metric(
        "crossdock_system_seen_age_seconds",
        "gauge",
        "database",
        "How long ago a worker last told how a system does; workers tell every 2 s.",
        ("system",),
    ),
    Metric(
        "crossdock_obligations_late",
        "gauge",
        "database",
        "Obligations that are open and overdue. Of debtors beyond the 100 with the most, the sum as `other`.",
        ("debtor", "kind"),
    ),
    Metric(
        "crossdock_obligations_late_age_seconds",
        "gauge",
        "database",
        "For how long the obligation that is overdue the longest has been so; 0 when none is.",
        ("debtor", "kind"),
    ),
    Metric(
        "crossdock_exceptions_open",
        "gauge",
        "database",
        "Exceptions that stand open. category: business, transport or defect.",
        ("category", "cause"),
    ),
    Metric(
        "crossdock_stock_source_age_seconds",
        "gauge",
        "database",
        "How long ago a system that tells stock was heard last.",
        ("system",),
    ),
    Metric(
        "crossdock_channel_changes_waiting",
        "gauge",
        "database",
        "Items at sites whose stock has changed since a channel was told.",
        ("channel",),
    ),
    Metric("crossdock_events_total", "counter", "database", "Events in the feed."),
    Metric(
        "crossdock_announce_lag_facts",
        "gauge",
        "database",
        "Facts that are folded and not looked through for events yet.",
    ),
    Metric(
        "crossdock_subscriptions",
        "gauge",
        "database",
        "Webhooks by status: active, paused or disabled (given up after days of failing).",
        ("status",),
    ),
    Metric(
        "crossdock_webhooks_waiting",
        "gauge",
        "database",
        "Events that subscribers are still to be told of, tried again ones included.",
    ),
    Metric(
        "crossdock_webhooks_waiting_age_seconds",
        "gauge",
        "database",
        "For how long the oldest of those has been due; 0 when none is.",
    ),
    Metric(
        "crossdock_up",
        "gauge",
        "server",
        "Whether the figures of the database could be read (1) or not (0); without them none of the others of the database is given.",
    ),
    Metric(
        "crossdock_http_request_duration_seconds",
        "histogram",
        "server",
        "How long requests took to be answered, by route as the API declares it.",
        ("method", "route", "status"),
        (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 30.0),
    ),
    Metric(
        "crossdock_messages_received_total",
        "counter",
        "worker",
        "Messages that were shown to us; a transport may show one again.",
        ("channel",),
    ),
    Metric(
        "crossdock_messages_read_total",
        "counter",
        "worker",
        "Messages that were read; result: understood or held.",
        ("channel", "result"),
    ),
    Metric(
        "crossdock_interpret_duration_seconds",
        "histogram",
        "worker",
        "Reading of a batch of messages, from claim to commit.",
        (),
        _TRANSACTION,
    ),
    Metric(
        "crossdock_fold_duration_seconds",
        "histogram",
        "worker",
        "Folding of a batch of facts, from claim to commit.",
        (),
        _TRANSACTION,
    ),
    Metric("crossdock_fold_facts_total", "counter", "worker", "Facts that this worker has folded."),
    Metric("crossdock_fold_processes_total", "counter", "worker", "Processes that this worker's folds have written."),
    Metric(
        "crossdock_delivery_attempts_total",
        "counter",
        "worker",
        "Attempts at deliveries. kind: send or look-up; outcome: accepted, refused, later or unknown.",
        ("system", "kind", "outcome"),
    ),
    Metric(
        "crossdock_delivery_attempt_duration_seconds",
        "histogram",
        "worker",
        "How long a system took to answer, a transmission each.",
        ("system",),
        _EXCHANGE,
    ),
    Metric(
        "crossdock_deliveries_settled_total",
        "counter",
        "worker",
        "What attempts came to: accepted, refused, dead (given up), queued (to be tried again) or unknown (to be looked up).",
        ("system", "status"),
    ),
    Metric(
        "crossdock_worker_info",
        "gauge",
        "worker",
        "Always 1; which worker of its machine this is, or `server`.",
        ("worker",),
    ),
)

BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}


def of(*where: Where) -> tuple[Metric, ...]:
    """The metrics that processes of these kinds give."""
    return tuple(metric for metric in METRICS if metric.where in where)


def instrument(name: str, registry: CollectorRegistry) -> Any:
    """The declared metric of this name, to be counted with, in `registry`. Raises KeyError for one that is not declared."""
    metric = BY_NAME[name]
    if metric.kind == "histogram":
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
    made = Counter if metric.kind == "counter" else Gauge
    return made(metric.name, metric.help, metric.labels, registry=registry)


class Figures(Witness):
    """Counts what a worker does. worker: its number on its machine, or `server`."""

    def __init__(self, registry: CollectorRegistry, worker: int | str = 0) -> None:
        def made(name: str) -> Any:
            return instrument(name, registry)

        self._received = made("crossdock_messages_received_total")
        self._read = made("crossdock_messages_read_total")
        self._interpret_seconds = made("crossdock_interpret_duration_seconds")
        self._fold_seconds = made("crossdock_fold_duration_seconds")
        self._fold_facts = made("crossdock_fold_facts_total")
        self._fold_processes = made("crossdock_fold_processes_total")
        self._attempts = made("crossdock_delivery_attempts_total")
        self._attempt_seconds = made("crossdock_delivery_attempt_duration_seconds")
        self._settled = made("crossdock_deliveries_settled_total")
        made("crossdock_worker_info").labels(worker).set(1)

    def received(self, arrivals: Sequence[Arrival], new: int, took: Took) -> None:
        for channel, count in Count(arrival.channel for arrival in arrivals).items():
            self._received.labels(channel).inc(count)

    def interpreted(
        self, messages: Sequence[Message], facts: Sequence[Fact], marks: Sequence[Marked], written: Took, took: Took
    ) -> None:
        held = {mark.message for mark in marks if mark.held}
        read = Count((m.channel, "held" if m.id in held else "understood") for m in messages)
        for labels, count in read.items():
            self._read.labels(*labels).inc(count)
        self._interpret_seconds.observe(took.seconds)

    def folded(self, facts: Sequence[Fact], before: Mapping[str, Stored], folded: Sequence[Folded], took: Took) -> None:
        self._fold_processes.inc(len(folded))
        if facts:
            self._fold_facts.inc(len(facts))
            self._fold_seconds.observe(took.seconds)

    def tried(self, system: str, kind: str, transmission: Transmission, outcome: Outcome | Found, took: Took) -> None:
        self._attempt_seconds.labels(system).observe(took.seconds)

    def settled(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], took: Took
    ) -> None:
        for labels, count in Count((each.system, each.status) for each in settled).items():
            self._settled.labels(*labels).inc(count)
        made = Count((s.system, a.kind, a.outcome) for s, a in zip(settled, attempts, strict=False))
        for tried, count in made.items():
            self._attempts.labels(*tried).inc(count)


class Given:
    """A worker's port, open until `close`."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self._server, self._thread = start_http_server(port, host, registry)
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def reference() -> str:
    """docs/reference/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "<!-- Generated by `make docs` from `crossdock.run.metrics`; do not edit. -->",
        "",
        "All metrics that Crossdock gives, in Prometheus' text format. How to scrape them, the dashboard and the alerts: [observe](../how-to/observe.md).",
        "",
        "Labels take their values from the workspace (systems, channels, partners) or the code (kinds, causes, statuses), never from orders or messages.",
    ]
    told = {
        "database": (
            "Of the whole installation",
            "From the server's `/metrics`, read from the database (at most every 5 s). Every server of an installation gives the same: take `max`, not `sum`.",
        ),
        "server": ("Of a server", "From the server's `/metrics`; of that server."),
        "worker": (
            "Of a worker",
            "From each worker's own port (`CROSSDOCK_METRICS`), and from the server's `/metrics` of what it takes in by the API and folds itself; add them up.",
        ),
    }
    for where, (title, words) in told.items():
        lines += [
            "",
            f"## {title}",
            "",
            words,
            "",
            "| metric | kind | labels | what it tells |",
            "| --- | --- | --- | --- |",
        ]
        for metric in METRICS:
            if metric.where == where:
                labels = ", ".join(f"`{label}`" for label in metric.labels)
                lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    return "\n".join(lines) + "\n"
