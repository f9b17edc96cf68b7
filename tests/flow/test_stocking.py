"""What a fold tells the ledger: only what changed, and corrections as movements of their own."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.flow.stocking import Moved, demands, movements
from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Kind, Place
from crossdock.process import Taken

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def demand(line: str, quantity: int) -> Demand:
    return Demand(key="SO-1", line=line, item=f"ITEM-{line}", quantity=Decimal(quantity), sites=("EAST",), asked_at=NOW)


def ship(quantity: int, site: str = "EAST") -> Taken:
    return Taken("ship/S1/1/TEA", Kind.SHIP, "TEA", site, Decimal(quantity), NOW)


def test_a_demand_is_told_once_and_again_when_it_changes() -> None:
    told, known = demands("SO-1", {}, [demand("1", 5), demand("2", 3)], NOW)
    assert [d.line for d in told] == ["1", "2"]
    assert demands("SO-1", known, [demand("1", 5), demand("2", 3)], NOW) == ([], known)
    told, _ = demands("SO-1", known, [demand("1", 5), demand("2", 2)], NOW)
    assert [(d.line, d.quantity) for d in told] == [("2", 2)]


def test_a_demand_that_is_gone_is_given_back() -> None:
    _, known = demands("SO-1", {}, [demand("1", 5)], NOW)
    told, after = demands("SO-1", known, [], NOW)
    assert [(d.line, d.item, d.quantity) for d in told] == [("1", "ITEM-1", 0)]
    assert after == {}


def test_a_replaced_confirmation_brings_back_what_did_not_leave() -> None:
    first, known = movements("SO-1", {}, [ship(10)], NOW)
    assert [(m.source_id, m.kind, m.quantity) for m in first] == [("SO-1/ship/S1/1/TEA", Kind.SHIP, 10)]
    second, known = movements("SO-1", known, [ship(7)], NOW)
    assert [(m.source_id, m.kind, m.quantity, m.origin, m.destination) for m in second] == [
        ("SO-1/ship/S1/1/TEA#2", Kind.RETURN, 3, Place.CUSTOMER, Place.STORAGE)
    ]
    assert movements("SO-1", known, [ship(7)], NOW)[0] == []


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["EAST", "WEST"])), max_size=1), max_size=8))
def test_whatever_is_told_in_turn_the_ledger_ends_with_what_was_told_last(
    tellings: list[list[tuple[int, str]]],
) -> None:
    known: dict[str, Moved] = {}
    left: dict[str, Decimal] = {}
    ids: list[str] = []
    for telling in tellings:
        found, known = movements("SO-1", known, [ship(q, site) for q, site in telling], NOW)
        ids += [m.source_id for m in found]
        for m in found:
            gone = m.quantity if m.origin is Place.STORAGE else -m.quantity
            left[m.site] = left.get(m.site, Decimal(0)) + gone
    last = {site: Decimal(q) for q, site in (tellings[-1] if tellings else [])}
    assert {s: q for s, q in left.items() if q} == {s: q for s, q in last.items() if q}
    assert len(ids) == len(set(ids))
