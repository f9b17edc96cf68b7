"""`crossdock retry | replay | rebuild | decide`: doing again what is safe to do again, and proving that the books are right."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from crossdock.cli.session import (
    HERE,
    LARGEST,
    NOT_FOUND,
    WRONG,
    Json,
    WorkspaceFolder,
    ask,
    console,
    database_of,
    fail,
    me,
    print_json,
)
from crossdock.facts import Fact
from crossdock.facts.codec import type_of
from crossdock.flow.decide import decided
from crossdock.flow.rebuild import Difference, compare, evolve_all, mend_lane
from crossdock.flow.replay import NotReplayable, Preview, previewed, told_again
from crossdock.flow.retry import retry as try_again
from crossdock.ports.stock import Unequal
from crossdock.store.audit import audit
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup
from crossdock.store.operations import Action, Operations
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
        now, by = datetime.now(UTC), who or me()
        ids = [each for each in what or [] if not each.isdecimal()]
        messages = [int(each) for each in what or [] if each.isdecimal() and int(each) <= LARGEST]
        outbox = DeliveryOutbox(database)
        done = await try_again(Lookup(database), outbox, FactLog(database), ids, system, by, now, force)
        return {
            "queued": done.queued,
            "retried": done.retried,
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
        operations, now, by = Operations(database), datetime.now(UTC), who or me()
        found = await operations.exception(exception, None, now)
        if found is None or found["closed_at"] is not None:
            return None
        fact = decided(found, accept, by, reason, now)
        action = Action(action="decide", who=by, accept=accept, note=reason)
        await operations.act(exception, action, None, now, told=lambda _: [fact])
        return type_of(fact.data)[0]

    done = ask(workspace, work)
    if done is None:
        fail(f"there is no open exception {exception}", NOT_FOUND)
    if json:
        print_json({"fact": done, "exception": exception, "accept": accept})
    else:
        console.print(f"{escape(exception)}: {'accepted' if accept else 'declined'} ({done})")


def replay(
    what: Annotated[list[str], typer.Argument(help="Numbers of messages, or ids of facts.")],
    preview_only: Annotated[bool, typer.Option("--preview", help="Only say what it would do.")] = False,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Read messages again with the present workspace, and record what is new of their facts. Effects that were made are never made twice."""

    async def work(database: Database) -> Preview:
        facts = await _facts(database, workspace, what)
        book = AgreementBook(WorkspaceVersions(database))
        await book.refresh()
        shown = await previewed(facts, Lookup(database), book, datetime.now(UTC))
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
        console.print(f"  new: {type_of(fact.data)[0]} {escape(fact.id)}")
    for key, (before, after) in shown.milestones.items():
        console.print(f"  {escape(key)}: {before}" + (f" -> {after}" if after != before else ", as it stands"))
    for effect in shown.effects:
        colour = {"new": "cyan", "already-done": "green", "conflict": "red"}[effect.verdict]
        console.print(f"  [{colour}]{effect.verdict}[/] {escape(effect.obligation)}: {escape(effect.detail)}")


async def _facts(database: Database, workspace: Path, what: list[str]) -> list[Fact]:
    current = await WorkspaceVersions(database).current()
    if current is None:
        fail("no version of the workspace is in force; `crossdock apply` first")
    from crossdock.workspace import from_snapshot

    readers = Systems(from_snapshot(current["snapshot"], current["version"]), os.environ, workspace).readers()
    try:
        return await told_again(what, Lookup(database), readers)
    except NotReplayable as error:
        fail(str(error), NOT_FOUND if error.missing else WRONG)


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
            with Progress(console=Console(stderr=True), transient=True, disable=json) as progress:
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
                escape(f"  {each.key} {each.what} {each.id}: the log says {each.log_says}, the store {each.store_says}")
            )
        console.print(f"{movements:,} movements of stock added up; {len(unequal)} figures of the books differ")
        for wrong in unequal[:50]:
            where = f"{wrong.item} {wrong.site}".strip()
            console.print(
                escape(
                    f"  {where} {wrong.what} {wrong.name}: the movements say {wrong.folded}, the books {wrong.stands}"
                )
            )
    if differences or unequal:
        raise typer.Exit(WRONG)
