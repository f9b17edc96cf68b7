"""Decimals with which nobody can count: JSON and msgspec let NaN, Infinity and 1E+999999 pass as numbers, and in a process each would stop all that follows. Pure.

Readers refuse them where they stand, so that a person sees.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct, inspect, structs

DIGITS_BEFORE, DIGITS_BEHIND = 18, 18
"""Of the point. X12's longest number has 18 digits; no quantity, price or sum of a trade needs more."""


def countable(value: Decimal) -> bool:
    """Whether a decimal is a number with no more digits than one can count with exactly."""
    if not value.is_finite() or value.adjusted() >= DIGITS_BEFORE:
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DIGITS_BEHIND


@lru_cache
def _with_amounts(kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a Struct in which a decimal may stand."""
    return tuple(field.name for field in structs.fields(kind) if _may_hold(inspect.type_info(field.type)))


def _may_hold(kind: inspect.Type) -> bool:
    match kind:
        case inspect.DecimalType() | inspect.AnyType() | inspect.CustomType():
            return True
        case inspect.Metadata():
            return _may_hold(kind.type)
        case inspect.StructType():
            return bool(_with_amounts(kind.cls))
        case inspect.UnionType():
            return any(map(_may_hold, kind.types))
        case inspect.CollectionType():
            return _may_hold(kind.item_type)
        case inspect.TupleType():
            return any(map(_may_hold, kind.item_types))
        case inspect.DictType():
            return _may_hold(kind.value_type)
    return False


def uncountable_in(value: Any, at: str = "#") -> str | None:
    """Where in a document the first decimal stands that is not countable, as a JSON pointer (RFC 6901); None where there is none."""
    if isinstance(value, Decimal):
        return None if countable(value) else at
    if isinstance(value, Struct):
        steps = [(name, getattr(value, name)) for name in _with_amounts(type(value))]
    elif isinstance(value, dict):
        steps = [(str(name).replace("~", "~0").replace("/", "~1"), each) for name, each in value.items()]
    elif isinstance(value, list | tuple):
        steps = [(str(place), each) for place, each in enumerate(value)]
    else:
        return None
    for name, each in steps:
        if each is not None and type(each) is not str and (found := uncountable_in(each, f"{at}/{name}")) is not None:
            return found
    return None
