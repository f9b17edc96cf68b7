"""A received message until its sender has every acknowledgement that it is owed: a TA1 and one 997 per functional group, made when it was read.

Obligations are `{key}/997/{group control number}` and `{key}/ta1`, both us to the partner, due by the partner's clock. Troubles: rejected-transactions (one per group with
transactions that we rejected: the partner must send them again), message-held (with the hold's cause; it goes when the message is understood,
or somebody's edit stands in its place).
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.crosswalk.numbers import MESSAGE_PREFIXES
from crossdock.facts.fact import Fact
from crossdock.facts.interchange import InterchangeReceived, MessageHeld, MessageReplaced, MessageUnderstood
from crossdock.facts.order import DocumentSent, EffectRefused, EffectRetried
from crossdock.policy.agreement import Agreement
from crossdock.process.agreed import Agreed
from crossdock.process.obligation import Effect, Name, Obligation, Standing, Status, Trouble
from crossdock.process.overdue import overdue
from crossdock.trade.documents import PreparedSegments

PREFIXES = MESSAGE_PREFIXES
"""How the keys of messages begin."""


class Group(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A functional group; the fields of `facts.interchange.ReceivedGroup`."""

    functional_id: str
    control_number: str
    status: str
    acknowledgement: tuple[tuple[str, ...], ...]
    rejected: tuple[str, ...]


class Received(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The interchange as read."""

    at: datetime
    fact: str
    channel: str
    partner: str
    sender: str
    receiver: str
    control_number: str
    workspace_version: int
    groups: tuple[Group, ...]
    ta1: tuple[str, ...]


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something said of an obligation or of the message: `code` and `text` in words; round: of which making of the effect, 0 where nobody said."""

    at: datetime
    fact: str
    code: str = ""
    text: str = ""
    round: int = 0


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of one message. read: the first reading. held, understood: the last of each. sent, refused, retried: the last, by obligation without the key."""

    key: str
    read: Received | None = None
    held: Said | None = None
    understood: Said | None = None
    sent: dict[str, Said] = {}
    refused: dict[str, Said] = {}
    retried: dict[str, Said] = {}


def _later(known: Said | None, at: datetime, fact: str) -> bool:
    return known is None or (at, fact) > (known.at, known.fact)


def _received(d: InterchangeReceived, at: datetime, fact: str) -> Received:
    groups = tuple(
        [Group(g.functional_id, g.control_number, g.status, g.acknowledgement, g.rejected) for g in d.groups]
    )
    return Received(
        at, fact, d.channel, d.partner, d.sender, d.receiver, d.control_number, d.workspace_version, groups, d.ta1
    )


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new."""
    d, at, name = fact.data, fact.occurred_at, fact.id
    if isinstance(d, InterchangeReceived):
        known = state.read
        return (
            replace(state, read=_received(d, at, name))
            if known is None or (at, name) < (known.at, known.fact)
            else state
        )
    if isinstance(d, MessageHeld):
        return replace(state, held=Said(at, name, d.cause, d.detail)) if _later(state.held, at, name) else state
    if isinstance(d, MessageUnderstood):
        return replace(state, understood=Said(at, name)) if _later(state.understood, at, name) else state
    if isinstance(d, MessageReplaced):
        # What stands in its place has troubles of its own.
        told = Said(at, name, f"message {d.by}", d.reason)
        return replace(state, understood=told) if _later(state.understood, at, name) else state
    if isinstance(d, DocumentSent):
        return _with(state, "sent", d.obligation, Said(at, name, d.number))
    if isinstance(d, EffectRefused):
        return _with(state, "refused", d.obligation, Said(at, name, d.code, d.reason, d.round))
    if isinstance(d, EffectRetried):
        return _with(state, "retried", d.obligation, Said(at, name, d.who, "", d.round))
    return state


def _with(state: State, field: str, obligation: str, said: Said) -> State:
    what = obligation.removeprefix(state.key + "/")
    known: dict[str, Said] = getattr(state, field)
    was = known.get(what)
    if was is not None and (was.round, was.at, was.fact) >= (said.round, said.at, said.fact):
        return state
    return replace(state, **{field: {**known, what: said}})


def _owed(state: State, read: Received) -> list[tuple[str, str, tuple[tuple[str, ...], ...]]]:
    """(obligation without key, subject, segments) of each acknowledgement. Doubled group numbers are told apart by their place."""
    found: list[tuple[str, str, tuple[tuple[str, ...], ...]]] = []
    if read.ta1:
        found.append(("ta1", read.control_number, (read.ta1,)))
    seen: set[str] = set()
    for place, group in enumerate(read.groups, 1):
        if group.acknowledgement:
            subject = group.control_number if group.control_number not in seen else f"{group.control_number}.{place}"
            seen.add(group.control_number)
            found.append((f"997/{subject}", subject, group.acknowledgement))
    return found


def derive(state: State, agreement: Agreement | None, now: datetime) -> Standing:
    """Milestones: waiting (nothing was read yet), held, read (acknowledgements are open), complete."""
    key, read = state.key, state.read
    obligations: list[Obligation] = []
    troubles: list[Trouble] = []
    names: list[Name] = []
    wake_at: datetime | None = None
    held = state.held is not None and (
        state.understood is None or (state.understood.at, state.understood.fact) < (state.held.at, state.held.fact)
    )
    if held and state.held is not None:
        detail = state.held.text or state.held.code
        troubles.append(
            Trouble(
                f"{key}/message-held",
                "message-held",
                f"{state.held.code}: {detail}",
                "mend the message or the workspace, and have it read again",
            )
        )
    if read is not None:
        names.append(Name("control-number", read.control_number))
        if read.partner:
            names.append(Name("customer", read.partner))
        due = None
        if agreement is not None and (hours := agreement.clocks.functional_ack_from_us_hours) is not None:
            due = read.at + timedelta(hours=hours)
        for what, subject, _ in _owed(state, read):
            obligations.append(_obligation(state, read, what, subject, due))
        for o in obligations:
            if o.status is Status.REFUSED:
                refusal = state.refused[o.id[len(key) + 1 :]]
                detail = f"{o.id[len(key) + 1 :]}: {f'{refusal.code} {refusal.text}'.strip()}"
                troubles.append(
                    Trouble(
                        f"{key}/refused-by-partner/{o.subject}",
                        "refused-by-partner",
                        detail,
                        "mend the cause and retry",
                        o.subject,
                        (o.id,),
                    )
                )
            elif due is not None and due > now and o.status is Status.READY:
                wake_at = due
        for place, group in enumerate(read.groups, 1):
            if group.rejected:
                detail = f"group {group.functional_id} {group.control_number}: {'; '.join(group.rejected)}"
                doubled = any(g.control_number == group.control_number for g in read.groups[: place - 1])
                subject = f"{group.control_number}.{place}" if doubled else group.control_number
                troubles.append(
                    Trouble(
                        f"{key}/rejected-transactions/{subject}",
                        "rejected-transactions",
                        detail,
                        "ask the sender to send them again, mended",
                        subject,
                    )
                )
        troubles.extend(overdue(key, obligations, now))
    milestone = "held" if held else "waiting" if read is None else "read"
    if milestone == "read" and all(o.status is Status.MET for o in obligations):
        milestone = "complete"
    summary: dict[str, Any] = {}
    if read is not None:
        summary = {
            "customer": read.partner,
            "channel": read.channel,
            "control_number": read.control_number,
            "groups": len(read.groups),
        }
    return Standing(milestone, tuple(obligations), tuple(troubles), tuple(names), wake_at, summary)


def _taken_back(refused: Said, retried: Said | None) -> bool:
    """Whether somebody had tried again what was refused: by the rounds, which are certain, where both tell one; else by their moments."""
    if retried is None:
        return False
    if retried.round and refused.round:
        return retried.round >= refused.round
    return (retried.at, retried.fact) > (refused.at, refused.fact)


def _obligation(state: State, read: Received, what: str, subject: str, due: datetime | None) -> Obligation:
    kind = "interchange-acknowledgement" if what == "ta1" else "functional-acknowledgement"
    sent, refused, retried = state.sent.get(what), state.refused.get(what), state.retried.get(what)
    status = Status.READY
    evidence: tuple[str, ...] = ()
    if sent is not None:
        status, evidence = Status.MET, (sent.fact,)
    elif refused is not None and not _taken_back(refused, retried):
        status, evidence = Status.REFUSED, (refused.fact,)
    return Obligation(
        f"{state.key}/{what}", kind, "us", read.partner or read.sender, status, due, (), evidence, subject
    )


def effect(state: State, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect:
    """The acknowledgement, to go back by the channel that the message came by. Raises KeyError when it is not owed."""
    if state.read is not None:
        for what, subject, segments in _owed(state, state.read):
            if f"{state.key}/{what}" == obligation.id:
                kind = "interchange-acknowledgement" if what == "ta1" else "functional-acknowledgement"
                content = PreparedSegments(transaction_set="TA1" if what == "ta1" else "997", segments=segments)
                return Effect(
                    obligation=obligation.id,
                    system=state.read.channel,
                    document=kind,
                    content=content,
                    partner=state.read.partner,
                    ordering_key=state.key,
                    number=subject,
                )
    raise KeyError(obligation.id)


def agreement_of(state: State) -> tuple[str, int] | None:
    """None as long as the sender is not known."""
    read = state.read
    return (read.partner, read.workspace_version) if read is not None and read.partner else None


PROCESS = Agreed("interchange", State, evolve, agreement_of, derive, effect)
