"""The board of Today, shared by all who look at it from this server: read from the database, and worked out anew when it is older than it may be."""

import asyncio
from datetime import timedelta

from crossdock.api.hub import Hub
from crossdock.store.reading import Board, Reading

FRESH = timedelta(seconds=2)
"""How old a board may be that somebody looks at."""
SHARE = 20
"""Working it out takes at most one part in so many of the time: a slow one is made less often."""
TOO_OLD = timedelta(seconds=60)
"""A board that nobody has looked at for so long is waited for; a younger one is shown while the next is made."""


class Boards:
    """One a server. `current()` is what pages ask."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._reading = Reading(hub.database)
        self._board: Board | None = None
        self._making: asyncio.Task[None] | None = None

    async def current(self) -> Board:
        """The board, at most some seconds old; a minute old at the most where the database is busy."""
        now = self._hub.clock()
        if self._board is None or now - self._board.at > FRESH:
            self._board = await self._reading.board() or self._board
        age = now - self._board.at if self._board is not None else TOO_OLD
        due = max(FRESH, timedelta(milliseconds=SHARE * (self._board.took_ms if self._board else 0)))
        if age > due and (self._making is None or self._making.done()):
            self._making = asyncio.create_task(self._make(), name="work out the board")
        if self._board is None or (age >= TOO_OLD and self._making is not None):
            assert self._making is not None
            await asyncio.shield(self._making)
        if self._board is None:  # another server is making the first one
            self._board = await self._wait_for_another()
        return self._board

    async def _make(self) -> None:
        made = await self._reading.work_out_board(self._hub.clock())
        self._board = made or await self._reading.board() or self._board

    async def _wait_for_another(self) -> Board:
        for _ in range(50):
            if (board := await self._reading.board()) is not None:
                return board
            await asyncio.sleep(0.1)
        raise TimeoutError("the board is being worked out by another server")


_BOARDS: dict[int, Boards] = {}


def boards_of(hub: Hub) -> Boards:
    """The boards of this server."""
    found = _BOARDS.get(id(hub))
    if found is None or found._hub is not hub:
        found = _BOARDS[id(hub)] = Boards(hub)
    return found
