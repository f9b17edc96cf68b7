"""A workspace of one's own to break: the wholesaler, copied."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

WHOLESALER = Path(__file__).parents[2] / "examples" / "wholesaler"


@pytest.fixture
def wholesaler(tmp_path: Path) -> Path:
    """A copy of the example that a test may change."""
    folder = tmp_path / "wholesaler"
    shutil.copytree(WHOLESALER, folder, ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    return folder


Edit = Callable[[str, str, str], int]


@pytest.fixture
def edit(wholesaler: Path) -> Edit:
    """Replaces a text in a file of the copy and gives the line at which it stands."""

    def change(file: str, old: str, new: str) -> int:
        path = wholesaler / file
        text = path.read_text()
        assert old in text, f"{file} holds no {old!r}"
        path.write_text(text.replace(old, new, 1))
        return text[: text.index(old)].count("\n") + 1

    return change
