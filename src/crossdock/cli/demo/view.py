"""The live view: one look at the run, as something that Rich can draw, or as one plain line."""

from datetime import datetime
from typing import Any

import msgspec
from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossdock.cli.demo.stock import StockLook, drift, panel
from crossdock.cli.demo.words import told
from crossdock.facts import Fact
from crossdock.process.order_to_cash import MILESTONES

SHOWN_FACTS = 8
SHOWN_NEWS = 6
BACKLOG = ("queued", "sending", "unknown")
CIRCUIT = {"closed": "green", "half-open": "yellow", "open": "red"}
STAGE = {"complete": "green", "cancelled": "dim", "received": "cyan"}


class Look(msgspec.Struct, frozen=True):
    """One look at a run: `counts` as `Lookup.counts` gives them, the last facts, what the counterparties do wrong, and the books of stock `at` that moment. down: who does
    not answer now."""

    seconds: float
    planned: int
    placed: int
    counts: dict[str, Any]
    facts: list[Fact]
    news: list[str]
    down: list[str]
    stock: StockLook | None = None
    at: datetime | None = None

    @property
    def milestones(self) -> dict[str, int]:
        """Orders by milestone."""
        return {r["milestone"]: r["count"] for r in self.counts["processes"] if r["process"] == "order_to_cash"}

    @property
    def late(self) -> int:
        """Obligations whose clock has run out."""
        return sum(row["late"] for row in self.counts["owed"])

    def backlog(self, system: str = "") -> int:
        """Deliveries that are to be made, to one system or to all."""
        rows = self.counts["deliveries"]
        return sum(r["count"] for r in rows if r["status"] in BACKLOG and system in ("", r["system"]))

    @property
    def interest(self) -> int:
        """How much there is to see: the picture is taken where this is greatest."""
        return (
            self.backlog() + 200 * len(self.down) + 25 * bool(self.late) + 5 * len(self.news) + 3 * len(self.milestones)
        )


def frame(look: Look) -> RenderableType:
    """The whole view."""
    left = [_orders(look)] if look.stock is None or look.at is None else [_orders(look), panel(look.stock, look.at)]
    board = _beside(Group(*left), Group(_owed(look), _deliveries(look)))
    facts = look.counts["facts"]
    title = (
        f"Crossdock  {look.placed} of {look.planned} orders placed  {facts['recorded']:,} facts  {look.seconds:.0f} s"
    )
    return Group(Text(title, style="bold"), board, _ticker(look), _beside(_mischief(look), _exceptions(look)))


def _beside(left: RenderableType, right: RenderableType) -> Table:
    board = Table.grid(expand=True, padding=(0, 1))
    board.add_column(ratio=1)
    board.add_column(ratio=1)
    board.add_row(left, right)
    return board


def line(look: Look) -> str:
    """The same in one plain line, for logs."""
    stages = ", ".join(f"{n} {name}" for name in MILESTONES if (n := look.milestones.get(name)))
    open_ = sum(row["open"] for row in look.counts["exceptions"])
    parts = [
        f"{look.seconds:5.1f} s",
        f"{look.placed} placed",
        stages or "none received",
        f"{look.backlog()} to deliver",
    ]
    parts += [f"{look.late} late", f"{open_} exceptions"]
    if look.stock is not None and look.stock.open:
        parts.append(drift(look.stock).plain)
    return "; ".join([*parts, *(f"{name} is down" for name in look.down)])


def _orders(look: Look) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(ratio=1)
    for name in MILESTONES:
        count = look.milestones.get(name, 0)
        colour = STAGE.get(name, "blue")
        table.add_row(
            name, str(count or ""), Bar(max(look.planned, 1), 0, count, color=colour if colour != "dim" else "white")
        )
    return Panel(table, title="orders", title_align="left")


def _owed(look: Look) -> Panel:
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    for heading in ("owed", "by", "blocked", "open", "late"):
        table.add_column(heading, justify="left" if heading in ("owed", "by") else "right", no_wrap=True)
    owed: dict[tuple[str, str], list[int]] = {}
    for row in look.counts["owed"]:
        kept = owed.setdefault((row["kind"], row["debtor"]), [0, 0, 0])
        kept[0 if row["status"] == "blocked" else 1] += row["count"]
        kept[2] += row["late"]
    rows = sorted(owed.items(), key=lambda each: (-each[1][2], -sum(each[1][:2]), each[0]))
    for (kind, debtor), (blocked, open_, late) in rows[:9]:
        table.add_row(kind, debtor, *(str(n or "") for n in (blocked, open_, late)), style="red" if late else "")
    return Panel(table, title="what is owed", title_align="left", height=12)


def _deliveries(look: Look) -> Panel:
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    for heading in ("system", "circuit", "backlog", "done"):
        table.add_column(heading, justify="left" if heading in ("system", "circuit") else "right", no_wrap=True)
    circuits = {row["system"]: row["breaker"] for row in look.counts["systems"]}
    done = {row["system"]: row["count"] for row in look.counts["deliveries"] if row["status"] == "accepted"}
    for system in sorted(circuits.keys() | done.keys()):
        circuit = circuits.get(system, "")
        backlog = look.backlog(system)
        table.add_row(
            Text(system, style="red" if system in look.down else ""),
            Text(circuit, style=CIRCUIT.get(circuit, "")),
            Text(str(backlog or ""), style="yellow" if backlog else ""),
            str(done.get(system, "")),
        )
    return Panel(table, title="deliveries", title_align="left", height=9)


def _exceptions(look: Look) -> Panel:
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim")
    for heading in ("exceptions", "open", "ever"):
        table.add_column(heading, justify="left" if heading == "exceptions" else "right", no_wrap=True)
    for row in look.counts["exceptions"][:5]:
        table.add_row(row["cause"], str(row["open"] or ""), str(row["ever"]), style="" if row["open"] else "dim")
    return Panel(table, title="exceptions", title_align="left", height=8)


def _ticker(look: Look) -> Panel:
    rows = [
        Text.assemble(
            (f"{fact.recorded_at or fact.occurred_at:%H:%M:%S} ", "dim"),
            (f"{fact.key} ", "bold"),
            told(fact),
            overflow="ellipsis",
            no_wrap=True,
        )
        for fact in look.facts[:SHOWN_FACTS]
    ]
    return Panel(Group(*rows), title="what happened last", title_align="left", height=SHOWN_FACTS + 2)


def _mischief(look: Look) -> Panel:
    rows: list[Text] = [Text(f"{name} is down", style="bold red") for name in look.down]
    rows += [Text(each, style="yellow", overflow="ellipsis", no_wrap=True) for each in reversed(look.news)]
    if not rows:
        rows = [Text("nothing just now", style="dim")]
    return Panel(
        Group(*rows[:SHOWN_NEWS]), title="what goes wrong on purpose", title_align="left", height=SHOWN_NEWS + 2
    )
