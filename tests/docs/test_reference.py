"""The reference is what the code says: every command, fact, finding, exception cause, obligation, table and query stands in it."""

import ast
import re
from pathlib import Path

import pytest

from crossdock.cli.reference import command_names, pages
from crossdock.edi.findings import Code
from crossdock.facts import fact_types
from crossdock.store.queries import SQL

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PROCESS = ROOT / "src" / "crossdock" / "process"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_in_docs_is_the_one_that_the_code_gives(name: str) -> None:
    path = REFERENCE / name
    assert path.exists(), f"make docs writes {name}"
    assert path.read_text() == PAGES[name], "the code says something else now: make docs"


def test_no_page_is_left_over_from_a_guide_that_is_gone() -> None:
    assert {f"guides/{path.name}" for path in (REFERENCE / "guides").iterdir()} == {n for n in PAGES if "/" in n}


def test_every_command_has_its_usage_and_its_words() -> None:
    commands = {name: each for name, each in command_names() if not hasattr(each, "commands")}
    assert {"crossdock run", "crossdock trace", "crossdock edi inspect"} <= set(commands)
    for name, command in commands.items():
        assert f"## {name}\n" in PAGES["cli.md"]
        assert command.help, f"{name} has no sentence that says what it does"
        for parameter in command.params:
            assert parameter.help, f"{name} does not say what {parameter.name} is"


def test_every_fact_has_its_words() -> None:
    for tag, shape in fact_types().items():
        assert f"## {tag}\n" in PAGES["facts.md"]
        assert shape.__doc__, f"{tag} has no docstring"


def test_every_finding_is_told_with_a_remedy() -> None:
    for code in Code:
        assert f"| `{code.value}` |" in PAGES["findings.md"]
        assert code.meaning
        assert code.remedy


def test_every_query_and_every_table_is_named() -> None:
    made = re.findall(
        r"CREATE TABLE (\w+)",
        "".join(p.read_text() for p in (ROOT / "src/crossdock/store/migrations").glob("*.sql")),
    )
    assert len(made) > 10
    for name in (*SQL, *made):
        assert f"`{name}`" in PAGES["queries.md"]


def _calls(function: str) -> list[ast.Call]:
    return [
        node
        for file in PROCESS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
    ]


def test_every_cause_of_an_exception_that_the_code_names_is_explained() -> None:
    causes = {
        call.args[1].value
        for call in _calls("Trouble")
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    }
    assert len(causes) > 10
    assert {cause for cause in causes if not re.search(rf"\b{cause}\b", PAGES["exceptions.md"])} == set()


def test_every_kind_of_obligation_that_the_code_names_is_explained() -> None:
    kinds = {
        call.args[1].value
        for call in _calls("Obligation")
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    }
    added = re.findall(
        r"self\._add\(\s*[^,]+,\s*\"([a-z-]+)\"", (PROCESS / "order_to_cash" / "obligations.py").read_text()
    )
    assert len(set(added)) > 5
    assert {kind for kind in {*kinds, *added} if kind not in PAGES["obligations.md"]} == set()
