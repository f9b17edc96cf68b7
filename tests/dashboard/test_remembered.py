"""Figures of the whole installation: dear ones are shared, cheap ones are everybody's own."""

import asyncio

import pytest

from crossdock.dashboard.remembered import SHARE, TOO_OLD_SECONDS, Remembered


class Dear:
    """Counts how often it was worked out, each time in so many seconds of its own clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.times = seconds, 0.0, 0
        self.held = asyncio.Event()
        self.held.set()

    async def work(self) -> int:
        await self.held.wait()
        self.times += 1
        self.now += self.seconds
        return self.times

    def figure(self) -> Remembered[int]:
        return Remembered(self.work, lambda: self.now)


async def test_what_costs_little_is_worked_out_for_whoever_asks() -> None:
    dear = Dear(0.001)
    figure = dear.figure()
    assert [await figure.told() for _ in range(3)] == [1, 2, 3]


async def test_what_costs_more_takes_no_more_than_its_share_of_the_time() -> None:
    dear = Dear(0.5)
    figure = dear.figure()
    assert [await figure.told() for _ in range(3)] == [1, 1, 1]
    dear.now += 0.5 * SHARE
    assert await figure.told() == 2


async def test_a_page_shows_what_there_is_while_the_next_is_being_made() -> None:
    dear = Dear(0.5)
    figure = dear.figure()
    await figure.told()
    dear.now += 0.5 * SHARE
    dear.held.clear()
    assert await figure.told() == 1
    dear.held.set()
    await asyncio.sleep(0.01)
    assert await figure.told() == 2


async def test_nobody_is_shown_what_is_a_minute_old() -> None:
    dear = Dear(0.5)
    figure = dear.figure()
    await figure.told()
    dear.now += TOO_OLD_SECONDS
    dear.held.clear()
    asked = asyncio.create_task(figure.told())
    await asyncio.sleep(0.1)
    assert not asked.done()
    dear.held.set()
    assert await asked == 2


async def test_many_who_ask_at_once_have_it_worked_out_once() -> None:
    dear = Dear(0.5)
    figure = dear.figure()
    assert await asyncio.gather(*(figure.told() for _ in range(20))) == [1] * 20


async def test_what_failed_is_tried_again_by_the_next_who_asks() -> None:
    tries = iter((ConnectionError("away"), 7))

    async def work() -> int:
        found = next(tries)
        if isinstance(found, Exception):
            raise found
        return found

    figure = Remembered(work)
    with pytest.raises(ConnectionError):
        await figure.told()
    assert await figure.told() == 7
