"""What README and docs show is true: links lead somewhere, commands exist with the options shown, code compiles, files can be read."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from crossdock import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^\n|\A)((?:^ {4}\S.*\n)+)", re.MULTILINE)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
ROOM = re.compile(r"`src/crossdock/[\w/.]+`|`(?:docs|examples|tests|bench)/[\w/.-]+`")


def _commands(text: str) -> list[str]:
    """Every line of a page that somebody may type: in console blocks behind a prompt, in indented blocks as it stands."""
    shown = [
        line.removeprefix("$ ")
        for kind, body in BLOCK.findall(text)
        if kind in ("console", "sh", "bash")
        for line in body.splitlines()
        if kind != "console" or line.startswith("$ ")
    ]
    outside = BLOCK.sub("", text)
    shown += [line.strip() for body in INDENTED.findall(outside) for line in body.splitlines()]
    shown += re.findall(r"(?<!`)`((?:crossdock|make) [a-z][^`\n]*)`(?!`)", outside)
    return [line for line in shown if re.match(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(?:crossdock|make) ", line)]


def _understood(words: list[str]) -> str:
    """Empty when the command line knows this command with these options; else what it does not know."""
    command: Any = typer.main.get_command(cli.app)
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    options = {each for p in command.params if p.param_type_name == "option" for each in (*p.opts, *p.secondary_opts)}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in {*options, "--help"}]
    return f"there is no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        assert there.is_relative_to(ROOT)
        if anchor and there.suffix == ".md":
            heads = re.findall(r"^#+ (.*)$", there.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_files_and_rooms_that_are_named_exist(page: Path) -> None:
    for name in ROOM.findall(page.read_text()):
        path = name.strip("`")
        if not any(c in path for c in "*NX{") and "mailboxes" not in path:
            assert (ROOT / path).exists(), f"{page.name} speaks of {path}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_that_are_shown_exist_with_their_options(page: Path) -> None:
    for line in _commands(page.read_text()):
        words = shlex.split(line.split(" | ")[0].split(" > ")[0], comments=True)
        while "=" in words[0]:
            words.pop(0)
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS, line
        else:
            assert _understood(words[1:]) == "", line


def test_pages_show_commands_at_all() -> None:
    found = [line for page in PAGES for line in _commands(page.read_text())]
    assert any(line.startswith("crossdock trace") for line in found)
    assert "make demo" in found


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    assert _understood(["tracee", "PO1"]) == "there is no command tracee"
    assert _understood(["owed", "--soon"]) == "there is no option --soon"
    assert _understood(["edi", "inspect", "FILE", "--json"]) == ""


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_blocks_of_code_can_be_read(page: Path) -> None:
    for kind, body in BLOCK.findall(page.read_text()):
        if kind == "python":
            compile(body, str(page), "exec")
        if kind == "toml":
            tomllib.loads(body)


# Never to be written down: where somebody's machine keeps things. Loopback addresses and example domains are nobody's.
OF_A_MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|Users|work|mnt|private|var/folders)/\w+|\b(?:10|192\.168)\.\d+\.\d+\.\d+"
)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "Makefile", ROOT / ".ci" / "run"], ids=lambda p: p.name)
def test_no_page_names_a_path_or_host_of_somebodys_machine(page: Path) -> None:
    assert OF_A_MACHINE.findall(page.read_text()) == []


def test_every_decision_is_short_and_says_what_was_rejected() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [int(d.name[:3]) for d in decisions] == list(range(1, len(decisions) + 1))
    for decision in decisions:
        text = decision.read_text()
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Rejected"], decision.name
        assert len(text) < 4000, decision.name
        assert decision.name in (ROOT / "docs" / "decisions" / "README.md").read_text()


def test_every_page_can_be_reached_from_the_index() -> None:
    found: set[Path] = set()
    pending = [ROOT / "README.md"]
    while pending:
        page = pending.pop()
        if page in found or page.suffix != ".md" or not page.exists():
            continue
        found.add(page)
        pending += [
            (page.parent / t.partition("#")[0]).resolve() for t in LINK.findall(page.read_text()) if "://" not in t
        ]
    assert {str(p.relative_to(ROOT)) for p in PAGES} - {str(p.relative_to(ROOT)) for p in found} == set()
