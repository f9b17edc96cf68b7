"""Calls that come one by one are made together, and each has its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from crossdock.store.together import AT_ONCE, Together


class Counted:
    """Doubles numbers, in batches that are noted; refuses negative ones, and the whole batch that one is in."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.begun.set()
        await asyncio.sleep(0)
        if any(number < 0 for number in numbers):
            raise ValueError("negative")
        return [2 * number for number in numbers]


async def test_a_call_alone_waits_for_nobody() -> None:
    made = Counted()
    assert await Together(made)(21) == 42
    assert made.batches == [[21]]


async def test_what_comes_while_a_call_is_under_way_goes_with_the_next() -> None:
    made = Counted()
    double = Together(made)
    first = asyncio.create_task(double(1))
    await made.begun.wait()
    assert await asyncio.gather(first, *(double(n) for n in range(2, 9))) == [2 * n for n in range(1, 9)]
    assert made.batches == [[1], list(range(2, 9))]


async def test_many_at_once_go_in_batches_of_a_bounded_size() -> None:
    made = Counted()
    double = Together(made)
    assert await asyncio.gather(*(double(n) for n in range(250))) == [2 * n for n in range(250)]
    assert max(map(len, made.batches)) <= AT_ONCE


async def test_one_that_fails_takes_no_other_with_it() -> None:
    double = Together(Counted())
    found = await asyncio.gather(*(double(n) for n in (1, -1, 3)), return_exceptions=True)
    assert (found[0], found[2]) == (2, 6)
    assert isinstance(found[1], ValueError)
    with pytest.raises(ValueError, match="negative"):
        await double(-5)
    assert await double(5) == 10


async def test_a_caller_that_gives_up_leaves_the_others_their_answers() -> None:
    double = Together(Counted())
    leaving, staying = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 4
