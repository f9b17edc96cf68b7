"""What a document read from X12 says: the process it is about, the fact it tells, and the names by which people
will look for it.

One small function for each kind of document. A kind without one is not understood, and its message is held.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b

import msgspec

from crossdock.crosswalk import orders, shipments
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.numbers import order_number
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.told import Told
from crossdock.trade.documents import Document, PurchaseOrder, PurchaseOrderChange, ShippingAdvice


class NoOrderReference(NotUnderstood):
    """The document does not say which order it is about."""


class Meaningless(NotUnderstood):
    """Nothing is done with a document of this kind that comes to us."""


class Meaning(msgspec.Struct, frozen=True, gc=False):
    """key: the process. number: the document's own, with its revision; names: (kind, value)."""

    key: str
    data: Told
    number: str
    names: tuple[tuple[str, str], ...] = ()


def mean(crosswalk: Crosswalk, channel: str, partner: Partner, document: Document) -> Meaning:
    """What `document` of `partner`, received by `channel`, means. Raises NotUnderstood."""
    told = MEANINGS.get(type(document))
    if told is not None and partner.role != (wanted := ROLES[type(document)]):
        raise Meaningless(
            f"a {type(document).__name__} is for a {wanted} to tell, and {partner.id} is a {partner.role}"
        )
    if told is None:
        raise Meaningless(f"nothing is done with a {type(document).__name__} that comes to us")
    return told(crosswalk, channel, partner, document)


def _order(crosswalk: Crosswalk, channel: str, partner: Partner, order: PurchaseOrder) -> Meaning:
    if not order.number:
        raise NoOrderReference("the purchase order has no number")
    key = order_number(partner.id, order.number, order.release)
    # A duplicate says the same as the original, and is the same fact.
    purpose = "original" if order.purpose == "duplicate" else order.purpose
    number = f"{order.number}:{order.release}:{purpose}"
    return Meaning(key, orders.received(crosswalk, partner, order), number, (("purchase-order", order.number),))


def _change(crosswalk: Crosswalk, channel: str, partner: Partner, change: PurchaseOrderChange) -> Meaning:
    if not change.number:
        raise NoOrderReference("the change does not say which purchase order it changes")
    key = order_number(partner.id, change.number, change.release)
    number = f"{change.number}:{change.release}:{change.purpose}:{change.change_number}"
    return Meaning(key, orders.changed(crosswalk, partner, change), number, (("purchase-order", change.number),))


def _advice(crosswalk: Crosswalk, channel: str, partner: Partner, advice: ShippingAdvice) -> Meaning:
    key = advice.depositor_order.strip()
    if not key:
        raise NoOrderReference("the ship confirmation does not echo our order number")
    if not advice.shipment:
        raise NotUnderstood(f"the ship confirmation of {key} has no shipment number")
    told = [("shipment", advice.shipment), ("bill-of-lading", advice.bill_of_lading), ("pro", advice.pro)]
    told += [("purchase-order", advice.purchase_order), *(("tracking", number) for number in advice.tracking)]
    return Meaning(
        key,
        shipments.confirmed(crosswalk, channel, partner, advice),
        f"{advice.shipment}:{advice.purpose}",
        tuple([(kind, value) for kind, value in told if value]),
    )


MEANINGS: Mapping[type[Document], Callable[[Crosswalk, str, Partner, "object"], Meaning]] = {
    PurchaseOrder: _order,  # type: ignore[dict-item]  # each is called with its own kind
    PurchaseOrderChange: _change,  # type: ignore[dict-item]
    ShippingAdvice: _advice,  # type: ignore[dict-item]
}


ROLES: Mapping[type[Document], str] = {
    PurchaseOrder: "customer",
    PurchaseOrderChange: "customer",
    ShippingAdvice: "warehouse",
}
"""Who may tell it: a customer cannot confirm what has left a warehouse."""


def content_digest(segments: list[list[str]]) -> str:
    """What makes the content of a transaction set the same: its segments between ST and SE, whatever the delimiters
    and control numbers.

    The purpose of a duplicate order (BEG01 07) counts as that of the original (00), for it is the same order told
    again.
    """
    body = segments[1:-1]
    if body and body[0][:2] == ["BEG", "07"]:
        body = [["BEG", "00", *body[0][2:]], *body[1:]]
    text = "\x1e".join(["\x1f".join(segment).rstrip("\x1f") for segment in body])
    return blake2b(text.encode(), digest_size=10).hexdigest()
