"""One file a defect, named after it: the walk finds it, in its place, and nothing else; valid files have no finding."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from x12_transactions import DATA, complete, examined, one, walked

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.guide import load
from crossdock.edi.x12.segments import split
from crossdock.edi.x12.validate import validate

VALID = [
    "order",
    "order_acknowledgement",
    "ship_notice",
    "invoice",
    "warehouse_order",
    "shipping_advice",
    "order_change",
    "functional_acknowledgement",
]
DEFECTS = {
    "missing_segment": (Code.MISSING_SEGMENT, "BEG", 0),
    "missing_element": (Code.MISSING_ELEMENT, "BEG", 3),
    "bad_code": (Code.BAD_CODE, "BEG", 1),
    "bad_date": (Code.BAD_DATE, "DTM", 2),
    "bad_time": (Code.BAD_TIME, "BSN", 4),
    "bad_number": (Code.BAD_NUMBER, "PO1", 2),
    "element_too_long": (Code.ELEMENT_TOO_LONG, "REF", 2),
    "element_too_short": (Code.ELEMENT_TOO_SHORT, "N4", 2),
    "too_many_elements": (Code.TOO_MANY_ELEMENTS, "N4", 7),
    "broken_pair": (Code.BROKEN_SYNTAX_NOTE, "PO1", 7),
    "none_of_those_required": (Code.BROKEN_SYNTAX_NOTE, "REF", 2),
    "condition_not_met": (Code.BROKEN_SYNTAX_NOTE, "PO1", 2),
    "list_condition_not_met": (Code.BROKEN_SYNTAX_NOTE, "ITD", 4),
    "unknown_segment": (Code.UNKNOWN_SEGMENT, "QQQ", 0),
    "segment_out_of_order": (Code.SEGMENT_OUT_OF_ORDER, "CUR", 0),
    "segment_of_another_loop": (Code.UNEXPECTED_SEGMENT, "N4", 0),
    "too_many_segments": (Code.TOO_MANY_SEGMENTS, "N3", 0),
    "line_count_mismatch": (Code.LINE_COUNT_MISMATCH, "CTT", 1),
    "hash_total_mismatch": (Code.HASH_TOTAL_MISMATCH, "CTT", 2),
    "gtin_check_digit": (Code.GTIN_CHECK_DIGIT, "PO1", 7),
    "hl_parent_unknown": (Code.HL_PARENT_UNKNOWN, "HL", 2),
    "hl_number_repeated": (Code.HL_NUMBER_REPEATED, "HL", 1),
    "hl_level_order": (Code.HL_LEVEL_ORDER, "HL", 3),
    "hl_child_code": (Code.HL_CHILD_CODE, "HL", 4),
    "sscc_check_digit": (Code.SSCC_CHECK_DIGIT, "MAN", 2),
    "sscc_length": (Code.SSCC_LENGTH, "MAN", 2),
    "no_hierarchy": (Code.MISSING_SEGMENT, "HL", 0),
    "trailing_empty_elements": (Code.TRAILING_EMPTY_ELEMENTS, "REF", 4),
    "bad_character": (Code.BAD_CHARACTER, "N3", 1),
}


@pytest.mark.parametrize("name", VALID)
def test_a_valid_file_has_no_finding_and_is_proven_so(name: str) -> None:
    data, interchange, transaction, guide = one(f"{name}.edi")
    assert walked(data, interchange, transaction, guide) == []
    assert complete(guide, interchange.delimiters).proves(data[transaction.start : transaction.end])


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_in_its_place(name: str) -> None:
    data, interchange, transaction, guide = one(f"{name}.edi")
    found = walked(data, interchange, transaction, guide)
    code, segment, element = DEFECTS[name]
    places = [(each.code, each.place.segment, each.place.element) for each in found]
    assert (code, segment, element) in places
    serious = {each.code for each in found if each.severity is Severity.ERROR}
    assert serious <= {code} | ({Code.HL_CHILD_CODE, Code.MISSING_SEGMENT} if name.startswith("hl") else set())
    assert examined(data, interchange, transaction, guide) == found


@pytest.mark.parametrize("name", DEFECTS)
def test_a_finding_says_where_in_the_file_it_is(name: str) -> None:
    data, interchange, transaction, guide = one(f"{name}.edi")
    for each in walked(data, interchange, transaction, guide):
        assert transaction.start <= each.place.offset < transaction.end
        if each.code not in (Code.MISSING_SEGMENT, Code.VERSION_UNSUPPORTED):
            assert data[each.place.offset :].startswith(each.place.segment.encode())
            assert f"segment {each.place.segment_position}" in each.message


def test_every_file_of_the_collection_is_expected() -> None:
    assert {path.stem for path in DATA.glob("*.edi")} == {*VALID, *DEFECTS}


def test_what_another_version_may_allow_is_a_warning_in_it() -> None:
    guide = load("850", "006010")
    assert guide is not None
    text = "ST*850*0001~BEG*00*SA*P1**20260105~REF*DP*" + "X" * 60 + "~PO1*1*1*EA*1~SE*5*0001~"
    _, interchange, _, _ = one("order.edi")
    found = validate(split(text, interchange.delimiters), guide)
    assert [(each.code, each.severity) for each in found] == [
        (Code.VERSION_UNSUPPORTED, Severity.NOTE),
        (Code.ELEMENT_TOO_LONG, Severity.WARNING),
    ]


def test_a_longer_reference_is_allowed_from_005010_on() -> None:
    for version, codes in (("004010", [Code.ELEMENT_TOO_LONG]), ("005010", [])):
        guide = load("850", version)
        assert guide is not None
        text = "ST*850*0001~BEG*00*SA*P1**20260105~REF*DP*" + "X" * 45 + "~PO1*1*1*EA*1~SE*5*0001~"
        _, interchange, _, _ = one("order.edi")
        assert [each.code for each in validate(split(text, interchange.delimiters), guide)] == codes


FILES = [one(f"{name}.edi") for name in [*VALID, *DEFECTS]]
PIECES = [b"*", b"~\n", b"1", b"X", b" ", b"2026", b"ZZ", b"HL*1**S", b"\xc3\xa9", b"", b"0", b".", b"-", b"9" * 30]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_the_fast_path_proves_the_slow_walk_finds_nothing_in(data: st.DataObject) -> None:
    """Mutations of every file: bytes replaced, segments doubled, dropped and moved."""
    raw, interchange, transaction, guide = data.draw(st.sampled_from(FILES))
    content = bytearray(raw[transaction.start : transaction.end])
    for _ in range(data.draw(st.integers(1, 3))):
        content = _mutated(data, content)
    delimiters = interchange.delimiters
    mutated = bytes(content)
    if complete(guide, delimiters).proves(mutated):
        assert validate(split(mutated.decode("latin-1"), delimiters), guide) == []


def _mutated(data: st.DataObject, content: bytearray) -> bytearray:
    kind = data.draw(st.sampled_from(["piece", "double", "drop", "swap"]))
    if kind == "piece":
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        size = data.draw(st.integers(0, 3))
        return content[:at] + data.draw(st.sampled_from(PIECES)) + content[at + size :]
    parts = bytes(content).split(b"~\n")
    at, other = (data.draw(st.integers(0, len(parts) - 1)) for _ in range(2))
    if kind == "double":
        parts.insert(other, parts[at])
    elif kind == "drop":
        del parts[at]
    else:
        parts[at], parts[other] = parts[other], parts[at]
    return bytearray(b"~\n".join(parts))


def test_ten_thousand_mutations_are_judged_without_an_exception() -> None:
    chance = random.Random(17)
    for _ in range(10_000):
        raw, interchange, transaction, guide = chance.choice(FILES)
        content = bytearray(raw[transaction.start : transaction.end])
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(content))
            content[at : at + chance.randrange(3)] = chance.choice(PIECES)
        parts = split(bytes(content).decode("latin-1"), interchange.delimiters)
        proven = complete(guide, interchange.delimiters).proves(bytes(content))
        if chance.random() < 0.2 or proven:
            found = validate(parts, guide)
            assert not (proven and found)
