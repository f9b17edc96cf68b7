"""A snapshot's file, copied in two halves: every line once, one snapshot or none, and errors at the line where they stand."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from crossdock.store import stock_files
from crossdock.store.database import Database, connect
from crossdock.store.reconcile import SnapshotError, StockReconciliation

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LINES = 2000


@pytest.fixture(autouse=True)
def small_files_are_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_files, "HALVED_BYTES", 1000)


def written(folder: Path, wrong: int = 0, place: str = "storage") -> Path:
    """Items whose names hold a line's end, so that most ends of lines are none; the line `wrong` has no number."""
    rows = [f'"ITEM\n{n:05}",SITE-{n % 3},{place},{"many" if n + 1 == wrong else n}\r\n' for n in range(LINES)]
    path = folder / "stock.csv"
    path.write_bytes(("item,site,place,quantity\r\n" + "".join(rows)).encode())
    return path


async def kept(database: Database, path: Path) -> int | None:
    return await StockReconciliation(database).keep_file(path, "wms", "f1", NOW, NOW, NOW)


async def lines(database: Database) -> int:
    found: int = await database.pool.fetchval("SELECT count(*) FROM snapshot_lines")
    return found


async def halves(database: Database) -> int:
    """By how many transactions lines were written."""
    found: int = await database.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM snapshot_lines")
    return found


async def test_a_large_file_is_copied_in_two_halves_and_no_line_is_lost(database: Database, tmp_path: Path) -> None:
    number = await kept(database, written(tmp_path))
    rows = await database.pool.fetch("SELECT snapshot, item, quantity FROM snapshot_lines ORDER BY item")
    assert [tuple(row) for row in rows] == [(number, f"ITEM\n{n:05}", n) for n in range(LINES)]
    assert await halves(database) == 2
    (row,) = await database.pool.fetch("SELECT lines, sites, places, owners FROM snapshots")
    assert tuple(row) == (LINES, ["SITE-0", "SITE-1", "SITE-2"], ["storage"], ["own"])


async def test_the_same_file_again_is_known(database: Database, tmp_path: Path) -> None:
    assert await kept(database, written(tmp_path)) is not None
    assert await kept(database, written(tmp_path)) is None
    assert await lines(database) == LINES


@pytest.mark.parametrize("wrong", [10, LINES - 10])
async def test_an_error_in_either_half_keeps_nothing_and_names_its_line(
    database: Database, tmp_path: Path, wrong: int
) -> None:
    with pytest.raises(SnapshotError, match=rf"stock.csv: .*many.* line {wrong + 1},"):
        await kept(database, written(tmp_path, wrong))
    assert await lines(database) == 0
    assert await database.pool.fetchval("SELECT count(*) FROM snapshots") == 0


async def test_what_is_refused_after_the_copy_keeps_neither_half(database: Database, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="attic"):
        await kept(database, written(tmp_path, place="attic"))
    assert await lines(database) == 0


async def test_where_no_second_connection_is_free_one_copies_all(database_url: str, tmp_path: Path) -> None:
    database = await connect(database_url, connections=1)
    assert await kept(database, written(tmp_path)) is not None
    assert (await lines(database), await halves(database)) == (LINES, 1)
    await database.close()


async def test_lines_whose_snapshot_never_came_to_stand_go_with_the_old_ones(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("SELECT nextval('snapshot_numbers'); SET crossdock.snapshot = 1")
    await connection.execute("INSERT INTO snapshot_lines (item, site, quantity) VALUES ('A', 'SITE-0', 1)")
    await connection.close()
    books, path = StockReconciliation(database), written(tmp_path)
    for day in range(3):
        told = NOW.replace(day=2 + 5 * day)
        await books.keep_file(path, "wms", f"f{day}", told, told, told)
    numbers = [n for (n,) in await database.pool.fetch("SELECT DISTINCT snapshot FROM snapshot_lines ORDER BY 1")]
    assert 1 not in numbers and numbers == await database.pool.fetchval(
        "SELECT array_agg(id ORDER BY id) FROM snapshots WHERE NOT dropped"
    )
