"""Rebuild: fold the log anew and compare with what stands. State, obligations, exceptions and deliveries must be equal, bit for bit; what is not is a difference.

A process that was set aside for a defect is a difference, too; `mend` folds such processes anew, and what the defect kept from being done is done.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.facts import Fact
from crossdock.flow.fold import (
    US,
    Gathered,
    Known,
    VersionNotRead,
    defect_id,
    difference,
    known_of,
    standing,
    words_of,
)
from crossdock.policy import Agreements
from crossdock.ports.log import Folded, Log, Stored
from crossdock.process import Obligation, Status, process_of_fact


class Difference(msgspec.Struct, frozen=True, gc=False):
    """Something that the log says otherwise than the store. what: process, state, positions, milestone, wake-at, obligation, exception, delivery or defect."""

    key: str
    what: str
    id: str
    log_says: str
    store_says: str


class Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One lane as it stands: rows of processes by key, of obligations and open business exceptions by id, and of deliveries by id."""

    processes: Mapping[str, Mapping[str, Any]]
    obligations: Mapping[str, Mapping[str, Any]]
    exceptions: Mapping[str, Mapping[str, Any]]
    deliveries: Mapping[str, Mapping[str, Any]]


async def evolve_all(pages: AsyncIterator[Sequence[Fact]]) -> dict[str, Gathered]:
    """The state of every process of a lane, folded from the beginning; one that cannot be has its `defect` instead."""
    gathered: dict[str, Gathered] = {}
    async for page in pages:
        for fact in page:
            at = gathered.get(fact.key)
            if at is None:
                process = process_of_fact(fact)
                at = gathered[fact.key] = Gathered(
                    process,
                    fact.lane,
                    fact.key,
                    process.new(fact.key),
                    Known(),
                    [],
                    fact.recorded_at or fact.occurred_at,
                )
            at.positions.append(fact.position)
            if not at.defect:
                try:
                    at.state = at.process.evolve(at.state, fact)
                except Exception as error:
                    at.defect, _ = words_of(error)
    return gathered


def _obligation(row: Mapping[str, Any]) -> Obligation:
    return Obligation(
        row["id"],
        row["kind"],
        row["debtor"],
        row["creditor"],
        Status(row["status"]),
        row["due_at"],
        tuple(row["blocked_by"]),
        tuple(row["evidence"]),
        row["subject"],
        row["amount"],
    )


def compare(folded: Mapping[str, Gathered], stands: Standing, agreements: Agreements) -> Iterable[Difference]:
    """Every difference between a lane folded anew and the lane as it stands. Each process is derived as of the moment at which it was last written."""
    seen_obligations: set[str] = set()
    seen_troubles: set[str] = set()
    aside: set[str] = set()
    for key in stands.processes.keys() - folded.keys():
        yield Difference(key, "process", key, "nothing", "a process")
    for key, at in folded.items():
        row = stands.processes.get(key)
        if row is None:
            yield Difference(key, "process", key, "a process", "nothing")
            continue
        if at.positions != list(row["positions"]):
            yield Difference(key, "positions", key, str(at.positions), str(list(row["positions"])))
        if at.defect or row["defect"]:
            yield _defect(at, row, aside)
            continue
        try:
            state = at.process.encode(at.state)
            now = standing(at, agreements, row["updated_at"])
        except VersionNotRead:
            raise
        except Exception as error:
            at.defect, _ = words_of(error)
            yield _defect(at, row, aside)
            continue
        if state != row["state"]:
            yield Difference(key, "state", key, f"{len(state)} bytes", f"{len(row['state'])} other bytes")
        if now.milestone != row["milestone"]:
            yield Difference(key, "milestone", key, now.milestone, row["milestone"])
        if now.wake_at != row["wake_at"]:
            yield Difference(key, "wake-at", key, str(now.wake_at), str(row["wake_at"]))
        for obligation in now.obligations:
            seen_obligations.add(obligation.id)
            yield from _compare_obligation(key, obligation, stands)
        for trouble in now.troubles:
            seen_troubles.add(trouble.id)
            stored = stands.exceptions.get(trouble.id)
            if stored is None or (stored["cause"], stored["detail"]) != (trouble.cause, trouble.detail):
                yield Difference(
                    key, "exception", trouble.id, trouble.detail, stored["detail"] if stored else "not open"
                )
    for id_, row in stands.obligations.items():
        if id_ not in seen_obligations and row["status"] != Status.VOID and row["key"] not in aside:
            yield Difference(row["key"], "obligation", id_, "not owed", row["status"])
    for id_, row in stands.exceptions.items():
        if id_ not in seen_troubles and row["key"] not in aside:
            yield Difference(row["key"], "exception", id_, "no cause for it", "open")


def _defect(at: Gathered, row: Mapping[str, Any], aside: set[str]) -> Difference:
    """What is to be said of a process that is or would be set aside; what it owes is not compared."""
    aside.add(at.key)
    stands = row["defect"].strip().rpartition("\n")[2]
    return Difference(
        at.key, "defect", at.key, at.defect or "it can be folded", f"set aside: {stands}" if stands else "no defect"
    )


def _compare_obligation(key: str, obligation: Obligation, stands: Standing) -> Iterable[Difference]:
    row = stands.obligations.get(obligation.id)
    stored = _obligation(row) if row else None
    if stored != obligation:
        yield Difference(key, "obligation", obligation.id, str(obligation), str(stored) if stored else "nothing")
    if (
        obligation.debtor == US
        and obligation.status in (Status.READY, Status.MET)
        and obligation.id not in stands.deliveries
    ):
        yield Difference(key, "delivery", obligation.id, f"a delivery, for it is {obligation.status}", "nothing")
    elif (
        obligation.debtor == US
        and obligation.status is Status.READY
        and stands.deliveries[obligation.id]["status"] == "cancelled"
    ):
        yield Difference(key, "delivery", obligation.id, "a delivery to be made, for it is ready", "a cancelled one")


def mend(
    facts: Iterable[Fact], stored: Mapping[str, Stored], agreements: Agreements, now: datetime
) -> tuple[list[Folded], list[Difference]]:
    """Processes that were set aside, folded anew from all their `facts`; and those of which the defect is still there. Raises VersionNotRead."""
    told: dict[str, list[Fact]] = {key: [] for key in stored}
    for fact in facts:
        told[fact.key].append(fact)
    mended: list[Folded] = []
    left: list[Difference] = []
    for key, about in told.items():
        was = stored[key]
        process = process_of_fact(about[0])
        try:
            at = Gathered(process, was.lane, key, process.new(key), known_of(was), list(was.positions), was.created_at)
            for fact in about:
                at.state = process.evolve(at.state, fact)
            folded = difference(at, standing(at, agreements, now), agreements, now)
        except VersionNotRead:
            raise
        except Exception as error:
            left.append(Difference(key, "defect", key, words_of(error)[0], "set aside"))
        else:
            mended.append(replace(folded, closed=[*folded.closed, defect_id(key)]))
    return mended, left


async def mend_lane(
    log: Log, lane: int, agreements: Agreements, now: datetime, at_once: int = 200
) -> tuple[int, list[Difference]]:
    """Mends all of a lane that can be, `at_once` to a transaction; returns how many, and those that are set aside still."""
    count, after = 0, ""
    left: list[Difference] = []
    while True:
        async with log.claim_set_aside(lane, at_once, after) as claimed:
            if not claimed.processes:
                return count, left
            after = max(claimed.processes)
            folded, still = mend(claimed.facts, claimed.processes, agreements, now)
            await claimed.save(folded, now)
        count += len(folded)
        left.extend(still)
