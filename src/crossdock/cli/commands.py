"""Where each command is, and in a sentence what it does: so that `crossdock --help` reads no more than this, and a command loads what it needs and nothing of the others.

A new command has a line here; a test holds that the lines are what the commands say of themselves.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import NamedTuple

import typer

HELP = "The open integration hub for distributors: what is owed to whom by when, done once, and why not yet."


class Place(NamedTuple):
    """A command. where: its module below `crossdock.cli`, which has `register(app)`; with `:name` the group of that name in it."""

    where: str
    help: str
    hidden: bool = False


COMMANDS: Mapping[str, Place] = {
    "init": Place("workspace", "Make a small workspace that explains itself, or the example wholesaler."),
    "check": Place("workspace", "Read the whole workspace and report every problem at once."),
    "plan": Place("workspace", "Say what applying the workspace would change, and in which stages."),
    "apply": Place("workspace", "Bring the workspace into force as a new version."),
    "versions": Place("workspace", "List the versions that the database keeps: who applied each, when and why."),
    "rollback": Place("workspace", "Bring an old version into force again, as a new version."),
    "run": Place(
        "run",
        "Run Crossdock: receive, fold, dispatch, until it is stopped (Ctrl-C or SIGTERM finish what is under way).",
    ),
    "worker": Place("run", "One worker process; `run` starts these.", hidden=True),
    "serve": Place(
        "serve",
        "Serve the HTTP API and the dashboard until it is stopped (Ctrl-C or SIGTERM finish what is under way).",
    ),
    "status": Place("lookup", "Where everything stands, in figures."),
    "trace": Place(
        "lookup",
        "The lineage of whatever has this number: every fact, message, obligation, delivery and exception, with times and systems.",
    ),
    "owed": Place("lookup", "What is owed to whom by when, the earliest due first."),
    "why": Place("lookup", "Why an obligation is not met yet, or by what it was."),
    "exceptions": Place("lookup", "Exceptions that stand open, and what can be done about each."),
    "deliveries": Place("lookup", "What was sent and what is to be sent, the newest first."),
    "message": Place(
        "messages", "One message: where from or to, what was found in it, which facts it told, and its bytes."
    ),
    "held": Place("messages", "Messages that wait to be understood; `retry NUMBER` has one read again."),
    "retry": Place(
        "replay", "Try again what was given up (dead letters), what was refused, and messages that are held."
    ),
    "replay": Place("replay", "Read messages again with the present workspace, and record what is new of their facts."),
    "rebuild": Place(
        "replay",
        "Fold all state anew from the log, and the books of stock from their movements, and compare them with what stands: they must be equal.",
    ),
    "decide": Place("replay", "Decide on an exception that only a person can close."),
    "stock": Place("stock", "What there is of each item at each site, by place, and what of it is still free."),
    "atp": Place(
        "stock",
        "What can be promised of an item, day by day: on hand less reserved, plus what is expected, less what others wait for and the safety buffer.",
    ),
    "channels": Place(
        "channels",
        "What each channel was told of our stock, how far behind it is, and whether a silent source holds it up.",
    ),
    "offer": Place("channels", "What a channel is offered now, beside what it was told last."),
    "demo": Place("demo", "Run the main road with misbehaving counterparties, and show the score."),
    "edi": Place("edi:app", "Explain and validate EDI files."),
    "events": Place("events:events", "Events for others: the feed, as it is and as it grows."),
    "keys": Place("keys:app", "Keys of the HTTP API: create, list, rotate, revoke."),
    "reconcile": Place("reconcile:app", "Our books of stock beside what a warehouse says that it has."),
    "subscriptions": Place("events:subscriptions", "Webhooks: who is told of which events, and what became of it."),
}
"""Every command by its name, in the order in which they are listed."""


def listed() -> typer.Typer:
    """The names of all commands with their sentences: enough for help, and nothing of it can be run."""
    app = _empty()
    for name, place in COMMANDS.items():
        app.command(name=name, help=place.help, hidden=place.hidden)(_nothing)
    return app


def loaded(names: Iterable[str]) -> typer.Typer:
    """An application with these commands, and those that stand in the same modules."""
    app = _empty()
    modules: set[str] = set()
    for name in names:
        module, _, group = COMMANDS[name].where.partition(":")
        room = import_module(f"crossdock.cli.{module}")
        if group:
            app.add_typer(getattr(room, group), name=name)
        elif module not in modules:
            modules.add(module)
            room.register(app)
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(name="crossdock", help=HELP, no_args_is_help=True, pretty_exceptions_show_locals=False)
    # With a callback an application of one command has that command, and is not itself it.
    app.callback(help=HELP)(_nothing)
    return app


def _nothing() -> None:
    """Nothing."""
