"""Items, packs, cross-references, prices and sites out of the CSV files of a workspace. Linear in their rows; what cannot be taken is a problem with its line."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import msgspec

from crossdock.crosswalk.directory import Item
from crossdock.crosswalk.items import normalised
from crossdock.edi.x12.check_digits import check_digit, is_valid
from crossdock.policy.stock import StockItem
from crossdock.workspace.problems import Report, did_you_mean
from crossdock.workspace.tables import Row

QUALIFIERS = ("seller-item", "buyer-item", "gtin-12", "gtin-13", "gtin-14", "manufacturer-part", "sku")
"""The qualifiers of item references that have a name of their own; others are the partner's code, upper case."""

Rows = Callable[[str], Iterable[Row]]
"""The rows of a CSV file by its name; none when the file is not there."""


class SiteRow(msgspec.Struct, frozen=True):
    """What a row of `sites.csv` says of the site's stock, and the line that it stands in."""

    line: int
    site: str
    keeps: bool
    system: str
    entity: str


class Catalogue(msgspec.Struct, frozen=True):
    """What the CSV files hold."""

    items: Mapping[str, Item]
    partner_items: Mapping[tuple[str, str, str], str]
    prices: Mapping[tuple[str, str], Decimal]
    sites: Mapping[str, str]
    stock_items: Mapping[str, StockItem] = {}
    stock_sites: tuple[SiteRow, ...] = ()


def catalogue(rows: Rows, partners: Iterable[str], report: Report) -> Catalogue:
    """Everything that the CSV files say, but routing."""
    items, references, substitutes, kept = _items(rows, report)
    packs = _packs(rows, items, report)
    partner_items = _references(rows, items, references, set(partners), report)
    whole = {
        id: msgspec.structs.replace(item, packs=packs.get(id, {}), references=tuple(references.get(id, ())))
        if id in packs or id in references
        else item
        for id, item in items.items()
    }
    for line, substitute in substitutes:
        if substitute not in items:
            _unknown_item(report, "items.csv", line, substitute, items)
    sites, stock_sites = _sites(rows, report)
    return Catalogue(whole, partner_items, _prices(rows, items, report), sites, kept, stock_sites)


def known_qualifier(qualifier: str) -> bool:
    """A qualifier by its name, or a partner's own code."""
    return qualifier in QUALIFIERS or (
        qualifier.isascii() and qualifier.isalnum() and qualifier.isupper() and len(qualifier) <= 3
    )


def known_unit(unit: str) -> bool:
    """A unit code as X12 and UN/ECE write them."""
    return unit.isascii() and unit.isalnum() and unit == unit.upper() and len(unit) <= 3


def _unknown_item(report: Report, file: str, line: int, item: str, items: Mapping[str, Item]) -> None:
    report.add(
        "unknown-item", f"no item `{item}` in items.csv", file=file, line=line, meant=lambda: did_you_mean(item, items)
    )


def _gtin(report: Report, file: str, line: int, qualifier: str, id: str) -> bool:
    length = qualifier.removeprefix("gtin-")
    if not (id.isascii() and id.isdigit()) or (len(id) != int(length)):
        report.add("bad-value", f"`{id}` is no GTIN-{length}", file=file, line=line, meant=f"it has {length} digits")
        return False
    if not is_valid(id):
        report.add(
            "bad-check-digit",
            f"the check digit of `{id}` is wrong",
            file=file,
            line=line,
            meant=f"{id[:-1]}{check_digit(id[:-1])} would be right",
        )
        return False
    return True


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value >= 0 else None


def _items(
    rows: Rows, report: Report
) -> tuple[dict[str, Item], dict[str, list[tuple[str, str]]], list[tuple[int, str]], dict[str, StockItem]]:
    file = "items.csv"
    items: dict[str, Item] = {}
    lines: dict[str, int] = {}
    references: dict[str, list[tuple[str, str]]] = {}
    substitutes: list[tuple[int, str]] = []
    bearers: dict[str, int] = {}
    kept: dict[str, StockItem] = {}
    for line, row in rows(file):
        id, unit, weight = row["item"], row["unit"] or "EA", row["weight"]
        if id in items:
            report.add("duplicate", f"item `{id}` already stands in line {lines[id]}", file=file, line=line)
            continue
        if not known_unit(unit):
            report.add(
                "bad-value",
                f"`{unit}` is no unit code",
                file=file,
                line=line,
                meant="up to three capitals or digits: EA, CA, KGM",
            )
        grams = _decimal(weight) if weight else None
        if weight and grams is None:
            report.add("bad-value", f"`weight` must be a decimal number, not `{weight}`", file=file, line=line)
        instead = tuple(row["substitutes"].split())
        substitutes += [(line, s) for s in instead]
        gtin = row["gtin"]
        if gtin and len(gtin) not in (12, 13, 14):
            report.add("bad-value", f"`{gtin}` is no GTIN", file=file, line=line, meant="it has 12, 13 or 14 digits")
        elif gtin and _gtin(report, file, line, f"gtin-{len(gtin)}", gtin):
            first = bearers.setdefault(gtin.zfill(14), line)
            if first != line:
                report.add("duplicate", f"GTIN `{gtin}` already stands in line {first}", file=file, line=line)
            references[id] = [(f"gtin-{len(gtin)}", gtin)]
        items[id] = Item(id=id, description=row["description"], unit=unit, substitutes=instead, weight=grams)
        lines[id] = line
        if row["safety"] or row["value"] or row["multiple"]:
            kept[id] = StockItem(**{name: _figure(row[name], name, line, report) for name in _FIGURES})
    return items, references, substitutes, kept


_FIGURES = ("safety", "value", "multiple")
"""The columns of `items.csv` that are about its stock."""


def _figure(text: str, name: str, line: int, report: Report) -> Decimal | None:
    value = _decimal(text) if text else None
    if text and (value is None or (name == "multiple" and not value)):
        meant = "above 0" if name == "multiple" else "0 or more"
        report.add("bad-value", f"`{name}` cannot be `{text}`", file="items.csv", line=line, meant=meant)
        return None
    return value


def _packs(rows: Rows, items: Mapping[str, Item], report: Report) -> dict[str, dict[str, Fraction]]:
    file = "packs.csv"
    packs: dict[str, dict[str, Fraction]] = {}
    for line, row in rows(file):
        id, unit = row["item"], row["unit"]
        if id not in items:
            _unknown_item(report, file, line, id, items)
            continue
        try:
            quantity = Fraction(row["quantity"])
        except (ValueError, ZeroDivisionError):
            quantity = Fraction(0)
        if quantity <= 0:
            report.add("bad-value", f"`{row['quantity']}` is no quantity", file=file, line=line, meant="12, 0.5 or 1/3")
        elif not known_unit(unit):
            report.add(
                "bad-value",
                f"`{unit}` is no unit code",
                file=file,
                line=line,
                meant="up to three capitals or digits: CA, BX, PL",
            )
        elif unit == items[id].unit:
            report.add("bad-value", f"`{unit}` is the stock unit of `{id}` itself", file=file, line=line)
        elif packs.setdefault(id, {}).setdefault(unit, quantity) != quantity:
            report.add("duplicate", f"`{id}` already has a pack `{unit}` of another size", file=file, line=line)
    return packs


def _references(
    rows: Rows,
    items: Mapping[str, Item],
    references: dict[str, list[tuple[str, str]]],
    partners: set[str],
    report: Report,
) -> dict[tuple[str, str, str], str]:
    """Cross-references of one partner; those of any partner are added to `references`."""
    file = "item-references.csv"
    found: dict[tuple[str, str, str], str] = {}
    seen: dict[tuple[str, str, str], tuple[str, int]] = {}
    for line, row in rows(file):
        partner, qualifier, id, item = row["partner"], row["qualifier"], row["id"], row["item"]
        if partner and partner not in partners:
            meant = did_you_mean(partner, partners)
            report.add("unknown-partner", f"no partner `{partner}`", file=file, line=line, meant=meant)
        elif not known_qualifier(qualifier):
            report.add(
                "unknown-qualifier",
                f"`{qualifier}` is no qualifier",
                file=file,
                line=line,
                meant=did_you_mean(qualifier, QUALIFIERS),
            )
        elif item not in items:
            _unknown_item(report, file, line, item, items)
        elif not qualifier.startswith("gtin-") or _gtin(report, file, line, qualifier, id):
            other, before = seen.setdefault((partner, *normalised(qualifier, id)), (item, line))
            if before != line:
                says = "the same" if other == item else f"item `{other}`"
                report.add(
                    "duplicate", f"{qualifier} `{id}` already stands in line {before}, for {says}", file=file, line=line
                )
            elif partner:
                found[partner, qualifier, id] = item
            else:
                references.setdefault(item, []).append((qualifier, id))
    return found


def _prices(rows: Rows, items: Mapping[str, Item], report: Report) -> dict[tuple[str, str], Decimal]:
    file = "prices.csv"
    prices: dict[tuple[str, str], Decimal] = {}
    for line, row in rows(file):
        price = _decimal(row["price"])
        if row["item"] not in items:
            _unknown_item(report, file, line, row["item"], items)
        elif price is None:
            report.add(
                "bad-value",
                f"`price` must be a decimal number, not `{row['price']}`",
                file=file,
                line=line,
                meant="9.25",
            )
        elif (row["list"], row["item"]) in prices:
            report.add(
                "duplicate", f"`{row['item']}` already has a price in list `{row['list']}`", file=file, line=line
            )
        else:
            prices[row["list"], row["item"]] = price
    return prices


def _sites(rows: Rows, report: Report) -> tuple[dict[str, str], tuple[SiteRow, ...]]:
    sites: dict[str, str] = {}
    stock: list[SiteRow] = []
    for line, row in rows("sites.csv"):
        if row["site"] in sites:
            report.add("duplicate", f"site `{row['site']}` stands there twice", file="sites.csv", line=line)
        if row["stock"] not in ("", "yes", "no"):
            message = f"`stock` cannot be `{row['stock']}`"
            report.add("bad-value", message, file="sites.csv", line=line, meant="yes or no")
        sites[row["site"]] = row["name"]
        stock.append(SiteRow(line, row["site"], row["stock"] != "no", row["system"], row["entity"]))
    return sites, tuple(stock)
