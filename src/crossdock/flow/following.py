"""Orders that were announced lately, each at the place up to which it was: what is told next of one is worked out from there, and not from its first fact again.

Only a memory: whoever announces asks for an order at the position of the last fact that was announced of it, as the log has it, and what is not known
there (another process has announced since, or it was long ago) is read from the log.
"""

from collections.abc import Sequence

import msgspec

from crossdock.facts import Fact
from crossdock.process import order_to_cash

ORDERS = 2000
"""So many at most, some ten kilobytes each; those that nothing was told of for longest give way."""

LONGEST = 200
"""Facts at most that an order is remembered with; one that has more since it was worked out is forgotten."""


class Start(msgspec.Struct, frozen=True, gc=False):
    """An order to go on from: a state, and the facts that came since, which nobody has needed worked out."""

    state: order_to_cash.State
    since: Sequence[Fact] = ()


class Followed:
    """The orders that one process has announced of late."""

    def __init__(self, limit: int = ORDERS) -> None:
        self._limit = limit
        self._places: dict[str, tuple[int, Start]] = {}

    def at(self, key: str, position: int) -> Start | None:
        """The order after its fact at `position`, if it is known just there. 0: before its first."""
        if position == 0:
            return Start(order_to_cash.new(key))
        place = self._places.get(key)
        return place[1] if place is not None and place[0] == position else None

    def keep(self, key: str, position: int, start: Start) -> None:
        """The order is there from now on."""
        self.drop(key)
        if len(start.since) > LONGEST:
            return
        self._places[key] = (position, start)
        if len(self._places) > self._limit:
            del self._places[next(iter(self._places))]

    def drop(self, key: str) -> None:
        """Forgets `key`."""
        self._places.pop(key, None)
