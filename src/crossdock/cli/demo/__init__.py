"""`crossdock demo`: the whole main road on this machine, with counterparties that misbehave on purpose, and the score at the end.

Everything is real: the embedded PostgreSQL, worker processes, files and HTTP. Ends with 1 when anything was lost, doubled or wrong.
"""

import contextlib
import csv
import shutil
import socket
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.live import Live

from crossdock.cli.demo.picture import draw
from crossdock.cli.demo.scorecard import Scorecard, drawn, scorecard
from crossdock.cli.demo.stock import looking, pairs_of, reconciled, repair
from crossdock.cli.demo.view import SHOWN_FACTS, SHOWN_NEWS, Look, frame, line
from crossdock.cli.demo.words import Watch, struck
from crossdock.cli.lookup import tree_of
from crossdock.cli.session import WRONG, Json, console, fail, print_json
from crossdock.facts import Fact
from crossdock.process import process_of
from crossdock.process.order_to_cash import PROCESS as ORDER_TO_CASH
from crossdock.store.lineage import lineage
from crossdock.store.lookup import Lookup
from crossdock.testing.purchasing import words
from crossdock.testing.rig import Progress, Rig, example_workspace
from crossdock.testing.simulators.orders import UNKNOWN_ITEM
from crossdock.testing.stock_account import account_of_stock
from crossdock.testing.tallies import RetailerTally, Tally
from crossdock.testing.trading_day import LEAST_ORDERS, mischief, trading_day

PLACING_SECONDS = 16.0
LINE_SECONDS = 2.0
NEWS_SECONDS = 6.0
CONFIRM_SECONDS = 8.0
"""How long the demo's warehouse has for its confirmation: so that a lost one shows as late."""
GRACE_SECONDS, PATIENCE_SECONDS = 8.0, 4.0
"""How near to a snapshot a movement may be in it or not, and how long a message that is missing is waited for: in a workspace an hour and a day."""


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(demo)


def demo(
    orders: Annotated[int, typer.Option(help="Purchase orders, of two retailers.", min=LEAST_ORDERS)] = 60,
    seconds: Annotated[float, typer.Option(help="Give up after so long.", min=30)] = 110,
    seed: Annotated[int, typer.Option(help="What is ordered.")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="A new folder to keep the run in, to ask it more afterwards.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the live view at its busiest moment into this SVG file.")
    ] = None,
    json: Json = False,
) -> None:
    """Run the main road with misbehaving counterparties, and show the score."""
    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        fail(f"{keep} is there already and not an empty folder", 2)
    folder = keep or Path(tempfile.mkdtemp(prefix="crossdock-demo-"))
    try:
        example = example_workspace()
    except FileNotFoundError as error:
        fail(str(error))
    try:
        card = _day(folder, example, orders, seconds, seed, keep, picture, json)
    except (TimeoutError, RuntimeError) as error:
        fail(str(error))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if card.problems:
        raise typer.Exit(WRONG)


def _day(
    folder: Path,
    example: Path,
    orders: int,
    seconds: float,
    seed: int,
    keep: Path | None,
    picture: Path | None,
    json: bool,
) -> Scorecard:
    began = time.monotonic()
    if not json:
        console.print(
            f"Starting PostgreSQL, two retailers, a warehouse, an ERP, a tax service, a web shop and Crossdock in {folder}"
        )
    rig = Rig(
        folder.resolve(),
        example,
        lambda made: trading_day(made, orders, seed=seed, seconds=PLACING_SECONDS),
        clocks={"confirm_shipment_hours": CONFIRM_SECONDS / 3600},
        stock={"grace_minutes": GRACE_SECONDS / 60, "patience_hours": PATIENCE_SECONDS / 3600},
    )
    with rig:
        show = _Show(rig, orders, time.monotonic())
        with _shown(show, json):
            until = began + seconds
            rig.wait_until(lambda now: now.settled, until - time.monotonic(), look=show.look, pause_seconds=0.25)
            found = repair(rig, show.look, until - time.monotonic())
            mended = _mend(rig, orders, show.look, until)
            time.sleep(1.2)
            now = rig.wait_until(lambda now: now.settled, max(5.0, until - time.monotonic()), look=show.look)
        rig.stop_hub()
        rig.stop_counterparties()
        if picture is not None and show.best is not None:
            draw(frame(show.best), picture, "crossdock demo")
        stock = account_of_stock(rig.tally(), words(rig))
        books = rig.stock()
        unlike = stock.unlike(
            {(row.item, row.site): row.storage for row in books if row.storage},
            {(row.item, row.site): row.damaged for row in books if row.damaged},
        )
        counts = rig.ask(lambda lookup: lookup.counts(datetime.now(UTC)))
        attempts = rig.ask(lambda lookup: lookup.attempt_counts())
        rebuilt = rig.command("rebuild", "--json", check=False).json()
        differences = len(rebuilt["differences"]) + len(rebuilt["stock"])
        card = scorecard(
            rig.account(now.explained),
            stock,
            reconciled(rig, stock, found),
            unlike,
            counts,
            attempts,
            now.explained,
            struck(rig.tally()),
            differences,
            mended,
            time.monotonic() - began,
        )
        told = rig.ask(lambda lookup: _told(lookup, mischief(orders).of("short")[-1]))
    if json:
        print_json(card)
        return card
    console.print(drawn(card))
    if told:
        console.print(
            "\n[bold]The lineage of one order: picked short, the rest backordered, shipped and invoiced after[/]"
        )
        console.print(tree_of(told))
    _next(rig, keep, now, told)
    return card


class _Show:
    """What is looked at on the way, and the best look of all."""

    def __init__(self, rig: Rig, planned: int, began: float) -> None:
        self._rig = rig
        self._planned = planned
        self._began = began
        self._watch = Watch()
        self._news: deque[tuple[float, str]] = deque(maxlen=SHOWN_NEWS)
        self.best: Look | None = None
        self.show: Callable[[Look], None] = lambda look: None
        self._words = words(rig)

    def _pairs(self, tallies: Mapping[str, Tally]) -> list[tuple[str, str]]:
        """The items at sites that the view shows: as soon as it is known which are scarce and which drift, these."""
        account = account_of_stock(tallies, self._words)
        return pairs_of(account, self._rig.stock())

    def look(self, progress: Progress) -> None:
        now = time.monotonic()
        tallies = self._rig.tally()
        for each in self._watch.news(tallies):
            self._news.append((now, each))
        placed = sum(len(tally.orders) for tally in tallies.values() if isinstance(tally, RetailerTally))
        counts, facts = self._rig.ask(_asked)
        stock = self._rig.ask_books(looking(self._pairs(tallies)))
        look = Look(
            seconds=now - self._began,
            planned=self._planned,
            placed=placed,
            counts=counts,
            facts=facts,
            news=[each for moment, each in self._news if now - moment < NEWS_SECONDS],
            stock=stock,
            at=datetime.now(UTC),
            down=[name for name in ("erp", "tax", "shop") if not _answers(self._rig.environ[f"{name.upper()}_URL"])],
        )
        if self.best is None or look.interest > self.best.interest:
            self.best = look
        self.show(look)


async def _asked(lookup: Lookup) -> tuple[dict[str, Any], list[Fact]]:
    facts = [fact for fact in await lookup.latest_facts(8 * SHOWN_FACTS) if process_of(fact.key) is ORDER_TO_CASH]
    return await lookup.counts(datetime.now(UTC)), facts[:SHOWN_FACTS]


@contextlib.contextmanager
def _shown(show: _Show, quiet: bool) -> Iterator[None]:
    """Draws each look: live at a terminal, a line every other second elsewhere."""
    if quiet:
        yield
        return
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            show.show = lambda look: live.update(frame(look))
            yield
        return
    last = -LINE_SECONDS

    def plain(look: Look) -> None:
        nonlocal last
        if look.seconds - last >= LINE_SECONDS:
            last = look.seconds
            typer.echo(line(look))

    show.show = plain
    yield


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 0), 0.2):
            return True
    except OSError:
        return False


def _mend(rig: Rig, orders: int, look: Callable[[Progress], None], until: float) -> str:
    """Teaches the workspace the item that nobody knew, under which the retailer gave its price, and waits until the order has moved on."""
    acme = rig.tally()["acme"]
    strangers = mischief(orders).of("unknown_item")
    if not strangers or not isinstance(acme, RetailerTally):
        return ""
    number = strangers[0]
    price = acme.orders[number].prices["1"]
    with (rig.workspace / "prices.csv").open(newline="") as file:
        item = next(row["item"] for row in csv.DictReader(file) if row["list"] == "acme-2026" and row["price"] == price)
    with (rig.workspace / "item-references.csv").open("a") as file:
        file.write(f"acme,buyer-item,{UNKNOWN_ITEM},{item}\n")
    rig.command("apply", "--note", f"ACME calls {item} {UNKNOWN_ITEM}")
    rig.wait_until(lambda now: number in now.done, max(5.0, until - time.monotonic()), look=look)
    return f"{number} rested for its unknown item; `apply` of a cross-reference {UNKNOWN_ITEM} to {item} moved it on to its invoice"


async def _told(lookup: Lookup, number: str) -> dict[str, Any]:
    for row in await lookup.find(number, 5):
        if row["kind"] == "purchase-order":
            return await lineage(lookup, row["key"])
    return {}


def _next(rig: Rig, keep: Path | None, now: Progress, told: dict[str, Any]) -> None:
    console.print("\n[bold]Next[/]")
    if keep is None:
        console.print("  crossdock demo --keep FOLDER    keeps the run, to be asked more:")
    where = f"-w {keep / 'workspace'}" if keep else "-w FOLDER/workspace"
    some = next(iter(now.explained), "PO100001")
    key = told.get("key", "BLUE-BM200001")
    for command, said in (
        (f"trace {some}", "why this order rests; any number will do: an invoice, an SSCC, an ERP order"),
        ("owed --blocked", "what waits, and for what"),
        (f"why {key}/acknowledge", "by what an obligation was met, or why it is not"),
        ("exceptions", "what people have to decide, and what can be done"),
        ("replay 1 --preview", "what reading a message again would do: nothing, it is done"),
    ):
        console.print(f"  crossdock {command} {where}", highlight=False, soft_wrap=True)
        console.print(f"      [dim]{said}[/]", soft_wrap=True)
