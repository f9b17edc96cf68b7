"""The common currency of all processes: what is owed, what troubles, what is to be done. Values only.

An obligation that was derived once and is no longer listed is owed no more: the flow voids it and withdraws what is still queued for it.
"""

import enum
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Kind
from crossdock.trade.documents import (
    Invoice,
    PreparedSegments,
    PurchaseOrderAcknowledgement,
    ShipNotice,
    WarehouseOrder,
)
from crossdock.trade.requests import CreditCheck, SalesOrderEntry, SalesOrderRevision, ShipmentPosting, TaxRequest
from crossdock.trade.stock import InventoryAdvice, StockTransferShipmentAdvice


class Status(enum.StrEnum):
    """blocked: waits for what `blocked_by` names. ready: ours, to be done now. waiting: theirs, the clock runs. met: done, with evidence.
    refused: the other side said no. void: no longer owed (cancelled, superseded)."""

    BLOCKED = "blocked"
    READY = "ready"
    WAITING = "waiting"
    MET = "met"
    REFUSED = "refused"
    VOID = "void"


class Obligation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that someone owes someone by some time.

    id: deterministic, "SO-1001/invoice/SHP-7": the idempotency key of the effect that meets it.
    debtor, creditor: "us", or the id of a system or partner. subject: the shipment, line or document it is about.
    blocked_by: checkpoints in words that a person understands, "shipment-confirmed: the warehouse has not confirmed". evidence: ids of facts.
    amount: money at stake in the order's currency. depends only on state and agreement; whether it is overdue is due_at against the clock.
    """

    id: str
    kind: str
    debtor: str
    creditor: str
    status: Status
    due_at: datetime | None = None
    blocked_by: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    subject: str = ""
    amount: Decimal | None = None


class Effect(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What meets an obligation: `content` (a document or request of `trade`) goes to `system`. `document` names its kind:
    purchase-order-acknowledgement, warehouse-order, ship-notice, invoice, credit-check, sales-order, sales-order-revision, shipment-posting, tax-request,
    functional-acknowledgement, interchange-acknowledgement, inventory-advice. Effects of one `ordering_key` keep their order where the system asks for it.
    partner: whose guide it is written by.
    number: the document's own (invoice number, release label); told: (line, quantity) that it tells. The flow copies `number` and `told` into the DocumentSent that follows."""

    obligation: str
    system: str
    document: str
    content: Any
    partner: str = ""
    ordering_key: str = ""
    number: str = ""
    told: tuple[tuple[str, Decimal], ...] = ()


class Trouble(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A business exception, derived from state: it opens and closes by itself.

    id: deterministic, "SO-1001/price-mismatch/3". cause: one of the causes that the process's docstring lists; group by it. detail: in words, with figures.
    action: what a person can do. obligations: the ids it holds up. amount: money at stake.
    """

    id: str
    cause: str
    detail: str
    action: str = ""
    subject: str = ""
    obligations: tuple[str, ...] = ()
    amount: Decimal | None = None


class Name(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reference by which people find the process. kind: order, purchase-order, customer, shipment, bill-of-lading, pro, tracking, invoice,
    erp-order, posting, sscc, item, control-number."""

    kind: str
    value: str


class Taken(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Stock that a process moved: what a shipment took out of a site (`ship`), or what could not be picked and is put on `hold` there. id: the process's own.
    It may change as more is told; a movement may not, so the difference becomes one of its own."""

    id: str
    kind: Kind
    item: str
    site: str
    quantity: Decimal
    at: datetime


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where a process stands: all that follows from its state at `now`.

    milestone: the process's own, in its own order. wake_at: the next moment at which time alone changes this standing (a clock running out, a ship window opening); None: never.
    summary: figures for lists: customer, purchase order, money, counts; as msgspec writes JSON (a Decimal as text).
    demands: what it wants of the stock, all of it. taken: what it has moved of the stock, all of it; the flow writes the difference to what it wrote before.
    workings: the process's own, what the next `derive` may take over; nobody else reads it.
    """

    milestone: str
    obligations: tuple[Obligation, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    names: tuple[Name, ...] = ()
    wake_at: datetime | None = None
    summary: dict[str, Any] = {}
    demands: tuple[Demand, ...] = ()
    taken: tuple[Taken, ...] = ()
    workings: Any = None


CONTENT_TYPES: Mapping[str, type] = {
    "purchase-order-acknowledgement": PurchaseOrderAcknowledgement,
    "warehouse-order": WarehouseOrder,
    "ship-notice": ShipNotice,
    "invoice": Invoice,
    "credit-check": CreditCheck,
    "sales-order": SalesOrderEntry,
    "sales-order-revision": SalesOrderRevision,
    "shipment-posting": ShipmentPosting,
    "tax-request": TaxRequest,
    "functional-acknowledgement": PreparedSegments,
    "interchange-acknowledgement": PreparedSegments,
    "inventory-advice": InventoryAdvice,
    "stock-transfer-shipment-advice": StockTransferShipmentAdvice,
}
"""What `Effect.content` is, by `Effect.document`: to write it down and read it back."""
