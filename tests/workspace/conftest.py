"""A workspace of one's own to break: the wholesaler, copied; it keeps no stock, which tests of stock say in their own way."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crossdock.testing.tables import without_stock

WHOLESALER = Path(__file__).parents[2] / "examples" / "wholesaler"


@pytest.fixture
def wholesaler(tmp_path: Path) -> Path:
    """A copy of the example that a test may change, without stock."""
    folder = tmp_path / "wholesaler"
    shutil.copytree(WHOLESALER, folder, ignore=shutil.ignore_patterns("mailboxes", ".crossdock"))
    without_stock(folder)
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
