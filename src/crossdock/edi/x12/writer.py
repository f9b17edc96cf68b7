"""Writing X12: with a partner's delimiters, a padded ISA, computed counts, and no character that would break the syntax.

Data that cannot be written as it is (a delimiter or a control character in it, a header value that is too long) is a
finding: by the declared policy the interchange is refused, or the character replaced and said so. Never raises on data.
"""

import enum
from collections.abc import Iterable, Sequence

import msgspec

from crossdock.edi.findings import Code, Finding, Place, Severity, find
from crossdock.edi.x12.delimiters import NO_COMPONENT, WIDTHS, Delimiters

Element = str | Sequence[str]
"""Plain text, or the components of a composite."""
Segment = Sequence[Element]
"""The segment's name, then its elements."""

USUAL = Delimiters(b"*", b">", b"~", None, b"\n")

ISA_ELEMENTS = sum(WIDTHS) + len(WIDTHS) - 1
ISA_REPETITION = sum(WIDTHS[:10]) + 10
"""Characters of an ISA behind its name, and where among them ISA11 stands."""

WHOLE = (9, 10, 12, 13)
"""Elements of ISA that are not padded: date, time, version, number."""


class Collision(enum.StrEnum):
    """What happens to data that holds a delimiter or a control character."""

    REFUSE = "refuse"
    REPLACE = "replace"


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """How a partner wants it written.

    replacement: what takes the place of a forbidden character under `replace`; it must itself be allowed.
    controls: control characters may stand in data. whole_elements: elements come as they were read with these same
    delimiters, so that component and repetition separators in them are meant. encoding: of the file's text.
    """

    delimiters: Delimiters = USUAL
    collision: Collision = Collision.REFUSE
    replacement: str = " "
    controls: bool = False
    whole_elements: bool = False
    encoding: str = "utf-8"


class InterchangeHeader(msgspec.Struct, frozen=True, kw_only=True):
    """ISA. date YYMMDD, time HHMM; version such as 00401; usage P, T or I."""

    sender_qualifier: str
    sender: str
    receiver_qualifier: str
    receiver: str
    date: str
    time: str
    control_number: int
    version: str = "00401"
    ack_requested: bool = False
    usage: str = "P"
    authorization_qualifier: str = "00"
    authorization: str = ""
    security_qualifier: str = "00"
    security: str = ""


class GroupHeader(msgspec.Struct, frozen=True, kw_only=True):
    """GS. date CCYYMMDD, time HHMM; version such as 004010."""

    functional_id: str
    sender: str
    receiver: str
    date: str
    time: str
    control_number: int
    version: str = "004010"
    agency: str = "X"


class TransactionDraft(msgspec.Struct, frozen=True):
    """A transaction set to be written: `segments` are those between ST and SE, which are computed."""

    set_id: str
    control_number: str
    segments: Sequence[Segment]
    implementation: str = ""


class GroupDraft(msgspec.Struct, frozen=True):
    """A group to be written."""

    header: GroupHeader
    transactions: Sequence[TransactionDraft]


class Written(msgspec.Struct, frozen=True):
    """What was written, and what was odd about it. data is empty where a finding refuses it."""

    data: bytes
    findings: tuple[Finding, ...] = ()

    @property
    def refused(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def write_interchange(
    header: InterchangeHeader, groups: Sequence[GroupDraft], style: Style, services: Sequence[Segment] = ()
) -> Written:
    """Write one interchange. services: segments outside of groups, such as TA1. IEA01 counts groups only."""
    pen = _Pen(style)
    pen.header(header)
    pen.write(services, Place(interchange=f"{header.control_number:09d}"))
    for group in groups:
        pen.group(group, f"{header.control_number:09d}")
    pen.write([["IEA", str(len(groups)), f"{header.control_number:09d}"]], Place(segment="IEA"))
    return pen.written()


def write_segments(segments: Iterable[Segment], style: Style) -> Written:
    """Write segments as they come, without any envelope."""
    pen = _Pen(style)
    pen.write(list(segments), Place())
    return pen.written()


class _Pen:
    """Writes to one interchange: the parts so far, and the findings about them."""

    def __init__(self, style: Style) -> None:
        self._style = style
        delimiters = style.delimiters
        self._element, self._component, self._segment = (
            each.decode(style.encoding, "replace")
            for each in (delimiters.element, delimiters.component, delimiters.segment)
        )
        self._ending = self._segment + delimiters.line_break.decode(style.encoding)
        repetition = (delimiters.repetition or b"").decode(style.encoding, "replace")
        inner = set() if style.whole_elements else {self._component, repetition}
        self._forbidden = ({self._element, self._segment} | inner) - {""}
        self._single = all(len(each) == 1 for each in self._forbidden)
        self._inner = tuple(sorted(self._forbidden - {self._element}))
        self._parts: list[str] = []
        self._findings: list[Finding] = []

    def written(self) -> Written:
        findings = tuple(self._findings)
        text = "".join(self._parts)
        try:
            data = text.encode(self._style.encoding)
        except UnicodeEncodeError as error:
            told = text[error.start : error.start + 1]
            message = f"Character {told!r} cannot be written in {self._style.encoding}"
            return Written(b"", (*findings, find(Code.BAD_CHARACTER, message, Place(), found=told)))
        written = Written(data, findings)
        return Written(b"", findings) if written.refused else written

    def header(self, header: InterchangeHeader) -> None:
        delimiters = self._style.delimiters
        repeats = header.version.isdigit() and int(header.version) >= 402 and delimiters.repetition is not None
        values = [
            header.authorization_qualifier,
            header.authorization,
            header.security_qualifier,
            header.security,
            header.sender_qualifier,
            header.sender,
            header.receiver_qualifier,
            header.receiver,
            header.date,
            header.time,
            (delimiters.repetition or b"U").decode(self._style.encoding) if repeats else "U",
            header.version,
            f"{header.control_number:09d}",
            "1" if header.ack_requested else "0",
            header.usage,
            ":" if delimiters.component == NO_COMPONENT else self._component,
        ]
        text = self._plain_header(values)
        self._parts.append((self._careful_header(values) if text is None else text) + self._ending)

    def _plain_header(self, values: Sequence[str]) -> str | None:
        """ISA, if every element fits and holds nothing that may not stand in data; looked at as a whole, once."""
        text = self._element.join(map(str.ljust, values, WIDTHS))
        told = text[:ISA_REPETITION] + text[ISA_REPETITION + 1 : -1]
        if not self._single or len(text) != ISA_ELEMENTS or not (text.isascii() and text.isprintable()):
            return None
        if text.count(self._element) != len(WIDTHS) - 1 or any(each in told for each in self._inner):
            return None
        if any(len(values[number - 1]) < WIDTHS[number - 1] for number in WHOLE):
            return None
        return f"ISA{self._element}{text}"

    def _careful_header(self, values: Sequence[str]) -> str:
        place = Place(segment="ISA", interchange=values[12])
        padded = []
        for number, (value, width) in enumerate(zip(values, WIDTHS, strict=True), 1):
            clean = value if number in (11, 16) else self._clean(value, place, number)
            if len(clean) > width or not clean.isascii() or (number in WHOLE and len(clean) < width):
                code = Code.ELEMENT_TOO_LONG if len(clean) > width else Code.BAD_HEADER_VALUE
                message = f"ISA-{number:02} {value!r} does not fit {width} characters"
                self._findings.append(_note(code, message, place, number, Severity.ERROR, value))
            padded.append(clean.ljust(width))
        return self._element.join(["ISA", *padded])

    def group(self, group: GroupDraft, interchange: str) -> None:
        header = group.header
        place = Place(interchange=interchange, group=str(header.control_number))
        gs = [header.functional_id, header.sender, header.receiver, header.date, header.time]
        self.write([["GS", *gs, str(header.control_number), header.agency, header.version]], place)
        for transaction in group.transactions:
            self.transaction(transaction, place)
        self.write([["GE", str(len(group.transactions)), str(header.control_number)]], place)

    def transaction(self, draft: TransactionDraft, place: Place) -> None:
        place = msgspec.structs.replace(place, transaction=draft.control_number, transaction_set=draft.set_id)
        count = 2 + len(draft.segments)
        head: Segment = ["ST", draft.set_id, draft.control_number, draft.implementation]
        tail: Segment = ["SE", str(count), draft.control_number]
        self.write([head, *draft.segments, tail], place)

    def write(self, segments: Sequence[Segment], place: Place) -> None:
        """Write segments; those that hold a composite or a forbidden character are looked at one by one."""
        text = self._plainly(segments)
        if text is None:
            text = "".join(
                self._carefully(segment, msgspec.structs.replace(place, segment_position=position)) + self._ending
                for position, segment in enumerate(segments, 1)
            )
        self._parts.append(text)

    def _plainly(self, segments: Sequence[Segment]) -> str | None:
        """The segments' text, if they are plain text without a character that may not stand in data; looked at as a whole, once."""
        if not segments:
            return ""
        element, ending = self._element, self._ending
        try:
            text = ending.join([element.join(segment) for segment in segments]) + ending  # type: ignore[arg-type]
        except TypeError:
            return None
        if text.count(element) != sum(map(len, segments)) - len(segments) or text.count(self._segment) != len(segments):
            return None
        plain = text.replace(ending, "")
        for each in self._inner:
            if each in plain:
                return None
        if not (self._style.controls or plain.replace(element, "").isprintable()):
            return None
        trailing = element + ending
        while trailing in text:
            text = text.replace(trailing, ending)
        return text

    def _carefully(self, segment: Segment, place: Place) -> str:
        place = msgspec.structs.replace(place, segment=str(segment[0]) if segment else "")
        values = [
            self._clean(value, place, number)
            if isinstance(value, str)
            else self._composite([self._clean(each, place, number) for each in value])
            for number, value in enumerate(segment)
        ]
        while len(values) > 1 and not values[-1]:
            values.pop()
        return self._element.join(values)

    def _composite(self, components: Sequence[str]) -> str:
        kept = list(components)
        while kept and not kept[-1]:
            kept.pop()
        return self._component.join(kept)

    def _clean(self, value: str, place: Place, number: int) -> str:
        """`value` without what may not stand in it; by the policy that refuses the interchange, or replaces."""
        if self._single and value.isprintable() and self._forbidden.isdisjoint(value):
            return value
        found = sorted({each for each in self._forbidden if each in value})
        if not self._style.controls:
            found += sorted({each for each in value if _control(each)} - set(found))
        if not found:
            return value
        refuse = self._style.collision is Collision.REFUSE or self._style.replacement in self._forbidden
        told = ", ".join(repr(each) for each in found)
        message = f"{place.segment}-{number:02} holds {told}, which may not stand in data"
        severity = Severity.ERROR if refuse else Severity.WARNING
        self._findings.append(_note(Code.BAD_CHARACTER, message, place, number, severity, value))
        for each in found:
            value = value.replace(each, self._style.replacement)
        return value


def _control(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f"


def _note(code: Code, message: str, place: Place, element: int, severity: Severity, found: str) -> Finding:
    return find(code, message, msgspec.structs.replace(place, element=element), severity=severity, found=found)
