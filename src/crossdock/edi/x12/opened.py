"""The envelopes that a walk has opened and not yet closed: what must be remembered of a header until its trailer comes."""

from crossdock.edi.x12.control import ControlNumbers
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Group, Transaction


class OpenGroup:
    """A functional group whose GE has not come yet. header is GS with its name; empty where GS is missing."""

    __slots__ = ("control", "count", "functional_id", "header", "numbers", "start", "transactions", "version")

    def __init__(self, header: bytes, values: list[bytes], start: int) -> None:
        self.header, self.start = header, start
        self.functional_id = values[1].strip() if len(values) > 1 else b""
        self.control = values[6].strip() if len(values) > 6 else b""
        self.version = values[8].strip().decode("latin-1") if len(values) > 8 else ""
        self.transactions: list[Transaction] = []
        self.numbers = ControlNumbers()
        self.count = 0


class OpenInterchange:
    """An interchange whose IEA has not come yet."""

    __slots__ = ("control", "count", "delimiters", "groups", "header", "numbers", "services", "start")

    def __init__(self, header: bytes, delimiters: Delimiters, control: bytes, start: int) -> None:
        self.header, self.delimiters, self.control, self.start = header, delimiters, control, start
        self.groups: list[Group] = []
        self.services: list[tuple[str, ...]] = []
        self.numbers: set[bytes] = set()
        self.count = 0


class OpenTransaction:
    """A transaction set whose SE has not come yet. text is ST without its name and terminator.

    start counts in the file, count_from in the data at hand. counted: the segments before count_from, more than none
    only where it outgrew the portions it comes in (oversize). hidden: terminators that end no segment.
    """

    __slots__ = ("binary", "count_from", "counted", "findings_before", "hidden", "oversize", "start", "text")

    def __init__(self, text: bytes, start: int, count_from: int, findings_before: int) -> None:
        self.text, self.start, self.count_from, self.findings_before = text, start, count_from, findings_before
        self.counted = self.hidden = 0
        self.binary = self.oversize = False
