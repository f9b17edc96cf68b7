"""Balances: whatever is told, in whatever order, nothing is made or lost; and a count stands."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from crossdock.ledger.balances import (
    Balances,
    Figures,
    balances,
    correction,
    destination_of,
    figures,
    happened,
    negatives,
    once,
    origin_of,
    settle,
    settled,
    unbalanced,
)
from crossdock.ledger.legs import ALLOWED
from crossdock.ledger.movement import Kind, Movement, Place, Position

START = datetime(2026, 1, 5, tzinfo=UTC)


@st.composite
def movements(draw: st.DrawFn) -> Movement:
    kind = draw(st.sampled_from(list(Kind)))
    origin, destination = draw(st.sampled_from(sorted(ALLOWED[kind])))
    site = draw(st.sampled_from(["EAST", "WEST"]))
    leaves = kind is Kind.TRANSFER_OUT and destination is Place.TRANSIT
    return Movement(
        source=draw(st.sampled_from(["erp", "wms"])),
        source_id=str(draw(st.integers(0, 12))),
        kind=kind,
        item=draw(st.sampled_from(["COFFEE", "TEA"])),
        site=site,
        to_site={"EAST": "WEST", "WEST": "EAST"}[site] if leaves else "",
        quantity=Decimal(draw(st.integers(0 if kind is Kind.COUNT else 1, 40))) / 2,
        origin=origin,
        destination=destination,
        occurred_at=START + timedelta(hours=draw(st.integers(0, 6))),
        lot=draw(st.sampled_from(["", "L1"])),
        owner=draw(st.sampled_from(["own", "consigned"])),
        entity=draw(st.sampled_from(["", "CA"])),
    )


histories = st.lists(movements(), max_size=25, unique_by=lambda m: (m.source, m.source_id))


def same(one: Balances, other: Balances) -> bool:
    """Equal but for positions with nothing in them."""
    return {p: q for p, q in one.items() if q} == {p: q for p, q in other.items() if q}


@given(histories)
def test_the_sum_over_all_places_is_nothing(told: list[Movement]) -> None:
    assert unbalanced(balances(settled(told))) == {}


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_telling_and_doubles_change_nothing(told: list[Movement], random: Random) -> None:
    shuffled = told + told[: len(told) // 2]
    random.shuffle(shuffled)
    assert balances(settled(shuffled)) == balances(settled(told))


@given(histories)
def test_movements_other_than_counts_add_up_in_any_order(told: list[Movement]) -> None:
    plain = [m for m in told if m.kind is not Kind.COUNT]
    assert balances(plain) == balances(reversed(plain)) == balances(settled(plain))


@given(histories, st.integers(0, 6))
def test_a_balance_as_of_a_moment_is_that_of_what_happened_by_then(told: list[Movement], hours: int) -> None:
    moment = START + timedelta(hours=hours)
    before = [m for m in told if m.occurred_at <= moment]
    assert balances(settled(told), as_of=moment) == balances(settled(before))


@given(histories)
def test_what_was_counted_last_stands_until_something_moves_again(told: list[Movement]) -> None:
    last: dict[Position, Movement] = {}
    for each in sorted(told, key=happened):
        if each.kind is Kind.COUNT:
            last[destination_of(each)] = each
        else:
            last.pop(origin_of(each), None)
            last.pop(destination_of(each), None)
    kept = balances(settled(told))
    assert all(kept[position] == count.quantity for position, count in last.items())


def _as_they_come(told: Sequence[Movement]) -> list[Movement]:
    """What a store does that hears one movement after another: never edits, but corrects a count behind what came late."""
    kept: list[Movement] = []
    counts: list[Movement] = []
    for each in told:
        moved = each
        if each.kind is Kind.COUNT:
            known = [m for m in kept if _before(m, each)]
            moved = settle(each, balances(known).get(destination_of(each), Decimal(0)))
        kept.append(moved)
        for position, change in ((origin_of(moved), -moved.quantity), (destination_of(moved), moved.quantity)):
            behind = [c for c in counts if destination_of(c) == position and happened(each) < happened(c)]
            if behind and change and origin_of(moved) != destination_of(moved):
                count = min(behind, key=happened)
                kept.append(correction(count, position, change, len(kept)))
        if each.kind is Kind.COUNT:
            counts.append(each)
    return kept


def _before(known: Movement, count: Movement) -> bool:
    if known.source == "ledger":  # it belongs to the count that it corrects
        about = known.source_id.split("/")[0].split(":")
        return (known.occurred_at, True, about[0], about[1]) < happened(count)
    return happened(known) < happened(count)


@settings(max_examples=150)
@given(histories, st.randoms(use_true_random=False))
def test_correcting_counts_as_late_movements_come_ends_where_folding_in_order_does(
    told: list[Movement], random: Random
) -> None:
    random.shuffle(told)
    kept = _as_they_come(told)
    assert same(balances(kept), balances(settled(told)))
    assert unbalanced(balances(kept)) == {}
    assert len(once(kept)) == len(kept)


def _moved(kind: Kind, origin: Place, destination: Place, quantity: int, number: int, owner: str = "own") -> Movement:
    return Movement(
        source="wms",
        source_id=str(number),
        kind=kind,
        item="COFFEE",
        site="EAST",
        quantity=Decimal(quantity),
        origin=origin,
        destination=destination,
        occurred_at=START + timedelta(minutes=number),
        owner=owner,
    )


def test_a_count_finds_what_moved_in_its_very_moment() -> None:
    counted = replace(_moved(Kind.COUNT, Place.ADJUSTMENT, Place.STORAGE, 9, 1), source="audit")
    received = _moved(Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE, 10, 1)
    moved = settled([counted, received])
    assert moved[-1] == replace(counted, quantity=Decimal(1), origin=Place.STORAGE, destination=Place.ADJUSTMENT)
    assert balances(moved)[Position("COFFEE", "EAST", Place.STORAGE)] == 9


def test_figures_tell_own_stock_by_state_and_leave_out_what_is_not_ours_to_sell() -> None:
    kept = balances(
        [
            _moved(Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE, 100, 1),
            _moved(Kind.RECEIPT, Place.SUPPLIER, Place.RECEIVING, 7, 2),
            _moved(Kind.ALLOCATE, Place.STORAGE, Place.ALLOCATED, 20, 3),
            _moved(Kind.PICK, Place.ALLOCATED, Place.STAGING, 5, 4),
            _moved(Kind.HOLD, Place.STORAGE, Place.DAMAGED, 2, 5),
            _moved(Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE, 50, 6, owner="consigned"),
        ]
    )
    found = figures(kept, {("COFFEE", "EAST"): Decimal(30)})
    assert found[("COFFEE", "EAST")] == Figures(
        on_hand=Decimal(107),
        allocated=Decimal(15),
        picked=Decimal(5),
        damaged=Decimal(2),
        reserved=Decimal(30),
        available=Decimal(68),
    )


def test_what_the_warehouse_took_beyond_what_is_reserved_is_gone_too() -> None:
    kept = balances(
        [
            _moved(Kind.RECEIPT, Place.SUPPLIER, Place.STORAGE, 100, 1),
            _moved(Kind.ALLOCATE, Place.STORAGE, Place.ALLOCATED, 20, 2),
        ]
    )
    assert figures(kept, {("COFFEE", "EAST"): Decimal(5)})[("COFFEE", "EAST")].available == 80


def test_less_than_nothing_in_a_place_of_ours_is_a_finding_unless_policy_lets_it() -> None:
    kept = balances([_moved(Kind.PICK, Place.STORAGE, Place.STAGING, 3, 1)])
    (found,) = negatives(kept)
    assert str(found) == "-3 of COFFEE in storage at EAST: more went out than ever came in"
    assert negatives(kept, may_be=lambda position: position.place is Place.STORAGE) == []
