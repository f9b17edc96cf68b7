"""The whole road on one machine: a workspace in a folder of its own, counterparties, the embedded PostgreSQL and `crossdock run`, all as real processes.

The demo, the tests of roads and the kill bench drive the same rig. It leaves nothing running, whatever happened in between. It asks the hub
only through its command line and its read models; what is right is asked of the counterparties (`account`).
"""

import asyncio
import base64
import contextlib
import csv
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec
import psutil

from crossdock.ports.stock import Stock
from crossdock.store.database import UNREACHABLE, Database, connect
from crossdock.store.embedded import Embedded
from crossdock.store.lookup import Lookup
from crossdock.store.stock import StockBooks
from crossdock.testing.account import Account, reconcile
from crossdock.testing.configs import CatalogueItem, Config, Retailer
from crossdock.testing.running import Running, start
from crossdock.testing.tables import Tables
from crossdock.testing.tallies import RetailerTally, Tally
from crossdock.workspace.examples import example_workspace as example_workspace

T = TypeVar("T")

STOP_SECONDS = 60.0
START_SECONDS = 240.0
"""How long workers may take to start and the first goods to arrive: a loaded machine is no failure."""
PATIENCE_SECONDS = 30.0
"""How long a question waits for a database that was killed and recovers."""

DONE = frozenset(("complete", "cancelled"))
_US = (sys.executable, "-m", "crossdock")

PASSING = frozenset(("overdue",))
"""Causes that go by themselves when what is late comes: they explain no order at rest."""


class Result(msgspec.Struct, frozen=True):
    """What a command of ours printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its output as JSON. Raises ValueError with the output when it is none."""
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise ValueError(f"not JSON: {self.out[:500]!r}; {self.err[-500:]}") from error


class Progress(msgspec.Struct, frozen=True):
    """Where the run stands: purchase orders placed, those that the hub has brought to an end, and those that rest in an open exception that only a
    person or the workspace can close (by purchase order, the causes). `still`: nothing is ahead of the fold, queued, under way or waited for."""

    placed: frozenset[str]
    done: frozenset[str]
    explained: dict[str, tuple[str, ...]]
    placing: bool
    still: bool

    @property
    def settled(self) -> bool:
        """Every order has come to an end or is explained, and nothing moves."""
        return self.still and not self.placing and self.placed <= self.done | self.explained.keys()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A line of what was bought: a row of purchasing's CSV, in our own words. due: ISO."""

    number: str
    site: str
    item: str
    quantity: int
    due: str
    supplier: str = "IMPORT"


class Rig:
    """One run. Use it as a context manager: entering starts everything, leaving stops it.

    `folder` is new or empty, and everything is kept there: `workspace/`, `tallies/`, `hub.log`. `clocks` replaces clocks in the copied
    crossdock.toml's [defaults.clocks], `stock` keys of its [stock], so that a test need not wait for hours. The counterparties' mailboxes, ports, secrets and
    addresses are the rig's to set. What `deliver` announced is in the books before the first order is placed.
    """

    def __init__(
        self,
        folder: Path,
        example: Path,
        counterparties: Callable[["Rig"], Iterable[Config]],
        *,
        workers: int = 2,
        clocks: Mapping[str, float] | None = None,
        stock: Mapping[str, float] | None = None,
    ) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workers = workers
        self._urls: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        # The embedded server runs as another user where we are root, and must be able to reach its folder.
        folder.chmod(0o755)
        (folder / "tallies").mkdir()
        shutil.copytree(example, self.workspace, ignore=shutil.ignore_patterns(".crossdock", "mailboxes"))
        self.tables = Tables(self.workspace)
        self._set("[defaults.clocks]", clocks or {})
        self._set("[stock]", stock or {})
        self._opening: dict[tuple[str, str], int] = {}
        self.erp_token, self.tax_key = secrets.token_hex(8), secrets.token_hex(8)
        self.shop_token = secrets.token_hex(8)
        self.webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.port = _free_port()
        self.configs = list(counterparties(self))
        self._undo = contextlib.ExitStack()
        self._runner: asyncio.Runner | None = None
        self._database: Database | None = None
        self._embedded: Embedded | None = None
        self._counterparties: list[Running] = []
        self._hub: subprocess.Popen[bytes] | None = None
        self._final: dict[str, Tally] = {}

    # --- What the counterparties of this workspace are ---

    def mailbox(self, name: str) -> Path:
        """Where a folder system of the workspace meets its counterparty."""
        return self.workspace / "mailboxes" / name

    def tally_file(self, name: str) -> Path:
        """Where a counterparty keeps its account."""
        return self.folder / "tallies" / f"{name}.json"

    def catalogue(self, partner: str, price_list: str, unit: str = "EA") -> tuple[CatalogueItem, ...]:
        """What `partner` can buy, in its own words."""
        return self.tables.catalogue(partner, price_list, unit)

    def deliver(self, opening: Sequence[Delivery], later: Sequence[Delivery] = ()) -> None:
        """Announces what was bought, as purchasing does: a CSV file in its folder. Retailers begin when what is in `opening` has been received."""
        self._opening |= {(each.item, each.site): each.quantity for each in opening}
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("po", "line", "site", "due", "item", "quantity", "supplier"))
        lines: dict[str, int] = {}
        for each in (*opening, *later):
            lines[each.number] = lines.get(each.number, 0) + 1
            rows.writerow(
                (each.number, lines[each.number], each.site, each.due, each.item, each.quantity, each.supplier)
            )
        folder = self.mailbox("purchasing") / "to-us"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".bought.csv.part").write_text(text.getvalue(), encoding="utf-8")
        (folder / ".bought.csv.part").rename(folder / "bought.csv")

    def _set(self, table: str, values: Mapping[str, float]) -> None:
        file = self.workspace / "crossdock.toml"
        kept, inside = [], False
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                inside = line.strip() == table
            if not (inside and line.split("=")[0].strip() in values):
                kept.append(line)
            if line.strip() == table:
                kept.extend(f"{name} = {value!r}" for name, value in values.items())
        file.write_text("\n".join(kept) + "\n", encoding="utf-8")

    @property
    def webhook_url(self) -> str:
        """Where the ERP announces its events."""
        return f"http://127.0.0.1:{self.port}/hooks/erp-events"

    # --- Starting and stopping ---

    def __enter__(self) -> "Rig":
        with contextlib.ExitStack() as undo:
            undo.callback(self._close)
            self._counterparties.append(start([each for each in self.configs if not isinstance(each, Retailer)]))
            # Held by us too, so that commands find it running and the hub's stop does not stop it.
            self._embedded = Embedded(self.workspace / ".crossdock")
            self._runner = asyncio.Runner()
            self.command("apply", "--who", "rig")
            self.start_hub()
            self._await_hub()
            self._await_goods()
            # The day begins when the shops open, not while we are starting.
            self._counterparties.append(start([each for each in self.configs if isinstance(each, Retailer)]))
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    def start_hub(self) -> None:
        """Starts `crossdock run`."""
        log = (self.folder / "hub.log").open("ab")
        with log:
            self._hub = subprocess.Popen(
                [*_US, "run", "--workers", str(self.workers), "-w", str(self.workspace), "--no-serve"],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await_hub(self) -> None:
        """Until a worker has reported. Raises RuntimeError when the hub has died, TimeoutError when none reports."""
        until = time.monotonic() + START_SECONDS
        while not self.ask(lambda lookup: lookup.counts(datetime.now(UTC)))["systems"]:
            self.check_alive()
            if time.monotonic() > until:
                raise TimeoutError(f"no worker has reported: {self.hub_log()[-2000:]}")
            time.sleep(0.1)

    def _await_goods(self) -> None:
        """Until what was delivered first is in the books. Raises RuntimeError when somebody has died, TimeoutError when it does not come."""
        until = time.monotonic() + START_SECONDS
        while not self._opening.keys() <= {(row.item, row.site) for row in self.stock() if row.storage > 0}:
            self.check_alive()
            if time.monotonic() > until:
                raise TimeoutError(f"what was bought is not in the books: {self.hub_log()[-2000:]}")
            time.sleep(0.1)

    def stock(self) -> list[Stock]:
        """The books of stock as they stand, by item and site."""
        return self.ask_books(lambda database: StockBooks(database).listed(limit=100_000))

    def stop_hub(self) -> None:
        """Asks it to stop and waits; kills it and its workers when it does not. Doing it again is harmless."""
        if self._hub is None:
            return
        children = self._workers()
        if self._hub.poll() is None:
            self._hub.send_signal(signal.SIGTERM)
        try:
            self._hub.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._hub.kill()
            self._hub.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._hub = None

    def stop_counterparties(self) -> dict[str, Tally]:
        """Stops them; their final tallies, which `tally` gives from then on."""
        running, self._counterparties = self._counterparties, []
        for each in running:
            each.stop()
        for each in running:
            self._final |= each.tally()
        return self._final

    def _close(self) -> None:
        with contextlib.ExitStack() as all_of:
            if self._embedded is not None:
                all_of.callback(self._embedded.stop)
            if self._runner is not None:
                all_of.callback(self._runner.close)
                if self._database is not None:
                    database, self._database = self._database, None
                    all_of.callback(lambda: self._runner.run(database.close()) if self._runner else None)
            all_of.callback(self.stop_counterparties)
            all_of.callback(self.stop_hub)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of our commands: where the systems are, and their secrets."""
        told = {
            "ERP_TOKEN": self.erp_token,
            "TAX_API_KEY": self.tax_key,
            "ERP_WEBHOOK_SECRET": self.webhook_secret,
            "SHOP_TOKEN": self.shop_token,
            "CROSSDOCK_LISTEN": f"127.0.0.1:{self.port}",
            "CROSSDOCK_WORKSPACE": str(self.workspace),
        }
        for running in self._counterparties:
            self._urls |= {f"{name.upper()}_URL": running.url(name) for name in running.ports}
        inherited = {name: value for name, value in os.environ.items() if name != "CROSSDOCK_DATABASE_URL"}
        return {**inherited, **told, **self._urls}

    # --- Asking ---

    def command(self, *arguments: str, check: bool = True) -> Result:
        """Runs `crossdock ARGUMENTS` on the workspace. Raises RuntimeError with what it said when it ends with another code than 0 and `check`."""
        done = subprocess.run(
            [*_US, *arguments], env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if check and done.returncode:
            raise RuntimeError(
                f"crossdock {' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return Result(done.returncode, done.stdout, done.stderr)

    def ask(self, question: Callable[[Lookup], Coroutine[Any, Any, T]]) -> T:
        """The answer of the read models; waits for a database that is just recovering."""
        return self.ask_books(lambda database: question(Lookup(database)))

    def ask_books(self, question: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        """The answer of whatever of the store; waits for a database that is just recovering."""
        assert self._runner is not None, "the rig has not been started"
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._runner.run(self._asked(question))
            except UNREACHABLE:
                if time.monotonic() > until:
                    raise
                time.sleep(0.3)

    async def _asked(self, question: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        assert self._embedded is not None
        if self._database is None:
            self._database = await connect(self._embedded.url, 2)
        return await question(self._database)

    def tally(self) -> dict[str, Tally]:
        """What the counterparties have seen and done, by name."""
        found = dict(self._final)
        for running in self._counterparties:
            found |= running.tally()
        return found

    def account(self, explained: Iterable[str] = ()) -> Account:
        """The counterparties' account, held against each other."""
        return reconcile(self.tally(), tuple(explained))

    def progress(self) -> Progress:
        """Where the run stands, by the hub's read models and the retailers' tallies."""
        shops = [tally for tally in self.tally().values() if isinstance(tally, RetailerTally)]
        planned = sum(config.orders for config in self.configs if isinstance(config, Retailer))
        placed = frozenset(po for shop in shops for po in shop.orders)

        async def question(lookup: Lookup) -> tuple[list[Any], list[Any], dict[str, Any]]:
            troubles = await lookup.exceptions(limit=100_000)
            return await lookup.summaries("order_to_cash"), troubles, await lookup.counts(datetime.now(UTC))

        orders, troubles, counts = self.ask(question)
        numbers = {row["key"]: row["summary"].get("purchase_order", "") for row in orders}
        done = {numbers[row["key"]] for row in orders if row["milestone"] in DONE}
        explained: dict[str, tuple[str, ...]] = {}
        for row in troubles:
            if row["cause"] not in PASSING and (po := numbers.get(row["key"])) and po not in done:
                explained[po] = (*explained.get(po, ()), row["cause"])
        moving = counts["facts"]["ahead"] + sum(
            row["count"] for row in counts["deliveries"] if row["status"] in ("queued", "sending", "unknown")
        )
        moving += sum(row["count"] for row in counts["owed"] if row["status"] in ("ready", "waiting"))
        moving += sum(row["count"] for row in counts["messages"] if row["status"] == "stored")
        placing = len(placed) < planned or not all(shop.done for shop in shops)
        return Progress(placed, frozenset(done - {""}), explained, placing, not moving)

    def wait_until(
        self,
        holds: Callable[[Progress], bool],
        seconds: float,
        *,
        look: Callable[[Progress], None] | None = None,
        pause_seconds: float = 0.5,
    ) -> Progress:
        """Waits until `holds`; `look` sees each look on the way. Raises TimeoutError with where it stands, and RuntimeError when the hub or a counterparty has died."""
        until = time.monotonic() + seconds
        while True:
            self.check_alive()
            now = self.progress()
            if look is not None:
                look(now)
            if holds(now):
                return now
            if time.monotonic() > until:
                missing = sorted(now.placed - now.done - now.explained.keys())
                raise TimeoutError(
                    f"after {seconds:g} s {len(now.done)} of {len(now.placed)} orders are done, {len(now.explained)} explained; "
                    f"not: {', '.join(missing[:10])}; still: {now.still}; {self.hub_log()[-1500:]}"
                )
            time.sleep(pause_seconds)

    def settle(self, seconds: float) -> Progress:
        """Waits until every order has come to an end or is explained and nothing moves, twice in a row."""
        for _ in range(2):
            found = self.wait_until(lambda now: now.settled, seconds)
            time.sleep(1.0)
        return found

    def check_alive(self) -> None:
        """Raises RuntimeError when the hub or a counterparty is not running any more."""
        if self._hub is not None and self._hub.poll() is not None:
            raise RuntimeError(f"`crossdock run` ended with {self._hub.returncode}: {self.hub_log()[-2000:]}")
        if dead := {name: said for running in self._counterparties for name, said in running.dead().items()}:
            raise RuntimeError(f"counterparties have died: {dead}")

    def hub_log(self) -> str:
        """What `crossdock run` and its workers have said."""
        file = self.folder / "hub.log"
        return file.read_text(errors="replace") if file.exists() else ""

    # --- Killing ---

    def kill_worker(self, nth: int = 0) -> int:
        """kill -9 of a worker process; the supervisor starts another one. Its process id, or 0 when none runs just now."""
        workers = self._workers()
        if not workers:
            return 0
        victim = workers[nth % len(workers)]
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
        return int(victim.pid)

    def kill_postgres(self) -> int:
        """kill -9 of PostgreSQL's postmaster; the supervisor starts it again. Its process id, or 0 when it does not run just now."""
        assert self._embedded is not None
        try:
            pid = self._embedded.pid
            psutil.Process(pid).kill()
        except (OSError, ValueError, psutil.NoSuchProcess):
            return 0
        return pid

    def _workers(self) -> list[psutil.Process]:
        if self._hub is None or self._hub.poll() is not None:
            return []
        try:
            children = psutil.Process(self._hub.pid).children(recursive=True)
            return [child for child in children if "worker" in child.cmdline()]
        except psutil.NoSuchProcess:
            return []


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
