"""What each counterparty has seen and done, as it writes it to its tally file at least every second, and what the
account is drawn from.

Quantities are decimal text by order line. A document's `interchange` is the ISA13 under which it came or went.
"""

from pathlib import Path

import msgspec


class Seen(msgspec.Struct, kw_only=True):
    """A document received by the retailer. `lines` is quantity by line, `prices` price by line, where the document
    tells them.

    moment: nanoseconds since 1970 at which the file was written.
    """

    set_id: str
    interchange: str
    number: str
    purchase_order: str
    moment: int
    status: str = ""
    shipment: str = ""
    digest: str = ""
    lines: dict[str, str] = {}
    prices: dict[str, str] = {}
    cartons: list[str] = []
    total: str = ""


class Placed(msgspec.Struct, kw_only=True):
    """A purchase order as placed. changed: the first line's new quantity, when an 860 was sent. faults: what was done
    to it."""

    lines: dict[str, str]
    prices: dict[str, str]
    unit: str
    sent: int = 0
    changed: str = ""
    cancelled: bool = False
    faults: list[str] = []


class RetailerTally(msgspec.Struct, kw_only=True, tag="retailer"):
    """orders: by purchase order number. documents: 855, 856 and 810 received, retransmissions left out but counted.

    acknowledged: their 997s by verdict (AK9-01). done: everything planned was sent.
    """

    name: str
    orders: dict[str, Placed] = {}
    documents: list[Seen] = []
    interchanges: int = 0
    retransmissions: list[str] = []
    acknowledged: dict[str, int] = {}
    interchange_acknowledgements: int = 0
    early_invoices: list[str] = []
    malformed: list[str] = []
    withheld_997: list[str] = []
    late_997: list[str] = []
    reordered: list[str] = []
    done: bool = False


class Released(msgspec.Struct, kw_only=True):
    """A 940 taken in. fate: picking, shipped, cancelled, rejected, lost."""

    order: str
    purchase_order: str
    release: str
    interchange: str
    fate: str = "picking"
    units: str = ""
    lines: dict[str, str] = {}
    faults: list[str] = []


class Shipped(msgspec.Struct, kw_only=True):
    """A shipment confirmed by a 945. `purchase_order` is empty for the order that nobody placed."""

    shipment: str
    order: str
    purchase_order: str
    unit: str
    lines: dict[str, str]
    cartons: list[str] = []


class WarehouseTally(msgspec.Struct, kw_only=True, tag="warehouse"):
    """doubled: releases received again under another control number (`order/release`). cancellations: order by what
    became of it."""

    name: str
    releases: list[Released] = []
    shipments: list[Shipped] = []
    doubled: list[str] = []
    cancellations: dict[str, str] = {}
    interchanges: int = 0
    retransmissions: list[str] = []
    acknowledged: dict[str, int] = {}
    malformed: list[str] = []
    faults: dict[str, list[str]] = {}


class Recorded(msgspec.Struct, kw_only=True):
    """A record that the ERP made: a sales order, a revision of one, or a shipment posting."""

    reference: str
    order: str
    number: str = ""
    purchase_order: str = ""
    shipment: str = ""
    cancelled: bool = False
    lines: dict[str, str] = {}


class ErpTally(msgspec.Struct, kw_only=True, tag="erp"):
    """credit: decision by order. answers: by status; `cut` counts connections reset. faults: references struck, by
    fault."""

    name: str
    calls: int = 0
    answers: dict[str, int] = {}
    credit: dict[str, str] = {}
    orders: list[Recorded] = []
    revisions: list[Recorded] = []
    postings: list[Recorded] = []
    lookups: int = 0
    replayed: int = 0
    refused: list[str] = []
    webhooks: int = 0
    faults: dict[str, list[str]] = {}


class TaxTally(msgspec.Struct, kw_only=True, tag="tax"):
    """quotes: answers given by reference."""

    name: str
    calls: int = 0
    answers: dict[str, int] = {}
    quotes: dict[str, int] = {}
    faults: dict[str, list[str]] = {}


Tally = RetailerTally | WarehouseTally | ErpTally | TaxTally


def write(tally: Tally, path: Path) -> None:
    """Beside and rename, so that a reader never sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(msgspec.json.encode(tally))
    part.replace(path)


def read(path: Path) -> Tally:
    """The tally as last written. Raises FileNotFoundError before the first."""
    tally: Tally = msgspec.json.decode(path.read_bytes(), type=Tally)
    return tally
