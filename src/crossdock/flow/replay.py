"""Replay, previewed: what reading a message or telling a fact once more would do, before anything is done. `preview` is pure; `told_again` and `previewed` read what it needs.

An effect of a replay is *new* (it would be queued), *already done* (its delivery was accepted, or is under way: nothing would happen), or in
*conflict* (it was done with another content, or has been refused, or is dead: a person should look first).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.facts import Fact
from crossdock.flow.fold import US, difference, effect_of, gather, standing
from crossdock.policy import Agreements
from crossdock.ports.log import Stored
from crossdock.ports.translation import Message, Reader
from crossdock.process import Status

_encode = msgspec.json.Encoder().encode


class PreviewedEffect(msgspec.Struct, frozen=True, gc=False):
    """What would become of one effect. verdict: new, already-done, conflict."""

    obligation: str
    verdict: str
    detail: str


class Preview(msgspec.Struct, frozen=True, gc=False):
    """What a replay would do. `known` of the facts the log has already; `fresh` it would record."""

    fresh: Sequence[Fact]
    known: Sequence[Fact]
    effects: Sequence[PreviewedEffect]
    milestones: Mapping[str, tuple[str, str]]


class Books(Protocol):
    """What is kept, as far as a replay asks for it. `lookup.Lookup` in the store."""

    async def received(self, id_: int) -> Message | None: ...

    async def process(self, key: str) -> Mapping[str, Any] | None: ...

    async def facts(self, lane: int, positions: Sequence[int]) -> list[Fact]: ...

    async def recorded(self, facts: Sequence[Fact]) -> set[str]: ...

    async def delivery_contents(self, key: str) -> Sequence[Mapping[str, Any]]: ...


class NotReplayable(Exception):
    """There is nothing of this name to replay, or nobody who reads it. `missing`: there is no such thing."""

    def __init__(self, detail: str, missing: bool = False) -> None:
        super().__init__(detail)
        self.missing = missing


async def told_again(what: Iterable[str], books: Books, readers: Mapping[str, Reader]) -> list[Fact]:
    """The facts of messages (by number, read with `readers`) and of processes (by key, as the log has them). Raises NotReplayable."""
    facts: list[Fact] = []
    for each in what:
        if each.isascii() and each.isdigit():
            message = await books.received(int(each)) if len(each) < 19 else None
            if message is None:
                raise NotReplayable(f"there is no received message {each}", missing=True)
            reader = readers.get(message.channel)
            if reader is None:
                raise NotReplayable(f"the workspace declares no channel {message.channel} that receives message {each}")
            try:
                facts.extend(fact for reading in reader.read(message) for fact in reading.facts)
            except Exception as defect:
                # Reading it failed before, too; it is held for that.
                raise NotReplayable(f"reading message {each} fails: {type(defect).__name__}") from defect
        else:
            process = await books.process(each)
            if process is None:
                raise NotReplayable(f"there is no message or process {each}", missing=True)
            facts.extend(await books.facts(process["lane"], process["positions"]))
    return facts


async def previewed(facts: Sequence[Fact], books: Books, agreements: Agreements, now: datetime) -> Preview:
    """What telling these facts would do, as everything stands."""
    stored: dict[str, Stored] = {}
    milestones: dict[str, str] = {}
    made: dict[str, Mapping[str, Any]] = {}
    for key in {fact.key for fact in facts}:
        row = await books.process(key)
        if row is not None:
            stored[key] = Stored(
                row["lane"], key, row["state"], row["known"], row["positions"], row["created_at"], row["defect"]
            )
            milestones[key] = row["milestone"]
            made.update({each["id"]: each for each in await books.delivery_contents(key)})
    return preview(facts, await books.recorded(facts), stored, milestones, made, agreements, now)


def preview(
    facts: Sequence[Fact],
    recorded: Iterable[str],
    stored: Mapping[str, Stored],
    milestones: Mapping[str, str],
    deliveries: Mapping[str, Mapping[str, Any]],
    agreements: Agreements,
    now: datetime,
) -> Preview:
    """Folds `facts` over what stands, in memory. `recorded`: ids the log has; `deliveries`: rows by obligation id, with status and content; `milestones` as they stand."""
    have = set(recorded)
    effects: dict[str, PreviewedEffect] = {}
    reached: dict[str, tuple[str, str]] = {}
    for key, at in gather(facts, stored, now).items():
        stands = standing(at, agreements, now)
        reached[key] = (milestones.get(key, "nothing"), stands.milestone)
        folded = difference(at, stands, agreements, now)
        for effect in (*folded.queue, *folded.revive):
            effects[effect.obligation] = _verdict(
                effect.obligation, _encode(effect.content), deliveries.get(effect.obligation)
            )
        for obligation in stands.obligations:
            if obligation.debtor != US or obligation.id in effects:
                continue
            delivery = deliveries.get(obligation.id)
            if obligation.status is Status.READY:
                content = _encode(effect_of(at, obligation, agreements, now).content)
                effects[obligation.id] = _verdict(obligation.id, content, delivery)
            elif delivery is not None:
                effects[obligation.id] = _verdict(obligation.id, delivery["content"], delivery)
        for id_ in folded.cancel:
            effects[id_] = PreviewedEffect(
                id_, "conflict", "it would no longer be owed, and what is queued would be withdrawn"
            )
    return Preview(
        [fact for fact in facts if fact.id not in have],
        [fact for fact in facts if fact.id in have],
        [effects[id_] for id_ in sorted(effects)],
        reached,
    )


def _verdict(obligation: str, content: bytes, delivery: Mapping[str, Any] | None) -> PreviewedEffect:
    if delivery is None:
        return PreviewedEffect(obligation, "new", "it would be queued")
    status = delivery["status"]
    if bytes(delivery["content"]) != content:
        return PreviewedEffect(obligation, "conflict", f"it is {status} with another content")
    if status == "accepted":
        return PreviewedEffect(obligation, "already-done", "it was accepted; nothing would be sent")
    if status in ("queued", "sending", "unknown"):
        return PreviewedEffect(obligation, "already-done", f"it is {status}; nothing more would be queued")
    return PreviewedEffect(obligation, "conflict", f"it is {status}; see `crossdock retry`")
