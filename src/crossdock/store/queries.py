"""Named queries out of `sql/*.sql`: `-- name: x`, one sentence or more of comment, then the statement."""

import re
from collections.abc import Iterator
from importlib import resources

_HEAD = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def named(text: str) -> Iterator[tuple[str, str]]:
    """The queries of one file as (name, comment and statement)."""
    parts = _HEAD.split(text)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        yield name, body.strip()


def load() -> dict[str, str]:
    """Every query by name. Raises ValueError when a name stands twice or a query has no sentence."""
    found: dict[str, str] = {}
    for file in sorted(resources.files(__package__).joinpath("sql").iterdir(), key=lambda f: f.name):
        for name, statement in named(file.read_text()):
            if name in found:
                raise ValueError(f"{file.name}: the query {name} stands twice")
            if not statement.startswith("-- "):
                raise ValueError(f"{file.name}: the query {name} lacks the sentence that says what it promises")
            found[name] = statement
    return found


SQL = load()
