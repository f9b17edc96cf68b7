"""The 997 and TA1: built from the findings, one for each group, and never in answer to an acknowledgement."""

from x12_files import group, interchange, isa, order, plain, text

from crossdock.edi.findings import Code, Place, find
from crossdock.edi.x12.acknowledge import acknowledge_group, acknowledge_interchange, technical_acknowledgement
from crossdock.edi.x12.index import index


def answer(data: bytes) -> list[list[str]]:
    found = index(data)
    (draft,) = acknowledge_interchange(found.interchanges[0], found.findings)
    return [list(segment) for segment in draft.segments]  # type: ignore[arg-type]


def test_a_right_group_is_accepted_as_a_whole() -> None:
    assert answer(plain(1)) == [
        ["AK1", "PO", "1"],
        ["AK2", "850", "0001"],
        ["AK5", "A"],
        ["AK2", "850", "0002"],
        ["AK5", "A"],
        ["AK9", "A", "2", "2", "2"],
    ]


def test_a_wrong_count_rejects_its_transaction_set_alone() -> None:
    said = answer(plain(1).replace(b"SE*9*0002", b"SE*8*0002"))
    assert said[1:] == [
        ["AK2", "850", "0001"],
        ["AK5", "A"],
        ["AK2", "850", "0002"],
        ["AK5", "R", "4"],
        ["AK9", "P", "2", "2", "1"],
    ]


def test_a_wrong_group_trailer_rejects_the_group() -> None:
    assert answer(plain(1).replace(b"GE*2*1", b"GE*3*1"))[-1] == ["AK9", "R", "3", "2", "0", "5"]
    assert answer(plain(1).replace(b"GE*2*1", b"GE*2*9"))[-1] == ["AK9", "R", "2", "2", "0", "4"]


def test_a_group_cut_off_is_rejected_and_what_came_is_listed() -> None:
    data = plain(1)
    said = answer(data[: data.index(b"SE*9*0002")])
    assert said[-3:] == [["AK2", "850", "0002"], ["AK5", "R", "2"], ["AK9", "R", "2", "2", "0", "3"]]


def test_findings_of_a_guide_become_ak3_and_ak4() -> None:
    data = plain(1)
    found = index(data)
    transaction = found.transactions[0]
    at = data.index(b"PO1*1")
    bad = Place(offset=at, segment="PO1", segment_position=4, element=3, data_element="355")
    missing = Place(offset=at, segment="PO1", segment_position=4, element=2, data_element="330")
    late = Place(offset=at + 20, segment="CUR", segment_position=5, loop="N1")
    findings = [
        find(Code.SEGMENT_OUT_OF_ORDER, "CUR comes too late", late),
        find(Code.BAD_CODE, "PO1-03 is ZZ*", bad, found="ZZ*~"),
        find(Code.MISSING_ELEMENT, "PO1-02 is empty", missing),
    ]
    draft = acknowledge_group(found.interchanges[0].groups[0], findings, "0001")
    assert draft is not None
    assert list(draft.segments)[1:7] == [
        ["AK2", transaction.set_id, transaction.control_number],
        ["AK3", "PO1", "4", "", "8"],
        ["AK4", "3", "355", "7", "ZZ"],
        ["AK4", "2", "330", "1", ""],
        ["AK3", "CUR", "5", "N1", "7"],
        ["AK5", "R", "5"],
    ]


def test_an_acknowledgement_is_never_acknowledged() -> None:
    body = ["ST*997*0001", "AK1*PO*1", "AK9*A*1*1*1", "SE*4*0001"]
    found = index(text(interchange(1, [group(1, [order(1)]), group(2, [body], "FA")])))
    drafts = acknowledge_interchange(found.interchanges[0], found.findings, 17)
    assert [(draft.control_number, draft.segments[0]) for draft in drafts] == [("0017", ["AK1", "PO", "1"])]


def test_a_ta1_says_whether_the_envelope_is_right() -> None:
    def ta1(data: bytes) -> list[str] | None:
        found = index(data)
        return technical_acknowledgement(found.interchanges[-1], found.findings)

    assert ta1(plain(5)) == ["TA1", "000000005", "260105", "0915", "A", "000"]
    assert ta1(plain(5).replace(b"IEA*1*000000005", b"IEA*1*000000006")) == [
        "TA1",
        "000000005",
        "260105",
        "0915",
        "R",
        "001",
    ]
    assert (ta1(plain(5).replace(b"IEA*1", b"IEA*2")) or [])[-2:] == ["R", "021"]
    assert (ta1(plain(5)[:-30]) or [])[-2:] == ["R", "023"]
    assert (ta1(plain(5) + plain(5)) or [])[-2:] == ["R", "025"]
    assert (ta1(plain(5).replace(b"*260105*", b"*261305*")) or [])[-2:] == ["E", "014"]
    assert ta1(text([isa(8), "TA1*000000001*260105*0915*A*000", "IEA*0*000000008"])) is None
