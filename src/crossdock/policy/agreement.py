"""An agreement with one trading partner, as of one version of the workspace. An order keeps the version it was taken under."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal

import msgspec

Checkpoint = Literal[
    "release-approved",
    "shipment-confirmed",
    "price-validated",
    "tax-received",
    "no-open-exception",
    "ship-notice-sent",
    "shipment-posted",
]


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """How long each thing may take, from the moment it is owed. A clock that is None never runs out."""

    acknowledge_hours: float | None = 24
    functional_ack_hours: float | None = 24
    functional_ack_from_us_hours: float | None = 1
    credit_minutes: float | None = 15
    erp_minutes: float | None = 15
    release_minutes: float | None = 60
    confirm_shipment_hours: float | None = 48
    confirm_receipt_hours: float | None = 48
    ship_notice_minutes: float | None = 60
    posting_minutes: float | None = 60
    tax_minutes: float | None = 15
    invoice_hours: float | None = 24


class StockTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How orders of a partner are promised from the stock ledger.

    sites: the warehouse system by each site whose stock we keep. split: an order line may come from several sites. priority: lower is served first when stock is short.
    release: what is there goes out as-available, or an order waits when-complete. soft_hours: a reservation that was not released by then is given back; None: never.
    short_pick: what could not be picked is put on hold in the books until it is counted, or the books are trusted and it is promised again.
    """

    sites: Mapping[str, str] = {}
    split: bool = False
    priority: int = 100
    release: Literal["as-available", "when-complete"] = "as-available"
    soft_hours: float | None = None
    short_pick: Literal["hold", "trust"] = "hold"


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What holds between us and `partner`.

    channel, erp, tax: the systems that its documents, the ERP's work and the tax question go to ("" for none: the step is skipped).
    credit_check: ask the ERP before accepting. price_tolerance_percent (per hundred) or _amount (per unit): the customer's price may differ from the agreed one by either.
    short: what becomes of what the warehouse could not ship: backorder (release again), cancel, or ship-complete (no shipment may be partial: an exception).
    over_tolerance_percent: shipped above ordered by at most this is accepted and billed; beyond it is an exception.
    substitution: a confirmed item other than the ordered one is accepted if the line lists it in `substitutes`.
    acknowledge, ship_notice, invoice: whether the partner wants 855, 856, 810. functional_acks: whether it owes us 997s;
    warehouse_functional_acks: whether the warehouse does for our 940s.
    changes_until: the milestone after which a change is an exception instead of being applied: released or never.
    stock: how its orders are promised from the stock ledger; None: stock is not kept, and they are released without asking.
    billing: the checkpoints of the billing gate. release_lead_days: how many days before ship_no_later / ship_not_before the warehouse gets its 940; None: at once.
    """

    partner: str
    version: int = 0
    name: str = ""
    currency: str = "USD"
    channel: str = ""
    erp: str = "erp"
    tax: str = "tax"
    credit_check: bool = True
    price_tolerance_percent: Decimal = Decimal(0)
    price_tolerance_amount: Decimal = Decimal(0)
    short: Literal["backorder", "cancel", "ship-complete"] = "cancel"
    over_tolerance_percent: Decimal = Decimal(0)
    substitution: bool = False
    acknowledge: bool = True
    ship_notice: bool = True
    invoice: bool = True
    functional_acks: bool = True
    warehouse_functional_acks: bool = True
    changes_until: Literal["released", "never"] = "released"
    billing: tuple[Checkpoint, ...] = (
        "release-approved",
        "shipment-confirmed",
        "price-validated",
        "tax-received",
        "no-open-exception",
    )
    release_lead_days: int | None = None
    terms_net_days: int = 30
    terms_discount_percent: Decimal = Decimal(0)
    terms_discount_days: int = 0
    clocks: Clocks = Clocks()
    stock: StockTerms | None = None


Agreements = Callable[[str, int], Agreement | None]
"""(partner, workspace version) to the agreement that held; None for a partner that the version does not know. Raises KeyError for a version not read yet."""
