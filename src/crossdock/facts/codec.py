"""Fact data to JSON and back, and how data of an old version is lifted to the present one.

The body of a fact is UTF-8 JSON with its `type`; the version stands beside it. A new version of a fact adds one function to `LIFTS`;
old bytes are never rewritten.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from crossdock.facts.feed import FeedFact, SourceFact
from crossdock.facts.interchange import InterchangeFact
from crossdock.facts.order import OrderFact
from crossdock.facts.receipt import ReceiptFact
from crossdock.facts.stock import StockFact
from crossdock.facts.told import Told
from crossdock.facts.variance import VarianceFact

AnyFact = OrderFact | InterchangeFact | StockFact | FeedFact | SourceFact | VarianceFact | ReceiptFact

VERSIONS: Mapping[str, int] = {}
"""Present version by fact type, where it is not 1."""

LIFTS: Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""(type, old version) to the function that makes the next version's JSON object of it."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyFact)


def fact_types() -> dict[str, type[Told]]:
    """Every fact type by its tag."""
    return {t.__struct_config__.tag: t for t in get_args(AnyFact)}


_TAGS: dict[type, tuple[str, int]] = {t: (tag, VERSIONS.get(tag, 1)) for tag, t in fact_types().items()}


def type_of(data: Told) -> tuple[str, int]:
    """The (type, version) under which `data` is written."""
    return _TAGS[type(data)]


def encode(data: Told) -> bytes:
    """The JSON body of a fact."""
    return _encoder.encode(data)


def lift(type_: str, version: int, body: bytes) -> bytes:
    """`body` in the present version of its type. Raises KeyError when a version is unknown."""
    present = VERSIONS.get(type_, 1)
    if version == present:
        return body
    value = msgspec.json.decode(body)
    while version < present:
        value = LIFTS[type_, version](value)
        version += 1
    return _encoder.encode(value)


def decode(type_: str, version: int, body: bytes) -> Any:
    """The fact data in `body`. Raises msgspec.ValidationError when it is not of its type."""
    return _decoder.decode(lift(type_, version, body))
