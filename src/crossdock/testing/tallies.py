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
    """A purchase order as placed. region: of the ship-to. items: the buyer's item number by line. changed: the first line's new quantity, when
    an 860 was sent. faults: what was done to it."""

    lines: dict[str, str]
    prices: dict[str, str]
    unit: str
    items: dict[str, str] = {}
    region: str = ""
    sent: int = 0
    changed: str = ""
    cancelled: bool = False
    faults: list[str] = []


class RetailerTally(msgspec.Struct, kw_only=True, tag="retailer"):
    """orders: by purchase order number. documents: 855, 856 and 810 received, retransmissions left out but counted.

    acknowledged: their 997s by verdict (AK9-01). done: everything planned was sent. advised: 846s received.
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
    advised: int = 0
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


class Received(msgspec.Struct, kw_only=True):
    """Goods put away and told by a 944: so many by item. `order` is the depositor's number of what was announced; moment: nanoseconds since 1970."""

    receipt: str
    moment: int
    order: str
    site: str
    items: dict[str, str]


class ShelfChange(msgspec.Struct, kw_only=True):
    """What the warehouse changed by itself, signed; `told` by a 947. moment: nanoseconds since 1970."""

    number: str
    moment: int
    site: str
    item: str
    quantity: str
    reason: str
    told: bool = True


class Drift(msgspec.Struct, kw_only=True):
    """A difference between its shelves and what it has told, planted on purpose: theirs less ours, and what `cause` reconciliation should name."""

    number: str
    site: str
    item: str
    quantity: str
    cause: str


class WarehouseTally(msgspec.Struct, kw_only=True, tag="warehouse"):
    """doubled: releases received again under another control number (`order/release`). cancellations: order by what
    became of it.

    Of its stock: what it received, changed, and told by so many `snapshots`; `shelves` and `unusable` as they stand, by `site/item`; oversold: lines of 940s that asked
    for more than there was.
    """

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
    received: list[Received] = []
    changes: list[ShelfChange] = []
    drifts: list[Drift] = []
    snapshots: int = 0
    shelves: dict[str, str] = {}
    unusable: dict[str, str] = {}
    oversold: list[str] = []


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


class ShopTally(msgspec.Struct, kw_only=True, tag="shop"):
    """numbers: of the offers, in the order in which they came; repeated: those that came once more. fulls: how many told everything. levels: what it may sell now,
    by `site/item`; missed: numbers that were left out, in words."""

    name: str
    calls: int = 0
    answers: dict[str, int] = {}
    numbers: list[int] = []
    repeated: list[int] = []
    fulls: int = 0
    levels: dict[str, str] = {}
    missed: list[str] = []
    malformed: list[str] = []
    faults: dict[str, list[str]] = {}


Tally = RetailerTally | WarehouseTally | ErpTally | TaxTally | ShopTally


def write(tally: Tally, path: Path) -> None:
    """Beside and rename, so that a reader never sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(msgspec.json.encode(tally))
    part.replace(path)


def read(path: Path) -> Tally:
    """The tally as last written. Raises FileNotFoundError before the first."""
    tally: Tally = msgspec.json.decode(path.read_bytes(), type=Tally)
    return tally
