"""The command line. Every command that comes to an end takes `--json` (`run` and `serve` do not); exit codes are the same everywhere.

0 done. 1 something is wrong (the workspace has errors, a rebuild differs, something was lost). 2 the command was not understood.
3 there is no such thing. 4 the database cannot be reached.
"""

import os
import sys
from typing import TYPE_CHECKING, Any

from crossdock.cli.commands import COMMANDS, listed, loaded

if TYPE_CHECKING:
    import typer

    app: typer.Typer


def __getattr__(name: str) -> Any:
    """`app`: the application with every command, made when it is first asked for."""
    if name == "app":
        globals()["app"] = loaded(COMMANDS)
        return globals()["app"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """The entry point of the `crossdock` command. Loads the one command that is asked for; all of them for completion, and for what is none."""
    words = sys.argv[1:]
    if "_CROSSDOCK_COMPLETE" in os.environ:
        asked = loaded(COMMANDS)
    elif words in ([], ["--help"]):
        asked = listed()
    else:
        asked = loaded([words[0]] if words[0] in COMMANDS else COMMANDS)
    asked()
