"""Business documents in canonical JSON, from any system that speaks no EDI: what an 850, 860, 944, 945, 947 or 846 would have told."""

from typing import Any, Literal

import msgspec
from litestar import Request, Router, post

from crossdock.api.asked import Name
from crossdock.api.body import Exact, parsed
from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.api.submitting import submission, submit, trace_of
from crossdock.connectors.api import CHANNEL, DOCUMENTS
from crossdock.ports.translation import Message
from crossdock.store.access import Write

DocumentType = Literal[
    "PurchaseOrder",
    "PurchaseOrderChange",
    "ShippingAdvice",
    "StockTransferReceiptAdvice",
    "InventoryAdjustmentAdvice",
    "InventoryAdvice",
]


class DocumentTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document of a partner, in the partner's words. document: the object, with the fields of `crossdock.trade.documents` and `crossdock.trade.stock`;
    its schema stands among the components under its type."""

    type: DocumentType
    partner: Name
    document: dict[str, Any]


class DocumentTaken(msgspec.Struct, frozen=True, kw_only=True):
    """message: under which it is kept. key: the process that it tells of, "" where it tells of stock alone."""

    message: int
    key: str
    movements: int
    snapshots: int


@post(
    "/",
    guards=[allowed(Permission.DOCUMENTS_WRITE)],
    dto=Exact[DocumentTold],
    opt={"body_bytes": 16_000_000},
    status_code=201,
)
async def tell_document(
    data: DocumentTold, request: Request[Any, Any, Any], hub: Hub, principal: Principal, write: Write
) -> DocumentTaken:
    """Tell a document. It is understood as the same document by EDI would be; what cannot be is refused, and nothing kept."""
    raw = parsed(await request.body(), _Raw).document
    parsed(bytes(raw), DOCUMENTS[data.type])
    told = submission("document", principal, trace_of(request), partner=data.partner, document=data.type)
    now = hub.clock()
    message = Message(
        id=0, channel=CHANNEL, source_id="", data=bytes(raw), received_at=now, attributes=told.attributes()
    )
    reading = next(iter(hub.readers[CHANNEL].read(message)))
    if reading.held:
        detail = getattr(reading.facts[0].data, "detail", reading.held)
        raise problem("invalid", detail, errors=[{"pointer": "#/document", "detail": detail}])
    key = reading.facts[0].key if reading.facts else ""
    taken = await submit(hub, write, told, bytes(raw), key)
    write.subject, write.after = key or data.partner, {"type": data.type}
    return DocumentTaken(
        message=taken.message, key=key, movements=len(reading.movements), snapshots=len(reading.snapshots)
    )


class _Raw(msgspec.Struct, frozen=True):
    document: msgspec.Raw


router = Router("/documents", route_handlers=[tell_document], tags=["Documents"])
