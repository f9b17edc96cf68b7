"""Rows for people: a table where it fits, each row told in lines of its own where the terminal is too narrow for one.

What goes into a pipe or a file is as wide as it is, a row a line, for `grep` and `cut`.
"""

import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

ENDLESS = 100_000
"""Columns of what is no terminal."""

SHORT, READABLE = 20, 24
"""Columns: what is no wider than SHORT is never broken, and what is broken has at least READABLE."""


def console_of() -> Console:
    """Standard output; only a terminal (or the variable COLUMNS) has a width at which lines are broken."""
    bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if bounded else ENDLESS)


def words(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "; ".join(words(each) for each in value)
    return str(value)


def print_table(console: Console, rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    """Rows as a table; `columns` is field to heading. The first holds what the next command is given: it is never broken."""
    heads = list(columns.values())
    cells = [[words(row[field]) for field in columns] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    broken = [place for place, width in enumerate(widths) if place and width > SHORT]
    kept = sum(width for place, width in enumerate(widths) if place not in broken)
    spare = console.width - kept - 2 * (len(widths) - 1)
    whole = sum(widths) + 2 * (len(widths) - 1) <= console.width
    if not whole and spare < READABLE * max(len(broken), 1):
        _print_told(console, heads, cells)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, heading in enumerate(heads):
        table.add_column(heading, no_wrap=place not in broken, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_told(console: Console, heads: list[str], cells: list[list[str]]) -> None:
    """Each row as its first cell, and below it the others with their headings; empty ones are left out."""
    for first, *others in cells:
        console.print(Text(first, "bold"))
        said = [Text.assemble((head, "dim"), " ", cell) for head, cell in zip(heads[1:], others, strict=True) if cell]
        console.print(Padding(Text("  ").join(said), (0, 0, 0, 2)))
