"""A watched folder, on a real file system, with workers that are killed."""

import asyncio
import errno
import os
import sys
import textwrap
from pathlib import Path

import pytest

from crossdock.connectors.folder import FolderSource, folder_spec
from crossdock.connectors.settings import SettingsError
from crossdock.ports.inbound import Arrival


def source(folder: Path, **settings: object) -> FolderSource:
    table = {"inbound": "to-us", "complete": "rename", "poll_seconds": 0.01, **settings}
    return FolderSource("acme", folder_spec(table, folder))


def drop(folder: Path, name: str, data: bytes = b"x", second: int = 0) -> None:
    (folder / "to-us").mkdir(exist_ok=True)
    path = folder / "to-us" / name
    path.write_bytes(data)
    if second:
        os.utime(path, (second, second))


async def collect(source: FolderSource, count: int, keep: bool = True) -> list[Arrival]:
    found: list[Arrival] = []
    async with asyncio.timeout(10):
        async for batch in source.arrivals():
            found.extend(batch)
            if keep:
                await source.keep(batch)
            if len(found) >= count:
                break
    return found


def left(folder: Path) -> list[Path]:
    return list(folder.rglob("*.edi"))


def archived(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "to-us/.crossdock/archive").glob("*/*"))


async def test_files_come_oldest_first_and_then_by_name(tmp_path: Path) -> None:
    drop(tmp_path, "c.edi", second=1_000)
    drop(tmp_path, "b.edi", second=2_000)
    drop(tmp_path, "a.edi", second=2_000)
    arrivals = await collect(source(tmp_path, batch_files=2), 3)
    assert [arrival.name for arrival in arrivals] == ["c.edi", "a.edi", "b.edi"]


async def test_a_kept_file_is_archived_under_its_day_and_a_second_of_the_same_name_beside_it(tmp_path: Path) -> None:
    watched = source(tmp_path)
    for data in (b"first", b"second"):
        drop(tmp_path, "850.edi", data)
        [arrival] = await collect(watched, 1)
        assert arrival.data == data
    assert archived(tmp_path) == ["850.edi", "850.edi.1"]
    day = next((tmp_path / "to-us/.crossdock/archive").iterdir())
    assert day.name == arrival.received_at.date().isoformat()
    assert (day / "850.edi").read_bytes() == b"first"


async def test_a_kept_file_is_deleted_where_that_is_declared(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi")
    await collect(source(tmp_path, keep="delete"), 1)
    assert left(tmp_path) == []


async def test_keeping_twice_does_no_harm(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi")
    watched = source(tmp_path)
    batch = await collect(watched, 1)
    await watched.keep(batch)
    assert archived(tmp_path) == ["850.edi"]


async def test_unfinished_files_folders_and_links_are_left_alone(tmp_path: Path) -> None:
    for name in (".hidden", "850.edi.part", "upload.tmp", "real.edi"):
        drop(tmp_path, name)
    (tmp_path / "to-us/folder").mkdir()
    (tmp_path / "to-us/link.edi").symlink_to("/etc/hostname")
    arrivals = await collect(source(tmp_path), 1)
    assert [arrival.name for arrival in arrivals] == ["real.edi"]
    assert len(list((tmp_path / "to-us").iterdir())) == 6


async def test_a_growing_file_is_not_taken_before_it_has_been_quiet(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi", b"half")
    watched = source(tmp_path, complete="quiet", quiet_seconds=1.0)
    reading = asyncio.create_task(collect(watched, 1))
    for _ in range(10):
        await asyncio.sleep(0.15)
        assert not reading.done()
        with (tmp_path / "to-us/850.edi").open("ab") as file:
            file.write(b" more")
    [arrival] = await reading
    assert arrival.data == b"half" + b" more" * 10


async def test_a_batch_that_is_not_kept_is_shown_again_under_the_same_id(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi")
    first = await collect(source(tmp_path, reshow_seconds=0.05), 2, keep=False)
    assert first[0].source_id == first[1].source_id


async def test_a_new_iteration_shows_at_once_what_was_not_kept(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi")
    watched = source(tmp_path)
    [first] = await collect(watched, 1, keep=False)
    [second] = await collect(watched, 1, keep=False)
    assert first.source_id == second.source_id


async def test_a_closed_source_leaves_what_was_not_kept_to_the_next_one_under_the_same_id(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi")
    before = source(tmp_path)
    [first] = await collect(before, 1, keep=False)
    await before.close()
    [second] = await collect(source(tmp_path), 1)
    assert (first.source_id, first.data) == (second.source_id, second.data)


async def test_closing_ends_the_batches(tmp_path: Path) -> None:
    watched = source(tmp_path, poll_seconds=30)
    reading = asyncio.create_task(collect(watched, 1))
    await asyncio.sleep(0.05)
    await watched.close()
    assert await asyncio.wait_for(reading, 5) == []


async def test_two_workers_never_take_the_same_file(tmp_path: Path) -> None:
    for number in range(400):
        drop(tmp_path, f"{number:04d}.edi", str(number).encode())
    workers = [source(tmp_path, batch_files=7) for _ in range(4)]
    found: list[bytes] = []

    async def work(worker: FolderSource) -> None:
        async for batch in worker.arrivals():
            found.extend(arrival.data for arrival in batch)
            await worker.keep(batch)
            if len(found) >= 400:
                return

    running = [asyncio.create_task(work(worker)) for worker in workers]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        await worker.close()
    await asyncio.gather(*running)
    assert sorted(found, key=int) == [str(number).encode() for number in range(400)]
    assert len(archived(tmp_path)) == 400


async def test_what_a_killed_worker_had_taken_is_found_again(tmp_path: Path) -> None:
    drop(tmp_path, "850.edi", b"precious")
    program = """
        import asyncio, sys
        from pathlib import Path
        from crossdock.connectors.folder import FolderSource, folder_spec

        async def main():
            settings = {"inbound": "to-us", "complete": "rename"}
            async for batch in FolderSource("acme", folder_spec(settings, Path(sys.argv[1]))).arrivals():
                print(batch[0].source_id, flush=True)
                await asyncio.sleep(60)

        asyncio.run(main())
    """
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(program), str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    source_id = (await worker.stdout.readline()).decode()
    other = source(tmp_path)
    reading = asyncio.create_task(collect(other, 1))
    await asyncio.sleep(0.1)
    assert not reading.done(), "a living worker's file was taken from it"
    await other.close()
    await reading
    worker.kill()
    await worker.wait()
    [arrival] = await collect(source(tmp_path), 1)
    assert arrival.data == b"precious"
    assert arrival.source_id == source_id.strip()


async def test_a_file_that_is_too_large_is_reported_and_stays(tmp_path: Path) -> None:
    drop(tmp_path, "huge.edi", b"x" * 100)
    drop(tmp_path, "small.edi", b"x")
    watched = source(tmp_path, largest_bytes=50)
    assert [arrival.name for arrival in await collect(watched, 1)] == ["small.edi"]
    assert "largest_bytes" in watched.troubles["huge.edi"].reason
    assert (tmp_path / "to-us/huge.edi").exists()


async def test_a_file_that_cannot_be_read_is_reported_once_and_read_when_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(tmp_path, "850.edi", b"now")
    told = []
    settings = {"inbound": "to-us", "complete": "rename", "poll_seconds": 0.01, "reshow_seconds": 0.05}
    watched = FolderSource("acme", folder_spec(settings, tmp_path), told.append)
    read_bytes = Path.read_bytes
    refusals = iter(range(3))

    def forbidden(path: Path) -> bytes:
        if path.name == "850.edi" and next(refusals, None) is not None:
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    [arrival] = await collect(watched, 1)
    assert arrival.data == b"now"
    assert [(trouble.name, trouble.reason) for trouble in told] == [("850.edi", "Permission denied")]
    assert watched.troubles == {}


async def test_an_archive_that_cannot_be_written_stops_nothing_and_is_filled_when_it_can(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(b"no folder")
    drop(tmp_path, "850.edi")
    watched = source(tmp_path, archive="archive", reshow_seconds=0.05)
    await collect(watched, 2)
    assert "850.edi" in watched.troubles
    archive.unlink()
    await collect(watched, 1)
    assert [path.name for path in archive.glob("*/*")] == ["850.edi"]
    assert watched.troubles == {}


async def test_an_archive_on_another_file_system_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_device(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_device)
    watched = source(tmp_path)
    for data in (b"first", b"second"):
        drop(tmp_path, "850.edi", data)
        await collect(watched, 1)
    assert archived(tmp_path) == ["850.edi", "850.edi.1"]


async def test_a_missing_folder_is_reported_and_watched_again_when_it_is_back(tmp_path: Path) -> None:
    watched = source(tmp_path)
    reading = asyncio.create_task(collect(watched, 1))
    await asyncio.sleep(0.05)
    (tmp_path / "to-us").rename(tmp_path / "away")
    await asyncio.sleep(0.05)
    assert "No such file" in next(iter(watched.troubles.values())).reason
    (tmp_path / "away").rename(tmp_path / "to-us")
    drop(tmp_path, "850.edi")
    assert len(await reading) == 1


async def test_a_name_that_is_no_text_is_taken_all_the_same(tmp_path: Path) -> None:
    drop(tmp_path, os.fsdecode(b"m\xfcnchen.edi"))
    [arrival] = await collect(source(tmp_path), 1)
    assert arrival.name == "m\\xfcnchen.edi"
    arrival.source_id.encode()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "needs `inbound`, `outbound` or both"),
        ({"inbond": "x"}, "did you mean `inbound`?"),
        ({"inbound": "a", "outbound": "./a"}, "same folder"),
        ({"inbound": "a", "poll_seconds": 0}, "poll_seconds: must be above 0"),
        ({"inbound": "a", "complete": "maybe"}, "settings.complete"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("?", r"\?")):
        folder_spec(settings, Path("/base"))
