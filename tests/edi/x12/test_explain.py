"""Files in words, and the pages about guides: what they say is what was read, and what is printed was run."""

import re
import tomllib
from pathlib import Path

import pytest
from document_strategies import BY_SET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from x12_files import samples
from x12_transactions import DATA

from crossdock.edi.findings import Code
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.document import read, write
from crossdock.edi.x12.explain import in_words, inspect, render, validate, with_overlays
from crossdock.edi.x12.guide import load
from crossdock.edi.x12.guide_pages import page, pages
from crossdock.edi.x12.overlay import OverlayError, apply
from crossdock.edi.x12.segments import split
from crossdock.edi.x12.summaries import summary
from crossdock.edi.x12.validate import validate as judge
from crossdock.trade import documents as d

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def bytes_of(name: str) -> bytes:
    return (DATA / f"{name}.edi").read_bytes()


def test_an_order_is_told_in_a_few_lines() -> None:
    (transaction,) = inspect(bytes_of("order")).interchanges[0].groups[0].transactions
    assert transaction.summary == (
        "purchase order PO4711 (original, SA) of 2026-01-05",
        "ship-to HALL 7 (0007)",
        "department 038",
        "requested ship 2026-01-12",
        "2 lines: 18 EA",
        "worth 146.4 at its prices",
    )


def test_a_ship_notice_says_what_is_in_it_for_each_order() -> None:
    (transaction,) = inspect(bytes_of("ship_notice")).interchanges[0].groups[0].transactions
    assert "purchase order PO4711: 2 packs, 2 lines: 18 EA" in transaction.summary


def test_a_page_names_interchange_group_and_set() -> None:
    told = render(inspect(bytes_of("order")))
    assert "Interchange 000000017 from ZZ:RETAILER to ZZ:WHOLESALER, 260105 0915, version 00401, production" in told
    assert "Group 17 (PO) from RETAILER to WHOLESALER, version 004010" in told
    assert "850 Purchase order 0001, 12 segments" in told
    assert "No findings." in told


def test_segments_are_told_in_words_on_demand() -> None:
    told = render(inspect(bytes_of("order"), with_segments=True))
    assert "PO1 order line: line 1, quantity ordered 12, unit EA, unit price 9.95, gtin-12 012345678905" in told
    assert "DTM date: kind of date requested ship, date 20260112" in told
    assert "REF reference: department 038" in told


def test_a_segment_without_meaning_is_told_as_it_stands() -> None:
    assert in_words(["SDQ", "EA", "92", "0007", "12"], load("850")) == "SDQ: EA, 92, 0007, 12"


def test_a_finding_is_told_with_its_place() -> None:
    told = render(inspect(bytes_of("sscc_check_digit")))
    assert "error sscc-check-digit at interchange 000000017 856 0001 byte" in told
    assert "the check digit of SSCC 006141410000000068 should be 7" in told


def test_a_set_without_a_guide_is_said_to_be_not_judged() -> None:
    data = bytes_of("order").replace(b"ST*850", b"ST*204").replace(b"GS*PO", b"GS*SM")
    assert [found.code for found in validate(data)] == [Code.NO_GUIDE]


def test_a_file_is_judged_by_a_partners_overlay() -> None:
    overlays = {"850": {"segments": {"CUR": {"usage": "required"}}}}
    assert validate(bytes_of("order")) == []
    assert [found.code for found in validate(bytes_of("order"), overlays)] == [Code.MISSING_SEGMENT]
    report = inspect(bytes_of("order"), with_overlays(overlays))
    assert [found.code for found in report.findings] == [Code.MISSING_SEGMENT]


def test_an_overlay_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverlayError, match="did you mean 'BEG'"):
        validate(bytes_of("order"), {"850": {"segments": {"BEGG": {}}}})


@pytest.mark.parametrize("set_id", BY_SET)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_document_has_a_summary(set_id: str, data: st.DataObject) -> None:
    document = data.draw(BY_SET[set_id])
    assert all(summary(document))


@pytest.mark.skipif(not samples(), reason="the collection of sample files is not beside the repository")
def test_every_sample_can_be_explained() -> None:
    for path in samples():
        assert f"{path.stat().st_size} bytes" in render(inspect(path.read_bytes(), with_segments=True))


def test_the_pages_about_guides_are_those_that_the_guides_give() -> None:
    for name, text in pages().items():
        assert (REFERENCE / "guides" / name).read_text("utf-8") == text, f"generate docs/reference/guides/{name} again"


def test_a_partners_guide_has_a_page_too() -> None:
    guide = load("850")
    assert guide is not None
    told = page(apply(guide, {"partner": "Hallmart", "elements": {"BEG-02": {"value": "NE", "codes": ["NE", "SA"]}}}))
    assert "# 850 Purchase order for Hallmart" in told
    assert "NE, SA (no others) | `kind` always `NE` |" in told


def test_the_worked_example_of_the_guide_format_is_true() -> None:
    text = (REFERENCE / "guide-format.md").read_text("utf-8").partition("### A worked example")[2]
    toml, order, errors = re.findall(r"```(?:toml|text)\n(.*?)```", text, re.DOTALL)
    base = load("850")
    assert base is not None
    guide = apply(base, tomllib.loads(toml))
    segments = split(order, Delimiters(b"*", b">", b"~", None, b"\n"))
    assert [found.message for found in judge(segments, guide)] == errors.strip().splitlines()
    read_order, _ = read(segments, guide)
    assert isinstance(read_order, d.PurchaseOrder)
    assert read_order.references == (d.Reference(kind="department", value="038"),)
    assert str(read_order.requested_ship) == "2026-01-12"
    renumbered = d.PurchaseOrder(
        number="1",
        references=read_order.references,
        requested_ship=read_order.requested_ship,
        lines=(d.PurchaseOrderLine(line="1", quantity=read_order.lines[0].quantity, unit="EA"),),
    )
    written = ["*".join(made) for made in write(renumbered, guide)]
    assert {"REF*Z1*038", "DTM*106*20260112", "PO1*001*12*EA"} <= set(written)
