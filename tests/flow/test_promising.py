"""Many items promised at once are promised as they would be one by one."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.flow.promising import by_item, promisable
from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ports.stock import Stock, Supply, Wanting

TODAY = date(2026, 1, 5)
ITEMS, SITES = ("COFFEE", "TEA", "CUPS"), ("EAST", "WEST")

places = st.tuples(st.sampled_from(ITEMS), st.sampled_from(SITES))
figures = st.integers(0, 50).map(Decimal)
days = st.integers(-3, 40)


@st.composite
def supplies(draw: st.DrawFn) -> Supply:
    stock = {
        (item, site): Stock(item=item, site=site, storage=storage)
        for (item, site), storage in draw(st.dictionaries(places, figures)).items()
    }
    receipts = [
        ExpectedReceipt(
            source="erp",
            source_id=f"PO-{number}",
            line="1",
            kind="purchase-order",
            item=item,
            site=site,
            quantity=quantity,
            due_on=TODAY + timedelta(days=due),
        )
        for number, ((item, site), quantity, due) in enumerate(draw(st.lists(st.tuples(places, figures, days))))
    ]
    demands = [
        Wanting(
            Demand(
                key=f"SO-{number}",
                line="1",
                item=item,
                quantity=quantity + 1,
                sites=(site,),
                asked_at=datetime(2026, 1, 4, tzinfo=UTC),
            ),
            Decimal(0),
        )
        for number, ((item, site), quantity) in enumerate(draw(st.lists(st.tuples(places, figures))))
    ]
    return Supply(stock, receipts, demands)


@given(supplies())
def test_an_items_promise_is_the_same_whether_it_is_asked_for_alone_or_among_many(supply: Supply) -> None:
    apart = by_item(supply)
    assert set(apart) == {item for item, _ in supply.stock}
    for item, of_item in apart.items():
        assert promisable(item, of_item, None, TODAY) == promisable(item, supply, None, TODAY)
