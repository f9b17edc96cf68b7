"""Offers to channels, and how far those are believed on whose word they are made."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.ledger.atp import SiteStock, Waiting, atp
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.freshness import FRESH, Belief, Freshness, FreshnessRule, freshness, least
from crossdock.ledger.offer import ChannelRule, offer, offer_with_next

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TODAY = NOON.date()
HOUR = timedelta(hours=1)
STALE = Freshness(Belief.STALE, Decimal(3))
STOPPED = Freshness(Belief.STOPPED)

RULE = ChannelRule(
    share_percent=Decimal(50),
    buffer=Decimal(4),
    buffer_percent=Decimal(10),
    cap=Decimal(30),
    minimum=Decimal(5),
    multiple=Decimal(1),
)


@pytest.mark.parametrize(
    ("available", "quantity", "limit"),
    [
        (100, 30, "cap"),
        (50, 20, "share"),
        (15, 0, "minimum"),
        (0, 0, "nothing-available"),
        (-7, 0, "nothing-available"),
    ],
)
def test_buffer_share_cap_and_minimum_in_this_order(available: int, quantity: int, limit: str) -> None:
    told = offer(Decimal(available), RULE)
    assert (told.quantity, told.limit) == (quantity, limit)


def test_a_stale_source_widens_the_buffer_and_a_stopped_one_offers_nothing() -> None:
    rule = ChannelRule(buffer=Decimal(10))
    assert [offer(Decimal(100), rule, each).quantity for each in (FRESH, STALE, STOPPED)] == [90, 70, 0]
    assert offer(Decimal(100), rule, STOPPED).limit == "stopped"
    assert offer(Decimal(100), ChannelRule(), STALE).quantity == 100, "where nothing is held back nothing widens"


def test_what_is_told_is_in_whole_multiples() -> None:
    assert offer(Decimal(100), ChannelRule(multiple=Decimal(12))).quantity == 96
    assert offer(Decimal("2.5"), ChannelRule(multiple=Decimal(0))).quantity == Decimal("2.5")


rules = st.builds(
    ChannelRule,
    share_percent=st.integers(0, 100).map(Decimal),
    buffer=st.integers(0, 30).map(Decimal),
    buffer_percent=st.integers(0, 100).map(Decimal),
    cap=st.none() | st.integers(0, 50).map(Decimal),
    minimum=st.integers(0, 20).map(Decimal),
    multiple=st.sampled_from([Decimal(1), Decimal(6)]),
)
beliefs = st.sampled_from([FRESH, STALE, STOPPED])


@given(st.integers(-20, 200).map(Decimal), rules, beliefs)
def test_an_offer_is_never_more_than_there_is_nor_less_than_nothing(
    available: Decimal, rule: ChannelRule, belief: Freshness
) -> None:
    told = offer(available, rule, belief)
    assert 0 <= told.quantity <= max(available, Decimal(0))
    assert told.quantity % rule.multiple == 0
    assert told.quantity == 0 or told.quantity >= rule.minimum
    assert rule.cap is None or told.quantity <= rule.cap


@given(st.integers(0, 200).map(Decimal), st.integers(0, 50).map(Decimal), rules, beliefs)
def test_more_stock_never_makes_an_offer_smaller_and_less_belief_never_larger(
    available: Decimal, more: Decimal, rule: ChannelRule, belief: Freshness
) -> None:
    assert offer(available + more, rule, belief).quantity >= offer(available, rule, belief).quantity
    assert offer(available, rule, belief).quantity <= offer(available, rule).quantity


def test_the_next_receipt_is_told_less_what_is_owed_of_it_and_by_the_same_rule() -> None:
    coming = ExpectedReceipt(
        source="erp",
        source_id="PO-1",
        line="1",
        kind="purchase-order",
        item="COFFEE",
        site="EAST",
        quantity=Decimal(50),
        due_on=TODAY + timedelta(days=9),
    )
    waits = [Waiting("SO-1", "1", Decimal(10), TODAY + timedelta(days=9), ("EAST",))]
    promisable = atp("COFFEE", [SiteStock("EAST", Decimal(20))], [coming], waits, TODAY)
    told = offer_with_next(promisable, ChannelRule(share_percent=Decimal(50)), site="EAST")
    assert (told.quantity, told.next_on, told.next_quantity) == (10, date(2026, 1, 14), 20)
    capped = offer_with_next(promisable, ChannelRule(cap=Decimal(5)))
    assert (capped.quantity, capped.next_on) == (5, None)
    assert offer_with_next(promisable, ChannelRule(), STOPPED).next_on is None


AGE = FreshnessRule(stale_after=HOUR, buffer_factor=Decimal(2), stop_after=3 * HOUR)


@pytest.mark.parametrize(
    ("age", "belief", "changes_in"),
    [
        (timedelta(0), Belief.FRESH, HOUR + timedelta(microseconds=1)),
        (HOUR, Belief.FRESH, timedelta(microseconds=1)),
        (2 * HOUR, Belief.STALE, HOUR),
        (3 * HOUR, Belief.STOPPED, None),
    ],
)
def test_a_source_is_fresh_then_stale_then_stopped(
    age: timedelta, belief: Belief, changes_in: timedelta | None
) -> None:
    found = freshness(NOON - age, NOON, AGE)
    assert found.belief is belief
    assert found.changes_at == (None if changes_in is None else NOON + changes_in)


@given(st.integers(0, 300), st.none() | st.integers(1, 200), st.none() | st.integers(1, 200))
def test_a_belief_changes_at_the_moment_it_names_and_not_before(age: int, stale: int | None, stop: int | None) -> None:
    minute = timedelta(minutes=1)
    rule = FreshnessRule(
        stale_after=None if stale is None else stale * minute, stop_after=None if stop is None else stop * minute
    )
    heard = NOON - age * minute
    found = freshness(heard, NOON, rule)
    if found.changes_at is None:
        assert freshness(heard, NOON + timedelta(days=99), rule).belief is found.belief
    else:
        assert found.changes_at > NOON
        assert freshness(heard, found.changes_at - timedelta(microseconds=1), rule).belief is found.belief
        assert freshness(heard, found.changes_at, rule).belief is not found.belief


def test_who_was_never_heard_is_not_believed_unless_there_is_no_rule() -> None:
    assert freshness(None, NOON, AGE).belief is Belief.STOPPED
    assert freshness(None, NOON, FreshnessRule(stale_after=HOUR)).belief is Belief.STALE
    assert freshness(None, NOON, FreshnessRule()) == FRESH


def test_a_figure_is_worth_its_least_believed_source() -> None:
    stale = Freshness(Belief.STALE, Decimal(2), NOON + HOUR)
    assert least([FRESH, stale]) == stale
    assert least([stale, STOPPED]) == Freshness(Belief.STOPPED, Decimal(2), NOON + HOUR)
    assert least([]) == FRESH
