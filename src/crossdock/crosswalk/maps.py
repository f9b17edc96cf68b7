"""JSON maps: one JSON object made of another by expressions (zen-engine's), compiled once and evaluated as one
expression.

Text stays text, digit by digit. A number with a fraction, or one too long for a float, reaches an expression as the
text it was written as, and an
expression that ends in such a number is an error: an exact result is written `string(number(price) *
number(quantity))`. What is wrong is told with
the map, the key and the expression. No clock, no network; an expression can neither loop nor call out.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import zen

from crossdock.crosswalk.plain import may_hold_nul, nul_in

LONGEST_INTEGER = 2**53
"""Whole numbers up to this are exact in a float; longer ones are handed to expressions as text."""

_LONG_DIGITS = re.compile(rb"\d{16}")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=str)
_encoder = msgspec.json.Encoder()


class MapError(ValueError):
    """A map that cannot be compiled or evaluated. `where` names the map and key, `expression` is as written, `reason`
    in words."""

    def __init__(self, where: str, expression: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}" + (f" in `{expression}`" if expression else ""))
        self.where = where
        self.expression = expression
        self.reason = reason


def read_json(data: bytes, where: str = "input") -> Any:
    """The JSON value in `data` as expressions see it: fractions and integers above 2**53 as the text they were written
    as. Raises MapError."""
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MapError(where, "", f"is not JSON: {error}") from None
    if may_hold_nul(data) and (place := nul_in(value)) is not None:
        raise MapError(where, "", f"holds a NUL at {place}, which no text may")
    return _long_integers_as_text(value) if _LONG_DIGITS.search(data) else value


def _long_integers_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _long_integers_as_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_long_integers_as_text(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LONGEST_INTEGER:
        return str(value)
    return value


class Expression:
    """One expression. `evaluate` gives text, whole numbers, true, false, None, lists and objects; never a float."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self._compiled = _compile(text, where)

    def evaluate(self, value: Any) -> Any:
        """`value` is an object as `read_json` gives it, or JSON bytes known to hold no bare fractions. Raises
        MapError."""
        try:
            return _exact(self._compiled.evaluate(value), self.where)
        except RuntimeError as error:
            raise MapError(self.where, self.text, _reason(error)) from None
        except _Inexact as error:
            raise MapError(self.where, self.text, str(error)) from None

    def holds(self, value: Any) -> bool:
        """Whether the expression says true. Raises MapError when it says anything but true, false or null."""
        answer = self.evaluate(value)
        if answer is None or isinstance(answer, bool):
            return bool(answer)
        raise MapError(self.where, self.text, f"should say true or false, and says {answer!r}")


class Map:
    """A table of key to expression, itself perhaps with tables and lists inside; numbers and booleans stand for
    themselves.

    A key whose expression gives null is left out. The whole table is one compiled expression, since handing the input
    over costs more than evaluating.
    """

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._table = table
        self._parts: list[Expression] = []
        self._whole = _compile(self._source(table, where), where)

    def _source(self, node: Any, where: str) -> str:
        if isinstance(node, Mapping):
            return (
                "{"
                + ", ".join(f"{_key(key, where)}: {self._source(each, f'{where}.{key}')}" for key, each in node.items())
                + "}"
            )
        if isinstance(node, str):
            self._parts.append(Expression(node, where))
            return f"({node})"
        if isinstance(node, bool):
            return "true" if node else "false"
        if isinstance(node, int):
            return str(node)
        if isinstance(node, Sequence):
            return "[" + ", ".join(self._source(each, f"{where}[{index}]") for index, each in enumerate(node)) + "]"
        raise MapError(where, str(node), "is neither an expression, a whole number, true, false, a table nor a list")

    def apply(self, value: Any) -> dict[str, Any]:
        """The new object. `value` as for `Expression.evaluate`. Raises MapError that names the key."""
        try:
            result: dict[str, Any] = _exact(self._whole.evaluate(value), self.where)
        except (RuntimeError, _Inexact) as error:
            for part in self._parts:
                part.evaluate(value)
            raise MapError(self.where, "", _reason(error)) from None
        return _without_nulls(result, self._table)


def _without_nulls(result: dict[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    # Only keys that the map itself declares: a null within a value is the value's own.
    return {
        key: _without_nulls(each, table[key]) if isinstance(table[key], Mapping) else each
        for key, each in result.items()
        if each is not None
    }


class _Inexact(ValueError):
    pass


def _compile(text: str, where: str) -> Any:
    if not text.strip():
        raise MapError(where, text, "is empty")
    try:
        return zen.compile_expression(text)
    except RuntimeError as error:
        raise MapError(where, text, _reason(error)) from None


def _reason(error: Exception) -> str:
    # zen-engine's message is a line of JSON followed by a stack trace of its own build.
    first = str(error).split("\n", 1)[0]
    try:
        told = msgspec.json.decode(first)
        return f"{told['type']}: {told['source']}"
    except (msgspec.DecodeError, KeyError, TypeError):
        return first


def _key(key: str, where: str) -> str:
    if '"' in key:
        raise MapError(where, key, "a key may hold no double quote")
    return f'"{key}"'


def _exact(value: Any, where: str) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is float:
        if not value.is_integer():
            raise _Inexact(
                f"{where}: the result {value!r} is a number with a fraction; write string(...) to keep its digits"
            )
        if abs(value) > LONGEST_INTEGER:
            raise _Inexact(
                f"{where}: the result {value!r} is too long for an exact number; write string(...) to keep its digits"
            )
        return int(value)
    if kind is dict:
        return {key: each if type(each) is str else _exact(each, where) for key, each in value.items()}
    if kind is list:
        return [each if type(each) is str else _exact(each, where) for each in value]
    return value


def to_json(value: Any) -> bytes:
    """JSON bytes of what a map made."""
    return _encoder.encode(value)
