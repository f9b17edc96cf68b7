"""The list of commands is what the commands say of themselves, and a command loads what it needs and nothing of the others."""

import subprocess
import sys

import pytest
import typer

from crossdock.cli import app
from crossdock.cli.commands import COMMANDS, listed, loaded
from crossdock.cli.reference import command_names

EVERYTHING = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_is_listed_in_order_with_the_words_that_it_has_for_itself() -> None:
    found = {name: (each.get_short_help_str(300), each.hidden) for name, each in EVERYTHING.items()}
    assert sorted(found) == sorted(COMMANDS), "a new command has a line in cli/commands.py"
    assert {name: (place.help, place.hidden) for name, place in COMMANDS.items()} == found
    shown = typer.main.get_command(listed()).commands  # type: ignore[attr-defined]
    assert list(shown) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_loaded_alone_is_the_one_that_there_is(name: str) -> None:
    alone = typer.main.get_command(loaded([name])).commands[name]  # type: ignore[attr-defined]
    assert alone.help == EVERYTHING[name].help
    assert [p.name for p in alone.params] == [p.name for p in EVERYTHING[name].params]


def loads(*words: str) -> set[str]:
    """Modules that are there when a command has shown its help."""
    script = (
        "import sys, contextlib, io; sys.argv = ['crossdock', *sys.argv[1:]]; from crossdock.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main()\n"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_loads_no_room_of_the_house() -> None:
    ours = {name for name in loads("--help") if name.startswith("crossdock.")}
    assert ours == {"crossdock.cli", "crossdock.cli.commands"}


def test_a_question_loads_no_connector_to_other_systems_and_no_server() -> None:
    found = loads("trace", "--help")
    assert "crossdock.cli.lookup" in found
    assert (
        not {"crossdock.wiring", "crossdock.api.app", "litestar", "granian", "opentelemetry", "prometheus_client"}
        & found
    )


def test_what_is_no_command_is_said_to_be_none() -> None:
    done = subprocess.run([sys.executable, "-m", "crossdock", "tracee"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "No such command 'tracee'" in done.stderr


def test_every_command_that_comes_to_an_end_speaks_json() -> None:
    without = {
        name
        for name, command in command_names()
        if not hasattr(command, "commands") and "--json" not in {opt for each in command.params for opt in each.opts}
    }
    assert without == {"crossdock run", "crossdock serve"}
