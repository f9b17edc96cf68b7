"""`crossdock retry | replay | rebuild | decide`: doing again what is safe to do again, and proving that the books are right."""

import asyncio
import getpass
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress

from crossdock.cli.session import (
    HERE,
    NOT_FOUND,
    WRONG,
    Json,
    WorkspaceFolder,
    ask,
    console,
    database_of,
    fail,
    print_json,
)
from crossdock.facts import Fact
from crossdock.facts.codec import type_of
from crossdock.facts.order import EffectRetried, ExceptionDecided, PriceApproved
from crossdock.flow.rebuild import Difference, compare, evolve_all, mend_lane
from crossdock.flow.replay import Preview, preview
from crossdock.ports.log import Stored
from crossdock.ports.stock import Unequal
from crossdock.store.audit import audit
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox, message_of
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup
from crossdock.store.outbox import DeliveryOutbox
from crossdock.store.stock import StockBooks
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook, Systems

Who = Annotated[str, typer.Option(help="Who does it; kept with the fact. By default who is logged in.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(retry)
    app.command()(replay)
    app.command()(rebuild)
    app.command()(decide)


def retry(
    what: Annotated[list[str] | None, typer.Argument(help="Obligations, or numbers of held messages.")] = None,
    system: Annotated[str | None, typer.Option(help="All dead letters to this system.")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Send dead letters again without looking up whether they were done after all."),
    ] = False,
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """Try again what was given up (dead letters), what was refused, and messages that are held.

    A dead letter of which nobody knows whether it was done is looked up first where the connection can, and sent only when it is not there.
    """
    if not what and not system:
        fail("say what: obligations, message numbers, or --system", 2)

    async def work(database: Database) -> dict[str, Any]:
        lookup, now = Lookup(database), datetime.now(UTC)
        ids = [each for each in what or [] if not each.isdigit()]
        messages = [int(each) for each in what or [] if each.isdigit()]
        outbox = DeliveryOutbox(database)
        queued = await outbox.retry_dead(ids or None, system, now, force) if ids or system else []
        facts = []
        for id_ in ids:
            owed = await lookup.obligation(id_)
            if owed and owed["status"] == "refused":
                made = (await outbox.rounds({id_: owed["key"]})).get(id_)
                told = EffectRetried(
                    obligation=id_, who=who or getpass.getuser(), round=0 if made is None else made + 1
                )
                facts.append(
                    Fact(
                        key=owed["key"],
                        data=told,
                        source="crossdock",
                        source_id=f"{id_}/retried/{now.isoformat()}",
                        occurred_at=now,
                    )
                )
        told_count = await FactLog(database).record(facts, now)
        return {
            "queued": queued,
            "retried": told_count,
            "messages": await MessageInbox(database).read_again(messages) if messages else 0,
        }

    done = ask(workspace, work)
    if json:
        print_json(done)
    else:
        console.print(
            f"{len(done['queued'])} dead letters taken up again, {done['retried']} refusals tried again, {done['messages']} messages to be read again"
        )
    if not (done["queued"] or done["retried"] or done["messages"]):
        raise typer.Exit(NOT_FOUND)


def decide(
    exception: Annotated[str, typer.Argument(help="An exception's id, as `exceptions` shows it.")],
    accept: Annotated[
        bool,
        typer.Option("--accept/--decline", help="What was decided; `exceptions` says what it means for each cause."),
    ] = True,
    reason: Annotated[str, typer.Option(help="Why; kept with the fact.")] = "",
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """Decide on an exception that only a person can close."""

    async def work(database: Database) -> str | None:
        rows = [row for row in await Lookup(database).exceptions(limit=100_000) if row["id"] == exception]
        if not rows:
            return None
        row, now, me = rows[0], datetime.now(UTC), who or getpass.getuser()
        data: Any = ExceptionDecided(trouble=exception, accept=accept, who=me, reason=reason)
        if row["cause"] == "price-mismatch" and accept:
            data = PriceApproved(who=me, lines=(row["subject"],), reason=reason)
        fact = Fact(
            key=row["key"],
            data=data,
            source="crossdock",
            source_id=f"{exception}/decided/{now.isoformat()}",
            occurred_at=now,
        )
        await FactLog(database).record([fact], now)
        return type_of(data)[0]

    done = ask(workspace, work)
    if done is None:
        fail(f"there is no open exception {exception}", NOT_FOUND)
    if json:
        print_json({"fact": done, "exception": exception, "accept": accept})
    else:
        console.print(f"{exception}: {'accepted' if accept else 'declined'} ({done})")


def replay(
    what: Annotated[list[str], typer.Argument(help="Numbers of messages, or ids of facts.")],
    preview_only: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Read messages again with the present workspace, and record what is new of their facts. Effects that were made are never made twice."""

    async def work(database: Database) -> Preview:
        facts = await _facts(database, workspace, what)
        shown = await _preview(database, facts)
        if not preview_only:
            await FactLog(database).record(facts, datetime.now(UTC))
        return shown

    shown = ask(workspace, work)
    if json:
        print_json(
            {
                "done": not preview_only,
                "facts": {"new": [fact.id for fact in shown.fresh], "known": [fact.id for fact in shown.known]},
                "effects": shown.effects,
                "milestones": shown.milestones,
            }
        )
        return
    console.print(
        f"{len(shown.fresh)} new facts, {len(shown.known)} known already"
        + ("" if preview_only else "; the new ones have been recorded")
    )
    for fact in shown.fresh:
        console.print(f"  new: {type_of(fact.data)[0]} {fact.id}")
    for key, (before, after) in shown.milestones.items():
        console.print(f"  {key}: {before}" + (f" -> {after}" if after != before else ", as it stands"))
    for effect in shown.effects:
        colour = {"new": "cyan", "already-done": "green", "conflict": "red"}[effect.verdict]
        console.print(f"  [{colour}]{effect.verdict}[/] {effect.obligation}: {effect.detail}")


async def _facts(database: Database, workspace: Path, what: list[str]) -> list[Fact]:
    lookup = Lookup(database)
    current = await WorkspaceVersions(database).current()
    if current is None:
        fail("no version of the workspace is in force; `crossdock apply` first")
    from crossdock.workspace import from_snapshot

    readers = Systems(from_snapshot(current["snapshot"], current["version"]), os.environ, workspace).readers()
    facts: list[Fact] = []
    for each in what:
        if each.isdigit():
            row = await lookup.message(int(each))
            if row is None or row["direction"] != "in":
                fail(f"there is no received message {each}", NOT_FOUND)
            message = message_of({**row, "attributes": msgspec.json.encode(row["attributes"])})
            facts.extend(fact for reading in readers[message.channel].read(message) for fact in reading.facts)
        else:
            process = await lookup.process(each)
            if process is None:
                fail(f"there is no message or process {each}", NOT_FOUND)
            facts.extend(await lookup.facts(process["lane"], process["positions"]))
    return facts


async def _preview(database: Database, facts: list[Fact]) -> Preview:
    lookup, book = Lookup(database), AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    stored: dict[str, Stored] = {}
    milestones: dict[str, str] = {}
    made: dict[str, dict[str, Any]] = {}
    for key in {fact.key for fact in facts}:
        row = await lookup.process(key)
        if row is not None:
            stored[key] = Stored(
                row["lane"], key, row["state"], row["known"], row["positions"], row["created_at"], row["defect"]
            )
            milestones[key] = row["milestone"]
            made.update({each["id"]: each for each in await lookup.delivery_contents(key)})
    return preview(facts, await lookup.recorded(facts), stored, milestones, made, book, datetime.now(UTC))


def rebuild(
    workspace: WorkspaceFolder = HERE,
    mend: Annotated[
        bool, typer.Option("--mend", help="First fold anew what a defect had set aside, and do what is owed since.")
    ] = False,
    json: Json = False,
) -> None:
    """Fold all state anew from the log, and the books of stock from their movements, and compare them with what stands: they must be equal. Ends with 1 when they are not."""

    async def work() -> tuple[int, int, int, list[Difference], list[Unequal], int]:
        async with database_of(workspace) as database:
            book = AgreementBook(WorkspaceVersions(database))
            await book.refresh()
            differences: list[Difference] = []
            processes = facts = mended = 0
            with Progress(console=console, transient=True, disable=json) as progress:
                task = progress.add_task("folding the log anew", total=database.lanes)
                for lane in range(database.lanes):
                    if mend:
                        mended += (await mend_lane(FactLog(database), lane, book, datetime.now(UTC)))[0]
                    async with audit(database, lane) as held:
                        folded = await evolve_all(held.pages())
                        differences.extend(compare(folded, await held.standing(), book))
                        processes += len(folded)
                        facts += held.position
                    progress.advance(task)
                progress.update(task, description="adding up the movements of stock anew")
                books = StockBooks(database)
                movements, unequal = await books.movements(), await books.rebuild()
            return processes, facts, mended, differences, unequal, movements

    processes, facts, mended, differences, unequal, movements = asyncio.run(work())
    if json:
        print_json(
            {
                "processes": processes,
                "facts": facts,
                "mended": mended,
                "differences": differences,
                "movements": movements,
                "stock": unequal,
            }
        )
    else:
        if mend:
            console.print(f"{mended:,} processes that were set aside are folded again")
        console.print(f"{facts:,} facts folded into {processes:,} processes; {len(differences)} differences")
        for each in differences[:50]:
            console.print(
                f"  {each.key} {each.what} {each.id}: the log says {each.log_says}, the store {each.store_says}"
            )
        console.print(f"{movements:,} movements of stock added up; {len(unequal)} figures of the books differ")
        for wrong in unequal[:50]:
            where = f"{wrong.item} {wrong.site}".strip()
            console.print(
                f"  {where} {wrong.what} {wrong.name}: the movements say {wrong.folded}, the books {wrong.stands}"
            )
    if differences or unequal:
        raise typer.Exit(WRONG)
