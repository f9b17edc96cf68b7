"""The answers that say whether what came could be read: a 997 for each functional group, a TA1 for an interchange.

Both are built from the same findings that people see: an error rejects what it is about, a warning accepts it with a
word. Acknowledgements are never acknowledged. Codes: X12 data elements 715 to 720, 723, I17 and I18.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from crossdock.edi.findings import Code, Finding, Level, Severity
from crossdock.edi.x12.envelope import Group, Interchange, Transaction
from crossdock.edi.x12.writer import TransactionDraft

ACKNOWLEDGEMENTS = frozenset({"997", "999", "CONTRL"})
MOST_CODES = 5
LONGEST_COPY = 99
_ENVELOPE_LEVELS = frozenset({Level.INTERCHANGE, Level.FILE})


class Verdict(msgspec.Struct, frozen=True):
    """What a 997 says of one transaction set. status: A accepted, E accepted with errors noted, R rejected."""

    transaction: Transaction
    status: str
    codes: tuple[str, ...] = ()


class GroupVerdict(msgspec.Struct, frozen=True):
    """What a 997 says of a group. status: A, E, P (some transaction sets rejected) or R.

    included is the count that GE01 claims; received how many were there; accepted how many were not rejected.
    """

    group: Group
    status: str
    transactions: tuple[Verdict, ...]
    included: int
    received: int
    accepted: int
    codes: tuple[str, ...] = ()


def judge(group: Group, findings: Iterable[Finding]) -> GroupVerdict:
    """Accept or reject a group and each transaction set in it, by the findings that lie within the group."""
    return _judge(group, _Findings(findings, group))


def _judge(group: Group, found: "_Findings") -> GroupVerdict:
    inside = found.inside
    if not inside:  # as it nearly always is
        count = len(group.transactions)
        all_good = tuple([Verdict(transaction, "A", ()) for transaction in group.transactions])
        return GroupVerdict(group, "A", all_good, group.transaction_count, count, count, ())
    verdicts = []
    taken: set[int] = set()
    for transaction in group.transactions:
        mine = found.about(transaction)
        taken.update(mine)
        verdicts.append(_judge_transaction(transaction, [inside[number] for number in mine]))
    own = [finding for number, finding in enumerate(inside) if number not in taken]
    codes = _codes(finding.code.ak905 for finding in own)
    accepted = sum(1 for verdict in verdicts if verdict.status != "R")
    included = next(
        (int(f.found) for f in own if f.code is Code.TRANSACTION_COUNT_MISMATCH and f.found.isdecimal()),
        group.transaction_count,
    )
    if any(finding.severity is Severity.ERROR and finding.code.ak905 for finding in own):
        status, accepted = "R", 0
    elif accepted < len(verdicts):
        status = "P" if accepted else "R"
    elif codes or any(verdict.status == "E" for verdict in verdicts):
        status = "E"
    else:
        status = "A"
    return GroupVerdict(group, status, tuple(verdicts), included, len(verdicts), accepted, codes)


def acknowledge_group(group: Group, findings: Sequence[Finding], control_number: str) -> TransactionDraft | None:
    """The 997 for one group, to be sent in a group of functional id FA; None for a group of acknowledgements.

    findings: those of the index and of the guides, with places in the file.
    """
    if group.functional_id == "FA" or any(each.set_id in ACKNOWLEDGEMENTS for each in group.transactions):
        return None
    found = _Findings(findings, group)
    verdict = _judge(group, found)
    segments: list[list[str | list[str]]] = [["AK1", group.functional_id, group.control_number]]
    for each in verdict.transactions:
        segments.append(["AK2", each.transaction.set_id, each.transaction.control_number])
        if found.inside:
            segments += _details([found.inside[number] for number in found.about(each.transaction)])
        segments.append(["AK5", each.status, *each.codes])
    counts = [str(verdict.included), str(verdict.received), str(verdict.accepted)]
    segments.append(["AK9", verdict.status, *counts, *verdict.codes])
    return TransactionDraft("997", control_number, segments)


def acknowledge_interchange(
    interchange: Interchange, findings: Sequence[Finding], first_control_number: int = 1
) -> tuple[TransactionDraft, ...]:
    """One 997 for each functional group that is no acknowledgement, numbered upwards from `first_control_number`."""
    drafts: list[TransactionDraft] = []
    for group in interchange.groups:
        draft = acknowledge_group(group, findings, f"{first_control_number + len(drafts):04d}")
        if draft is not None:
            drafts.append(draft)
    return tuple(drafts)


def technical_acknowledgement(interchange: Interchange, findings: Sequence[Finding]) -> list[str] | None:
    """The TA1 segment for an interchange; None where it holds nothing but TA1s itself.

    Whether one is wanted is the partner's agreement or ISA14. The worst finding gives the code, 000 says there is none.
    """
    if interchange.acknowledgements and not interchange.groups:
        return None
    about = [
        finding
        for finding in findings
        if interchange.start <= finding.place.offset <= interchange.end
        and finding.code.ta105
        and finding.severity is not Severity.NOTE
        and (finding.code.level in _ENVELOPE_LEVELS or finding.severity is Severity.ERROR)
    ]
    worst = min(
        about,
        key=lambda finding: (finding.severity is not Severity.ERROR, finding.code.level not in _ENVELOPE_LEVELS),
        default=None,
    )
    if worst is None:
        status, code = "A", "000"
    else:
        status, code = ("R" if worst.severity is Severity.ERROR else "E"), worst.code.ta105 or "024"
    return ["TA1", interchange.control_number, interchange.date, interchange.time, status, code]


def _judge_transaction(transaction: Transaction, findings: list[Finding]) -> Verdict:
    worth = [finding for finding in findings if finding.severity is not Severity.NOTE and finding.code.ak502]
    codes = _codes(finding.code.ak502 for finding in worth)
    if any(finding.severity is Severity.ERROR for finding in worth):
        return Verdict(transaction, "R", codes)
    return Verdict(transaction, "E" if codes else "A", codes)


def _details(findings: list[Finding]) -> list[list[str | list[str]]]:
    """AK3 for each segment in error, in the order of the file, with an AK4 for each of its elements in error."""
    by_segment: dict[tuple[int, str, str], list[Finding]] = {}
    for finding in findings:
        code = finding.code.ak304
        if code is not None and finding.severity is not Severity.NOTE and finding.place.segment_position:
            place = finding.place
            by_segment.setdefault((place.segment_position, code, place.segment), []).append(finding)
    found: list[list[str | list[str]]] = []
    for (position, code, segment), about in sorted(by_segment.items(), key=lambda item: item[0][:2]):
        found.append(["AK3", segment[:3], str(position), _printable(about[0].place.loop, 6), code])
        for finding in about:
            place, error = finding.place, finding.code.ak403
            if error is None or not place.element:
                continue
            where: str | list[str] = (
                [str(place.element), str(place.component)] if place.component else str(place.element)
            )
            found.append(["AK4", where, place.data_element, error, _printable(finding.found, LONGEST_COPY)])
    return found


class _Findings:
    """The findings within a group, to be asked for by transaction set: a file full of errors is not searched once a set."""

    def __init__(self, findings: Iterable[Finding], group: Group) -> None:
        self.inside = [finding for finding in findings if group.start <= finding.place.offset <= group.end]
        self._order = sorted(range(len(self.inside)), key=lambda number: self.inside[number].place.offset)
        self._offsets = [self.inside[number].place.offset for number in self._order]

    def about(self, transaction: Transaction) -> list[int]:
        """Which of `inside` lie in a transaction set, in their order; the offset right behind one that breaks off still counts as its end."""
        if not self._offsets:
            return []
        first, end = bisect_left(self._offsets, transaction.start), bisect_left(self._offsets, transaction.end)
        behind = self._order[end : bisect_right(self._offsets, transaction.end)]
        lost = [number for number in behind if self.inside[number].code is Code.MISSING_TRANSACTION_TRAILER]
        return sorted(self._order[first:end] + lost)


def _codes(codes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for code in codes if code))[:MOST_CODES]


def _printable(value: str, longest: int) -> str:
    """A copy of bad data that is safe to send: nothing but letters, digits, blanks and marks that separate nowhere."""
    kept = "".join(each for each in value if each.isascii() and (each.isalnum() or each in " .,-/_#&()"))
    return kept[:longest].strip()
