"""Counts, and what comes late before one: the way of movements whose effect depends on what had happened by a moment of the past.

A count says what its moment found. It moves the difference to what the books had then; what happened before it and is told later is taken back by a correction at the
count's moment, so that the count still holds. Items that need this are taken one by one in the order of time, over what the store knows of them.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.ledger.balances import correction, destination_of, happened, origin_of, settle
from crossdock.ledger.movement import OURS, Kind, Movement, Place, Position
from crossdock.ports.stock import AllowNegative
from crossdock.store.queries import SQL

NOTHING = Decimal(0)
Moment = tuple[datetime, bool, str, str]


class Told(msgspec.Struct, gc=False):
    """A movement as it is written: of a count, what it moves, with what it counted beside it; `correction`: written by the ledger itself."""

    movement: Movement
    counted: Decimal | None = None
    correction: bool = False


class _Book:
    """What is known of some items: what stands now, and what each position was changed by since the earliest moment that matters."""

    def __init__(self) -> None:
        self.now: defaultdict[Position, Decimal] = defaultdict(Decimal)
        self.since: defaultdict[Position, list[tuple[Moment, Decimal]]] = defaultdict(list)
        self.counts: defaultdict[Position, list[tuple[Moment, Movement]]] = defaultdict(list)
        self.corrected: defaultdict[str, int] = defaultdict(int)

    def before(self, position: Position, moment: Moment) -> Decimal:
        """What stood there just before `moment`."""
        return self.now[position] - sum(
            (added for _, added in self.since[position][bisect_right(self.since[position], moment, key=_moment) :]),
            NOTHING,
        )

    def first_count(self, position: Position, moment: Moment) -> Movement | None:
        """The first count of this position behind `moment`."""
        counts = self.counts[position]
        at = bisect_right(counts, moment, key=_moment)
        return counts[at][1] if at < len(counts) else None

    def add(self, movement: Movement) -> None:
        """The movement has happened."""
        moment = happened(movement)
        for position, added in (
            (origin_of(movement), -movement.quantity),
            (destination_of(movement), movement.quantity),
        ):
            self.now[position] += added
            insort(self.since[position], (moment, added), key=_moment)

    def history(self, movement: Movement) -> None:
        """The movement stands in the store, and in what stands now."""
        moment = happened(movement)
        for position, added in (
            (origin_of(movement), -movement.quantity),
            (destination_of(movement), movement.quantity),
        ):
            insort(self.since[position], (moment, added), key=_moment)


def _moment(entry: tuple[Moment, Any]) -> Moment:
    return entry[0]


def _counted_position(count: Movement) -> Position:
    """What was counted: of a count that has been settled, the leg that is not the adjustment."""
    return origin_of(count) if count.destination is Place.ADJUSTMENT else destination_of(count)


async def settle_counts(
    connection: Any, movements: Sequence[Movement], allow_negative: AllowNegative
) -> tuple[list[Told], list[tuple[Movement, str]]]:
    """The movements as they are to be written, with their corrections; and those that cannot have been, with the reason. Needs the locks of their rows of stock."""
    since: dict[str, datetime] = {}
    for m in movements:
        since[m.item] = min(since.get(m.item, m.occurred_at), m.occurred_at)
    book = _Book()
    for item, site, place, lot, owner, entity, quantity in await connection.fetch(
        SQL["positions_of_items"], list(since)
    ):
        book.now[Position(item, site, Place(place), lot, owner, entity)] = quantity
    for row in await connection.fetch(SQL["history_of_items"], list(since), list(since.values())):
        stored = Movement(
            source=row["source"],
            source_id=row["source_id"],
            kind=Kind(row["kind"]),
            item=row["item"],
            site=row["site"],
            to_site=row["to_site"],
            origin=Place(row["origin"]),
            destination=Place(row["destination"]),
            quantity=row["quantity"],
            lot=row["lot"],
            owner=row["owner"],
            entity=row["entity"],
            occurred_at=row["occurred_at"],
        )
        book.history(stored)
        if row["counted"] is not None:
            insort(book.counts[_counted_position(stored)], (happened(stored), stored), key=_moment)
        if stored.source == "ledger":
            book.corrected[stored.source_id.rpartition("/")[0]] += 1
    written: list[Told] = []
    refused: list[tuple[Movement, str]] = []
    for m in sorted(movements, key=happened):
        unit = _unit(m, book)
        if (reason := _short(unit, book)) and not allow_negative(m):
            refused.append((m, reason))
            continue
        for told in unit:
            book.add(told.movement)
            if told.counted is not None:
                insort(
                    book.counts[_counted_position(told.movement)], (happened(told.movement), told.movement), key=_moment
                )
            if told.correction:
                book.corrected[told.movement.source_id.rpartition("/")[0]] += 1
        written += unit
    return written, refused


def _unit(m: Movement, book: _Book) -> list[Told]:
    """A movement as it moves, and the corrections that it asks for."""
    moment = happened(m)
    told = Told(m)
    if m.kind is Kind.COUNT:
        told = Told(settle(m, book.before(destination_of(m), moment)), m.quantity)
    unit = [told]
    moved = told.movement
    if origin_of(moved) == destination_of(moved) or not moved.quantity:
        return unit
    for position, late in ((origin_of(moved), -moved.quantity), (destination_of(moved), moved.quantity)):
        if position.place in OURS and (count := book.first_count(position, moment)) is not None:
            number = (
                book.corrected[f"{count.source}:{count.source_id}/correction"]
                + 1
                + sum(1 for t in unit if t.correction and t.movement.reference == count.source_id)
            )
            unit.append(Told(correction(count, position, late, number), None, True))
    return unit


def _short(unit: Iterable[Told], book: _Book) -> str:
    """Why these together cannot have been: a place of ours that they would leave with less than nothing; "" where they can."""
    added: defaultdict[Position, Decimal] = defaultdict(Decimal)
    for told in unit:
        added[origin_of(told.movement)] -= told.movement.quantity
        added[destination_of(told.movement)] += told.movement.quantity
    for position, amount in added.items():
        if amount < 0 and position.place in OURS and book.now[position] + amount < 0:
            return f"{book.now[position]} in {position.place}, {-amount} were to go"
    return ""
