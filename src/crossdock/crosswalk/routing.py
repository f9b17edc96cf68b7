"""Which warehouse ships an order: the workspace's decision table, compiled once and asked once for each set of
words that it looks at.
"""

from decimal import Decimal
from typing import Any

import msgspec
import zen

from crossdock.crosswalk.directory import Directory

_REMEMBERED = 10_000


class RoutingError(ValueError):
    """The decision is no JDM that can be compiled. `str()` is one line, fit for the workspace's check."""


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """What a routing rule may ask about an order. `weight` in the items' weight unit, known items only; it decides
    a way, never an amount.
    """

    customer: str
    region: str = ""
    country: str = ""
    postal_code: str = ""
    location: str = ""
    kind: str = ""
    lines: int = 0
    quantity: Decimal = Decimal(0)
    weight: Decimal = Decimal(0)


class Route(msgspec.Struct, frozen=True):
    """The system that ships, and from which site; `sites`: further ones that may where there is not enough, the preferred first. An empty warehouse: the rules
    could not be worked out for this order.
    """

    warehouse: str
    site: str = ""
    sites: tuple[str, ...] = ()


class Router:
    """Routes by decision table, else the default warehouse."""

    def __init__(self, directory: Directory) -> None:
        self.default = Route(directory.default_warehouse, directory.default_site)
        self._decision: Any = None
        self._asked: tuple[str, ...] = ()
        self._known: dict[tuple[Any, ...], Route] = {}
        if directory.routing:
            self._decision = compiled(directory.routing)
            text = directory.routing.decode()
            # Only what the rules name can matter to them; what they leave out must not spoil the memory of answers.
            self._asked = tuple(field for field in Destination.__struct_fields__ if field in text)

    @property
    def rules(self) -> bool:
        """Whether there are any; if not, `default` is the answer to everything."""
        return self._decision is not None

    def route(self, destination: Destination) -> Route:
        """The way of one order. A rule that fails on these words gives an empty route: the order waits, visibly,
        and is not sent anywhere by default.
        """
        if self._decision is None:
            return self.default
        words = tuple(getattr(destination, field) for field in self._asked)
        route = self._known.get(words)
        if route is None:
            route = self._decide(words)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[words] = route
        return route

    def _decide(self, words: tuple[Any, ...]) -> Route:
        # zen has no Decimal; a weight or a count that only chooses a way may be a float.
        asked = {f: float(w) if isinstance(w, Decimal) else w for f, w in zip(self._asked, words, strict=True)}
        try:
            result = self._decision.evaluate(asked)["result"]
        except RuntimeError:
            return Route("")
        if not isinstance(result, dict) or not result.get("warehouse"):
            return self.default
        site = str(result.get("site") or self.default.site)
        further = result.get("sites") or ()
        named = further.split() if isinstance(further, str) else map(str, further)
        return Route(str(result["warehouse"]), site, tuple(dict.fromkeys(each for each in named if each != site)))


def compiled(routing: bytes) -> Any:
    """The decision (JDM JSON) ready to evaluate. Raises RoutingError."""
    try:
        decision = zen.ZenEngine().create_decision(routing.decode())
        decision.validate()
    except (RuntimeError, UnicodeDecodeError, ValueError) as error:
        words = [line.strip() for line in str(error).split("Stack backtrace")[0].splitlines()]
        raise RoutingError(" ".join(w for w in words if w and w != "Caused by:")) from None
    return decision
