"""What a folder counterparty is going to send, and when: now, later, again, or after the next few. Also its control
numbers and its 997s."""

import heapq
import time
from collections.abc import Sequence
from datetime import datetime

from crossdock.testing.configs import Retailer, Warehouse
from crossdock.testing.simulators import x12
from crossdock.testing.simulators.mailbox import Mailbox


class Outbox:
    """Builds interchanges, and drops them when they are due, in the order of their due times."""

    def __init__(self, mailbox: Mailbox, config: Retailer | Warehouse) -> None:
        self._mailbox = mailbox
        self._config = config
        self._control_number = config.first_control_number
        self._file_number = 0
        self._due: list[tuple[float, int, str, bytes]] = []
        self._held: list[tuple[int, str, bytes]] = []
        self._queued = 0

    def build(self, functional_id: str, transactions: Sequence[tuple[str, str]]) -> bytes:
        """An interchange under the next control number."""
        number, self._control_number = self._control_number, self._control_number + 1
        return x12.join(
            functional_id,
            transactions,
            control_number=number,
            identity=self._config.identity,
            style=self._config.style,
            moment=datetime.now(),
        )

    def send(self, kind: str, data: bytes, after_seconds: float = 0.0) -> None:
        """Drop it once so many seconds have passed. `kind` shows in the file name."""
        self._queued += 1
        heapq.heappush(self._due, (time.monotonic() + after_seconds, self._queued, kind, data))

    def hold(self, kind: str, data: bytes, files: int) -> None:
        """Drop it after so many later files, or when nothing else waits."""
        self._held.append((files, kind, data))

    def pump(self) -> None:
        """Drop what is due."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, kind, data = heapq.heappop(self._due)
            self._drop(kind, data)
            waiting = [(files - 1, kind, data) for files, kind, data in self._held]
            self._held = [each for each in waiting if each[0] > 0]
            for _, kind, data in (each for each in waiting if each[0] <= 0):
                self._drop(kind, data)
        if not self._due:
            for _, kind, data in self._held:
                self._drop(kind, data)
            self._held = []

    def waits(self, *kinds: str) -> bool:
        """Whether something of these kinds is still to be dropped."""
        return any(kind in kinds for *_, kind, _ in (*self._due, *self._held))

    def _drop(self, kind: str, data: bytes) -> None:
        self._file_number += 1
        self._mailbox.drop(f"{kind}-{self._file_number:06d}.x12", data)
