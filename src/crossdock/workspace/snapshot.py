"""A workspace as one canonical JSON document, and back: the form in which the database keeps every version whole.

The same workspace gives the same bytes on every machine: keys and rows are sorted, decimals and ratios are text, nothing of the
environment is in it, and no secret. The version number is not part of it, since the database hands that out.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from crossdock.crosswalk.directory import Directory, Item, Partner
from crossdock.policy.agreement import Agreement
from crossdock.policy.stock import Channel, StockItem, StockPolicy
from crossdock.ports.system import System
from crossdock.workspace.model import Company, Loaded, SourceFile

FORMAT = 1
"""The present format of snapshots. An old one is lifted in `from_snapshot`, never rewritten."""


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document. partner_items: [partner, qualifier, id, item]; prices: [list, item, price]."""

    format: int
    company: Company
    partners: tuple[Partner, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    systems: tuple[System, ...] = ()
    items: tuple[Item, ...] = ()
    partner_items: tuple[tuple[str, str, str, str], ...] = ()
    prices: tuple[tuple[str, str, Decimal], ...] = ()
    sites: Mapping[str, str] = {}
    default_warehouse: str = ""
    default_site: str = ""
    routing: str = ""
    stock: StockPolicy | None = None
    stock_items: Mapping[str, StockItem] = {}
    channels: tuple[Channel, ...] = ()
    sources: tuple[SourceFile, ...] = ()


def _ratio(value: Any) -> Any:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


def _from_ratio(kind: type, value: Any) -> Any:
    if kind is Fraction:
        return Fraction(value)
    raise NotImplementedError(f"no {kind.__name__} out of JSON")


_encoder = msgspec.json.Encoder(enc_hook=_ratio, order="deterministic")
_decoder = msgspec.json.Decoder(Document, dec_hook=_from_ratio)


def snapshot(loaded: Loaded) -> bytes:
    """The whole workspace in UTF-8 JSON."""
    words = loaded.directory
    few = Document(
        format=FORMAT,
        company=loaded.company,
        partners=tuple(words.partners[id] for id in sorted(words.partners)),
        agreements=tuple(msgspec.structs.replace(loaded.agreements[id], version=0) for id in sorted(loaded.agreements)),
        systems=tuple(loaded.systems[id] for id in sorted(loaded.systems)),
        sites=words.sites,
        default_warehouse=words.default_warehouse,
        default_site=words.default_site,
        routing=words.routing.decode(),
        stock=msgspec.structs.replace(loaded.stock, items={}) if loaded.stock else None,
        channels=tuple(loaded.channels[id] for id in sorted(loaded.channels)),
        sources=loaded.sources,
    )
    # A default of 5 in a field of floats is 5.0 once it has been read back; one way round makes both the same.
    document = msgspec.structs.replace(
        _decoder.decode(_encoder.encode(few)),
        items=tuple(words.items[id] for id in sorted(words.items)),
        partner_items=tuple((*key, words.partner_items[key]) for key in sorted(words.partner_items)),
        prices=tuple((*key, words.prices[key]) for key in sorted(words.prices)),
        stock_items=loaded.stock.items if loaded.stock else {},
    )
    return _encoder.encode(document)


def from_snapshot(data: bytes, version: int = 0) -> Loaded:
    """The workspace in `data`, under the number that the database keeps it by. Raises ValueError for a document of an unknown format."""
    document = _decoder.decode(data)
    if document.format != FORMAT:
        raise ValueError(f"snapshot of format {document.format}; this Crossdock reads format {FORMAT}")
    directory = Directory(
        version=0,
        company=document.company.name,
        currency=document.company.currency,
        partners={p.id: p for p in document.partners},
        items={i.id: i for i in document.items},
        partner_items={(partner, qualifier, id): item for partner, qualifier, id, item in document.partner_items},
        prices={(price_list, item): price for price_list, item, price in document.prices},
        sites=document.sites,
        default_warehouse=document.default_warehouse,
        default_site=document.default_site,
        routing=document.routing.encode(),
    )
    loaded = Loaded(
        company=document.company,
        directory=directory,
        agreements={a.partner: a for a in document.agreements},
        systems={s.id: s for s in document.systems},
        stock=msgspec.structs.replace(document.stock, items=document.stock_items) if document.stock else None,
        channels={c.id: c for c in document.channels},
        sources=document.sources,
    )
    return loaded.at(version) if version else loaded


def digest(data: bytes) -> str:
    """The SHA-256 of a snapshot in hexadecimal: by this two versions are known to be the same."""
    return hashlib.sha256(data).hexdigest()
