"""`crossdock message | held`: what came in and went out, byte for byte, and what waits to be understood."""

import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from crossdock.cli.session import (
    HERE,
    LARGEST,
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
from crossdock.facts.codec import type_of
from crossdock.store.database import Database
from crossdock.store.lookup import Lookup


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command()(message)
    app.command()(held)


def message(
    number: Annotated[int, typer.Argument(help="A message's number, as `trace` shows it.", max=LARGEST)],
    raw: Annotated[bool, typer.Option("--raw", help="Its bytes and nothing else, as they came or went.")] = False,
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """One message: where from or to, what was found in it, which facts it told, and its bytes."""

    async def question(database: Database) -> dict[str, Any] | None:
        lookup = Lookup(database)
        found = await lookup.message(number)
        if found is None:
            return None
        facts = await lookup.facts_of_message(number)
        return {**found, "facts": [{"id": f.id, "type": type_of(f.data)[0], "key": f.key} for f in facts]}

    found = ask(workspace, question)
    if found is None:
        fail(f"there is no message {number}", NOT_FOUND)
    if raw:
        sys.stdout.buffer.write(found["data"])
        return
    if json:
        print_json(found)
        return
    way = "from" if found["direction"] == "in" else "to"
    note = f" ({found['note']})" if found["note"] else ""
    console.print(
        f"[bold]message {number}[/] {way} {found['channel']}, {words(found['received_at'])}, "
        f"{len(found['data']):,} bytes, {found['status']}{escape(note)}, {escape(found['name']) or 'without a name'}"
    )
    for finding in found["findings"]:
        console.print(f"  {finding['severity']} {finding['code']}: {escape(finding['message'])}")
    for fact in found["facts"]:
        console.print(f"  told {fact['type']} of {escape(fact['key'])}")
    typer.echo(found["data"].decode(errors="replace"))


def held(workspace: WorkspaceFolder = HERE, limit: Limit = 50, json: Json = False) -> None:
    """Messages that wait to be understood; `retry NUMBER` has one read again."""

    async def question(database: Database) -> list[dict[str, Any]]:
        return await Lookup(database).held_messages(limit)

    rows = ask(workspace, question)
    if json:
        print_json(rows)
        return
    columns = {"id": "message", "channel": "from", "name": "name", "received_at": "received", "note": "why it is held"}
    print_rows(rows, columns, nothing="No message is held.")
