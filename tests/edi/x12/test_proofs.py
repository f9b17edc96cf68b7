"""What the fast path says of columns of digits and levels is what is said of them one by one; and it never proves what a walk finds fault with."""

from hypothesis import given, settings
from hypothesis import strategies as st
from x12_transactions import complete

from crossdock.edi.x12 import check_digits
from crossdock.edi.x12.compiled import _are_ssccs, _is_odd_tree, _is_sscc, _is_tree
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.guide import load
from crossdock.edi.x12.validate import validate

USUAL = Delimiters(b"*", b">", b"~", None, b"")

digits = st.text("0123456789", min_size=17, max_size=17)
good = st.builds(
    lambda text, before: (before + text + str(check_digits.check_digit(text))).encode(), digits, st.sampled_from(["00"])
)
marks = st.one_of(
    good, st.binary(min_size=18, max_size=20), st.text("0123456789", min_size=18, max_size=20).map(str.encode)
)


@given(st.lists(marks, max_size=30) | st.lists(good, min_size=8, max_size=30))
def test_serials_are_judged_together_as_they_are_alone(found: list[bytes]) -> None:
    assert _are_ssccs(found) == all(map(_is_sscc, found))


@given(st.lists(good, min_size=8, max_size=30), st.data())
def test_one_wrong_digit_among_many_serials_is_seen(found: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(found) - 1))
    digit = data.draw(st.integers(2, 19))
    wrong = bytearray(found[at])
    wrong[digit] = 0x30 + (wrong[digit] - 0x30 + 1) % 10
    assert _are_ssccs(found)
    assert not _are_ssccs([*found[:at], bytes(wrong), *found[at + 1 :]])


@st.composite
def _trees(draw: st.DrawFn) -> list[bytes]:
    """Mostly right: each level below one that may stand above it, now and then something else in some place."""
    below = {"S": "OT", "O": "TPI", "T": "PI", "P": "I", "I": "P", "X": "I"}
    names = ["S"]
    parents = [0]
    for _ in range(draw(st.integers(0, 12))):
        parent = draw(st.integers(1, len(names)))
        parents.append(parent)
        names.append(draw(st.sampled_from([*below[names[parent - 1]], "X", "S"])))
    rows = []
    for number, (name, parent) in enumerate(zip(names, parents, strict=True), 1):
        code = "1" if number in parents else "0"
        rows.append([str(number), str(parent) if parent else "", name, code])
    if draw(st.booleans()):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, 3))] = draw(st.sampled_from(["", "0", "1", "2", "01", "S", "II", "99"]))
    if draw(st.integers(0, 3)) == 0:
        rows = [row[:3] for row in rows]
    return ["*".join(row).encode() for row in rows]


@given(_trees())
def test_a_tree_is_judged_by_columns_as_level_by_level(levels: list[bytes]) -> None:
    assert _is_tree(levels, b"*") == _is_odd_tree([level.split(b"*") for level in levels])


values = {
    "PO1": ["1", "12", "EA", "1.50", "PE", "UP", "614141000036", "IN", "B1"],
    "PID": ["F", "08", "VI", "75", "TEXT"],
}
values |= {
    "N1": ["ST", "STORE 7", "92", "0007"],
    "REF": ["DP", "042", "TEXT"],
    "DTM": ["010", "20260117", "1200", "ET"],
}
values |= {
    "N4": ["AUSTIN", "TX", "73301", "US", "CY", "AUSTIN"],
    "TD5": ["B", "2", "UPSN", "M", "ROUTE", "CC", "OR", "X"],
}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(values)), st.data())
def test_what_is_proven_has_no_finding_whichever_elements_are_there(name: str, data: st.DataObject) -> None:
    present = [text if data.draw(st.booleans()) else "" for text in values[name]]
    segment = "*".join([name, *present]).rstrip("*")
    body = ["BEG*00*SA*PO1**20260115", "PO1*1*12*EA*1.50**IN*B1", "CTT*1"]
    if name == "PO1":
        body[1] = segment
    else:
        body.insert(2 if name == "PID" else 1, segment)
    guide = load("850", "004010")
    assert guide is not None
    lines = ["ST*850*0001", *body, f"SE*{len(body) + 2}*0001"]
    raw = "".join(f"{line}~" for line in lines).encode()
    found = validate([line.split("*") for line in lines], guide)
    assert complete(guide, USUAL).proves(raw) == (not found)
