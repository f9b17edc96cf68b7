"""A day's trade of the example wholesaler on which everything goes wrong that does go wrong, and is declared: which order meets which fault.

The demo and the tests of roads use the same day. Which fault strikes which order depends on the number of orders alone; what is ordered on the seed.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from crossdock.testing.configs import Config, Erp, Identity, Retailer, Shop, Store, Style, Tax, Warehouse
from crossdock.testing.faults import ErpFaults, RetailerFaults, TaxFaults, WarehouseFaults, Window
from crossdock.testing.purchasing import buy, scarce_item, stock_up
from crossdock.testing.rig import Rig

BLUE_SHARE = 0.4
LEAST_ORDERS = 36

ACME_FIRST, BLUE_FIRST = 100001, 200001

STORES = (
    Store(number="0007", name="STORE 7", street="700 MAIN STREET", city="COLUMBUS", region="OH", postal_code="43004"),
    Store(number="0031", name="STORE 31", street="31 HARBOR ROAD", city="SEATTLE", region="WA", postal_code="98101"),
)


class Mischief(msgspec.Struct, frozen=True):
    """Which purchase order meets what, by fault. Orders of a fault that is not asked for are simply not struck."""

    acme: dict[str, tuple[str, ...]]
    blue: dict[str, tuple[str, ...]]

    def of(self, fault: str) -> tuple[str, ...]:
        """The purchase orders of both that `fault` strikes."""
        return self.acme.get(fault, ()) + self.blue.get(fault, ())


ACME_FAULTS = (
    *("short", "partial", "unknown_item", "doubled_interchange", "committed_500", "price_off"),
    *("reordered", "declined", "doubled_document", "over", "committed_cut", "held", "late", "doubled_confirmation"),
    *("doubled_945", "changed", "cancelled", "refused"),
)
BLUE_FAULTS = (
    *("lost", "doubled_document", "short", "committed_cut", "reordered", "partial"),
    *("doubled_interchange", "committed_500", "held", "doubled_945"),
)


UNSOUND = ("short", "over", "unknown_item", "price_off", "declined", "refused", "changed", "cancelled")
"""What alters how much of an order is shipped, or keeps it from being shipped: none of these orders wants what there is too little of, so that the two can be told apart."""


def mischief(orders: int) -> Mischief:
    """Spreads the faults over the day's orders, one fault an order."""
    blue = round(orders * BLUE_SHARE)
    acme = orders - blue
    return Mischief(_spread("PO", ACME_FIRST, acme, ACME_FAULTS), _spread("BM", BLUE_FIRST, blue, BLUE_FAULTS))


def _spread(prefix: str, first: int, orders: int, faults: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if orders <= len(faults):
        return {}
    return {fault: (f"{prefix}{first + n * orders // (len(faults) + 1)}",) for n, fault in enumerate(faults, 1)}


def trading_day(
    rig: Rig,
    orders: int,
    *,
    seed: int = 1,
    seconds: float = 16.0,
    lines: tuple[int, int] = (1, 8),
    lost_seconds: float = 16.0,
    storm: tuple[float, float] | None = (4.0, 7.0),
    outage: tuple[float, float] | None = (10.0, 14.0),
    tax: TaxFaults | None = None,
    late_receipt_seconds: float | None = 24.0,
) -> list[Config]:
    """The counterparties of a day with `orders` orders placed over `seconds`. storm (429) and outage are the ERP's, in seconds since it was first called;
    a lost confirmation comes after all `lost_seconds` after its release. late_receipt_seconds: when the rest of the scarce item comes (None: nothing is scarce, and no
    adjustment is lost). Orders are dated back, so that the clock for a confirmation runs from the release."""
    blue = round(orders * BLUE_SHARE)
    acme = orders - blue
    struck = mischief(orders)
    day = (date.today() - timedelta(days=3)).isoformat()
    # The ERP knows orders by our numbers, the partner's name and its purchase order's: a list of these strikes the posting too.
    ours = {
        po: f"ACME-{po}" if po.startswith("PO") else f"BLUE-{po}" for po in (*_all(struck.acme), *_all(struck.blue))
    }

    def keys(fault: str) -> tuple[str, ...]:
        return tuple(ours[po] for po in struck.of(fault))

    def retailer_faults(mine: dict[str, tuple[str, ...]]) -> RetailerFaults:
        names = (
            "doubled_interchange",
            "doubled_document",
            "reordered",
            "unknown_item",
            "price_off",
            "changed",
            "cancelled",
        )
        return RetailerFaults(**{name: mine[name] for name in names if name in mine}, change_after_seconds=0.0)  # type: ignore[arg-type]

    acme_and_blue = [
        Retailer(
            name="acme",
            mailbox=rig.mailbox("acme"),
            tally=rig.tally_file("acme"),
            seed=seed,
            orders=acme,
            lines=lines,
            per_second=acme / seconds if seconds else 0.0,
            po_prefix="PO",
            first_po=ACME_FIRST,
            date=day,
            catalogue=rig.catalogue("acme", "acme-2026"),
            stores=STORES,
            quantities=(20, 96),
            faults=retailer_faults(struck.acme),
        ),
        Retailer(
            name="blue",
            mailbox=rig.mailbox("blue"),
            tally=rig.tally_file("blue"),
            identity=Identity(id="BLUEMARKET"),
            style=Style(element="|", component=":", segment="'", repetition="^", line_break="\n", version="005010"),
            seed=seed + 1,
            orders=blue,
            lines=lines,
            quantities=(2, 12),
            per_second=blue / seconds if seconds else 0.0,
            po_prefix="BM",
            first_po=BLUE_FIRST,
            date=day,
            catalogue=tuple(
                msgspec.structs.replace(each, unit="CT") for each in rig.catalogue("blue", "blue-2026", "CA")
            ),
            stores=STORES,
            faults=retailer_faults(struck.blue),
        ),
    ]
    if late_receipt_seconds is None:
        shelving = stock_up(rig)
    else:
        unsound = [po for fault in UNSOUND for po in struck.of(fault)]
        scarce = scarce_item(rig, acme_and_blue, unsound, (*_all(struck.acme), *_all(struck.blue)))
        shelving = buy(rig, scarce, seed, late_receipt_seconds)
    return [
        *acme_and_blue,
        Warehouse(
            name="quick3pl",
            mailbox=rig.mailbox("quick3pl"),
            tally=rig.tally_file("quick3pl"),
            seed=seed,
            pick_seconds=0.8,
            shelving=shelving,
            faults=WarehouseFaults(
                # A carton of blue's is a dozen; what is short is a whole one.
                short=struck.of("short"),
                short_by=12,
                over=struck.of("over"),
                partial=struck.of("partial"),
                partial_after_seconds=1.5,
                lost=struck.of("lost"),
                lost_seconds=lost_seconds,
                late=struck.of("late"),
                late_seconds=6.0,
                doubled_interchange=struck.of("doubled_confirmation"),
                doubled_document=struck.of("doubled_945"),
            ),
        ),
        Erp(
            name="erp",
            tally=rig.tally_file("erp"),
            token=rig.erp_token,
            seed=seed,
            webhook_url=rig.webhook_url,
            webhook_secret=rig.webhook_secret,
            faults=ErpFaults(
                storms=(Window(start=storm[0], end=storm[1], since="first-call"),) if storm else (),
                hard_outages=(Window(start=outage[0], end=outage[1], since="first-call"),) if outage else (),
                committed_500=keys("committed_500"),
                committed_cut=keys("committed_cut"),
                declined=keys("declined"),
                refused=keys("refused"),
                held=keys("held"),
                held_seconds=3.0,
                doubled_webhook=True,
            ),
        ),
        Shop(name="shop", tally=rig.tally_file("shop"), token=rig.shop_token),
        Tax(name="tax", tally=rig.tally_file("tax"), api_key=rig.tax_key, seed=seed, faults=tax or TaxFaults()),
    ]


def _all(mine: dict[str, tuple[str, ...]]) -> list[str]:
    return [po for these in mine.values() for po in these]
