"""What the how-to and the tutorial tell people to write is written here and checked."""

import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from crossdock.workspace import check, load

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(?:toml|csv) (\+?)(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _follow(page: Path, folder: Path) -> Iterator[str]:
    """Writes every block of `page` to the file that it names."""
    for more, name, text in BLOCK.findall(page.read_text()):
        path = folder / name
        path.write_text((path.read_text() if more else "") + text)
        yield name


def test_the_how_to_adds_a_partner(wholesaler: Path) -> None:
    followed = list(_follow(DOCS / "how-to" / "add-a-partner.md", wholesaler))
    assert followed == [
        "partners/green.toml",
        "systems/green.toml",
        "item-references.csv",
        "prices.csv",
        "partners/green.toml",
    ]
    assert [p for p in check(wholesaler, {}) if p.severity == "error"] == []
    loaded = load(wholesaler, {})
    assert loaded.agreements["green"].clocks.acknowledge_hours == 8
    assert loaded.agreements["green"].channel == "green"
    assert loaded.directory.partners["green"].x12.overlays["850"]["elements"]["PO1-01"] == {"usage": "required"}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """What `crossdock init` makes."""
    with resources.as_file(resources.files("crossdock.workspace") / "starter") as starter:
        shutil.copytree(starter, tmp_path / "mine")
    return tmp_path / "mine"


def test_the_tutorial_leaves_a_workspace_in_which_nothing_is_wrong(mine: Path) -> None:
    assert list(_follow(DOCS / "tutorial.md", mine)) == ["items.csv", "packs.csv", "item-references.csv", "prices.csv"]
    assert check(mine, {}) == []
    assert load(mine, {}).directory.partner_items["retailer", "buyer-item", "700104"] == "TEA-HERB"


def test_the_slip_that_the_tutorial_shows_is_reported_as_it_shows_it(mine: Path) -> None:
    file = mine / "partners/retailer.toml"
    file.write_text(file.read_text().replace("price_list", "price_lits", 1))
    (problem,) = check(mine, {})
    assert f"    {problem}\n" in (DOCS / "tutorial.md").read_text()


def test_the_slip_that_the_how_to_shows_is_reported_as_it_shows_it(wholesaler: Path) -> None:
    list(_follow(DOCS / "how-to" / "add-a-partner.md", wholesaler))
    file = wholesaler / "partners/green.toml"
    file.write_text(file.read_text().replace("green-2026", "grene-2026", 1))
    (problem,) = [p for p in check(wholesaler, {}) if p.severity == "error"]
    assert f"    {problem}\n" in (DOCS / "how-to" / "add-a-partner.md").read_text()
