"""What one version of the workspace knows of partners, items, units, prices, sites and routes."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """An interchange identity: ISA qualifier and id (unpadded), and the application id in GS (empty: the same)."""

    qualifier: str
    id: str
    group_id: str = ""


class X12Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a partner writes and wants to be written to. Delimiters as single characters; `segment_terminator` may be
    followed by `line_break`.

    overlays: transaction set id to the overlay table of `crossdock.edi.x12.guide`. usage: T or P, which also is
    what we expect of what arrives. replace: the character that stands in for one that collides with a delimiter; ""
    refuses the document instead. acknowledge_ta1: send a TA1 for each interchange.
    """

    version: str = "004010"
    element_separator: str = "*"
    component_separator: str = ">"
    segment_terminator: str = "~"
    repetition_separator: str = ""
    line_break: str = ""
    usage: str = "P"
    replace: str = " "
    acknowledge_ta1: bool = False
    functional_acks: bool = True
    overlays: Mapping[str, Mapping[str, Any]] = {}


class MovementTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a warehouse tells of stock, where it differs from what `crosswalk.stock` takes for granted.

    site: of documents that name none. zone: of the dates and times that it writes. reasons: its code of an adjustment's
    reason (947) to what it means; conditions: of what came in (944) to the place where that stands, "" for where it
    would stand anyway; statuses: of a level (846) to the place that it counts, "" for none. besides: what came in badly
    is not part of the quantity received. sequences: by document ("947"), a regular expression whose one group is the
    number that the warehouse counts its documents by.
    """

    site: str = ""
    zone: str = "UTC"
    reasons: Mapping[str, str] = {}
    conditions: Mapping[str, str] = {}
    statuses: Mapping[str, str] = {}
    besides: bool = False
    sequences: Mapping[str, str] = {}


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A trading partner (customer or 3PL). role: customer, warehouse. `them` and `us` are the identities in
    interchanges between us.

    units: their unit codes to ours where they differ. item_qualifiers: in which order their item references are
    trusted, and which to echo when we write an item they did not name. locations: their location code to our site
    or address id.
    """

    id: str
    role: str
    name: str = ""
    them: tuple[Identity, ...] = ()
    us: Identity | None = None
    x12: X12Profile = X12Profile()
    units: Mapping[str, str] = {}
    item_qualifiers: tuple[str, ...] = ("seller-item", "gtin-12", "gtin-13", "gtin-14", "buyer-item")
    locations: Mapping[str, str] = {}
    price_list: str = ""
    movements: MovementTerms = MovementTerms()


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item we stock. `unit` is the stock unit; `packs` gives stock units in one of another unit ("CA": 12/1).
    `references`: (qualifier, id) that any partner may use.
    """

    id: str
    description: str = ""
    unit: str = "EA"
    packs: Mapping[str, Fraction] = {}
    references: tuple[tuple[str, str], ...] = ()
    substitutes: tuple[str, ...] = ()
    weight: Decimal | None = None


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. prices: (price list, item) to price per stock unit. partner_items: (partner, qualifier, id) to
    item id.

    routing: a zen-engine decision (JDM JSON) that says `warehouse` and `site` for an order's customer, ship-to
    region and country, items' count and weight; empty: `default_warehouse`.
    """

    version: int
    company: str = ""
    currency: str = "USD"
    partners: Mapping[str, Partner] = {}
    items: Mapping[str, Item] = {}
    partner_items: Mapping[tuple[str, str, str], str] = {}
    prices: Mapping[tuple[str, str], Decimal] = {}
    sites: Mapping[str, str] = {}
    default_warehouse: str = ""
    default_site: str = ""
    routing: bytes = b""
