"""The log of facts: ordered per lane, idempotent, and never skipped by a cursor."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

from crossdock.facts import Fact, lane_of
from crossdock.facts.order import HoldPlaced, HoldReleased
from crossdock.ports.log import Folded
from crossdock.store.database import Database, connect, migrate, migrations
from crossdock.store.log import FactLog

NOW = datetime(2026, 1, 5, 9, 15, tzinfo=UTC)


def hold(key: str, n: int, source: str = "erp") -> Fact:
    return Fact(key=key, data=HoldPlaced(hold=f"h{n}"), source=source, source_id=f"{key}/{n}", occurred_at=NOW)


async def test_a_fact_told_twice_is_recorded_once(database: Database) -> None:
    log = FactLog(database)
    assert await log.record([hold("SO-1", 1), hold("SO-1", 2), hold("SO-1", 1)], NOW) == 2
    assert await log.record([hold("SO-1", 2), hold("SO-1", 3)], NOW) == 1


async def test_the_same_id_of_another_source_is_another_fact(database: Database) -> None:
    log = FactLog(database)
    assert await log.record([hold("SO-1", 1, "erp"), hold("SO-1", 1, "wms")], NOW) == 2


async def test_facts_come_back_in_the_order_in_which_they_were_recorded(database: Database) -> None:
    log = FactLog(database)
    await log.record([hold("SO-1", n) for n in (3, 1, 2)], NOW)
    async with log.claim(8, 100) as claimed:
        assert [fact.data.hold for fact in claimed.facts] == ["h3", "h1", "h2"]
        assert [fact.position for fact in claimed.facts] == [1, 2, 3]


async def test_a_fact_survives_the_log_unchanged(database: Database) -> None:
    log = FactLog(database)
    told = Fact(
        key="SO-9",
        data=HoldReleased(hold="fraud", reason="called"),
        source="erp",
        source_id="x",
        occurred_at=NOW,
        message=7,
    )
    await log.record([told], NOW)
    async with log.claim(8, 100) as claimed:
        (kept,) = claimed.facts
    assert (kept.key, kept.data, kept.source, kept.source_id, kept.occurred_at, kept.message) == (
        "SO-9",
        told.data,
        "erp",
        "x",
        NOW,
        7,
    )
    assert kept.recorded_at == NOW


async def test_a_lane_that_one_worker_holds_is_passed_over_by_another(database: Database) -> None:
    log = FactLog(database)
    await log.record([hold("SO-1", 1)], NOW)
    async with log.claim(8, 100) as first, log.claim(8, 100) as second:
        assert len(first.facts) == 1
        assert not second.facts


def folded(fact: Fact) -> Folded:
    return Folded(
        lane=fact.lane,
        key=fact.key,
        process="order_to_cash",
        state=b"",
        known=b"",
        positions=[fact.position],
        milestone="received",
        summary=b"{}",
        created_at=NOW,
    )


async def test_no_fact_is_ever_skipped_while_many_write_and_many_read(database_url: str) -> None:
    """Writers commit in any order, some roll back, some die with their connection; readers move cursors at the same time. All that was committed is read, once, in order."""
    database = await connect(database_url, connections=24)
    log = FactLog(database)
    rng = random.Random(7)
    keys = [f"SO-{n}" for n in range(40)]
    committed: set[str] = set()
    read: list[tuple[int, int, str]] = []
    writing = True

    async def write(worker: int) -> None:
        for n in range(60):
            facts = [
                hold(rng.choice(keys), worker * 100_000 + n * 100 + i, f"w{worker}") for i in range(rng.randint(1, 9))
            ]
            async with database.pool.acquire() as connection:
                transaction = connection.transaction()
                await transaction.start()
                from crossdock.store.log import append

                await append(connection, facts, database.lanes, NOW)
                await asyncio.sleep(rng.random() * 0.004)
                if rng.random() < 0.2:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    committed.update(fact.id for fact in facts)

    async def follow() -> None:
        while True:
            async with log.claim(3, 20) as claimed:
                await claimed.save([folded(fact) for fact in {f.key: f for f in claimed.facts}.values()], NOW)
                taken = [(fact.lane, fact.position, fact.id) for fact in claimed.facts]
            read.extend(taken)
            if not taken:
                if not writing:
                    return
                await asyncio.sleep(0.002)

    readers = [asyncio.create_task(follow()) for _ in range(4)]
    await asyncio.gather(*(write(worker) for worker in range(8)))
    writing = False
    await asyncio.gather(*readers)
    await database.close()
    assert {id_ for _, _, id_ in read} == committed
    assert len(read) == len(committed)
    for lane in {lane for lane, _, _ in read}:
        positions = [position for of, position, _ in read if of == lane]
        assert positions == list(range(1, len(positions) + 1))


async def test_a_schema_made_in_steps_equals_one_made_at_once(database_url: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(database_url)
    for number, _, _ in migrations():
        assert await migrate(connection, upto=number) == 1
    assert await migrate(connection) == 0
    await connection.close()


async def test_the_lane_whose_next_fact_has_waited_longest_is_folded_before_busier_ones(database: Database) -> None:
    log = FactLog(database)
    keys = {lane_of(f"SO-{n}", database.lanes): f"SO-{n}" for n in range(500)}
    quiet, *busy = keys.values()
    await log.record([hold(quiet, 0)], NOW)
    await log.record([hold(key, n) for key in busy for n in range(1, 30)], NOW + timedelta(seconds=1))
    async with log.claim(1, 100) as claimed:
        assert {fact.key for fact in claimed.facts} == {quiet}


async def test_where_much_waits_a_worker_leaves_lanes_to_others(database: Database) -> None:
    log = FactLog(database)
    keys = {lane_of(f"SO-{n}", database.lanes): f"SO-{n}" for n in range(500)}
    assert len(keys) == database.lanes
    await log.record([hold(key, n) for key in keys.values() for n in range(20)], NOW)
    async with log.claim(32, 20) as first, log.claim(32, 20) as second:
        assert len(first.facts) == len(second.facts) == 4 * 20
        assert not {fact.lane for fact in first.facts} & {fact.lane for fact in second.facts}
    async with log.claim(32, 5000) as alone:
        assert len(alone.facts) == 20 * len(keys)
