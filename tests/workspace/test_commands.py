"""The commands of the workspace, as they are typed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from crossdock.cli.workspace import register
from crossdock.workspace import check

from .test_plan import KeptInMemory


@pytest.fixture
def crossdock():
    """Types a command and gives the result; all commands of a test share one database."""
    database = KeptInMemory()

    @asynccontextmanager
    async def opened(folder: Path) -> AsyncIterator[tuple[KeptInMemory, KeptInMemory]]:
        yield database, database

    app = typer.Typer()
    register(app, opened)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_init_makes_a_workspace_in_which_nothing_is_wrong(crossdock, tmp_path: Path) -> None:
    result = crossdock("init", str(tmp_path / "mine"))
    assert result.exit_code == 0, result.output
    assert check(tmp_path / "mine", {}) == []
    assert crossdock("check", "-w", str(tmp_path / "mine")).output == "Nothing is wrong.\n"


def test_init_overwrites_nothing(crossdock, wholesaler: Path) -> None:
    result = crossdock("init", str(wholesaler))
    assert result.exit_code == 1
    assert "is there already" in result.output


def test_check_ends_with_1_when_there_is_an_error(crossdock, wholesaler: Path, edit) -> None:
    line = edit("partners/acme.toml", "price_list", "pricelist")
    result = crossdock("check", "-w", str(wholesaler))
    assert result.exit_code == 1
    assert f"partners/acme.toml:{line}:1: error: unknown key `pricelist`; did you mean `price_list`?" in result.output


def test_check_as_json_tells_each_problem_with_its_place(crossdock, wholesaler: Path, edit) -> None:
    line = edit("items.csv", "614141100019", "614141100018")
    result = crossdock("check", "-w", str(wholesaler), "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["errors"]) == (1, 1)
    (problem,) = [p for p in told["problems"] if p["severity"] == "error"]
    assert (problem["file"], problem["line"], problem["code"]) == ("items.csv", line, "bad-check-digit")


def test_plan_apply_versions_and_rollback_tell_one_story(crossdock, wholesaler: Path, edit) -> None:
    folder = str(wholesaler)
    assert "an empty database" in crossdock("plan", "-w", folder).output
    assert crossdock("apply", "-w", folder, "--who", "ada", "-m", "a start").exit_code == 0
    edit("partners/acme.toml", 'short = "cancel"', 'short = "backorder"')
    assert 'short: "cancel" -> "backorder"' in crossdock("plan", "-w", folder).output
    applied = json.loads(crossdock("apply", "-w", folder, "--who", "bob", "--json").stdout)
    assert applied["version"] == 2
    back = crossdock("rollback", "1", "-w", folder, "--who", "ada", "-m", "too early")
    assert back.exit_code == 0, back.output
    told = json.loads(crossdock("versions", "-w", folder, "--json").stdout)["versions"]
    assert [(v["number"], v["who"], v["note"], v["active"]) for v in told] == [
        (3, "ada", "back to version 1: too early", True),
        (2, "bob", "", False),
        (1, "ada", "a start", False),
    ]


def test_apply_refuses_a_workspace_with_errors_and_stores_nothing(crossdock, wholesaler: Path, edit) -> None:
    edit("partners/acme.toml", 'short = "cancel"', 'short = "maybe"')
    result = crossdock("apply", "-w", str(wholesaler))
    assert result.exit_code == 1
    assert "partners/acme.toml" in result.output
    assert json.loads(crossdock("versions", "-w", str(wholesaler), "--json").stdout) == {"versions": []}


def test_a_version_that_never_was_ends_with_3(crossdock, wholesaler: Path) -> None:
    result = crossdock("rollback", "9", "-w", str(wholesaler))
    assert result.exit_code == 3
    assert "there is no version 9" in result.output
