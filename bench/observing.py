"""What being watched costs an order: witnesses are told what 100 orders bring about (5 messages, 9 facts, 5 folds, 6 deliveries each), and their processor time is taken.

    python -m bench.observing

The flow is not run: beside it, these figures would drown in its own. An order's own cost is what `bench.road` says.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from prometheus_client import CollectorRegistry

from bench.machine import machine
from crossdock.facts import Fact
from crossdock.facts.order import CreditAnswered
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Attempt, Claimed, Folded, Marked, Settled
from crossdock.ports.outbound import Accepted, Delivery, Transmission
from crossdock.ports.translation import Message
from crossdock.process.obligation import Obligation, Status
from crossdock.run.logs import Journal
from crossdock.run.metrics import Figures
from crossdock.run.telemetry import Traces
from crossdock.run.witness import Took, Watch, Witness

ORDERS, MESSAGES, FACTS, FOLDS, DELIVERIES = 100, 5, 9, 5, 6
ROUNDS = 7
MOMENT = datetime(2026, 1, 16, 12, tzinfo=UTC)


class Kept(SpanProcessor):
    """Keeps spans, where `keeping`."""

    def __init__(self, keeping: bool = False) -> None:
        self.spans: list[ReadableSpan] = []
        self._keeping = keeping

    def on_end(self, span: ReadableSpan) -> None:
        """A span is whole."""
        if self._keeping:
            self.spans.append(span)


class Trade:
    """What the orders bring about."""

    def __init__(self) -> None:
        self.took = Took(time.time_ns(), time.time_ns() + 5_000_000)
        keys = [f"ACME-PO{n}" for n in range(ORDERS)]
        count = MESSAGES * ORDERS
        self.arrivals = [Arrival(channel="acme", source_id=str(n), data=b"x") for n in range(count)]
        self.messages = [
            Message(id=n, channel="acme", source_id=str(n), data=b"", received_at=MOMENT) for n in range(count)
        ]
        self.marks = [Marked(message=message.id) for message in self.messages]
        self.facts = [
            Fact(
                key=keys[n % ORDERS],
                data=CreditAnswered(obligation="o", approved=True),
                source="erp",
                source_id=str(n),
                occurred_at=MOMENT,
                recorded_at=MOMENT,
                message=n % count,
            )
            for n in range(FACTS * ORDERS)
        ]
        self.folded = [
            Folded(
                lane=1,
                key=key,
                process="order_to_cash",
                state=b"",
                known=b"",
                positions=[],
                milestone="released",
                summary=b"",
                created_at=MOMENT,
                obligations=[Obligation(f"{key}/release/{n}", "release", "us", "erp", Status.READY) for n in range(2)],
            )
            for key in keys
        ]
        deliveries = [
            Delivery(id=f"{key}/release/{n}", key=key, system="erp", document="release", content=b"")
            for key in keys
            for n in range(DELIVERIES)
        ]
        self.claimed = [Claimed(1, delivery) for delivery in deliveries]
        self.transmissions = [
            Transmission(name=d.id, data=b"", deliveries=(d.id,), request={"method": "POST", "path": "/"})
            for d in deliveries
        ]
        self.settled = [Settled(1, d.id, d.key, "erp", "accepted", "200") for d in deliveries]
        self.attempts = [Attempt(1, d.id, 1, "send", 1, MOMENT, MOMENT, "accepted", "200", "") for d in deliveries]

    def tell(self, watch: Watch) -> None:
        """All of it, in batches of a hundred orders."""
        took = self.took
        watch.tell(lambda w: w.received(self.arrivals, len(self.arrivals), took))
        for at in range(0, MESSAGES * ORDERS, ORDERS):
            part = slice(at, at + ORDERS)
            watch.tell(
                lambda w, p=part: w.interpreted(self.messages[p], self.facts[p], self.marks[p], took, took)  # type: ignore[misc]
            )
        per_fold = FACTS * ORDERS // FOLDS
        for at in range(0, FACTS * ORDERS, per_fold):
            facts = self.facts[at : at + per_fold]
            watch.tell(lambda w, f=facts: w.folded(f, {}, self.folded, took))  # type: ignore[misc]
        watch.tell(lambda w: w.loaded("erp", self.claimed, {}, took, False))
        for each in self.transmissions:
            watch.tell(lambda w, t=each: w.outgoing("erp", t) and None)  # type: ignore[misc]
            watch.tell(lambda w, t=each: w.tried("erp", "send", t, Accepted({}, "200"), took))  # type: ignore[misc]
        watch.tell(lambda w: w.settled(self.settled, self.attempts, self.facts[: DELIVERIES * ORDERS], took))


def cost_us(trade: Trade, witnesses: Sequence[Witness]) -> float:
    """Microseconds of processor time an order, the best of some rounds."""
    watch = Watch(witnesses)
    trade.tell(watch)
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        trade.tell(watch)
        best = min(best, time.thread_time() - began)
    return 1e6 * best / ORDERS


def traces(ratio: float, processor: SpanProcessor) -> Traces:
    """Traces of so many of the orders."""
    sampler: Any = ParentBased(TraceIdRatioBased(ratio))
    return Traces(TracerProvider(sampler=sampler), processor)


def main() -> None:
    """The command."""
    print(machine())
    trade = Trade()
    for name, witnesses in (
        ("journal", [Journal()]),
        ("figures", [Figures(CollectorRegistry())]),
        ("traces of one order in twenty, not exported", [traces(0.05, Kept())]),
        ("traces of every order, not exported", [traces(1, Kept())]),
    ):
        print(f"{name}: {cost_us(trade, witnesses):.0f} us an order")
    kept = Kept(keeping=True)
    trade.tell(Watch([traces(1, kept)]))
    began = time.thread_time()
    encode_spans(kept.spans).SerializeToString()
    spent = time.thread_time() - began
    print(f"encoding for export: {1e6 * spent / ORDERS:.0f} us an order of {len(kept.spans) / ORDERS:.0f} spans")


if __name__ == "__main__":
    main()
