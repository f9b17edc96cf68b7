"""What is told when the demo is over: the figures of the hub, and beside them the counterparties' own account of what was lost, doubled or oversold."""

from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crossdock.cli.demo.stock import Reconciled, in_words
from crossdock.testing.account import Account
from crossdock.testing.stock_account import StockAccount


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. `problems` is what must not be, one a line, out of the counterparties' account and the rebuild; empty when all is well. Of stock: movements booked, what
    was `scarce` in words, drift planted and found in words, snapshots compared, and offers: of them fulls to the shop, advised by 846."""

    seconds: float
    orders: int
    lines: int
    complete: int
    cancelled: int
    explained: dict[str, list[str]]
    facts: int
    messages_in: int
    messages_out: int
    obligations: dict[str, int]
    overdue: int
    exceptions: list[dict[str, Any]]
    deliveries: dict[str, int]
    sends: int
    look_ups: int
    found_done: int
    struck: dict[str, int]
    lost: int
    doubled: int
    oversold: int
    unlike: int
    movements: int
    scarce: list[str]
    drift_planted: int
    drift_found: list[str]
    snapshots_compared: int
    offers: int
    offers_in_full: int
    advised: int
    rebuild_differences: int
    mended: str
    problems: list[str]


def scorecard(
    account: Account,
    stock: StockAccount,
    drift: Reconciled,
    unlike: list[str],
    counts: dict[str, Any],
    attempts: list[dict[str, Any]],
    explained: dict[str, tuple[str, ...]],
    struck: dict[str, int],
    differences: int,
    mended: str,
    seconds: float,
) -> Scorecard:
    """Draws it up. `attempts` as `Lookup.attempt_counts` gives them; `unlike`: where our books say something else than the warehouse's shelves."""
    problems = [*account.problems(), *stock.problems(), *drift.problems, *unlike]
    if not stock.short:
        problems.append("there was enough of everything, so that nobody could have oversold")
    if differences:
        problems.append(f"a rebuild from the log differs from what stands in {differences} places")
    in_, out = (sum(r["count"] for r in counts["messages"] if r["direction"] == way) for way in ("in", "out"))
    return Scorecard(
        seconds=round(seconds, 1),
        orders=account.orders,
        lines=account.lines,
        complete=len(account.complete),
        cancelled=len(account.cancelled),
        explained={po: list(explained[po]) for po in account.explained},
        facts=counts["facts"]["recorded"],
        messages_in=in_,
        messages_out=out,
        obligations=counts["obligations"],
        overdue=sum(row["late"] for row in counts["owed"]),
        exceptions=[{k: row[k] for k in ("cause", "open", "ever")} for row in counts["exceptions"]],
        deliveries={
            status: sum(r["count"] for r in counts["deliveries"] if r["status"] == status)
            for status in sorted({r["status"] for r in counts["deliveries"]})
        },
        sends=sum(row["count"] for row in attempts if row["kind"] == "send"),
        look_ups=sum(row["count"] for row in attempts if row["kind"] == "look-up"),
        found_done=sum(row["count"] for row in attempts if row["kind"] == "look-up" and row["outcome"] == "accepted"),
        struck=struck,
        lost=len(account.lost),
        doubled=account.doubled_count,
        oversold=len(stock.oversold),
        unlike=len(unlike),
        movements=drift.movements,
        scarce=[in_words(each) for each in stock.short],
        drift_planted=drift.planted,
        drift_found=drift.found,
        snapshots_compared=drift.compared,
        offers=stock.offers,
        offers_in_full=stock.fulls,
        advised=stock.advised,
        rebuild_differences=differences,
        mended=mended,
        problems=problems,
    )


def drawn(card: Scorecard) -> RenderableType:
    """For people."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    met = card.obligations.get("met", 0)
    blocked = card.obligations.get("blocked", 0)
    table.add_row(
        "orders",
        f"{card.orders} with {card.lines} lines: {card.complete} complete, {card.cancelled} cancelled, {len(card.explained)} explained",
    )
    table.add_row("facts", f"{card.facts:,}, out of {card.messages_in:,} messages in and {card.messages_out:,} out")
    table.add_row("obligations", f"{met:,} met, {blocked} blocked, {card.overdue} overdue")
    causes = ", ".join(f"{row['cause']} {row['open']} open of {row['ever']}" for row in card.exceptions)
    table.add_row("exceptions", causes or "none")
    for po, why in card.explained.items():
        table.add_row("", f"{po}: {', '.join(why)}")
    accepted = card.deliveries.get("accepted", 0)
    others = "".join(f", {n} {status}" for status, n in card.deliveries.items() if status != "accepted")
    table.add_row("deliveries", f"{accepted:,} accepted{others}, in {card.sends:,} attempts")
    table.add_row(
        "looked up", f"{card.look_ups} times instead of being sent twice; {card.found_done} had been done already"
    )
    table.add_row(
        "stock",
        f"{card.movements:,} movements booked, and our books {'differ from' if card.unlike else 'say the same as'} the warehouse's shelves",
    )
    for each in card.scarce:
        table.add_row("scarce", each)
    table.add_row(
        "reconciled",
        f"drift planted {card.drift_planted}, found {len(card.drift_found)}, in {card.snapshots_compared} snapshots compared",
    )
    for each in card.drift_found:
        table.add_row("", f"{each}; repaired")
    table.add_row(
        "channels",
        f"the shop was told {card.offers} times ({card.offers_in_full} in full, {card.offers - card.offers_in_full} deltas), ACME by {card.advised} 846s",
    )
    if card.mended:
        table.add_row("mended", card.mended)
    table.add_row("rebuilt", f"all state folded anew from the log: {card.rebuild_differences} differences")
    for what, times in card.struck.items():
        table.add_row("done to us", f"{what}{f' ({times} times)' if times > 1 else ''}")
    style = "bold red" if card.problems else "bold green"
    verdict = Text(f"lost {card.lost}, doubled {card.doubled}, oversold {card.oversold}", style=style)
    wrong = [Text(f"  {each}", style="red") for each in card.problems]
    return Group(Text("Scorecard", style="bold"), table, Text(), verdict, *wrong)
