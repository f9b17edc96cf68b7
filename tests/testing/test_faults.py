"""Faults are declared and seeded: who is struck depends on the seed and the reference, and on nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.testing import ErpFaults, Window
from crossdock.testing.faults import chance, strikes

SEEDS = st.integers(0, 2**32)
REFERENCES = st.text(min_size=1, max_size=20)


@given(SEEDS, st.lists(REFERENCES, unique=True), st.randoms())
def test_the_order_of_asking_does_not_matter(seed, references, random):
    asked = {each: strikes(seed, "short", 0.5, each) for each in references}
    random.shuffle(references)
    assert {each: strikes(seed, "short", 0.5, each) for each in references} == asked


@given(SEEDS, REFERENCES, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_strikes_all_that_a_smaller_one_does(seed, reference, one, other):
    low, high = sorted((one, other))
    assert strikes(seed, "late", high, reference) or not strikes(seed, "late", low, reference)


def test_about_the_declared_share_is_struck():
    struck = sum(strikes(7, "doubled", 0.2, f"PO{n}") for n in range(10_000))
    assert 1_800 < struck < 2_200


def test_two_faults_of_one_share_strike_different_references():
    assert [chance(1, "short", f"PO{n}") for n in range(20)] != [chance(1, "over", f"PO{n}") for n in range(20)]


def test_a_list_names_those_that_are_struck_under_any_of_their_names():
    assert strikes(1, "declined", ("ACME",), "SO-1/credit", "SO-1", "ACME")
    assert not strikes(1, "declined", ("ACME",), "SO-2/credit", "SO-2", "ZENITH")


def test_a_window_by_calls_counts_from_one_and_leaves_out_its_end():
    window = Window(start=2, end=4, measure="calls")
    assert [window.holds(0, 0, call) for call in (1, 2, 3, 4)] == [False, True, True, False]


def test_a_window_since_the_first_call_waits_for_it():
    window = Window(start=1, end=2, since="first-call")
    assert not window.holds(1.5, None, 0)
    assert window.holds(99, 1.5, 1)


def test_a_misspelt_fault_is_an_error_and_not_a_quiet_day():
    with pytest.raises(msgspec.ValidationError, match="comitted_500"):
        msgspec.json.decode(b'{"comitted_500": 1.0}', type=ErpFaults)
