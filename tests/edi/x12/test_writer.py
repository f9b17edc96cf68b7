"""Writing: what is written is read back as it was meant, and nothing breaks the syntax of the partner's delimiters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from x12_files import mutations, written

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments
from crossdock.edi.x12.verbatim import Verbatim, put_together, take_apart
from crossdock.edi.x12.writer import (
    Collision,
    GroupDraft,
    GroupHeader,
    InterchangeHeader,
    Style,
    TransactionDraft,
    write_interchange,
    write_segments,
)

HEADER = InterchangeHeader(
    sender_qualifier="ZZ",
    sender="WHOLESALER",
    receiver_qualifier="08",
    receiver="RETAILER",
    date="260105",
    time="0915",
    control_number=42,
)
GROUP = GroupHeader(
    functional_id="PR", sender="WHOLESALER", receiver="RETAILER", date="20260105", time="0915", control_number=7
)
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="*>~^|:'"), max_size=12)
STYLES = [
    Style(),
    Style(delimiters=Delimiters(b"|", b":", b"'", b"^", b"\r\n")),
    Style(delimiters=Delimiters(b"*", b">", b"\n")),
    Style(delimiters=Delimiters(b"\x1d", b"\x1f", b"\x1e")),
]
BODIES = st.lists(
    st.tuples(st.sampled_from(["BEG", "REF", "N1", "PO1"]), PLAIN, PLAIN, st.just("X")).map(list),
    min_size=1,
    max_size=6,
)


def write(body: list[list[str]], style: Style) -> bytes:
    drafts = [TransactionDraft("855", "0001", body), TransactionDraft("855", "0002", body)]
    return write_interchange(HEADER, [GroupDraft(GROUP, drafts)], style).data


@given(BODIES, st.sampled_from(STYLES))
def test_what_is_written_is_read_back(body: list[list[str]], style: Style) -> None:
    data = write(body, style)
    found = index(data)
    assert found.findings == ()
    (one,) = found.interchanges
    assert one.delimiters.segment == style.delimiters.segment
    for transaction in one.transactions:
        assert segments(data, transaction, one.delimiters)[1:-1] == body
        assert transaction.segment_count == len(body) + 2


@given(BODIES, st.sampled_from(STYLES))
def test_writing_what_was_read_gives_the_same_bytes(body: list[list[str]], style: Style) -> None:
    data = write(body, style)
    one = index(data).interchanges[0]
    again = Style(delimiters=style.delimiters, whole_elements=True)
    bodies = [segments(data, transaction, one.delimiters)[1:-1] for transaction in one.transactions]
    drafts = [TransactionDraft("855", each.control_number, bodies[n]) for n, each in enumerate(one.transactions)]
    assert write_interchange(HEADER, [GroupDraft(GROUP, drafts)], again).data == data


def test_any_file_taken_apart_and_put_together_is_the_same() -> None:
    for data in [*written(), *mutations(7, 2000, written())]:
        assert put_together(take_apart(data)) == data


@given(st.binary(max_size=400))
def test_any_bytes_taken_apart_and_put_together_are_the_same(data: bytes) -> None:
    assert put_together(take_apart(data)) == data


def test_a_file_taken_apart_shows_its_segments() -> None:
    (one, *rest) = take_apart(written()[0])
    assert isinstance(one, Verbatim)
    assert [line.elements[0] for line in one.lines][:4] == [b"ISA", b"GS", b"ST", b"BEG"]
    assert rest == [b"\n"]


def test_the_header_is_padded_to_106_bytes_and_counts_are_computed() -> None:
    data = write([["BAK", "00", "AC", "PO1", "20260105"]], Style(delimiters=Delimiters(b"*", b">", b"~")))
    assert data[:106] == (
        b"ISA*00*          *00*          *ZZ*WHOLESALER     *08*RETAILER       *260105*0915*U*00401*000000042*0*P*>~"
    )
    assert data[106:] == (
        b"GS*PR*WHOLESALER*RETAILER*20260105*0915*7*X*004010~"
        b"ST*855*0001~BAK*00*AC*PO1*20260105~SE*3*0001~ST*855*0002~BAK*00*AC*PO1*20260105~SE*3*0002~"
        b"GE*2*7~IEA*1*000000042~"
    )


def test_empty_elements_at_the_end_are_left_out() -> None:
    assert write_segments([["REF", "DP", "", ["", ""]], ["N1", "", "A"]], Style()).data == b"REF*DP~\nN1**A~\n"


@pytest.mark.parametrize("bad", ["A*B", "A~B", "A>B", "A\nB", "A\x00B"])
def test_data_that_holds_a_delimiter_or_control_character_is_refused(bad: str) -> None:
    done = write_segments([["N1", "ST", "fine"], ["N3", bad]], Style())
    assert done.refused
    assert done.data == b""
    (finding,) = done.findings
    assert finding.code is Code.BAD_CHARACTER
    assert (finding.place.segment, finding.place.segment_position, finding.place.element) == ("N3", 2, 1)


@given(st.text(max_size=30), st.sampled_from(STYLES))
def test_by_policy_a_forbidden_character_is_replaced_and_said_to_be(value: str, style: Style) -> None:
    value = value.encode("utf-8", "replace").decode()
    style = Style(delimiters=style.delimiters, collision=Collision.REPLACE)
    done = write_segments([["N3", value, "X"]], style)
    assert not done.refused
    separators = style.delimiters
    assert done.data.count(separators.element) == 2
    assert done.data.count(separators.segment + separators.line_break) == 1
    if done.data != separators.element.join((b"N3", value.encode(), b"X")) + separators.segment + separators.line_break:
        assert [finding.severity for finding in done.findings] == [Severity.WARNING]


def test_components_are_joined_by_the_partners_separator_and_may_not_hold_it() -> None:
    style = Style(delimiters=Delimiters(b"*", b":", b"~"))
    assert write_segments([["SLN", ["A", "", "B", ""], "C"]], style).data == b"SLN*A::B*C~"
    assert write_segments([["SLN", ["A:", "B"]]], style).refused


def test_a_header_value_that_does_not_fit_is_refused() -> None:
    header = InterchangeHeader(
        sender_qualifier="ZZ",
        sender="A NAME LONGER THAN FIFTEEN",
        receiver_qualifier="ZZ",
        receiver="R",
        date="260105",
        time="0915",
        control_number=1_000_000_000,
    )
    done = write_interchange(header, [], Style())
    assert done.data == b""
    assert [finding.place.element for finding in done.findings] == [6, 13]


def test_a_character_outside_the_encoding_is_refused() -> None:
    assert write_segments([["N1", "ST", "Łódź"]], Style(encoding="latin-1")).refused
    assert write_segments([["N1", "ST", "Łódź"]], Style()).data == "N1*ST*Łódź~\n".encode()
