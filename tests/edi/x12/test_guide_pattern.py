"""Repetition that gives nothing back, in the way that this Python's `re` does right, and in the way that all do."""

import re

import pytest

from crossdock.edi.x12.guide_pattern import possessive


@pytest.mark.parametrize("body, times, text, whole", [
    (b"ab?c", b"*", b"acabc", True),
    (b"ab?c", b"*", b"a", False),
    (b"a[0-9]{1,2}", b"{1,3}", b"a1a22", True),
    (b"a[0-9]{1,2}", b"{1,3}", b"a1a22a3a4", False),
    (b"ab", b"?", b"", True),
])  # fmt: skip
def test_both_ways_of_saying_it_match_the_same(body: bytes, times: bytes, text: bytes, whole: bool) -> None:
    atomic = possessive(body, times, sound=False)
    assert bool(re.fullmatch(atomic, text)) is bool(re.fullmatch(possessive(body, times), text)) is whole


def test_nothing_is_given_back() -> None:
    for said in (possessive(b"ab?", b"*"), possessive(b"ab?", b"*", sound=False)):
        assert re.fullmatch(said + b"a", b"aaa") is None
