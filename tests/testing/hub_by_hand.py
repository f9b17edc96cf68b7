"""Our side of the counterparties' mailboxes, played by hand for the tests; and how they wait."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from crossdock.testing import Identity, Style
from crossdock.testing.simulators import x12

PATIENCE_SECONDS = 30.0
NOON = datetime(2026, 1, 15, 12, 0)


class Hub:
    """Our side of the mailboxes: reads what counterparties drop and writes to them, by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._control_number = 0
        self._read: dict[str, dict[str, bytes]] = {}

    def files(self, partner: str) -> dict[str, bytes]:
        """All complete files dropped so far, by name, in the order of their names' numbers."""
        known = self._read.setdefault(partner, {})
        paths = sorted((self.folder / partner / "to-us").glob("*.x12"), key=lambda path: path.stem.split("-")[-1])
        for path in paths:
            known.setdefault(path.name, path.read_bytes())
        return known

    def transactions(self, partner: str, set_id: str) -> list[x12.Transaction]:
        """The transactions of one kind dropped so far."""
        found = [x12.split(data) for data in self.files(partner).values()]
        return [t for file in found for interchange in file for t in interchange.transactions() if t.set_id == set_id]

    def send(self, partner: str, partner_id: str, functional_id: str, *transactions: tuple[str, str]) -> bytes:
        """Drop an interchange under the next control number; the bytes, to send them again."""
        self._control_number += 1
        data = x12.join(
            functional_id,
            transactions,
            control_number=self._control_number,
            identity=Identity(id="NORTHWHOLESALE", partner=partner_id),
            style=Style(),
            moment=NOON,
        )
        self.drop(partner, f"{functional_id}-{self._control_number}.x12", data)
        return data

    def drop(self, partner: str, name: str, data: bytes) -> None:
        folder = self.folder / partner / "from-us"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f".{name}.part").write_bytes(data)
        (folder / f".{name}.part").rename(folder / name)


def until(what: Callable[[], object]) -> None:
    """Wait for it; a timing is never asserted, only that it happens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
