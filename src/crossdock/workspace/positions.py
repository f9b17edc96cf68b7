"""Where each key of a TOML file stands: key path to line and column.

`tomllib` checks the syntax but tells no places. This walks a text that `tomllib` has accepted, so it need not complain; it
knows tables, arrays of tables, dotted and quoted keys, inline tables, arrays and the four kinds of string.
"""

import re
from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
Position = tuple[int, int]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'',
    re.DOTALL,
)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Position] = {}
        self._line = 1
        self._line_start = 0
        self._counted = 0

    def here(self) -> Position:
        """Line and column of the present place; places are asked for in rising order."""
        breaks = self.text.count("\n", self._counted, self.at)
        if breaks:
            self._line += breaks
            self._line_start = self.text.rfind("\n", self._counted, self.at) + 1
        self._counted = self.at
        return self._line, self.at - self._line_start + 1

    def blank(self) -> None:
        if match := _BLANK.match(self.text, self.at):
            self.at = match.end()

    def spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def key(self) -> Path:
        """A dotted key."""
        parts: list[str] = []
        while True:
            self.spaces()
            if match := _BARE.match(self.text, self.at):
                parts.append(match[0])
            elif match := _STRING.match(self.text, self.at):
                parts.append(_unquoted(match[0]))
            else:
                return tuple(parts)
            self.at = match.end()
            self.spaces()
            if self.peek() != ".":
                return tuple(parts)
            self.at += 1

    def mark(self, base: Path, key: Path, place: Position) -> Path:
        for depth in range(1, len(key) + 1):
            self.found.setdefault(base + key[:depth], place)
        return base + key

    def pair(self, base: Path) -> None:
        place = self.here()
        path = self.mark(base, self.key(), place)
        self.at += 1  # the equals sign
        self.spaces()
        self.value(path)

    def value(self, path: Path) -> None:
        self.blank()
        if match := _STRING.match(self.text, self.at):
            self.at = match.end()
        elif self.peek() == "[":
            self.at += 1
            index = 0
            while True:
                self.blank()
                if self.peek() in ("]", ""):
                    break
                if self.peek() == ",":
                    self.at += 1
                    continue
                self.found[(*path, index)] = self.here()
                self.value((*path, index))
                index += 1
            self.at += 1
        elif self.peek() == "{":
            self.at += 1
            while True:
                self.blank()
                if self.peek() in ("}", ""):
                    break
                if self.peek() == ",":
                    self.at += 1
                    continue
                before = self.at
                self.pair(path)
                if self.at == before:
                    return
            self.at += 1
        elif match := _SCALAR.match(self.text, self.at):
            self.at = match.end()

    def file(self) -> dict[Path, Position]:
        base: Path = ()
        arrays: dict[Path, int] = {}
        while True:
            self.blank()
            if self.at >= len(self.text):
                return self.found
            before = self.at
            if self.text.startswith("[[", self.at):
                place = self.here()
                self.at += 2
                name = self._real(self.key(), arrays)
                self.at += 2
                index = arrays.get(name, -1) + 1
                arrays[name] = index
                self.found.setdefault(name, place)
                base = (*name, index)
                self.found[base] = place
            elif self.peek() == "[":
                place = self.here()
                self.at += 1
                base = self.mark((), self._real(self.key(), arrays), place)
                self.at += 1
            else:
                self.pair(base)
            if self.at == before:  # not TOML after all: what has been found stands
                return self.found

    @staticmethod
    def _real(name: Path, arrays: Mapping[Path, int]) -> Path:
        """`[a.b]` below `[[a]]` belongs to the last `a`."""
        real: Path = ()
        for depth, part in enumerate(name):
            real = (*real, part)
            if depth + 1 < len(name) and real in arrays:
                real = (*real, arrays[real])
        return real


def _unquoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1]
    return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1]) or chr(int(m[1][1:], 16)), text[1:-1])


class Positions:
    """The places of one file's keys."""

    def __init__(self, found: Mapping[Path, Position]) -> None:
        self._found = found

    def of(self, path: Path) -> Position:
        """Where `path` stands, or the nearest thing around it that has a place of its own."""
        while path:
            if path in self._found:
                return self._found[path]
            path = path[:-1]
        return 1, 0


def positions(text: str) -> Positions:
    """The places of all keys of a TOML text that `tomllib` accepts."""
    return Positions(_Walk(text).file())


def at(data: Any, path: Path) -> Any:
    """The value under `path`. Raises KeyError or IndexError when there is none."""
    for part in path:
        data = data[part]
    return data
