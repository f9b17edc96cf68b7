"""What we ask of systems that are not trading partners: the ERP and the tax engine. Documents too, free of any format.

Each carries `reference`, the id of the obligation it meets: the receiving system's idempotency key, and what an outcome
that nobody knows is looked up by.
"""

from decimal import Decimal

from crossdock.trade.documents import Address, Document


class RequestedLine(Document, frozen=True, kw_only=True):
    """A line of a request. `item` is our item id, `quantity` in `unit` (our stock unit), `price` per unit, `amount` = quantity x price."""

    line: str
    item: str
    quantity: Decimal
    unit: str
    price: Decimal | None = None
    amount: Decimal | None = None


class CreditCheck(Document, frozen=True, kw_only=True):
    """May this customer owe us `amount` more?"""

    reference: str
    order: str
    customer: str
    amount: Decimal
    currency: str


class SalesOrderEntry(Document, frozen=True, kw_only=True):
    """Enter this sales order in the ERP."""

    reference: str
    order: str
    customer: str
    purchase_order: str
    currency: str
    lines: tuple[RequestedLine, ...] = ()


class SalesOrderRevision(Document, frozen=True, kw_only=True):
    """The order in the ERP (`erp_order`) is now as `lines` say, or `cancelled` altogether. Of a line that is not there, nothing is wanted beyond what was posted."""

    reference: str
    order: str
    erp_order: str
    cancelled: bool = False
    lines: tuple[RequestedLine, ...] = ()


class ShipmentPosting(Document, frozen=True, kw_only=True):
    """Post this shipment's quantities in the ERP."""

    reference: str
    order: str
    erp_order: str
    shipment: str
    lines: tuple[RequestedLine, ...] = ()


class TaxRequest(Document, frozen=True, kw_only=True):
    """What tax falls on these shipped lines?"""

    reference: str
    order: str
    shipment: str
    currency: str
    ship_to: Address = Address()
    lines: tuple[RequestedLine, ...] = ()


AnyRequest = CreditCheck | SalesOrderEntry | SalesOrderRevision | ShipmentPosting | TaxRequest
