"""A watched folder as a source of messages: finds whole files, takes each once, shows it until it is kept, then
archives or deletes it.

Oldest first, in batches; one thread hop per batch. What cannot be read is reported and stays where it is until it can
be. A file is lost at no point:
it stands in the folder, on a desk below `taken/`, or in the archive.
"""

import asyncio
import fnmatch
import os
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from msgspec import Struct

from crossdock.connectors.folder.spec import FolderSpec
from crossdock.connectors.folder.taking import Desk, Seen, Taken, printable, put_away
from crossdock.ports.inbound import Arrival

DEAD_DESKS_SECONDS = 10.0
"""How often we look for the desks of killed workers."""

TRUSTED_AGE_NS = 2_000_000_000
"""A folder's own time tells that nothing is new only when it is older than the coarsest clock of a file system."""

_log = structlog.get_logger(__name__)


class Trouble(Struct, frozen=True):
    """A file that we could not take or read, and why. It is tried again."""

    name: str
    reason: str


class FolderSource:
    """A `Source` over `spec.inbound`. `report` is told of each new trouble once (default: the log); `troubles` holds
    those that stand now."""

    def __init__(self, channel: str, spec: FolderSpec, report: Callable[[Trouble], None] | None = None) -> None:
        if spec.inbound is None or spec.inbound_work is None:
            raise ValueError(f"channel {channel}: its settings name no inbound folder")
        self._channel = channel
        self._spec = spec
        self._folder: Path = spec.inbound
        self._taken_root = spec.inbound_work / "taken"
        self._archive = spec.archive if spec.keep == "archive" else None
        self._match = _either(spec.match)
        self._ignore = _either(spec.ignore)
        self._report = report or self._tell_log
        self.troubles: dict[str, Trouble] = {}
        self._desk: Desk | None = None
        self._closed = asyncio.Event()
        self._backlog: list[Seen] = []
        self._watched: dict[str, tuple[int, int, float]] = {}
        self._quiet_since_ns = 0
        self._unread: dict[Path, Taken] = {}
        self._shown: dict[Path, tuple[Taken, float]] = {}
        self._cleared = float("-inf")

    @property
    def channel(self) -> str:
        return self._channel

    async def arrivals(self) -> AsyncIterator[Sequence[Arrival]]:
        """Batches for ever. A batch that was not kept is shown again after `reshow_seconds`, and at once by a new
        iteration."""
        self._unread.update((path, taken) for path, (taken, _) in self._shown.items())
        self._shown.clear()
        while not self._closed.is_set():
            batch = await asyncio.to_thread(self._next_batch)
            if batch:
                yield batch
                continue
            try:
                await asyncio.wait_for(self._closed.wait(), self._spec.poll_seconds)
            except TimeoutError:
                continue

    async def keep(self, batch: Sequence[Arrival]) -> None:
        """Archive or delete these. Those no longer on the desk were kept before."""
        await asyncio.to_thread(self._put_away, batch)

    async def close(self) -> None:
        """End `arrivals`. What was shown and not kept will be shown by whoever watches the folder next."""
        self._closed.set()
        if self._desk is not None:
            desk, self._desk = self._desk, None
            await asyncio.to_thread(desk.close)

    # What follows runs in a thread.

    def _next_batch(self) -> list[Arrival]:
        if self._closed.is_set():
            return []
        now = time.monotonic()
        try:
            desk = self._at_desk()
            if now - self._cleared >= DEAD_DESKS_SECONDS:
                self._cleared = now
                self._unread.update((taken.path, taken) for taken in desk.clear_dead())
        except OSError as error:
            self._trouble("", error)
            return []
        for path, (taken, shown) in list(self._shown.items()):
            # It may be kept by another thread at this moment.
            if now - shown >= self._spec.reshow_seconds and self._shown.pop(path, False):
                self._unread[path] = taken
        if not self._unread:
            if not self._backlog:
                self._backlog = self._scan(now)
            self._take_some(desk)
        return self._read_some(now)

    def _at_desk(self) -> Desk:
        if self._desk is None:
            if self._spec.create:
                self._folder.mkdir(parents=True, exist_ok=True)
            self._taken_root.mkdir(parents=True, exist_ok=True)
            if self._taken_root.stat().st_dev != self._folder.stat().st_dev:
                raise OSError(
                    f"{self._taken_root} is not on the file system of {self._folder}: files cannot be taken by renaming"
                )
            self._desk = Desk(self._taken_root, f"{os.getpid()}-{uuid.uuid4().hex[:12]}")
        return self._desk

    def _scan(self, now: float) -> list[Seen]:
        by_rename = self._spec.complete == "rename"
        try:
            changed_ns = self._folder.stat().st_mtime_ns
            if by_rename and changed_ns == self._quiet_since_ns and not self.troubles:
                return []
            found: list[Seen] = []
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not self._is_message(entry):
                        continue
                    stat = entry.stat(follow_symlinks=False)
                    if stat.st_size > self._spec.largest_bytes:
                        self._trouble(
                            entry.name, f"{stat.st_size} bytes are more than largest_bytes = {self._spec.largest_bytes}"
                        )
                        continue
                    found.append(Seen(stat.st_mtime_ns, entry.name, stat.st_size))
        except OSError as error:
            self._trouble("", error)
            return []
        self.troubles.pop("", None)
        if by_rename:
            # Taking changes the folder's time too, so the short cut holds only for a folder that was empty and has
            # rested.
            rested = not found and time.time_ns() - changed_ns > TRUSTED_AGE_NS
            self._quiet_since_ns = changed_ns if rested else 0
        else:
            found = self._unchanged(found, now)
        self._forget_gone_troubles()
        found.sort(reverse=True)
        return found

    def _is_message(self, entry: os.DirEntry[str]) -> bool:
        return not self._ignore(entry.name) and bool(self._match(entry.name)) and entry.is_file(follow_symlinks=False)

    def _unchanged(self, found: list[Seen], now: float) -> list[Seen]:
        watched: dict[str, tuple[int, int, float]] = {}
        stable: list[Seen] = []
        for seen in found:
            size, mtime_ns, since = self._watched.get(seen.name, (-1, 0, now))
            if (size, mtime_ns) != (seen.size, seen.mtime_ns):
                since = now
            watched[seen.name] = (seen.size, seen.mtime_ns, since)
            if now - since >= self._spec.quiet_seconds:
                stable.append(seen)
        self._watched = watched
        return stable

    def _take_some(self, desk: Desk) -> None:
        chosen: list[Seen] = []
        size = 0
        while self._backlog and len(chosen) < self._spec.batch_files:
            seen = self._backlog[-1]
            if chosen and size + seen.size > self._spec.batch_bytes:
                break
            chosen.append(self._backlog.pop())
            size += seen.size
        if not chosen:
            return
        taken, troubles = desk.take(self._folder, chosen)
        self._unread.update((each.path, each) for each in taken)
        for name, error in troubles:
            self._trouble(name, error)

    def _read_some(self, now: float) -> list[Arrival]:
        batch: list[Arrival] = []
        size = 0
        for path, taken in list(self._unread.items()):
            if len(batch) >= self._spec.batch_files or (batch and size + taken.size > self._spec.batch_bytes):
                break
            if self._unread.pop(path, None) is None:
                continue
            # Either way it comes back after reshow_seconds, unless it is kept before.
            self._shown[path] = (taken, now)
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                self._shown.pop(path, None)
                continue
            except OSError as error:
                self._trouble(taken.name, error)
                continue
            self.troubles.pop(taken.name, None)
            size += len(data)
            batch.append(self._arrival(taken, data))
        return batch

    def _arrival(self, taken: Taken, data: bytes) -> Arrival:
        written = datetime.fromtimestamp(taken.mtime_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        return Arrival(
            channel=self._channel,
            source_id=taken.source_id,
            data=data,
            name=taken.name,
            received_at=datetime.now(UTC),
            attributes={"written_at": written},
        )

    def _put_away(self, batch: Sequence[Arrival]) -> None:
        # One source_id may stand on the desk twice: a copy that kept its time was dropped again.
        waiting: dict[str, list[Taken]] = {}
        for taken in [*(taken for taken, _ in list(self._shown.values())), *list(self._unread.values())]:
            waiting.setdefault(taken.source_id, []).append(taken)
        for arrival in batch:
            day = (arrival.received_at or datetime.now(UTC)).date().isoformat()
            for taken in waiting.pop(arrival.source_id, []):
                try:
                    put_away(taken, self._archive / day if self._archive else None)
                except OSError as error:
                    # The message is safe with us: no reason to stop. It is shown again later, and put away then.
                    self._trouble(taken.name, error)
                    continue
                self.troubles.pop(taken.name, None)
                self._shown.pop(taken.path, None)
                self._unread.pop(taken.path, None)

    def _trouble(self, name: str, reason: OSError | str) -> None:
        text = reason if isinstance(reason, str) else f"{reason.strerror or reason}"
        trouble = Trouble(printable(name) or str(self._folder), text)
        if self.troubles.get(name) != trouble:
            self.troubles[name] = trouble
            self._report(trouble)

    def _forget_gone_troubles(self) -> None:
        on_desk = {taken.name for taken, _ in list(self._shown.values())}
        for name in [name for name in self.troubles if name not in on_desk and not (self._folder / name).exists()]:
            del self.troubles[name]

    def _tell_log(self, trouble: Trouble) -> None:
        _log.warning("folder.trouble", channel=self._channel, file=trouble.name, reason=trouble.reason)


def _either(patterns: Sequence[str]) -> Callable[[str], object]:
    if not patterns:
        return lambda _: None
    return re.compile("|".join(f"(?:{fnmatch.translate(pattern)})" for pattern in patterns)).match
