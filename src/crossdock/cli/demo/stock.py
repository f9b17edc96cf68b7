"""Stock in the demo: one look at the books for the live view, the planted drift found and repaired, and what is told of it at the end."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossdock.cli.channels import standing
from crossdock.ports.stock import Stock
from crossdock.process.variance import variance_key
from crossdock.store.database import Database
from crossdock.store.lookup import Lookup
from crossdock.store.reconcile import StockReconciliation
from crossdock.store.stock import StockBooks
from crossdock.testing.purchasing import words
from crossdock.testing.rig import Progress, Rig
from crossdock.testing.stock_account import Planted, Short, StockAccount, account_of_stock

WAREHOUSE = "quick3pl"
SHOWN = 4

Pair = tuple[str, str]


class StockLook(msgspec.Struct, frozen=True):
    """One look at the books: some rows of them, when the warehouse was heard, what channels are told, and what differs."""

    rows: list[Stock]
    heard_at: datetime | None
    channels: list[dict[str, Any]]
    variances: list[dict[str, Any]]

    @property
    def open(self) -> list[dict[str, Any]]:
        """The differences that are drift."""
        return [row for row in self.variances if row["status"] == "open"]


def looking(pairs: Sequence[Pair]) -> Callable[[Database], Any]:
    """The question that gives a `StockLook` of these items at sites."""

    async def question(database: Database) -> StockLook:
        shown = set(pairs)
        rows = [row for row in await StockBooks(database).listed(limit=1000) if (row.item, row.site) in shown]
        told = await standing(database, datetime.now(UTC))
        heard = next((row["heard_at"] for row in told["sources"] if row["system"] == WAREHOUSE), None)
        variances = await StockReconciliation(database).variances(WAREHOUSE, ["open", "timing"], limit=100)
        return StockLook(
            sorted(rows, key=lambda row: pairs.index((row.item, row.site))), heard, told["channels"], variances
        )

    return question


def panel(look: StockLook, now: datetime) -> Panel:
    """The stock of the live view."""
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    for heading in ("stock", "at", "on hand", "promised", "available"):
        table.add_column(heading, justify="left" if heading in ("stock", "at") else "right", no_wrap=True)
    for row in look.rows[:SHOWN]:
        scarce = row.available <= 0 < row.reserved
        figures = (f"{each.normalize():f}" for each in (row.on_hand, row.reserved, row.available))
        table.add_row(row.item, row.site, *figures, style="yellow" if scarce else "")
    board = Table.grid(expand=True)
    board.add_row(table)
    board.add_row(freshness(look, now))
    board.add_row(drift(look))
    return Panel(board, title="stock", title_align="left", height=9)


def freshness(look: StockLook, now: datetime) -> Text:
    """When the warehouse was heard, and how far channels were told."""
    ago = "never heard" if look.heard_at is None else f"heard {(now - look.heard_at).total_seconds():.0f} s ago"
    told = ", ".join(f"{row['channel']} offer {row['sequence']}" for row in look.channels)
    return Text(f"{WAREHOUSE} {ago}; {told or 'no channel is told'}", style="dim", overflow="ellipsis", no_wrap=True)


def drift(look: StockLook) -> Text:
    """What differs from the warehouse's word, in a line."""
    if not look.open:
        waits = sum(row["status"] == "timing" for row in look.variances)
        return Text(f"no drift; {waits} differences in flight or awaited" if waits else "no drift", style="dim")
    row = look.open[0]
    text = f"drift: {row['item']} at {row['site']} {Decimal(row['quantity']).normalize():+f}, {row['cause']}"
    more = f" and {len(look.open) - 1} more" if len(look.open) > 1 else ""
    return Text(text + more, style="red", overflow="ellipsis", no_wrap=True)


# --- the drift that was planted ---


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What reconciliation came to: so many planted, what was found of it in words, what was raised that nobody planted, so many snapshots compared and movements booked."""

    planted: int
    found: list[str]
    strange: list[str]
    compared: int
    movements: int
    problems: list[str]


def pairs_of(account: StockAccount, rows: Sequence[Stock]) -> list[Pair]:
    """What the live view shows: what is scarce, what drifts, and what is least of."""
    chosen = [
        *((each.item, each.site) for each in account.short),
        *((each.item, each.site) for each in account.planted),
    ]
    others = sorted(rows, key=lambda row: (row.available, row.item, row.site))
    return list(dict.fromkeys([*chosen, *((row.item, row.site) for row in others)]))[:SHOWN]


def repair(rig: Rig, look: Callable[[Progress], None], seconds: float) -> dict[str, str]:
    """Waits until each planted drift is told with its cause, and repairs it as a person would who has seen that; gives what was said of each, by its key. What was not
    told in `seconds` is left out."""
    planted = {_key(each): each for each in account_of_stock(rig.tally(), words(rig)).planted}
    rows: dict[str, dict[str, Any]] = {}

    def told(_: Progress) -> bool:
        rows.update({row["key"]: row for row in rig.ask_books(_variances) if row["status"] == "open"})
        return all(_is(rows.get(key), each) for key, each in planted.items())

    with contextlib.suppress(TimeoutError):
        rig.wait_until(told, seconds, look=look)
    found = {key: _in_words(rows[key]) for key, each in planted.items() if _is(rows.get(key), each)}
    for key in found:
        cause = planted[key].cause
        rig.command("reconcile", "repair", key, "--reason", f"{cause}: they counted, we never heard", "--who", "demo")
    return found


async def _variances(database: Database) -> list[dict[str, Any]]:
    return await StockReconciliation(database).variances(WAREHOUSE)


def _key(planted: Planted) -> str:
    return variance_key(WAREHOUSE, planted.item, planted.site, "storage")


def _is(row: dict[str, Any] | None, planted: Planted) -> bool:
    return row is not None and (Decimal(row["quantity"]), row["cause"]) == (planted.quantity, planted.cause)


def reconciled(rig: Rig, account: StockAccount, found: dict[str, str]) -> Reconciled:
    """What came of what was planted: `found` as `repair` gave it. Asked when everything rests."""

    async def question(database: Database) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
        raised = await Lookup(database).summaries("variance")
        runs = await StockReconciliation(database).runs(WAREHOUSE, 100_000)
        return raised, runs, await StockBooks(database).movements()

    raised, runs, movements = rig.ask_books(question)
    keys = {_key(each): each for each in account.planted}
    lost = [f"the drift of {each.item} at {each.site} was not found" for key, each in keys.items() if key not in found]
    strange = [row["key"] for row in raised if row["key"] not in keys]
    open_ = [row["key"] for row in raised if row["milestone"] == "open" and row["key"] in found]
    return Reconciled(
        planted=len(keys),
        found=list(found.values()),
        strange=strange,
        compared=sum(not row["note"] for row in runs),
        movements=movements,
        problems=[
            *lost,
            *(f"a drift was raised that nobody planted: {key}" for key in strange),
            *(f"repaired, and still open: {key}" for key in open_),
        ],
    )


def _in_words(row: dict[str, Any]) -> str:
    evidence = f" ({', '.join(row['evidence'])})" if row["evidence"] else ""
    there = f"{abs(Decimal(row['quantity'])).normalize():f} {'more' if Decimal(row['quantity']) > 0 else 'fewer'}"
    return f"{row['item']} at {row['site']}: {there} there than here; {row['cause']}: {row['detail']}{evidence}"


def in_words(short: Short) -> str:
    """What became of the item of which there was too little."""
    n = {name: f"{getattr(short, name).normalize():f}" for name in ("wanted", "there", "promised", "late")}
    lacking = f"{(short.wanted - short.promised).normalize():f}"
    return (
        f"{short.item} at {short.site}: {n['wanted']} wanted, {n['there']} there; {n['promised']} promised, {lacking} cut or backordered by 855; "
        f"{n['late']} came later, {short.promised_in_the_end.normalize():f} promised in the end"
    )
