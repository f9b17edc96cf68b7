"""A file of one interchange with one transaction set is read in one go, and says what a walk says."""

import random
from collections.abc import Iterator

import pytest
from x12_files import group, interchange, isa, mutations, order, samples, text

from crossdock.edi.x12 import single as room
from crossdock.edi.x12.index import _walked, index
from crossdock.edi.x12.single import REMEMBERED, learn, single

ENDINGS = ("~", "~\n", "~\r\n", "\n", "'\r\n", "\x1c")


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    room._known.clear()
    yield
    room._known.clear()


def one(number: int, lines: int = 2, ending: str = "~", **header: str) -> bytes:
    return text(interchange(number, [group(number, [order(number, lines)])], **header), ending)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_second_file_of_a_sender_is_read_in_one_go(ending: str) -> None:
    assert single(one(1, ending=ending)) is None, "the first is the walk's"
    index(one(1, ending=ending))
    for number in (2, 3, 77):
        data = one(number, lines=number, ending=ending)
        found = single(data)
        assert found is not None
        assert found == _walked(data)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"SE*", b"SE*1"),
        (b"GE*1", b"GE*2"),
        (b"IEA*1", b"IEA*0"),
        (b"ST*850", b"ST*810"),
        (b"GS*PO", b"GS*IN"),
        (b"~SE*", b"~~SE*"),
        (b"~SE*", b"~BIN*3*~A~~SE*"),
        (b"~SE*", b"~GE*1*1~SE*"),
        (b"*0*P*>", b"*0*X*>"),
        (b"*0915*U", b"*2500*U"),
    ],
)
def test_what_is_wrong_is_left_to_the_walk(right: bytes, wrong: bytes) -> None:
    good = one(1)
    index(good)
    assert right in good
    data = good.replace(right, wrong)
    assert single(data) is None
    assert index(data) == _walked(data)


def test_an_interchange_that_begins_in_the_midst_of_a_group_header_is_left_to_the_walk() -> None:
    good, other = one(1, ending="\r").replace(b"*", b"|"), one(2)
    index(good)
    data = good.replace(b"|X|", b"|X" + other + b"|", 1)
    assert other in data and data != good
    assert single(data) is None
    assert index(data) == _walked(data)


def test_whatever_comes_a_file_is_indexed_as_a_walk_would() -> None:
    grounds = [one(1, ending=ending) for ending in ENDINGS]
    grounds += [one(1, version="00501"), one(1, element="|"), one(1, version="00403", repeat="^")]
    grounds += [data for path in samples() if len(data := path.read_bytes()) < 4000]
    for data in grounds:
        index(data)
    quick = 0
    chance = random.Random(7)
    digits = b"0123456789"
    for data in mutations(20261121, 8_000, grounds):
        quick += single(data) is not None
        assert index(data) == _walked(data), data
    for _ in range(8_000):
        data = bytearray(chance.choice(grounds))
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(data))
            data[at] = chance.choice(digits) if data[at] in digits else chance.choice(data)
        quick += single(bytes(data)) is not None
        assert index(bytes(data)) == _walked(bytes(data)), bytes(data)
    assert quick > 500, "many were read in one go"


def test_no_more_kinds_are_remembered_than_are_allowed() -> None:
    for number in range(REMEMBERED + 10):
        data = one(1).replace(b"ZZ*", b"ZZ*", 1)
        sender = f"S{number:<14}".encode()
        data = data[:35] + sender + data[50:]
        learn(data, _walked(data))
    assert 0 < len(room._known) <= REMEMBERED
    assert len(isa(1)) == 105
