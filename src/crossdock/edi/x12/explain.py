"""An X12 file in words, with its findings, for people: `crossdock edi inspect` and `crossdock edi validate`.

Nothing is raised for what a file holds. `inspect` gives values, `render` makes a page of text of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12 import overlay
from crossdock.edi.x12.compiled import examine
from crossdock.edi.x12.document import read
from crossdock.edi.x12.envelope import Group, Interchange, Transaction
from crossdock.edi.x12.guide import Guide, Segment, load
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments
from crossdock.edi.x12.stream import Readable, stream
from crossdock.edi.x12.summaries import summary
from crossdock.trade.documents import Document

Guides = Callable[[str, str], Guide | None]
"""From transaction set and GS08 to a guide, with a partner's overlay if that is wanted."""

_USAGE = {"P": "production", "T": "test", "I": "information"}
MOST_LINES = 4_000


class TransactionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction set: what it is, a summary for people, its findings, and its segments in words if they were asked for.

    document is what was read; None where there is no guide.
    """

    set_id: str
    name: str
    control_number: str
    segment_count: int
    document: Document | None = None
    summary: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class GroupReport(msgspec.Struct, frozen=True, kw_only=True):
    functional_id: str
    sender: str
    receiver: str
    control_number: str
    version: str
    transactions: tuple[TransactionReport, ...]


class InterchangeReport(msgspec.Struct, frozen=True, kw_only=True):
    sender: str
    receiver: str
    control_number: str
    version: str
    usage: str
    date: str
    time: str
    acknowledgements: tuple[tuple[str, ...], ...]
    groups: tuple[GroupReport, ...]


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file. findings are all that was found, of envelopes and content, in the order of their places."""

    length: int
    interchanges: tuple[InterchangeReport, ...]
    findings: tuple[Finding, ...]


def with_overlays(overlays: Mapping[str, dict[str, Any]] | None) -> Guides:
    """Guides with a partner's overlays, by transaction set. Raises OverlayError when one does not fit its guide."""
    made: dict[tuple[str, str], Guide | None] = {}

    def guide_for(set_id: str, version: str) -> Guide | None:
        key = (set_id, version)
        if key not in made:
            guide = load(set_id, version)
            told = (overlays or {}).get(set_id)
            made[key] = overlay.apply(guide, told) if guide is not None and told else guide
        return made[key]

    return guide_for


def validate(data: bytes, overlays: Mapping[str, dict[str, Any]] | None = None) -> list[Finding]:
    """All findings of a file, of its envelopes and of its transaction sets, in the order of their places."""
    guides = with_overlays(overlays)
    found = index(data)
    told = list(found.findings)
    for interchange in found.interchanges:
        for group in interchange.groups:
            for transaction in group.transactions:
                told += _judged(data, interchange, group, transaction, guides)
    return sorted(told, key=lambda each: each.place.offset)


def validate_file(file: Readable, overlays: Mapping[str, dict[str, Any]] | None = None) -> Iterator[list[Finding]]:
    """The findings of a file, portion by portion, each in the order of their places; memory does not grow with the file."""
    guides = with_overlays(overlays)
    for portion in stream(file):
        told = list(portion.findings)
        for interchange in portion.interchanges:
            for group in interchange.groups:
                for transaction in group.transactions:
                    told += _judged(portion.data, interchange, group, transaction, guides, portion.base)
        yield sorted(told, key=lambda each: each.place.offset)


def inspect(data: bytes, guides: Guides = load, *, with_segments: bool = False) -> FileReport:
    """A file explained. guides: `load`, or `with_overlays` of a partner; with_segments: each segment in words as well."""
    found = index(data)
    told = list(found.findings)
    interchanges = []
    for interchange in found.interchanges:
        groups = []
        for group in interchange.groups:
            transactions = []
            for transaction in group.transactions:
                findings = _judged(data, interchange, group, transaction, guides)
                told += findings
                report = _transaction(data, interchange, transaction, guides, with_segments, findings)
                transactions.append(report)
            groups.append(
                GroupReport(
                    functional_id=group.functional_id,
                    sender=group.sender,
                    receiver=group.receiver,
                    control_number=group.control_number,
                    version=group.version,
                    transactions=tuple(transactions),
                )
            )
        interchanges.append(_interchange(interchange, tuple(groups)))
    told.sort(key=lambda each: each.place.offset)
    return FileReport(length=len(data), interchanges=tuple(interchanges), findings=tuple(told))


def _judged(
    data: bytes, interchange: Interchange, group: Group, transaction: Transaction, guides: Guides, base: int = 0
) -> list[Finding]:
    place = Place(
        offset=transaction.start,
        interchange=interchange.control_number,
        group=group.control_number,
        transaction=transaction.control_number,
        transaction_set=transaction.set_id,
    )
    guide = guides(transaction.set_id, transaction.version)
    if guide is None:
        message = f"there is no guide for transaction set {transaction.set_id}: its content was not judged"
        return [find(Code.NO_GUIDE, message, place, found=transaction.set_id)]
    return examine(data, transaction, guide, interchange.delimiters, place, base)


def _transaction(
    data: bytes,
    interchange: Interchange,
    transaction: Transaction,
    guides: Guides,
    with_segments: bool,
    findings: Sequence[Finding],
) -> TransactionReport:
    guide = guides(transaction.set_id, transaction.version)
    document, lines, content = None, [], []
    if guide is not None or with_segments:
        parts = segments(data, transaction, interchange.delimiters)
        if guide is not None:
            document, _ = read(parts, guide)
            lines = summary(document)
        if with_segments:
            content = [in_words(values, guide) for values in parts[:MOST_LINES]]
    return TransactionReport(
        set_id=transaction.set_id,
        name=guide.name if guide else "no guide",
        control_number=transaction.control_number,
        segment_count=transaction.segment_count,
        document=document,
        summary=tuple(lines),
        segments=tuple(content),
        findings=tuple(findings),
    )


def _interchange(interchange: Interchange, groups: tuple[GroupReport, ...]) -> InterchangeReport:
    return InterchangeReport(
        sender=f"{interchange.sender_qualifier}:{interchange.sender}",
        receiver=f"{interchange.receiver_qualifier}:{interchange.receiver}",
        control_number=interchange.control_number,
        version=interchange.version,
        usage=_USAGE.get(interchange.usage, interchange.usage),
        date=interchange.date,
        time=interchange.time,
        acknowledgements=interchange.acknowledgements,
        groups=groups,
    )


def in_words(values: Sequence[str], guide: Guide | None) -> str:
    """One segment in words: "PO1 order line: line 1, quantity ordered 12, unit EA, gtin-12 012345678905"."""
    definition = _definition(values[0], guide)
    if definition is None or definition.elements is None:
        return f"{values[0]}: {', '.join(filter(None, values[1:]))}"
    told = []
    qualified = ""
    for number, text in enumerate(values[1:], 1):
        element = definition.elements[number - 1] if number <= len(definition.elements) else None
        if element is None or element.open:
            told += [text] if text else []
        elif element.vocabulary == "item" or (element.vocabulary == "reference" and number < len(values) - 1):
            qualified = element.words.get(text, text)
        elif text:
            word = element.words.get(text) or _case(definition, number, text) or text
            told.append(f"{qualified or element.name} {word if word not in ('true', 'false') else text}")
            qualified = ""
    return f"{values[0]} {definition.name}: {', '.join(told)}"


def _definition(name: str, guide: Guide | None) -> Segment | None:
    if guide is None:
        return None
    by_name: dict[str, Segment] = guide.__dict__.setdefault("_by_name", {})
    if not by_name:
        for segment in guide.segments.values():
            if segment.id not in by_name or (segment.rules and not by_name[segment.id].rules):
                by_name[segment.id] = segment
    return by_name.get(name)


def _case(segment: Segment, number: int, text: str) -> str:
    """What a qualifier means where the guide tells it by the field that it fills: DTM 010 is "requested ship"."""
    for rule in segment.rules:
        if rule.by == number and text in rule.cases:
            return rule.cases[text].rstrip("?").replace("_", " ")
    return ""


def render(report: FileReport) -> str:
    """A report as text, indented by level."""
    lines: list[str] = []
    for each in report.interchanges:
        lines.append(
            f"Interchange {each.control_number} from {each.sender} to {each.receiver}, "
            f"{each.date} {each.time}, version {each.version}, {each.usage}"
        )
        lines += [f"  TA1 for interchange {told[1]}: {' '.join(told[2:])}" for told in each.acknowledgements]
        for group in each.groups:
            lines.append(
                f"  Group {group.control_number} ({group.functional_id}) from {group.sender} to {group.receiver}, "
                f"version {group.version}"
            )
            for transaction in group.transactions:
                lines += _rendered(transaction)
    errors = [finding for finding in report.findings if finding.severity == "error"]
    counted = f"{len(report.findings)} findings, {len(errors)} of them errors" if report.findings else "No findings"
    lines.append(f"{report.length} bytes, {len(report.interchanges)} interchanges. {counted}.")
    lines += told_findings(report.findings)
    return "\n".join(lines) + "\n"


def _rendered(transaction: TransactionReport) -> list[str]:
    head = f"    {transaction.set_id} {transaction.name} {transaction.control_number}, {transaction.segment_count} segments"
    lines = [head, *(f"      {line}" for line in transaction.summary)]
    lines += [f"      | {line}" for line in transaction.segments]
    return lines


def told_findings(findings: Iterable[Finding]) -> list[str]:
    """Findings as lines: severity, code, where, and what."""
    lines = []
    for each in findings:
        place = each.place
        where = " ".join(
            part
            for part in (
                f"interchange {place.interchange}" if place.interchange else "",
                f"{place.transaction_set} {place.transaction}" if place.transaction else "",
                f"byte {place.offset}",
            )
            if part
        )
        lines.append(f"  {each.severity} {each.code} at {where}: {each.message}")
    return lines
