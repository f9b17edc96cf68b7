"""Dropping files exactly once, stopped at every step of the way."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from crossdock.connectors.folder import FolderSink, folder_spec
from crossdock.ports.outbound import Absent, Accepted, Later, Refused, Transmission, Unknown


def sink(folder: Path, **settings: object) -> FolderSink:
    return FolderSink("acme", folder_spec({"outbound": "from-us", **settings}, folder))


def transmission(name: str = "810-1.edi", data: bytes = b"ISA*") -> Transmission:
    return Transmission(name=name, data=data, deliveries=("SO-1/invoice",))


def outbound(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "from-us").iterdir() if path.is_file())


async def test_a_file_is_dropped_whole_and_looked_up(tmp_path: Path) -> None:
    box = sink(tmp_path)
    assert await box.look_up(transmission()) == Absent()
    assert isinstance(await box.send(transmission()), Accepted)
    assert (tmp_path / "from-us/810-1.edi").read_bytes() == b"ISA*"
    assert isinstance(await box.look_up(transmission()), Accepted)
    assert not list((tmp_path / "from-us/.crossdock/staging").iterdir())


async def test_a_file_that_the_partner_took_is_not_dropped_again(tmp_path: Path) -> None:
    await sink(tmp_path).send(transmission())
    (tmp_path / "from-us/810-1.edi").unlink()
    again = sink(tmp_path)
    assert isinstance(await again.look_up(transmission()), Accepted)
    assert isinstance(await again.send(transmission()), Accepted)
    assert outbound(tmp_path) == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("how", ["send", "look_up"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("stop_at", range(8))
async def test_stopped_at_any_step_a_file_is_dropped_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int, after: bool, how: str
) -> None:
    """The n-th of all renames, links and fsyncs is where the worker dies, before or after it; then another goes on."""
    box = sink(tmp_path)
    await box.send(transmission("warm-up.edi"))
    steps = 0

    def deadly(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            nonlocal steps
            steps += 1
            if steps - 1 == stop_at and not after:
                raise Killed
            result = call(*args, **kwargs)
            if steps - 1 == stop_at:
                raise Killed
            return result

        return wrapped

    taken = 0
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", deadly(os.fsync))
        patch.setattr(os, "link", deadly(os.link))
        patch.setattr(Path, "rename", deadly(Path.rename))
        with suppress(Killed):
            box._send_all([transmission()])
    assert steps > min(stop_at, 6), "there are seven steps"
    file = tmp_path / "from-us/810-1.edi"
    if file.exists():
        # The partner takes it at once.
        taken += 1
        file.unlink()
    other = sink(tmp_path)
    if how == "send" or isinstance(await other.look_up(transmission()), Absent):
        assert isinstance(await other.send(transmission()), Accepted)
    if file.exists():
        taken += 1
        assert file.read_bytes() == b"ISA*"
    assert taken == 1
    assert isinstance(await other.look_up(transmission()), Accepted)


async def test_two_workers_that_send_the_same_drop_one_file(tmp_path: Path) -> None:
    workers = [sink(tmp_path) for _ in range(4)]
    seen = 0
    for number in range(25):
        outcomes = await asyncio.gather(*(worker.send(transmission(f"{number}.edi")) for worker in workers))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        for name in outbound(tmp_path):
            (tmp_path / "from-us" / name).unlink()
            seen += 1
    assert seen == 25


async def test_sends_that_wait_together_share_their_fsyncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = sink(tmp_path)
    await box.send(transmission("warm-up.edi"))
    calls = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append(descriptor), fsync(descriptor))[1])
    await asyncio.gather(*(box.send(transmission(f"{number}.edi")) for number in range(50)))
    assert len(outbound(tmp_path)) == 51
    assert len(calls) < 50 + 3 * 5


async def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "from-us").mkdir()
    (tmp_path / "from-us/810-1.edi").write_bytes(b"theirs")
    outcome = await sink(tmp_path).send(transmission())
    assert isinstance(outcome, Refused)
    assert outcome.code == "name-taken"
    assert (tmp_path / "from-us/810-1.edi").read_bytes() == b"theirs"


@pytest.mark.parametrize(
    "name", ["", ".hidden", "../escape", "a/b", "a\\b", "line\nbreak", "nul\0", "x.part", "x.tmp", "x" * 201]
)
async def test_unsafe_names_are_refused(tmp_path: Path, name: str) -> None:
    outcome = await sink(tmp_path).send(transmission(name))
    assert isinstance(outcome, Refused)
    assert outcome.code == "unsafe-name"


async def test_a_folder_that_cannot_be_written_means_later(tmp_path: Path) -> None:
    (tmp_path / "from-us").write_bytes(b"a file where the folder should be")
    assert isinstance(await sink(tmp_path).send(transmission()), Later)


async def test_a_folder_that_vanished_after_the_promise_is_unknown_and_done_when_it_is_back(tmp_path: Path) -> None:
    box = sink(tmp_path, outbound_work="work")
    await box.send(transmission("warm-up.edi"))
    (tmp_path / "from-us").rename(tmp_path / "away")
    assert isinstance(await box.send(transmission()), Unknown)
    (tmp_path / "away").rename(tmp_path / "from-us")
    assert isinstance(await box.look_up(transmission()), Accepted)
    assert outbound(tmp_path) == ["810-1.edi", "warm-up.edi"]


async def test_the_ledger_forgets_after_its_days_but_nothing_that_is_under_way(tmp_path: Path) -> None:
    box = sink(tmp_path, ledger_days=1)
    await box.send(transmission("old.edi"))
    await box.send(transmission("young.edi"))
    os.utime(tmp_path / "from-us/.crossdock/sent/old.edi", (1_000, 1_000))
    stale = tmp_path / "from-us/.crossdock/staging/cut.edi.00000000.part"
    stale.write_bytes(b"half")
    os.utime(stale, (1_000, 1_000))
    assert box.prune((tmp_path / "from-us/young.edi").stat().st_mtime + 10) == 1
    assert not stale.exists()
    assert await box.look_up(transmission("old.edi")) == Absent()
    assert isinstance(await box.look_up(transmission("young.edi")), Accepted)
