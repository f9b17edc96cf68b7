"""The envelopes that a walk has opened and not yet closed: what must be remembered of a header until its trailer comes."""

from crossdock.edi.x12.control import ControlNumbers
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Group, Interchange, Transaction


class OpenInterchange:
    """An interchange whose IEA has not come yet. numbers: the GS06 of its groups. count, served: its groups and services."""

    __slots__ = (
        "control",
        "count",
        "delimiters",
        "groups",
        "header",
        "numbers",
        "segment",
        "served",
        "services",
        "start",
    )

    def __init__(self, header: bytes, delimiters: Delimiters, control: bytes, start: int) -> None:
        self.header, self.delimiters, self.control, self.start = header, delimiters, control, start
        self.segment = delimiters.segment
        self.groups: list[Group] = []
        self.services: list[tuple[str, ...]] = []
        self.numbers: set[bytes] = set()
        self.count = self.served = 0

    def begin_again(self, header: bytes, control: bytes, start: int, group: bytes) -> None:
        """The next interchange, with the same delimiters and one group so far; what this one was is forgotten."""
        self.header, self.control, self.start = header, control, start
        self.groups.clear()
        self.services.clear()
        self.numbers = {group}
        self.count = self.served = 0

    def frozen(self, end: int, complete: bool) -> Interchange:
        groups, services = tuple(self.groups), tuple(self.services)
        return Interchange(self.header, self.delimiters, groups, services, self.count, self.start, end, complete)


class OpenGroup:
    """A functional group whose GE has not come yet. header is GS with its name; empty where GS is missing.

    names: the transaction sets known to go with its functional id. numbers: the ST02 of its transaction sets.
    """

    __slots__ = (
        "control",
        "count",
        "element",
        "functional_id",
        "header",
        "names",
        "numbers",
        "start",
        "transactions",
        "version",
    )

    def __init__(
        self,
        header: bytes,
        element: bytes,
        functional_id: bytes,
        control: bytes,
        version: str,
        names: dict[bytes, str],
        start: int,
    ) -> None:
        self.header, self.element, self.functional_id, self.control = header, element, functional_id, control
        self.version, self.names, self.start = version, names, start
        self.transactions: list[Transaction] = []
        self.numbers: ControlNumbers | None = None
        self.count = 0

    def seen(self, control: bytes) -> bool:
        """Whether a transaction set of this number came before in this group; it is remembered."""
        if self.numbers is None:
            self.numbers = ControlNumbers()
        return self.numbers.seen(control)

    def frozen(self, end: int, complete: bool) -> Group:
        return Group(self.header, self.element, tuple(self.transactions), self.count, self.start, end, complete)


class OpenTransaction:
    """A transaction set whose SE has not come yet. text is ST without its name and terminator.

    start counts in the file, count_from in the data at hand. counted: the segments before count_from, more than none
    only where it outgrew the portions it comes in (oversize). hidden: terminators that end no segment. unusual: any
    of these is the case, or it is binary.
    """

    __slots__ = (
        "binary",
        "count_from",
        "counted",
        "findings_before",
        "hidden",
        "oversize",
        "start",
        "text",
        "unusual",
    )

    def __init__(self, text: bytes, start: int, count_from: int, findings_before: int) -> None:
        self.text, self.start, self.count_from, self.findings_before = text, start, count_from, findings_before
        self.counted = self.hidden = 0
        self.binary = self.oversize = self.unusual = False
