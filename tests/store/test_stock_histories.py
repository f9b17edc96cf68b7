"""Random histories of the books against the real database: several sources, doubles, gaps, reordering, counts, late movements, promises and crashes, and what must
hold after each step.

Some dozen histories in the usual run; HISTORIES=2000 makes it as many.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from stock_values import NOW, emptied, recorded

from crossdock.ledger.balances import balances, happened, unbalanced
from crossdock.ledger.demand import Demand
from crossdock.ledger.legs import USUAL
from crossdock.ledger.movement import OURS, Kind, Movement, Place, Position
from crossdock.store.database import connect
from crossdock.store.embedded import Embedded
from crossdock.store.stock import StockBooks, expire, move, replan, reserve

ITEMS = ("A", "B")
SITES = ("S1", "S2")
SOURCES = ("wms", "3pl", "till")
"""The till may go below nothing."""


def may_be_negative(movement: Movement) -> bool:
    return movement.source == "till"


@st.composite
def legs(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*Kind, Kind.RECEIPT, Kind.COUNT, Kind.SHIP]))
    origin, destination = USUAL[kind]
    if kind in (Kind.RECEIPT, Kind.COUNT):
        destination = draw(st.sampled_from([Place.STORAGE, Place.STORAGE, Place.RECEIVING]))
    if kind in (Kind.SHIP, Kind.PICK):
        origin = draw(st.sampled_from([Place.STORAGE, origin]))
    if kind is Kind.ADJUST and draw(st.booleans()):
        origin, destination = destination, origin
    site = draw(st.sampled_from(SITES))
    return {
        "kind": kind,
        "origin": origin,
        "destination": destination,
        "item": draw(st.sampled_from(ITEMS)),
        "site": site,
        "to_site": SITES[1 - SITES.index(site)] if kind is Kind.TRANSFER_OUT else "",
        "quantity": Decimal(draw(st.integers(0, 400))).scaleb(-1)
        if draw(st.booleans())
        else Decimal(draw(st.integers(1, 40))),
        "lot": draw(st.sampled_from(["", "", "", "L1"])),
        "owner": draw(st.sampled_from(["own", "own", "own", "own", "consigned"])),
        "minute": draw(st.integers(0, 30)),
        "source": draw(st.sampled_from(SOURCES)),
        "way": draw(st.sampled_from(["tell", "tell", "tell", "keep back", "skip"])),
    }


@st.composite
def wishes(draw: st.DrawFn) -> Demand:
    return Demand(
        key=f"SO-{draw(st.integers(1, 4))}",
        line=str(draw(st.integers(1, 2))),
        item=draw(st.sampled_from(ITEMS)),
        quantity=Decimal(draw(st.integers(0, 25))),
        sites=draw(st.sampled_from([("S1",), ("S2", "S1"), ("S1", "S2")])),
        asked_at=NOW + timedelta(minutes=draw(st.integers(0, 5))),
        split=draw(st.booleans()),
        substitutes=draw(st.sampled_from([(), ITEMS])),
        short=draw(st.sampled_from(["backorder", "ship-complete", "cancel"])),
        expires_at=draw(st.sampled_from([None, NOW + timedelta(hours=1)])),
    )


class Histories(RuleBasedStateMachine):
    """One history."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.database = self.run(connect(self.url, 3))
        self.run(emptied(self.database))
        self.books = StockBooks(self.database)
        self.numbers: defaultdict[str, int] = defaultdict(int)
        self.made = 0
        self.told: dict[tuple[str, str], Movement] = {}
        self.kept_back: list[Movement] = []
        self.begins: dict[str, int] = {}
        self.came: defaultdict[str, set[int]] = defaultdict(set)
        self.doubled = 0
        self.entered = 0
        self.planned = True

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.close()

    def movement(self, told: dict[str, Any]) -> Movement:
        """With an id and a number of its source; each at a moment of its own, so that the order of counts is beyond doubt."""
        told = dict(told)
        minute, source = told.pop("minute"), told["source"]
        del told["way"]
        self.made += 1
        self.numbers[source] += 1
        return Movement(
            **told,
            source_id=f"m{self.made}",
            occurred_at=NOW + timedelta(minutes=minute, milliseconds=self.made),
            stream="main",
            sequence=self.numbers[source],
        )

    def batch(self, drawn: list[dict[str, Any]]) -> list[Movement]:
        made = [(each["way"], self.movement(each)) for each in drawn]
        self.kept_back += [m for way, m in made if way == "keep back"]
        return [m for way, m in made if way == "tell"]

    def record(self, batch: list[Movement]) -> None:
        told = self.run(self.books.record(batch, NOW, may_be_negative))
        self.doubled += told.doubled
        self.entered += told.new + told.retried
        first: defaultdict[str, list[int]] = defaultdict(list)
        for m in batch:
            if (m.source, m.source_id) not in self.told:
                assert m.sequence is not None
                first[m.source].append(m.sequence)
                self.told[m.source, m.source_id] = m
        for source, numbers in first.items():
            self.begins.setdefault(source, min(numbers))
            self.came[source].update(numbers)
        self.planned = False

    @rule(
        drawn=st.lists(legs(), min_size=1, max_size=12),
        again=st.lists(st.integers(0, 10**6), max_size=4),
        order=st.randoms(use_true_random=False),
    )
    def tell(self, drawn: list[dict[str, Any]], again: list[int], order: Any) -> None:
        batch = self.batch(drawn)
        known = [*self.told.values(), *batch]
        batch += [known[n % len(known)] for n in again if known]
        order.shuffle(batch)
        self.record(batch)

    @rule(order=st.randoms(use_true_random=False))
    def tell_late(self, order: Any) -> None:
        order.shuffle(self.kept_back)
        half = len(self.kept_back) // 2 + 1
        batch, self.kept_back = self.kept_back[:half], self.kept_back[half:]
        self.record(batch)

    @rule(demands=st.lists(wishes(), min_size=1, max_size=4, unique_by=lambda d: (d.key, d.line)))
    def order(self, demands: list[Demand]) -> None:
        promises = self.run(self.books.reserve(demands, NOW))
        for promise in promises:
            wanted = next(d.quantity for d in demands if (d.key, d.line) == (promise.key, promise.line))
            assert sum((r.quantity for r in promise.reserved), Decimal(0)) <= wanted
        assert self.run(self.books.reserve(demands, NOW)) == []

    @rule()
    def plan_anew(self) -> None:
        async def work() -> None:
            for _ in range(30):
                async with self.database.transaction() as connection:
                    await replan(connection, 10, NOW)
                if not await self.database.pool.fetchval(
                    "SELECT EXISTS (SELECT FROM stock_changed WHERE need = 'plan')"
                ):
                    return
            raise AssertionError("planning does not come to an end")

        self.run(work())
        self.planned = True

    @rule()
    def time_passes(self) -> None:
        async def work() -> None:
            async with self.database.transaction() as connection:
                await expire(connection, NOW + timedelta(hours=2))

        self.run(work())

    @rule(
        drawn=st.lists(legs(), min_size=1, max_size=5),
        demands=st.lists(wishes(), max_size=2, unique_by=lambda d: (d.key, d.line)),
    )
    def crash(self, drawn: list[dict[str, Any]], demands: list[Demand]) -> None:
        """The transaction ends in the middle: it is all told again later."""
        batch = self.batch(drawn)

        async def work() -> None:
            async with self.database.transaction() as connection:
                await move(connection, batch, NOW, allow_negative=may_be_negative)
                await reserve(connection, demands, NOW)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.run(work())
        self.kept_back += batch

    @rule(drawn=st.lists(legs(), min_size=1, max_size=5))
    def killed(self, drawn: list[dict[str, Any]]) -> None:
        """The connection dies before it has committed."""
        batch = self.batch(drawn)

        async def work() -> None:
            connection = await asyncpg.connect(self.url)
            try:
                transaction = connection.transaction()
                await transaction.start()
                await move(connection, batch, NOW, allow_negative=may_be_negative)
                await self.database.pool.fetchval("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
                await transaction.commit()
            finally:
                connection.terminate()

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            self.run(work())
        self.kept_back += batch

    @invariant()
    def the_books_are_true(self) -> None:
        self.run(self._the_books_are_true())

    async def _the_books_are_true(self) -> None:
        written = await recorded(self.database)
        stands = await self.books.positions()
        assert stands == {p: q for p, q in balances(written).items() if q}, "balances are the fold of the movements"
        assert unbalanced(balances(written)) == {}, "goods are moved, none made"
        assert await self.books.rebuild() == []
        by_name = {(m.source, m.source_id): m for m in written}
        told = {name for name in by_name if name[0] != "ledger"}
        refused = {
            (row[0], row[1])
            for row in await self.database.pool.fetch(
                "SELECT source, source_id FROM movement_conflicts WHERE closed_at IS NULL"
            )
        }
        assert told | refused == set(self.told), "nothing is lost"
        assert told & refused == set()
        assert len(told) == self.entered
        self._moved_as_told(by_name)
        self._counts_hold(
            written,
            await self.database.pool.fetch(
                "SELECT source, source_id, counted FROM movements WHERE counted IS NOT NULL"
            ),
        )
        by_till = {p for m in written if m.source == "till" for p in (_origin(m), _destination(m))}
        for position, quantity in stands.items():
            assert quantity >= 0 or position.place not in OURS or position in by_till, f"{position}: {quantity}"
        await self._streams_are_right()
        if self.planned:
            for row in await self.database.pool.fetch("SELECT * FROM stock"):
                there = row["storage"] + row["allocated"] + row["staging"]
                assert row["reserved"] <= max(there, 0), f"{row['reserved']} promised of {there}"

    def _moved_as_told(self, by_name: dict[tuple[str, str], Movement]) -> None:
        for name, m in by_name.items():
            if (said := self.told.get(name)) is not None and said.kind is not Kind.COUNT:
                assert (m.quantity, m.origin, m.destination, m.item, m.site, m.to_site, m.occurred_at, m.sequence) == (
                    said.quantity,
                    said.origin,
                    said.destination,
                    said.item,
                    said.site,
                    said.to_site,
                    said.occurred_at,
                    said.sequence,
                )

    def _counts_hold(self, written: list[Movement], counted: list[Any]) -> None:
        ordered = sorted(written, key=happened)
        for source, source_id, found in counted:
            said = self.told[source, source_id]
            upto = next(n for n, m in enumerate(ordered) if (m.source, m.source_id) == (source, source_id))
            assert balances(ordered[: upto + 1]).get(_destination(said), Decimal(0)) == found == said.quantity

    async def _streams_are_right(self) -> None:
        pool = self.database.pool
        missing = {(g.source, n) for g in await self.books.gaps(NOW) for n in range(g.first, g.last + 1)}
        assert missing == {
            (source, n)
            for source, begin in self.begins.items()
            for n in range(begin, max(self.came[source]))
            if n not in self.came[source]
        }
        assert int(await pool.fetchval("SELECT coalesce(sum(doubled), 0) FROM streams")) == self.doubled


def _origin(m: Movement) -> Position:
    return Position(m.item, m.site, m.origin, m.lot, m.owner, m.entity)


def _destination(m: Movement) -> Position:
    return Position(m.item, m.to_site or m.site, m.destination, m.lot, m.owner, m.entity)


def test_the_books_are_true_after_any_history(postgres: Embedded, database_url: str) -> None:
    machine = type("Histories", (Histories,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("HISTORIES", "15")),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
