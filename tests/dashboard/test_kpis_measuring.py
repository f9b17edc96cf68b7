"""Figures are counted behind pages and while a server runs, by one at a time."""

import asyncio
from pathlib import Path
from typing import Any

from play import AGREEMENT, Play, order, shipped  # type: ignore[import-not-found,unused-ignore]

from crossdock.api.hub import Hub
from crossdock.dashboard.measuring import keeping, measured
from crossdock.flow.fold import fold_once
from crossdock.store.database import Database
from crossdock.store.figures import Figures
from crossdock.store.log import FactLog


async def trade(database: Database) -> int:
    """One order to its end, folded; how many facts it took."""
    play = Play().tell(order()).run().wait(hours=3).tell(shipped("S1", ("1", 10), ("2", 4), complete=True)).run()
    log = FactLog(database)
    await log.record(play.facts, play.now)
    while await fold_once(log, lambda *_: AGREEMENT, play.now):
        pass
    return len(play.facts)


async def settled(ask: Any) -> bool:
    """Whether it comes to nothing within a while."""
    for _ in range(400):
        if await ask() == 0:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_page_has_the_figures_catch_up_and_says_what_is_left(database: Database) -> None:
    hub = Hub(database, {}, Path())
    assert await measured(hub) == 0
    facts = await trade(database)
    async with database.transaction() as connection:
        await connection.fetchval("SELECT pg_advisory_xact_lock($1)", 0x4B5049)
        assert await measured(hub) == facts, "another process is at it: the page tells what is left and does not wait"
    assert await settled(lambda: measured(hub))


async def test_a_server_counts_while_it_runs(database: Database) -> None:
    await trade(database)
    figures = Figures(database)
    async with keeping(Hub(database, {}, Path()))(None):
        assert await settled(figures.ahead)
    assert await figures.members("partner", ["order-cycle"]) == ["bigmart"]
