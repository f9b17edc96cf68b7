"""`crossdock status | trace | owed | why | exceptions | deliveries`: what people ask, answered from the read models."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.tree import Tree

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
from crossdock.store.database import Database
from crossdock.store.lineage import lineage
from crossdock.store.lookup import Lookup
from crossdock.store.reading import Reading

Reference = Annotated[
    str,
    typer.Argument(
        help="A PO, order, shipment, BOL, PRO, tracking, SSCC, invoice, ERP or control number, or how it begins or ends."
    ),
]


Standing = Literal["queued", "sending", "unknown", "accepted", "refused", "dead", "cancelled"]
"""How a delivery stands."""


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(status)
    app.command()(trace)
    app.command()(owed)
    app.command()(why)
    app.command()(exceptions)
    app.command()(deliveries)


def status(workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """Where everything stands, in figures."""

    async def question(database: Database) -> dict[str, Any]:
        return await Lookup(database).counts(datetime.now(UTC))

    counts = ask(workspace, question)
    if json:
        print_json(counts)
        return
    facts = counts["facts"]
    console.print(f"{facts['recorded']:,} facts, {facts['ahead']:,} of them not folded yet")
    print_rows(
        counts["messages"],
        {"direction": "messages", "channel": "channel", "status": "status", "count": "count"},
        nothing="No messages.",
    )
    print_rows(
        counts["processes"],
        {"process": "process", "milestone": "milestone", "count": "count"},
        nothing="No processes.",
    )
    print_rows(
        counts["owed"],
        {"kind": "owed", "debtor": "by", "status": "status", "count": "count", "late": "late", "amount": "money"},
        nothing="Nothing is owed.",
    )
    print_rows(
        counts["exceptions"],
        {"category": "exceptions", "cause": "cause", "open": "open", "ever": "ever", "amount": "money"},
        nothing="No exceptions.",
    )
    print_rows(
        counts["deliveries"],
        {"system": "deliveries to", "status": "status", "count": "count"},
        nothing="No deliveries.",
    )
    print_rows(
        counts["systems"],
        {"system": "system", "breaker": "circuit", "updated_at": "seen"},
        nothing="No worker has reported.",
    )


def owed(
    workspace: WorkspaceFolder = HERE,
    to: Annotated[str | None, typer.Option(help="Owed to this party: us, a system or a partner.")] = None,
    by: Annotated[str | None, typer.Option(help="Owed by this party: us, a system or a partner.")] = None,
    kind: Annotated[str | None, typer.Option(help="invoice, acknowledge, functional-ack, ...")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is late.")] = False,
    blocked: Annotated[bool, typer.Option("--blocked", help="Only what waits for something.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """What is owed to whom by when, the earliest due first."""

    async def question(database: Database) -> list[dict[str, Any]]:
        before = datetime.now(UTC) if overdue else None
        return await Lookup(database).owed(to, by, kind, before, "blocked" if blocked else None, limit)

    rows = ask(workspace, question)
    if json:
        print_json(rows)
        return
    columns = {
        "id": "obligation",
        "debtor": "by",
        "creditor": "to",
        "status": "status",
        "due_at": "due",
        "amount": "money",
        "blocked_by": "blocked by",
    }
    print_rows(rows, columns, nothing="Nothing is owed.")


def why(
    obligation: Annotated[str, typer.Argument(help="An obligation's id, as `owed` shows it.")],
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Why an obligation is not met yet, or by what it was."""

    async def question(database: Database) -> dict[str, Any] | None:
        lookup = Lookup(database)
        found = await lookup.obligation(obligation)
        if found is None:
            return None
        troubles = [row for row in await lookup.exceptions(key=found["key"]) if obligation in row["obligations"]]
        sent = await lookup.deliveries_of(found["key"], [obligation])
        attempts = await lookup.attempts_of(found["key"], [obligation])
        return {"obligation": found, "exceptions": troubles, "deliveries": sent, "attempts": attempts}

    answer = ask(workspace, question)
    if answer is None:
        fail(f"there is no obligation {obligation}; `crossdock owed` lists those that are open", NOT_FOUND)
    if json:
        print_json(answer)
        return
    found = answer["obligation"]
    console.print(
        f"[bold]{escape(found['id'])}[/]: {owes(found['debtor'], found['creditor'])}, {found['status']}, "
        + (f"due {words(found['due_at'])}" if found["due_at"] else "no due time")
    )
    for reason in found["blocked_by"]:
        console.print(f"  waits for {escape(reason)}")
    for evidence in found["evidence"]:
        console.print(f"  met by {escape(evidence)}")
    for row in answer["exceptions"]:
        console.print(f"  exception {escape(row['id'])}: {escape(row['detail'])}. {escape(row['action'])}")
    for row in answer["deliveries"]:
        console.print(
            f"  delivery to {row['system']}: {row['status']} after {row['attempts']} attempts {escape(row['outcome'])}"
        )
    for row in answer["attempts"]:
        console.print(
            f"    {words(row['started_at'])} {row['kind']}: {row['outcome']} {escape(row['status'])} {escape(row['detail'])}"
        )


def owes(debtor: str, creditor: str) -> str:
    """Who owes whom, as people say it: we owe acme, acme owes us."""
    return f"{'we owe' if debtor == 'us' else f'{escape(debtor)} owes'} {escape(creditor)}"


def exceptions(
    workspace: WorkspaceFolder = HERE,
    cause: Annotated[str | None, typer.Option(help="Only of this cause.")] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Exceptions that stand open, and what can be done about each."""

    async def question(database: Database) -> list[dict[str, Any]]:
        return await Lookup(database).exceptions(cause=cause, limit=limit)

    rows = ask(workspace, question)
    if json:
        print_json(rows)
        return
    columns = {
        "id": "exception",
        "category": "kind",
        "detail": "what",
        "action": "what to do",
        "amount": "money",
        "opened_at": "since",
    }
    print_rows(rows, columns, nothing="No exceptions.")


def deliveries(
    workspace: WorkspaceFolder = HERE,
    system: Annotated[str | None, typer.Option(help="Only to this system.")] = None,
    standing: Annotated[
        Standing | None,
        typer.Option("--status", help="queued, sending, unknown, accepted, refused, dead or cancelled."),
    ] = None,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """What was sent and what is to be sent, the newest first."""

    async def question(database: Database) -> list[dict[str, Any]]:
        return await Lookup(database).deliveries(system, standing, None, limit)

    rows = ask(workspace, question)
    if json:
        print_json(rows)
        return
    columns = {
        "id": "obligation",
        "system": "to",
        "document": "document",
        "status": "status",
        "attempts": "attempts",
        "control": "control",
        "outcome": "outcome",
        "settled_at": "settled",
    }
    print_rows(rows, columns, nothing="No deliveries.")


def trace(reference: Reference, workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """The lineage of whatever has this number: every fact, message, obligation, delivery and exception, with times and systems."""
    if not reference.strip():
        fail("say a number, or how one begins", 2)

    async def question(database: Database) -> list[dict[str, Any]]:
        lookup = Lookup(database)
        named = await lookup.find(reference, 50)
        found = [row for row in named if row["value"] == reference or row["kind"] == "key"]
        if not found:
            # As the search of the dashboard: in any letters, and how a number begins or ends.
            searched = await Reading(database).search(reference, None, 50)
            found = [row for row in searched if row["rank"] == 0] or searched
        keys = list(dict.fromkeys(row["key"] for row in found))
        return [await lineage(lookup, key) for key in keys[:5]]

    found = [each for each in ask(workspace, question) if each]
    if not found:
        fail(f"nothing is known by {reference}", NOT_FOUND)
    if json:
        print_json(found)
        return
    for each in found:
        console.print(tree_of(each))


def tree_of(each: dict[str, Any]) -> Tree:
    """A lineage as a tree, in the order in which things happened."""
    tree = Tree(
        f"[bold]{escape(each['key'])}[/] ({each['process']}): [bold]{each['milestone']}[/]  "
        + "  ".join(
            f"{k.replace('_', ' ')} {escape(words(v))}" for k, v in each["summary"].items() if v and k != "lines"
        )
    )
    if lines := each["summary"].get("lines"):
        counted = tree.add("lines")
        for number, line in lines.items():
            counts = ", ".join(f"{v} {k}" for k, v in line.items() if k != "item" and str(v) != "0")
            counted.add(f"{escape(number)}  [bold]{escape(line['item'])}[/]  {counts}")
    heads = {row["id"]: row for row in each["messages"]}
    facts = tree.add("what has happened")
    for fact in each["facts"]:
        head = heads.get(fact["message"])
        by = (
            f"  [dim]message {head['id']} {'from' if head['direction'] == 'in' else 'to'} {head['channel']}, {escape(str(head['name'] or head['bytes']))}[/]"
            if head
            else ""
        )
        facts.add(f"{words(fact['recorded_at'])}  [bold]{fact['type']}[/] by {escape(fact['source'])}{by}")
    owing = tree.add("what is owed")
    sent = {row["id"]: row for row in each["deliveries"]}
    tries: dict[str, list[dict[str, Any]]] = {}
    for row in each["attempts"]:
        tries.setdefault(row["delivery"], []).append(row)
    for row in each["obligations"]:
        colour = {"met": "green", "blocked": "yellow", "refused": "red", "void": "dim"}.get(row["status"], "cyan")
        node = owing.add(
            f"[{colour}]{row['status']:8}[/] {escape(row['id'].removeprefix(each['key'] + '/'))}  {row['debtor']} to {row['creditor']}"
            + (f", due {words(row['due_at'])}" if row["due_at"] else "")
        )
        for reason in row["blocked_by"]:
            node.add(f"[yellow]waits for {escape(reason)}[/]")
        if delivery := sent.get(row["id"]):
            outcome = escape(f"{delivery['outcome']}  {delivery['number']} {delivery['control']}")
            node.add(f"{delivery['document']} to {delivery['system']}: {delivery['status']} {outcome}")
            attempts = tries.get(row["id"], [])
            if len(attempts) > 1:
                for attempt in attempts:
                    outcome = escape(f"{attempt['outcome']} {attempt['status']} {attempt['detail']}")
                    node.add(f"[dim]{words(attempt['started_at'])} {attempt['kind']}: {outcome}[/]")
    if each["exceptions"]:
        troubles = tree.add("exceptions")
        for row in each["exceptions"]:
            state = "[green]closed[/]" if row["closed_at"] else "[red]open[/]"
            troubles.add(f"{state} {row['cause']}: {escape(row['detail'])}")
    return tree
