"""How an order stood when others were last told of it, as little of it as events follow from. What a process makes of its facts comes in as `Seen`; no rule of
a process is here."""

from decimal import Decimal

import msgspec

ZERO = Decimal(0)
_SHIPPED = frozenset(("shipped", "invoiced", "complete"))
CLOSED = frozenset(("complete", "cancelled"))
_UNDECIDED = frozenset(("waiting-for-order", "received"))


class SeenLine(msgspec.Struct, frozen=True, gc=False):
    """A line's counters, as the process's summary has them."""

    item: str
    ordered: Decimal
    accepted: Decimal
    shipped: Decimal
    cancelled: Decimal

    @property
    def counted(self) -> Decimal:
        """What of it is demand, served or not: what is accepted less what will never ship; of a line that is not (or no longer) accepted, what has shipped."""
        return self.accepted - self.cancelled if self.accepted else self.shipped


class Figures(msgspec.Struct, frozen=True, gc=False):
    """What events read of a process's summary."""

    total: Decimal | None = None
    invoiced: Decimal = ZERO
    lines: dict[str, SeenLine] = {}

    @property
    def served(self) -> bool:
        """Whether no line has anything left to ship."""
        return all(line.ordered <= line.shipped + line.cancelled for line in self.lines.values())


class Seen(msgspec.Struct, frozen=True, gc=False):
    """An order at one moment: its milestone and its figures."""

    milestone: str
    figures: Figures

    @property
    def accepted(self) -> bool:
        return self.milestone not in _UNDECIDED and self.milestone != "cancelled"

    @property
    def shipped(self) -> bool:
        return self.milestone in _SHIPPED

    @property
    def closed(self) -> bool:
        return self.milestone in CLOSED


class ToldLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of a line. taken: its demand was told as accepted once; what follows is a change."""

    item: str
    ordered: Decimal
    counted: Decimal
    shipped: Decimal
    cancelled: Decimal
    unit: str = ""
    taken: bool = False


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of an order so far, and what of its first fact the later ones need. accepted, shipped, invoiced, closed: told once.
    mark: a check sum of the order's standing when that was looked at last, 0 for none."""

    mark: int = 0
    customer: str = ""
    purchase_order: str = ""
    channel: str = ""
    site: str = ""
    currency: str = ""
    requested_on: str = ""
    total: Decimal | None = None
    invoiced: Decimal = ZERO
    accepted: bool = False
    shipped: bool = False
    billed: bool = False
    closed: bool = False
    lines: dict[str, ToldLine] = {}

    @property
    def may_close(self) -> bool:
        """Whether a fact that moves nothing may close it: it is open, and has nothing left to ship."""
        return not self.closed and all(x.ordered <= x.shipped + x.cancelled for x in self.lines.values())


class _Marked(msgspec.Struct, array_like=True, gc=False):
    mark: int = 0


_told = msgspec.msgpack.Decoder(Told)
_marked = msgspec.msgpack.Decoder(_Marked)
_pack = msgspec.msgpack.Encoder(decimal_format="string", order="deterministic").encode
_figures = msgspec.json.Decoder(Figures)


def encode(told: Told) -> bytes:
    """MessagePack; equal values give equal bytes."""
    return _pack(told)


def decode(data: bytes) -> Told:
    """What `encode` wrote. Raises msgspec.ValidationError on other bytes."""
    return _told.decode(data)


def mark(data: bytes) -> int:
    """The mark alone of what `encode` wrote."""
    return _marked.decode(data).mark


def figures_of(summary: str | bytes) -> Figures:
    """The figures in a process's summary as JSON."""
    return _figures.decode(summary)
