"""Retry: dead letters are taken up again, refusals taken back, held messages read once more, because somebody says so.

A dead letter of which nobody knows whether it was done is looked up first; a refusal was a business no, and is taken back by a fact. What was done is never done again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.facts import Fact
from crossdock.facts.order import EffectRetried


class Books(Protocol):
    """What is owed, as it stands."""

    async def obligation(self, id_: str) -> Mapping[str, Any] | None: ...


class Dead(Protocol):
    """The outbox, as far as it is needed here."""

    async def retry_dead(
        self, ids: Sequence[str] | None, system: str | None, now: datetime, force: bool = False
    ) -> list[str]: ...

    async def rounds(self, of: Mapping[str, str]) -> dict[str, int]: ...


class Recorder(Protocol):
    """The log, as far as it is needed here."""

    async def record(self, facts: Sequence[Fact], now: datetime) -> int: ...


class Retried(msgspec.Struct, frozen=True):
    """What was taken up: dead letters by obligation, and how many refusals were taken back."""

    queued: Sequence[str]
    retried: int


class Retriable(msgspec.Struct, frozen=True):
    """What a retry would do about one delivery. verdict: look-up (nobody knows whether it was done), send, take-back (it was refused), nothing."""

    id: str
    verdict: str
    detail: str


def previewed(ids: Iterable[str], deliveries: Iterable[Mapping[str, Any]], force: bool = False) -> list[Retriable]:
    """What a retry of these would do, before anything is done. Pure. `deliveries`: rows with id, system, status, uncertain and outcome."""
    rows = {row["id"]: row for row in deliveries}
    return [_verdict(id_, rows.get(id_), force) for id_ in dict.fromkeys(ids)]


def _verdict(id_: str, row: Mapping[str, Any] | None, force: bool) -> Retriable:
    if row is None:
        return Retriable(id_, "nothing", "there is no such delivery")
    why = row["outcome"] or "no reason told"
    if row["status"] == "refused":
        return Retriable(
            id_, "take-back", f"{row['system']} refused it: {why}; it would be made anew as it is owed now"
        )
    if row["status"] != "dead":
        return Retriable(id_, "nothing", f"it is {row['status']}")
    if row["uncertain"] and not force:
        return Retriable(id_, "look-up", f"{why}; it would be looked up, and sent only if it is not there")
    return Retriable(id_, "send", f"{why}; it would be sent again")


async def retry(
    books: Books,
    outbox: Dead,
    log: Recorder,
    ids: Sequence[str],
    system: str | None,
    who: str,
    now: datetime,
    force: bool = False,
) -> Retried:
    """Takes up the dead letters among `ids` (or all to `system`), and takes back the refusals among `ids`. `force`: sends without looking up."""
    queued = await outbox.retry_dead(list(ids) or None, system, now, force) if ids or system else []
    facts = []
    for id_ in ids:
        owed = await books.obligation(id_)
        if owed is not None and owed["status"] == "refused":
            made = (await outbox.rounds({id_: owed["key"]})).get(id_)
            told = EffectRetried(obligation=id_, who=who, round=0 if made is None else made + 1)
            facts.append(
                Fact(
                    key=owed["key"],
                    data=told,
                    source="crossdock",
                    source_id=f"{id_}/retried/{now.isoformat()}",
                    occurred_at=now,
                )
            )
    return Retried(queued, await log.record(facts, now))
