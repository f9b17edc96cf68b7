"""How a counterparty is declared: who it is, where it meets us, its seed and its faults. The JSON of these is what
`--config FILE.json` takes."""

from pathlib import Path
from typing import Literal

import msgspec

from crossdock.testing.faults import Declared, ErpFaults, RetailerFaults, TaxFaults, WarehouseFaults


class Identity(Declared, frozen=True):
    """The two parties as ISA05-08 and GS02/GS03 name them, seen from the counterparty: it is the sender of what it
    sends."""

    qualifier: str = "ZZ"
    id: str = "ACMERETAIL"
    partner_qualifier: str = "ZZ"
    partner: str = "NORTHWHOLESALE"


class Style(Declared, frozen=True):
    """How this partner writes X12: its delimiters, what follows a segment terminator, the version in GS08, the usage
    indicator."""

    element: str = "*"
    component: str = ">"
    segment: str = "~"
    repetition: str = "^"
    line_break: str = ""
    version: str = "004010"
    usage: Literal["P", "T"] = "P"


class CatalogueItem(Declared, frozen=True):
    """What the retailer buys: its own item number, the GTIN-12, the price per `unit` as decimal text, and how many
    `unit` fill a carton."""

    buyer_item: str
    upc: str
    price: str
    pack: int = 12
    unit: str = "EA"
    description: str = ""


class Store(Declared, frozen=True):
    """Where the retailer wants it: its own location number and the address."""

    number: str
    name: str = ""
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = "US"


class Retailer(Declared, frozen=True, tag="retailer"):
    """A customer that orders by X12 through `mailbox` (`to-us/` and `from-us/`).

    `orders` purchase orders of `lines` lines (from, to), `per_second` of them (0: all at once), `per_interchange` to a
    file, numbered `po_prefix` + `first_po` and up. `catalogue` or `catalogue_file` (CSV with the fields of
    CatalogueItem); neither: one is made up. `date` is the order date (ISO), today if empty.
    """

    name: str
    mailbox: Path
    tally: Path
    identity: Identity = Identity()
    style: Style = Style()
    seed: int = 1
    orders: int = 10
    lines: tuple[int, int] = (1, 5)
    quantities: tuple[int, int] = (1, 48)
    per_second: float = 0.0
    per_interchange: int = 1
    po_prefix: str = "PO"
    first_po: int = 100001
    first_control_number: int = 1
    date: str = ""
    vendor: str = ""
    catalogue: tuple[CatalogueItem, ...] = ()
    catalogue_file: Path | None = None
    stores: tuple[Store, ...] = ()
    faults: RetailerFaults = RetailerFaults()
    poll_seconds: float = 0.05
    keep_taken: bool = True


class Adjustment(Declared, frozen=True):
    """What a warehouse changes on its shelves of its own accord, `after_seconds` since its first receipt: `quantity` signed, `reason` the code in its 947 (W19-01).
    lost: the 947 bears a number and is never sent."""

    after_seconds: float
    site: str
    item: str
    quantity: int
    reason: str = "AA"
    lost: bool = False


class Shelving(Declared, frozen=True):
    """A warehouse that keeps stock. site: of a 940 that names none. A 944 follows a 943 after `receive_seconds`, or those of `late_receipts` by the depositor's order.
    snapshot_seconds: how often it says by 846 what there is (None: never)."""

    site: str
    receive_seconds: float = 0.3
    late_receipts: dict[str, float] = msgspec.field(default_factory=dict)
    snapshot_seconds: float | None = 3.0
    adjustments: tuple[Adjustment, ...] = ()


class Warehouse(Declared, frozen=True, tag="warehouse"):
    """A 3PL that takes 940s and answers 945s through `mailbox`, `pick_seconds` after each release.

    `substitute` is the item sent in place of another (qualifier UP) when the fault says so. shelving: it keeps stock, and can ship only what it has; without it
    there is always enough.
    """

    name: str
    mailbox: Path
    tally: Path
    identity: Identity = Identity(id="QUICK3PL")
    style: Style = Style()
    seed: int = 1
    pick_seconds: float = 0.2
    carrier: str = "UPSN"
    company_prefix: str = "0614141"
    first_serial: int = 1
    first_control_number: int = 1
    substitute: str = "614141999996"
    shelving: Shelving | None = None
    faults: WarehouseFaults = WarehouseFaults()
    poll_seconds: float = 0.05
    keep_taken: bool = True


class Erp(Declared, frozen=True, tag="erp"):
    """The ERP on `127.0.0.1:port` (0: any). `token` is the bearer token asked of callers; `idempotent` makes it honour
    Idempotency-Key.

    With `webhook_url` it announces held orders, signed with `webhook_secret` (Standard Webhooks: `whsec_` and base64,
    or plain text).
    """

    name: str
    tally: Path
    port: int = 0
    token: str = "erp-token"
    seed: int = 1
    idempotent: bool = False
    webhook_url: str = ""
    webhook_secret: str = ""
    faults: ErpFaults = ErpFaults()


class Tax(Declared, frozen=True, tag="tax"):
    """The tax service on `127.0.0.1:port` (0: any). `rates` per hundred by region; elsewhere `rate`."""

    name: str
    tally: Path
    port: int = 0
    api_key: str = "tax-key"
    seed: int = 1
    rate: str = "8.25"
    rates: dict[str, str] = msgspec.field(default_factory=dict)
    faults: TaxFaults = TaxFaults()


class Shop(Declared, frozen=True, tag="shop"):
    """A web shop on `127.0.0.1:port` (0: any) that is told what it may sell, at `/v1/stock`. `token` is the bearer token asked of callers."""

    name: str
    tally: Path
    port: int = 0
    token: str = "shop-token"


Config = Retailer | Warehouse | Erp | Tax | Shop


def encode(config: Config) -> bytes:
    """The JSON that `--config` takes."""
    return msgspec.json.encode(config, enc_hook=_path)


def decode(data: bytes) -> Config:
    """A declared counterparty, of the `type` that the JSON names. Raises msgspec.ValidationError with the place of
    what is wrong."""
    config: Config = msgspec.json.decode(data, type=Config, dec_hook=_decoded)
    return config


def _path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


def _decoded(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"no {kind.__name__} out of JSON")
