"""Fold: facts into state, state into what is owed, and of that the difference to what is known. Pure; the caller reads and writes.

`fold` is also what `rebuild` and the preview of a replay run: there is one way from facts to obligations. A process that a defect of ours keeps from being
folded is set aside, with an exception that says so, and holds up no other: its facts are kept by their positions, and `rebuild.mend` folds it anew.
"""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any
from zlib import crc32

import msgspec

from crossdock.facts import Fact
from crossdock.flow.stocking import Moved, Wanted, demands, movements
from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Movement
from crossdock.policy import Agreements
from crossdock.ports.log import Folded, Log, Stored
from crossdock.process import Effect, Name, Obligation, Process, Standing, Status, Trouble, process_of_fact
from crossdock.process import process_of as process_of_key

US = "us"
LONGEST_DEFECT = 4000
"""Characters of an error that are kept with what it set aside."""

SET_ASIDE = "set-aside"
"""The milestone of a process that was never folded."""


class VersionNotRead(LookupError):
    """An order was taken under a version of the workspace that this process has not read yet: no defect; fold again when it has."""


class Known(msgspec.Struct, array_like=True, gc=False):
    """What the fold has written of a process so far: obligations by id to (status, check sum), troubles by id to check sum, check sums of names.
    withdrawn: obligations whose delivery was cancelled when something came to block them (a hold), to be revived when they are ready again.
    wanted, moved: what the stock ledger has been told."""

    obligations: dict[str, tuple[str, int]] = {}
    troubles: dict[str, int] = {}
    names: list[int] = []
    withdrawn: list[str] = []
    wanted: dict[str, Wanted] = {}
    moved: dict[str, Moved] = {}


_encode = msgspec.msgpack.Encoder(decimal_format="string").encode
_encode_json = msgspec.json.Encoder().encode
_known = msgspec.msgpack.Decoder(Known)


def _sum(value: Any) -> int:
    return crc32(_encode(value))


_VALUES = {status: status.value for status in Status}


class Gathered(msgspec.Struct, gc=False):
    """A process while it is being folded. before: how it stood when `known` was written, where that is still at hand; stood: its obligations by id;
    summary: its figures as they were written; defect: why it cannot be folded, when the log is folded anew."""

    process: Process
    lane: int
    key: str
    state: Any
    known: Known
    positions: list[int]
    created_at: datetime
    stood: Mapping[str, Obligation] = {}
    before: Standing | None = None
    summary: bytes = b""
    defect: str = ""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """A process as it was written, beside the bytes that were written."""

    state_bytes: bytes
    known_bytes: bytes
    process: Process
    state: Any
    known: Known
    stood: Mapping[str, Obligation]
    stands: Standing
    summary: bytes


class Recent:
    """What was written last, not to be decoded and summed again: the facts of an order come in bursts. An entry counts only for the very bytes that it was
    written as, so it does not matter who else writes, or whether the transaction was committed. At most `limit` bytes as stored, some five times that in memory."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self._kept: dict[str, Kept] = {}

    def keep(self, key: str, kept: Kept) -> None:
        """The entry of `key` from now on; those that were kept longest give way."""
        self.drop(key)
        self._kept[key] = kept
        self._bytes += len(kept.state_bytes) + len(kept.known_bytes)
        while self._bytes > self._limit:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Forgets `key`."""
        old = self._kept.pop(key, None)
        if old is not None:
            self._bytes -= len(old.state_bytes) + len(old.known_bytes)

    def find(self, process: Process, stored: Stored) -> Kept | None:
        """What was written as the bytes of `stored`, if it is still here."""
        kept = self._kept.get(stored.key)
        if kept is None or kept.state_bytes != stored.state or kept.known_bytes != stored.known:
            return None
        return kept if kept.process is process else None


_recent = Recent(limit=8_000_000)


def gather(facts: Iterable[Fact], stored: Mapping[str, Stored], now: datetime) -> dict[str, Gathered]:
    """Every process that `facts` touch with its state evolved, by key; without those that are set aside."""
    return {
        key: evolved(about, before, now)
        for key, about in _by_key(facts).items()
        if (before := stored.get(key)) is None or not before.defect
    }


def _by_key(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    told: dict[str, list[Fact]] = {}
    for fact in facts:
        about = told.get(fact.key)
        if about is None:
            told[fact.key] = [fact]
        else:
            about.append(fact)
    return told


def evolved(about: Sequence[Fact], before: Stored | None, now: datetime) -> Gathered:
    """A process with the facts that tell `about` it."""
    process = process_of_fact(about[0])
    key = about[0].key
    at = (
        Gathered(process, about[0].lane, key, process.new(key), Known(), [], now)
        if before is None
        else open_stored(process, before)
    )
    for fact in about:
        at.state = process.evolve(at.state, fact)
        at.positions.append(fact.position)
    return at


def open_stored(process: Process, stored: Stored) -> Gathered:
    """A process as it was left."""
    kept = _recent.find(process, stored)
    return Gathered(
        process,
        stored.lane,
        stored.key,
        process.decode(stored.state) if kept is None else kept.state,
        known_of(stored) if kept is None else kept.known,
        list(stored.positions),
        stored.created_at,
        {} if kept is None else kept.stood,
        None if kept is None else kept.stands,
        b"" if kept is None else kept.summary,
    )


def known_of(stored: Stored) -> Known:
    """What the fold noted of it."""
    return _known.decode(stored.known)


def standing(at: Gathered, agreements: Agreements, now: datetime) -> Standing:
    """Where a process stands at `now`, under the agreement that it was begun under."""
    agreed = at.process.agreement_of(at.state)
    return at.process.derive(at.state, agreements(*agreed) if agreed else None, now, at.before)


def effect_of(at: Gathered, obligation: Obligation, agreements: Agreements, now: datetime) -> Effect:
    """What meets a ready obligation."""
    agreed = at.process.agreement_of(at.state)
    return at.process.effect(at.state, obligation, agreements(*agreed) if agreed else None, now)


def difference(at: Gathered, stands: Standing, agreements: Agreements, now: datetime) -> Folded:
    """What has to be written so that the store says what `stands` says."""
    before, stood, stands_before = at.known, at.stood, at.before
    known, was_known = before.obligations.copy(), before.obligations
    owed: list[Obligation] = []
    queue: list[Effect] = []
    revive: list[Effect] = []
    redo: list[str] = []
    cancel: list[str] = []
    now_owed = {obligation.id: obligation for obligation in stands.obligations}
    for id_, obligation in now_owed.items():
        if stood.get(id_) == obligation:
            continue
        was = was_known.get(id_)
        mark = (_VALUES[obligation.status], _sum(obligation))
        if was == mark:
            continue
        known[id_] = mark
        owed.append(obligation)
        was_status = was[0] if was else ""
        if obligation.debtor != US:
            continue
        if obligation.status is Status.READY:
            if was_status != Status.READY:
                first = was_status in ("", Status.BLOCKED) and id_ not in before.withdrawn
                (queue if first else revive).append(effect_of(at, obligation, agreements, now))
                if was_status == Status.MET:
                    redo.append(id_)
        elif was_status == Status.READY and obligation.status is not Status.MET:
            cancel.append(id_)
    gone = [(id_, was_known[id_][0]) for id_ in was_known if id_ not in now_owed]
    dropped = [id_ for id_, status in gone if status != Status.VOID]
    cancel.extend(id_ for id_, status in gone if status == Status.READY)
    known.update((id_, (Status.VOID.value, 0)) for id_, _ in gone)

    troubles = {trouble.id: _sum(trouble) for trouble in stands.troubles}
    fresh, marks = _fresh(stands.names, at)
    asked: list[Demand] = []
    wanted = before.wanted
    if stands.demands or wanted:
        asked, wanted = demands(at.key, wanted, stands.demands, now)
    moves: list[Movement] = []
    moved = before.moved
    if stands.taken or moved:
        moves, moved = movements(at.key, moved, stands.taken, now)
    at.known = Known(
        known,
        troubles,
        [*before.names, *marks] if marks else before.names,
        before.withdrawn if not cancel else sorted({*before.withdrawn, *cancel}),
        wanted,
        moved,
    )
    at.stood, at.before = now_owed, stands
    state_bytes, known_bytes = at.process.encode(at.state), _encode(at.known)
    unsaid = stands_before is None or stands_before.summary is not stands.summary
    summary = _encode_json(stands.summary) if unsaid else at.summary
    _recent.keep(at.key, Kept(state_bytes, known_bytes, at.process, at.state, at.known, at.stood, stands, summary))
    return Folded(
        lane=at.lane,
        key=at.key,
        process=at.process.name,
        state=state_bytes,
        known=known_bytes,
        positions=at.positions,
        milestone=stands.milestone,
        summary=summary,
        created_at=at.created_at,
        wake_at=stands.wake_at,
        obligations=owed,
        dropped=dropped,
        opened=[trouble for trouble in stands.troubles if before.troubles.get(trouble.id) != troubles[trouble.id]],
        closed=[id_ for id_ in before.troubles if id_ not in troubles],
        names=fresh,
        queue=queue,
        revive=revive,
        redo=redo,
        cancel=cancel,
        demands=asked,
        movements=moves,
    )


def _fresh(names: tuple[Name, ...], at: Gathered) -> tuple[list[Name], list[int]]:
    """Those of `names` that were never written, and their check sums."""
    before = at.before.names if at.before is not None else ()
    if names == before:
        return [], []
    named, seen = set(before), set(at.known.names)
    fresh = [(name, mark) for name in names if name not in named and (mark := _sum(name)) not in seen]
    return [name for name, _ in fresh], [mark for _, mark in fresh]


def fold(facts: Sequence[Fact], stored: Mapping[str, Stored], agreements: Agreements, now: datetime) -> list[Folded]:
    """All that a batch of facts changes, one `Folded` a process: one at a time, what is at hand is done with before the next is opened.
    One that cannot be folded is set aside alone. Raises VersionNotRead, and then nothing of the batch is folded."""
    found = []
    for key, about in _by_key(facts).items():
        before = stored.get(key)
        if before is not None and before.defect:
            found.append(set_aside(about, before, before.defect, now))
            continue
        try:
            at = evolved(about, before, now)
            found.append(difference(at, standing(at, agreements, now), agreements, now))
        except VersionNotRead:
            raise
        except Exception as error:
            found.append(set_aside(about, before, error, now))
    return found


def wake(stored: Iterable[Stored], agreements: Agreements, now: datetime) -> list[Folded]:
    """What time alone changes of these processes. Sets aside and raises as `fold` does."""
    found = []
    for before in stored:
        try:
            at = open_stored(process_of_key(before.key), before)
            found.append(difference(at, standing(at, agreements, now), agreements, now))
        except VersionNotRead:
            raise
        except Exception as error:
            found.append(set_aside((), before, error, now))
    return found


def defect_id(key: str) -> str:
    """The exception of a process that was set aside."""
    return f"{key}/defect"


def words_of(error: Exception) -> tuple[str, str]:
    """An error in a line, with the place that raised it, and in full, as far as it is kept."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({PurePath(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    line = f"{type(error).__name__}: {error}"[:300] + place
    return line.replace("\0", ""), "".join(traceback.format_exception(error))[-LONGEST_DEFECT:].replace("\0", "")


def set_aside(about: Sequence[Fact], before: Stored | None, error: Exception | str, now: datetime) -> Folded:
    """A process left as it stood, with the positions of what was told `about` it since, and the exception that a person is to see.
    error: that of now, or the words that are kept of an earlier one."""
    key, lane = (before.key, before.lane) if before is not None else (about[0].key, about[0].lane)
    opened: list[Trouble] = []
    words = error
    if isinstance(error, Exception):
        line, words = words_of(error)
        action = "report it (the process keeps the error in full); when the defect is mended, `crossdock rebuild --mend` folds it anew"
        opened = [Trouble(defect_id(key), "defect", f"it could not be folded and is set aside: {line}", action)]
    return Folded(
        lane=lane,
        key=key,
        process=process_of_fact(about[0]).name if about else process_of_key(key).name,
        state=before.state if before is not None else b"",
        known=before.known if before is not None else _encode(Known()),
        positions=[*(before.positions if before is not None else ()), *[fact.position for fact in about]],
        milestone=SET_ASIDE,
        summary=b"{}",
        created_at=before.created_at if before is not None else now,
        opened=opened,
        defect=str(words),
    )


async def fold_once(log: Log, agreements: Agreements, now: datetime, lanes: int = 32, per_lane: int = 200) -> int:
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
