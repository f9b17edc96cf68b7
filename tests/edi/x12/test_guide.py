"""Guides are data: they load for every set and version, agree with the documents they fill, and say what they lack."""

import pytest

from crossdock.edi.x12.guide import Loop, known_sets, load, loops, walk
from crossdock.edi.x12.overlay import apply

SETS = known_sets()


def test_there_is_a_guide_for_every_set_of_the_main_road() -> None:
    assert set(SETS) >= {"850", "855", "856", "860", "810", "940", "945", "997", "999", "TA1"}


@pytest.mark.parametrize("version", ["003010", "004010", "004030", "005010", "006010"])
@pytest.mark.parametrize("set_id", SETS)
def test_every_field_that_a_guide_names_is_one_of_its_document(set_id: str, version: str) -> None:
    guide = load(set_id, version)
    assert guide is not None
    assert apply(guide, {}).set_id == set_id


@pytest.mark.parametrize("set_id", SETS)
def test_every_mapped_element_is_known_to_the_dictionary(set_id: str) -> None:
    guide = load(set_id)
    assert guide is not None
    for segment in walk(guide.root):
        for rule in segment.rules:
            assert segment.elements is not None, segment.path
            highest = max([*rule.fields, *rule.append, *rule.lines, *rule.sum, rule.by, rule.value, 0])
            assert highest <= len(segment.elements), segment.path


@pytest.mark.parametrize("set_id", SETS)
def test_syntax_notes_speak_of_elements_that_are_there(set_id: str) -> None:
    guide = load(set_id)
    assert guide is not None
    for segment in walk(guide.root):
        for note in segment.notes:
            assert note.kind in "PRECL"
            assert max(note.positions) <= len(segment.elements or ()), f"{segment.id} {note}"


@pytest.mark.parametrize(
    ("asked", "version", "exact"),
    [
        ("004010", "004010", True),
        ("004010VICS", "004010", True),
        ("005010X230", "005010", True),
        ("004060", "004010", False),
        ("006010", "005010", False),
        ("003010", "004010", False),
        ("", "004010", True),
        ("nonsense", "004010", True),
    ],
)
def test_a_version_is_read_by_the_nearest_guide_below_it(asked: str, version: str, exact: bool) -> None:
    guide = load("850", asked)
    assert guide is not None
    assert (guide.version, guide.exact) == (version, exact)


def test_a_set_that_nobody_described_has_no_guide() -> None:
    assert load("204") is None
    assert load("dictionary") is None


def test_a_guide_is_made_once() -> None:
    assert load("850", "004010") is load("850", "004010")


def test_loops_are_told_by_their_first_segment_and_paths_by_their_loops() -> None:
    guide = load("850")
    assert guide is not None
    line = next(loop for loop in loops(guide.root) if loop.path == "PO1")
    assert isinstance(line, Loop)
    assert (line.trigger.id, line.required, line.into) == ("PO1", True, "lines")
    assert "PO1/SLN/N1/N4" in guide.segments


def test_each_level_of_a_ship_notice_has_rules_of_its_own() -> None:
    guide = load("856")
    assert guide is not None
    assert guide.segments["S/REF"].rules and guide.segments["O/REF"].rules
    assert not guide.segments["I/REF"].rules
