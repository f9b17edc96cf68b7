"""Reading what JSON messages tell of stock, by compiled maps. A message is understood whole or not at all."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from crossdock.connectors.json.spec import JsonSpec
from crossdock.connectors.json.stock import Compiled, Words, movement, receipt, snapshot_line
from crossdock.crosswalk.maps import Expression, MapError
from crossdock.facts import Fact
from crossdock.ledger.movement import Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.ports.translation import Message, Reading
from crossdock.process.receipt import receipt_key

PART = 1000
"""Movements of one `Reading` at the most."""

HEAD = frozenset({"id", "as_of"})
RECEIPT_LINE = frozenset({"line", "item", "quantity", "unit", "lot"})


class StockMaps:
    """The maps of one channel, compiled. Raises MapError for one that cannot be."""

    def __init__(self, spec: JsonSpec, words: Words, where: str) -> None:
        at = f"{where}.movements"
        self.movements = [Compiled(name, table, words, f"{at}.{name}") for name, table in spec.movements.items()]
        self.snapshots = []
        for name, table in spec.snapshots.items():
            at = f"{where}.snapshots.{name}"
            rest = frozenset(field.name for field in msgspec.structs.fields(table)) - HEAD
            self.snapshots.append((Compiled(name, table, words, at, HEAD), Compiled(name, table, words, at, rest)))
        self.receipts = []
        for name, order in spec.receipts.items():
            at = f"{where}.receipts.{name}"
            rest = frozenset(field.name for field in msgspec.structs.fields(order)) - RECEIPT_LINE
            self.receipts.append(
                (Compiled(name, order, words, at, rest), Compiled(name, order, words, at, RECEIPT_LINE))
            )

    def __bool__(self) -> bool:
        return bool(self.movements or self.snapshots or self.receipts)

    def read(self, value: Any, message: Message) -> tuple[bool, list[Reading]]:
        """Whether any map knows the message, and what it tells of stock. Raises MapError."""
        readings: list[Reading] = []
        known = False
        for compiled in self.movements:
            if not compiled.table.each and not compiled.holds(value):
                continue
            told = [movement(compiled, each, message) for each in _each(compiled, value) if compiled.holds(each)]
            known = known or bool(told) or (bool(compiled.table.each) and compiled.when is None)
            readings += [Reading(movements=tuple(told[at : at + PART])) for at in range(0, len(told), PART)]
        for head, lines in self.snapshots:
            if head.holds(value):
                known = True
                elements = _list(lines, lines.table.lines, value)
                found = [line for each in elements if (line := snapshot_line(lines, each)) is not None]
                readings.append(Reading(snapshots=(snapshot(head, value, found, message),)))
        for head, lines in self.receipts:
            for each in _each(head, value):
                if head.holds(each):
                    known = True
                    readings.append(receipt_reading(head, lines, each, message))
        return known, readings


def snapshot(head: Compiled, value: Any, lines: list[SnapshotLine], message: Message) -> Snapshot:
    """The snapshot that a message's lines make."""
    told = head.told(value)
    as_of = min(head.moment(told, "as_of", message.received_at), message.received_at)
    return Snapshot(
        system=message.channel,
        source_id=told.get("id") or message.source_id,
        as_of=as_of,
        lines=tuple(lines),
        sites=tuple(sorted({line.site for line in lines})),
        places=head.table.places or tuple(sorted({line.place for line in lines})) or (Place.STORAGE,),
        whole=head.table.whole,
        message=message.id,
    )


def receipt_reading(
    head: Compiled, lines: Compiled, value: Any, message: Message, rows: list[Any] | None = None
) -> Reading:
    """What an expected receipt tells: its fact, and the rows that the books expect. Raises MapError."""
    number, data, expected = receipt(head, lines, value, rows)
    fact = Fact(
        key=receipt_key(number),
        data=data,
        source=message.channel,
        source_id=f"{message.source_id}/{head.name}/{number}",
        occurred_at=message.received_at,
        message=message.id,
    )
    return Reading(facts=(fact,), expected=expected)


def _each(compiled: Compiled, value: Any) -> Iterable[Any]:
    return _list(compiled, compiled.table.each, value) if compiled.table.each else (value,)


def _list(compiled: Compiled, text: str, value: Any) -> Iterator[Any]:
    if not text:
        raise MapError(compiled.where, "", "needs `lines`: the list that it runs over")
    elements = Expression(text, compiled.where).evaluate(value)
    if not isinstance(elements, list):
        raise MapError(compiled.where, text, f"should give a list, and gives {elements!r}")
    return iter(elements)
