"""CSV files to movements, snapshots and expected receipts by the workspace's maps, row by row: no part of memory but the file itself grows with movements.

Movements that can be understood are told, and the message is held for those that cannot, each with its line and field; read again, what was told before is known.
A snapshot is understood whole or not at all: a line that is missing would be a difference. So is each receipt: the rows that bear its number.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from crossdock.connectors.json.spec import CsvFormat
from crossdock.connectors.json.stock import Compiled, movement, receipt_number, snapshot_line
from crossdock.connectors.json.stock_reader import PART, StockMaps, receipt_reading, snapshot
from crossdock.crosswalk.maps import MapError
from crossdock.facts import Fact
from crossdock.facts.interchange import MessageHeld
from crossdock.ledger.movement import Movement
from crossdock.ledger.snapshot import SnapshotLine
from crossdock.ports.translation import Message, Reading

TOLD_OF = 5
"""So many rows that cannot be understood are named in words."""

Row = tuple[int, dict[str, str]]


class CsvReader:
    """A `Reader` for one channel. The first row names the columns; expressions know them by these names."""

    def __init__(self, maps: StockMaps, format: CsvFormat) -> None:
        self._maps = maps
        self._format = format

    def read(self, message: Message) -> Iterator[Reading]:
        """Movements in parts, then the snapshot and the receipts; the last reading says whether the message is held."""
        troubles = _Troubles()
        try:
            for compiled in self._maps.movements:
                yield from self._movements(compiled, message, troubles)
            for head, lines in self._maps.snapshots:
                yield from self._snapshot(head, lines, message, troubles)
            for head, lines in self._maps.receipts:
                yield from self._receipts(head, lines, message, troubles)
        except (UnicodeDecodeError, csv.Error, _NoTable) as error:
            troubles.add(0, "unreadable", str(error))
        if troubles.count:
            yield _held(message, troubles)
        else:
            yield Reading()

    def _movements(self, compiled: Compiled, message: Message, troubles: "_Troubles") -> Iterator[Reading]:
        part: list[Movement] = []
        for number, row in self._rows(message):
            try:
                if compiled.holds(row):
                    part.append(movement(compiled, row, message))
            except MapError as error:
                troubles.add(number, getattr(error, "cause", "map-failed"), str(error))
            if len(part) >= PART:
                yield Reading(movements=tuple(part))
                part = []
        if part:
            yield Reading(movements=tuple(part))

    def _snapshot(self, head: Compiled, lines: Compiled, message: Message, troubles: "_Troubles") -> Iterator[Reading]:
        found: list[SnapshotLine] = []
        first: dict[str, str] | None = None
        before = troubles.count
        for number, row in self._rows(message):
            first = first or row
            try:
                line = snapshot_line(lines, row) if lines.holds(row) else None
            except MapError as error:
                troubles.add(number, getattr(error, "cause", "map-failed"), str(error))
                continue
            if line is not None:
                found.append(line)
        if troubles.count == before:
            try:
                yield Reading(snapshots=(snapshot(head, first or {}, found, message),))
            except MapError as error:
                troubles.add(2, "map-failed", str(error))

    def _receipts(self, head: Compiled, lines: Compiled, message: Message, troubles: "_Troubles") -> Iterator[Reading]:
        found: dict[str, list[Row]] = {}
        for number, row in self._rows(message):
            try:
                if head.holds(row):
                    found.setdefault(receipt_number(head, head.told(row)), []).append((number, row))
            except MapError as error:
                troubles.add(number, getattr(error, "cause", "map-failed"), str(error))
        for told in found.values():
            (at, first), rows = told[0], [row for _, row in told]
            try:
                yield receipt_reading(head, lines, first, message, rows)
            except MapError as error:
                named = getattr(error, "row", None)
                troubles.add(at if named is None else told[named][0], getattr(error, "cause", "map-failed"), str(error))

    def _rows(self, message: Message) -> Iterator[Row]:
        """(line of the file, row by column)."""
        suspect = b"\0" in message.data
        text = io.TextIOWrapper(io.BytesIO(message.data), self._format.encoding, newline="")
        rows = csv.reader(text, delimiter=self._format.delimiter, strict=True)
        header = [name.strip() for name in next(rows, [])]
        if suspect and any("\0" in name for name in header):
            raise _NoTable("its first row holds a NUL, which no text may")
        if not any(header) or len(set(header)) != len(header):
            raise _NoTable("its first row names no columns, or one twice")
        width = len(header)
        for row in rows:
            if not row:
                continue
            if len(row) != width:
                raise _NoTable(f"line {rows.line_num} has {len(row)} columns, and the first row names {width}")
            if suspect and any("\0" in cell for cell in row):
                raise _NoTable(f"line {rows.line_num} holds a NUL, which no text may")
            yield rows.line_num, dict(zip(header, row, strict=True))


class _NoTable(ValueError):
    """A file that is no table."""


class _Troubles:
    """What could not be understood: counted, and the first in words."""

    def __init__(self) -> None:
        self.count = 0
        self.cause = ""
        self.said: list[str] = []

    def add(self, line: int, cause: str, reason: str) -> None:
        self.count += 1
        self.cause = self.cause or cause
        if len(self.said) < TOLD_OF:
            self.said.append(f"line {line}: {reason}" if line else reason)

    def text(self) -> str:
        """For a person."""
        more = [f"and {self.count - TOLD_OF} more"] if self.count > TOLD_OF else []
        return "; ".join([*self.said, *more])


def _held(message: Message, troubles: _Troubles) -> Reading:
    data: Any = MessageHeld(channel=message.channel, cause=troubles.cause, detail=troubles.text())
    told = Fact(
        key=f"MSG-{message.id}",
        data=data,
        source="crossdock",
        source_id=f"{message.id}/{troubles.cause}",
        occurred_at=message.received_at,
        message=message.id,
    )
    return Reading(facts=(told,), held=troubles.cause)
