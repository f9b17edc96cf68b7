"""Interpret: stored bytes into facts. What cannot be read is held with its findings and loses nothing.

Messages are read in batches and their facts recorded together; a message too big for one transaction is recorded in parts, each
safe to repeat, and marked as read with the last.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from crossdock.facts import Fact
from crossdock.facts.interchange import MessageHeld, MessageUnderstood
from crossdock.facts.order import AcknowledgementReceived
from crossdock.ports.log import Inbox, Marked, Sheaf
from crossdock.ports.translation import Identity, Message, Pending, Reader, Reading

PART_FACTS = 1000
"""Facts that are recorded at once; more than this of a single message go in parts."""

PART_MOVEMENTS = 5000
"""The same for movements of stock and lines of a snapshot."""

FINDINGS_KEPT = 200
"""Findings kept with a message; what comes after is counted in its note."""

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


def acknowledged(pending: Pending, found: Sequence[tuple[str, str, str]]) -> list[Fact]:
    """The facts that a 997 or TA1 tells of each obligation whose document it names. A transaction that is not spoken of alone shares its group's fate."""
    facts = []
    for key, obligation, transaction in found:
        status, errors = pending.transactions.get(transaction, (pending.status, pending.errors))
        facts.append(
            Fact(
                key=key,
                data=AcknowledgementReceived(obligation=obligation, status=status, errors=errors),
                source=pending.source,
                source_id=f"{pending.source_id}/{obligation}",
                occurred_at=pending.occurred_at,
                message=pending.message,
            )
        )
    return facts


def _held(message: Message, cause: str, detail: str) -> Fact:
    return Fact(
        key=f"MSG-{message.id}",
        data=MessageHeld(channel=message.channel, cause=cause, detail=detail),
        source="crossdock",
        source_id=f"{message.id}/{cause}",
        occurred_at=message.received_at,
        message=message.id,
    )


class _Batch:
    """What a sheaf of messages has told so far."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.names: list[tuple[str, str, str]] = []
        self.pending: list[Pending] = []
        self.identities: list[tuple[int, Identity]] = []
        self.marks: list[Marked] = []
        self.held: dict[str, int] = {}
        self.stock: list[Reading] = []
        self.movements = 0

    def tell(self, message: Message, facts: Sequence[Fact]) -> None:
        """Adds facts of `message`."""
        self.facts.extend(facts)
        for fact in facts:
            if isinstance(fact.data, MessageHeld):
                self.held[fact.key] = message.id


def _mark(message: Message, readings: Sequence[Reading], duplicate_bytes: int | None) -> Marked:
    findings = [finding for reading in readings for finding in reading.findings]
    notes = [f"same bytes as message {duplicate_bytes}"] if duplicate_bytes else []
    if len(findings) > FINDINGS_KEPT:
        notes.append(f"{len(findings) - FINDINGS_KEPT} more findings")
    held = next((reading.held for reading in readings if reading.held), "")
    return Marked(
        message=message.id,
        held=held,
        findings=_encode(findings[:FINDINGS_KEPT]) if findings else None,
        note="; ".join([held, *notes] if held else notes),
    )


async def _read(
    message: Message, reader: Reader | None, batch: _Batch, sheaf: Sheaf, duplicate: int | None, now: datetime
) -> None:
    readings: list[Reading] = []
    if reader is None:
        held = _held(message, "no-reader", f"the workspace declares no channel {message.channel} that receives")
        batch.tell(message, [held])
        readings.append(Reading(held="no-reader"))
    else:
        parts: Iterator[Reading] | None = None
        while True:
            try:
                parts = parts or reader.read(message)
                reading = next(parts, None)
            except Exception as defect:
                # A defect of ours must neither lose the message nor hold up the ones behind it.
                _log.exception("reading failed", message=message.id, channel=message.channel)
                batch.tell(message, [_held(message, "defect", f"reading it failed: {type(defect).__name__}")])
                readings.append(Reading(held="defect"))
                break
            if reading is None:
                break
            batch.tell(message, reading.facts)
            if reading.held and not any(isinstance(fact.data, MessageHeld) for fact in reading.facts):
                cause, _, detail = reading.held.partition(": ")
                batch.tell(message, [_held(message, cause, detail)])
            batch.names.extend(reading.names)
            batch.pending.extend(reading.pending)
            batch.identities.extend((message.id, identity) for identity in reading.identities)
            readings.append(Reading(findings=reading.findings, held=reading.held))
            if reading.tells_stock:
                batch.stock.append(reading)
                batch.movements += len(reading.movements) + sum(len(each.lines) for each in reading.snapshots)
                if batch.movements >= PART_MOVEMENTS:
                    await sheaf.keep_stock(batch.stock, now, apart=True)
                    batch.stock, batch.movements = [], 0
            if len(batch.facts) >= PART_FACTS:
                await sheaf.keep(batch.facts, batch.names, now)
                batch.facts, batch.names = [], []
    batch.marks.append(_mark(message, readings, duplicate))


def _understood(batch: _Batch, messages: Sequence[Message], before: Mapping[int, Sequence[str]], now: datetime) -> None:
    """Tells of every part of a message that was held when it was read before and is not any more; and makes what is held now findable by its message."""
    batch.names.extend((key, "message", str(message)) for key, message in batch.held.items())
    for message in messages:
        for key in before.get(message.id, ()):
            if key not in batch.held:
                data = MessageUnderstood(channel=message.channel)
                batch.facts.append(
                    Fact(
                        key=key,
                        data=data,
                        source="crossdock",
                        source_id=f"{key}/understood",
                        occurred_at=now,
                        message=message.id,
                    )
                )


async def interpret_once(inbox: Inbox, readers: Mapping[str, Reader], now: datetime, limit: int = 200) -> int:
    """Reads the oldest stored messages, at most `limit` of them; returns how many there were."""
    async with inbox.reading(limit) as sheaf:
        if not sheaf.messages:
            return 0
        batch = _Batch()
        duplicates = await sheaf.earlier_bytes()
        for message in sheaf.messages:
            await _read(message, readers.get(message.channel), batch, sheaf, duplicates.get(message.id), now)
        _understood(batch, sheaf.messages, await sheaf.held_before(), now)
        found = await sheaf.find([pending.control for pending in batch.pending])
        unmatched = []
        for pending, obligations in zip(batch.pending, found, strict=True):
            batch.facts.extend(acknowledged(pending, obligations))
            if not obligations:
                unmatched.append((pending.message, pending))
        marks = {mark.message: mark for mark in batch.marks}
        for met in await sheaf.meet(batch.identities):
            mark = marks[met.message]
            told = f"same {met.kind} as message {met.earlier}"
            if told not in mark.note:
                marks[met.message] = msgspec.structs.replace(mark, note=f"{mark.note}; {told}" if mark.note else told)
        if batch.stock:
            await sheaf.keep_stock(batch.stock, now)
        await sheaf.finish(batch.facts, batch.names, unmatched, list(marks.values()), now)
        return len(sheaf.messages)


async def match_once(inbox: Inbox, now: datetime, limit: int = 200) -> int:
    """Asks again for the documents of acknowledgements that came before we had written down what we sent; returns how many were found."""
    async with inbox.unmatched(limit) as sheaf:
        if not sheaf.pending:
            return 0
        found = await sheaf.find([pending.control for _, pending in sheaf.pending])
        facts = [
            fact
            for (_, pending), obligations in zip(sheaf.pending, found, strict=True)
            for fact in acknowledged(pending, obligations)
        ]
        matched = [
            (message, pending.source_id)
            for (message, pending), obligations in zip(sheaf.pending, found, strict=True)
            if obligations
        ]
        if matched:
            await sheaf.settle(facts, matched, now)
        return len(matched)
