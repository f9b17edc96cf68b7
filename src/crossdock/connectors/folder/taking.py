"""Taking files out of a watched folder, so that of many workers on many machines exactly one has each, and a killed
worker's are found again.

A worker owns a desk: a directory below `taken/` whose `lock` file it holds by flock for as long as it lives. A file is
taken by renaming it into the
desk, into a drawer of its own batch, so that nothing there is ever overwritten. The kernel frees the lock of a killed
process; whoever gets it
clears that desk onto its own. Blocking calls throughout: for a thread, one call a batch.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LOCK = "lock"

_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK)
"""An archive on another file system, or on one that knows no hard links, gets a copy."""


class Seen(NamedTuple):
    """A file as a scan saw it. Sorts oldest first, then by name."""

    mtime_ns: int
    name: str
    size: int


class Taken(NamedTuple):
    """A file in our hands. source_id: name, size and time of writing, which neither renaming nor a restart changes."""

    path: Path
    name: str
    source_id: str
    size: int
    mtime_ns: int


def printable(name: str) -> str:
    """A file name as text that any database takes: bytes that are no UTF-8 are written as \\xNN."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class Desk:
    """One worker's desk below `taken`. `worker` is unique over all workers and restarts."""

    def __init__(self, taken: Path, worker: str) -> None:
        self._root = taken
        self._drawers = 0
        taken.mkdir(parents=True, exist_ok=True)
        # The lock is held before the desk can be seen by those who clear dead ones.
        hidden = taken / f".new-{worker}"
        hidden.mkdir()
        self._lock = os.open(hidden / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.path = taken / worker
        hidden.rename(self.path)

    def take(self, folder: Path, files: Iterable[Seen]) -> tuple[list[Taken], list[tuple[str, OSError]]]:
        """Rename these out of `folder`. Those that another worker had first, or that have changed since the scan, are
        passed over. Returns (taken, troubles)."""
        drawer = self._drawer()
        taken: list[Taken] = []
        troubles: list[tuple[str, OSError]] = []
        for seen in files:
            here, there = folder / seen.name, drawer / seen.name
            try:
                before = here.lstat()
                if (before.st_mtime_ns, before.st_size) != (seen.mtime_ns, seen.size):
                    continue
                here.rename(there)
                taken.append(_taken(there))
            except FileNotFoundError:
                continue
            except OSError as error:
                troubles.append((seen.name, error))
        _drop_if_empty(drawer)
        return taken, troubles

    def clear_dead(self) -> list[Taken]:
        """What stands on the desks of workers that are no more; moved to ours, oldest first."""
        found: list[Taken] = []
        for desk in sorted(self._root.iterdir()):
            if desk == self.path or desk.name.startswith(".") or not desk.is_dir():
                continue
            try:
                lock = os.open(desk / LOCK, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.extend(self._move_all(desk))
                (desk / LOCK).unlink(missing_ok=True)
                desk.rmdir()
            except (BlockingIOError, FileNotFoundError):
                continue
            except OSError:
                # Something of somebody else's lies there; what was a file of ours has been moved.
                continue
            finally:
                os.close(lock)
        found.sort(key=lambda taken: (taken.mtime_ns, taken.name))
        return found

    def _move_all(self, desk: Path) -> list[Taken]:
        found = []
        for drawer in sorted(desk.iterdir()):
            if not drawer.is_dir():
                continue
            ours = self._drawer()
            for file in sorted(drawer.iterdir()):
                target = ours / file.name
                file.rename(target)
                found.append(_taken(target))
            drawer.rmdir()
        return found

    def close(self) -> None:
        """Give the desk up. What still stands on it will be found by another worker."""
        with suppress(OSError):
            if not any(each.is_dir() for each in self.path.iterdir()):
                (self.path / LOCK).unlink()
                self.path.rmdir()
        os.close(self._lock)

    def _drawer(self) -> Path:
        self._drawers += 1
        drawer = self.path / f"{self._drawers:08d}"
        drawer.mkdir()
        return drawer


def put_away(taken: Taken, archive: Path | None) -> None:
    """Link the file into `archive` under a name that is free and take it off the desk; without `archive` delete it.
    Safe to repeat."""
    if archive is not None and taken.path.exists():
        archive.mkdir(parents=True, exist_ok=True)
        _link_beside(taken.path, archive, taken.path.name)
    taken.path.unlink(missing_ok=True)
    _drop_if_empty(taken.path.parent)


def _drop_if_empty(drawer: Path) -> None:
    with suppress(OSError):
        drawer.rmdir()


def _taken(path: Path) -> Taken:
    stat = path.lstat()
    name = printable(path.name)
    return Taken(path, name, f"{name}:{stat.st_size}:{stat.st_mtime_ns}", stat.st_size, stat.st_mtime_ns)


def _link_beside(source: Path, folder: Path, name: str) -> None:
    target, again = folder / name, 0
    while True:
        try:
            _link_or_copy(source, target)
            return
        except FileExistsError:
            if target.samefile(source):
                # We were here before, and were cut off before the unlink.
                return
            again += 1
            target = folder / f"{name}.{again}"


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with source.open("rb") as data, target.open("xb") as copy:
            shutil.copyfileobj(data, copy)
        shutil.copystat(source, target)
