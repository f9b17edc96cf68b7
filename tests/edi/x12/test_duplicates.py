"""Three kinds of duplicate, and the test indicator."""

from x12_files import plain

from crossdock.edi.findings import Code
from crossdock.edi.x12.control import ControlNumbers
from crossdock.edi.x12.duplicates import DocumentKey, check_usage, content_of, duplicates, keys
from crossdock.edi.x12.index import index

ORDER = DocumentKey("RETAILER", "850", "PO000001", "00")


def test_the_same_bytes_the_same_number_and_the_same_document_are_three_things() -> None:
    data = plain(1)
    one = index(data).interchanges[0]
    mine = keys(data, one, (ORDER,))

    def said(content: bool, number: bool, documents: frozenset[DocumentKey]) -> list[Code]:
        found = duplicates(one, mine, content=content, number=number, documents=documents)
        return [finding.code for finding in found]

    assert said(False, False, frozenset()) == []
    assert said(True, True, frozenset({ORDER})) == [Code.DUPLICATE_CONTENT]
    assert said(False, True, frozenset()) == [Code.DUPLICATE_INTERCHANGE]
    assert said(False, False, frozenset({ORDER})) == [Code.DUPLICATE_DOCUMENT]


def test_keys_see_through_what_does_not_matter() -> None:
    first, padded = plain(1), b"\r\n" + plain(1) + b"\n\n"
    assert keys(first, index(first).interchanges[0]) == keys(padded, index(padded).interchanges[0])
    other = plain(2)
    assert keys(first, index(first).interchanges[0]) != keys(other, index(other).interchanges[0])


def test_what_a_transaction_set_says_is_the_same_with_other_delimiters() -> None:
    first, second = plain(1), plain(9, ending="\r\n")
    one, two = index(first).interchanges[0], index(second).interchanges[0]
    assert content_of(first, one.transactions[0], one) == content_of(second, two.transactions[0], two)
    assert content_of(first, one.transactions[0], one) != content_of(first, one.transactions[1], one)


def test_a_test_file_on_a_production_channel_is_refused() -> None:
    one = index(plain(1).replace(b"*P*>", b"*T*>")).interchanges[0]
    finding = check_usage(one, "P")
    assert finding is not None
    assert finding.message == "ISA-15 is T, this channel is for production"
    assert check_usage(one, "T") is None
    assert check_usage(one, "") is None


def test_numbers_are_remembered_in_runs_and_out_of_order() -> None:
    numbers = ControlNumbers()
    assert not any(numbers.seen(b"%09d" % number) for number in range(5, 500))
    assert not any(numbers.seen(number) for number in (b"1", b"900", b"", b"A1", b"9" * 40, b"500"))
    assert all(numbers.seen(number) for number in (b"5", b"0499", b"1", b"900", b"", b"A1", b"9" * 40, b"000500"))
