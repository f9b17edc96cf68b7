"""What differs between two versions of a workspace, field by field; of items, prices and cross-references how many, and which ones first."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal, TypeVar

import msgspec

from crossdock.policy.stock import StockPolicy
from crossdock.workspace.model import Loaded

SHOWN = 5
"""So many ids of a long list are named."""


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that differs: its dotted name, and its JSON before and after (None: not there)."""

    name: str
    before: Any = None
    after: Any = None


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that differs. what: company, partner, agreement, system, site, stock, channel, routing, items, stock-items, item-references, prices.

    For the last four, which may be long, `count` says how many and `examples` which ones first; the others have an `id` and,
    when changed, `fields`.
    """

    what: str
    how: Literal["added", "changed", "removed"]
    id: str = ""
    fields: tuple[Field, ...] = ()
    count: int = 1
    examples: tuple[str, ...] = ()


def compare(before: Loaded | None, after: Loaded) -> tuple[Change, ...]:
    """Every difference in what the two mean. Comments, file names and the order of rows are no difference."""
    return tuple(_changes(before, after))


def _changes(before: Loaded | None, after: Loaded) -> Iterator[Change]:
    old = before.directory if before else None
    new = after.directory
    yield from _each("company", {"": before.company} if before else {}, {"": after.company})
    yield from _each("defaults", {"": _defaults(before)} if before else {}, {"": _defaults(after)})
    yield from _each("system", before.systems if before else {}, after.systems)
    yield from _each("partner", old.partners if old else {}, new.partners)
    yield from _each("agreement", before.agreements if before else {}, after.agreements)
    yield from _each("site", old.sites if old else {}, new.sites)
    yield from _each("stock", _stock(before), _stock(after))
    yield from _each("channel", before.channels if before else {}, after.channels)
    if (old.routing if old else b"") != new.routing:
        yield Change(
            what="routing", how="added" if not old or not old.routing else "changed" if new.routing else "removed"
        )
    yield from _counted("items", old.items if old else {}, new.items, str)
    kept = before.stock.items if before and before.stock else {}
    yield from _counted("stock-items", kept, after.stock.items if after.stock else {}, str)
    yield from _counted("item-references", old.partner_items if old else {}, new.partner_items, "/".join)
    yield from _counted("prices", old.prices if old else {}, new.prices, "/".join)


def _defaults(loaded: Loaded) -> dict[str, str]:
    return {"warehouse": loaded.directory.default_warehouse, "site": loaded.directory.default_site}


def _stock(loaded: Loaded | None) -> dict[str, StockPolicy]:
    return {"": msgspec.structs.replace(loaded.stock, items={})} if loaded and loaded.stock else {}


def _each(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for id in sorted({*before, *after}):
        if id not in before:
            yield Change(what=what, how="added", id=id)
        elif id not in after:
            yield Change(what=what, how="removed", id=id)
        else:
            old, new = _flat(before[id]), _flat(after[id])
            names = [n for n in {**old, **new} if n != "version" and old.get(n) != new.get(n)]
            if names:
                yield Change(
                    what=what,
                    how="changed",
                    id=id,
                    fields=tuple(Field(name, old.get(name), new.get(name)) for name in names),
                )


K = TypeVar("K")


def _counted(what: str, before: Mapping[K, Any], after: Mapping[K, Any], name: Callable[[K], str]) -> Iterator[Change]:
    lists: tuple[tuple[Literal["added", "changed", "removed"], list[K]], ...] = (
        ("added", [k for k in after if k not in before]),
        ("changed", [k for k, v in after.items() if k in before and before[k] != v]),
        ("removed", [k for k in before if k not in after]),
    )
    for how, keys in lists:
        if keys:
            first = sorted(name(k) for k in keys)[:SHOWN]
            yield Change(what=what, how=how, count=len(keys), examples=tuple(first))


def _flat(value: Any) -> dict[str, Any]:
    """Nested tables as one, with dotted names; lists are one value each."""
    plain = msgspec.to_builtins(value, enc_hook=_text)
    if not isinstance(plain, dict):
        return {"name": plain}
    found: dict[str, Any] = {}

    def descend(table: Mapping[str, Any], above: str) -> None:
        for key, each in table.items():
            if isinstance(each, dict) and each:
                descend(each, f"{above}{key}.")
            else:
                found[above + key] = each

    descend(plain, "")
    return found


def _text(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(f"no JSON for {type(value).__name__}")
