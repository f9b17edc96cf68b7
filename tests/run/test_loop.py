"""Loops that outlive what goes wrong in a step, and stop when they are asked."""

import asyncio

import pytest

from crossdock.run import loop
from crossdock.run.loop import Bell, keep_going


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LONGEST_TROUBLE_SECONDS", 0.01)
    monkeypatch.setattr(loop, "LONGEST_IDLE_SECONDS", 0.02)


async def test_a_loop_outlives_failures_and_goes_on_where_it_was() -> None:
    stop, bell, said = asyncio.Event(), Bell(), []

    async def step() -> bool:
        said.append(len(said))
        if len(said) in (2, 3, 5):
            raise ConnectionResetError("the database is gone")
        if len(said) == 7:
            stop.set()
        return True

    await asyncio.wait_for(keep_going("test", step, bell, stop), 10)
    assert said == list(range(7))


async def test_a_loop_with_nothing_to_do_looks_again_by_itself() -> None:
    stop, looked = asyncio.Event(), []

    async def step() -> bool:
        looked.append(1)
        if len(looked) == 3:
            stop.set()
        return False

    await asyncio.wait_for(keep_going("test", step, Bell(), stop), 10)
    assert len(looked) == 3


async def test_a_bell_wakes_a_loop_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "IDLE_SECONDS", 3600)
    monkeypatch.setattr(loop, "LONGEST_IDLE_SECONDS", 3600)
    stop, bell, looked = asyncio.Event(), Bell(), asyncio.Queue[int]()

    async def step() -> bool:
        looked.put_nowait(1)
        return False

    running = asyncio.create_task(keep_going("test", step, bell, stop))
    await asyncio.wait_for(looked.get(), 10)
    bell.ring()
    await asyncio.wait_for(looked.get(), 10)
    stop.set()
    bell.ring()
    await asyncio.wait_for(running, 10)


async def test_a_ring_before_the_wait_is_not_lost_and_counts_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert await bell.wait(60)
    assert not await bell.wait(0.001)


async def test_a_loop_that_is_cancelled_ends() -> None:
    async def step() -> bool:
        await asyncio.sleep(3600)
        return True

    running = asyncio.create_task(keep_going("test", step, Bell(), asyncio.Event()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
