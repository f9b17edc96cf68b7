"""Replay, previewed: what reading a message or telling a fact once more would do, before anything is done. Pure.

An effect of a replay is *new* (it would be queued), *already done* (its delivery was accepted, or is under way: nothing would happen), or in
*conflict* (it was done with another content, or has been refused, or is dead: a person should look first).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crossdock.facts import Fact
from crossdock.flow.fold import US, difference, effect_of, gather, standing
from crossdock.policy import Agreements
from crossdock.ports.log import Stored
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
