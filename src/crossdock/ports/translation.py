"""How content becomes bytes and bytes become facts. A translator knows a format and the workspace's words; it knows no socket and no database.

Whatever a translator needs from the store is asked for as data: control numbers beforehand (`needs`), the obligation behind a control number afterwards (`Pending`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.edi.findings import Finding
from crossdock.facts import Fact
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.movement import Movement
from crossdock.ledger.snapshot import Snapshot
from crossdock.ports.outbound import Delivery, Transmission


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored message, to be read."""

    id: int
    channel: str
    source_id: str
    data: bytes
    name: str = ""
    content_type: str = ""
    received_at: datetime
    attributes: dict[str, str] = {}


class Control(msgspec.Struct, frozen=True, gc=False):
    """The control numbers of something that we sent: by these the other side's 997 or TA1 names it. `transaction` is
    "" for the whole group, `group` "" for the whole interchange."""

    channel: str
    interchange: str = ""
    functional_id: str = ""
    group: str = ""
    transaction: str = ""


class Pending(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact about something that only a look-up can name: the obligation that `control` belongs to. For each
    obligation found an AcknowledgementReceived is recorded, with the status and errors told of its own transaction (`transactions`, by ST02) or else of the whole;
    if none is found it is kept and asked again, for it may have come before we had written down what we sent."""

    control: Control
    status: str
    errors: tuple[str, ...] = ()
    source: str
    source_id: str
    occurred_at: datetime
    message: int
    transactions: dict[str, tuple[str, tuple[str, ...]]] = {}


class Identity(msgspec.Struct, frozen=True, gc=False):
    """By what a duplicate is known. kind: interchange (ISA05-08 and 13), document (sender, type and the document's own
    number). A third kind, the same bytes, the store knows by itself."""

    kind: str
    value: str


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of (a part of) a message. A big message yields many, so that no part of memory grows with the file. Facts carry `message`.

    movements, snapshots, expected: what it tells of stock. refused: movements that their source may not tell, each with the rule in words; kept as conflicts.
    """

    facts: tuple[Fact, ...] = ()
    pending: tuple[Pending, ...] = ()
    findings: tuple[Finding, ...] = ()
    identities: tuple[Identity, ...] = ()
    names: tuple[tuple[str, str, str], ...] = ()
    held: str = ""
    movements: tuple[Movement, ...] = ()
    refused: tuple[tuple[Movement, str], ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    expected: tuple[ExpectedReceipt, ...] = ()

    @property
    def tells_stock(self) -> bool:
        """Whether the books of stock have anything of it."""
        return bool(self.movements or self.refused or self.snapshots or self.expected)


class Composition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of some deliveries: transmissions, and those that could not be written, with the reason (an exception for a person, not a retry)."""

    transmissions: tuple[Transmission, ...] = ()
    unwritable: tuple[tuple[str, str], ...] = ()


class ControlNumbers(Protocol):
    """Hands out control numbers, reserved beforehand in the store: strictly rising per channel and kind."""

    def next(self, channel: str, kind: str) -> int: ...


class Reader(Protocol):
    """bytes -> facts, for one channel."""

    def read(self, message: Message) -> Iterator[Reading]: ...


class Writer(Protocol):
    """deliveries -> bytes, for one system. `needs` says how many control numbers of which (channel, kind) a batch takes at the most."""

    def needs(self, deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], int]: ...

    def compose(self, deliveries: Sequence[Delivery], numbers: ControlNumbers, now: datetime) -> Composition: ...

    def settle(self, delivery: Delivery, control: str, answer: Mapping[str, Any]) -> Any:
        """The fact data that an accepted delivery tells. Raises ValueError when the answer lacks what it must have."""
        ...
