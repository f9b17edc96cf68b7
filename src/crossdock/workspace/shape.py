"""Does a TOML table have the shape of a msgspec Struct? Unlike msgspec's own decoder it reports every problem, each with its key path and what was meant.

Decimals are read from TOML numbers without passing through a float (`parse_float=Decimal`). TOML has no null: where None is
allowed, the word "never" stands for it.
"""

import math
import pathlib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from msgspec import inspect

from crossdock.workspace.positions import Path
from crossdock.workspace.problems import did_you_mean

_SECRET = re.compile("secret|password|token|credential")


class Complain(Protocol):
    """Takes a problem at a key path."""

    def __call__(self, code: str, message: str, path: Path, meant: str = "") -> None: ...


_WRONG = object()
"""What `_fit` gives for a value that has been complained about."""


def fit(
    data: Mapping[str, Any],
    shape: type[msgspec.Struct],
    complain: Complain,
    path: Path = (),
    beside: Iterable[str] = (),
) -> Any:
    """`data` as a `shape`; fields with problems, each complained about, keep their default. None when a required one is missing or wrong.

    `beside` are keys that may stand in the same table and belong to somebody else: they are meant in "did you mean".
    """
    kind = inspect.type_info(shape)
    assert isinstance(kind, inspect.StructType)
    value = _struct(data, kind, complain, path, beside)
    return None if value is _WRONG else value


def fields(shape: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    """The fields of a Struct, with their types as `msgspec.inspect` tells them."""
    kind = inspect.type_info(shape)
    assert isinstance(kind, inspect.StructType)
    return kind.fields


def plain(value: Any) -> Any:
    """`value` with decimals as floats: for tables that a connector reads itself, where no money stands."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def _struct(data: Any, kind: inspect.StructType, complain: Complain, path: Path, beside: Iterable[str] = ()) -> Any:
    if not isinstance(data, Mapping):
        complain("bad-value", f"{_name(path)} must be a table, not {_said(data, path)}", path)
        return _WRONG
    by_name = {f.name: f for f in kind.fields}
    values: dict[str, Any] = {}
    whole = True
    for key, given in data.items():
        if key == kind.tag_field:
            continue
        if key not in by_name:
            complain(
                "unknown-key",
                f"unknown key `{key}`{_within(path)}",
                (*path, key),
                did_you_mean(key, {*by_name, *beside}),
            )
            continue
        value = _fit(given, by_name[key].type, complain, (*path, key))
        if value is not _WRONG:
            values[key] = value
        elif by_name[key].required:
            whole = False
    for name, field in by_name.items():
        if field.required and name not in data:
            complain("missing-key", f"`{name}` is missing{_within(path)}", path, words(field.type))
            whole = False
    if not whole:
        return _WRONG
    try:
        return kind.cls(**values)
    except ValueError as error:  # a Struct may have rules of its own, as Secret does
        complain("bad-value", f"{_name(path)}: {error}", path)
        return _WRONG


def _fit(value: Any, kind: inspect.Type, complain: Complain, path: Path, shown: inspect.Type | None = None) -> Any:
    match kind:
        case inspect.Metadata():
            return _fit(value, kind.type, complain, path)
        case inspect.AnyType():
            return value
        case inspect.StructType():
            return _struct(value, kind, complain, path)
        case inspect.UnionType():
            if value == "never" and any(isinstance(t, inspect.NoneType) for t in kind.types):
                return None
            others = [t for t in kind.types if not isinstance(t, inspect.NoneType)]
            if len(others) == 1:
                return _fit(value, others[0], complain, path, kind)
            if all(isinstance(t, inspect.StructType) and t.tag_field for t in others):
                return _tagged(value, others, complain, path)
        case inspect.DictType():
            if isinstance(value, Mapping):
                fitted = {k: _fit(v, kind.value_type, complain, (*path, k)) for k, v in value.items()}
                return {k: v for k, v in fitted.items() if v is not _WRONG}
        case inspect.VarTupleType():
            if isinstance(value, list):
                parts = [_fit(v, kind.item_type, complain, (*path, i)) for i, v in enumerate(value)]
                return tuple(p for p in parts if p is not _WRONG)
        case inspect.LiteralType():
            if value in kind.values and not isinstance(value, bool):
                return value
            meant = did_you_mean(str(value), [str(v) for v in kind.values if v != ""])
            complain("bad-value", f"{_name(path)} cannot be {_said(value, path)}", path, meant)
            return _WRONG
        case inspect.BoolType():
            if isinstance(value, bool):
                return value
        case inspect.StrType():
            if isinstance(value, str):
                if (kind.pattern and not re.search(kind.pattern, value)) or len(value) < (kind.min_length or 0):
                    complain(
                        "bad-value",
                        f"{_name(path)} cannot be {_said(value, path)}",
                        path,
                        f"it must be {expected(kind)}",
                    )
                    return _WRONG
                return value
        case inspect.DateType():
            if isinstance(value, date) and not isinstance(value, datetime):
                return value
        case inspect.CustomType(cls=cls) if issubclass(cls, pathlib.PurePath):
            if isinstance(value, str):
                return pathlib.Path(value)
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            if (number := _number(value, kind)) is not None:
                return number
    complain("bad-value", f"{_name(path)} must be {expected(shown or kind)}, not {_said(value, path)}", path)
    return _WRONG


def _tagged(value: Any, kinds: list[Any], complain: Complain, path: Path) -> Any:
    """One of several tables, told apart by their tag."""
    key, by_tag = kinds[0].tag_field, {kind.tag: kind for kind in kinds}
    if not isinstance(value, Mapping):
        complain("bad-value", f"{_name(path)} must be a table, not {_said(value, path)}", path)
    elif key not in value:
        complain("missing-key", f"`{key}` is missing in {_name(path)}", path, did_you_mean("", by_tag))
    elif value[key] not in by_tag:
        complain(
            "bad-value",
            f"{_name((*path, key))} cannot be {_said(value[key], (*path, key))}",
            (*path, key),
            did_you_mean(str(value[key]), by_tag),
        )
    else:
        return _struct(value, by_tag[value[key]], complain, path)
    return _WRONG


def _number(value: Any, kind: inspect.IntType | inspect.FloatType | inspect.DecimalType) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    if isinstance(value, str) and not (isinstance(kind, inspect.DecimalType) and re.fullmatch(r"-?\d+(\.\d+)?", value)):
        return None
    if isinstance(kind, inspect.IntType):
        if not isinstance(value, int):
            return None
        return value if (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le) else None
    if not math.isfinite(Decimal(value)):
        return None
    return float(value) if isinstance(kind, inspect.FloatType) else Decimal(value)


def expected(kind: inspect.Type) -> str:
    """What a value of this type looks like, in words: for problems and for the reference."""
    match kind:
        case inspect.Metadata():
            return expected(kind.type)
        case inspect.StructType():
            return "a table"
        case inspect.DictType():
            return "a table"
        case inspect.VarTupleType():
            return "a list of tables" if isinstance(_bare(kind.item_type), inspect.StructType) else "a list"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return (
                f"a text like {kind.pattern}"
                if kind.pattern
                else "a text that is not empty"
                if kind.min_length
                else "a text"
            )
        case inspect.IntType():
            bounds = "" if kind.ge is None or kind.le is None else f" from {kind.ge} to {kind.le}"
            return f"a whole number{bounds}"
        case inspect.FloatType():
            return "a number"
        case inspect.DecimalType():
            return "a decimal number"
        case inspect.CustomType():
            return "a path"
        case inspect.DateType():
            return "a date like 2026-03-01"
        case inspect.LiteralType():
            return "one of " + ", ".join(f"`{v}`" for v in kind.values if v != "")
        case inspect.UnionType():
            inner = " or ".join(expected(t) for t in kind.types if not isinstance(t, inspect.NoneType))
            return f'{inner}, or "never"' if _bare(kind.types[0]).__class__ is inspect.FloatType else inner
        case _:
            return "anything"


def words(kind: inspect.Type) -> str:
    """The description that a declaration carries, "" if none."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", ""))
    return ""


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _name(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return f"`{text}`" if text else "the file"


def _within(path: Path) -> str:
    return f" in {_name(path)}" if path else ""


def _said(value: Any, path: Path) -> str:
    """A value in a message. One that stands where a secret is named is none for a message."""
    if isinstance(value, str) and any(isinstance(part, str) and _SECRET.search(part) for part in path):
        return "a text"
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"' if len(value) < 60 else f'"{value[:57]}..."'
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)
