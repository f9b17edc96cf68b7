"""JSON messages to facts by the workspace's maps: webhooks, and JSON files in a folder.

A message that no map knows is held with its reason, never dropped; so is one whose map fails. A message that
`tells_nothing` describes is read and tells no fact.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.connectors.json.spec import JsonFact
from crossdock.connectors.json.stock_reader import StockMaps
from crossdock.crosswalk.amounts import uncountable_in
from crossdock.crosswalk.maps import Expression, Map, MapError, read_json
from crossdock.facts import Fact, fact_types
from crossdock.facts.interchange import MessageHeld
from crossdock.ports.translation import Message, Reading


class _Compiled:
    def __init__(self, name: str, fact: JsonFact, where: str) -> None:
        types = fact_types()
        if fact.type not in types:
            raise MapError(f"{where}.type", fact.type, f"there is no such fact; there are {', '.join(sorted(types))}")
        self.name = name
        self.type = types[fact.type]
        self.where = where
        self.when = Expression(fact.when, f"{where}.when")
        self.each = Expression(fact.each, f"{where}.each") if fact.each else None
        self.data = Map(fact.data, f"{where}.data")
        envelope = {"key": fact.key, "occurred_at": fact.occurred_at}
        self.envelope = Map({name: text for name, text in envelope.items() if text}, where)
        fields = {field.name for field in msgspec.structs.fields(self.type)}
        if unknown := sorted(set(fact.data) - fields):
            raise MapError(
                f"{where}.data", "", f"{fact.type} has no {', '.join(unknown)}; it has {', '.join(sorted(fields))}"
            )


class JsonReader:
    """A `Reader` for one channel. The fact's source is the channel, its id there the message's, the map's name and,
    with `each`, the element's place."""

    def __init__(
        self,
        channel: str,
        facts: Mapping[str, JsonFact],
        tells_nothing: str = "",
        where: str = "settings",
        stock: StockMaps | None = None,
    ) -> None:
        self._stock = stock
        self._channel = channel
        self._facts = [_Compiled(name, fact, f"{where}.facts.{name}") for name, fact in facts.items()]
        self._nothing = Expression(tells_nothing, f"{where}.tells_nothing") if tells_nothing else None

    def read(self, message: Message) -> Iterator[Reading]:
        """The facts, and what is told of stock; or that the message is held, with the fact that tells why."""
        try:
            value = read_json(message.data, message.name or "message")
            if not isinstance(value, dict):
                raise MapError(message.name or "message", "", "is no JSON object")
        except MapError as error:
            yield _held(message, "unreadable", str(error))
            return
        try:
            known = [fact for fact in self._facts if fact.when.holds(value)]
            facts = tuple(told for fact in known for told in self._tell(fact, value, message))
            knows, stock = self._stock.read(value, message) if self._stock else (False, [])
            if not known and not knows and not (self._nothing and self._nothing.holds(value)):
                yield _held(message, "map-failed", "no fact map knows this message")
                return
        except (MapError, ValueError) as error:
            yield _held(message, getattr(error, "cause", "map-failed"), str(error))
            return
        if facts or not stock:
            yield Reading(facts=facts)
        yield from stock

    def _tell(self, fact: _Compiled, value: Any, message: Message) -> Iterator[Fact]:
        if fact.each is None:
            yield self._fact(fact, value, message, fact.name)
            return
        elements = fact.each.evaluate(value)
        if not isinstance(elements, list):
            raise MapError(fact.each.where, fact.each.text, f"should give a list, and gives {elements!r}")
        for index, element in enumerate(elements):
            yield self._fact(fact, element, message, f"{fact.name}/{index}")

    def _fact(self, fact: _Compiled, value: Any, message: Message, name: str) -> Fact:
        envelope = fact.envelope.apply(value)
        key = envelope.get("key")
        if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
            raise MapError(f"{fact.where}.key", "", f"gives {key!r}, and must name the process")
        try:
            data = msgspec.convert({**fact.data.apply(value), "type": fact.type.__struct_config__.tag}, fact.type)
        except msgspec.ValidationError as error:
            raise MapError(f"{fact.where}.data", "", str(error)) from None
        if (place := uncountable_in(data)) is not None:
            raise MapError(f"{fact.where}.data", "", f"gives no number that can be counted with at {place}")
        return Fact(
            key=str(key),
            data=data,
            source=self._channel,
            source_id=f"{message.source_id}/{name}",
            occurred_at=_moment(envelope.get("occurred_at"), message.received_at, fact.where),
            message=message.id,
        )


def _held(message: Message, cause: str, detail: str) -> Reading:
    told = Fact(
        key=f"MSG-{message.id}",
        data=MessageHeld(channel=message.channel, cause=cause, detail=detail),
        source="crossdock",
        source_id=f"{message.id}/{cause}",
        occurred_at=message.received_at,
        message=message.id,
    )
    return Reading(facts=(told,), held=cause)


def _moment(text: Any, otherwise: datetime, where: str) -> datetime:
    if text is None:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise MapError(f"{where}.occurred_at", "", f"{text!r} is not a moment as RFC 3339 writes it") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
