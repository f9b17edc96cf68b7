"""What is told when the demo is over: the figures of the hub, and beside them the counterparties' own account of what was lost or doubled."""

from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crossdock.testing.account import Account


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """The figures. `problems` is what must not be, one a line, out of the counterparties' account and the rebuild; empty when all is well."""

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
    rebuild_differences: int
    mended: str
    problems: list[str]


def scorecard(
    account: Account,
    counts: dict[str, Any],
    attempts: list[dict[str, Any]],
    explained: dict[str, tuple[str, ...]],
    struck: dict[str, int],
    differences: int,
    mended: str,
    seconds: float,
) -> Scorecard:
    """Draws it up. `attempts` as `Lookup.attempt_counts` gives them."""
    problems = account.problems()
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
    if card.mended:
        table.add_row("mended", card.mended)
    table.add_row("rebuilt", f"all state folded anew from the log: {card.rebuild_differences} differences")
    for what, times in card.struck.items():
        table.add_row("done to us", f"{what}{f' ({times} times)' if times > 1 else ''}")
    style = "bold red" if card.problems else "bold green"
    verdict = Text(f"lost {card.lost}, doubled {card.doubled}", style=style)
    wrong = [Text(f"  {each}", style="red") for each in card.problems]
    return Group(Text("Scorecard", style="bold"), table, Text(), verdict, *wrong)
