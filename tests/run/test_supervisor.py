"""Processes that are started again when they die, and stopped when they are asked."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from crossdock.run import supervisor
from crossdock.run.supervisor import Supervised, supervise

STEADY = [sys.executable, "-c", "import time; time.sleep(600)"]
DYING = [sys.executable, "-S", "-c", "raise SystemExit(3)"]


def ended(process: Supervised) -> None:
    """Waits until it has died, without a word to the supervisor."""
    until = time.monotonic() + 20
    while process.pid is not None:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_that_keeps_dying_is_started_again_with_a_growing_pause() -> None:
    process = Supervised("dying", DYING, dict(os.environ))
    now, pauses = 1.0, []
    process.look(now)
    for _ in range(8):
        ended(process)
        process.look(now)
        assert process.pid is None, "it is not started again at once"
        began, before = now, process._started
        while process._started == before:
            now += 0.25
            process.look(now)
        pauses.append(now - began)
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 10, 10]
    process.wait(time.monotonic() + 20)


def test_one_that_was_well_for_long_is_started_again_at_once() -> None:
    process = Supervised("steady", STEADY, dict(os.environ))
    process.look(0.0)
    first = process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    ended(process)
    process.look(supervisor.HEALTHY_SECONDS + 1)
    assert process.pid not in (None, first)
    process.ask_to_stop()
    process.wait(time.monotonic() + 20)
    assert process.pid is None


async def test_a_killed_process_is_started_again_and_all_are_stopped_gracefully(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.02)
    polite = (
        "import pathlib, signal, sys, time\n"
        "def bye(*_):\n    pathlib.Path(sys.argv[1]).write_text('finished'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye)\n"
        "pathlib.Path(sys.argv[1]).write_text('ready')\n"
        "time.sleep(600)\n"
    )
    notes = [tmp_path / "one", tmp_path / "two"]
    processes = [
        Supervised(note.name, [sys.executable, "-S", "-c", polite, str(note)], dict(os.environ)) for note in notes
    ]
    stop, looks = asyncio.Event(), []
    supervising = asyncio.create_task(supervise(processes, stop, lambda: looks.append(1)))

    def ready(note: Path) -> None:
        until = time.monotonic() + 20
        while not (note.exists() and note.read_text() == "ready"):
            assert time.monotonic() < until
            time.sleep(0.01)

    for note in notes:
        await asyncio.to_thread(ready, note)
    first = processes[0].pid
    assert first is not None
    notes[0].unlink()
    os.kill(first, signal.SIGKILL)
    await asyncio.to_thread(ready, notes[0])
    assert processes[0].pid != first
    stop.set()
    await asyncio.wait_for(supervising, 20)
    assert [note.read_text() for note in notes] == ["finished", "finished"]
    assert [process.pid for process in processes] == [None, None]
    assert len(looks) > 1


async def test_one_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.2)
    note = tmp_path / "ready"
    deaf = (
        "import pathlib, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pathlib.Path(sys.argv[1]).write_text('')\ntime.sleep(600)\n"
    )
    process = Supervised("deaf", [sys.executable, "-S", "-c", deaf, str(note)], dict(os.environ))
    stop = asyncio.Event()
    supervising = asyncio.create_task(supervise([process], stop, lambda: None))
    until = time.monotonic() + 20
    while not note.exists():
        assert time.monotonic() < until
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(supervising, 20)
    assert process.pid is None
