"""What a reader gathers while it goes through a message: one `Part` for each `Reading`, and the index's findings by
place.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from crossdock.crosswalk.numbers import message_key
from crossdock.edi.findings import Code, Finding, Place
from crossdock.edi.x12.envelope import Group, Index, Interchange, Transaction
from crossdock.facts import Fact
from crossdock.facts.interchange import MessageHeld
from crossdock.ledger.movement import Movement
from crossdock.ledger.snapshot import Snapshot
from crossdock.ports.translation import Identity, Message, Pending, Reading

TOLD_OF_FINDINGS = 3


class Part:
    """A reading in the making. count: transaction sets in it; at: when the document at hand happened, as far as
    order goes.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self.at = message.received_at
        self._start()

    def _start(self) -> None:
        self.count = 0
        self.facts: list[Fact] = []
        self.pending: list[Pending] = []
        self.findings: list[Finding] = []
        self.identities: list[Identity] = []
        self.names: list[tuple[str, str, str]] = []
        self.held = ""
        self.movements: list[Movement] = []
        self.snapshots: list[Snapshot] = []

    def done(self) -> Reading:
        """What has been gathered; the next part starts empty."""
        reading = Reading(
            facts=tuple(self.facts),
            pending=tuple(self.pending),
            findings=tuple(self.findings),
            identities=tuple(self.identities),
            names=tuple(self.names),
            held=self.held,
            movements=tuple(self.movements),
            snapshots=tuple(self.snapshots),
        )
        self._start()
        return reading

    def tell(self, key: str, data: Any, source_id: str, names: Iterable[tuple[str, str]] = ()) -> None:
        """A fact, and the (kind, value) by which people look for it."""
        message = self.message
        self.facts.append(
            Fact(
                key=key,
                data=data,
                source=message.channel,
                source_id=source_id,
                occurred_at=self.at,
                message=message.id,
            )
        )
        for kind, value in names:
            self.names.append((key, kind, value))

    def hold(self, key: str, cause: str, detail: str, partner: str = "", *, control: str = "", at: int = 0) -> None:
        """A part of the message that nobody can act on yet; `at` is its offset, which tells apart two of one number."""
        data = MessageHeld(channel=self.message.channel, cause=cause, detail=detail, partner=partner)
        self.tell(key, data, f"{key}@{at}:{cause}", (("control-number", control),) if control else ())
        self.held = self.held or cause

    def hold_transaction(self, place: Place, cause: str, detail: str, partner: str) -> None:
        """One transaction set that nobody can act on yet."""
        controls = (place.interchange, place.group, place.transaction)
        key = message_key(self.message.id, *controls)
        self.hold(key, cause, detail, partner, control="/".join(controls), at=place.offset)


TRAILERS = {
    Code.MISSING_INTERCHANGE_TRAILER: Interchange,
    Code.MISSING_GROUP_TRAILER: Group,
    Code.MISSING_TRANSACTION_TRAILER: Transaction,
}
"""What is said at the offset behind a part that breaks off, where the next one may begin."""


class Findings:
    """The index's findings, to be asked for by the part of the file that they are about."""

    def __init__(self, found: Index) -> None:
        within = [finding for finding in found.findings if finding.code not in TRAILERS]
        self._all = sorted(within, key=lambda finding: finding.place.offset)
        self._offsets = [finding.place.offset for finding in self._all]
        self._interchanges = found.interchanges
        self._ends: dict[tuple[type, int], list[Finding]] = {}
        for finding in found.findings:
            if finding.code in TRAILERS:
                self._ends.setdefault((TRAILERS[finding.code], finding.place.offset), []).append(finding)

    def outside(self) -> list[Finding]:
        """Those about no interchange."""
        if not self._all:
            return []
        return self._without(0, None, self._interchanges)

    def of_envelope(self, part: Interchange | Group) -> list[Finding]:
        """Those about the envelope of an interchange or group, and not about what is in it."""
        inner = part.groups if isinstance(part, Interchange) else part.transactions
        return [*(self._without(part.start, part.end, inner) if self._all else ()), *self._end(part)]

    def of_envelopes(self, interchange: Interchange) -> list[Finding]:
        """Those about the envelope of an interchange and of its groups."""
        found = self.of_envelope(interchange)
        for group in interchange.groups:
            found += self.of_envelope(group)
        return found

    def of(self, transaction: Transaction) -> list[Finding]:
        """Those about a transaction set."""
        return [*(self._between(transaction.start, transaction.end) if self._all else ()), *self._end(transaction)]

    def _end(self, part: Interchange | Group | Transaction) -> Sequence[Finding]:
        return self._ends.get((type(part), part.end), ()) if self._ends else ()

    def _between(self, start: int, end: int | None) -> list[Finding]:
        last = len(self._all) if end is None else bisect_left(self._offsets, end)
        return self._all[bisect_left(self._offsets, start) : last]

    def _without(
        self, start: int, end: int | None, inner: Iterable[Interchange] | Iterable[Group] | Iterable[Transaction]
    ) -> list[Finding]:
        kept: list[Finding] = []
        for each in inner:
            kept += self._between(start, each.start)
            start = each.end
        return kept + self._between(start, end)


def in_words(findings: Sequence[Finding]) -> str:
    """The first few findings as one line for a person."""
    said = [finding.message for finding in findings[:TOLD_OF_FINDINGS]]
    if len(findings) > TOLD_OF_FINDINGS:
        said.append(f"and {len(findings) - TOLD_OF_FINDINGS} more")
    return "; ".join(said)


def header_elements(header: bytes, separator: bytes, count: int) -> list[str]:
    """A header segment's name and `count` elements, blanks and stray line breaks taken off; empty ones where it is
    short.
    """
    text = header if separator in b"\r\n" else header.replace(b"\r", b"").replace(b"\n", b"")
    elements = [element.strip() for element in text.decode("latin-1").split(separator.decode("latin-1"))]
    return elements + [""] * (count + 1 - len(elements))
