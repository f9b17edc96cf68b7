"""Other people's files by our guides: what has a guide becomes a document, and each error is one that a partner would see.

JUDGED holds every error that the guides raise on the collection, each looked at by a person; all other files have none.
"""

import pytest
from x12_files import samples
from x12_transactions import content, examined, transactions, walked

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.document import read, write
from crossdock.trade.documents import Document

FILES = samples()

JUDGED: dict[str, set[tuple[Code, str]]] = {
    # AK3 repeats what does not repeat there
    "003": {(Code.BAD_NUMBER, "AK3"), (Code.ELEMENT_TOO_LONG, "AK3")},
    # <NOT_IN_CODESET> is no functional group
    "005": {(Code.ELEMENT_TOO_LONG, "AK1")},
    # one terminator is missing, so that DTM swallows the next PO1; the CUR after it then is a second one, too late
    "031": {
        (Code.BAD_TIME, "DTM"),
        (Code.BAD_DATE, "DTM"),
        (Code.TOO_MANY_ELEMENTS, "DTM"),
        (Code.ELEMENT_TOO_LONG, "DTM"),
        (Code.BROKEN_SYNTAX_NOTE, "DTM"),
        (Code.SEGMENT_OUT_OF_ORDER, "CUR"),
        (Code.TOO_MANY_SEGMENTS, "CUR"),
        (Code.LINE_COUNT_MISMATCH, "CTT"),
    },
    # SAC*A***100.00 names neither allowance nor agency; CTT says one line, two are there
    "037": {(Code.BROKEN_SYNTAX_NOTE, "SAC"), (Code.LINE_COUNT_MISMATCH, "CTT")},
    # an order without lines, of which CTT says one
    "038": {(Code.MISSING_SEGMENT, "PO1"), (Code.LINE_COUNT_MISMATCH, "CTT")},
    # made to break P0607 of PO1 and PO4
    "046": {(Code.BROKEN_SYNTAX_NOTE, "PO1"), (Code.BROKEN_SYNTAX_NOTE, "PO4")},
    # W01**1*EA: everything one element too far right
    "051": {(Code.MISSING_ELEMENT, "W01"), (Code.ELEMENT_TOO_SHORT, "W01")},
    # N9**3 in the second set
    "052": {(Code.MISSING_ELEMENT, "N9")},
    # quantity and price without a unit: IT1 has P020304
    "075": {(Code.BROKEN_SYNTAX_NOTE, "IT1")},
    # DZN has three letters
    "077": {(Code.ELEMENT_TOO_LONG, "PO1"), (Code.ELEMENT_TOO_LONG, "SCH")},
    # four segments end with ~ where $ is the terminator, so that N1 swallows N3 and N4, and HL 2
    "083": {
        (Code.HL_PARENT_UNKNOWN, "HL"),
        (Code.BAD_CHARACTER, "N1"),
        (Code.TOO_MANY_ELEMENTS, "N1"),
        (Code.SEGMENT_OUT_OF_ORDER, "PRF"),
    },
    # cut off: the third AK2 has no AK5, there is no AK9
    "153": {(Code.MISSING_SEGMENT, "AK5"), (Code.MISSING_SEGMENT, "AK9")},
    # an SSCC of 16 digits
    "411": {(Code.SSCC_LENGTH, "MAN")},
    # a line break within W01-15
    "416": {(Code.BAD_CHARACTER, "W01"), (Code.ELEMENT_TOO_LONG, "W01")},
    # an order of one empty DTM
    "427": {
        (Code.MISSING_SEGMENT, "BEG"),
        (Code.MISSING_SEGMENT, "PO1"),
        (Code.MISSING_ELEMENT, "DTM"),
        (Code.BROKEN_SYNTAX_NOTE, "DTM"),
    },
    # N1*SF***CHI has an identifier without its qualifier
    "433": {(Code.BROKEN_SYNTAX_NOTE, "N1")},
    # N104 has at least two characters
    "synth_850_pipe": {(Code.ELEMENT_TOO_SHORT, "N1")},
    # made to have wrong check digits
    "synth_856_bad_sscc": {(Code.SSCC_CHECK_DIGIT, "MAN")},
}

pytestmark = pytest.mark.skipif(not FILES, reason="the collection of sample files is not beside the repository")


def judged(name: str) -> set[tuple[Code, str]]:
    return next((errors for start, errors in JUDGED.items() if name.startswith(start)), set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_errors_of_a_file_are_those_that_a_person_judged_right(path) -> None:  # type: ignore[no-untyped-def]
    data = path.read_bytes()
    found = {
        (each.code, each.place.segment)
        for interchange, transaction, guide in transactions(data)
        for each in walked(data, interchange, transaction, guide)
        if each.severity is Severity.ERROR
    }
    assert found == judged(path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_fast_path_says_of_a_file_what_the_slow_one_says(path) -> None:  # type: ignore[no-untyped-def]
    data = path.read_bytes()
    for interchange, transaction, guide in transactions(data):
        fast = examined(data, interchange, transaction, guide)
        slow = walked(data, interchange, transaction, guide)
        assert [(each.code, each.message) for each in fast] == [(each.code, each.message) for each in slow]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_has_a_guide_becomes_a_document_that_can_be_written_again(path) -> None:  # type: ignore[no-untyped-def]
    """Once written, counts and codes that were left out are there; from then on nothing changes any more."""
    data = path.read_bytes()
    for interchange, transaction, guide in transactions(data):
        document, _ = read(content(data, interchange, transaction), guide)
        assert isinstance(document, Document)
        again, _ = read(write(document, guide), guide)
        assert read(write(again, guide), guide)[0] == again
        if transaction.set_id in ("850", "860", "810", "856", "940", "945") and not judged(path.name):
            assert _without_counts(again) == _without_counts(document)


def _without_counts(document: Document) -> dict[str, object]:
    return {name: getattr(document, name) for name in document.__struct_fields__ if name != "line_count"}
