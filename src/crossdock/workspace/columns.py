"""The columns of a workspace's CSV files, declared once: for the reader of the files, the reference, and the words of every problem."""

from collections.abc import Mapping

import msgspec

ROUTED_BY: Mapping[str, str] = {
    "customer": "Partner id.",
    "region": "State or province code of the ship-to.",
    "country": "ISO 3166-1 alpha-2 code of the ship-to.",
    "postal_code": "Of the ship-to.",
    "location": "The ship-to's location code, as the partner writes it.",
    "kind": "The order's kind, as the partner writes it.",
    "lines": "How many lines; a number or a comparison, e.g. `> 10`.",
    "quantity": "Units in all; a number or a comparison.",
    "weight": "Of the whole order; a number or a comparison.",
}
"""What a routing rule may ask about an order: the fields of `crossdock.crosswalk.routing.Destination`."""


class Column(msgspec.Struct, frozen=True):
    """A column of a CSV file."""

    name: str
    words: str
    required: bool = True
    may_be_empty: bool = False


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "items.csv": (
        Column("item", "Our item id."),
        Column("description", "In words.", required=False),
        Column("unit", "The stock unit: EA if empty.", required=False),
        Column("gtin", "GTIN-12, -13 or -14, with its check digit; any partner may use it.", required=False),
        Column("weight", "Of one stock unit.", required=False),
        Column("substitutes", "Items that may be shipped instead, separated by blanks.", required=False),
        Column("safety", "Units that are never promised, at each site; empty: `buffer` of [stock].", required=False),
        Column(
            "value", "Of one stock unit, in our currency: what differences of stock are weighed by.", required=False
        ),
        Column("multiple", "It is offered in whole multiples of this.", required=False),
    ),
    "packs.csv": (
        Column("item", "Of items.csv."),
        Column("unit", "The unit of the pack, e.g. CA."),
        Column("quantity", "Stock units in one pack: 12, 0.5 or 1/3."),
    ),
    "item-references.csv": (
        Column("partner", "A file in partners/; empty: any partner.", may_be_empty=True),
        Column("qualifier", "buyer-item, gtin-12 ..., or the partner's own code."),
        Column("id", "The partner's number for the item."),
        Column("item", "Of items.csv."),
    ),
    "prices.csv": (
        Column("list", "The price list."),
        Column("item", "Of items.csv."),
        Column("price", "Per stock unit."),
    ),
    "sites.csv": (
        Column("site", "Its id."),
        Column("name", "What people call it.", required=False),
        Column("stock", "Whether its stock is kept, where [stock] is said: yes (or empty) or no.", required=False),
        Column("system", "The system that keeps and tells its stock; empty: nobody tells.", required=False),
        Column("entity", "The legal entity on whose books it stands.", required=False),
    ),
    "routing.csv": (
        *(Column(name, words, required=False) for name, words in ROUTED_BY.items()),
        Column("warehouse", "A system of role warehouse."),
        Column("site", "Of sites.csv.", required=False),
        Column("sites", "Further sites that may ship it, the preferred first, separated by blanks.", required=False),
        Column("note", "For the reader.", required=False),
    ),
}
"""The CSV files. A column that is not required may be left out."""

CHANNEL_ITEMS = (Column("item", "Of items.csv."), Column("note", "For the reader.", required=False))
"""The columns of a channel's own list of items."""
