"""Reading in portions gives what reading at once gives, whatever the size of a portion."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from x12_files import binary, group, interchange, isa, order, plain, text, written

from crossdock.edi.findings import Code
from crossdock.edi.x12.envelope import Transaction
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments
from crossdock.edi.x12.stream import Portion, stream


def portions(data: bytes, window: int, largest: int = 1 << 20) -> list[Portion]:
    return list(stream(io.BytesIO(data), window_bytes=window, largest_bytes=largest))


def transactions(parts: list[Portion]) -> list[Transaction]:
    return [each for part in parts for one in part.interchanges for each in one.transactions]


@given(st.sampled_from(written()), st.sampled_from(written()), st.integers(min_value=1, max_value=1500))
def test_portions_of_any_size_tell_the_same(first: bytes, second: bytes, window: int) -> None:
    data = first + second
    whole = index(data)
    parts = portions(data, window)
    assert transactions(parts) == list(whole.transactions)
    found = [finding for part in parts for finding in part.findings]
    assert sorted(found, key=repr) == sorted(whole.findings, key=repr)
    assert [one.control_number for part in parts for one in part.interchanges if one.complete] == [
        one.control_number for one in whole.interchanges if one.complete
    ]


def test_each_portion_holds_its_transaction_sets_whole() -> None:
    data = plain(1, orders=40)
    count = 0
    for part in stream(io.BytesIO(data), window_bytes=900):
        for one in part.interchanges:
            for transaction in one.transactions:
                split = segments(part.data, transaction, one.delimiters, part.base)
                assert (split[0][0], split[-1][0], len(split)) == ("ST", "SE", transaction.segment_count)
                count += 1
    assert count == 40


def test_a_number_used_twice_is_found_across_portions() -> None:
    orders = [order(number) for number in [*range(1, 30), 3]]
    data = text(interchange(1, [group(1, orders)])) + plain(1)
    found = [finding.code for part in portions(data, 500) for finding in part.findings]
    assert found == [Code.DUPLICATE_TRANSACTION_CONTROL_NUMBER, Code.DUPLICATE_INTERCHANGE]


def test_a_transaction_set_larger_than_the_limit_is_counted_and_said_not_to_be_kept() -> None:
    data = text(interchange(1, [group(1, [order(1, 400), order(2)])]))
    parts = portions(data, 1000, largest=4000)
    assert [finding.code for part in parts for finding in part.findings] == [Code.TRANSACTION_TOO_LARGE]
    assert [each.control_number for each in transactions(parts)] == ["0002"]
    assert max(len(part.data) for part in parts) < 12000


def test_memory_does_not_grow_with_the_file() -> None:
    class Endless(io.RawIOBase):
        """Fifty thousand orders that nobody holds in memory at once."""

        def __init__(self) -> None:
            self.left = [isa(1).encode() + b"~GS*PO*RETAILER*WHOLESALER*20260105*0915*1*X*004010~"]
            self.number = 0

        def read(self, size: int = -1, /) -> bytes:
            if self.left:
                return self.left.pop()
            if self.number >= 50_000:
                return b""
            self.number += 1000
            return "".join(
                "~".join(order(number)) + "~" for number in range(self.number - 999, self.number + 1)
            ).encode()

    largest = count = 0
    for part in stream(Endless(), window_bytes=1 << 16):
        largest = max(largest, len(part.data))
        count += sum(len(one.transactions) for one in part.interchanges)
    assert count == 50_000
    assert largest < 600_000


@pytest.mark.parametrize("window", [50, 120, 177, 300])
def test_binary_data_may_be_cut_anywhere(window: int) -> None:
    parts = portions(binary(), window)
    assert [(each.binary, each.segment_count) for each in transactions(parts)] == [(True, 3)]
    assert not any(part.findings for part in parts)
