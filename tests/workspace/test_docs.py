"""What the how-to and the tutorial tell people to write is written here and checked."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.order import OrderReceived, ShipmentConfirmed
from crossdock.ports.translation import Message
from crossdock.workspace import check, load

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(?:toml|csv) (\+?)(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

TABLES = ("items.csv", "packs.csv", "item-references.csv", "prices.csv")


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
    assert list(_follow(DOCS / "tutorial.md", mine)) == [*TABLES, "item-references.csv"]
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


FILES = re.compile(r"^```x12 (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("channel", "file", "told"),
    [("retailer", "po.x12", OrderReceived), ("warehouse", "shipped.x12", ShipmentConfirmed)],
)
def test_the_files_of_the_tutorial_are_understood_without_a_finding(
    mine: Path, channel: str, file: str, told: type
) -> None:
    text = dict(FILES.findall((DOCS / "tutorial.md").read_text()))[file]
    message = Message(
        id=1, channel=channel, source_id="1", data=text.encode(), received_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    readings = list(X12Reader(Crosswalk(load(mine, {}).directory)).read(message))
    assert [finding for reading in readings for finding in reading.findings] == []
    (fact,) = [f for reading in readings for f in reading.facts if isinstance(f.data, told)]
    assert fact.key == "RETAILER-4500001"
    assert not any(getattr(line, "trouble", "") for line in fact.data.lines)
    assert [line.quantity for line in fact.data.lines] == [24, 30]
