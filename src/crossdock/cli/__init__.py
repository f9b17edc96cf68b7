"""The command line. Every command takes `--json`; exit codes are the same everywhere.

0 done. 1 something is wrong (the workspace has errors, a rebuild differs, something was lost). 2 the command was not understood.
3 there is no such thing. 4 the database cannot be reached.
"""

import typer

from crossdock.cli import (
    channels,
    demo,
    edi,
    events,
    keys,
    lookup,
    messages,
    reconcile,
    replay,
    run,
    serve,
    stock,
    workspace,
)
from crossdock.cli.session import versions_and_backlog

app = typer.Typer(
    name="crossdock",
    help="The open integration hub for distributors: what is owed to whom by when, done once, and why not yet.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
workspace.register(app, versions_and_backlog)
run.register(app)
serve.register(app)
lookup.register(app)
messages.register(app)
replay.register(app)
stock.register(app)
channels.register(app)
demo.register(app)
app.add_typer(edi.app, name="edi")
app.add_typer(events.events, name="events")
app.add_typer(keys.app, name="keys")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(events.subscriptions, name="subscriptions")


def main() -> None:
    """The entry point of the `crossdock` command."""
    app()
