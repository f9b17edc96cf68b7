"""`crossdock edi`: what is in an EDI file, in words, and whether a partner may write it so. Needs no database."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from crossdock.cli.session import HERE, NOT_FOUND, WRONG, Json, WorkspaceFolder, fail, print_json
from crossdock.edi.findings import Finding, errors
from crossdock.edi.x12 import explain
from crossdock.edi.x12.guide import known_sets, load
from crossdock.edi.x12.guide_pages import page
from crossdock.edi.x12.overlay import OverlayError
from crossdock.workspace import WorkspaceError
from crossdock.workspace import load as load_workspace
from crossdock.workspace.problems import did_you_mean

app = typer.Typer(help="Explain and validate EDI files.", no_args_is_help=True)

LONG_BYTES = 20_000_000
"""From here on a file takes long enough to show how far it is."""

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The EDI file.")]
Partner = Annotated[str, typer.Option("--partner", "-p", help="By the overlays of this partner of the workspace.")]


@app.command()
def inspect(
    file: File,
    segments: Annotated[bool, typer.Option("--segments", "-s", help="Every segment in words, too.")] = False,
    partner: Partner = "",
    workspace: WorkspaceFolder = HERE,
    json: Json = False,
) -> None:
    """Explain a file in words, with everything that is wrong with it and where."""
    guides = explain.with_overlays(_overlays(workspace, partner)) if partner else load
    report = explain.inspect(file.read_bytes(), guides, with_segments=segments)
    if json:
        print_json(report)
    else:
        typer.echo(explain.render(report))


@app.command()
def validate(file: File, partner: Partner = "", workspace: WorkspaceFolder = HERE, json: Json = False) -> None:
    """Hold a file against the guides and a partner's overlays. Ends with 1 when there are errors."""
    overlays = _overlays(workspace, partner) if partner else None
    count = wrong = 0
    kept: list[Finding] = []
    try:
        with file.open("rb") as opened, progress_of(file, json) as progress:
            for findings in explain.validate_file(opened, overlays):
                count += len(findings)
                wrong += len(errors(findings))
                if json:
                    kept.extend(findings)
                else:
                    for line in explain.told_findings(findings):
                        typer.echo(line)
                progress(opened.tell())
    except OverlayError as error:
        fail(f"an overlay of {partner} cannot be used: {error}")
    if json:
        print_json({"errors": wrong, "findings": kept})
    else:
        typer.echo(f"{wrong} errors, {count - wrong} other findings" if count else "Nothing is wrong.")
    if wrong:
        raise typer.Exit(WRONG)


@contextmanager
def progress_of(file: Path, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes of a file that takes a while; what it gives is told how far the reading has come."""
    size = file.stat().st_size
    if quiet or size < LONG_BYTES:
        yield lambda done: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=size)
        yield lambda done: bar.update(task, completed=done)


@app.command()
def guide(
    transaction_set: Annotated[str, typer.Argument(help=f"One of {', '.join(known_sets())}.")],
    version: Annotated[str, typer.Option(help="As in GS08.")] = "004010",
    json: Json = False,
) -> None:
    """Print the guide of a transaction set: its structure, elements, codes and what they mean for us."""
    found = load(transaction_set.upper(), version)
    if found is None:
        fail(f"there is no guide for {transaction_set}; there are {', '.join(known_sets())}", NOT_FOUND)
    if json:
        print_json(found)
    else:
        typer.echo(page(found))


def _overlays(workspace: Path, partner: str) -> dict[str, Any]:
    try:
        partners = load_workspace(workspace, os.environ).directory.partners
    except WorkspaceError as error:
        fail("\n".join(str(problem) for problem in error.problems))
    if partner not in partners:
        fail(f"the workspace knows no partner {partner}; {did_you_mean(partner, partners)}", NOT_FOUND)
    return {set_id: dict(table) for set_id, table in partners[partner].x12.overlays.items()}
