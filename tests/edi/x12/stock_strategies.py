"""Hypothesis strategies for documents about stock that X12 can tell in full."""

from datetime import datetime
from decimal import Decimal

from document_strategies import (
    DAYS,
    QUANTITIES,
    UNITS,
    maybe,
    none_or,
    numbered,
    parties,
    references,
    several,
    text,
)
from hypothesis import strategies as st

from crossdock.trade import documents as d
from crossdock.trade import stock

WHOLE = st.integers(0, 99999).map(Decimal)
KINDS = ["gtin-12", "gtin-13", "buyer-item", "seller-item", "sku", "CB"]
items = st.lists(st.builds(d.ItemReference, qualifier=st.sampled_from(KINDS), id=text(20)), min_size=1, max_size=3).map(
    tuple
)
LINES = st.integers(1, 9999).map(str)


@st.composite
def receipts(draw: st.DrawFn) -> stock.StockTransferReceiptAdvice:
    exceptions = st.builds(
        stock.ReceivingException,
        quantity=WHOLE,
        unit=UNITS,
        condition=st.sampled_from(["damaged", "short", "over", "quality", "rejected", "on-hold", "16"]),
        lot=maybe(text(10)),
        cause=maybe(text(2, 2)),
    )
    lines = numbered(
        st.builds(
            stock.ReceivedLine,
            line=LINES,
            quantity=QUANTITIES,
            unit=UNITS,
            items=items,
            description=maybe(text(40)),
            lot=maybe(text(10)),
            references=several(references()),
            exceptions=several(exceptions),
        )
    )
    return draw(
        st.builds(
            stock.StockTransferReceiptAdvice,
            receipt=text(20),
            received=DAYS,
            depositor_order=maybe(text(20)),
            shipment=maybe(text(20)),
            arrived=none_or(DAYS),
            parties=several(parties),
            references=several(references()),
            notes=several(text(80)),
            lines=lines,
            total_quantity=QUANTITIES,
        )
    )


@st.composite
def shipments(draw: st.DrawFn) -> stock.StockTransferShipmentAdvice:
    lines = numbered(
        st.builds(
            stock.ShippedStockLine,
            line=LINES,
            quantity=WHOLE,
            unit=UNITS,
            items=items,
            description=maybe(text(40)),
            lot=maybe(text(20)),
            references=several(references()),
        )
    )
    return draw(
        st.builds(
            stock.StockTransferShipmentAdvice,
            depositor_order=text(20),
            shipped=none_or(DAYS),
            shipment=maybe(text(20)),
            purchase_order=maybe(text(20)),
            expected=none_or(DAYS),
            carrier=maybe(st.sampled_from(["UPSN", "FDEG"])),
            routing=maybe(text(30)),
            parties=several(parties),
            references=several(references()),
            notes=several(text(80)),
            lines=lines,
            total_quantity=WHOLE,
        )
    )


@st.composite
def adjustments(draw: st.DrawFn) -> stock.InventoryAdjustmentAdvice:
    lines = numbered(
        st.builds(
            stock.AdjustedLine,
            line=LINES,
            reason=st.sampled_from(["AA", "AU", "05", "55"]),
            quantity=st.integers(-9999, 9999).map(Decimal),
            unit=UNITS,
            items=items,
            description=maybe(text(40)),
            lot=maybe(text(10)),
            references=several(references()),
        )
    )
    return draw(
        st.builds(
            stock.InventoryAdjustmentAdvice,
            number=text(20),
            purpose=st.sampled_from(["original", "replace", "cancellation"]),
            adjusted=DAYS,
            depositor_number=maybe(text(20)),
            parties=several(parties),
            references=several(references()),
            notes=several(text(80)),
            lines=lines,
        )
    )


@st.composite
def advices(draw: st.DrawFn) -> stock.InventoryAdvice:
    places = st.builds(
        stock.PlacedQuantity,
        quantity=QUANTITIES,
        unit=UNITS,
        site=text(20),
        role=st.sampled_from(["warehouse", "ship-from"]),
        on=none_or(DAYS),
    )
    levels = st.builds(
        stock.StockLevel,
        status=st.sampled_from(["available", "on-hand", "on-order", "expected", "backordered", "QC"]),
        quantity=QUANTITIES,
        unit=UNITS,
        on=none_or(DAYS),
        places=several(places),
    )
    lines = draw(
        numbered(
            st.builds(
                stock.InventoryLine,
                line=LINES,
                items=items,
                description=maybe(text(40)),
                lot=maybe(text(20)),
                levels=several(levels),
            )
        )
    )
    return draw(
        st.builds(
            stock.InventoryAdvice,
            number=text(20),
            kind=st.sampled_from(["seller", "distributor", "PI"]),
            purpose=st.sampled_from(["original", "change"]),
            as_of=st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)).map(lambda at: at.replace(microsecond=0)),
            parties=several(parties),
            references=several(references()),
            lines=st.just(lines),
            line_count=st.just(len(lines)),
        )
    )


STOCK_BY_SET = {"943": shipments(), "944": receipts(), "947": adjustments(), "846": advices()}
