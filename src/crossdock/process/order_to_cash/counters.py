"""What an order's position is made of: lines as changed and decided, their counters, what was released and what has shipped. All of it follows from the state.

Per line: ordered, accepted, released, shipped, invoiced, cancelled, backordered, in our stock unit. Quantity is conserved:
`quantity` (ordered, as changed) = open + shipped up to quantity + cancelled; invoiced <= shipped; what was released and neither shipped nor given up is `outstanding`;
`released` is the sum of the releases less what came back of them: left unshipped by a complete confirmation, taken back or given up.
"""

from datetime import date, datetime
from decimal import Decimal
from zlib import crc32

import msgspec

from crossdock.process.order_to_cash.money import ZERO, amount_of
from crossdock.process.order_to_cash.state import Line, Order, Reserved, Sent, Shipment, State, Word


class LineNow(msgspec.Struct, gc=False):
    """A line as it stands. undecided: the cause for which it cannot be accepted or rejected yet, "" when it can.
    partner_price: the customer's, where it is the one that holds. short: what complete confirmations left unshipped and the agreement gives up.
    promise: what the ledger answered to the demand as it stands; None: nothing yet, or no stock is kept.
    unavailable: what it does not have and nobody waits for; final: and that has been told."""

    line: Line
    original: Decimal
    quantity: Decimal
    price: Decimal | None = None
    partner_price: Decimal | None = None
    undecided: str = ""
    cancelled: Word | None = None
    price_changed: bool = False
    deleted: bool = False
    released: Decimal = ZERO
    outstanding: Decimal = ZERO
    shipped: Decimal = ZERO
    invoiced: Decimal = ZERO
    short: Decimal = ZERO
    backordered: Decimal = ZERO
    promise: Reserved | None = None
    unavailable: Decimal = ZERO
    final: bool = False

    open: Decimal = ZERO
    cut: Decimal = ZERO
    worth: Decimal = ZERO

    @property
    def accepted(self) -> Decimal:
        return ZERO if self.undecided or self.cancelled else self.quantity

    def count(self) -> None:
        """Works out `open`, what is still to be shipped, and `cut`, what never will be, from the other counters."""
        unshipped = self.quantity - self.shipped
        if unshipped <= 0:
            self.open = self.cut = ZERO
        elif self.cancelled is not None:
            self.open, self.cut = ZERO, unshipped
        elif self.short:
            self.cut = min(self.short, unshipped)
            self.open = unshipped - self.cut
        else:
            self.open, self.cut = unshipped, ZERO

    def amount(self, quantity: Decimal) -> Decimal:
        """What `quantity` of it costs; the whole line, `worth`, is worked out once."""
        if quantity == self.quantity:
            return self.worth
        return amount_of(self.line, self.price, self.partner_price, quantity)


class ReleaseNow(msgspec.Struct, gc=False):
    """A release that is out. `short` holds what a complete confirmation left unshipped."""

    label: str
    number: int
    sent: Sent
    told: dict[str, Decimal]
    shipped: dict[str, Decimal]
    shipments: list[Shipment]
    refused: Word | None = None
    complete: bool = False
    cancelled: bool = False
    given_up: bool = False

    @property
    def open(self) -> bool:
        """The warehouse may still ship of it."""
        return not (self.complete or self.cancelled or self.given_up)

    def unshipped(self, line: str) -> Decimal:
        return max(self.told.get(line, ZERO) - self.shipped.get(line, ZERO), ZERO)


class ShipmentNow(msgspec.Struct, gc=False):
    """A shipment as it stands. quantities, billed: by line. over: by line, what is beyond the tolerance and not decided.
    unreleased: the release that it answers is not known to be out.
    foreign: lines of it that the order does not have, or with impossible quantities. tax_subject changes when the shipment is replaced."""

    number: str
    told: Shipment
    quantities: dict[str, Decimal]
    billed: dict[str, Decimal]
    tax_subject: str
    release: ReleaseNow | None = None
    conflict: str = ""
    over: dict[str, Decimal] = {}
    substituted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    after_cancel: bool = False
    mispacked: str = ""
    unreleased: bool = False
    amount: Decimal = ZERO


class Position(msgspec.Struct, gc=False):
    """All of it. mark: names what has been altered since the order came, "" for nothing: what is told again is told under another mark.
    late: changes ("cancel" for the cancellation) that came after a release and are not applied. candidate: what to release next.
    short: lines that came short where shipments must be complete, and nobody has decided on.
    Where stock is kept (`stocked`): promised: every demand has been answered. candidate_site, candidate_items: where the next release ships from ("": it cannot yet) and which
    item of a line; waiting_for: by line, what is to be released and not there."""

    order: Order
    lines: dict[str, LineNow]
    warehouse: str = ""
    site: str = ""
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None
    decided: bool = True
    decided_at: datetime | None = None
    cancelled: Word | None = None
    mark: str = ""
    applied: tuple[str, ...] = ()
    altered_at: datetime | None = None
    late: tuple[str, ...] = ()
    foreign_changes: tuple[tuple[str, str], ...] = ()
    releases: list[ReleaseNow] = []
    shipments: list[ShipmentNow] = []
    candidate: dict[str, Decimal] = {}
    candidate_label: str = ""
    candidate_site: str = ""
    candidate_items: dict[str, str] = {}
    waiting_for: dict[str, Decimal] = {}
    stocked: bool = False
    promised: bool = True
    surplus: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    total: Decimal = ZERO
    original_total: Decimal = ZERO


def decision(state: State, trouble: str) -> str:
    """accept, decline, or "" as long as nobody decided."""
    word = state.decided.get(trouble)
    return word.code if word is not None else ""


def stands(state: State, obligation: str) -> Word | None:
    """The refusal of `obligation` that stands, if one does."""
    refused = state.refused.get(obligation)
    if refused is None:
        return None
    retried = state.retried.get(obligation)
    if retried is None:
        return refused
    if retried.round and refused.round:
        # Whoever refuses and whoever retries go by different clocks: the rounds are certain.
        return refused if retried.round < refused.round else None
    return refused if (retried.at, retried.fact) < (refused.at, refused.fact) else None


def latest(a: datetime | None, b: datetime) -> datetime:
    """The later of two moments."""
    return b if a is None or b > a else a


def checksum(text: str) -> str:
    """Six hexadecimal digits that tell contents apart in a mark or a label."""
    return f"{crc32(text.encode()) & 0xFFFFFF:06x}"
