"""How an order stood when others were last told of it, as little of it as events follow from. What a process makes of its facts comes in as `Seen`; no rule of
a process is here."""

from decimal import Decimal

import msgspec

ZERO = Decimal(0)
_SHIPPED = frozenset(("shipped", "invoiced", "complete"))
_CLOSED = frozenset(("complete", "cancelled"))
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
        return self.milestone in _CLOSED


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
    """What was told of an order so far, and what of its first fact the later ones need. accepted, shipped, invoiced, closed: told once."""

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


_told = msgspec.msgpack.Decoder(Told)
_pack = msgspec.msgpack.Encoder(decimal_format="string", order="deterministic").encode
_figures = msgspec.json.Decoder(Figures)


def encode(told: Told) -> bytes:
    """MessagePack; equal values give equal bytes."""
    return _pack(told)


def decode(data: bytes) -> Told:
    """What `encode` wrote. Raises msgspec.ValidationError on other bytes."""
    return _told.decode(data)


def figures_of(summary: str | bytes) -> Figures:
    """The figures in a process's summary as JSON."""
    return _figures.decode(summary)


def differs(told: Told, seen: Seen) -> bool:
    """Whether `seen` says anything that was not told."""
    figures = seen.figures
    if (
        (seen.accepted and not told.accepted)
        or (seen.shipped and not told.shipped)
        or (seen.closed and not told.closed)
        or told.invoiced != figures.invoiced
        or told.total != figures.total
        or (seen.milestone in ("invoiced", "complete") and not told.billed)
        or len(told.lines) != len(figures.lines)
    ):
        return True
    for name, line in figures.lines.items():
        was = told.lines.get(name)
        if (
            was is None
            or was.item != line.item
            or was.ordered != line.ordered
            or was.shipped != line.shipped
            or was.cancelled != line.cancelled
            or was.counted != line.counted
        ):
            return True
    return False
