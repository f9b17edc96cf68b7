"""The place of each key of a TOML file."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.workspace.positions import positions

from .conftest import WHOLESALER

TEXT = '''\
top = 1 # [not.a.table]
"quoted key" = "a = 1 \\" # still text"
dotted . key = true

[table]
many = [
  1, # a comment ]
  { inner = "x", deep = { er = """
three = 3
lines""" } },
]
after = \'\'\'
[also.no.table]
\'\'\'

[[rows]]
id = "a"

[rows.sub]
x = 1

[[rows]]
id = "b"
sub.x = 2
["odd.name".'x y']
z = 1979-05-27T07:32:00Z
'''

PLACES = [
    (("top",), (1, 1)),
    (("quoted key",), (2, 1)),
    (("dotted", "key"), (3, 1)),
    (("table",), (5, 1)),
    (("table", "many"), (6, 1)),
    (("table", "many", 0), (7, 3)),
    (("table", "many", 1, "inner"), (8, 5)),
    (("table", "many", 1, "deep", "er"), (8, 27)),
    (("table", "after"), (12, 1)),
    (("rows", 0), (16, 1)),
    (("rows", 0, "id"), (17, 1)),
    (("rows", 0, "sub", "x"), (20, 1)),
    (("rows", 1, "id"), (23, 1)),
    (("rows", 1, "sub", "x"), (24, 1)),
    (("odd.name", "x y", "z"), (26, 1)),
]


@pytest.mark.parametrize(("path", "place"), PLACES, ids=[".".join(map(str, p[0])) for p in PLACES])
def test_a_key_stands_where_a_person_sees_it(path, place) -> None:
    assert positions(TEXT).of(path) == place


def test_what_is_not_there_stands_where_its_table_does() -> None:
    assert positions(TEXT).of(("table", "missing", 3)) == (5, 1)
    assert positions(TEXT).of(("nowhere",)) == (1, 0)


def _paths(value: Any, path: tuple = ()) -> Iterator[tuple]:
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(each, dict | list):
            yield from _paths(each, (*path, key))


@pytest.mark.parametrize("file", sorted(WHOLESALER.rglob("*.toml")), ids=lambda p: p.name)
def test_every_key_of_the_example_has_a_place_and_its_name_stands_there(file: Path) -> None:
    text = file.read_text()
    lines = text.splitlines()
    found = positions(text)
    for path in _paths(tomllib.loads(text)):
        line, column = found.of(path)
        assert column, path
        if isinstance(path[-1], str):
            assert path[-1] in lines[line - 1], path


keys = st.text(alphabet="abcé .\"'#=[]\\\n\t", min_size=1, max_size=5)
values = st.recursive(
    st.integers() | st.booleans() | st.text(alphabet="ab\"'#=[]{},\\\n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)} = {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(c, c) for c in text) + '"'


@given(st.dictionaries(keys, values, max_size=4))
def test_no_key_of_any_toml_text_is_missed(data: dict[str, Any]) -> None:
    text = "\n".join(f"{_text(k)} = {_written(v)}" for k, v in data.items())
    assert tomllib.loads(text) == data
    found = positions(text)
    starts = {k: line for line, k in enumerate(data, 1)}
    for path in _paths(data):
        line, column = found.of(path)
        assert column
        assert line == starts[path[0]]
