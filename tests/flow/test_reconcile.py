"""Reconciliation on the real database: a snapshot is held against the books, a variance is an exception that closes by itself, and what is mended stays mended."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from crossdock.flow.fold import fold_once, wake_once
from crossdock.flow.reconcile import Limits, Refused, ignored, reconcile_once, reconcile_system, repair
from crossdock.ledger.balances import balances
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.ports.reconcile import Catalogue
from crossdock.reconcile.evidence import Where
from crossdock.reconcile.stock import unequal
from crossdock.store.database import Database
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup
from crossdock.store.reconcile import SnapshotError, StockReconciliation, keep_snapshot, kept_of, unequal_rows
from crossdock.store.stock_moving import move

NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LOOKED = NIGHT + timedelta(hours=2)
DAY = timedelta(days=1)
KEY = "VARIANCE-wms/A-100/EAST/storage"


def receipt(id_: str, quantity: int, at: datetime = NIGHT - 2 * DAY, item: str = "A-100", **more: Any) -> Movement:
    told = Movement(
        source="wms",
        source_id=id_,
        kind=Kind.RECEIPT,
        item=item,
        site="EAST",
        quantity=Decimal(quantity),
        origin=Place.SUPPLIER,
        destination=Place.STORAGE,
        occurred_at=at,
    )
    return replace(told, **more) if more else told


def snapshot(quantity: int, id_: str = "s1", as_of: datetime = NIGHT, item: str = "A-100") -> Snapshot:
    line = SnapshotLine(item, "EAST", Place.STORAGE, Decimal(quantity))
    return Snapshot(system="wms", source_id=id_, as_of=as_of, lines=(line,))


def valued(items: object) -> Catalogue:
    return Catalogue(values={"A-100": Decimal("2.5")}, factors={"A-100": (Decimal(12),)})


class Books:
    """The books with all that a test asks of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reconciliation = StockReconciliation(database)
        self.log = FactLog(database)

    async def record(self, *movements: Movement, at: datetime = NIGHT - 2 * DAY) -> None:
        async with self.database.transaction() as connection:
            moved = await move(connection, movements, at)
        assert moved.conflicts == ()

    async def hear(self, told: Snapshot, now: datetime | None = None) -> None:
        now = now or told.as_of + timedelta(hours=2)
        await self.reconciliation.keep(told, now, now)
        assert await reconcile_once(self.reconciliation, now, valued) == 1
        await self.fold(now)

    async def fold(self, now: datetime) -> None:
        while await fold_once(self.log, lambda *_: None, now):
            pass
        await wake_once(self.log, lambda *_: None, now)

    async def open(self) -> list[dict[str, Any]]:
        return await Lookup(self.database).exceptions(limit=100)


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


async def test_books_that_agree_raise_nothing(books: Books) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(40))
    assert await books.open() == []
    (run,) = await books.reconciliation.runs()
    assert (run["differing"], run["found"]) == (0, 0)


async def test_our_books_are_taken_as_of_the_snapshots_own_moment(books: Books) -> None:
    await books.record(receipt("r1", 40), receipt("r2", 5, NIGHT + timedelta(hours=10)))
    await books.hear(snapshot(40), NIGHT + DAY)
    assert await books.open() == []


async def test_a_variance_is_one_exception_with_its_money_and_cause_and_closes_when_the_books_agree(
    books: Books,
) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(40))
    twins = [
        receipt(id_, 7, NIGHT + timedelta(hours=9), kind=Kind.ADJUST, origin=Place.ADJUSTMENT) for id_ in ("a1", "a2")
    ]
    await books.record(*twins, at=NIGHT + timedelta(hours=9))
    await books.hear(snapshot(47, "s2", NIGHT + DAY))
    (found,) = await books.open()
    assert (found["key"], found["cause"], found["amount"]) == (KEY, "stock-doubled-adjustment", Decimal("17.5"))
    assert "wms:a1" in found["detail"]
    await books.hear(snapshot(47, "s3", NIGHT + 2 * DAY))
    assert [row["opened_at"] for row in await books.open()] == [found["opened_at"]], "it is still the same one"
    await books.hear(snapshot(54, "s4", NIGHT + 3 * DAY))
    assert await books.open() == []


async def test_a_message_that_comes_late_closes_what_its_absence_opened(books: Books) -> None:
    await books.record(receipt("r1", 40, stream="EAST", sequence=1))
    await books.hear(snapshot(40))
    later = receipt("r3", 1, NIGHT + timedelta(hours=6), stream="EAST", sequence=3)
    await books.record(later, at=NIGHT + timedelta(hours=6))
    await books.hear(snapshot(50, "s2", NIGHT + DAY))
    assert await books.open() == [], "the missing message is awaited"
    (waiting,) = await books.reconciliation.variances("wms")
    assert (waiting["status"], waiting["cause"], waiting["evidence"]) == ("timing", "timing", ["wms:EAST#2"])
    await books.hear(snapshot(50, "s3", NIGHT + 2 * DAY))
    (found,) = await books.open()
    assert found["cause"] == "stock-missing-message"
    await books.record(receipt("r2", 9, NIGHT + timedelta(hours=5), stream="EAST", sequence=2), at=NIGHT + 2 * DAY)
    assert await reconcile_once(books.reconciliation, NIGHT + 2 * DAY + timedelta(hours=4)) == 1, (
        "it is looked at again"
    )
    await books.fold(NIGHT + 3 * DAY)
    assert await books.open() == []


async def test_an_ignored_variance_is_silent_until_its_time_is_over_or_it_changes(books: Books) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(37))
    until = LOOKED + timedelta(hours=30)
    await books.log.record([ignored(KEY, Decimal(-3), "ann", "samples", until, LOOKED)], LOOKED)
    await books.fold(LOOKED)
    assert await books.open() == []
    await books.hear(snapshot(37, "s2", NIGHT + DAY))
    assert await books.open() == []
    await books.fold(until)
    assert len(await books.open()) == 1
    await books.log.record([ignored(KEY, Decimal(-3), "ann", "samples", until + DAY, until)], until)
    await books.fold(until)
    assert await books.open() == []
    await books.hear(snapshot(30, "s3", NIGHT + 2 * DAY))
    assert len(await books.open()) == 1, "another difference than the one that was ignored"


async def test_a_repair_adjusts_our_books_and_the_next_comparison_agrees(books: Books) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(37))
    movement = await repair(books.reconciliation, KEY, "ann", "counted by hand", LOOKED, Limits(units=Decimal(5)))
    assert (movement.kind, movement.source, movement.quantity) == (Kind.ADJUST, "repair", 3)
    await books.fold(LOOKED)
    assert await books.open() == []
    assert (await reconcile_system(books.reconciliation, "wms", LOOKED + timedelta(hours=1))) is not None
    await books.fold(LOOKED)
    assert await books.open() == []
    (row,) = await books.reconciliation.variances(key=KEY)
    assert row["milestone"] == "closed"
    with pytest.raises(Refused, match="nothing to repair"):
        await repair(books.reconciliation, KEY, "ann", "again", LOOKED)


async def test_a_repair_is_refused_without_approval_beyond_limits_after_a_change_and_after_a_count(
    books: Books,
) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(37))
    for who, reason, limits, why in (
        ("", "because", Limits(), "answers for it"),
        ("ann", " ", Limits(), "a reason"),
        ("ann", "x", Limits(units=Decimal(2)), "may be repaired"),
        ("ann", "x", Limits(amount=Decimal("7.49")), "may be repaired"),
    ):
        with pytest.raises(Refused, match=why):
            await repair(books.reconciliation, KEY, who, reason, LOOKED, limits)
    with pytest.raises(KeyError):
        await repair(books.reconciliation, KEY + "x", "ann", "x", LOOKED)
    await books.record(receipt("r2", 1, NIGHT - timedelta(hours=9)), at=LOOKED)
    with pytest.raises(Refused, match="has changed"):
        await repair(books.reconciliation, KEY, "ann", "x", LOOKED)
    await reconcile_system(books.reconciliation, "wms", LOOKED)
    count = receipt("c1", 38, LOOKED, kind=Kind.COUNT, origin=Place.ADJUSTMENT)
    await books.record(count, at=LOOKED)
    with pytest.raises(Refused, match="counted"):
        await repair(books.reconciliation, KEY, "ann", "x", LOOKED)


async def test_an_older_snapshot_that_comes_later_changes_nothing(books: Books) -> None:
    await books.record(receipt("r1", 40))
    await books.hear(snapshot(40))
    await books.hear(snapshot(3, "s0", NIGHT - DAY), LOOKED)
    assert await books.open() == []


async def test_a_snapshot_that_has_hardly_anything_right_is_not_believed(books: Books) -> None:
    await books.record(*(receipt(f"r{n}", 5, item=f"I-{n}") for n in range(1200)))
    empty = Snapshot(system="wms", source_id="s1", as_of=NIGHT, lines=(), sites=("EAST",))
    await books.hear(empty)
    assert await books.open() == []
    (run,) = await books.reconciliation.runs()
    assert "not believed" in run["note"]


async def test_a_file_is_kept_as_it_lies_and_a_bad_one_leaves_nothing(books: Books, tmp_path: Path) -> None:
    await books.record(receipt("r1", 40))
    file = tmp_path / "stock.csv"
    file.write_text("item,site,quantity,lot\nA-100,EAST,30,\nA-100,EAST,9,\n")
    assert await books.reconciliation.keep_file(file, "wms", "f1", NIGHT, LOOKED, LOOKED) is not None
    assert await books.reconciliation.keep_file(file, "wms", "f1", NIGHT, LOOKED, LOOKED) is None
    run = await reconcile_system(books.reconciliation, "wms", LOOKED)
    assert run is not None and run.found == 1
    (row,) = await books.reconciliation.variances("wms")
    assert row["quantity"] == -1, "lines that stand twice are added up"
    for text, why in (
        ("item,site\nA,EAST\n", "lacks 'quantity'"),
        ("item,site,quantity,colour\nA,EAST,1,red\n", "knows no column 'colour'"),
        ("item,site,quantity\nA,EAST,many\n", "many"),
        ("item,site,place,quantity\nA,EAST,attic,1\n", "attic"),
    ):
        file.write_text(text)
        with pytest.raises(SnapshotError, match=why):
            await books.reconciliation.keep_file(file, "wms", "f2", NIGHT, LOOKED, LOOKED)
    assert len(await books.reconciliation.runs()) == 1


PLACES = (Place.STORAGE, Place.QUARANTINE)


async def test_the_database_finds_the_rows_that_the_pure_comparison_finds(books: Books) -> None:
    drawn = Random(20260302)
    for n in range(40):
        told = [_movement(drawn, f"{n}/{k}") for k in range(drawn.randrange(12))]
        there = tuple(_line(drawn) for _ in range(drawn.randrange(8)))
        theirs = Snapshot(
            system="wms", source_id=f"s{n}", as_of=NIGHT, lines=there, places=PLACES[: n % 3], whole=n % 4 > 0
        )
        async with books.database.pool.acquire() as connection, connection.transaction():
            await connection.execute("TRUNCATE movements, stock, balances, streams, stock_changed, movement_conflicts")
            await move(connection, told, LOOKED, allow_negative=lambda _: True)
            id_ = await keep_snapshot(connection, theirs, None, LOOKED)
            kept = kept_of(await connection.fetchrow("SELECT * FROM snapshots WHERE id = $1", id_))
            expected = unequal(_ours(told), replace(theirs, places=tuple(map(Place, kept.places))))
            for suspects in (100, 0):
                assert await unequal_rows(connection, kept, suspects) == expected


def _ours(told: list[Movement]) -> dict[Where, Decimal]:
    found: dict[Where, Decimal] = {}
    for position, quantity in balances(told, as_of=NIGHT).items():
        where = Where(position.item, position.site, position.place, position.lot, position.owner)
        found[where] = found.get(where, Decimal(0)) + quantity
    return found


def _movement(drawn: Random, id_: str) -> Movement:
    return receipt(
        id_,
        drawn.randrange(9),
        NIGHT + timedelta(hours=drawn.randint(-3, 3)),
        drawn.choice("AB"),
        site=drawn.choice(("EAST", "WEST")),
        kind=Kind.ADJUST,
        origin=drawn.choice((Place.ADJUSTMENT, *PLACES)),
        destination=drawn.choice((*PLACES, Place.CUSTOMER)),
        lot=drawn.choice(("", "", "L1")),
        owner=drawn.choice(("own", "own", "consigned")),
        entity=drawn.choice(("", "", "NL")),
    )


def _line(drawn: Random) -> SnapshotLine:
    return SnapshotLine(
        drawn.choice("ABC"),
        drawn.choice(("EAST", "WEST")),
        drawn.choice(PLACES),
        Decimal(drawn.randrange(9)),
        drawn.choice(("", "", "L1")),
        drawn.choice(("own", "own", "consigned")),
    )
