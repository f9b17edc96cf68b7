"""Hypothesis strategies for trade documents that X12 can tell in full: words from the guides, texts without edge blanks."""

from datetime import date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from crossdock.edi.x12 import check_digits, error_words
from crossdock.trade import documents as d

LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789abcxyz-./#"


def text(most: int, least: int = 1) -> st.SearchStrategy[str]:
    inner = st.text(LETTERS + " ", min_size=least, max_size=most)
    return inner.map(str.strip).filter(lambda made: len(made) >= least)


def maybe(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | strategy


def none_or(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def several(strategy: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return st.lists(strategy, max_size=most).map(tuple)


DAYS = st.dates(date(1990, 1, 1), date(2080, 12, 31))
QUANTITIES = st.decimals(Decimal(0), Decimal(999999), places=2).map(lambda value: value.normalize() + 0)
AMOUNTS = st.decimals(Decimal(0), Decimal(9999999), places=2)
PERCENTS = st.decimals(Decimal(0), Decimal(99), places=1)
UNITS = st.sampled_from(["EA", "CA", "DZ", "LB"])
COUNTS = st.integers(0, 9999)
ITEM_KINDS = ["gtin-12", "gtin-13", "buyer-item", "seller-item", "manufacturer-part", "sku", "CB", "ZX"]

items = st.builds(d.ItemReference, qualifier=st.sampled_from(ITEM_KINDS), id=text(20))
addresses = st.builds(
    d.Address,
    lines=st.lists(text(40), min_size=1, max_size=4).map(tuple),
    city=maybe(text(20, 2)),
    region=maybe(st.sampled_from(["CA", "NY", "ON"])),
    postal_code=maybe(text(9, 3)),
    country=maybe(st.sampled_from(["US", "CA"])),
)
contacts = st.builds(
    d.Contact,
    function=st.sampled_from(["IC", "BD", "DC"]),
    name=maybe(text(30)),
    phone=maybe(text(15)),
    email=maybe(text(30)),
    fax=maybe(text(15)),
)
ROLES = ["ship-to", "bill-to", "buyer", "seller", "ship-from", "warehouse", "depositor", "remit-to", "carrier", "ZX"]
parties = st.builds(
    d.PartyReference,
    role=st.sampled_from(ROLES),
    name=text(40),
    further_names=several(text(30), 2),
    address=none_or(addresses),
    contacts=several(contacts, 2),
) | st.builds(
    d.PartyReference,
    role=st.sampled_from(ROLES),
    qualifier=st.sampled_from(["gln", "duns", "duns+4", "assigned-by-buyer", "mutually-defined", "ZX"]),
    id=text(15, 2),
)


def references(*taken: str) -> st.SearchStrategy:
    """References of kinds that the set has no field of its own for."""
    kinds = ["department", "contract", "customer-order", "vendor", "invoice", "purchase-order", "2H", "ZZ"]
    free = [kind for kind in kinds if kind not in taken]
    return st.builds(d.Reference, kind=st.sampled_from(free), value=text(25), description=maybe(text(30)))


allowances = st.builds(
    d.AllowanceCharge,
    is_charge=st.booleans(),
    kind=st.sampled_from(["C310", "D240", "ZZZZ"]),
    amount=none_or(AMOUNTS),
    percent=none_or(PERCENTS),
    description=maybe(text(40)),
)
terms = st.builds(
    d.Terms, description=text(40), net_days=none_or(st.integers(0, 180)), discount_percent=none_or(PERCENTS)
)
descriptions = maybe(st.lists(text(60), min_size=1, max_size=3).map("\n".join))
PURPOSES = st.sampled_from(["original", "cancellation", "change", "replace", "duplicate", "confirmation"])


def numbered(lines: st.SearchStrategy) -> st.SearchStrategy:
    """Lines with a number each."""
    return st.lists(lines, max_size=4).map(tuple)


@st.composite
def purchase_orders(draw: st.DrawFn) -> d.PurchaseOrder:
    lines = draw(
        numbered(
            st.builds(
                d.PurchaseOrderLine,
                line=text(6),
                quantity=QUANTITIES,
                unit=UNITS,
                price=none_or(AMOUNTS),
                items=several(items),
                description=descriptions,
                requested_date=none_or(DAYS),
                references=several(references()),
                allowances=several(allowances, 2),
            )
        )
    )
    return draw(
        st.builds(
            d.PurchaseOrder,
            number=text(20),
            issued=DAYS,
            purpose=PURPOSES,
            kind=st.sampled_from(["SA", "NE", "DS"]),
            release=maybe(text(10)),
            contract=maybe(text(10)),
            currency=maybe(st.sampled_from(["USD", "CAD"])),
            parties=several(parties),
            contacts=several(contacts),
            requested_ship=none_or(DAYS),
            requested_delivery=none_or(DAYS),
            ship_not_before=none_or(DAYS),
            ship_no_later=none_or(DAYS),
            cancel_after=none_or(DAYS),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            routing=maybe(text(30)),
            service=maybe(st.sampled_from(["CG", "ND"])),
            terms=none_or(terms),
            references=several(references()),
            allowances=several(allowances),
            notes=several(text(200)),
            lines=st.just(lines),
            line_count=st.just(len(lines)),
            total_amount=none_or(AMOUNTS),
        )
    )


@st.composite
def purchase_order_changes(draw: st.DrawFn) -> d.PurchaseOrderChange:
    lines = draw(
        numbered(
            st.builds(
                d.PurchaseOrderChangeLine,
                line=text(6),
                change=st.sampled_from(["add", "delete", "change-quantity", "change-price", "change", "ZX"]),
                quantity=none_or(QUANTITIES),
                quantity_left=none_or(st.integers(0, 99999).map(Decimal)),
                unit=UNITS,
                price=none_or(AMOUNTS),
                items=several(items),
                description=descriptions,
            )
        )
    )
    return draw(
        st.builds(
            d.PurchaseOrderChange,
            number=text(20),
            change_number=maybe(text(8)),
            issued=DAYS,
            changed=none_or(DAYS),
            purpose=PURPOSES,
            kind=st.just("SA"),
            parties=several(parties),
            requested_ship=none_or(DAYS),
            cancel_after=none_or(DAYS),
            references=several(references()),
            lines=st.just(lines),
            line_count=st.just(len(lines)),
        )
    )


@st.composite
def order_acknowledgements(draw: st.DrawFn) -> d.PurchaseOrderAcknowledgement:
    statuses = ["accepted", "backordered", "rejected", "quantity-changed", "substituted", "cancelled", "on-hold", "ZX"]
    answers = st.builds(
        d.AcknowledgedLine,
        status=st.sampled_from(statuses),
        quantity=QUANTITIES,
        unit=UNITS,
        ship_date=none_or(DAYS),
        items=several(items),
    )
    lines = draw(
        numbered(
            st.builds(
                d.PurchaseOrderAcknowledgementLine,
                line=text(6),
                quantity=QUANTITIES,
                unit=UNITS,
                price=none_or(AMOUNTS),
                items=several(items),
                description=descriptions,
                answers=several(answers),
            )
        )
    )
    return draw(
        st.builds(
            d.PurchaseOrderAcknowledgement,
            number=text(20),
            status=st.sampled_from(["accepted", "accepted-with-change", "rejected", "received"]),
            order_issued=DAYS,
            acknowledged=none_or(DAYS),
            purpose=PURPOSES,
            seller_order=maybe(text(15)),
            currency=maybe(st.just("USD")),
            parties=several(parties),
            references=several(references()),
            notes=several(text(100)),
            lines=st.just(lines),
            line_count=st.just(len(lines)),
        )
    )


@st.composite
def warehouse_orders(draw: st.DrawFn) -> d.WarehouseOrder:
    lines = numbered(
        st.builds(
            d.WarehouseOrderLine,
            line=st.integers(1, 99999).map(str),
            quantity=QUANTITIES,
            unit=UNITS,
            items=several(items),
            description=maybe(text(40)),
            lot=maybe(text(10)),
        )
    )
    return draw(
        st.builds(
            d.WarehouseOrder,
            depositor_order=text(20),
            purpose=st.sampled_from(["original", "cancellation", "change"]),
            release=maybe(text(20)),
            purchase_order=maybe(text(20)),
            parties=several(parties),
            references=several(references()),
            ship_not_before=none_or(DAYS),
            ship_no_later=none_or(DAYS),
            requested_ship=none_or(DAYS),
            requested_delivery=none_or(DAYS),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            service=maybe(text(30)),
            notes=several(text(80)),
            lines=lines,
            total_quantity=none_or(QUANTITIES),
        )
    )


@st.composite
def ssccs(draw: st.DrawFn) -> str:
    digits = draw(st.text("0123456789", min_size=17, max_size=17))
    return digits + str(check_digits.check_digit(digits))


@st.composite
def shipping_advices(draw: st.DrawFn) -> d.ShippingAdvice:
    lines = numbered(
        st.builds(
            d.ShippedLine,
            line=st.integers(1, 99999).map(str),
            status=st.sampled_from(["shipped", "short", "over", "substituted", "backordered", "cancelled"]),
            ordered=none_or(QUANTITIES),
            shipped=st.integers(0, 99999).map(Decimal),
            difference=none_or(st.integers(-999, 999).map(Decimal)),
            unit=UNITS,
            items=several(items),
            description=maybe(text(40)),
            lot=maybe(text(10)),
            packages=several(ssccs()),
        )
    )
    return draw(
        st.builds(
            d.ShippingAdvice,
            depositor_order=text(20),
            shipment=text(20),
            complete=st.sampled_from([None, True, False]),
            shipped=none_or(DAYS),
            release=maybe(text(20)),
            purchase_order=maybe(text(20)),
            bill_of_lading=maybe(text(20)),
            pro=maybe(text(20)),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            service=maybe(text(30)),
            tracking=several(text(20)),
            packages=none_or(COUNTS),
            weight=none_or(QUANTITIES),
            weight_unit=st.just("LB"),
            parties=several(parties),
            references=several(references()),
            lines=lines,
            total_quantity=st.integers(0, 99999).map(Decimal),
        )
    )


@st.composite
def ship_notices(draw: st.DrawFn) -> d.ShipNotice:
    item = st.builds(
        d.PackedItem,
        line=text(6),
        quantity=st.integers(0, 99999).map(Decimal),
        unit=UNITS,
        items=st.lists(items, min_size=1, max_size=3).map(tuple),
        ordered=none_or(QUANTITIES),
        description=descriptions,
        lot=maybe(text(10)),
    )
    carton = st.builds(d.Pack, sscc=ssccs(), tracking=maybe(text(20)), items=several(item, 2))
    pallet = st.builds(d.Pack, sscc=ssccs(), kind=st.just("pallet"), packs=several(carton, 2))
    carrier_pack = st.builds(d.Pack, sscc=ssccs())
    item_above = st.builds(
        d.PackedItem,
        line=text(6),
        quantity=st.integers(0, 999).map(Decimal),
        unit=UNITS,
        items=st.lists(items, min_size=1, max_size=2).map(tuple),
        packs=several(carrier_pack, 2),
    )
    order = st.builds(
        d.ShippedOrder,
        purchase_order=text(20),
        purchase_order_date=none_or(DAYS),
        seller_order=maybe(text(20)),
        parties=several(parties, 1),
        references=several(references(), 2),
        packs=several(carton | pallet),
        items=several(item | item_above, 2),
    )
    return draw(
        st.builds(
            d.ShipNotice,
            shipment=text(20, 2),
            issued=st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)).map(lambda at: at.replace(microsecond=0)),
            purpose=PURPOSES,
            hierarchy=st.sampled_from(["shipment-order-pack-item", "shipment-order-item-pack", "0004"]),
            shipped=none_or(DAYS),
            expected=none_or(DAYS),
            bill_of_lading=maybe(text(20)),
            pro=maybe(text(20)),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            service=maybe(st.sampled_from(["CG", "ND"])),
            packages=none_or(COUNTS),
            package_kind=st.just("CTN25"),
            weight=none_or(QUANTITIES),
            weight_unit=st.just("LB"),
            tracking=several(text(20)),
            parties=several(parties),
            references=several(references()),
            orders=several(order),
            line_count=COUNTS,
        )
    )


@st.composite
def invoices(draw: st.DrawFn) -> d.Invoice:
    lines = draw(
        numbered(
            st.builds(
                d.InvoiceLine,
                line=text(6),
                quantity=QUANTITIES,
                unit=UNITS,
                price=AMOUNTS,
                items=several(items),
                description=descriptions,
                tax=none_or(AMOUNTS),
                allowances=several(allowances, 2),
            )
        )
    )
    return draw(
        st.builds(
            d.Invoice,
            number=text(20),
            purchase_order=text(20),
            issued=DAYS,
            kind=st.sampled_from(["invoice", "credit-memo", "PR"]),
            order_issued=none_or(DAYS),
            seller_order=maybe(text(20)),
            shipment=maybe(text(20)),
            shipped=none_or(DAYS),
            currency=maybe(st.just("USD")),
            bill_of_lading=maybe(text(20)),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            terms=none_or(terms),
            parties=several(parties),
            references=several(references()),
            lines=st.just(lines),
            allowances=several(allowances),
            tax=none_or(AMOUNTS),
            total=AMOUNTS,
            line_count=st.just(len(lines)),
        )
    )


@st.composite
def functional_acknowledgements(draw: st.DrawFn) -> d.FunctionalAcknowledgement:
    words = st.sampled_from(list(error_words.ELEMENT_ERRORS.values()))
    bad = st.text(LETTERS + ' ;"', max_size=8)

    def element(segment: str) -> st.SearchStrategy[str]:
        told = st.tuples(st.integers(1, 40), st.integers(1, 999), words, bad)
        return told.map(
            lambda made: (
                f"{segment}-{made[0]:02} ({made[1]}): {made[2]}"
                + (f", found {error_words.quoted(made[3])}" if made[3] else "")
            )
        )

    def segment(name: str) -> st.SearchStrategy[str]:
        word = st.sampled_from(list(error_words.SEGMENT_ERRORS.values()))
        place = st.integers(1, 999).map(lambda at: f"{name}[{at}]")
        first = st.builds("{}: {}".format, place, word)
        return st.builds(lambda head, tail: "; ".join([head, *tail]), first, st.lists(element(name), max_size=2))

    errors = st.lists(st.sampled_from(["PO1", "N1", "BEG"]).flatmap(segment), max_size=2)
    overall = st.lists(
        st.sampled_from(list(error_words.TRANSACTION_ERRORS.values())).map("transaction: {}".format), max_size=2
    )
    transaction = st.builds(
        d.TransactionAcknowledgement,
        transaction_set=st.sampled_from(["850", "856"]),
        control_number=st.integers(1, 99999).map("{:04}".format),
        status=st.sampled_from(["accepted", "accepted-with-errors", "rejected"]),
        errors=st.builds(lambda one, two: (*one, *two), errors, overall),
    )
    return draw(
        st.builds(
            d.FunctionalAcknowledgement,
            functional_group=st.just("PO"),
            group_control_number=st.integers(1, 99999).map(str),
            status=st.sampled_from(["accepted", "partially-accepted", "rejected"]),
            received=COUNTS,
            included=COUNTS,
            accepted=COUNTS,
            transactions=several(transaction),
            errors=several(st.sampled_from(list(error_words.GROUP_ERRORS.values())).map("group: {}".format), 2),
        )
    )


interchange_acknowledgements = st.builds(
    d.InterchangeAcknowledgement,
    control_number=st.integers(1, 999999999).map("{:09}".format),
    dated=DAYS.filter(lambda day: 1990 <= day.year < 2050),
    time=st.just("0915"),
    status=st.sampled_from(["accepted", "accepted-with-errors", "rejected"]),
    note=st.sampled_from(["000", "025"]),
)

BY_SET = {
    "850": purchase_orders(),
    "860": purchase_order_changes(),
    "855": order_acknowledgements(),
    "940": warehouse_orders(),
    "945": shipping_advices(),
    "856": ship_notices(),
    "810": invoices(),
    "997": functional_acknowledgements(),
    "TA1": interchange_acknowledgements,
}
