"""The index: what it finds in files as partners send them, and what it says about broken ones."""

from collections.abc import Sequence

import pytest
from x12_files import binary, group, interchange, isa, order, plain, text, wrapped, written

from crossdock.edi.findings import Code, Finding, Severity
from crossdock.edi.x12.envelope import SpanKind
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import offsets, segments


def codes(findings: Sequence[Finding], at_least: Severity = Severity.WARNING) -> list[Code]:
    kept = (Severity.ERROR,) if at_least is Severity.ERROR else (Severity.ERROR, Severity.WARNING)
    return [finding.code for finding in findings if finding.severity in kept]


def test_a_plain_file_is_read_without_a_word() -> None:
    data = plain(1, orders=3)
    found = index(data)
    assert found.findings == ()
    (one,) = found.interchanges
    assert (one.sender_qualifier, one.sender, one.receiver, one.control_number) == (
        "ZZ",
        "RETAILER",
        "WHOLESALER",
        "000000001",
    )
    assert (one.date, one.time, one.version, one.usage, one.ack_requested) == ("260105", "0915", "00401", "P", False)
    (inside,) = one.groups
    assert (inside.functional_id, inside.control_number, inside.version) == ("PO", "1", "004010")
    assert [(each.set_id, each.control_number, each.segment_count) for each in inside.transactions] == [
        ("850", "0001", 9),
        ("850", "0002", 9),
        ("850", "0003", 9),
    ]
    first = inside.transactions[0]
    assert data[first.start : first.end].startswith(b"ST*850*0001~")
    assert data[first.start : first.end].endswith(b"SE*9*0001~")


@pytest.mark.parametrize(
    "ending", ["~", "~\n", "~\r\n", "\n", "\r", "\r\n", "\x1e", "~ ", "~\n\n", "|", "'", "Ö", "Ö\n"]
)
def test_every_way_to_end_a_segment_is_understood(ending: str) -> None:
    data = plain(1, orders=2, ending=ending)
    found = index(data)
    assert codes(found.findings) == []
    assert [each.segment_count for each in found.transactions] == [9, 9]
    (one,) = found.interchanges
    for transaction in one.transactions:
        split = segments(data, transaction, one.delimiters)
        assert split[1] == ["BEG", "00", "SA", f"PO{int(transaction.control_number):06d}", "", "20260105"]
        assert len(split) == 9


def test_a_byte_order_mark_and_blank_lines_before_the_header_are_filler() -> None:
    found = index(b"\xef\xbb\xbf\r\n\r\n" + plain(1) + b"\r\n\x1a")
    assert [finding.code for finding in found.findings] == [Code.BYTE_ORDER_MARK]
    assert [span.kind for span in found.spans] == [SpanKind.FILLER, SpanKind.INTERCHANGE, SpanKind.FILLER]


def test_several_interchanges_and_groups_in_a_file_are_told_apart() -> None:
    two_groups = text(interchange(2, [group(5, [order(1)]), group(6, [order(1), order(2)])]), "\x1d")
    found = index(plain(1) + b"\n" + two_groups + plain(3, ending="\n"))
    assert codes(found.findings) == []
    assert [[len(inside.transactions) for inside in each.groups] for each in found.interchanges] == [[2], [1, 2], [2]]


def test_an_interchange_of_acknowledgements_alone_is_right() -> None:
    services = [isa(8), "ISB*1", "ISE*260105*0515*04", "TA1*000000001*260105*0915*A*000", "IEA*0*000000008"]
    found = index(text(services))
    assert found.findings == ()
    assert found.interchanges[0].acknowledgements == (("TA1", "000000001", "260105", "0915", "A", "000"),)
    assert [service[0] for service in found.interchanges[0].services] == ["ISB", "ISE", "TA1"]


def test_a_binary_segment_may_hold_what_looks_like_the_end() -> None:
    data = binary()
    found = index(data)
    assert codes(found.findings) == []
    (transaction,) = found.transactions
    assert transaction.binary
    split = segments(data, transaction, found.interchanges[0].delimiters)
    assert [segment[0] for segment in split] == ["ST", "BIN", "SE"]
    assert split[1][2] == "X~SE*9*9~GE*1*1~IEA*1*1~\n"


def test_a_binary_segment_of_the_wrong_length_is_said_to_be() -> None:
    found = index(binary().replace(b"BIN*25*", b"BIN*26*"))
    assert Code.BINARY_LENGTH in codes(found.findings)


BREAKS = {
    "SE01": (b"SE*9*0001", b"SE*8*0001", Code.SEGMENT_COUNT_MISMATCH),
    "SE02": (b"SE*9*0001", b"SE*9*0009", Code.TRANSACTION_CONTROL_NUMBER_MISMATCH),
    "GE01": (b"GE*2*1", b"GE*3*1", Code.TRANSACTION_COUNT_MISMATCH),
    "GE02": (b"GE*2*1", b"GE*2*2", Code.GROUP_CONTROL_NUMBER_MISMATCH),
    "IEA01": (b"IEA*1", b"IEA*2", Code.GROUP_COUNT_MISMATCH),
    "IEA02": (b"IEA*1*000000001", b"IEA*1*000000002", Code.INTERCHANGE_CONTROL_NUMBER_MISMATCH),
    "ST02 doubled": (b"0002", b"0001", Code.DUPLICATE_TRANSACTION_CONTROL_NUMBER),
    "no SE": (b"SE*9*0001~\n", b"", Code.MISSING_TRANSACTION_TRAILER),
    "no ST": (b"ST*850*0002~\n", b"", Code.MISSING_TRANSACTION_HEADER),
    "no GE": (b"GE*2*1~\n", b"", Code.MISSING_GROUP_TRAILER),
    "no GS": (b"GS*PO*RETAILER*WHOLESALER*20260105*0915*1*X*004010~\n", b"", Code.MISSING_GROUP_HEADER),
    "no IEA": (b"IEA*1*000000001~\n", b"", Code.MISSING_INTERCHANGE_TRAILER),
    "a segment between sets": (b"ST*850*0002~", b"REF*DP*1~ST*850*0002~", Code.MISPLACED_SEGMENT),
}


@pytest.mark.parametrize("cause", BREAKS)
def test_each_break_of_the_envelope_is_said_with_its_place(cause: str) -> None:
    right, wrong, code = BREAKS[cause]
    data = plain(1).replace(right, wrong)
    found = index(data)
    said = [finding for finding in found.findings if finding.code is code]
    assert len(said) == 1, [finding.message for finding in found.findings]
    assert 0 < said[0].place.offset <= len(data)
    assert said[0].severity is Severity.ERROR
    assert len(found.transactions) == (1 if cause == "no ST" else 2)


def test_what_is_wrong_is_said_in_plain_words() -> None:
    found = index(plain(1).replace(b"SE*9*0001", b"SE*41*0001"))
    (finding,) = found.findings
    assert finding.message == "SE-01 says 41, 9 segments are there"
    assert (finding.expected, finding.found) == ("9", "41")
    place = finding.place
    assert (place.interchange, place.group, place.transaction, place.transaction_set) == (
        "000000001",
        "1",
        "0001",
        "850",
    )
    assert (place.segment, place.segment_position, place.element) == ("SE", 9, 1)


def test_missing_leading_zeros_are_no_reason_to_refuse() -> None:
    found = index(plain(1).replace(b"IEA*1*000000001", b"IEA*1*1"))
    assert [(finding.code, finding.severity) for finding in found.findings] == [
        (Code.INTERCHANGE_CONTROL_NUMBER_MISMATCH, Severity.WARNING)
    ]


def test_a_group_number_used_twice_is_found() -> None:
    found = index(text(interchange(1, [group(1, [order(1)]), group(1, [order(1)])])))
    assert codes(found.findings) == [Code.DUPLICATE_GROUP_CONTROL_NUMBER]


def test_the_same_interchange_twice_in_a_file_is_found_whatever_its_delimiters() -> None:
    found = index(plain(1) + plain(2) + plain(1, ending="\x1e"))
    assert codes(found.findings) == [Code.DUPLICATE_INTERCHANGE]
    assert found.interchanges[0].key == found.interchanges[2].key != found.interchanges[1].key


def test_a_file_cut_off_in_a_segment_keeps_what_came() -> None:
    data = plain(1)
    cut = data[: data.index(b"PO1*2*12", data.index(b"0002")) + 12]
    found = index(cut)
    assert codes(found.findings) == [
        Code.UNTERMINATED_TAIL,
        Code.MISSING_TRANSACTION_TRAILER,
        Code.MISSING_GROUP_TRAILER,
        Code.MISSING_INTERCHANGE_TRAILER,
    ]
    assert [each.complete for each in found.transactions] == [True, False]
    assert found.spans[-1].end == len(cut)


def test_an_interchange_that_starts_where_another_was_cut_off_is_not_lost() -> None:
    for length in range(150, len(plain(1)) - 3, 7):
        found = index(plain(1)[:length] + plain(2))
        assert [each.control_number for each in found.interchanges] == ["000000001", "000000002"], length
        assert found.interchanges[1].complete
        assert len(found.interchanges[1].transactions) == 2
        assert Code.MISSING_INTERCHANGE_TRAILER in codes(found.findings) or length > len(plain(1)) - 12


def test_a_trailer_without_terminator_at_the_end_of_the_file_is_taken_with_a_word() -> None:
    found = index(plain(1).rstrip(b"~\n"))
    assert codes(found.findings, Severity.ERROR) == []
    assert codes(found.findings) == [Code.UNTERMINATED_TAIL]
    assert found.interchanges[0].complete


def test_what_is_no_interchange_is_unreadable_and_around_it_all_is_read() -> None:
    found = index(b"From: someone\r\n\r\n" + plain(1) + b"-- \nRegards\n" + plain(2))
    assert [span.kind for span in found.spans if span.kind is not SpanKind.FILLER] == [
        SpanKind.UNREADABLE,
        SpanKind.INTERCHANGE,
        SpanKind.UNREADABLE,
        SpanKind.INTERCHANGE,
    ]
    assert codes(found.findings) == [Code.UNREADABLE_BYTES, Code.UNREADABLE_BYTES]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.EMPTY_FILE),
        (b"\r\n \n", Code.EMPTY_FILE),
        (b"UNB+UNOA:1+A+B'", Code.NOT_X12),
        (b"ISA*00", Code.NOT_X12),
    ],
)
def test_a_file_without_any_interchange_is_said_to_be_one(data: bytes, code: Code) -> None:
    assert code in [finding.code for finding in index(data).findings]


def test_an_isa_without_padding_is_read_by_counting() -> None:
    data = plain(1).replace(b"RETAILER       ", b"RETAILER").replace(b"*          *", b"**")
    found = index(data)
    assert codes(found.findings) == [Code.ISA_NOT_FIXED_WIDTH]
    assert (found.interchanges[0].sender, len(found.transactions)) == ("RETAILER", 2)


def test_a_left_out_component_separator_is_seen_from_what_follows() -> None:
    found = index(plain(1).replace(b"*P*>~", b"*P*~"))
    assert codes(found.findings) == [Code.BAD_DELIMITER]
    assert found.interchanges[0].delimiters.segment == b"~"
    assert found.interchanges[0].groups[0].version == "004010"


def test_the_repetition_separator_counts_from_version_00402_on() -> None:
    old = index(text(interchange(1, [group(1, [order(1)])], repeat="^")))
    new = index(text(interchange(1, [group(1, [order(1)])], version="00501", repeat="^")))
    letter = index(text(interchange(1, [group(1, [order(1)])], version="00501", repeat="U")))
    assert [each.interchanges[0].delimiters.repetition for each in (old, new, letter)] == [None, b"^", None]


def test_empty_segments_are_not_counted() -> None:
    data = plain(1).replace(b"CTT*2~", b"CTT*2~~\n~", 1)
    found = index(data)
    assert codes(found.findings) == []
    assert found.transactions[0].segment_count == 9
    assert len(segments(data, found.transactions[0], found.interchanges[0].delimiters)) == 9


def test_the_place_of_each_segment_can_be_told() -> None:
    for data in written():
        found = index(data)
        for one in found.interchanges:
            for transaction in one.transactions:
                split = segments(data, transaction, one.delimiters)
                places = offsets(data, transaction, one.delimiters)
                assert [data[start:end].decode() for start, end in places] == [
                    one.delimiters.element.decode().join(segment) for segment in split
                ]


@pytest.mark.parametrize(("width", "line_break"), [(80, b"\r\n"), (80, b"\n"), (72, b"\r\n")])
def test_lines_broken_at_a_fixed_width_are_put_together(width: int, line_break: bytes) -> None:
    data = wrapped(width, line_break)
    found = index(data)
    assert [finding.code for finding in found.findings] == [Code.WRAPPED_LINES]
    (one,) = found.interchanges
    assert [each.segment_count for each in one.transactions] == [9, 9, 9]
    assert b"".join(data[span.start : span.end] for span in found.spans) == data
    for transaction in one.transactions:
        split = segments(data, transaction, one.delimiters)
        assert [segment[0] for segment in split] == ["ST", "BEG", "N1", "PO1", "PID", "PO1", "PID", "CTT", "SE"]
        assert len(offsets(data, transaction, one.delimiters)) == 9


def test_what_is_missing_behind_the_last_full_line_is_missing_at_the_end_of_the_file() -> None:
    data = wrapped()
    for lines in range(3, data.count(b"\r\n")):
        cut = data[: lines * 82 - 2] + b"\r"
        found = index(cut)
        assert any(finding.code is Code.WRAPPED_LINES for finding in found.findings)
        assert max(finding.place.offset for finding in found.findings) <= len(cut)
