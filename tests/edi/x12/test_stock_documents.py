"""Documents about stock: what is written is what is read, and what a partner would accept."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stock_strategies import STOCK_BY_SET

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.document import read, write
from crossdock.edi.x12.guide import Guide, load
from crossdock.edi.x12.validate import validate
from crossdock.trade import stock


def guide_for(set_id: str, version: str = "004010") -> Guide:
    guide = load(set_id, version)
    assert guide is not None
    return guide


def segments_of(text: str) -> list[list[str]]:
    return [segment.split("*") for segment in text.split()]


def errors_of(set_id: str, text: str) -> list[tuple[Code, str]]:
    body = segments_of(text)
    found = validate([["ST", set_id, "0001"], *body, ["SE", str(len(body) + 2), "0001"]], guide_for(set_id))
    return [(each.code, each.place.segment) for each in found if each.severity is Severity.ERROR]


@pytest.mark.parametrize("set_id", STOCK_BY_SET)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_document_about_stock_that_is_written_reads_as_the_same_document(set_id: str, data: st.DataObject) -> None:
    document = data.draw(STOCK_BY_SET[set_id])
    guide = guide_for(set_id)
    again, findings = read(write(document, guide), guide)
    assert again == document
    assert findings == []


@pytest.mark.parametrize("set_id", STOCK_BY_SET)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data())
def test_what_is_written_of_stock_is_what_a_partner_would_accept(set_id: str, data: st.DataObject) -> None:
    """Only what the document does not have is missing: parties and lines."""
    document = data.draw(STOCK_BY_SET[set_id])
    guide = guide_for(set_id)
    body = write(document, guide)
    found = validate([["ST", set_id, "0001"], *body, ["SE", str(len(body) + 2), "0001"]], guide)
    wrong = {(each.code, each.place.segment) for each in found if each.severity is Severity.ERROR}
    lacking = {(Code.MISSING_SEGMENT, segment) for segment in ("N1", "LIN", "W19")}
    needs_number = {(Code.BROKEN_SYNTAX_NOTE, segment) for segment in ("W04", "W07", "W19")}
    assert wrong <= lacking | needs_number | {(Code.LINE_COUNT_MISMATCH, "CTT")}


@pytest.mark.parametrize("set_id", STOCK_BY_SET)
def test_a_guide_about_stock_reads_its_set_in_the_next_version_too(set_id: str) -> None:
    assert guide_for(set_id, "005010").exact


def test_a_receipt_reads_with_its_lines_in_loops_of_their_own_or_not() -> None:
    head, tail = "W17*F*20260110*R1*PO-1 N1*WH*DC ", " W14*12"
    line = "W07*12*CA**VN*A*UP*012345678905*LOT9 N9*LI*3 W13*2*CA*01**DX"
    assert errors_of("944", head + line + tail) == []
    assert errors_of("944", head + "LX*1 " + line + tail) == []
    plain, _ = read(segments_of(head + line + tail), guide_for("944"))
    looped, _ = read(segments_of(head + "LX*1 " + line + tail), guide_for("944"))
    assert isinstance(plain, stock.StockTransferReceiptAdvice)
    assert plain == looped
    assert [(each.line, each.lot, each.exceptions[0].condition) for each in plain.lines] == [("3", "LOT9", "damaged")]
    assert sum(made[0] == "W07" for made in write(plain, guide_for("944"))) == 1


def test_an_adjustment_without_a_reason_is_refused() -> None:
    head = "W15*20260105*ADJ1 N1*WH*DC "
    assert errors_of("947", head + "W19*05*-13*CA**VN*1") == []
    assert errors_of("947", head + "W19**-13*CA**VN*1") == [(Code.MISSING_ELEMENT, "W19")]
    assert errors_of("947", "W15*20260105 N1*WH*DC W19*05*1*CA**VN*1") == [(Code.BROKEN_SYNTAX_NOTE, "W15")]


def test_a_level_is_divided_by_the_sites_that_follow_it() -> None:
    text = "BIA*00*DD*1*20260105*0930 LIN*1*VP*A QTY*33*7*EA SCH*5*EA*WH*DALLAS*097*20260105 SCH*2*EA*WH*RENO*097*20260105 QTY*29*50*EA DTM*018*20260201 CTT*1"
    advice, findings = read(segments_of(text), guide_for("846"))
    assert isinstance(advice, stock.InventoryAdvice)
    assert (findings, errors_of("846", text)) == ([], [])
    available, expected = advice.lines[0].levels
    assert [(place.site, place.quantity) for place in available.places] == [("DALLAS", 5), ("RENO", 2)]
    assert (expected.status, expected.quantity, str(expected.on)) == ("expected", 50, "2026-02-01")
