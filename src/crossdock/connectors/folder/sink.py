"""Drops files into a folder, each exactly once, though the other side may take a file away at once and we may be killed
at any point.

Four states of a transmission named N, told from what lies in `outbound_work`, and how one leads to the next:

    nothing    neither staging/N nor sent/N                write staging/N.<n>.part, fsync, rename to staging/N
    staged     staging/N                                   link staging/N to sent/N (the ledger), fsync the ledger
    promised   staging/N and sent/N                        rename staging/N to outbound/N, fsync the folder
    dropped    sent/N alone

Each step is atomic and each state safe to stop in; `send` and `look_up` go on from wherever N stands. Whether the
partner still has the file does not
matter: N is dropped if the ledger has it and staging has not. A lock on the folder keeps workers from walking the same
steps at once.
"""

import asyncio
import fcntl
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from crossdock.connectors.folder.spec import FolderSpec
from crossdock.ports.outbound import Absent, Accepted, Found, Later, Outcome, Refused, Transmission, Unknown

LONGEST_NAME_BYTES = 200
WRITERS = 8
PRUNE_SECONDS = 86_400.0
STALE_PART_SECONDS = 86_400.0


class FolderSink:
    """A `Sink` over `spec.outbound`. Sends that wait at the same time are written in one thread hop and share the
    folders' fsyncs."""

    def __init__(self, system: str, spec: FolderSpec) -> None:
        if spec.outbound is None or spec.outbound_work is None:
            raise ValueError(f"system {system}: its settings name no outbound folder")
        self._system = system
        self._spec = spec
        self._folder: Path = spec.outbound
        self._staging = spec.outbound_work / "staging"
        self._sent = spec.outbound_work / "sent"
        self._lock_file = spec.outbound_work / "lock"
        self._waiting: list[tuple[Transmission, asyncio.Future[Outcome]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._writers = ThreadPoolExecutor(WRITERS, f"folder-{system}")
        self._pruned = float("-inf")
        self._ready = False

    @property
    def system(self) -> str:
        return self._system

    async def send(self, transmission: Transmission) -> Outcome:
        """Drop it, or find that it has been dropped. Later: surely not dropped. Unknown: it may be; `look_up` finds out
        and finishes it."""
        reason = unsafe(transmission.name)
        if reason:
            return Refused(f"the file name {transmission.name!r} {reason}", code="unsafe-name")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((transmission, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        return await future

    async def look_up(self, transmission: Transmission) -> Found:
        """Whether it was dropped; one that is staged or promised is dropped now."""
        if unsafe(transmission.name):
            return Absent()
        return await asyncio.to_thread(self._look_up, transmission.name)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writer is not None:
            await self._writer
        self._writers.shutdown(wait=False)

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            outcomes = await asyncio.to_thread(self._send_all, [transmission for transmission, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    # What follows runs in a thread.

    def _send_all(self, batch: Sequence[Transmission]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        try:
            self._make_ready()
            parts = self._write_parts(batch, outcomes)
            with self._alone():
                self._promise(batch, parts, outcomes)
                self._drop(batch, outcomes)
        except OSError as error:
            self._give_up(batch, outcomes, error)
        return [outcomes[index] for index in range(len(batch))]

    def _make_ready(self) -> None:
        if not self._ready:
            if self._spec.create:
                self._folder.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(parents=True, exist_ok=True)
            self._sent.mkdir(parents=True, exist_ok=True)
            if self._staging.stat().st_dev != self._folder.stat().st_dev:
                raise OSError(
                    f"{self._staging} is not on the file system of {self._folder}: files cannot be dropped by renaming"
                )
            self._ready = True
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            self._pruned = time.monotonic()
            self.prune(time.time())

    def _write_parts(self, batch: Sequence[Transmission], outcomes: dict[int, Outcome]) -> dict[int, Path]:
        new = [
            (index, self._staging / f"{transmission.name}.{uuid.uuid4().hex[:8]}.part", transmission.data)
            for index, transmission in enumerate(batch)
            if not (self._sent / transmission.name).exists() and not (self._staging / transmission.name).exists()
        ]
        # Side by side, so that the file system commits many fsyncs at once.
        errors = self._writers.map(self._write, [part for _, part, _ in new], [data for _, _, data in new])
        parts: dict[int, Path] = {}
        for (index, part, _), error in zip(new, errors, strict=True):
            if error is None:
                parts[index] = part
            else:
                part.unlink(missing_ok=True)
                outcomes[index] = Later(f"cannot write: {_words(error)}")
        return parts

    def _write(self, part: Path, data: bytes) -> OSError | None:
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                if self._spec.fsync:
                    os.fsync(file.fileno())
        except OSError as error:
            return error
        return None

    def _promise(self, batch: Sequence[Transmission], parts: dict[int, Path], outcomes: dict[int, Outcome]) -> None:
        linked = False
        for index, transmission in enumerate(batch):
            if index in outcomes:
                continue
            name, part = transmission.name, parts.get(index)
            if (self._sent / name).exists():
                # Promised or dropped before; another worker may have been quicker than our part.
                if part is not None:
                    part.unlink(missing_ok=True)
                continue
            if (self._folder / name).exists():
                if part is not None:
                    part.unlink(missing_ok=True)
                outcomes[index] = Refused(
                    f"a file named {name} that we did not drop lies in the folder", code="name-taken"
                )
                continue
            try:
                if part is not None:
                    part.rename(self._staging / name)
                os.link(self._staging / name, self._sent / name)
                linked = True
            except OSError as error:
                outcomes[index] = Later(f"cannot stage: {_words(error)}")
        if linked:
            self._sync(self._staging, self._sent)

    def _drop(self, batch: Sequence[Transmission], outcomes: dict[int, Outcome]) -> None:
        dropped: list[int] = []
        for index, transmission in enumerate(batch):
            if index in outcomes:
                continue
            try:
                self._hand_over(transmission.name)
                dropped.append(index)
            except OSError as error:
                outcomes[index] = Unknown(f"promised, but not yet dropped: {_words(error)}")
        if dropped:
            self._sync(self._folder)
        for index in dropped:
            outcomes[index] = Accepted({"file": batch[index].name}, "dropped")

    def _hand_over(self, name: str) -> None:
        try:
            (self._staging / name).rename(self._folder / name)
        except FileNotFoundError:
            if not self._folder.is_dir():
                raise
            # Dropped before: staging has it no more.

    def _give_up(self, batch: Sequence[Transmission], outcomes: dict[int, Outcome], error: OSError) -> None:
        for index, transmission in enumerate(batch):
            if index in outcomes:
                continue
            promised = (self._sent / transmission.name).exists()
            outcomes[index] = Unknown(_words(error)) if promised else Later(_words(error))

    def _look_up(self, name: str) -> Found:
        try:
            self._make_ready()
            with self._alone():
                if not (self._sent / name).exists():
                    if not (self._staging / name).exists():
                        return Absent()
                    if (self._folder / name).exists():
                        return Unknown(f"staged, but a file named {name} that we did not drop lies in the folder")
                    os.link(self._staging / name, self._sent / name)
                    self._sync(self._staging, self._sent)
                if (self._staging / name).exists():
                    self._hand_over(name)
                    self._sync(self._folder)
                return Accepted({"file": name}, "dropped")
        except OSError as error:
            return Unknown(_words(error))

    def prune(self, now: float) -> int:
        """Forget ledger entries older than `ledger_days` and parts that nobody will finish; `now` in seconds since
        1970. Returns how many entries went."""
        gone = 0
        oldest = now - self._spec.ledger_days * 86_400
        with os.scandir(self._sent) as entries:
            for entry in entries:
                if entry.stat().st_mtime < oldest and not (self._staging / entry.name).exists():
                    Path(entry.path).unlink(missing_ok=True)
                    gone += 1
        with os.scandir(self._staging) as entries:
            for entry in entries:
                if entry.name.endswith(".part") and entry.stat().st_mtime < now - STALE_PART_SECONDS:
                    Path(entry.path).unlink(missing_ok=True)
        return gone

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self._lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _sync(self, *folders: Path) -> None:
        if not self._spec.fsync:
            return
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def unsafe(name: str) -> str:
    """Why `name` may not be a file's name in a partner's folder, in words; "" if it may."""
    if not name:
        return "is empty"
    if name.startswith("."):
        return "starts with a dot"
    if "/" in name or "\\" in name:
        return "holds a path separator"
    if not name.isprintable():
        return "holds control characters"
    if name.endswith((".part", ".tmp")):
        return "looks unfinished to whoever takes it"
    if len(name.encode()) > LONGEST_NAME_BYTES:
        return f"is longer than {LONGEST_NAME_BYTES} bytes"
    return ""


def _words(error: OSError) -> str:
    return error.strerror or str(error)
