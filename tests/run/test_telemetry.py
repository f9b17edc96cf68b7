"""Traces against a real OTLP receiver: the flow on a PostgreSQL, an HTTP system on a socket, spans as a collector gets them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from http_server import Reply, Request, ScriptedServer
from hypothesis import given
from hypothesis import strategies as st
from otlp_receiver import Receiver
from play import AGREEMENT, order

from crossdock.connectors.http import HttpSink, http_spec
from crossdock.connectors.settings import Secret
from crossdock.facts import Fact
from crossdock.facts.order import CreditAnswered
from crossdock.flow.dispatch import Dispatch
from crossdock.flow.fold import fold_once
from crossdock.flow.interpret import interpret_once
from crossdock.ports.inbound import Arrival
from crossdock.ports.outbound import Delivery, Pace, Transmission
from crossdock.ports.tracing import TraceContext, kept_traceparent, read_traceparent, root_span_of, trace_of
from crossdock.ports.translation import Composition, Message, Reading
from crossdock.run.pacing import SystemPacing
from crossdock.run.watching import Watching, address_of, seed_of, tracing
from crossdock.run.witness import Watch, Witness
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.vitals import VitalSigns

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ids = st.integers(min_value=1, max_value=2**64 - 1)


# --- The header and the ids ---


@given(st.integers(min_value=1, max_value=2**128 - 1), ids, st.booleans())
def test_a_traceparent_that_was_written_reads_as_what_it_was(trace: int, span: int, sampled: bool) -> None:
    place = TraceContext(trace, span, sampled)
    assert read_traceparent(place.header) == place


@given(st.text(max_size=70))
def test_no_text_breaks_the_reading_of_a_traceparent_and_what_is_kept_of_it_is_well_formed(text: str) -> None:
    kept = kept_traceparent({"traceparent": text})
    assert kept == {} or read_traceparent(kept["traceparent"]) is not None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        CALLER + "-more",
    ],
)
def test_a_traceparent_that_breaks_the_standard_is_as_none(header: str) -> None:
    assert read_traceparent(header) is None
    assert kept_traceparent({"traceparent": header}) == {}


def test_a_later_version_with_more_behind_it_is_read_as_far_as_we_know_it() -> None:
    assert read_traceparent("cc" + CALLER[2:] + "-what-comes") == read_traceparent(CALLER)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_key_has_one_trace_and_another_installation_has_another(key: str, seed: str) -> None:
    assert trace_of(key, seed) == trace_of(key, seed) != 0
    assert trace_of(key, seed) != trace_of(key, seed + "x")
    assert root_span_of(key, seed) != 0


def test_the_environment_says_whether_and_for_whom() -> None:
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert tracing(there)
    assert not tracing({})
    assert not tracing({**there, "OTEL_SDK_DISABLED": "true"})
    assert not tracing({**there, "OTEL_TRACES_EXPORTER": "none"})
    assert seed_of({"OTEL_RESOURCE_ATTRIBUTES": "service.namespace=east, deployment.environment.name=test"}) == "east"
    assert (
        seed_of({"OTEL_RESOURCE_ATTRIBUTES": "service.namespace=east,deployment.environment.name=test"}) == "east/test"
    )


def test_each_worker_has_a_port_of_its_own() -> None:
    assert address_of("127.0.0.1:8720", 3) == ("127.0.0.1", 8723)
    for wrong in ("8720", "host:", "host:eighty", "host:65535"):
        with pytest.raises(ValueError, match="CROSSDOCK_METRICS"):
            address_of(wrong, 1)


def test_where_nobody_asks_for_traces_nothing_of_them_is_loaded_and_nothing_looked_up() -> None:
    script = (
        "import sys, crossdock.cli.run as run; from crossdock.run.watching import Watching; w = Watching({})\n"
        "assert w.watch(None).origins is None and w.port is None\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry', 'prometheus_client'))])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


def test_nobody_who_watches_means_nothing_is_wrapped() -> None:
    inbox: Any = object()
    assert Watch(()).inbox(inbox) is Watch(()).log(inbox) is Watch(()).outbox(inbox) is Watch(()).sink(inbox) is inbox


# --- A road ---


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The collector that the environment names."""
    made = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.close()


class OrderReader:
    """Each message is the number of an order."""

    def read(self, message: Message) -> Iterator[Reading]:
        key = message.data.decode()
        fact = Fact(
            key=key,
            data=order(purchase_order=key),
            source=message.channel,
            source_id=key,
            occurred_at=message.received_at,
            message=message.id,
        )
        yield Reading(facts=(fact,))


class Requests:
    """One request a delivery."""

    def needs(self, deliveries: Sequence[Delivery]) -> dict[tuple[str, str], int]:
        return {}

    def compose(self, deliveries: Sequence[Delivery], numbers: Any, now: datetime) -> Composition:
        request = {"method": "POST", "path": "/credit-checks", "document": "credit-check"}
        return Composition(
            transmissions=tuple(
                Transmission(name=d.id, data=d.content, deliveries=(d.id,), request=request) for d in deliveries
            )
        )

    def settle(self, delivery: Delivery, control: str, answer: Any) -> CreditAnswered:
        return CreditAnswered(obligation=delivery.id, approved=False)


class Road:
    """The flow with somebody who watches it, a step at a time, and a clock that goes on with each."""

    def __init__(self, database: Database, watching: Watching, url: str) -> None:
        self.watching = watching
        watch = watching.watch(VitalSigns(database).callers_traces)
        self.now = datetime.now(UTC)
        self.inbox, self.log = watch.inbox(MessageInbox(database)), watch.log(FactLog(database))
        pace = Pace(first_retry_seconds=0, jitter=0)

        def secret(_: Secret) -> str:
            return "s"

        sink = HttpSink("erp", http_spec({"base_url": url}, None, "erp"), {}, secret, pace)  # type: ignore[arg-type]
        self.dispatch = Dispatch(
            watch.sink(sink),
            Requests(),
            watch.outbox(DeliveryOutbox(database)),
            pace,
            SystemPacing(pace, lambda: 0.0, 0),
            self.clock,
            lambda: self.now.timestamp(),
            lambda: None,
            lambda: None,
        )

    def clock(self) -> datetime:
        self.now = max(self.now + timedelta(milliseconds=1), datetime.now(UTC))
        return self.now

    async def take(self, *keys: str, **attributes: str) -> None:
        """Orders come in and are read and folded."""
        arrivals = [Arrival(channel="shop", source_id=k, data=k.encode(), attributes=attributes) for k in keys]
        await self.inbox.keep(arrivals, self.clock())
        await interpret_once(self.inbox, {"shop": OrderReader()}, self.clock())
        await self.fold()

    async def fold(self) -> None:
        while await fold_once(self.log, lambda partner, version: AGREEMENT, self.clock()):
            pass

    async def send(self) -> None:
        """What is owed is sent and its answers are folded."""
        while await self.dispatch.step():
            await self.dispatch.drain()
        await self.dispatch.drain()
        await self.fold()

    async def end(self) -> None:
        await self.dispatch.close()
        self.watching.close()


def watching(**environ: str) -> Watching:
    return Watching({**os.environ, **environ})


async def test_the_road_of_an_order_is_one_trace_from_message_to_answer(database: Database, receiver: Receiver) -> None:
    answers = iter([Reply(503, {"error": "later"})])
    async with ScriptedServer(lambda _: next(answers, Reply(200, {}))) as erp:
        road = Road(database, watching(), erp.url)
        await road.take("SO-1", "SO-2")
        await road.send()
        await road.end()
    spans = receiver.of("SO-1")
    assert {span.name for span in spans} == {
        "order_to_cash",
        "receive",
        "interpret",
        "record",
        "fold",
        "dispatch",
        "attempt",
    }
    (root,) = [span for span in spans if span.name == "order_to_cash"]
    assert (root.id, root.parent) == (f"{root_span_of('SO-1'):016x}", "")
    assert {span.parent for span in spans if span is not root} == {root.id}
    assert {span.attributes["crossdock.key"] for span in spans} == {"SO-1"}
    assert all(span.began <= span.ended for span in spans)
    by_name = {span.name: span for span in sorted(spans, key=lambda span: -span.began)}
    assert by_name["interpret"].attributes["crossdock.facts"] == ["order.received"]
    assert by_name["interpret"].attributes["crossdock.channel"] == "shop"
    assert "SO-1/credit-check ready" in by_name["fold"].attributes["crossdock.obligations"]
    assert by_name["dispatch"].attributes["crossdock.obligation"] == "SO-1/credit-check"
    attempts = [s for s in receiver.spans if s.name == "attempt"]
    assert sorted(s.attributes["http.response.status_code"] for s in attempts) == [200, 200, 503]
    assert [s.failed for s in attempts if s.attributes["crossdock.outcome"] == "later"] == [True]
    assert "credit.answered" in [f for s in spans if s.name == "record" for f in s.attributes["crossdock.facts"]]


async def test_what_a_transaction_did_for_many_orders_is_one_span_linked_with_each(
    database: Database, receiver: Receiver
) -> None:
    road = Road(database, watching(), "http://127.0.0.1:9")
    keys = [f"SO-{n}" for n in range(40)]
    await road.take(*keys)
    await road.end()
    (batch,) = [span for span in receiver.spans if span.name == "interpret batch"]
    assert batch.links == {f"{trace_of(key):032x}" for key in keys}
    assert batch.attributes["crossdock.messages"] == 40
    for key in keys:
        (interpreted,) = [span for span in receiver.of(key) if span.name == "interpret"]
        assert interpreted.links == {batch.trace}


async def test_what_different_workers_tell_of_an_order_meets_in_one_trace(
    database: Database, receiver: Receiver
) -> None:
    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        first = Road(database, watching(OTEL_SERVICE_NAME=""), erp.url)
        await first.take("SO-1")
        await first.end()
        second = Road(database, watching(), erp.url)
        await second.send()
        await second.end()
        (request,) = erp.requests
    names = {span.name for span in receiver.of("SO-1")}
    assert {"receive", "fold", "dispatch", "attempt"} <= names
    (attempt,) = [span for span in receiver.of("SO-1") if span.name == "attempt"]
    # The other side's own spans hang from the very attempt that reached it.
    assert request.headers["traceparent"] == f"00-{attempt.trace}-{attempt.id}-01"


async def test_a_callers_trace_is_kept_with_its_message_linked_and_gone_on_with_over_http(
    database: Database, receiver: Receiver
) -> None:
    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        road = Road(database, watching(), erp.url)
        await road.take("SO-1", traceparent=CALLER)
        await road.take("SO-2")
        await road.take("SO-3", traceparent=CALLER[:-2] + "00")
        await road.send()
        await road.end()
        sent: dict[str, Request] = {r.headers["idempotency-key"]: r for r in erp.requests}
    caller = read_traceparent(CALLER)
    assert caller is not None
    going_on = read_traceparent(sent["SO-1/credit-check"].headers["traceparent"])
    assert going_on is not None
    assert going_on.trace == caller.trace
    for key in ("SO-2", "SO-3"):
        ours = read_traceparent(sent[f"{key}/credit-check"].headers["traceparent"])
        assert ours is not None
        assert ours.trace == trace_of(key)
    in_theirs = [span for span in receiver.spans if span.trace == f"{caller.trace:032x}"]
    assert sorted(span.name for span in in_theirs) == ["attempt", "receive"]
    assert {span.parent for span in in_theirs} == {f"{caller.span:016x}"}
    (interpreted,) = [span for span in receiver.of("SO-1") if span.name == "interpret"]
    assert f"{caller.trace:032x}" in interpreted.links


async def test_what_the_sampler_does_not_want_is_not_told_and_goes_out_unsampled(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        road = Road(database, watching(), erp.url)
        await road.take("SO-1")
        await road.send()
        await road.end()
        (request,) = erp.requests
    assert receiver.spans == []
    assert request.headers["traceparent"].endswith("-00")


async def test_an_order_is_sampled_whole_or_not_at_all(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.3")
    keys = [f"SO-{n}" for n in range(60)]
    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        for part in (keys[:30], keys[30:]):
            road = Road(database, watching(), erp.url)
            await road.take(*part)
            await road.send()
            await road.end()
    found = {key: {span.name for span in receiver.of(key)} for key in keys}
    assert {frozenset(names) for names in found.values() if names} == {
        frozenset(("order_to_cash", "receive", "interpret", "record", "fold", "dispatch", "attempt"))
    }
    assert 5 < sum(1 for names in found.values() if names) < 35


async def test_spans_tell_keys_and_figures_and_nothing_of_what_was_ordered_or_by_whom(
    database: Database, receiver: Receiver
) -> None:
    async with ScriptedServer(lambda _: Reply(400, {"error": "Ann Smith, 5 Elm Street, is unknown"})) as erp:
        road = Road(database, watching(), erp.url)
        await road.take("SO-1")
        await road.send()
        await road.end()
    told = " ".join(f"{span.name} {span.attributes}" for span in receiver.spans)
    assert "refused" in told
    assert "Smith" not in told
    assert "Elm" not in told


async def test_a_collector_that_is_away_holds_up_no_order(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        road = Road(database, watching(), erp.url)
        await road.take("SO-1")
        await road.send()
        assert len(erp.requests) == 1
        await road.end()


async def test_a_witness_that_fails_disturbs_nothing(database: Database) -> None:
    class Clumsy(Witness):
        def received(self, *_: Any) -> None:
            raise ValueError("no")

        interpreted = folded = loaded = tried = settled = outgoing = received  # type: ignore[assignment]
        announced = calling = called = received  # type: ignore[assignment]

    class Watched(Watching):
        def __init__(self) -> None:
            super().__init__({})
            self._witnesses = [Clumsy()]

    async with ScriptedServer(lambda _: Reply(200, {})) as erp:
        road = Road(database, Watched(), erp.url)
        await road.take("SO-1")
        await road.send()
        await road.end()
        assert len(erp.requests) == 1
    async with database.pool.acquire() as connection:
        assert await connection.fetchval("SELECT status FROM deliveries WHERE id = 'SO-1/credit-check'") == "accepted"
