"""ATP: never negative, never eaten twice, equal to a plain day-by-day count, and every figure the sum of what stands behind it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.ledger.atp import Promisable, SiteStock, Waiting, atp, waiting
from crossdock.ledger.balances import available
from crossdock.ledger.demand import Demand, ExpectedReceipt, Reservation
from crossdock.ledger.explanation import explain
from crossdock.ledger.movement import Kind, Movement, Place

TODAY = date(2026, 1, 5)
SITES = ("EAST", "WEST")
HORIZON = 20


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def receipt(quantity: int, due: int, site: str = "EAST", **given: Any) -> ExpectedReceipt:
    told: dict[str, Any] = {"source": "erp", "source_id": f"PO-{due}", "line": "1", "kind": "purchase-order", **given}
    return ExpectedReceipt(item="COFFEE", site=site, quantity=Decimal(quantity), due_on=day(due), **told)


def wait(quantity: int, on: int | None, *sites: str) -> Waiting:
    return Waiting("SO-1", "1", Decimal(quantity), None if on is None else day(on), sites)


def curve_of(stock: int, receipts: list[ExpectedReceipt], waits: list[Waiting], **given: Any) -> Promisable:
    return atp("COFFEE", [SiteStock("EAST", Decimal(stock))], receipts, waits, TODAY, **given)


def test_a_promise_today_does_not_eat_what_a_later_demand_counts_on() -> None:
    found = curve_of(100, [receipt(50, 20)], [wait(90, 10, "EAST")])
    assert found.quantity_on(TODAY) == 10
    assert found.quantity_on(day(10)) == 10
    assert found.quantity_on(day(20)) == 60


def test_the_promise_date_is_the_first_day_that_has_as_much() -> None:
    found = curve_of(10, [receipt(50, 5), receipt(50, 9)], [])
    assert [found.promise_date(Decimal(q)) for q in (0, 10, 11, 60, 61, 111)] == [
        TODAY,
        TODAY,
        day(5),
        day(5),
        day(9),
        None,
    ]
    assert found.promise_date(Decimal(11), by=day(4)) is None
    assert found.promise_date(Decimal(11), by=day(5)) == day(5)


def test_a_site_that_lacks_goods_takes_none_of_another_sites() -> None:
    stocks = [SiteStock("EAST", Decimal(5), reserved=Decimal(9)), SiteStock("WEST", Decimal(7))]
    found = atp("COFFEE", stocks, [], [], TODAY)
    assert (found.quantity_on(TODAY, "EAST"), found.quantity_on(TODAY, "WEST"), found.quantity_on(TODAY)) == (0, 7, 7)


def test_what_may_come_from_any_site_can_be_promised_at_none() -> None:
    found = atp("COFFEE", [SiteStock("EAST", Decimal(5))], [], [wait(4, 3, "EAST", "WEST")], TODAY)
    assert found.quantity_on(TODAY, "EAST") == 1
    assert found.promise_date(Decimal(2), site="EAST") is None


def test_overdue_receipts_count_from_today_or_after_so_many_days_not_at_all() -> None:
    late = [receipt(5, -3)]
    assert curve_of(0, late, []).quantity_on(TODAY) == 5
    assert curve_of(0, late, [], overdue_days=3).quantity_on(TODAY) == 5
    assert curve_of(0, late, [], overdue_days=2).promise_date(Decimal(5)) is None


def test_what_has_come_of_a_receipt_and_what_is_closed_is_not_expected_again() -> None:
    coming = [receipt(5, 3, received=Decimal(4)), receipt(5, 4, closed=True), receipt(5, 5, received=Decimal(9))]
    assert curve_of(0, coming, []).by_day() == [(TODAY, 0), (day(3), 1)]


def test_a_site_that_is_not_known_has_nothing_and_a_site_given_twice_is_refused() -> None:
    found = curve_of(5, [], [])
    assert found.quantity_on(TODAY, "MOON") == 0
    assert explain(found, TODAY, "MOON").causes == ()
    with pytest.raises(ValueError, match="twice"):
        atp("COFFEE", [SiteStock("EAST"), SiteStock("EAST")], [], [], TODAY)


def test_a_demand_waits_for_what_it_has_not() -> None:
    asked = datetime(2026, 1, 5, tzinfo=UTC)
    line = Demand(key="A", line="1", item="COFFEE", quantity=Decimal(9), sites=SITES, asked_at=asked)
    assert waiting(line, Decimal(4)) == Waiting("A", "1", Decimal(5), None, SITES)
    assert waiting(line, Decimal(9)) is None


quantities = st.integers(0, 20).map(Decimal)
stocks_of = st.tuples(
    *[
        st.builds(
            SiteStock,
            st.just(site),
            quantities,
            st.integers(0, 5).map(Decimal),
            st.integers(0, 5).map(Decimal),
            quantities,
            st.integers(0, 4).map(Decimal),
        )
        for site in SITES
    ]
)
receipts_of = st.lists(
    st.builds(receipt, st.integers(1, 15), st.integers(-4, HORIZON + 3), st.sampled_from(SITES)), max_size=5
)
waits_of = st.lists(
    st.builds(
        lambda quantity, on, sites: wait(quantity, on, *sites),
        st.integers(1, 15),
        st.none() | st.integers(-2, HORIZON + 3),
        st.sampled_from([("EAST",), ("WEST",), SITES, ()]),
    ),
    max_size=5,
)
situations = st.tuples(stocks_of, receipts_of, waits_of)
Situation = tuple[tuple[SiteStock, ...], list[ExpectedReceipt], list[Waiting]]


def found_in(situation: Situation) -> Promisable:
    return atp("COFFEE", *situation, TODAY, horizon_days=HORIZON)  # type: ignore[arg-type]


def plainly(situation: Situation) -> dict[str, list[Decimal]]:
    """By site and in total ("") and for each day: the definition, counted out day by day."""
    stocks, receipts, waits = situation
    days = range(HORIZON + 1)
    sites: dict[str, list[Decimal]] = {}
    for stock in stocks:
        start = available(stock.storage, stock.allocated, stock.staging, stock.reserved) - stock.buffer
        balance = [
            start
            + sum(r.quantity for r in receipts if r.site == stock.site and max((r.due_on - TODAY).days, 0) <= d)
            - sum(w.quantity for w in waits if w.sites == (stock.site,) and (w.on is None or w.on <= day(d)))
            for d in days
        ]
        sites[stock.site] = [max(min(balance[d:]), Decimal(0)) for d in days]
    anywhere = [sum(w.quantity for w in waits if len(w.sites) != 1 and (w.on is None or w.on <= day(d))) for d in days]
    together = [sum(site[d] for site in sites.values()) - anywhere[d] for d in days]
    total = [max(min(together[d:]), Decimal(0)) for d in days]
    return {"": total, **{name: [min(q, t) for q, t in zip(site, total, strict=True)] for name, site in sites.items()}}


@settings(max_examples=120)
@given(situations)
def test_the_steps_are_what_counting_day_by_day_gives(situation: Situation) -> None:
    found = found_in(situation)
    for site, expected in plainly(situation).items():
        assert [found.quantity_on(day(d), site or None) for d in range(HORIZON + 1)] == expected
        rows = dict(found.by_day(site or None))
        assert all(expected[(on - TODAY).days] == quantity for on, quantity in rows.items())
        assert len(rows) == len(set(expected))


def test_nothing_at_all_can_be_promised_today_even_where_the_buffer_is_not_there() -> None:
    stocks = [SiteStock("EAST"), SiteStock("WEST", buffer=Decimal(1))]
    found = atp("COFFEE", stocks, [receipt(1, 1, "WEST")], [], TODAY)
    assert found.promise_date(Decimal(0), site="WEST") == TODAY


@given(situations, st.integers(0, 40).map(Decimal), st.sampled_from([None, *SITES]))
def test_a_promise_date_is_the_first_day_with_enough(situation: Situation, quantity: Decimal, site: str | None) -> None:
    expected = plainly(situation)[site or ""]
    enough = [d for d in range(HORIZON + 1) if expected[d] >= quantity]
    assert found_in(situation).promise_date(quantity, site=site) == (day(enough[0]) if enough else None)


@given(situations, st.builds(receipt, st.integers(1, 9), st.integers(-2, HORIZON), st.sampled_from(SITES)))
def test_another_receipt_lowers_no_figure(situation: Situation, more: ExpectedReceipt) -> None:
    stocks, receipts, waits = situation
    before, after = found_in(situation), found_in((stocks, [*receipts, more], waits))
    for site in (None, *SITES):
        assert all(after.quantity_on(day(d), site) >= before.quantity_on(day(d), site) >= 0 for d in range(HORIZON + 1))


@given(situations, waits_of.filter(bool))
def test_another_demand_raises_no_figure(situation: Situation, more: list[Waiting]) -> None:
    stocks, receipts, waits = situation
    before, after = found_in(situation), found_in((stocks, receipts, [*waits, more[0]]))
    for site in (None, *SITES):
        assert all(after.quantity_on(day(d), site) <= before.quantity_on(day(d), site) for d in range(HORIZON + 1))


@given(situations, st.integers(0, HORIZON), st.data())
def test_what_is_promised_can_be_taken_and_leaves_every_earlier_promise_whole(
    situation: Situation, on: int, data: st.DataObject
) -> None:
    stocks, receipts, waits = situation
    there = int(found_in(situation).quantity_on(day(on), "EAST"))
    if there:
        taken = data.draw(st.integers(1, there))
        after = plainly((stocks, receipts, [*waits, wait(taken, on, "EAST")]))
        before = plainly(situation)
        assert all(mine >= was - taken for mine, was in zip(after["EAST"], before["EAST"], strict=True))
        assert after["EAST"][on] == before["EAST"][on] - taken
        assert min(q + taken for q in after[""][on:]) >= min(before[""][on:])


def _movement(number: int, kind: Kind, origin: Place, destination: Place, site: str, quantity: int) -> Movement:
    return Movement(
        source="wms",
        source_id=str(number),
        kind=kind,
        item="COFFEE",
        site=site,
        quantity=Decimal(quantity),
        origin=origin,
        destination=destination,
        occurred_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


some_movements = st.lists(
    st.tuples(
        st.sampled_from(
            [
                (Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE),
                (Kind.PICK, Place.STORAGE, Place.STAGING),
                (Kind.SHIP, Place.STAGING, Place.CUSTOMER),
                (Kind.PACK, Place.STAGING, Place.STAGING),
            ]
        ),
        st.sampled_from(SITES),
        st.integers(1, 9),
    ),
    max_size=5,
).map(lambda told: [_movement(n, *legs, site, q) for n, (legs, site, q) in enumerate(told)])
some_reservations = st.lists(
    st.builds(
        lambda site, quantity: Reservation(key="SO-2", line="1", item="COFFEE", site=site, quantity=Decimal(quantity)),
        st.sampled_from(SITES),
        st.integers(1, 9),
    ),
    max_size=3,
)


@settings(max_examples=120)
@given(
    situations, st.integers(-1, HORIZON + 1), st.sampled_from([None, *SITES, "MOON"]), some_movements, some_reservations
)
def test_what_stands_behind_a_figure_adds_up_to_it(
    situation: Situation, on: int, site: str | None, movements: list[Movement], reservations: list[Reservation]
) -> None:
    found = found_in(situation)
    told = explain(found, day(on), site, movements=movements, reservations=reservations)
    assert told.figure == found.quantity_on(day(on), site)
    assert sum(cause.quantity for cause in told.causes) == told.figure
    assert told.day <= told.decided_on <= day(HORIZON)
    named = {cause.source_id for cause in told.causes if cause.source == "wms"}
    moving = [m for m in movements if m.origin is not m.destination and (site is None or m.site == site)]
    assert named == {m.source_id for m in moving}


def test_an_explanation_names_each_movement_reservation_receipt_and_demand() -> None:
    stock = SiteStock("EAST", Decimal(40), reserved=Decimal(6), buffer=Decimal(3))
    found = atp("COFFEE", [stock], [receipt(10, 4)], [wait(2, 5, "EAST")], TODAY)
    told = explain(
        found,
        day(5),
        "EAST",
        movements=[_movement(7, Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE, "EAST", 30)],
        reservations=[Reservation(key="SO-2", line="3", item="COFFEE", site="EAST", quantity=Decimal(6))],
    )
    assert [(c.what, int(c.quantity), c.source_id, c.line) for c in told.causes] == [
        ("storage", 10, "", ""),
        ("storage", 30, "7", ""),
        ("reserved", -6, "SO-2", "3"),
        ("buffer", -3, "", ""),
        ("receipt", 10, "PO-4", "1"),
        ("waiting", -2, "SO-1", "1"),
    ]
    assert told.figure == 39
