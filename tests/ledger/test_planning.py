"""Plans: never more than there is, what is held is kept, and who gets what is short."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crossdock.ledger.allocation import Sharing
from crossdock.ledger.demand import Demand, ExpectedReceipt, Promise, Reservation
from crossdock.ledger.planning import Pair, Planning, pairs, plan

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
TODAY = NOW.date()
ITEMS, SITES = ("COFFEE", "TEA"), ("EAST", "WEST", "NORTH")


def demand(key: str, quantity: int, *sites: str, **given: Any) -> Demand:
    told: dict[str, Any] = {"line": "1", "item": "COFFEE", "asked_at": NOW, **given}
    return Demand(key=key, quantity=Decimal(quantity), sites=sites or ("EAST",), **told)


def receipt(quantity: int, days: int, site: str = "EAST", **given: Any) -> ExpectedReceipt:
    told: dict[str, Any] = {"source": "erp", "source_id": f"PO-{days}", "line": "1", "kind": "purchase-order", **given}
    return ExpectedReceipt(
        item="COFFEE", site=site, quantity=Decimal(quantity), due_on=TODAY + timedelta(days=days), **told
    )


def planned(demands: Sequence[Demand], free: Mapping[Any, int], *args: Any, **given: Any) -> list[Promise]:
    there = {(k if isinstance(k, tuple) else ("COFFEE", k)): Decimal(q) for k, q in free.items()}
    return plan(demands, there, *args, now=NOW, today=TODAY, **given)


def got(promise: Promise) -> dict[str, int]:
    return {f"{r.item} {r.site}": int(r.quantity) for r in promise.reserved}


def test_one_site_that_has_all_of_it_goes_before_a_better_one_that_has_some() -> None:
    (promise,) = planned([demand("A", 10, "EAST", "WEST")], {"EAST": 8, "WEST": 10})
    assert got(promise) == {"COFFEE WEST": 10}
    (promise,) = planned([demand("A", 10, "EAST", "WEST", split=True)], {"EAST": 8, "WEST": 10})
    assert got(promise) == {"COFFEE WEST": 10}


def test_a_line_that_may_be_split_takes_from_its_sites_in_order_when_none_has_all() -> None:
    (promise,) = planned([demand("A", 12, "EAST", "WEST", split=True)], {"EAST": 8, "WEST": 10})
    assert got(promise) == {"COFFEE EAST": 8, "COFFEE WEST": 4}


def test_a_line_that_may_not_be_split_takes_from_the_site_with_most_and_waits_for_the_rest() -> None:
    (promise,) = planned([demand("A", 12, "EAST", "WEST")], {"EAST": 8, "WEST": 10})
    assert got(promise) == {"COFFEE WEST": 10}
    assert promise.backordered == 2


def test_substitutes_fill_what_the_item_itself_does_not() -> None:
    free = {"EAST": 8, ("TEA", "EAST"): 20}
    (promise,) = planned([demand("A", 12, substitutes=("TEA",))], free)
    assert got(promise) == {"COFFEE EAST": 8, "TEA EAST": 4}


def test_ship_complete_takes_all_or_nothing_and_says_when_all_is_there() -> None:
    (promise,) = planned([demand("A", 12, short="ship-complete")], {"EAST": 8}, [receipt(3, 2), receipt(1, 4)])
    assert promise.reserved == ()
    assert promise.backordered == 12
    assert promise.promised_on == TODAY + timedelta(days=4)


def test_cancel_takes_what_there_is_and_waits_for_nothing() -> None:
    (promise,) = planned([demand("A", 12, short="cancel")], {"EAST": 8}, [receipt(30, 2)])
    assert (got(promise), promise.backordered, promise.promised_on) == ({"COFFEE EAST": 8}, 0, None)


def test_a_receipt_is_promised_once_and_not_again_to_who_waits_behind() -> None:
    first, second, third = planned([demand(key, 5) for key in "ABC"], {"EAST": 2}, [receipt(4, 3), receipt(6, 9)])
    assert [p.promised_on for p in (first, second, third)] == [
        TODAY + timedelta(days=3),
        TODAY + timedelta(days=9),
        None,
    ]


def test_what_others_wait_for_and_what_firm_lines_lack_is_not_promised_again() -> None:
    demands, coming = [demand("A", 5)], [receipt(5, 3), receipt(5, 9)]
    assert planned(demands, {}, coming)[0].promised_on == TODAY + timedelta(days=3)
    for short in ({"claimed": {("COFFEE", "EAST"): Decimal(1)}}, {}):
        (promise,) = planned(demands, {} if short else {"EAST": -1}, coming, **short)
        assert promise.promised_on == TODAY + timedelta(days=9)


def test_an_overdue_receipt_counts_from_today_or_when_overdue_too_long_not_at_all() -> None:
    late = [receipt(5, -3)]
    assert planned([demand("A", 5)], {}, late)[0].promised_on == TODAY
    assert planned([demand("A", 5)], {}, late, planning=Planning(overdue_days=2))[0].promised_on is None
    assert planned([demand("A", 5)], {}, [receipt(5, 3, received=Decimal(1))])[0].promised_on is None


def held(key: str, quantity: int, site: str = "EAST", item: str = "COFFEE") -> Reservation:
    return Reservation(key=key, line="1", item=item, site=site, quantity=Decimal(quantity))


def test_when_stock_shrinks_the_last_in_rank_lose_first_and_firm_ones_nothing() -> None:
    demands = [
        demand("A", 5, asked_at=NOW),
        demand("B", 5, asked_at=NOW + timedelta(minutes=1), firm=True),
        demand("C", 5, asked_at=NOW - timedelta(days=1)),
        demand("D", 5, asked_at=NOW + timedelta(minutes=2)),
    ]
    have = [held(key, 5) for key in "ABCD"]
    promises = planned(demands, {"EAST": -7}, held=have)
    assert [got(p).get("COFFEE EAST", 0) for p in promises] == [3, 5, 5, 0]
    promises = planned(demands, {"EAST": -18}, held=have)
    assert [got(p).get("COFFEE EAST", 0) for p in promises] == [0, 5, 0, 0]


def test_when_stock_grows_those_who_wait_get_it_in_rank() -> None:
    demands = [demand("A", 5, priority=2), demand("B", 5, priority=1), demand("C", 5, priority=1)]
    promises = planned(demands, {"EAST": 7}, held=[held("A", 1)], planning=Planning(sharing="priority"))
    assert [got(p).get("COFFEE EAST", 0) for p in promises] == [1, 5, 2]


def test_a_better_demand_takes_from_soft_reservations_only_where_policy_lets_it() -> None:
    demands = [demand("A", 5, priority=9), demand("B", 5, priority=1), demand("C", 2, priority=9, firm=True)]
    have = [held("A", 5), held("C", 2)]
    calm = planned(demands, {}, held=have, planning=Planning(sharing="priority"))
    assert [got(p).get("COFFEE EAST", 0) for p in calm] == [5, 0, 2]
    moved = planned(demands, {}, held=have, planning=Planning(sharing="priority", preempt=True))
    assert [got(p).get("COFFEE EAST", 0) for p in moved] == [0, 5, 2]


def test_a_soft_reservation_is_given_back_when_its_time_is_over_and_a_firm_one_is_not() -> None:
    over = {"expires_at": NOW}
    demands = [demand("A", 5, **over), demand("B", 5, firm=True, **over), demand("C", 5)]
    promises = planned(demands, {}, held=[held("A", 5), held("B", 5)])
    assert [got(p).get("COFFEE EAST", 0) for p in promises] == [0, 5, 5]
    assert promises[0].promised_on is None


def test_a_demand_of_nothing_gives_back_what_it_has() -> None:
    nothing, waiting = planned([demand("A", 0), demand("B", 5)], {}, held=[held("A", 5)])
    assert nothing == Promise(key="A", line="1")
    assert got(waiting) == {"COFFEE EAST": 5}


def test_a_soft_line_moves_to_another_site_only_where_that_has_all_of_it() -> None:
    line = demand("A", 10, "EAST", "WEST")
    assert got(planned([line], {"WEST": 9}, held=[held("A", 4)])[0]) == {"COFFEE EAST": 4}
    assert got(planned([line], {"WEST": 10}, held=[held("A", 4)])[0]) == {"COFFEE WEST": 10}
    assert got(planned([line], {"EAST": 6, "WEST": 10}, held=[held("A", 4)])[0]) == {"COFFEE EAST": 10}


def test_a_part_is_in_whole_multiples_of_the_item() -> None:
    whole = Planning(multiples={"COFFEE": Decimal(12)})
    (promise,) = planned([demand("A", 30)], {"EAST": 29}, planning=whole)
    assert got(promise) == {"COFFEE EAST": 24}


def test_a_fair_share_leaves_nobody_empty_where_all_can_have_some() -> None:
    demands = [demand("A", 50), demand("B", 30), demand("C", 20)]
    promises = planned(demands, {"EAST": 10}, planning=Planning(sharing="fair-share"))
    assert [got(p)["COFFEE EAST"] for p in promises] == [5, 3, 2]


def test_a_share_that_lies_where_one_may_not_take_it_goes_to_those_who_may() -> None:
    demands = [demand("A", 10, "EAST"), demand("B", 10, "WEST"), demand("C", 10, "WEST")]
    promises = planned(demands, {"EAST": 2, "WEST": 10}, planning=Planning(sharing="fair-share"))
    assert [sum(got(p).values()) for p in promises] == [2, 5, 5]


def test_what_is_planned_is_locked_in_one_order() -> None:
    demands = [demand("A", 1, "WEST", "EAST", substitutes=("APPLE",)), demand("B", 1, "EAST")]
    assert pairs(demands) == [("APPLE", "EAST"), ("APPLE", "WEST"), ("COFFEE", "EAST"), ("COFFEE", "WEST")]


def test_a_line_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        planned([demand("A", 1), demand("A", 2)], {})


subsets = st.lists(st.sampled_from(SITES), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Demand], dict[Pair, Decimal], list[Reservation], Planning]:
    demands, reservations = [], []
    for n in range(draw(st.integers(1, 6))):
        item = draw(st.sampled_from(ITEMS))
        others = tuple(each for each in ITEMS if each != item)
        demands.append(
            Demand(
                key=f"SO-{n}",
                line="1",
                item=item,
                quantity=Decimal(draw(st.integers(0, 12))),
                sites=draw(subsets),
                asked_at=NOW + timedelta(minutes=draw(st.integers(0, 3))),
                split=draw(st.booleans()),
                substitutes=draw(st.sampled_from([(), others])),
                short=draw(st.sampled_from(["backorder", "ship-complete", "cancel"])),
                priority=draw(st.integers(1, 2)),
                firm=draw(st.sampled_from([False, False, True])),
                expires_at=draw(st.sampled_from([None, None, NOW, NOW + timedelta(days=1)])),
            )
        )
        holds = draw(st.dictionaries(st.sampled_from(list(product(ITEMS, SITES))), st.integers(1, 8), max_size=2))
        reservations += [
            Reservation(key=f"SO-{n}", line="1", item=item, site=site, quantity=Decimal(quantity))
            for (item, site), quantity in holds.items()
        ]
    free = {pair: Decimal(draw(st.integers(-4, 15))) for pair in product(ITEMS, SITES)}
    planning = Planning(
        sharing=draw(st.sampled_from(get_args(Sharing))),
        preempt=draw(st.booleans()),
        multiples=draw(st.sampled_from([{}, {"TEA": Decimal(4)}])),
    )
    return demands, free, reservations, planning


def _sums(reserved: Sequence[Reservation]) -> dict[Pair, Decimal]:
    sums: dict[Pair, Decimal] = defaultdict(Decimal)
    for each in reserved:
        sums[each.item, each.site] += each.quantity
    return sums


@settings(max_examples=150)
@given(situations())
def test_never_more_is_promised_than_there_is(
    situation: tuple[list[Demand], dict[Pair, Decimal], list[Reservation], Planning],
) -> None:
    demands, free, have, planning = situation
    promises = plan(demands, free, now=NOW, today=TODAY, held=have, planning=planning)
    before, after = _sums(have), _sums([r for p in promises for r in p.reserved])
    firm = {(d.key, d.line) for d in demands if d.firm}
    of_firm = _sums([r for r in have if (r.key, r.line) in firm])
    for pair in free:
        assert after[pair] <= max(free[pair] + before[pair], of_firm[pair])
    for each, promise in zip(demands, promises, strict=True):
        reserved = sum((r.quantity for r in promise.reserved), Decimal(0))
        assert all(r.quantity > 0 for r in promise.reserved)
        assert reserved <= each.quantity
        if each.short == "cancel":
            assert promise.backordered == 0
        else:
            assert promise.backordered == each.quantity - reserved
        if not each.firm:
            sites = {r.site for r in promise.reserved}
            assert sites <= set(each.sites)
            assert each.split or len(sites) <= 1
            assert {r.item for r in promise.reserved} <= {each.item, *each.substitutes}
            assert each.short != "ship-complete" or reserved in (0, each.quantity)
        else:
            mine = sum((r.quantity for r in have if r.key == each.key), Decimal(0))
            assert reserved >= min(mine, each.quantity)
            event("a firm line")


@settings(max_examples=100)
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_named_decides_nothing(
    situation: tuple[list[Demand], dict[Pair, Decimal], list[Reservation], Planning], random: Random
) -> None:
    demands, free, have, planning = situation
    there = [receipt(7, 3), receipt(4, 1, "WEST"), receipt(9, 20, "NORTH")]
    told = plan(demands, free, there, now=NOW, today=TODAY, held=have, planning=planning)
    for each in (demands, have, there):
        random.shuffle(each)
    again = plan(
        demands,
        dict(sorted(free.items(), reverse=True)),
        there,
        now=NOW,
        today=TODAY,
        held=have,
        planning=planning,
    )
    assert sorted(again, key=lambda p: p.key) == told


@settings(max_examples=100)
@given(situations())
def test_planning_again_changes_nothing(
    situation: tuple[list[Demand], dict[Pair, Decimal], list[Reservation], Planning],
) -> None:
    demands, free, have, planning = situation
    planning = replace(planning, preempt=False)
    told = plan(demands, free, now=NOW, today=TODAY, held=have, planning=planning)
    reserved = [r for p in told for r in p.reserved]
    before, after = _sums(have), _sums(reserved)
    left = {pair: free[pair] + before[pair] - after[pair] for pair in free}
    again = plan(demands, left, now=NOW, today=TODAY, held=reserved, planning=planning)
    assert [p.reserved for p in again] == [p.reserved for p in told]


@settings(max_examples=120)
@given(st.integers(1, 8), subsets, st.booleans(), st.booleans(), st.lists(st.integers(0, 6), min_size=6, max_size=6))
def test_one_line_gets_what_trying_every_way_would_give_it(
    quantity: int, sites: tuple[str, ...], split: bool, complete: bool, there: list[int]
) -> None:
    free = {pair: Decimal(q) for pair, q in zip(product(ITEMS, SITES), there, strict=True)}
    line = demand(
        "A", quantity, *sites, split=split, substitutes=("TEA",), short="ship-complete" if complete else "backorder"
    )
    (promise,) = plan([line], free, now=NOW, today=TODAY)
    wanted = [(item, site) for item in ITEMS for site in sites]
    best = 0
    for ways in product(*[range(int(free[pair]) + 1) for pair in wanted]):
        total = sum(ways)
        used = {pair[1] for pair, taken in zip(wanted, ways, strict=True) if taken}
        if total <= quantity and (split or len(used) <= 1) and (not complete or total == quantity):
            best = max(best, total)
    reserved = sum(r.quantity for r in promise.reserved)
    assert reserved == best
    own = [free["COFFEE", site] for site in sites]
    if (sum(own) if split else max(own)) >= quantity:
        assert {r.item for r in promise.reserved} == {"COFFEE"}, "a substitute only where the item itself does not do"
    if any(q >= quantity for q in own):
        assert len(promise.reserved) == 1
        assert promise.reserved[0].site == next(s for s in sites if free["COFFEE", s] >= quantity)


@settings(max_examples=150)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 12), st.integers(0, 12))
def test_lines_in_rank_get_what_the_first_best_of_all_ways_gives(wants: list[int], east: int, west: int) -> None:
    demands = [demand("ABCD"[n], q, "EAST", "WEST", split=True) for n, q in enumerate(wants)]
    promises = planned(demands, {"EAST": east, "WEST": west})
    ways = product(*[range(q + 1) for q in wants])
    best = max(way for way in ways if sum(way) <= east + west)
    assert tuple(sum(got(p).values()) for p in promises) == best


@settings(max_examples=100)
@given(situations(), st.sampled_from(list(product(ITEMS, SITES))), st.integers(1, 10))
def test_the_first_in_rank_loses_nothing_when_more_comes(
    situation: tuple[list[Demand], dict[Pair, Decimal], list[Reservation], Planning], pair: Pair, more: int
) -> None:
    demands, free, have, _ = situation
    first = min(demands, key=lambda d: (d.asked_at, d.key))
    less = plan(demands, free, now=NOW, today=TODAY, held=have)
    grown = plan(demands, {**free, pair: free[pair] + more}, now=NOW, today=TODAY, held=have)
    place = demands.index(first)
    assert sum(r.quantity for r in grown[place].reserved) >= sum(r.quantity for r in less[place].reserved)


def test_an_order_of_five_thousand_lines_is_planned_in_one_go() -> None:
    demands = [
        Demand(key="SO-1", line=str(n), item=f"I{n % 900}", quantity=Decimal(3), sites=SITES, asked_at=NOW)
        for n in range(5000)
    ]
    free = {(f"I{n}", site): Decimal(8) for n in range(900) for site in SITES}
    promises = plan(demands, free, now=NOW, today=date(2026, 1, 5))
    assert sum(len(p.reserved) for p in promises) == 5000
