"""Canonical JSON to facts: orders, changes, documents, facts and stock, as the API took them. What kind a message is, whose it is and who
submitted it stand in its attributes, written by us and not by the caller.

Pure. A fact's source is the channel, but for facts and movements that a caller tells in the name of a system: these are the system's.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.connectors.meaning import MEANINGS, mean
from crossdock.crosswalk import orders
from crossdock.crosswalk.amounts import uncountable_in
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.numbers import message_key, order_number
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.plain import may_hold_nul, nul_in
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts import Fact, fact_types
from crossdock.facts.interchange import MessageHeld
from crossdock.facts.order import OrderCancelled
from crossdock.facts.told import Told
from crossdock.ledger.legs import usual, wrong
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.ports.translation import Message, Reading
from crossdock.trade.documents import Document, PurchaseOrder, PurchaseOrderChange

CHANNEL = "api"
"""The channel of everything that comes by the API."""

DOCUMENTS: Mapping[str, type[Document]] = {kind.__name__: kind for kind in MEANINGS}
"""Documents that mean something to us, by the name that the API gives them."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a message's attributes. kind: order, change, cancellation, document, facts, movements, snapshot. partner: whose words they are.
    key: the order that a change or cancellation is about. document: a name of `DOCUMENTS`. who: the principal. system: in whose name facts or stock are told."""

    kind: str
    who: str
    partner: str = ""
    key: str = ""
    document: str = ""
    system: str = ""
    traceparent: str = ""

    def attributes(self) -> dict[str, str]:
        """As a message keeps it."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class ToldFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fact from outside. key: the process it is about. id: the source's own id of it: told twice, it counts once. data: as docs/reference/facts.md
    has it for its type. occurred_at: when it happened there; left out: when we got it."""

    key: str
    type: str
    id: str
    data: dict[str, Any]
    occurred_at: datetime | None = None


class ToldMovement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A movement of stock in our own words: our item, our site, stock units. id: the system's own id of it: told twice, it moves once.
    origin, destination: left out, those that are usual for the kind."""

    id: str
    kind: Kind
    item: str
    site: str
    quantity: Decimal
    occurred_at: datetime
    origin: Place | None = None
    destination: Place | None = None
    to_site: str = ""
    lot: str = ""
    owner: str = "own"
    entity: str = ""
    stream: str = ""
    sequence: int | None = None
    reason: str = ""
    reference: str = ""
    line: str = ""


class ToldSnapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a system says that there is, as of a moment of its own. id: its own id of it. sites: of which it speaks; left out: those of its lines.
    whole: what it does not list, it has none of."""

    id: str
    as_of: datetime
    lines: tuple[SnapshotLine, ...]
    sites: tuple[str, ...] = ()
    places: tuple[Place, ...] = (Place.STORAGE,)
    whole: bool = True


class ApiReader:
    """A `Reader` of the channel `api`."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk
        self._kinds: Mapping[str, Callable[[Submission, Message], Reading]] = {
            "order": self._order,
            "change": self._change,
            "cancellation": self._cancellation,
            "document": self._document,
            "facts": self._facts,
            "movements": self._movements,
            "snapshot": self._snapshot,
        }

    def read(self, message: Message) -> Iterator[Reading]:
        """What it tells; or that it is held, with the reason."""
        try:
            submission = msgspec.convert(message.attributes, Submission)
            if may_hold_nul(message.data) and (place := nul_in(msgspec.json.decode(message.data))) is not None:
                raise ValueError(f"holds a NUL at {place}, which no text may")
            yield self._kinds[submission.kind](submission, message)
        except (NotUnderstood, msgspec.MsgspecError, ValueError, KeyError) as error:
            cause = getattr(error, "cause", "map-failed")
            held = MessageHeld(channel=message.channel, cause=cause, detail=str(error))
            fact = Fact(
                key=message_key(message.id),
                data=held,
                source="crossdock",
                source_id=f"{message.id}/{cause}",
                occurred_at=message.received_at,
                message=message.id,
            )
            yield Reading(facts=(fact,), held=cause)

    # --- Orders ---

    def partner(self, id_: str) -> Partner:
        """A partner of the workspace. Raises NotUnderstood."""
        found = self._crosswalk.directory.partners.get(id_)
        if found is None:
            raise NotUnderstood(f"the workspace knows no partner {id_!r}")
        return found

    def received(self, partner: str, order: PurchaseOrder) -> tuple[str, Told]:
        """Our number of an order, and the fact that it tells. Raises NotUnderstood."""
        _must_count(order)
        return order_number(partner, order.number, order.release), orders.received(
            self._crosswalk, self.partner(partner), order
        )

    def changed(self, partner: str, change: PurchaseOrderChange) -> Told:
        """The fact that a change tells. Raises NotUnderstood."""
        _must_count(change)
        return orders.changed(self._crosswalk, self.partner(partner), change)

    def _order(self, submission: Submission, message: Message) -> Reading:
        order = msgspec.json.decode(message.data, type=PurchaseOrder)
        key, data = self.received(submission.partner, order)
        return _told(message, key, data, (("purchase-order", order.number),))

    def _change(self, submission: Submission, message: Message) -> Reading:
        change = msgspec.json.decode(message.data, type=PurchaseOrderChange)
        return _told(message, submission.key, self.changed(submission.partner, change))

    def _cancellation(self, submission: Submission, message: Message) -> Reading:
        reason = msgspec.json.decode(message.data, type=dict[str, Any]).get("reason", "")
        by = "customer" if submission.partner else "us"
        return _told(message, submission.key, OrderCancelled(by=by, reason=str(reason), who=submission.who))

    # --- Whatever else a system tells ---

    def _document(self, submission: Submission, message: Message) -> Reading:
        kind = DOCUMENTS[submission.document]
        document = msgspec.json.decode(message.data, type=kind)
        _must_count(document)
        meant = mean(self._crosswalk, message, self.partner(submission.partner), document)
        told = () if meant.data is None else _facts_of(message, meant.key, meant.data)
        names = tuple((meant.key, kind, value) for kind, value in meant.names if meant.key)
        return Reading(facts=told, names=names, movements=meant.movements, snapshots=meant.snapshots)

    def _facts(self, submission: Submission, message: Message) -> Reading:
        told = msgspec.json.decode(message.data, type=list[ToldFact])
        return Reading(facts=tuple(fact_of(each, submission.system, message) for each in told))

    def _movements(self, submission: Submission, message: Message) -> Reading:
        told = msgspec.json.decode(message.data, type=list[ToldMovement])
        return Reading(movements=tuple(movement_of(each, submission.system, message.id) for each in told))

    def _snapshot(self, submission: Submission, message: Message) -> Reading:
        told = msgspec.json.decode(message.data, type=ToldSnapshot)
        return Reading(snapshots=(snapshot_of(told, submission.system, message),))


def _must_count(told: Any) -> None:
    """Raises NotUnderstood where something is no number that one can count with."""
    if (place := uncountable_in(told)) is not None:
        raise NotUnderstood(f"{place} is no number that can be counted with", place)


def fact_of(told: ToldFact, system: str, message: Message) -> Fact:
    """A fact from outside as the log keeps it. Raises ValueError for an unknown type or data that are not of it."""
    types = fact_types()
    if told.type not in types:
        raise ValueError(f"there is no fact {told.type!r}; docs/reference/facts.md lists them")
    data = msgspec.convert({**told.data, "type": told.type}, types[told.type])
    _must_count(data)
    return Fact(
        key=told.key,
        data=data,
        source=system,
        source_id=told.id,
        occurred_at=told.occurred_at or message.received_at,
        message=message.id,
    )


def movement_of(told: ToldMovement, system: str, message: int | None) -> Movement:
    """A movement from outside as the books keep it. Raises ValueError where it contradicts itself."""
    _must_count(told)
    origin, destination = usual(told.kind)
    rest = {
        name: value
        for name, value in msgspec.structs.asdict(told).items()
        if name not in ("id", "origin", "destination")
    }
    found = Movement(
        source=system,
        source_id=told.id,
        origin=told.origin or origin,
        destination=told.destination or destination,
        message=message,
        **rest,
    )
    if reason := wrong(found):
        raise ValueError(f"movement {told.id}: {reason}")
    return found


def snapshot_of(told: ToldSnapshot, system: str, message: Message) -> Snapshot:
    """A snapshot from outside. Raises NotUnderstood for a quantity that is no number."""
    _must_count(told)
    return Snapshot(
        system=system,
        source_id=told.id,
        as_of=min(told.as_of, message.received_at),
        lines=told.lines,
        sites=told.sites or tuple(sorted({line.site for line in told.lines})),
        places=told.places,
        whole=told.whole,
        message=message.id,
    )


def _facts_of(message: Message, key: str, data: Told) -> tuple[Fact, ...]:
    return (
        Fact(
            key=key,
            data=data,
            source=message.channel,
            source_id=message.source_id,
            occurred_at=message.received_at,
            message=message.id,
        ),
    )


def _told(message: Message, key: str, data: Told, names: tuple[tuple[str, str], ...] = ()) -> Reading:
    return Reading(facts=_facts_of(message, key, data), names=tuple((key, kind, value) for kind, value in names))
