"""Announcing and calling webhooks stand in the trace of the key that they are about, as a collector gets them over OTLP; and the receiver hears which."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from otlp_receiver import Receiver, Span

from crossdock.connectors.events.sender import HttpWebhookSender
from crossdock.flow.notify import Notify
from crossdock.ports.tracing import read_traceparent, root_span_of, trace_of
from crossdock.run.watching import Watching
from crossdock.run.witness import Watch, Witness
from crossdock.store.database import Database
from crossdock.store.vitals import VitalSigns

from .receiving import Receiver as Hook
from .receiving import receiving
from .webhook_house import HERE, House


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The collector that the environment names."""
    made = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.close()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with receiving() as hook:
        yield hook


def watched(database: Database, watch: Watch) -> House:
    """A house whose announcing and sending is watched, as a worker's is."""
    house = House(database)
    house.feed = watch.announcements(house.feed)  # type: ignore[assignment]
    webhooks = watch.webhooks(house.store)
    house.notify = Notify(
        webhooks, HttpWebhookSender(HERE), lambda: house.now, lambda: 0.0, lambda: None, watch.calling
    )
    return house


async def told(database: Database, hook: Hook, orders: int = 1) -> None:
    """Events of orders are announced and sent, and all spans are exported."""
    watching = Watching(dict(os.environ))
    house = watched(database, watching.watch(VitalSigns(database).callers_traces))
    await house.subscribe(hook.url)
    await house.tell(orders)
    await house.work()
    house.now = max(due for (due,) in await house.rows("SELECT max(due_at) FROM webhook_deliveries"))
    await house.work()
    watching.close()


def named(spans: list[Span], name: str) -> list[Span]:
    return sorted((span for span in spans if span.name == name), key=lambda span: span.began)


async def test_what_is_told_of_an_order_stands_in_its_trace(
    database: Database, collector: Receiver, hook: Hook
) -> None:
    await told(database, hook)
    spans = collector.of("SO-1")
    assert {span.name for span in spans} == {"announce", "webhook"}
    assert {span.parent for span in spans} == {f"{root_span_of('SO-1'):016x}"}
    assert {span.attributes["crossdock.key"] for span in spans} == {"SO-1"}
    (announced,) = named(spans, "announce")
    assert announced.attributes["crossdock.events"] == ["order.closed.v1"]
    (called,) = named(spans, "webhook")
    assert called.attributes["crossdock.event.type"] == "order.closed.v1"
    assert called.attributes["crossdock.subscription"] == "sub_1"
    assert (called.attributes["crossdock.outcome"], called.attributes["http.response.status_code"]) == (
        "delivered",
        204,
    )
    assert not called.failed


async def test_a_receivers_own_spans_hang_from_the_very_call_that_reached_it(
    database: Database, collector: Receiver, hook: Hook
) -> None:
    hook.answers = [(503, {}, b"Ann Smith, 5 Elm Street, is unknown")]
    await told(database, hook)
    calls = named(collector.of("SO-1"), "webhook")
    assert [(span.failed, span.attributes["crossdock.attempt"]) for span in calls] == [(True, 1), (False, 2)]
    heard = [read_traceparent(post.headers["traceparent"]) for post in hook.posts]
    assert [(h.trace, f"{h.span:016x}") for h in heard if h] == [(trace_of("SO-1"), span.id) for span in calls]
    assert "Smith" not in " ".join(map(str, collector.spans))


async def test_announcing_many_is_one_span_linked_with_each(
    database: Database, collector: Receiver, hook: Hook
) -> None:
    await told(database, hook, 20)
    (batch,) = named(collector.spans, "announce batch")
    assert batch.attributes["crossdock.events"] == 20
    assert batch.links == {f"{trace_of(f'SO-{n}'):032x}" for n in range(1, 21)}
    for n in range(1, 21):
        (announced,) = named(collector.of(f"SO-{n}"), "announce")
        assert announced.links == {batch.trace}


async def test_what_the_sampler_does_not_want_is_not_told_and_goes_out_unsampled(
    database: Database, collector: Receiver, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    await told(database, hook)
    assert collector.spans == []
    assert hook.posts[0].headers["traceparent"].endswith("-00")


async def test_where_nobody_watches_nothing_is_wrapped_and_no_header_added(database: Database, hook: Hook) -> None:
    thing: Any = object()
    assert Watch(()).announcements(thing) is Watch(()).webhooks(thing) is thing
    house = watched(database, Watch(()))
    await house.subscribe(hook.url)
    await house.tell()
    await house.work()
    assert "traceparent" not in hook.posts[0].headers


async def test_a_witness_that_fails_disturbs_nothing(database: Database, hook: Hook) -> None:
    class Clumsy(Witness):
        def announced(self, *_: Any) -> None:
            raise ValueError("no")

        calling = called = announced  # type: ignore[assignment]

    house = watched(database, Watch((Clumsy(),)))
    await house.subscribe(hook.url)
    await house.tell()
    await house.work()
    assert await house.deliveries() == [("delivered", 1)]
    assert msgspec.json.decode(hook.posts[0].body)["subject"] == "SO-1"
