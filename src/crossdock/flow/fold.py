"""Fold: facts into state, state into what is owed, and of that the difference to what is known. Pure; the caller reads and writes.

`fold` is also what `rebuild` and the preview of a replay run: there is one way from facts to obligations.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

import msgspec

from crossdock.facts import Fact
from crossdock.policy import Agreements
from crossdock.ports.log import Folded, Log, Stored
from crossdock.process import Effect, Obligation, Process, Standing, Status, process_of_fact
from crossdock.process import process_of as process_of_key

US = "us"


class Known(msgspec.Struct, array_like=True, gc=False):
    """What the fold has written of a process so far: obligations by id to (status, check sum), troubles by id to check sum, check sums of names.
    withdrawn: obligations whose delivery was cancelled when something came to block them (a hold), to be revived when they are ready again."""

    obligations: dict[str, tuple[str, int]] = {}
    troubles: dict[str, int] = {}
    names: list[int] = []
    withdrawn: list[str] = []


_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_encode_json = msgspec.json.Encoder().encode
_known = msgspec.msgpack.Decoder(Known)


def _sum(value: Any) -> int:
    return crc32(_encode(value))


class Gathered(msgspec.Struct, gc=False):
    """A process while it is being folded."""

    process: Process
    lane: int
    key: str
    state: Any
    known: Known
    positions: list[int]
    created_at: datetime


def gather(facts: Iterable[Fact], stored: Mapping[str, Stored], now: datetime) -> dict[str, Gathered]:
    """Evolves the state of every process that `facts` touch."""
    gathered: dict[str, Gathered] = {}
    for fact in facts:
        at = gathered.get(fact.key)
        if at is None:
            process = process_of_fact(fact)
            before = stored.get(fact.key)
            at = (
                Gathered(process, fact.lane, fact.key, process.new(fact.key), Known(), [], now)
                if before is None
                else open_stored(process, before)
            )
            gathered[fact.key] = at
        at.state = at.process.evolve(at.state, fact)
        at.positions.append(fact.position)
    return gathered


def open_stored(process: Process, stored: Stored) -> Gathered:
    """A process as it was left."""
    return Gathered(
        process,
        stored.lane,
        stored.key,
        process.decode(stored.state),
        _known.decode(stored.known),
        list(stored.positions),
        stored.created_at,
    )


def standing(at: Gathered, agreements: Agreements, now: datetime) -> Standing:
    """Where a process stands at `now`, under the agreement that it was begun under."""
    agreed = at.process.agreement_of(at.state)
    return at.process.derive(at.state, agreements(*agreed) if agreed else None, now)


def effect_of(at: Gathered, obligation: Obligation, agreements: Agreements, now: datetime) -> Effect:
    """What meets a ready obligation."""
    agreed = at.process.agreement_of(at.state)
    return at.process.effect(at.state, obligation, agreements(*agreed) if agreed else None, now)


def difference(at: Gathered, stands: Standing, agreements: Agreements, now: datetime) -> Folded:
    """What has to be written so that the store says what `stands` says."""
    before = at.known
    owed: list[Obligation] = []
    queue: list[Effect] = []
    revive: list[Effect] = []
    cancel: list[str] = []
    known: dict[str, tuple[str, int]] = {}
    for obligation in stands.obligations:
        mark = (obligation.status.value, _sum(obligation))
        known[obligation.id] = mark
        was = before.obligations.get(obligation.id)
        if was == mark:
            continue
        owed.append(obligation)
        was_status = was[0] if was else ""
        if obligation.debtor != US:
            continue
        if obligation.status is Status.READY:
            if was_status != Status.READY:
                first = was_status in ("", Status.BLOCKED) and obligation.id not in before.withdrawn
                (queue if first else revive).append(effect_of(at, obligation, agreements, now))
        elif was_status == Status.READY and obligation.status is not Status.MET:
            cancel.append(obligation.id)
    dropped = [id_ for id_, (status, _) in before.obligations.items() if id_ not in known and status != Status.VOID]
    cancel.extend(id_ for id_ in dropped if before.obligations[id_][0] == Status.READY)
    known.update((id_, (Status.VOID.value, 0)) for id_ in before.obligations if id_ not in known)

    troubles = {trouble.id: _sum(trouble) for trouble in stands.troubles}
    seen = set(before.names)
    names = [(name, _sum(name)) for name in stands.names]
    fresh = [name for name, mark in names if mark not in seen]
    at.known = Known(
        known,
        troubles,
        before.names if not fresh else [*before.names, *(mark for _, mark in names if mark not in seen)],
        before.withdrawn if not cancel else sorted({*before.withdrawn, *cancel}),
    )
    return Folded(
        lane=at.lane,
        key=at.key,
        process=at.process.name,
        state=at.process.encode(at.state),
        known=_encode(at.known),
        positions=at.positions,
        milestone=stands.milestone,
        summary=_encode_json(stands.summary),
        created_at=at.created_at,
        wake_at=stands.wake_at,
        obligations=owed,
        dropped=dropped,
        opened=[trouble for trouble in stands.troubles if before.troubles.get(trouble.id) != troubles[trouble.id]],
        closed=[id_ for id_ in before.troubles if id_ not in troubles],
        names=fresh,
        queue=queue,
        revive=revive,
        cancel=cancel,
    )


def fold(facts: Sequence[Fact], stored: Mapping[str, Stored], agreements: Agreements, now: datetime) -> list[Folded]:
    """All that a batch of facts changes, one `Folded` a process."""
    return [
        difference(at, standing(at, agreements, now), agreements, now) for at in gather(facts, stored, now).values()
    ]


def wake(stored: Iterable[Stored], agreements: Agreements, now: datetime) -> list[Folded]:
    """What time alone changes of these processes."""
    opened = [open_stored(process_of_key(s.key), s) for s in stored]
    return [difference(at, standing(at, agreements, now), agreements, now) for at in opened]


async def fold_once(log: Log, agreements: Agreements, now: datetime, lanes: int = 8, per_lane: int = 200) -> int:
    """Claims lanes, folds their next facts and writes the outcome, all in one transaction; returns how many facts were folded."""
    async with log.claim(lanes, per_lane) as claimed:
        if claimed.facts:
            await claimed.save(fold(claimed.facts, claimed.processes, agreements, now), now)
        return len(claimed.facts)


async def wake_once(log: Log, agreements: Agreements, now: datetime, limit: int = 500) -> int:
    """Wakes processes whose clock ran out; returns how many."""
    async with log.claim_waking(limit, now) as claimed:
        if claimed.processes:
            await claimed.save(wake(claimed.processes.values(), agreements, now), now)
        return len(claimed.processes)
