"""What routes need, opened once when the server starts: the database, the read models, the version of the workspace that is in force, the time."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from crossdock.api.authentication import Authentication
from crossdock.api.intake import Intake
from crossdock.api.throttle import FLUSH_SECONDS, Throttle
from crossdock.connectors.settings import Secret
from crossdock.flow.fold import VersionNotRead
from crossdock.policy import Agreement
from crossdock.policy.access import ApiTerms
from crossdock.ports.translation import Reader
from crossdock.run.witness import Watch
from crossdock.store.access import Access
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.store.lookup import Lookup
from crossdock.store.orders import Orders
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems, clock, secrets
from crossdock.workspace import Loaded

REFRESH_SECONDS = 1.0
SWEEP_SECONDS = 300.0
PAUSE_SECONDS = 0.05
"""Between two batches of sweeping, so that it takes no more than a part of the database's time."""

_log = structlog.get_logger(__name__)


class Hub:
    """Handed to every route as `hub`.

    clock: the time, in UTC. environ, root: what secrets and addresses of systems are read from. book: agreements of all versions.
    watch: who is told of what this server takes in and folds itself; nobody, until `api.health` says otherwise.
    """

    def __init__(
        self,
        database: Database,
        environ: Mapping[str, str],
        root: Path,
        clock: Callable[[], datetime] = clock,
    ) -> None:
        self.database = database
        self.environ = environ
        self.root = root
        self.clock = clock
        self.lookup = Lookup(database)
        self.access = Access(database)
        self.versions = WorkspaceVersions(database)
        self.book = AgreementBook(self.versions)
        self.secrets: Callable[[Secret], str] = secrets(environ, root)
        self._systems: Systems | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self.authentication = Authentication(self.access, clock, lambda: self.terms)
        self.throttle = Throttle(self.access)
        self.orders = Orders(database)
        self.intake = Intake(self)
        self.watch = Watch(())
        self._readers: tuple[Systems, Mapping[str, Reader]] | None = None

    @property
    def loaded(self) -> Loaded:
        """The version of the workspace that is in force. Raises LookupError before the first."""
        if self.book.current is None:
            raise LookupError("no version of the workspace is in force; `crossdock apply` first")
        return self.book.current

    @property
    def terms(self) -> ApiTerms:
        """What holds for callers of the API."""
        return self.book.current.company.api if self.book.current is not None else ApiTerms()

    @property
    def systems(self) -> Systems:
        """The systems of the version in force, made once a version."""
        if self._systems is None or self._systems.loaded is not self.loaded:
            self._systems = Systems(self.loaded, self.environ, self.root)
        return self._systems

    @property
    def readers(self) -> Mapping[str, Reader]:
        """What reads each channel's messages, made once a version."""
        systems = self.systems
        if self._readers is None or self._readers[0] is not systems:
            self._readers = (systems, systems.readers())
        return self._readers[1]

    async def agreement(self, partner: str, version: int) -> Agreement | None:
        """The agreement with a partner under a version of the workspace, which may be newer than what has been read."""
        try:
            return self.book(partner, version)
        except VersionNotRead:
            await self.book.learn()
            return self.book(partner, version)

    async def open(self) -> None:
        """Reads what is in force, and looks again every second until `close`; takes in what is submitted; sweeps what is kept for a time only."""
        await self.book.refresh()
        self.intake.open()
        self._tasks = (
            asyncio.create_task(self._refresh(), name="refresh workspace"),
            asyncio.create_task(self._keep_sweeping(), name="sweep"),
        )

    async def close(self) -> None:
        """Ends what `open` began. The database is the caller's to close."""
        await self.intake.close()
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _refresh(self) -> None:
        flushed = time.monotonic()
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            now = time.monotonic()
            try:
                await self.book.refresh()
                if now - flushed > FLUSH_SECONDS:
                    flushed = now
                    await self.throttle.flush()
            except Exception as error:
                _log.warning("refreshing failed, trying again", error=f"{type(error).__name__}: {error}")

    async def _keep_sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except Exception as error:
                _log.warning("sweeping failed, trying again", error=f"{type(error).__name__}: {error}")

    async def sweep(self) -> int:
        """Forgets answers, sessions and events whose time is over; returns how many events."""
        now = self.clock()
        await self.access.sweep(now)
        if self.book.current is None:
            return 0
        feed, before = EventFeed(self.database), now - timedelta(days=self.loaded.company.events.kept_days)
        forgotten = 0
        while swept := await feed.sweep(before):
            forgotten += swept
            await asyncio.sleep(PAUSE_SECONDS)
        if forgotten:
            _log.info("events.swept", events=forgotten, announced_before=before.isoformat())
        return forgotten
