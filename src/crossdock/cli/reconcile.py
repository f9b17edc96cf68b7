"""`crossdock reconcile stock | show | ignore | repair`: our books of stock beside what a warehouse says, and what is done about the differences."""

from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.cli.session import (
    HERE,
    NOT_FOUND,
    WRONG,
    Json,
    Limit,
    WorkspaceFolder,
    ask,
    console,
    fail,
    me,
    print_json,
    print_rows,
)
from crossdock.flow.reconcile import Limits, Refused, ignored, nothing_known, reconcile_system, repair
from crossdock.ledger.movement import Movement
from crossdock.reconcile.evidence import Terms
from crossdock.store.database import Database
from crossdock.store.log import FactLog
from crossdock.store.reconcile import SnapshotError, StockReconciliation
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook
from crossdock.workspace import Loaded
from crossdock.workspace.reconciling import reconcile_items, reconcile_terms

app = typer.Typer(
    name="reconcile", help="Our books of stock beside what a warehouse says that it has.", no_args_is_help=True
)

Variance = Annotated[str, typer.Argument(help="A variance, as `crossdock reconcile show` lists it.")]
Who = Annotated[str, typer.Option(help="Who answers for it; kept with the fact. By default who is logged in.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the fact.")]
COLUMNS = {
    "key": "variance",
    "quantity": "units",
    "amount": "money",
    "milestone": "standing",
    "cause": "likely cause",
    "confidence": "sure",
    "detail": "why",
    "evidence": "evidence",
    "first_as_of": "since",
}


async def _workspace(database: Database) -> Loaded | None:
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()
    return book.current


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} is a moment such as 2026-03-02T02:00Z, not {text!r}", 2)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def stock(
    system: Annotated[str, typer.Option(help="The system whose word is held against our books.")],
    as_of: Annotated[
        str, typer.Option("--as-of", help="The latest snapshot at or before this moment; with --file, the file's own.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="A snapshot as CSV: item, site, quantity, and place, lot, owner, entity.")
    ] = None,
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Compare a system's snapshot with our books as of its own moment. Ends with 0 when they agree, 1 when there is drift, 3 when there is no snapshot."""
    moment = _moment(as_of, "--as-of") if as_of else None
    if file is not None and not file.exists():
        fail(f"there is no file {file}", NOT_FOUND)

    async def work(database: Database) -> dict[str, Any] | None:
        books, now, loaded = StockReconciliation(database), datetime.now(UTC), await _workspace(database)
        number, at = None, moment
        if file is not None:
            at = moment or now
            name = f"{file.name}/{sha256(file.read_bytes()).hexdigest()[:16]}/{at.isoformat()}"
            number = await books.keep_file(file, system, name, at, None, now)
        items = reconcile_items(loaded) if loaded else nothing_known
        terms = reconcile_terms(loaded) if loaded else Terms()
        run = await reconcile_system(books, system, now, items, terms, at, number)
        if run is None:
            return None
        rows = await books.variances(system, ["open", "timing"], limit=limit)
        return {"run": run, "variances": rows}

    try:
        answer = ask(workspace, work)
    except SnapshotError as error:
        fail(str(error), WRONG)
    if answer is None:
        fail(f"{system} has told no snapshot" + (f" up to {as_of}" if as_of else ""), NOT_FOUND)
    run = answer["run"]
    if json:
        print_json(answer)
    else:
        console.print(
            f"As of {run.as_of:%Y-%m-%d %H:%M} UTC: {run.differing} positions differ, {run.timing} of them in flight or awaited. {run.note}"
        )
        print_rows(answer["variances"], COLUMNS, nothing="The books agree.")
    if run.note or run.differing > run.timing:
        raise typer.Exit(WRONG)


@app.command()
def show(
    variance: Annotated[str | None, typer.Argument(help="One variance by its key.")] = None,
    system: Annotated[str | None, typer.Option(help="Only of this system.")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="Also those that are gone.")] = False,
    workspace: WorkspaceFolder = HERE,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Variances, the dearest first, and the comparisons that found them. Ends with 3 when the one asked for is not there."""

    async def question(database: Database) -> dict[str, Any]:
        books = StockReconciliation(database)
        statuses = None if closed or variance else ["open", "timing"]
        rows = await books.variances(system, statuses, variance, limit)
        return {"variances": rows, "runs": await books.runs(system, 10)}

    answer = ask(workspace, question)
    if variance and not answer["variances"]:
        fail(f"there is no variance {variance}; `crossdock reconcile show` lists those that are open", NOT_FOUND)
    if json:
        print_json(answer)
        return
    nothing = "No variances." if variance or closed else "No variances stand open."
    print_rows(answer["variances"], COLUMNS, nothing=nothing)
    runs = {
        "id": "run",
        "system": "system",
        "as_of": "as of",
        "differing": "differ",
        "timing": "timing",
        "note": "note",
    }
    print_rows(answer["runs"], runs, nothing="Nothing was compared yet.")


@app.command()
def ignore(
    variance: Variance,
    until: Annotated[str, typer.Option(help="Until when: a moment such as 2026-03-02T02:00Z.")],
    reason: Reason,
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """Leave a difference alone for a while: it raises no exception until then, unless it changes. Ends with 3 when there is no such variance."""
    end = _moment(until, "--until")
    if not reason.strip():
        fail("say why with --reason", 2)

    async def work(database: Database) -> bool:
        rows = await StockReconciliation(database).variances(key=variance)
        if not rows:
            return False
        fact = ignored(variance, rows[0]["quantity"], who or me(), reason, end, datetime.now(UTC))
        await FactLog(database).record([fact], datetime.now(UTC))
        return True

    if not ask(workspace, work):
        fail(f"there is no variance {variance}", NOT_FOUND)
    if json:
        print_json({"variance": variance, "until": end})
    else:
        console.print(f"{variance} is left alone until {end:%Y-%m-%d %H:%M} UTC.")


async def _repair_free(
    books: StockReconciliation, system: str | None, worth: Decimal, limits: Limits, who: str, reason: str
) -> dict[str, Any]:
    """Repairs what is open and known to be worth at most `worth`, each by itself."""
    repaired: list[Movement] = []
    left: list[dict[str, str]] = []
    for row in await books.variances(system, ["open"], limit=100_000):
        amount = row["amount"]
        if amount is None or abs(amount) > worth:
            why = "its value is not known" if amount is None else f"it is worth more than {worth}"
            left.append({"variance": row["key"], "why": why})
            continue
        try:
            repaired.append(await repair(books, row["key"], who, reason, datetime.now(UTC), limits))
        except (KeyError, Refused) as error:
            why = str(error) if isinstance(error, Refused) else "its snapshot is not kept any more"
            left.append({"variance": row["key"], "why": why})
    return {"repaired": repaired, "left": left}


@app.command("repair")
def repair_command(
    reason: Reason,
    variance: Annotated[str, typer.Argument(help="A variance, as `crossdock reconcile show` lists it.")] = "",
    free: Annotated[
        bool, typer.Option("--free", help="All that are open and worth at most `repair_free` of [stock].")
    ] = False,
    system: Annotated[str | None, typer.Option(help="With --free: only of this system.")] = None,
    workspace: WorkspaceFolder = HERE,
    who: Who = "",
    json: Json = False,
) -> None:
    """Adjust our books by what a variance differs, in somebody's name. Ends with 1 when it may not be done (says why), 3 when there is no such variance."""
    if bool(variance) == free:
        fail("name a variance, or say --free", 2)
    by = who or me()

    async def work(database: Database) -> Any:
        loaded = await _workspace(database)
        policy = loaded.stock if loaded else None
        limits = Limits(units=policy.repair_units, amount=policy.repair_limit) if policy else Limits()
        books = StockReconciliation(database)
        if free:
            worth = policy.repair_free if policy else Decimal(0)
            return await _repair_free(books, system, worth, limits, by, reason)
        return await repair(books, variance, by, reason, datetime.now(UTC), limits)

    if free:
        done = ask(workspace, work)
        if json:
            print_json(done)
        else:
            console.print(f"{len(done['repaired'])} repaired, {len(done['left'])} left as they are")
            if done["left"]:
                print_rows(done["left"], {"variance": "left", "why": "because"})
        return
    try:
        movement = ask(workspace, work)
    except KeyError:
        fail(f"there is no variance {variance} whose snapshot is still kept", NOT_FOUND)
    except Refused as refused:
        fail(f"not repaired: {refused}", WRONG)
    if json:
        print_json(movement)
    else:
        console.print(f"{movement.quantity} of {movement.item}: {movement.origin} to {movement.destination}.")
