"""A partner's overlay: it states only what differs, and what it states holds for reading, writing and judging."""

import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from x12_transactions import DATA, complete, one

from crossdock.edi.findings import Code, Finding
from crossdock.edi.x12.document import read, write
from crossdock.edi.x12.guide import Guide, load
from crossdock.edi.x12.overlay import OverlayError, apply
from crossdock.edi.x12.segments import segments, split
from crossdock.edi.x12.validate import validate
from crossdock.trade import documents as d


def overlaid(toml: str, set_id: str = "850") -> Guide:
    guide = load(set_id)
    assert guide is not None
    return apply(guide, tomllib.loads(toml))


def judged(toml: str, file: str = "order.edi") -> list[Finding]:
    data, interchange, transaction, guide = one(file)
    made = apply(guide, tomllib.loads(toml))
    parts = segments(data, transaction, interchange.delimiters)
    found = validate(parts, made)
    if found:
        assert not complete(made, interchange.delimiters).proves(data[transaction.start : transaction.end])
    return found


def codes(found: list[Finding]) -> list[tuple[Code, str, int]]:
    return [(each.code, each.place.segment, each.place.element) for each in found]


ORDER = d.PurchaseOrder(
    number="PO1",
    issued=date(2026, 1, 5),
    kind="SA",
    references=(d.Reference(kind="department", value="038"),),
    lines=(
        d.PurchaseOrderLine(
            line="7", quantity=Decimal(3), unit="EA", items=(d.ItemReference(qualifier="buyer-item", id="X-1"),)
        ),
    ),
)


def written(toml: str, document: d.Document = ORDER, set_id: str = "850") -> dict[str, list[str]]:
    return {made[0]: made for made in write(document, overlaid(toml, set_id))}


def test_an_overlay_that_says_nothing_changes_nothing() -> None:
    assert judged("") == []
    assert write(ORDER, overlaid("")) == write(ORDER, load("850"))  # type: ignore[arg-type]


def test_a_segment_that_a_partner_needs_is_missed() -> None:
    assert codes(judged('[segments.CUR]\nusage = "required"')) == [(Code.MISSING_SEGMENT, "CUR", 0)]


def test_a_segment_that_a_partner_needs_on_every_line_is_missed_on_the_one_without() -> None:
    found = judged('[segments."PO1/PID"]\nusage = "required"')
    assert codes(found) == [(Code.MISSING_SEGMENT, "PID", 0)]
    assert found[0].place.loop == "PO1"


def test_a_segment_that_a_partner_does_not_use_is_unexpected_and_not_written() -> None:
    assert codes(judged('[segments.REF]\nusage = "unused"')) == [(Code.UNEXPECTED_SEGMENT, "REF", 0)]
    assert "REF" not in written('[segments.REF]\nusage = "unused"')


def test_fewer_lines_may_be_allowed() -> None:
    assert codes(judged("[segments.PO1]\nmax = 1")) == [(Code.TOO_MANY_LOOPS, "PO1", 0)]


def test_an_element_that_a_partner_needs_is_missed() -> None:
    assert codes(judged('[elements.BEG-06]\nusage = "required"')) == [(Code.MISSING_ELEMENT, "BEG", 6)]


def test_an_element_that_a_partner_does_not_use_is_noted_and_not_written() -> None:
    assert codes(judged('[elements.REF-02]\nmax = 2\n[elements.PO1-04]\nusage = "unused"'))[1:] == [
        (Code.UNMAPPED_VALUE, "PO1", 4),
        (Code.UNMAPPED_VALUE, "PO1", 4),
    ]
    priced = d.PurchaseOrder(
        number="1", lines=(d.PurchaseOrderLine(line="1", quantity=Decimal(1), unit="EA", price=Decimal(2)),)
    )
    assert written('[elements.PO1-04]\nusage = "unused"', priced)["PO1"] == ["PO1", "1", "1", "EA"]


def test_a_shorter_order_number_may_be_asked_for() -> None:
    assert codes(judged("[elements.BEG-03]\nmax = 5")) == [(Code.ELEMENT_TOO_LONG, "BEG", 3)]


def test_a_list_of_codes_closes_what_was_open() -> None:
    assert codes(judged('[elements.PO1-03]\ncodes = ["CA"]')) == [(Code.BAD_CODE, "PO1", 3)] * 2
    assert judged('[elements.PO1-03]\ncodes = ["CA", "EA"]') == []


def test_codes_may_be_added_to_and_taken_from_a_closed_list() -> None:
    assert judged('[elements.BEG-01]\nadd_codes = { "0X" = "rush" }', "bad_code.edi") == []
    assert codes(judged('[elements.BEG-01]\nremove_codes = ["00"]')) == [(Code.BAD_CODE, "BEG", 1)]
    order, _ = read(
        [["BEG", "0X", "SA", "P", "", "20260105"]], overlaid('[elements.BEG-01]\nadd_codes = { "0X" = "rush" }')
    )
    assert isinstance(order, d.PurchaseOrder)
    assert order.purpose == "rush"


def test_a_fixed_value_is_written_whatever_the_document_says() -> None:
    assert written('[elements.BEG-02]\nvalue = "NE"')["BEG"][2] == "NE"


def test_a_default_is_written_where_the_document_is_silent() -> None:
    assert written('[elements.BEG-06]\ndefault = "C-1"')["BEG"][6] == "C-1"


def test_an_element_may_fill_another_field() -> None:
    guide = overlaid('[elements.BEG-07]\nfield = "service"')
    order, _ = read([["BEG", "00", "SA", "P", "", "20260105", "", "ND"]], guide)
    assert isinstance(order, d.PurchaseOrder)
    assert order.service == "ND"


def test_a_partner_spells_a_kind_of_reference_his_way() -> None:
    toml = '[words.reference]\nZ1 = "department"'
    assert written(toml)["REF"] == ["REF", "Z1", "038"]
    order, _ = read([["REF", "Z1", "038"], ["REF", "DP", "039"]], overlaid(toml))
    assert isinstance(order, d.PurchaseOrder)
    assert [each.kind for each in order.references] == ["department", "department"]


def test_a_partner_writes_item_numbers_with_his_qualifier() -> None:
    assert written('[words.item]\nBP = "buyer-item"')["PO1"][6:8] == ["BP", "X-1"]


def test_a_reference_may_fill_a_field_of_its_own() -> None:
    guide = overlaid('[meaning.REF]\ncases = { Q7 = "contract" }')
    order, _ = read([["REF", "Q7", "C-9"], ["REF", "DP", "1"]], guide)
    assert isinstance(order, d.PurchaseOrder)
    assert (order.contract, [each.kind for each in order.references]) == ("C-9", ["department"])


def test_a_date_may_have_another_qualifier() -> None:
    guide = overlaid('[meaning.DTM]\ncases = { 106 = "requested_ship" }')
    order, _ = read([["DTM", "106", "20260110"]], guide)
    assert isinstance(order, d.PurchaseOrder)
    assert order.requested_ship == date(2026, 1, 10)
    assert ["DTM", "106", "20260110"] in write(order, guide)


def test_line_numbers_may_have_a_width_and_be_left_as_told() -> None:
    assert written("[lines]\nwidth = 4")["PO1"][1] == "0007"
    order, _ = read([["PO1", "", "1", "EA", "2"]], overlaid('[lines]\nnumbers = "as-told"'))
    assert isinstance(order, d.PurchaseOrder)
    assert order.lines[0].line == ""


def test_a_hash_total_may_be_demanded_or_ignored() -> None:
    from crossdock.edi.findings import Severity

    required = judged('[totals]\nhash = "required"', "hash_total_mismatch.edi")
    assert [each.severity for each in required] == [Severity.ERROR]
    assert judged('[totals]\nhash = "unused"', "hash_total_mismatch.edi") == []


def test_child_codes_may_be_left_out() -> None:
    notice = d.ShipNotice(shipment="S1", orders=(d.ShippedOrder(purchase_order="P1"),))
    levels = [made for made in write(notice, overlaid('[elements."S-04"]\nusage = "unused"', "856")) if made[0] == "HL"]
    assert levels == [["HL", "1", "", "S"], ["HL", "2", "1", "O"]]


def test_the_guide_itself_stays_as_it_was() -> None:
    overlaid('[segments.REF]\nusage = "unused"')
    guide = load("850")
    assert guide is not None
    assert not guide.segments["REF"].unused


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"segmnts": {}}, "overlay has no 'segmnts'; did you mean 'segments'?"),
        ({"segments": {"PO1/PIDD": {}}}, "guide 850 has no segment 'PO1/PIDD'; did you mean 'PO1/PID'?"),
        ({"segments": {"REF": {"maximum": 1}}}, "segments.REF has no 'maximum'; did you mean 'max'?"),
        ({"segments": {"REF": {"usage": "require"}}}, "did you mean 'required'?"),
        ({"segments": {"REF": {"max": "many"}}}, "segments.REF.max must be a whole number, not 'many'"),
        ({"elements": {"BEG02": {}}}, "write it like BEG-02"),
        ({"elements": {"BEG-13": {}}}, "BEG has 12 elements, none is 'BEG-13'"),
        ({"elements": {"BEG-02": {"lenght": 1}}}, "elements.BEG-02 has no 'lenght'"),
        ({"elements": {"BEG-03": {"min": 30}}}, "min 30 is more than max 22"),
        ({"elements": {"BEG-03": {"field": "numbr"}}}, "PurchaseOrder has no field 'numbr'; did you mean 'number'?"),
        ({"elements": {"BEG-01": {"remove_codes": ["99"]}}}, "'99' is not among its codes"),
        ({"elements": {"BEG-01": {"value": "9Z"}}}, "'9Z' is not among its codes"),
        ({"words": {"refrence": {}}}, "guide 850 uses no words 'refrence'; did you mean 'reference'?"),
        ({"meaning": {"DTM": {"casses": {}}}}, "meaning.DTM"),
        ({"meaning": {"DTM": {"cases": {"106": "ship_dat"}}}}, "PurchaseOrder has no field 'ship_dat'"),
        ({"lines": {"numbers": "ordinals"}}, "did you mean 'ordinal'?"),
        ({"segments": 5}, "segments must be a table"),
        ({"elements": {"BEG-02": {"codes": "SA"}}}, "must be a list of codes"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(overlay: dict[str, Any], message: str) -> None:
    guide = load("850")
    assert guide is not None
    with pytest.raises(OverlayError) as refused:
        apply(guide, overlay)
    assert message in str(refused.value)


def test_a_demand_of_a_partner_holds_on_the_fast_path_too() -> None:
    _, interchange, _, guide = one("order.edi")
    text = (DATA / "order.edi").read_text()
    made = apply(guide, {"elements": {"PO1/PID-05": {"max": 5}}})
    body = text[text.index("ST*") : text.index("GE*")]
    assert not complete(made, interchange.delimiters).proves(body.encode())
    assert codes(validate(split(body, interchange.delimiters), made)) == [(Code.ELEMENT_TOO_LONG, "PID", 5)]
