"""Decimals with which nobody can count: JSON and msgspec let NaN, Infinity and 1E+999999 pass as numbers, and in a process each would stop all that follows. Pure.

Readers refuse them where they stand, so that a person sees.
"""

from decimal import Decimal
from typing import Any

from msgspec import Struct

DIGITS_BEFORE, DIGITS_BEHIND = 18, 18
"""Of the point. X12's longest number has 18 digits; no quantity, price or sum of a trade needs more."""


def countable(value: Decimal) -> bool:
    """Whether a decimal is a number with no more digits than one can count with exactly."""
    if not value.is_finite() or value.adjusted() >= DIGITS_BEFORE:
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DIGITS_BEHIND


def uncountable_in(value: Any, at: str = "#") -> str | None:
    """Where in a document the first decimal stands that is not countable, as a JSON pointer (RFC 6901); None where there is none."""
    if isinstance(value, Decimal):
        return None if countable(value) else at
    if isinstance(value, Struct):
        steps = [(name, getattr(value, name)) for name in value.__struct_fields__]
    elif isinstance(value, dict):
        steps = [(str(name).replace("~", "~0").replace("/", "~1"), each) for name, each in value.items()]
    elif isinstance(value, list | tuple):
        steps = [(str(place), each) for place, each in enumerate(value)]
    else:
        return None
    for name, each in steps:
        if type(each) is not str and (found := uncountable_in(each, f"{at}/{name}")) is not None:
            return found
    return None
