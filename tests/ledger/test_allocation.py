"""Shares of what is short: all of it is given out, nobody gets more than wanted, and always the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from crossdock.ledger.allocation import Sharing, share
from crossdock.ledger.demand import Demand

START = datetime(2026, 1, 5, tzinfo=UTC)
SHARINGS = st.sampled_from(get_args(Sharing))


def wanting(*wants: int, priorities: tuple[int, ...] = ()) -> list[Demand]:
    """Demands A, B, C ... that asked in this order."""
    return [
        Demand(
            key="ABCDEFGH"[n],
            line="1",
            item="COFFEE",
            quantity=Decimal(want),
            sites=("EAST",),
            asked_at=START + timedelta(minutes=n),
            priority=priorities[n] if priorities else 100,
        )
        for n, want in enumerate(wants)
    ]


def given_out(demands: list[Demand], supply: int, sharing: Sharing, multiple: int = 1) -> list[Decimal]:
    got = share(demands, Decimal(supply), sharing, multiple=Decimal(multiple))
    return [got[each.key, each.line] for each in demands]


def test_the_better_priority_is_served_first_and_within_one_who_asked_first() -> None:
    assert given_out(wanting(5, 5, 5, priorities=(9, 1, 1)), 8, "priority") == [0, 5, 3]


def test_first_come_first_served_looks_at_no_priority() -> None:
    assert given_out(wanting(5, 5, 5, priorities=(9, 1, 1)), 8, "first-come") == [5, 3, 0]


def test_a_fair_share_goes_by_what_is_wanted_and_the_rest_to_the_largest_remainders() -> None:
    assert given_out(wanting(50, 30, 20), 11, "fair-share") == [6, 3, 2]
    assert given_out(wanting(5, 5, 5), 4, "fair-share") == [2, 1, 1]


def test_shares_are_whole_multiples_or_all_that_is_wanted() -> None:
    assert given_out(wanting(24, 24), 30, "fair-share", 12) == [12, 12]
    assert given_out(wanting(24, 5), 28, "first-come", 12) == [24, 0]
    assert given_out(wanting(5, 24), 28, "first-come", 12) == [5, 12]


demands = st.lists(st.integers(0, 60), min_size=1, max_size=7).map(lambda wants: wanting(*wants))


@given(demands, st.integers(0, 200), SHARINGS, st.sampled_from([1, 6, 12]))
def test_nobody_gets_more_than_wanted_and_all_together_no_more_than_there_is(
    among: list[Demand], supply: int, sharing: Sharing, multiple: int
) -> None:
    got = given_out(among, supply, sharing, multiple)
    wants = [each.quantity for each in among]
    assert all(0 <= mine <= want for mine, want in zip(got, wants, strict=True))
    assert sum(got) <= supply
    assert all(mine in (want, mine // multiple * multiple) for mine, want in zip(got, wants, strict=True))
    left = supply - sum(got)
    assert all(mine == want or min(multiple, want - mine) > left for mine, want in zip(got, wants, strict=True))


@given(demands, st.integers(0, 200), SHARINGS)
def test_single_units_are_given_out_to_the_last(among: list[Demand], supply: int, sharing: Sharing) -> None:
    assert sum(given_out(among, supply, sharing)) == min(supply, sum(each.quantity for each in among))


@given(demands, st.integers(0, 200))
def test_a_fair_share_is_less_than_a_unit_off_the_exact_one(among: list[Demand], supply: int) -> None:
    total = sum(each.quantity for each in among)
    if supply < total:
        for mine, each in zip(given_out(among, supply, "fair-share"), among, strict=True):
            assert abs(mine * total - each.quantity * supply) < total


@given(demands, st.integers(0, 200), SHARINGS, st.randoms(use_true_random=False))
def test_the_order_in_which_demands_are_named_decides_nothing(
    among: list[Demand], supply: int, sharing: Sharing, random: Random
) -> None:
    shuffled = list(among)
    random.shuffle(shuffled)
    assert share(shuffled, Decimal(supply), sharing) == share(among, Decimal(supply), sharing)
