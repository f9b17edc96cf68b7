"""The CSV files of a workspace: rows with the line each stands in, checked against the declared columns. UTF-8 with or without a byte order mark, commas, a heading row."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from crossdock.workspace.columns import Column
from crossdock.workspace.problems import Report, did_you_mean

Row = tuple[int, Mapping[str, str]]
"""(line, cell by column name); cells are stripped of blanks around them."""


def rows(text: str, file: str, columns: Sequence[Column], report: Report) -> Iterator[Row]:
    """Every readable row; whatever is not goes to `report` with its line. Rows without any text are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    known = [c.name for c in columns]
    try:
        heading = [h.strip() for h in next(reader, [])]
        for column, name in enumerate(heading, 1):
            if name not in known:
                meant = did_you_mean(name, known)
                report.add("bad-csv", f"column {column}: unknown column `{name}`", file=file, line=1, meant=meant)
            elif name in heading[: column - 1]:
                report.add("bad-csv", f"column {column}: column `{name}` stands there twice", file=file, line=1)
        missing = [c for c in columns if c.required and c.name not in heading]
        for absent in missing:
            report.add("bad-csv", f"column `{absent.name}` is missing", file=file, line=1, meant=absent.words)
        if missing:
            return
        filled = [c.name for c in columns if c.required and not c.may_be_empty]
        width = len(heading)
        optional = {c.name: "" for c in columns}
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return
            if len(cells) != width:
                if any(cell.strip() for cell in cells):
                    report.add("bad-csv", f"the row has {len(cells)} cells, the heading {width}", file=file, line=line)
                continue
            row = {**optional, **dict(zip(heading, map(str.strip, cells), strict=True))}
            empty = [name for name in filled if not row[name]]
            if empty:
                if any(row.values()):
                    report.add("bad-csv", f"`{empty[0]}` is empty", file=file, line=line)
                continue
            yield line, row
    except csv.Error as error:
        report.add("bad-csv", f"not CSV: {error}", file=file, line=max(1, reader.line_num))
