"""What is known of one order: the set of what was told, normalised so that doubles fall together, and nothing that can be derived from it.

Every field is a join: applying the facts of an order in any sequence and multiplicity ends in the same state. `at` is when a thing occurred,
`fact` the id of the fact that told it. Obligations and troubles are named without the order's key: `release/1` for `SO-1001/release/1`.
Structs are written as arrays to keep an order small; the order of their fields is the stored format.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.trade.documents import PartyReference, Reference


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When, and by which fact."""

    at: datetime
    fact: str


class Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An ordered line; the fields of `facts.order.OrderedLine`, `items` as (qualifier, id)."""

    line: str
    item: str
    quantity: Decimal
    unit: str
    price: Decimal | None
    agreed_price: Decimal | None
    trouble: str
    partner_quantity: Decimal
    partner_unit: str
    partner_price: Decimal | None
    per_partner_unit: str
    items: tuple[tuple[str, str], ...]
    description: str
    substitutes: tuple[str, ...]


class Order(Told, frozen=True, array_like=True, gc=False):
    """The order as received. `expects_total`: the customer's total can be checked, because no allowance or charge alters it."""

    partner: str
    purchase_order: str
    workspace_version: int
    lines: tuple[Line, ...]
    warehouse: str
    site: str
    currency: str
    issued: date | None
    kind: str
    contract: str
    parties: tuple[PartyReference, ...]
    references: tuple[Reference, ...]
    notes: tuple[str, ...]
    ship_not_before: date | None
    ship_no_later: date | None
    cancel_after: date | None
    requested_delivery: date | None
    total: Decimal | None
    expects_total: bool
    sites: tuple[str, ...] = ()


class AlteredLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a change; the fields of `facts.order.ChangedLine`."""

    line: str
    change: str
    quantity: Decimal | None
    price: Decimal | None
    partner_quantity: Decimal | None
    partner_price: Decimal | None
    ordered: Line | None


class Change(Told, frozen=True, array_like=True, gc=False):
    """A change of the order by the customer."""

    lines: tuple[AlteredLine, ...]
    ship_not_before: date | None
    ship_no_later: date | None
    cancel_after: date | None


class Resolved(Told, frozen=True, array_like=True, gc=False):
    """A line, or with `line` None the route, that the workspace of `version` could tell after all."""

    version: int
    line: Line | None
    warehouse: str
    site: str


class Approval(Told, frozen=True, array_like=True, gc=False):
    """A price taken; None: the customer's."""

    price: Decimal | None


class Word(Told, frozen=True, array_like=True, gc=False):
    """Something said: a refusal (`code`, `text`, and of which `round`), an acknowledgement (`code` its status), a hold (`code` placed or released), a cancellation."""

    code: str
    text: str
    round: int = 0


class Retried(Told, frozen=True, array_like=True, gc=False):
    """An effect that somebody had made again: what was refused up to this `round` no longer stands; 0: what was refused before."""

    round: int = 0


class Answer(Told, frozen=True, array_like=True, gc=False):
    """A system's answer to what an obligation asked: credit (`good`), the ERP's number or posting reference (`value`), tax (`amount`)."""

    good: bool
    value: str
    amount: Decimal | None


class Sent(Told, frozen=True, array_like=True, gc=False):
    """A document that is out: `at` and `fact` of its last sending, `first_at` of its first."""

    first_at: datetime
    number: str
    told: tuple[tuple[str, Decimal], ...]


class ShippedLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the warehouse says of one line; the fields of `facts.order.ConfirmedLine`."""

    line: str
    quantity: Decimal
    item: str
    status: str
    lot: str


class Package(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A carton or pallet; the fields of `facts.order.ConfirmedPackage`."""

    sscc: str
    tracking: str
    contents: tuple[tuple[str, Decimal], ...]


class Shipment(Told, frozen=True, array_like=True, gc=False):
    """A shipment as confirmed; the fields of `facts.order.ShipmentConfirmed`.
    packed, mislabelled: of its packages, worked out once because what was told never changes; see `packing`."""

    replaces: bool
    warehouse: str
    release: str
    lines: tuple[ShippedLine, ...]
    packages: tuple[Package, ...]
    complete: bool | None
    shipped: date | None
    bill_of_lading: str
    pro: str
    carrier: str
    service: str
    tracking: tuple[str, ...]
    weight: Decimal | None
    weight_unit: str
    packed: tuple[tuple[str, Decimal], ...]
    mislabelled: str


class Reserved(Told, frozen=True, array_like=True, gc=False):
    """What the ledger has promised for a line: `lines` is (item, site, quantity), the rest is `backordered`. Of several revisions the highest holds."""

    revision: int
    lines: tuple[tuple[str, str, Decimal], ...]
    backordered: Decimal
    promised_on: date | None

    @property
    def wanted(self) -> Decimal:
        """The demand that it answers."""
        return sum([quantity for _, _, quantity in self.lines], self.backordered)


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that was told of one order.

    orders: the differing versions of the order received under its number, the first told first; it is the one that holds.
    changes, shipments: the differing versions told under each number, the first told first. cancelled: by whom. resolved: by line, the route under "".
    approved: by line, all lines under "". line_cancels: by line, all under "". answers, sent, acknowledged, refused, retried: by obligation. decided: by trouble.
    reserved: by line. since: the earliest moment of which anything was told.
    """

    key: str
    since: datetime | None = None
    orders: tuple[Order, ...] = ()
    changes: dict[str, tuple[Change, ...]] = {}
    cancelled: dict[str, Word] = {}
    resolved: dict[str, Resolved] = {}
    approved: dict[str, Approval] = {}
    line_cancels: dict[str, Word] = {}
    holds: dict[str, Word] = {}
    answers: dict[str, Answer] = {}
    sent: dict[str, Sent] = {}
    acknowledged: dict[str, Word] = {}
    refused: dict[str, Word] = {}
    retried: dict[str, Retried] = {}
    decided: dict[str, Word] = {}
    shipments: dict[str, tuple[Shipment, ...]] = {}
    reserved: dict[str, Reserved] = {}


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(State)


def new(key: str) -> State:
    """An order of which nothing is known yet."""
    return State(key)


def encode(state: State) -> bytes:
    """MessagePack; equal states give equal bytes."""
    return _encoder.encode(state)


def decode(data: bytes) -> State:
    """The state that `encode` wrote. Raises msgspec.ValidationError on other bytes."""
    state: State = _decoder.decode(data)
    return state
