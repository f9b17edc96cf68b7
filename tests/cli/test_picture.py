"""Pictures stand by themselves: whoever opens one asks nobody else for anything."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from rich.table import Table

from crossdock.cli.demo.picture import draw

ROOT = Path(__file__).parents[2]
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))


def asked_of_others(svg: str) -> list[str]:
    """Addresses in a picture that a browser would fetch; names of namespaces are not."""
    plain = re.sub(r"<!--.*?-->|xmlns(:\w+)?=\"[^\"]*\"", "", svg, flags=re.DOTALL)
    return re.findall(r"https?://[^\s\"')]+", plain)


def test_a_drawing_is_whole_and_asks_nobody_for_a_font(tmp_path: Path) -> None:
    table = Table("order", "milestone")
    table.add_row("ACME-PO1", "released <&>")
    draw(table, tmp_path / "made.svg", "a day")
    svg = (tmp_path / "made.svg").read_text()
    ElementTree.fromstring(svg)
    assert asked_of_others(svg) == []
    assert "@font-face" not in svg
    assert "ACME-PO1" in svg
    assert "textLength" in svg


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_no_picture_in_the_docs_asks_others_for_anything(picture: Path) -> None:
    svg = picture.read_text()
    ElementTree.fromstring(svg)
    assert asked_of_others(svg) == []
