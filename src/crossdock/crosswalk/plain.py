"""NUL has no place in a text: PostgreSQL keeps none, no format of ours gives it a meaning, and one in a key would stop everything behind it. Pure.

Readers refuse it where it stands, so that a person sees; whatever comes another way has it replaced by U+FFFD before it is written.
"""

import re
from collections.abc import Iterator
from typing import Any

NUL, STANDS_FOR_IT = "\0", "\ufffd"
_ESCAPED = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def plain(text: str) -> str:
    """`text` with each NUL replaced."""
    return text.replace(NUL, STANDS_FOR_IT) if NUL in text else text


def plain_json(data: bytes) -> bytes:
    """JSON with each NUL in its texts (JSON writes it as an escape) replaced."""
    return _ESCAPED.sub(rb"\1\\ufffd", data) if b"\\u0000" in data else data


def nul_in(value: Any) -> str | None:
    """Where in a JSON value the first NUL stands, as a JSON pointer (RFC 6901); None where there is none."""
    return next(_places(value, "#"), None)


def _places(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, str):
        if NUL in value:
            yield at
    elif isinstance(value, dict):
        for name, each in value.items():
            step = plain(str(name)).replace("~", "~0").replace("/", "~1")
            if NUL in str(name):
                yield f"{at}/{step}"
            yield from _places(each, f"{at}/{step}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _places(each, f"{at}/{place}")


def may_hold_nul(data: bytes) -> bool:
    """Whether JSON may hold a NUL in a text: a quick look, before `nul_in`."""
    return b"\\u0000" in data
