"""The fast path learns from what was walked: it proves the like of it, and never what a walk finds fault with."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from x12_transactions import complete, one

from crossdock.edi.x12 import guide_pattern
from crossdock.edi.x12.compiled import Prover, examine, prover
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.guide import EXACT_VERSIONS, Guide, known_sets, load
from crossdock.edi.x12.narrowed import QUALIFIERS, Met, narrowed
from crossdock.edi.x12.overlay import apply
from crossdock.edi.x12.segments import split
from crossdock.edi.x12.validate import _number_places, validate

USUAL = Delimiters(b"*", b">", b"~", None, b"")
NAMES = [
    "order",
    "order_acknowledgement",
    "ship_notice",
    "invoice",
    "warehouse_order",
    "shipping_advice",
    "order_change",
    "functional_acknowledgement",
]
PIECES = [
    b"*",
    b"~\n",
    b"1",
    b"X",
    b" ",
    b"2026",
    b"ZZ",
    b"HL*1**S",
    b"**",
    b"",
    b"0",
    b".",
    b"PID*F****T~\n",
    b"N3*A~\n",
]


def guide(set_id: str = "850") -> Guide:
    found = load(set_id)
    assert found is not None
    return found


def taught(name: str) -> tuple[bytes, Prover]:
    """A file's transaction set, and a prover that has met it and nothing else."""
    data, interchange, transaction, of = one(f"{name}.edi")
    raw = data[transaction.start : transaction.end]
    met = Met()
    assert validate(split(raw.decode(), interchange.delimiters), of, met=met) == []
    made = Prover(of, interchange.delimiters)
    made.learn(met, 1_000_000)
    return raw, made


@pytest.mark.parametrize("name", NAMES)
def test_what_was_met_is_proven_by_a_small_part_of_the_guide(name: str) -> None:
    raw, made = taught(name)
    assert made.proves(raw)
    whole = guide_pattern.transaction(made.guide, made.delimiters)
    assert len(guide_pattern.transaction(made.guide, made.delimiters, narrowed(made.guide.root, made.met))) < len(whole)


TAUGHT = [taught(name) for name in NAMES]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(TAUGHT), st.integers(0, 2**32))
def test_what_a_narrowed_guide_proves_the_whole_one_does_and_a_walk_finds_nothing_in(
    file: tuple[bytes, Prover], seed: int
) -> None:
    raw, made = file
    chance = random.Random(seed)
    content = bytearray(raw)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(content))
        content[at : at + chance.randrange(3)] = chance.choice(PIECES)
    if made.proves(bytes(content)):
        assert validate(split(content.decode("latin-1"), made.delimiters), made.guide) == []
        assert complete(made.guide, made.delimiters).proves(bytes(content))


def test_the_first_sets_are_walked_and_what_is_new_is_learned_when_enough_was_walked_for_it() -> None:
    data, interchange, transaction, of = one("order.edi")
    raw = data[transaction.start : transaction.end]
    of = apply(of, {})
    ours = prover(of, interchange.delimiters)
    walked = 0
    while ours.expression is None:
        assert examine(data, transaction, of, interchange.delimiters) == []
        walked += 1
    assert 1 < walked < 20
    assert ours.proves(raw)
    other = raw.replace(b"BEG*00*SA*", b"BEG*00*NE*")
    assert ours.proves(other) and not ours.proves(other.replace(b"~\nPO1", b"~\nITD*01*3~\nPO1", 1))


def test_what_has_a_fault_teaches_nothing() -> None:
    data, interchange, transaction, of = one("bad_code.edi")
    of = apply(of, {})
    assert examine(data, transaction, of, interchange.delimiters)
    ours = prover(of, interchange.delimiters)
    assert ours.met.size == 0 and ours.walked_bytes == 0


def test_what_was_met_adds_up() -> None:
    of = guide().segments
    met, first, less, more = Met(), Met(), Met(), Met()
    first.take(of["PO1"], ["PO1", "1", "5", "EA", "", "", "IN", "B1"])
    less.take(of["PO1"], ["PO1", "1", "5", "EA"])
    more.take(of["PO1"], ["PO1", "1", "5", "EA", "", "", "UP", "614141000036"])
    more.take(of["CTT"], ["CTT", "1"])
    assert met.add(first) and met.size == 5 and met.kinds == {"IN"}
    assert not met.add(less) and not met.add(first)
    assert met.add(more) and met.size == 6 and met.kinds == {"IN", "UP"}


@pytest.mark.parametrize("set_id", known_sets())
def test_check_digits_are_judged_only_behind_the_qualifiers_that_narrowing_knows(set_id: str) -> None:
    for version in EXACT_VERSIONS:
        of = load(set_id, version)
        assert of is not None
        places = {**_number_places(of), "MAN": (1, 4)}
        for segment in of.segments.values():
            for at in places.get(segment.id, ()):
                assert segment.elements is not None and segment.elements[at - 1].number in QUALIFIERS


def test_a_kind_of_number_that_was_not_met_is_not_proven_and_its_check_digit_is_judged() -> None:
    raw, made = taught("order")
    assert b"*UP*" in raw and b"*EN*" not in raw
    assert not made.proves(raw.replace(b"*UP*", b"*EN*"))
    assert not made.proves(raw.replace(b"*UP*0123", b"*UP*0124"))


@pytest.mark.parametrize("segment", ["ITD", "CSH", "TD3", "PKG"])
def test_a_segment_without_data_is_not_proven(segment: str) -> None:
    raw = f"ST*850*0001~BEG*00*SA*P1**20260105~{segment}~PO1*1*1*EA*1~SE*5*0001~"
    assert validate(split(raw, USUAL), guide())
    assert not complete(guide(), USUAL).proves(raw.encode())


def test_what_a_partner_does_not_use_is_not_proven_where_a_note_ties_it_to_its_neighbour() -> None:
    barred = apply(guide(), {"elements": {"N1-03": {"usage": "unused"}, "N1-04": {"usage": "unused"}}})
    raw = "ST*850*0001~BEG*00*SA*P1**20260105~N1*ST*STORE 7*92*0007~PO1*1*1*EA*1~SE*5*0001~"
    assert validate(split(raw, USUAL), barred)
    assert not complete(barred, USUAL).proves(raw.encode())


def test_a_note_may_name_its_elements_in_any_order() -> None:
    """R0504 of CAD: the carrier's code or its name, the later element named first."""
    raw = "ST*810*0001~BIG*20260105*I1~IT1*1*1*EA*1~TDS*100~CAD*{}~SE*6*0001~"
    for carrier, good in (("****UPSN", True), ("***UPSN", True), ("M", False), ("M***ROAD", True)):
        told = raw.format(carrier)
        assert (validate(split(told, USUAL), guide("810")) == []) is good
        assert complete(guide("810"), USUAL).proves(told.encode()) is good
