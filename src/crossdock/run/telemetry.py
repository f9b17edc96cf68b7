"""Traces: one a business key, over OTLP/HTTP, told by a witness of the flow after each commit. Off, and nowhere in the way, unless an endpoint is named.

Every span of a key hangs from a root whose id follows from the key (`ports.tracing`), so the spans of all workers, machines and days are one trace: `receive`, `interpret`,
`record`, `fold`, `dispatch`, `attempt`, `announce`, `webhook`. What a transaction did for many keys is one span of a trace of its own, linked with theirs. A caller's
`traceparent` is linked, and gone on with where an order that it began is sent out over HTTP. Spans carry keys, ids and figures; no name, address, document or secret.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from crossdock.events import Event
from crossdock.facts import Fact
from crossdock.facts.codec import type_of
from crossdock.ports.events import Attempted
from crossdock.ports.events import Settlement as WebhookSettlement
from crossdock.ports.inbound import Arrival
from crossdock.ports.log import Attempt, Claimed, Folded, Marked, Settled, Stored
from crossdock.ports.outbound import Absent, Accepted, Found, Later, Outcome, Refused, Transmission, Unknown
from crossdock.ports.tracing import HEADER, TraceContext, read_traceparent, root_span_of, trace_of
from crossdock.ports.translation import Message
from crossdock.run.witness import Took, Witness

SCOPE = InstrumentationScope("crossdock")
LINKS = 128
"""Keys that a batch's span is linked with, at the most (the limit of the specification's own default)."""

QUEUE = 65_536
"""Spans that wait to be exported, unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise: a batch of facts makes them by the thousand. What does not fit is dropped."""

GOING = 100_000
"""Deliveries, and calls of webhooks, under way that are remembered, at the most of each."""

PLACES = 50_000
"""Keys whose places are remembered: what is told of an order comes in bursts, and working it out again costs more than all else of one that is not sampled."""

LISTED = 50
"""Obligations that a span names, at the most."""


def exporting(environ: Mapping[str, str], service: str) -> tuple[TracerProvider, SpanProcessor]:
    """What exports spans as OTEL_* says (endpoint, headers, sampler, resource), to be shut down at the end. service: what we are called unless OTEL_SERVICE_NAME says."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
    provider = TracerProvider(resource=Resource.create(named))
    queue = int(environ.get("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE))
    processor = BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=queue)
    provider.add_span_processor(processor)
    return provider, processor


class _Going(msgspec.Struct, gc=False):
    """A delivery under way. span: the id of the attempt that is being made."""

    key: str
    document: str
    attempt: int
    origin: TraceContext | None
    span: int = 0


class Traces(Witness):
    """Makes spans of what it is told and hands them to `processor`. seed: tells installations apart (`watching.seed_of`)."""

    def __init__(self, provider: TracerProvider, processor: SpanProcessor, seed: str = "") -> None:
        self._resource = provider.resource
        self._sampler = provider.sampler
        self._processor = processor
        self._seed = seed
        self._going: dict[str, _Going] = {}
        self._calls: dict[tuple[str, int, int, int], int] = {}
        self._places: dict[str, TraceContext] = {}

    # --- Places ---

    def place(self, key: str) -> TraceContext:
        """The root of a key's trace, and whether the sampler wants it: the same in every process."""
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= PLACES:
                self._places.clear()
            trace = trace_of(key, self._seed)
            place = self._places[key] = TraceContext(trace, root_span_of(key, self._seed), self.wanted(trace))
        return place

    def wanted(self, trace: int) -> bool:
        """Whether the sampler wants it."""
        return self._sampler.should_sample(None, trace, "crossdock").decision is Decision.RECORD_AND_SAMPLE

    def _batch(self, name: str, took: Took, places: Iterable[TraceContext], attributes: dict[str, Any]) -> Link | None:
        """Tells of a transaction for many keys, in a trace of its own; gives the link to it."""
        at = TraceContext(random.getrandbits(128) or 1, _span_id())
        if not self.wanted(at.trace):
            return None
        links = [Link(_context(place)) for place, _ in zip(places, range(LINKS), strict=False)]
        self._tell(name, at, None, took, attributes, links=links)
        return Link(_context(at))

    def _tell(
        self,
        name: str,
        at: TraceContext,
        parent: TraceContext | None,
        took: Took,
        attributes: Mapping[str, Any],
        *,
        links: Sequence[Link | None] = (),
        kind: SpanKind = SpanKind.INTERNAL,
        failed: str = "",
    ) -> None:
        self._processor.on_end(
            ReadableSpan(
                name,
                _context(at),
                _context(parent) if parent is not None else None,
                self._resource,
                attributes,
                links=[link for link in links if link is not None],
                kind=kind,
                status=Status(StatusCode.ERROR, failed) if failed else Status(),
                start_time=took.began_ns,
                end_time=max(took.began_ns, took.ended_ns),
                instrumentation_scope=SCOPE,
            )
        )

    def _of_key(self, name: str, place: TraceContext, took: Took, attributes: Mapping[str, Any], **more: Any) -> None:
        self._tell(name, TraceContext(place.trace, _span_id()), place, took, attributes, **more)

    # --- What is told ---

    def request(
        self, method: str, route: str, status: int, at: TraceContext, parent: TraceContext | None, took: Took
    ) -> None:
        """A request to the API has been answered. route: as the API declares it."""
        about = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        failed = str(status) if status >= 500 else ""
        self._tell(f"{method} {route}".strip(), at, parent, took, about, kind=SpanKind.SERVER, failed=failed)

    def received(self, arrivals: Sequence[Arrival], new: int, took: Took) -> None:
        """A span in the caller's trace of each message that came with one; whose key it is nobody knows yet."""
        for arrival in arrivals:
            caller = read_traceparent(arrival.attributes.get(HEADER, ""))
            if caller is not None and caller.sampled:
                told = {"crossdock.channel": arrival.channel, "messaging.message.body.size": len(arrival.data)}
                self._of_key("receive", caller, took, told, kind=SpanKind.CONSUMER)
        channels = sorted({arrival.channel for arrival in arrivals})
        told = {"crossdock.channels": channels, "crossdock.messages": len(arrivals), "crossdock.messages.new": new}
        self._batch("receive batch", took, (), told)

    def interpreted(
        self, messages: Sequence[Message], facts: Sequence[Fact], marks: Sequence[Marked], written: Took, took: Took
    ) -> None:
        """In each key's trace: since when its message has been here, its reading, and the recording of what it told."""
        by_id = {message.id: message for message in messages}
        places, told = self._by_key(facts, by_message=True)
        held = sum(1 for mark in marks if mark.held)
        counts = {"crossdock.messages": len(messages), "crossdock.messages.held": held, "crossdock.facts": len(facts)}
        batch = self._batch("interpret batch", took, places.values(), counts)
        for (key, id_), types in told.items():
            message = by_id.get(id_ or 0)
            if message is None:
                continue
            place = places[key]
            about = {"crossdock.key": key, "crossdock.message": message.id, "crossdock.channel": message.channel}
            caller = read_traceparent(message.attributes.get(HEADER, ""))
            links = [batch, Link(_context(caller)) if caller is not None else None]
            waited = Took(min(_ns(message.received_at), took.began_ns), took.began_ns)
            self._of_key("receive", place, waited, about, links=links[1:], kind=SpanKind.CONSUMER)
            about = {**about, "crossdock.facts": types}
            self._of_key("interpret", place, Took(took.began_ns, written.began_ns), about, links=links)
            self._of_key("record", place, Took(written.began_ns, took.ended_ns), about, links=[batch])

    def _by_key(
        self, facts: Sequence[Fact], by_message: bool = False
    ) -> tuple[dict[str, TraceContext], dict[tuple[str, int | None], list[str]]]:
        """The keys that the sampler wants with their places; and their types of facts, by key (and message)."""
        places: dict[str, TraceContext] = {}
        types: dict[tuple[str, int | None], list[str]] = {}
        unwanted: set[str] = set()
        for fact in facts:
            if fact.key in unwanted:
                continue
            if fact.key not in places:
                place = self.place(fact.key)
                if not place.sampled:
                    unwanted.add(fact.key)
                    continue
                places[fact.key] = place
            types.setdefault((fact.key, fact.message if by_message else None), []).append(type_of(fact.data)[0])
        return places, types

    def folded(self, facts: Sequence[Fact], before: Mapping[str, Stored], folded: Sequence[Folded], took: Took) -> None:
        """In each key's trace what was folded and what came to be owed; the trace's root with the first of it."""
        _, types = self._by_key(facts)
        places = {each.key: place for each in folded if (place := self.place(each.key)).sampled}
        counts = {"crossdock.facts": len(facts), "crossdock.keys": len(folded)}
        batch = self._batch("fold batch" if facts else "wake batch", took, places.values(), counts)
        first = {fact.key: fact.recorded_at for fact in reversed(facts)}
        for each in folded:
            if each.key not in places:
                continue
            place = places[each.key]
            about = {"crossdock.key": each.key, "crossdock.process": each.process, "crossdock.lane": each.lane}
            recorded_at = first.get(each.key)
            if each.key not in before and recorded_at is not None:
                self._tell(each.process, place, None, Took(_ns(recorded_at), took.ended_ns), about)
            owed = [f"{o.id} {o.status.value}" for o in each.obligations]
            about |= {
                "crossdock.facts": types.get((each.key, None), []),
                "crossdock.milestone": each.milestone,
                "crossdock.obligations": owed[:LISTED],
                "crossdock.exceptions.opened": [trouble.cause for trouble in each.opened],
            }
            self._of_key("fold", place, took, about, links=[batch], failed="set aside" if each.defect else "")

    def loaded(
        self, system: str, claimed: Sequence[Claimed], origins: Mapping[str, TraceContext], took: Took, looked_up: bool
    ) -> None:
        """In each key's trace that a delivery was claimed and written down, and how long it had waited."""
        places = {c.delivery.key: place for c in claimed if (place := self.place(c.delivery.key)).sampled}
        counts = {"crossdock.system": system, "crossdock.deliveries": len(claimed)}
        batch = self._batch("dispatch batch", took, places.values(), counts)
        for each in claimed:
            delivery = each.delivery
            while len(self._going) >= GOING:
                del self._going[next(iter(self._going))]
            origin = origins.get(delivery.key)
            self._going[delivery.id] = _Going(delivery.key, delivery.document, delivery.attempt, origin)
            if delivery.key not in places:
                continue
            place = places[delivery.key]
            about = _about(delivery.id, self._going[delivery.id], system)
            if delivery.created_at is not None:
                about["crossdock.waited_seconds"] = max(0.0, (took.began_ns - _ns(delivery.created_at)) / 1e9)
            self._of_key(
                "look up" if looked_up else "dispatch", place, took, about, links=[batch], kind=SpanKind.PRODUCER
            )

    def outgoing(self, system: str, transmission: Transmission) -> Transmission:
        """With a `traceparent`: of the caller's trace where the first delivery's process began in one, else of the key's; the attempt is what the other side hangs from."""
        going = [self._going[id_] for id_ in transmission.deliveries if id_ in self._going]
        for each in going:
            each.span = _span_id()
        if not going or "method" not in transmission.request:
            return transmission
        first = going[0]
        within = first.origin or self.place(first.key)
        header = TraceContext(within.trace, first.span, within.sampled).header
        headers = {**transmission.request.get("headers", {}), HEADER: header}
        return msgspec.structs.replace(transmission, request={**transmission.request, "headers": headers})

    def tried(self, system: str, kind: str, transmission: Transmission, outcome: Outcome | Found, took: Took) -> None:
        """A span for each delivery in the transmission, in its key's trace, and in the caller's where it goes on with that."""
        word, failed = _verdict(outcome)
        for id_ in transmission.deliveries:
            going = self._going.get(id_)
            if going is None:
                continue
            about = _about(id_, going, system) | {"crossdock.outcome": word, "crossdock.attempt.kind": kind}
            about["crossdock.transmission"] = transmission.name
            if isinstance(outcome, Accepted | Later | Refused | Unknown) and outcome.status.isdigit():
                about["http.response.status_code"] = int(outcome.status)
            span = going.span if kind == "send" and going.span else _span_id()
            place, origin = self.place(going.key), going.origin
            link = Link(_context(origin)) if origin is not None else None
            if place.sampled:
                at = TraceContext(place.trace, span)
                self._tell("attempt", at, place, took, about, links=[link], kind=SpanKind.CLIENT, failed=failed)
            if origin is not None and origin.sampled:
                at, link = TraceContext(origin.trace, span), Link(_context(place))
                self._tell("attempt", at, origin, took, about, links=[link], kind=SpanKind.CLIENT, failed=failed)

    def settled(
        self, settled: Sequence[Settled], attempts: Sequence[Attempt], facts: Sequence[Fact], took: Took
    ) -> None:
        """In each key's trace the recording of what became of its deliveries."""
        for each in settled:
            self._going.pop(each.id, None)
        places, told = self._by_key(facts)
        batch = self._batch("settle batch", took, places.values(), {"crossdock.deliveries": len(settled)})
        for (key, _), types in told.items():
            about = {"crossdock.key": key, "crossdock.facts": types}
            self._of_key("record", places[key], took, about, links=[batch])

    def announced(self, events: Sequence[Event], took: Took) -> None:
        """In each key's trace what was told of it."""
        types: dict[str, list[str]] = {}
        for each in events:
            types.setdefault(each.key, []).append(each.type)
        places = {key: place for key in types if (place := self.place(key)).sampled}
        batch = self._batch("announce batch", took, places.values(), {"crossdock.events": len(events)})
        for key, place in places.items():
            about = {"crossdock.key": key, "crossdock.events": types[key]}
            self._of_key("announce", place, took, about, links=[batch], kind=SpanKind.PRODUCER)

    def calling(self, attempted: Attempted, headers: dict[str, str]) -> None:
        """With a `traceparent` of the key's trace: the call is what the other side hangs from."""
        while len(self._calls) >= GOING:
            del self._calls[next(iter(self._calls))]
        place, span = self.place(attempted.kept.event.key), _span_id()
        self._calls[_call(attempted)] = span
        headers[HEADER] = TraceContext(place.trace, span, place.sampled).header

    def called(self, settlements: Sequence[WebhookSettlement], took: Took) -> None:
        """In each key's trace the calls of webhooks that told of it, from the moment each began to the moment it was answered."""
        for each in settlements:
            attempted, event = each.attempted, each.attempted.kept.event
            span, place = self._calls.pop(_call(attempted), 0) or _span_id(), self.place(event.key)
            if not place.sampled:
                continue
            began = _ns(each.started_at)
            word = "delivered" if each.status == "delivered" else "later" if each.status == "queued" else "failed"
            about: dict[str, Any] = {
                "crossdock.key": event.key,
                "crossdock.subscription": attempted.subscription,
                "crossdock.event": event.id,
                "crossdock.event.type": event.type,
                "crossdock.event.sequence": attempted.kept.sequence,
                "crossdock.attempt": attempted.attempt,
                "crossdock.outcome": word,
                "crossdock.waited_seconds": max(0.0, (began - _ns(attempted.kept.announced_at)) / 1e9),
            }
            if each.answered.status is not None:
                about["http.response.status_code"] = each.answered.status
            at, failed = TraceContext(place.trace, span), "" if word == "delivered" else word
            lasted = Took(began, _ns(each.ended_at))
            self._tell("webhook", at, place, lasted, about, kind=SpanKind.CLIENT, failed=failed)


def _call(attempted: Attempted) -> tuple[str, int, int, int]:
    """What tells a call of a webhook from every other."""
    return attempted.subscription, attempted.kept.sequence, attempted.round, attempted.attempt


def _about(id_: str, going: _Going, system: str) -> dict[str, Any]:
    return {
        "crossdock.key": going.key,
        "crossdock.obligation": id_,
        "crossdock.system": system,
        "crossdock.document": going.document,
        "crossdock.attempt": going.attempt,
    }


def _verdict(outcome: Outcome | Found) -> tuple[str, str]:
    """The outcome's word, and what failed. The other side's own words stay where they are kept: they may quote what it was sent."""
    word = type(outcome).__name__.lower()
    return word, "" if isinstance(outcome, Accepted | Absent) else word


def _context(place: TraceContext) -> SpanContext:
    return SpanContext(place.trace, place.span, True, TraceFlags(int(place.sampled)))


def _span_id() -> int:
    return random.getrandbits(64) or 1


def _ns(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1000
