"""Rebuild: fold the log anew and compare with what stands. State, obligations, exceptions and deliveries must be equal, bit for bit; what is not is a difference."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.facts import Fact
from crossdock.flow.fold import US, Gathered, Known, standing
from crossdock.policy import Agreements
from crossdock.process import Obligation, Status, process_of_fact


class Difference(msgspec.Struct, frozen=True, gc=False):
    """Something that the log says otherwise than the store. what: process, state, positions, milestone, wake-at, obligation, exception or delivery."""

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
    """The state of every process of a lane, folded from the beginning."""
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
            at.state = at.process.evolve(at.state, fact)
            at.positions.append(fact.position)
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
    for key in stands.processes.keys() - folded.keys():
        yield Difference(key, "process", key, "nothing", "a process")
    for key, at in folded.items():
        row = stands.processes.get(key)
        if row is None:
            yield Difference(key, "process", key, "a process", "nothing")
            continue
        if (state := at.process.encode(at.state)) != row["state"]:
            yield Difference(key, "state", key, f"{len(state)} bytes", f"{len(row['state'])} other bytes")
        if at.positions != list(row["positions"]):
            yield Difference(key, "positions", key, str(at.positions), str(list(row["positions"])))
        updated_at: datetime = row["updated_at"]
        now = standing(at, agreements, updated_at)
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
        if id_ not in seen_obligations and row["status"] != Status.VOID:
            yield Difference(row["key"], "obligation", id_, "not owed", row["status"])
    for id_, row in stands.exceptions.items():
        if id_ not in seen_troubles:
            yield Difference(row["key"], "exception", id_, "no cause for it", "open")


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
