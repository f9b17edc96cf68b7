"""What a person may decide is what the process listens to."""

import inspect
import re

import pytest

from crossdock.process import order_to_cash
from crossdock.process.order_to_cash import deciding, lines, obligations, releasing, shipping, troubles
from crossdock.process.order_to_cash.deciding import ACCEPTED, DECLINED, choices

LISTENING = "\n".join(
    inspect.getsource(module)
    for module in (order_to_cash.evolve, lines, obligations, releasing, shipping, troubles, order_to_cash.counters)
    if inspect.ismodule(module)
)


@pytest.mark.parametrize("cause", sorted(ACCEPTED))
def test_every_cause_that_can_be_decided_is_one_of_the_process(cause: str) -> None:
    assert troubles.__doc__ is not None
    assert cause in troubles.__doc__


def test_what_the_process_asks_a_decision_for_can_be_decided() -> None:
    asked = set(re.findall(r'decision\(state, f?"([a-z-]+)', LISTENING))
    assert len(asked) > 5
    assert asked <= set(ACCEPTED), asked - set(ACCEPTED)


def test_declining_is_said_only_of_what_can_be_accepted() -> None:
    assert set(DECLINED) < set(ACCEPTED)


def test_what_only_its_cause_closes_leaves_no_choice() -> None:
    assert choices("overdue") == {}
    assert choices("over-shipped") == {
        "accept": deciding.ACCEPTED["over-shipped"],
        "decline": deciding.DECLINED["over-shipped"],
    }


def test_a_release_is_given_up_where_it_is_the_warehouse_that_will_not_ship_it() -> None:
    assert choices("refused-by-warehouse", "SO-1/confirm-shipment/1")
    assert choices("refused-by-warehouse", "SO-1/release/1") == {}
