"""What import-linter cannot see: the pure rooms ask nobody for the time, and read and write no file but their own package data."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "crossdock"
PURE = ("trade", "facts", "ledger", "edi", "crosswalk", "policy", "process", "reconcile", "events")
CLOCKS = frozenset(("now", "today", "utcnow", "fromtimestamp", "utcfromtimestamp", "perf_counter", "monotonic"))


def _asked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
                if isinstance(called.value, ast.Name) and called.value.id in ("datetime", "date", "time"):
                    yield node.lineno, called.attr
            elif isinstance(called, ast.Name) and called.id in ("open", "input", "print"):
                yield node.lineno, called.id


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_reads_no_clock_and_touches_nothing(room: str) -> None:
    files = list((SOURCE / room).rglob("*.py"))
    assert files
    found = [f"{file.name}:{line} {what}" for file in files for line, what in _asked(ast.parse(file.read_text()))]
    assert found == []


def test_a_clock_would_be_noticed() -> None:
    assert list(_asked(ast.parse("def f():\n    return datetime.now(UTC)"))) == [(2, "now")]


def test_every_module_says_what_it_is_for_and_none_is_too_long() -> None:
    for file in SOURCE.rglob("*.py"):
        text = file.read_text()
        assert not text or ast.get_docstring(ast.parse(text)) or file.name == "__main__.py", f"{file} has no docstring"
        assert text.count("\n") <= 500, f"{file} has become two"
