"""Rows for people: whole where nobody breaks lines, told one by one where a table would be crushed, and never read as markup."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from crossdock.cli.table import print_table

COLUMNS = {"id": "obligation", "by": "by", "due_at": "due", "blocked_by": "blocked by"}
LONG = "ACME-PO100012/functional-ack/ship-notice/SHP-ACME-PO100012-1"
REASONS = ["lines-decided: line 1: price-mismatch", "credit: the ERP has not answered"]
ROW = {"id": LONG, "by": "us", "due_at": datetime(2026, 3, 2, tzinfo=UTC), "blocked_by": REASONS}


def printed(width: int, *rows: dict[str, Any], columns: dict[str, str] = COLUMNS) -> list[str]:
    out = io.StringIO()
    print_table(Console(file=out, width=width), rows, columns)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_where_there_is_room_a_row_is_a_line() -> None:
    head, row = printed(1000, ROW)
    assert head.split() == ["obligation", "by", "due", "blocked", "by"]
    assert row.startswith(LONG)
    assert row.endswith("; ".join(REASONS))


def test_long_words_are_broken_and_short_ones_are_not() -> None:
    _, first, *more = printed(130, ROW)
    assert first.split()[:2] == [LONG, "us"]
    assert " ".join([*first.split(), *" ".join(more).split()]).endswith("; ".join(REASONS))
    assert more, "the reasons go on below"


@pytest.mark.parametrize("width", [40, 80, 90])
def test_a_narrow_terminal_is_told_each_row_in_lines_of_its_own(width: int) -> None:
    first, *others = printed(width, ROW, {**ROW, "id": "B", "blocked_by": []})
    assert first == LONG[:width]
    told = " ".join(" ".join(others).split())
    assert "; ".join(REASONS) in told
    assert told.count("blocked by") == 1, "what is empty is left out"


def test_brackets_in_what_others_told_are_text() -> None:
    hostile = "[/bold] [red]PO[/red]"
    for width in (20, 1000):
        assert hostile in " ".join(
            " ".join(printed(width, {"id": "x", "by": hostile}, columns={"id": "a", "by": "b"})).split()
        )
