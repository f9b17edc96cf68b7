"""What is written is what is read: every document type, whatever it holds."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from document_strategies import BY_SET
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.document import CannotWrite, Context, read, write
from crossdock.edi.x12.guide import Guide, load
from crossdock.edi.x12.validate import validate
from crossdock.trade import documents as d


def guide_for(set_id: str, version: str = "004010") -> Guide:
    guide = load(set_id, version)
    assert guide is not None
    return guide


def segments_of(text: str) -> list[list[str]]:
    return [segment.split("*") for segment in text.split()]


@pytest.mark.parametrize("set_id", BY_SET)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_document_that_is_written_reads_as_the_same_document(set_id: str, data: st.DataObject) -> None:
    document = data.draw(BY_SET[set_id])
    guide = guide_for(set_id)
    again, findings = read(write(document, guide), guide)
    assert again == document
    assert findings == []


@pytest.mark.parametrize("set_id", [name for name in BY_SET if name != "TA1"])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data())
def test_what_is_written_is_what_a_partner_would_accept(set_id: str, data: st.DataObject) -> None:
    """Whatever the document holds, only what it does not have is missing: lines, or the other half of a pair."""
    document = data.draw(BY_SET[set_id])
    guide = guide_for(set_id)
    body = write(document, guide)
    found = validate([["ST", set_id, "0001"], *body, ["SE", str(len(body) + 2), "0001"]], guide)
    wrong = {(each.code, each.place.segment) for each in found if each.severity is Severity.ERROR}
    lacking = {(Code.MISSING_SEGMENT, "PO1"), (Code.MISSING_SEGMENT, "N1"), (Code.LINE_COUNT_MISMATCH, "CTT")}
    halves = {(Code.BROKEN_SYNTAX_NOTE, segment) for segment in ("ITD", "TD1", "W03")}
    assert wrong <= lacking | halves


@pytest.mark.parametrize("set_id", BY_SET)
def test_a_guide_reads_its_set_in_the_next_version_too(set_id: str) -> None:
    assert guide_for(set_id, "005010").exact


def test_a_line_that_no_one_numbered_gets_its_place_as_number() -> None:
    order, _ = read(segments_of("BEG*00*SA*PO1**20260105 PO1**2*EA*1 PO1*7*3*EA*2 PO1**4*EA*3"), guide_for("850"))
    assert isinstance(order, d.PurchaseOrder)
    assert [line.line for line in order.lines] == ["1", "7", "3"]


def test_a_second_item_of_one_warehouse_line_is_a_line_of_its_own() -> None:
    text = "W05*N*SO1 LX*5 W01*2*EA**VN*A W01*3*EA**VN*B LX*6 W01*1*EA**VN*C"
    order, _ = read(segments_of(text), guide_for("940"))
    assert isinstance(order, d.WarehouseOrder)
    assert [(line.line, line.quantity, line.items[0].id) for line in order.lines] == [
        ("5", Decimal(2), "A"),
        ("5", Decimal(3), "B"),
        ("6", Decimal(1), "C"),
    ]


def test_a_value_that_is_none_of_its_kind_is_a_finding_and_an_empty_field() -> None:
    order, findings = read(segments_of("BEG*00*SA*PO1**20260231 PO1*1*2*EA*1"), guide_for("850"))
    assert isinstance(order, d.PurchaseOrder)
    assert order.issued is None
    assert order.lines[0].quantity == 2
    assert [(found.code, found.place.segment, found.place.element) for found in findings] == [(Code.BAD_DATE, "BEG", 5)]


def test_an_order_without_a_number_is_read_and_said_to_be_incomplete() -> None:
    order, findings = read(segments_of("PO1*1*2*EA*1"), guide_for("850"))
    assert isinstance(order, d.PurchaseOrder)
    assert order.number == ""
    assert [found.code for found in findings] == [Code.DOCUMENT_INCOMPLETE]


def test_a_code_without_a_word_passes_through_as_received() -> None:
    order, _ = read(segments_of("BEG*00*SA*P**20260105 REF*Q7*X N1*Z9*NAME*92*1 PO1*1*1*EA*1**ZZ*9"), guide_for("850"))
    assert isinstance(order, d.PurchaseOrder)
    assert (order.references[0].kind, order.parties[0].role, order.lines[0].items[0].qualifier) == ("Q7", "Z9", "ZZ")


def test_a_tare_above_its_orders_is_in_each_of_them() -> None:
    text = """BSN*00*S1*20260105*0915*0001 HL*1**S HL*2*1*T MAN*GM*00106141410000000017 HL*3*2*O PRF*P1
    HL*4*3*P MAN*GM*X HL*5*4*I LIN*1*UP*012345678905 SN1*1*2*EA HL*6*2*O PRF*P2 HL*7*6*I LIN*1*UP*1 SN1*1*3*EA"""
    notice, _ = read(segments_of(text), guide_for("856"))
    assert isinstance(notice, d.ShipNotice)
    assert [order.purchase_order for order in notice.orders] == ["P1", "P2"]
    assert [order.packs[0].sscc for order in notice.orders] == ["106141410000000017"] * 2
    assert notice.orders[0].packs[0].packs[0].items[0].quantity == 2
    assert notice.orders[1].packs[0].items[0].quantity == 3


def test_an_item_without_an_order_belongs_to_one_that_nobody_named() -> None:
    notice, _ = read(segments_of("BSN*00*S1*20260105*0915 HL*1**S HL*2*1*I LIN*1*UP*1 SN1*1*2*EA"), guide_for("856"))
    assert isinstance(notice, d.ShipNotice)
    assert notice.orders[0].purchase_order == ""
    assert notice.orders[0].items[0].quantity == 2


def test_an_amount_that_has_no_place_is_refused_not_rounded() -> None:
    invoice = d.Invoice(number="I1", purchase_order="P1", total=Decimal("1.005"))
    with pytest.raises(CannotWrite, match=r"TDS-01 holds two decimals, but the amount is 1\.005"):
        write(invoice, guide_for("810"))


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(CannotWrite, match="guide 810 writes Invoice, not PurchaseOrder"):
        write(d.PurchaseOrder(number="1"), guide_for("810"))


def test_the_day_of_writing_stands_where_a_document_is_silent() -> None:
    made = write(d.ShipNotice(shipment="S1"), guide_for("856"), Context(moment=datetime(2026, 1, 5, 9, 15)))
    assert made[0][:5] == ["BSN", "00", "S1", "20260105", "0915"]


def test_a_date_of_six_digits_is_read_in_versions_that_write_it_so() -> None:
    order, findings = read(segments_of("BEG*00*SA*P**040317 PO1*1*1*EA*1"), guide_for("850", "003010"))
    assert isinstance(order, d.PurchaseOrder)
    assert (order.issued, findings) == (date(2004, 3, 17), [])


def test_a_997_tells_its_errors_in_words_with_their_place() -> None:
    text = "AK1*IN*101 AK2*810*0002 AK3*IT1*7**8 AK4*4*212*6*12X AK5*R*5 AK9*P*2*2*1"
    told, _ = read(segments_of(text), guide_for("997"))
    assert isinstance(told, d.FunctionalAcknowledgement)
    assert told.transactions[0].errors == (
        'IT1[7]: segment has data element errors; IT1-04 (212): invalid character, found "12X"',
        "transaction: segments in error",
    )
