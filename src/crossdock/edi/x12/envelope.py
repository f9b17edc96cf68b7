"""What the index of an X12 file is made of: interchanges, their groups, and where each transaction set lies.

Nothing here holds the content of a transaction set, only its byte offsets; `segments` splits one at a time. Header
values are parsed when asked for, from the header's own bytes, so that a file of many interchanges stays small.
"""

import enum

import msgspec

from crossdock.edi.findings import Finding
from crossdock.edi.x12.delimiters import Delimiters


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One transaction set. start: offset of its ST; end: the offset behind its SE (or where it breaks off).

    version is GS08. segment_count counts ST and SE and what is between, without empty segments. complete: it has an SE.
    binary: it holds BIN or BDS segments, whose data may contain any byte. implementation is ST03.
    """

    set_id: str
    control_number: str
    version: str
    start: int
    end: int
    segment_count: int
    complete: bool = True
    binary: bool = False
    implementation: str = ""


class Group(msgspec.Struct, frozen=True, gc=False):
    """One functional group. header holds GS without its terminator; start and end are offsets from GS to behind GE.

    transactions are those of this index, or of this portion where a stream cut the group; transaction_count is how many
    the group had up to here. complete: its GE was read.
    """

    header: bytes
    separator: bytes
    transactions: tuple[Transaction, ...]
    transaction_count: int
    start: int
    end: int
    complete: bool = True

    def element(self, number: int) -> str:
        """GS element `number` (from 1), blanks around it removed; "" if it is not there."""
        return element(self.header, self.separator, number)

    @property
    def functional_id(self) -> str:
        return self.element(1)

    @property
    def sender(self) -> str:
        return self.element(2)

    @property
    def receiver(self) -> str:
        return self.element(3)

    @property
    def date(self) -> str:
        return self.element(4)

    @property
    def time(self) -> str:
        return self.element(5)

    @property
    def control_number(self) -> str:
        return self.element(6)

    @property
    def agency(self) -> str:
        return self.element(7)

    @property
    def version(self) -> str:
        return self.element(8)


class InterchangeKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What makes an interchange the same one: ISA05 to ISA08 and ISA13, the number without its leading zeros."""

    sender_qualifier: str
    sender: str
    receiver_qualifier: str
    receiver: str
    control_number: str


class Interchange(msgspec.Struct, frozen=True, gc=False):
    """One interchange. header holds ISA without its terminator; start and end are offsets from ISA to behind IEA.

    services are the interchange-level segments other than groups, as elements: TA1, ISB, ISE, TA3 and the like.
    Where a stream cut it, groups are those of this portion and group_count is how many there were up to here.
    """

    header: bytes
    delimiters: Delimiters
    groups: tuple[Group, ...]
    services: tuple[tuple[str, ...], ...]
    group_count: int
    start: int
    end: int
    complete: bool = True

    def element(self, number: int) -> str:
        """ISA element `number` (from 1), blanks around it removed; "" if it is not there."""
        return element(self.header, self.delimiters.element, number)

    @property
    def sender_qualifier(self) -> str:
        return self.element(5)

    @property
    def sender(self) -> str:
        return self.element(6)

    @property
    def receiver_qualifier(self) -> str:
        return self.element(7)

    @property
    def receiver(self) -> str:
        return self.element(8)

    @property
    def date(self) -> str:
        """ISA09, YYMMDD."""
        return self.element(9)

    @property
    def time(self) -> str:
        """ISA10, HHMM."""
        return self.element(10)

    @property
    def version(self) -> str:
        """ISA12, such as 00401."""
        return self.element(12)

    @property
    def control_number(self) -> str:
        return self.element(13)

    @property
    def ack_requested(self) -> bool:
        """ISA14: the sender asks for a TA1."""
        return self.element(14) == "1"

    @property
    def usage(self) -> str:
        """ISA15: P production, T test, I information."""
        return self.element(15)

    @property
    def key(self) -> InterchangeKey:
        number = self.control_number
        return InterchangeKey(
            self.sender_qualifier, self.sender, self.receiver_qualifier, self.receiver, number.lstrip("0") or number
        )

    @property
    def acknowledgements(self) -> tuple[tuple[str, ...], ...]:
        """The TA1 segments, as elements with the name first."""
        return tuple(service for service in self.services if service[0] == "TA1")

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        return tuple(transaction for group in self.groups for transaction in group.transactions)


class SpanKind(enum.StrEnum):
    """interchange: read; filler: blanks, line breaks, a byte order mark; unreadable: the rest, each with a finding."""

    INTERCHANGE = "interchange"
    FILLER = "filler"
    UNREADABLE = "unreadable"


class Span(msgspec.Struct, frozen=True, gc=False):
    """Bytes start to end (exclusive) of a file, and what they are."""

    kind: SpanKind
    start: int
    end: int


class Index(msgspec.Struct, frozen=True):
    """A whole file: its interchanges in order, what was found wrong, its length, and which bytes could not be read."""

    interchanges: tuple[Interchange, ...]
    findings: tuple[Finding, ...]
    length: int
    unreadable: tuple[Span, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every byte of the file, in order, once. Between interchanges and unreadable bytes there is but filler."""
        taken = [Span(SpanKind.INTERCHANGE, each.start, each.end) for each in self.interchanges]
        taken = sorted([*taken, *self.unreadable], key=lambda span: span.start)
        whole: list[Span] = []
        at = 0
        for span in taken:
            if span.start > at:
                whole.append(Span(SpanKind.FILLER, at, span.start))
            whole.append(span)
            at = span.end
        if at < self.length:
            whole.append(Span(SpanKind.FILLER, at, self.length))
        return tuple(whole)

    @property
    def transactions(self) -> tuple[Transaction, ...]:
        return tuple(transaction for each in self.interchanges for transaction in each.transactions)

    def within(self, part: Interchange | Group | Transaction) -> tuple[Finding, ...]:
        """The findings about a part of the file."""
        return tuple(finding for finding in self.findings if part.start <= finding.place.offset < part.end)


def element(header: bytes, separator: bytes, number: int) -> str:
    """Element `number` of a header segment as text, without blanks around it and line breaks within."""
    values = header.split(separator, number + 1)
    if number >= len(values):
        return ""
    return values[number].replace(b"\r", b"").replace(b"\n", b"").decode("latin-1").strip()
