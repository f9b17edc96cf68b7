"""The one place where adapters meet ports: a workspace's systems become sources, readers, writers and sinks, and these a worker.

Secrets are resolved here, at the moment a connector asks, and go nowhere else.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as datetime_time
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from crossdock.connectors.api import CHANNEL, ApiReader
from crossdock.connectors.csv import CsvReader
from crossdock.connectors.events.guard import allowed_by
from crossdock.connectors.events.sender import HttpWebhookSender
from crossdock.connectors.folder.sink import FolderSink
from crossdock.connectors.folder.source import FolderSource
from crossdock.connectors.folder.spec import folder_spec
from crossdock.connectors.http.sink import HttpSink
from crossdock.connectors.http.spec import http_spec
from crossdock.connectors.json.reader import JsonReader
from crossdock.connectors.json.spec import json_spec
from crossdock.connectors.json.stock import Words
from crossdock.connectors.json.stock_reader import StockMaps
from crossdock.connectors.json.writer import JsonWriter
from crossdock.connectors.settings import Secret, SettingsError
from crossdock.connectors.webhook.source import WebhookSource
from crossdock.connectors.webhook.spec import webhook_spec
from crossdock.connectors.x12.guides import Guides
from crossdock.connectors.x12.reader import X12Reader
from crossdock.connectors.x12.writer import X12Writer
from crossdock.crosswalk.directory import Partner
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.flow.dispatch import Dispatch
from crossdock.flow.fold import VersionNotRead
from crossdock.flow.notify import Notify
from crossdock.flow.offering import sellings
from crossdock.flow.ownership import OwnedReader
from crossdock.flow.reconcile import reconcile_once
from crossdock.flow.resolve import CAUSES, resolved
from crossdock.ledger.legs import State
from crossdock.ledger.ownership import Owner
from crossdock.ledger.planning import FIRST_COME, Planning
from crossdock.policy import Agreement
from crossdock.ports.inbound import Source
from crossdock.ports.outbound import Pace, Sink
from crossdock.ports.system import System
from crossdock.ports.translation import Reader, Writer
from crossdock.run.pacing import SystemPacing
from crossdock.run.watching import Watching
from crossdock.run.witness import Watch
from crossdock.run.worker import Listener, Worker
from crossdock.store.channels import ChannelFeeds
from crossdock.store.database import Database
from crossdock.store.events import EventFeed
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.reconcile import StockReconciliation
from crossdock.store.stock_plans import StockPlans
from crossdock.store.stock_told import Terms
from crossdock.store.versions import WorkspaceVersions
from crossdock.store.vitals import VitalSigns
from crossdock.store.webhooks import WebhookStore
from crossdock.workspace import Loaded, connected, from_snapshot
from crossdock.workspace.apply import Overtaken, Version
from crossdock.workspace.reconciling import reconcile_items, reconcile_terms

LISTEN = "127.0.0.1:8700"
"""Where webhooks are taken unless CROSSDOCK_LISTEN says otherwise."""


def clock() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


def secrets(environ: Mapping[str, str], root: Path) -> Callable[[Secret], str]:
    """Resolves references to secrets: out of the environment, or a file below the workspace."""

    def resolve(secret: Secret) -> str:
        if secret.env:
            try:
                return environ[secret.env]
            except KeyError:
                raise SettingsError(f"the environment has no {secret.env}, which a secret is to be read from") from None
        try:
            return (root / secret.file).read_text().strip()
        except OSError as error:
            raise SettingsError(f"the secret's file {secret.file} cannot be read: {error.strerror}") from None

    return resolve


class KeptVersions:
    """The store's versions as `workspace.apply` wants them."""

    def __init__(self, database: Database) -> None:
        self._versions = WorkspaceVersions(database)

    async def current(self) -> Version | None:
        row = await self._versions.current()
        return _version(row) if row else None

    async def get(self, number: int) -> bytes:
        return await self._versions.get(number)

    async def put(self, snapshot: bytes, who: str, note: str, digest: str) -> int:
        return await self._versions.put(snapshot, digest, who, note, clock())

    async def activate(self, number: int, replacing: int) -> None:
        if not await self._versions.activate(number, replacing):
            raise Overtaken(f"another version than {replacing} is in force by now; plan again")

    async def list(self) -> Sequence[Version]:
        return [_version(row) for row in await self._versions.list()]


def _version(row: Mapping[str, Any]) -> Version:
    return Version(
        number=row["version"],
        digest=row["digest"],
        who=row["applied_by"],
        note=row["note"],
        created_at=row["applied_at"],
        active=row.get("active", True),
    )


CAUGHT_UP = "caught-up"
"""The setting that names the version of the workspace that waiting work has been taken up with."""


class WaitingWork:
    """What waits for the workspace to know more, as `workspace.apply` takes it up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def resolve_waiting_orders(self, version: int) -> int:
        """Orders with lines that nobody understood, or without a route, are understood once more. One query a lane, not an order."""
        loaded = from_snapshot(await WorkspaceVersions(self._database).get(version), version)
        lookup = Lookup(self._database)
        by_lane: dict[int, list[str]] = {}
        for lane, key in await lookup.keys_in_trouble(CAUSES):
            by_lane.setdefault(lane, []).append(key)
        crosswalk = Crosswalk(loaded.directory)
        count = 0
        for lane, keys in by_lane.items():
            facts = resolved(await lookup.facts_of(lane, keys), crosswalk, clock())
            count += await FactLog(self._database).record(facts, clock())
        return count

    async def read_held_messages(self, version: int) -> int:
        """Held messages are put back to be read with what the workspace now knows."""
        return await MessageInbox(self._database).read_again(None)

    async def catch_up(self, version: int) -> None:
        """Takes up what waits for `version`, once a version: whoever applied it may have died before, or a worker that still knew less may have read first."""
        if await self._database.setting(CAUGHT_UP) != str(version):
            await self.resolve_waiting_orders(version)
            await self.read_held_messages(version)
            await self._database.put_setting(CAUGHT_UP, str(version))


class AgreementBook:
    """Agreements of every version of the workspace. `refresh` reads the versions it lacks; an order keeps the one it was taken under."""

    def __init__(self, versions: WorkspaceVersions) -> None:
        self._versions = versions
        self._agreements: dict[int, Mapping[str, Agreement]] = {}
        self.current: Loaded | None = None

    async def learn(self) -> None:
        """Reads the versions that it lacks, whichever is in force."""
        for number in (await self._versions.numbers()).keys() - self._agreements.keys():
            self._agreements[number] = from_snapshot(await self._versions.get(number), number).agreements

    async def refresh(self) -> bool:
        """Reads what is new; says whether another version is in force than before."""
        numbers = await self._versions.numbers()
        active = next((number for number, in_force in numbers.items() if in_force), 0)
        changed = (self.current.version if self.current else 0) != active
        for number in numbers.keys() - self._agreements.keys():
            loaded = from_snapshot(await self._versions.get(number), number)
            self._agreements[number] = loaded.agreements
            if number == active:
                self.current = loaded
        if changed and active and (self.current is None or self.current.version != active):
            self.current = from_snapshot(await self._versions.get(active), active)
        return changed

    def __call__(self, partner: str, version: int) -> Agreement | None:
        """The agreement that held, None for a partner that the version does not know. Raises VersionNotRead."""
        known = self._agreements.get(version)
        if known is None:
            raise VersionNotRead(f"version {version} of the workspace has not been read")
        return known.get(partner)


class Systems:
    """The systems of one version of the workspace, as they are on this machine."""

    def __init__(self, loaded: Loaded, environ: Mapping[str, str], root: Path) -> None:
        self.loaded = loaded
        self._root = root
        self._address = environ.get("CROSSDOCK_LISTEN") or LISTEN
        self._secrets = secrets(environ, root)
        self.webhooks = allowed_by(environ)
        self._systems = connected(loaded, environ, root)
        self.crosswalk = self._crosswalk = Crosswalk(loaded.directory)
        self._guides = Guides()

    def readers(self) -> dict[str, Reader]:
        """What reads each channel's messages."""
        x12 = X12Reader(self._crosswalk, self._guides)
        readers: dict[str, Reader] = {
            id_: x12 if system.format == "x12" else self._json_reader(system) for id_, system in self._systems.items()
        }
        readers[CHANNEL] = self.api_reader
        rules = self.owners()
        return {id_: OwnedReader(reader, rules) for id_, reader in readers.items()} if rules else readers

    @property
    def api_reader(self) -> ApiReader:
        """What reads what comes by our own API."""
        return ApiReader(self._crosswalk)

    def owners(self) -> tuple[Owner, ...]:
        """Who is of record for which state of stock."""
        stock = self.loaded.stock
        return tuple(
            Owner(
                state=State(rule.state),
                system=rule.system,
                site=rule.site,
                since=datetime.combine(rule.since, datetime_time(), UTC) if rule.since else None,
            )
            for rule in (stock.owners if stock is not None else ())
        )

    def planning(self) -> Planning:
        """How stock is given out."""
        stock = self.loaded.stock
        if stock is None:
            return FIRST_COME
        multiples = {item: each.multiple for item, each in stock.items.items() if each.multiple is not None}
        return Planning(sharing=stock.allocation, multiples=multiples, overdue_days=stock.receipts_late_days)

    def stock_terms(self) -> Terms:
        """How what messages tell of stock is written."""
        stock = self.loaded.stock
        if stock is None:
            return Terms()
        below = frozenset(stock.negative_at)
        return Terms(lambda movement: movement.site in below, timedelta(minutes=stock.grace_minutes))

    def _json_reader(self, system: System) -> Reader:
        where = f"systems.{system.id}.settings"
        spec, _ = json_spec(system.settings, where)
        maps = StockMaps(spec, self._words(system), where)
        if system.format == "csv":
            return CsvReader(maps, spec.csv)
        return JsonReader(system.id, spec.facts, spec.tells_nothing, where, maps or None)

    def _words(self, system: System) -> Words:
        """In whose words a system tells of stock: its partner's, or ours."""
        words, stock = self._crosswalk, self.loaded.stock
        partner = words.directory.partners.get(system.partner) or Partner(id=system.id, role="warehouse")
        kept = {site: said.system for site, said in stock.sites.items()} if stock is not None else {}
        warehouses = {
            site: (id_, self._systems[id_].partner if id_ in self._systems else "") for site, id_ in kept.items() if id_
        }
        return Words(words, system.id, partner, warehouses)

    def sources(self) -> list[Source]:
        """What receives. Made by one worker of a machine: a webhook's port is taken once."""
        found: list[Source] = []
        for system in self._systems.values():
            if system.connector == "folder":
                _, own = json_spec(system.settings, f"systems.{system.id}.settings")
                folder = folder_spec(own, self._root, f"systems.{system.id}.settings")
                if folder.inbound is not None:
                    found.append(FolderSource(system.id, folder))
            elif system.connector == "webhook":
                _, own = json_spec(system.settings, f"systems.{system.id}.settings")
                found.append(
                    WebhookSource(
                        system.id, webhook_spec(own, self._root, f"systems.{system.id}.settings"), self._secrets
                    )
                )
        return found

    def listener(self, sources: Sequence[Source]) -> Callable[[], Listener] | None:
        """What opens the port that the webhooks among `sources` share; None when there are none. CROSSDOCK_LISTEN is `host:port`."""
        hooks = [source for source in sources if isinstance(source, WebhookSource)]
        host, _, port = self._address.rpartition(":")

        def door() -> Listener:
            from crossdock.connectors.webhook.receiver import WebhookReceiver  # half a second, for who listens alone

            return WebhookReceiver(hooks, host.strip("[]"), int(port))

        return door if hooks else None

    def sinks(self, workers: int) -> list[tuple[Sink, Writer, Pace]]:
        """What sends, with its pace divided among `workers` processes."""
        found: list[tuple[Sink, Writer, Pace]] = []
        for system in self._systems.values():
            where = f"systems.{system.id}.settings"
            pace = shared(system.pace, workers)
            if system.connector == "folder":
                spec, own = json_spec(system.settings, where)
                folder = folder_spec(own, self._root, where)
                if folder.outbound is not None:
                    writer: Writer = (
                        X12Writer(self._crosswalk, system.id, system.partner, self._guides)
                        if system.format == "x12"
                        else JsonWriter(system.id, spec.documents, f"{where}.documents", files=True)
                    )
                    found.append((FolderSink(system.id, folder), writer, pace))
            elif system.connector == "http":
                spec, own = json_spec(system.settings, where)
                sink = HttpSink(system.id, http_spec(own, self._root, where), spec.documents, self._secrets, pace)
                found.append((sink, JsonWriter(system.id, spec.documents, f"{where}.documents"), pace))
        return found


def shared(pace: Pace, workers: int) -> Pace:
    """A worker's part of a system's pace."""
    if workers == 1:
        return pace
    rate = pace.rate_per_second / workers if pace.rate_per_second is not None else None
    return replace(
        pace, concurrency=max(1, pace.concurrency // workers), rate_per_second=rate, burst=max(1, pace.burst // workers)
    )


def make_worker(
    database: Database,
    systems: Systems,
    agreements: AgreementBook,
    workers: int,
    receives: bool,
    watching: Watching | None = None,
) -> Worker:
    """A worker with everything it needs. `receives`: whether it is the one that watches folders and listens. watching: who is told what it does."""
    watch = watching.watch(VitalSigns(database).callers_traces) if watching is not None else Watch(())
    outbox = watch.outbox(DeliveryOutbox(database))
    sources = systems.sources() if receives else []
    planning = systems.planning()
    worker = Worker(
        watch.inbox(MessageInbox(database, systems.stock_terms())),
        watch.log(FactLog(database, planning)),
        outbox,
        systems.readers(),
        sources,
        agreements,
        clock,
        systems.listener(sources),
        agreements.learn,
    )
    for sink, writer, pace in systems.sinks(workers):
        seen = watch.sink(sink)

        def make(
            settled: Callable[[], None],
            ended: Callable[[], None],
            sink: Sink = seen,
            writer: Writer = writer,
            pace: Pace = pace,
        ) -> Dispatch:
            pacing = SystemPacing(pace, random.random, time.monotonic())
            return Dispatch(sink, writer, outbox, pace, pacing, clock, time.monotonic, settled, ended)

        worker.dispatch_to(sink.system, make)
    worker.announce_to(watch.announcements(EventFeed(database)))
    webhooks, sender = watch.webhooks(WebhookStore(database)), HttpWebhookSender(systems.webhooks)
    worker.notify_by(lambda ended: Notify(webhooks, sender, clock, random.random, ended, watch.calling))
    loaded = systems.loaded
    if loaded.stock is not None:
        worker.plan_with(StockPlans(database, planning))
        items, terms = reconcile_items(loaded), reconcile_terms(loaded)
        snapshots = StockReconciliation(database)
        worker.reconcile_by(lambda: reconcile_once(snapshots, clock(), items, terms))
    if loaded.stock is not None and loaded.channels:
        units = {item.id: item.unit for item in loaded.directory.items.values()}
        worker.publish_to(ChannelFeeds(database), sellings(loaded.stock, loaded.channels, units))
    return worker
