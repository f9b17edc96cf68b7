"""Settle: what became of a transmission, as a fact for the log and a verdict for the delivery. Pure.

The verdict is one of a small closed set: accepted, refused, queued (again, later), unknown (to be looked up), dead.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from crossdock.facts import Fact
from crossdock.facts.order import DocumentSent, EffectRefused
from crossdock.ports.log import Attempt, Claimed, Settled
from crossdock.ports.outbound import Accepted, Later, Outcome, Pace, Refused, Unknown
from crossdock.ports.translation import Writer

_encode = msgspec.json.Encoder().encode


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What is to be written of one transmission's deliveries."""

    settled: Sequence[Settled]
    attempts: Sequence[Attempt]
    facts: Sequence[Fact]


def _told_as(claimed: Claimed, message: int, how: str = "") -> str:
    """The id of the fact. Named by the round too, where a person had it done again: a request keeps its name, and so its message, and is told once more."""
    again = f"/{claimed.delivery.round}" if claimed.delivery.round else ""
    return f"{claimed.delivery.id}/{how}{message}{again}"


def _accepted(claimed: Claimed, message: int, control: str, outcome: Accepted, writer: Writer, now: datetime) -> Fact:
    delivery = claimed.delivery
    data = writer.settle(delivery, control, outcome.answer)
    if isinstance(data, DocumentSent):
        data = msgspec.structs.replace(data, number=delivery.number or data.number, told=delivery.told)
    return Fact(
        key=delivery.key,
        data=data,
        source=delivery.system,
        source_id=_told_as(claimed, message),
        occurred_at=now,
        message=message,
    )


def _refused(claimed: Claimed, message: int, outcome: Refused, now: datetime) -> Fact:
    delivery = claimed.delivery
    data = EffectRefused(obligation=delivery.id, code=outcome.code, reason=outcome.reason, round=delivery.round + 1)
    return Fact(
        key=delivery.key,
        data=data,
        source=delivery.system,
        source_id=_told_as(claimed, message, "refused/"),
        occurred_at=now,
        message=message,
    )


def _settled(
    claimed: Claimed, status: str, outcome: str, due_at: datetime | None = None, uncertain: bool = False
) -> Settled:
    made = claimed.delivery
    return Settled(
        claimed.lane, made.id, made.key, made.system, status, outcome, due_at, made.attempt, made.round, uncertain
    )


def settle(
    kind: str,
    claimed: Sequence[Claimed],
    message: int,
    control: dict[str, str],
    outcome: Outcome,
    retry_seconds: float | None,
    writer: Writer,
    pace: Pace,
    started_at: datetime,
    now: datetime,
) -> Settlement:
    """What `outcome` of sending (or looking up) `message` means for the deliveries in it. `retry_seconds`: when it may be tried again, None for never."""
    settled: list[Settled] = []
    attempts: list[Attempt] = []
    facts: list[Fact] = []
    answer = _encode(outcome.heard) if outcome.heard is not None else None
    due_at = now + timedelta(seconds=retry_seconds) if retry_seconds is not None else None
    for one in claimed:
        verdict: Outcome = outcome
        if isinstance(verdict, Accepted):
            try:
                facts.append(_accepted(one, message, control.get(one.delivery.id, one.control), verdict, writer, now))
            except Exception as lacking:  # whatever an answer brings out in a writer: what was done must not be lost
                verdict = Unknown(f"it was accepted, but the answer is of no use: {lacking}", verdict.status)
        match verdict:
            case Accepted(status=status):
                reason = ""
                settled.append(_settled(one, "accepted", status))
            case Refused(reason=reason, status=status):
                facts.append(_refused(one, message, verdict, now))
                settled.append(_settled(one, "refused", reason))
            case Later(reason=reason, status=status):
                settled.append(
                    _settled(one, "queued", reason, due_at)
                    if due_at
                    else _settled(one, "dead", f"{reason}, after {one.delivery.attempt} attempts")
                )
            case Unknown(reason=reason, status=status):
                if due_at:
                    settled.append(_settled(one, "unknown", reason, due_at))
                else:
                    settled.append(_settled(one, "dead", f"nobody knows whether it was done: {reason}", None, True))
        attempts.append(
            Attempt(
                one.lane,
                one.delivery.id,
                one.delivery.attempt,
                kind,
                message,
                started_at,
                now,
                type(verdict).__name__.lower(),
                status,
                reason,
                answer,
            )
        )
    return Settlement(settled, attempts, facts)
