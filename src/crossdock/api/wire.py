"""How values look in JSON: decimals as strings, so that no reader makes a float of money; times in UTC with Z; bytes never."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

ENCODERS: Mapping[Any, Callable[[Any], Any]] = {
    Decimal: lambda value: format(value, "f"),
    datetime: lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z"),
}
