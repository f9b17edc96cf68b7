"""Which transaction set tells which effect, and what its content is."""

from collections.abc import Mapping
from typing import Any

import msgspec

from crossdock.process.obligation import CONTENT_TYPES


class TransactionSet(msgspec.Struct, frozen=True):
    """set_id: ST01. decoder: of the content. prepared: its segments were made when the message was read."""

    set_id: str
    decoder: msgspec.json.Decoder[Any]
    prepared: bool = False


SETS: Mapping[str, TransactionSet] = {
    document: TransactionSet(set_id, msgspec.json.Decoder(CONTENT_TYPES[document]), prepared)
    for document, set_id, prepared in (
        ("purchase-order-acknowledgement", "855", False),
        ("warehouse-order", "940", False),
        ("ship-notice", "856", False),
        ("invoice", "810", False),
        ("stock-transfer-shipment-advice", "943", False),
        ("inventory-advice", "846", False),
        ("functional-acknowledgement", "997", True),
        ("interchange-acknowledgement", "TA1", True),
    )
}
"""By `Delivery.document`: what a system that speaks X12 can be told."""
