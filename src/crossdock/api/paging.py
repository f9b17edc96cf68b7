"""Pages of a list. A cursor holds the sort values of the last row, bound to the list, its filters and the caller's partner.

It is opaque, not secret: rights are checked on every page anew, and the values are only ever handed to a query as parameters.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from crossdock.api.problem import Problem, problem

T = TypeVar("T")

DEFAULT_LIMIT, LONGEST = 50, 500
"""Rows of a page unless `limit` says otherwise, and at the most."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some rows of a list. next: the cursor of the page after this one, None when this is the last."""

    items: list[T]
    next: str | None = None


def encode(values: Sequence[Any], bound: Sequence[Any]) -> str:
    """A cursor that goes on after the row with these sort values. `bound`: the list's name, its filters and `principal.only`."""
    return base64.urlsafe_b64encode(_sum(bound) + msgspec.json.encode(list(values))).decode().rstrip("=")


def decode(cursor: str | None, bound: Sequence[Any], shape: Any = list[Any]) -> Any:
    """The sort values in `cursor`, converted to `shape` (such as `tuple[datetime, str]`); None when there is none. Raises Problem bad-cursor."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if raw[:8] != _sum(bound):
            raise _foreign()
        return msgspec.json.decode(raw[8:], type=shape)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _foreign() from None


def page(rows: Sequence[T], limit: int, bound: Sequence[Any], values: Any) -> Page[T]:
    """The page in `rows`, of which one more than `limit` was asked for; `values(row)` are the sort values of a row."""
    kept = list(rows[:limit])
    return Page(kept, encode(values(kept[-1]), bound) if len(rows) > limit else None)


def _sum(bound: Sequence[Any]) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(list(bound)), digest_size=8).digest()


def _foreign() -> Problem:
    return problem(
        "bad-cursor",
        "this cursor is not of this list with these filters",
        errors=[{"parameter": "cursor", "detail": "not of this list"}],
    )
