"""`crossdock channels | offer`: what channels are told of our stock, how old that is, and how each figure comes about."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from crossdock.cli.session import (
    HERE,
    NOT_FOUND,
    Json,
    Limit,
    WorkspaceFolder,
    ask,
    console,
    fail,
    print_json,
    print_rows,
)
from crossdock.cli.table import words
from crossdock.flow.offering import Explained, Selling, sellings
from crossdock.store.channels import ChannelFeeds
from crossdock.store.database import Database
from crossdock.store.versions import WorkspaceVersions
from crossdock.workspace import from_snapshot


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(channels)
    app.command()(offer)


async def in_force(database: Database) -> list[Selling]:
    """The channels of the version in force."""
    row = await WorkspaceVersions(database).current()
    loaded = from_snapshot(await WorkspaceVersions(database).get(row["version"]), row["version"]) if row else None
    if loaded is None or loaded.stock is None:
        return []
    units = {item.id: item.unit for item in loaded.directory.items.values()}
    return sellings(loaded.stock, loaded.channels, units)


async def standing(database: Database, now: datetime) -> dict[str, Any]:
    """Every channel and every source, as they stand."""
    feeds, selling = ChannelFeeds(database), await in_force(database)
    rows = {row["channel"]: row for row in await feeds.now()}
    states = {(row["channel"], row["system"]): row for row in await feeds.states()}
    systems = sorted({source for each in selling for source in each.sources})
    heard = await feeds.heard(systems)
    found = []
    for each in selling:
        row = rows.get(each.channel.id, {})
        keys = list(row.get("open") or ())
        stood = await feeds.standing(keys)
        behind = [key for key, (obligation, _) in stood.items() if obligation not in ("met", "void")]
        about = {source: states[at] for source in each.sources if (at := (each.channel.id, source)) in states}
        doing = {source: state["state"] for source, state in about.items() if state["state"] != "fresh"}
        late = (now - row["offered_at"]).total_seconds() if behind and row.get("offered_at") else 0.0
        waiting = (now - row["waiting_since"]).total_seconds() if row.get("waiting_since") else 0.0
        found.append(
            {
                "channel": each.channel.id,
                "system": each.channel.system,
                "format": each.channel.format,
                "sequence": row.get("sequence", 0),
                "told_at": row.get("offered_at"),
                "full_at": row.get("full_at"),
                "told": row.get("told", 0),
                "offered": row.get("offered", 0),
                "waiting": row.get("waiting", 0),
                "undelivered": behind,
                "lag_seconds": round(max(late, waiting, 0.0), 1),
                "stale": doing,
                "stopped": any(state in ("stop", "zero") for state in doing.values()),
            }
        )
    return {"channels": found, "sources": [{"system": system, "heard_at": heard.get(system)} for system in systems]}


def channels(workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """What each channel was told of our stock, how far behind it is, and whether a silent source holds it up."""

    async def question(database: Database) -> dict[str, Any]:
        return await standing(database, datetime.now(UTC))

    found = ask(workspace, question)
    if json:
        print_json(found)
        return
    rows = [
        {
            **row,
            "undelivered": len(row["undelivered"]),
            "state": "; ".join(f"{state}: {source} is silent" for source, state in row["stale"].items()) or "fresh",
        }
        for row in found["channels"]
    ]
    columns = {
        "channel": "channel",
        "system": "to",
        "sequence": "offer",
        "told_at": "last told",
        "full_at": "last in full",
        "offered": "on offer",
        "told": "of",
        "waiting": "to tell",
        "undelivered": "under way",
        "lag_seconds": "lag (s)",
        "state": "state",
    }
    print_rows(rows, columns, nothing="No channel is told of stock.")
    if found["sources"]:
        print_rows(found["sources"], {"system": "source", "heard_at": "last heard"})


def offer(
    channel: Annotated[str, typer.Argument(help="A channel's name, as `channels` shows it.")],
    item: Annotated[str | None, typer.Argument(help="Only this item.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="How each figure comes about.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Have everything told to it anew, out of turn.")] = False,
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """What a channel is offered now, beside what it was told last."""

    async def question(database: Database) -> list[Explained] | None:
        selling = next((each for each in await in_force(database) if each.channel.id == channel), None)
        if selling is None:
            return None
        feeds = ChannelFeeds(database)
        if full:
            await feeds.want_full(channel)
        wanted = [item] if item is not None else selling.channel.items or None
        pairs = [pair for pair in await feeds.pairs(selling.sites, wanted) if selling.sells(*pair)][:limit]
        heard = await feeds.heard(selling.sources)
        now = datetime.now(UTC)
        return [selling.explain(figure, heard, now) for figure in await feeds.figures(channel, pairs)]

    found = ask(workspace, question)
    if found is None:
        fail(f"there is no channel {channel}; `crossdock channels` lists them", NOT_FOUND)
    if item is not None and not found:
        fail(f"channel {channel} is told nothing of {item}", NOT_FOUND)
    rows = [_row(each) for each in found]
    if json:
        print_json(rows)
        return
    columns = {"item": "item", "site": "site", "offered": "offered", "told": "told last", "available": "available"}
    print_rows(rows, {**columns, "limit": "limited by", "next": "more"}, nothing="Nothing is offered.")
    if explain:
        for each in found:
            console.print(f"[bold]{escape(each.figure.item)}[/] at {each.figure.site}: " + "; ".join(steps(each)))


def _row(each: Explained) -> dict[str, Any]:
    line = each.line
    return {
        "item": each.figure.item,
        "site": each.figure.site,
        "offered": None if line is None else line.quantity,
        "told": each.figure.told,
        "available": each.figure.available,
        "limit": each.offer.limit,
        "next": f"{line.next_quantity} on {line.next_on}" if line is not None and line.next_on else "",
        "source": each.source,
        "heard_at": each.heard_at,
        "state": each.state,
        "steps": steps(each),
    }


def steps(each: Explained) -> list[str]:
    """How the figure comes about, in words and in the order in which it does."""
    rule, made = each.rule, each.offer
    said = [f"{each.figure.available} available"]
    if each.state != "fresh":
        since = f"since {words(each.heard_at)}" if each.heard_at else "ever"
        said.append(f"{each.source} was not heard {since}: {each.state}")
    if made.buffer:
        said.append(
            f"{made.buffer} held back ({each.safety} safety, {rule.buffer - each.safety} buffer, {rule.buffer_percent} %)"
        )
    if rule.share_percent != 100:
        said.append(f"{rule.share_percent} % of the rest")
    if rule.cap is not None:
        said.append(f"at most {rule.cap}")
    if rule.minimum:
        said.append(f"less than {rule.minimum} is told as nothing")
    if rule.multiple != 1:
        said.append(f"in multiples of {rule.multiple}")
    line = each.line
    said.append("nothing is told" if line is None else f"{line.quantity} offered")
    if line is not None and line.next_on is not None:
        said.append(f"{line.next_quantity} more on {line.next_on}")
    return said
