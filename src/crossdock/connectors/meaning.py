"""What a document says, whatever it was read from: the process it is about, the fact it tells, and the names by which people
will look for it.

One small function for each kind of document. A kind without one is not understood, and its message is held.
"""

from collections.abc import Callable, Mapping

import msgspec

from crossdock.crosswalk import orders, shipments, stock
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.numbers import order_number
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.told import Told
from crossdock.ledger.movement import Movement
from crossdock.ledger.snapshot import Snapshot
from crossdock.ports.translation import Message
from crossdock.process import receipt
from crossdock.trade.documents import Document, PurchaseOrder, PurchaseOrderChange, ShippingAdvice
from crossdock.trade.stock import InventoryAdjustmentAdvice, InventoryAdvice, StockTransferReceiptAdvice


class NoOrderReference(NotUnderstood):
    """The document does not say which order it is about."""


class Meaningless(NotUnderstood):
    """Nothing is done with a document of this kind that comes to us."""


class Meaning(msgspec.Struct, frozen=True, gc=False):
    """key: the process, and the fact about it, where the document tells one. number: the document's own, with its
    revision; names: (kind, value). movements, snapshots: what it tells of stock.
    """

    key: str
    data: Told | None
    number: str
    names: tuple[tuple[str, str], ...] = ()
    movements: tuple[Movement, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()


def mean(crosswalk: Crosswalk, message: Message, partner: Partner, document: Document) -> Meaning:
    """What `document` of `partner`, received with `message`, means. Raises NotUnderstood."""
    told = MEANINGS.get(type(document))
    if told is not None and partner.role != (wanted := ROLES[type(document)]):
        raise Meaningless(
            f"a {type(document).__name__} is for a {wanted} to tell, and {partner.id} is a {partner.role}"
        )
    if told is None:
        raise Meaningless(f"nothing is done with a {type(document).__name__} that comes to us")
    return told(crosswalk, message, partner, document)


def _order(crosswalk: Crosswalk, message: Message, partner: Partner, order: PurchaseOrder) -> Meaning:
    if not order.number:
        raise NoOrderReference("the purchase order has no number")
    key = order_number(partner.id, order.number, order.release)
    # A duplicate says the same as the original, and is the same fact.
    purpose = "original" if order.purpose == "duplicate" else order.purpose
    number = f"{order.number}:{order.release}:{purpose}"
    return Meaning(key, orders.received(crosswalk, partner, order), number, (("purchase-order", order.number),))


def _change(crosswalk: Crosswalk, message: Message, partner: Partner, change: PurchaseOrderChange) -> Meaning:
    if not change.number:
        raise NoOrderReference("the change does not say which purchase order it changes")
    key = order_number(partner.id, change.number, change.release)
    number = f"{change.number}:{change.release}:{change.purpose}:{change.change_number}"
    return Meaning(key, orders.changed(crosswalk, partner, change), number, (("purchase-order", change.number),))


def _advice(crosswalk: Crosswalk, message: Message, partner: Partner, advice: ShippingAdvice) -> Meaning:
    key = advice.depositor_order.strip()
    if not key:
        raise NoOrderReference("the ship confirmation does not echo our order number")
    if not advice.shipment:
        raise NotUnderstood(f"the ship confirmation of {key} has no shipment number")
    told = [("shipment", advice.shipment), ("bill-of-lading", advice.bill_of_lading), ("pro", advice.pro)]
    told += [("purchase-order", advice.purchase_order), *(("tracking", number) for number in advice.tracking)]
    return Meaning(
        key,
        shipments.confirmed(crosswalk, message.channel, partner, advice),
        f"{advice.shipment}:{advice.purpose}",
        tuple([(kind, value) for kind, value in told if value]),
    )


def _origin(message: Message) -> stock.Origin:
    return stock.Origin(message.channel, message.id, message.received_at)


def _receipt(crosswalk: Crosswalk, message: Message, partner: Partner, advice: StockTransferReceiptAdvice) -> Meaning:
    if not advice.receipt:
        raise NotUnderstood("the receipt has no number")
    movements, fact = stock.received(crosswalk, partner, advice, _origin(message))
    key = receipt.receipt_key(advice.depositor_order.strip() or f"{message.channel}-{advice.receipt}")
    names = (("receipt", advice.receipt), ("shipment", advice.shipment))
    told = tuple([(kind, value) for kind, value in names if value])
    return Meaning(key, fact, f"{advice.receipt}:{advice.depositor_order}", told, movements)


def _adjustment(crosswalk: Crosswalk, message: Message, partner: Partner, advice: InventoryAdjustmentAdvice) -> Meaning:
    movements = stock.adjusted(crosswalk, partner, advice, _origin(message))
    return Meaning("", None, advice.number or advice.depositor_number, (), movements)


def _inventory(crosswalk: Crosswalk, message: Message, partner: Partner, advice: InventoryAdvice) -> Meaning:
    found = stock.snapshot(crosswalk, partner, advice, _origin(message))
    return Meaning("", None, f"{advice.number}:{advice.purpose}", (), (), (found,))


MEANINGS: Mapping[type[Document], Callable[[Crosswalk, Message, Partner, "object"], Meaning]] = {
    PurchaseOrder: _order,  # type: ignore[dict-item]  # each is called with its own kind
    PurchaseOrderChange: _change,  # type: ignore[dict-item]
    ShippingAdvice: _advice,  # type: ignore[dict-item]
    StockTransferReceiptAdvice: _receipt,  # type: ignore[dict-item]
    InventoryAdjustmentAdvice: _adjustment,  # type: ignore[dict-item]
    InventoryAdvice: _inventory,  # type: ignore[dict-item]
}


ROLES: Mapping[type[Document], str] = {
    PurchaseOrder: "customer",
    PurchaseOrderChange: "customer",
    ShippingAdvice: "warehouse",
    StockTransferReceiptAdvice: "warehouse",
    InventoryAdjustmentAdvice: "warehouse",
    InventoryAdvice: "warehouse",
}
"""Who may tell it: a customer cannot confirm what has left a warehouse."""
