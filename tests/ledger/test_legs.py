"""Legs: what goes where, what may not, which state that changes, and whose word counts."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.ledger.balances import balances, unbalanced
from crossdock.ledger.legs import ALLOWED, USUAL, State, between_entities, touched, usual, wrong
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.ownership import Owner, owners_of, refused

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EARLIER = datetime(2025, 12, 1, tzinfo=UTC)


def movement(kind: Kind, **given: Any) -> Movement:
    origin, destination = usual(kind)
    told = {
        "source": "wms",
        "source_id": "1",
        "item": "COFFEE",
        "site": "EAST",
        "quantity": Decimal(5),
        "origin": origin,
        "destination": destination,
        "occurred_at": NOON,
        "to_site": "WEST" if kind is Kind.TRANSFER_OUT else "",
    }
    return Movement(kind=kind, **{**told, **given})


@pytest.mark.parametrize("kind", list(Kind))
def test_the_usual_legs_of_every_kind_are_allowed(kind: Kind) -> None:
    assert USUAL[kind] in ALLOWED[kind]
    assert wrong(movement(kind)) == ""


def test_what_a_source_leaves_out_is_read_by_what_it_tells() -> None:
    assert usual(Kind.ADJUST, less=True) == (Place.STORAGE, Place.ADJUSTMENT)
    assert usual(Kind.HOLD, reason="Damaged by fork-lift") == (Place.STORAGE, Place.DAMAGED)
    assert usual(Kind.RECEIPT, puts_away=True) == (Place.SUPPLIER, Place.STORAGE)
    assert usual(Kind.SHIP, tells_picks=False) == (Place.STORAGE, Place.CUSTOMER)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (movement(Kind.PICK, destination=Place.CUSTOMER), "a pick does not go from allocated to customer"),
        (movement(Kind.PICK, quantity=Decimal(-1)), "a pick moves a quantity, not -1"),
        (movement(Kind.PICK, quantity=Decimal("NaN")), "a pick moves a quantity, not NaN"),
        (movement(Kind.PICK, quantity=Decimal(0)), "a pick of nothing says nothing"),
        (movement(Kind.TRANSFER_OUT, to_site=""), "a transfer-out says to which other site it goes"),
        (movement(Kind.PICK, to_site="WEST"), "a pick stays at its site, and does not go from EAST to WEST"),
        (movement(Kind.PICK, item=""), "a pick names its item and its site"),
    ],
)
def test_what_cannot_be_is_told_why(told: Movement, why: str) -> None:
    assert wrong(told) == why


def test_a_count_of_nothing_says_something() -> None:
    assert wrong(movement(Kind.COUNT, quantity=Decimal(0))) == ""


def test_a_movement_changes_the_states_of_its_places_and_on_hand_where_it_crosses_the_line() -> None:
    assert touched(movement(Kind.PICK)) == {State.ALLOCATED, State.PICKED}
    assert touched(movement(Kind.RECEIPT)) == {State.ON_HAND}
    assert touched(movement(Kind.SHIP)) == {State.PICKED, State.ON_HAND}
    assert touched(movement(Kind.TRANSFER_OUT)) == {State.AVAILABLE, State.IN_TRANSIT, State.ON_HAND}
    assert touched(movement(Kind.HOLD)) == {State.AVAILABLE, State.QUARANTINED}
    assert touched(movement(Kind.PACK)) == frozenset()


def test_goods_sold_between_our_entities_leave_each_books_balanced() -> None:
    sold = movement(Kind.TRANSFER_OUT, entity="US", to_site="", destination=Place.COMPANY)
    out, taken = between_entities(sold, "CA", to_site="NORTH")
    assert [wrong(each) for each in (out, taken)] == ["", ""]
    assert (out.entity, taken.entity, taken.site) == ("US", "CA", "NORTH")
    assert out.source_id != taken.source_id
    assert unbalanced(balances([out, taken])) == {}
    with pytest.raises(ValueError, match="US sells nothing to itself"):
        between_entities(sold, "US")


RULES = (
    Owner(state=State.PICKED, system="wms"),
    Owner(state=State.ON_HAND, system="erp"),
    Owner(state=State.ON_HAND, system="wms", site="EAST"),
    Owner(state=State.DAMAGED, system="old-wms"),
    Owner(state=State.DAMAGED, system="wms", since=NOON),
)


def test_a_movement_of_a_state_that_another_system_owns_is_refused() -> None:
    assert refused(movement(Kind.PICK), RULES) == ""
    assert refused(movement(Kind.PICK, source="erp"), RULES) == "wms, not erp, is of record for picked at EAST"
    assert refused(movement(Kind.RECEIPT, site="WEST"), RULES) == "erp, not wms, is of record for on-hand at WEST"
    assert refused(movement(Kind.RECEIPT), RULES) == ""


def test_what_nobody_owns_everybody_may_tell_and_what_we_tell_ourselves_is_never_refused() -> None:
    assert refused(movement(Kind.PUTAWAY, source="anybody"), RULES) == ""
    assert refused(movement(Kind.RECEIPT, source="anybody"), ()) == ""
    assert refused(movement(Kind.SHIP, source="shipment"), RULES) == ""


def test_a_younger_rule_holds_from_its_moment_on() -> None:
    assert owners_of(State.DAMAGED, "EAST", EARLIER, RULES) == {"old-wms"}
    assert owners_of(State.DAMAGED, "EAST", NOON, RULES) == {"wms"}


def test_two_rules_of_one_rank_stand_together() -> None:
    both = (Owner(state=State.PICKED, system="a"), Owner(state=State.PICKED, system="b"))
    assert owners_of(State.PICKED, "EAST", NOON, both) == {"a", "b"}


@given(st.permutations(RULES), st.sampled_from(list(State)), st.sampled_from(["EAST", "WEST"]))
def test_the_order_of_rules_decides_nothing(rules: list[Owner], state: State, site: str) -> None:
    assert owners_of(state, site, NOON, rules) == owners_of(state, site, NOON, RULES)
