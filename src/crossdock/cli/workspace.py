"""`crossdock init | check | plan | apply | versions | rollback`: the workspace at the command line.

`check` and `init` need no database; the others are handed one by `register`. Exit codes: 0 done (or nothing to do), 1 the workspace has errors or the plan was
refused, 2 the command was not understood, 3 there is no such version. `--json` prints one JSON document on standard output; words for people about a failure go to standard error.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from crossdock.cli.session import me, print_rows, versions_and_backlog
from crossdock.workspace import Problem, WorkspaceError, load
from crossdock.workspace import check as check_workspace
from crossdock.workspace.apply import Applied, Backlog, Objection, Overtaken, Version, Versions, in_force, roll_back
from crossdock.workspace.apply import apply as apply_plan
from crossdock.workspace.examples import example_workspace
from crossdock.workspace.explain import explain
from crossdock.workspace.plan import Plan, Stage
from crossdock.workspace.plan import plan as make_plan

Opener = Callable[[Path], AbstractAsyncContextManager[tuple[Versions, Backlog]]]
"""Opens the database that a workspace's folder belongs to."""

Folder = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace's folder.", envvar="CROSSDOCK_WORKSPACE")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Who = Annotated[str, typer.Option(help="Who does it; kept with the version. By default who is logged in.")]
Note = Annotated[str, typer.Option("--note", "-m", help="Why; kept with the version.")]

HERE = Path()


def register(app: typer.Typer, opened: Opener = versions_and_backlog) -> None:
    """Adds the commands to `app`; `opened` gives the database's side when one needs it."""

    @app.command()
    def init(
        folder: Annotated[Path, typer.Argument(help="The folder to make; it must be new or empty.")],
        example: Annotated[
            bool, typer.Option("--example", help="The example wholesaler that `crossdock demo` runs, whole.")
        ] = False,
        json: Json = False,
    ) -> None:
        """Make a small workspace that explains itself, or the example wholesaler."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            _fail(f"{folder} is there already and not an empty folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _fail(f"{folder} cannot be made: {error.strerror}")
        if example:
            try:
                source = example_workspace()
            except FileNotFoundError as error:
                _fail(str(error))
            # What a source tree may have beside it: a database of somebody's, and mailboxes.
            left_out = shutil.ignore_patterns("__pycache__", ".crossdock", "mailboxes", ".gitignore")
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=left_out)
        else:
            with resources.as_file(resources.files("crossdock.workspace") / "starter") as starter:
                shutil.copytree(starter, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
        if json:
            _print({"folder": str(folder), "files": files})
        else:
            typer.echo(f"Made {len(files)} files in {folder}. Next: crossdock check -w {folder}")

    @app.command()
    def check(workspace: Folder = HERE, json: Json = False) -> None:
        """Read the whole workspace and report every problem at once. Needs no database."""
        problems = check_workspace(workspace, os.environ)
        errors = sum(p.severity == "error" for p in problems)
        if json:
            _print({"errors": errors, "warnings": len(problems) - errors, "problems": problems})
        else:
            for problem in problems:
                typer.echo(str(problem))
            typer.echo(f"{errors} errors, {len(problems) - errors} warnings" if problems else "Nothing is wrong.")
        raise typer.Exit(1 if errors else 0)

    @app.command()
    def plan(workspace: Folder = HERE, json: Json = False) -> None:
        """Say what applying the workspace would change, and in which stages."""
        planned = _run(_planned(opened, workspace))
        if json:
            _print(_plan_json(planned))
        else:
            typer.echo(explain(planned))
        raise typer.Exit(1 if planned.objections else 0)

    @app.command()
    def apply(workspace: Folder = HERE, who: Who = "", note: Note = "", json: Json = False) -> None:
        """Bring the workspace into force as a new version."""

        async def work() -> tuple[Plan, Applied]:
            wanted = load(workspace, os.environ)
            async with opened(workspace) as (versions, backlog):
                planned = make_plan(await in_force(versions), wanted)
                if not json:
                    typer.echo(explain(planned).split("\n\n")[0])
                told = _quiet if json else _told
                return planned, await apply_plan(planned, versions, backlog, who=who or me(), note=note, told=told)

        planned, applied = _run(work())
        if json:
            _print({"version": applied.version, "stages": applied.stages, "changes": planned.changes})

    @app.command()
    def versions(workspace: Folder = HERE, json: Json = False) -> None:
        """List the versions that the database keeps: who applied each, when and why."""

        async def work() -> Sequence[Version]:
            async with opened(workspace) as (kept, _):
                return await kept.list()

        found = _run(work())
        if json:
            _print({"versions": found})
            return
        rows = [
            {
                "number": f"{each.number} (in force)" if each.active else str(each.number),
                "applied": f"{each.created_at:%Y-%m-%d %H:%M:%S %Z}",
                "by": each.who,
                "note": each.note,
                "sha256": each.digest[:12],
            }
            for each in found
        ]
        columns = {"number": "version", "applied": "applied", "by": "by", "note": "note", "sha256": "sha256"}
        print_rows(rows, columns, nothing="No version has been applied.")

    @app.command()
    def rollback(
        version: Annotated[
            int, typer.Argument(help="The version to go back to; see `crossdock versions`.", min=1, max=2**31 - 1)
        ],
        workspace: Folder = HERE,
        who: Who = "",
        note: Note = "",
        json: Json = False,
    ) -> None:
        """Bring an old version into force again, as a new version."""

        async def work() -> Applied:
            async with opened(workspace) as (kept, backlog):
                told = _quiet if json else _told
                return await roll_back(kept, backlog, version, who=who or me(), note=note, told=told)

        applied = _run(work())
        if json:
            _print({"version": applied.version, "stages": applied.stages})


async def _planned(opened: Opener, workspace: Path) -> Plan:
    wanted = load(workspace, os.environ)
    async with opened(workspace) as (versions, _):
        return make_plan(await in_force(versions), wanted)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`; what a person can mend ends the command with 1 and its reason."""
    try:
        return asyncio.run(work)
    except WorkspaceError as error:
        _fail("\n".join(str(p) for p in _worst_first(error.problems)))
    except (Objection, Overtaken) as error:
        _fail(str(error))
    except KeyError as error:
        _fail(f"there is no version {error}; see `crossdock versions`", 3)


def _worst_first(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.severity != "error", p))


def _plan_json(planned: Plan) -> dict[str, Any]:
    return {
        "base": planned.base,
        "digest": planned.digest,
        "changes": planned.changes,
        "stages": [{"name": stage.name, "words": stage.words} for stage in planned.stages],
        "objections": planned.objections,
    }


def _told(stage: Stage, result: str) -> None:
    typer.echo(f"  {stage.name}: {result}")


def _quiet(stage: Stage, result: str) -> None:
    """With --json nothing is told on the way."""


def _print(value: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _fail(reason: str, code: int = 1) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(code)
