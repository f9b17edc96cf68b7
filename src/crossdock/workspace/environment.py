"""What a workspace leaves to the machine it runs on: `${NAME}` and `${NAME:-default}` in settings, and references to secrets.

Versions are stored as declared, so that they are the same everywhere; `connected` fills them in where connections are made. Secrets
are never filled in: `{ env = "NAME" }` and `{ file = "path" }` stay references that the connectors resolve when they need them.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from crossdock.ports.system import System
from crossdock.workspace.model import Loaded
from crossdock.workspace.positions import Path as KeyPath

# Upper case only: `${order.number}` in a map is an expression's own template.
_VARIABLE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")
_SECRET_KEY = re.compile(
    r"(^|[_-])(token|password|passwd|passphrase|secret|secrets|api[_-]?key|access[_-]?key|private[_-]?key|authorization)$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(r"^(Bearer|Basic)\s+\S+|-----BEGIN [A-Z ]*PRIVATE KEY-----|^whsec_\S+", re.IGNORECASE)

_EXPRESSIONS = {"body", "answer", "data"}
"""Tables of a JSON system that hold expressions, where a key called `token` holds none."""


class MissingVariable(LookupError):
    """A `${NAME}` without a default names a variable that is not set."""


def substituted(text: str, environ: Mapping[str, str]) -> str:
    """`text` with each `${NAME}` or `${NAME:-default}` replaced; a variable that is empty counts as not set. Raises MissingVariable."""

    def value(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if environ.get(name):
            return environ[name]
        if default is None:
            raise MissingVariable(name)
        return default

    return _VARIABLE.sub(value, text)


def is_reference(value: Any) -> bool:
    """Whether `value` refers to a secret: `{ env = "NAME" }` or `{ file = "path" }`, and nothing beside it."""
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("env", value.get("file")), str)


def filled(value: Any, environ: Mapping[str, str]) -> Any:
    """`value` with every text in it substituted; references to secrets stay as they are. Raises MissingVariable."""
    if isinstance(value, str):
        text = substituted(value, environ)
        # A port or a rate that comes from the environment is a number again.
        whole = _VARIABLE.fullmatch(value)
        return int(text) if whole and re.fullmatch(r"\d{1,15}", text) else text
    if is_reference(value):
        return value
    if isinstance(value, Mapping):
        return {k: filled(v, environ) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [filled(v, environ) for v in value]
    return value


def connected(loaded: Loaded, environ: Mapping[str, str], root: Path) -> dict[str, System]:
    """The systems as they are on this machine: variables filled in, files of secrets below `root`, the workspace. Raises MissingVariable."""
    return {
        id: msgspec.structs.replace(system, settings=_rooted(filled(system.settings, environ), root))
        for id, system in loaded.systems.items()
    }


def _rooted(value: Any, root: Path) -> Any:
    if is_reference(value):
        return {"file": str(root / value["file"])} if "file" in value else value
    if isinstance(value, dict):
        return {k: _rooted(v, root) for k, v in value.items()}
    if isinstance(value, list):
        return [_rooted(v, root) for v in value]
    return value


def references(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Mapping[str, str]]]:
    """Every reference to a secret in `value`, with its key path."""
    for here, each in _walk(value, path):
        if is_reference(each):
            yield here, each


def secrets_in_clear(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Where a secret seems to stand itself: by the key's name or by the look of the text."""
    for here, each in _walk(value, path):
        if isinstance(each, str) and each and not _EXPRESSIONS.intersection(here):
            named = next((p for p in reversed(here) if isinstance(p, str)), "")
            if _SECRET_KEY.search(named) or _SECRET_TEXT.search(each):
                yield here


def _walk(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    yield path, value
    if is_reference(value):
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _walk(each, (*path, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _walk(each, (*path, index))
