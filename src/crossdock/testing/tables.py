"""What a workspace's own files say of items, packs and prices, for counterparties that speak of the same goods in their own words. Wrong files are for `crossdock check`."""

import csv
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

from crossdock.testing.configs import CatalogueItem


class Tables:
    """The tables of the workspace in a folder, as its files say at the moment of asking."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def items(self) -> set[str]:
        """Our items."""
        return {row["item"] for row in self.rows("items.csv")}

    def with_substitutes(self) -> set[str]:
        """Items that another may be shipped for, or that may be shipped for another."""
        rows = self.rows("items.csv")
        found = {row["item"] for row in rows if row["substitutes"]}
        return found | {item for row in rows for item in row["substitutes"].split()}

    def our_items(self) -> dict[tuple[str, str], str]:
        """Our item by partner and the partner's number for it."""
        return {(row["partner"], row["id"]): row["item"] for row in self.rows("item-references.csv")}

    def packs(self, unit: str = "CA") -> dict[str, int]:
        """Stock units in a pack, by item."""
        return {row["item"]: int(row["quantity"]) for row in self.rows("packs.csv") if row["unit"] == unit}

    def sites(self, partner: str) -> dict[str, str]:
        """Our sites by the partner's code for them."""
        said = tomllib.loads((self._workspace / "partners" / f"{partner}.toml").read_text(encoding="utf-8"))
        return {str(code): str(site) for code, site in said.get("locations", {}).items()}

    def catalogue(self, partner: str, price_list: str, unit: str = "EA") -> tuple[CatalogueItem, ...]:
        """What `partner` can buy, in its own words: its item numbers, and prices per `unit` (EA, or whole packs of the workspace's packs.csv, as CA)."""
        items = {row["item"]: row for row in self.rows("items.csv")}
        prices = {row["item"]: row["price"] for row in self.rows("prices.csv") if row["list"] == price_list}
        packs = self.packs()
        found = []
        for row in self.rows("item-references.csv"):
            item = row["item"]
            if row["partner"] != partner or row["qualifier"] != "buyer-item" or item not in prices:
                continue
            pack = packs.get(item, 12)
            price = prices[item] if unit == "EA" else str(pack * Decimal(prices[item]))
            found.append(
                CatalogueItem(
                    buyer_item=row["id"],
                    upc=items[item]["gtin"],
                    price=price,
                    pack=pack if unit == "EA" else 1,
                    unit=unit,
                    description=items[item]["description"].upper(),
                )
            )
        return tuple(found)

    def rows(self, name: str) -> list[dict[str, str]]:
        """A CSV file."""
        with (self._workspace / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def without_stock(workspace: Path) -> None:
    """Has the workspace keep no stock and tell no channel: its orders are promised whatever is wanted."""
    file = workspace / "crossdock.toml"
    kept: list[str] = []
    inside = False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            inside = line.strip("[]").split(".")[0].strip("[] ") == "stock"
        if not inside:
            kept.append(line)
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    shutil.rmtree(workspace / "channels", ignore_errors=True)
