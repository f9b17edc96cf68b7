"""The numbers by which sources count what they say: what is missing has a clock from the moment that it was missed, and what comes late closes its gap.

A stream begins with the first number that is heard of it. Numbers may leap by any amount: a gap is kept as a range.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from crossdock.ledger.movement import Movement
from crossdock.store.queries import SQL

Range = tuple[int, int]
Stream = tuple[str, str]


def missing(highest: int | None, above: Sequence[int]) -> list[Range]:
    """The ranges of numbers between `highest` and each of `above` (ascending) that have not come; None: the first number is where the stream begins."""
    found: list[Range] = []
    last = above[0] - 1 if highest is None and above else highest
    for number in above:
        if last is not None and number > last + 1:
            found.append((last + 1, number - 1))
        last = number
    return found


def without(gap: Range, numbers: Sequence[int]) -> list[Range]:
    """What is left of a gap when these numbers (ascending) have come."""
    left: list[Range] = []
    first, last = gap
    for number in numbers:
        if first <= number <= last:
            if number > first:
                left.append((first, number - 1))
            first = number + 1
    if first <= last:
        left.append((first, last))
    return left


async def hear(
    connection: Any, heard: Iterable[Movement], doubled: Iterable[Movement], now: datetime
) -> tuple[int, int]:
    """Notes what was heard of each stream; gives how many numbers came late, and how many have been found missing."""
    told_at: dict[Stream, datetime] = {}
    numbers: dict[Stream, set[int]] = {}
    again: dict[Stream, int] = {}
    for m in heard:
        stream = (m.source, m.stream)
        at = told_at.get(stream)
        if at is None or m.occurred_at > at:
            told_at[stream] = m.occurred_at
        if m.sequence is not None:
            numbers.setdefault(stream, set()).add(m.sequence)
    for m in doubled:
        stream = (m.source, m.stream)
        told_at.setdefault(stream, m.occurred_at)
        again[stream] = again.get(stream, 0) + 1
    if not told_at:
        return 0, 0
    streams = sorted(told_at)
    rows = await connection.fetch(
        SQL["hear_streams"],
        [source for source, _ in streams],
        [stream for _, stream in streams],
        [told_at[stream] for stream in streams],
        [again.get(stream, 0) for stream in streams],
        now,
    )
    if not numbers:
        return 0, 0
    highest: dict[Stream, int | None] = {(source, stream): number for source, stream, number in rows}
    late: dict[Stream, int] = {}
    gaps: list[tuple[Stream, Range, datetime]] = []
    for stream, told in numbers.items():
        came = highest[stream]
        ordered = sorted(told)
        below = [number for number in ordered if came is not None and number <= came]
        late[stream] = len(below)
        gaps += [(stream, gap, now) for gap in missing(came, ordered[len(below) :])]
        if below:
            gaps += await _close(connection, stream, below)
    reached = sorted(numbers)
    await connection.execute(
        SQL["advance_streams"],
        [source for source, _ in reached],
        [stream for _, stream in reached],
        [max(numbers[stream]) for stream in reached],
        [late[stream] for stream in reached],
    )
    if gaps:
        await connection.execute(
            SQL["note_gaps"],
            [source for (source, _), _, _ in gaps],
            [stream for (_, stream), _, _ in gaps],
            [first for _, (first, _), _ in gaps],
            [last for _, (_, last), _ in gaps],
            [at for _, _, at in gaps],
        )
    return sum(late.values()), sum(last - first + 1 for _, (first, last), at in gaps if at is now)


async def _close(connection: Any, stream: Stream, numbers: Sequence[int]) -> list[tuple[Stream, Range, datetime]]:
    """Takes these numbers out of the gaps of a stream; gives what is left of those."""
    rows = await connection.fetch(SQL["gaps_between"], *stream, numbers[0], numbers[-1])
    if not rows:
        return []
    await connection.execute(SQL["drop_gaps"], *stream, [first for first, _, _ in rows])
    return [(stream, left, at) for first, last, at in rows for left in without((first, last), numbers)]
