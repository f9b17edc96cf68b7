"""Whether an installation is ready: what must be so, looked at, and in words what is not. Pure."""

from collections.abc import Sequence

import msgspec

from crossdock.store.vitals import LaneVitals

STALLED_SECONDS = 60.0
"""A lane with facts ahead of it whose fold has not moved for so long is not being folded."""


class Stalls:
    """Remembers how far each lane was folded, and since when it stands there, from one look to the next."""

    def __init__(self) -> None:
        self._stood: dict[int, tuple[int, float]] = {}

    def look(self, lanes: Sequence[LaneVitals], now_seconds: float) -> list[int]:
        """Lanes that have stood still for STALLED_SECONDS with facts ahead of them. now_seconds: monotonic."""
        stalled = []
        for each in lanes:
            position, since = self._stood.get(each.lane, (-1, now_seconds))
            if each.position != position or each.head == each.position:
                since = now_seconds
            self._stood[each.lane] = (each.position, since)
            if now_seconds - since >= STALLED_SECONDS:
                stalled.append(each.lane)
        return stalled


class Check(msgspec.Struct, frozen=True):
    """One thing that must be so. reason: why it is not, "" when it is."""

    name: str
    ok: bool
    reason: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """The answer of /readyz."""

    ready: bool
    checks: tuple[Check, ...]


def readiness(unreachable: str, missing_migrations: Sequence[str], stalled: Sequence[int], lag_facts: int) -> Readiness:
    """unreachable: why the database cannot be asked, "" when it can; then nothing else is known."""
    checks = [Check("database", not unreachable, unreachable)]
    if not unreachable:
        lacking = f"the database lacks {', '.join(missing_migrations)}" if missing_migrations else ""
        checks.append(Check("migrations", not lacking, lacking))
        lanes = ", ".join(map(str, stalled))
        still = (
            f"nothing has been folded for {STALLED_SECONDS:g} s in {'lanes' if len(stalled) > 1 else 'lane'} {lanes}, with {lag_facts} facts ahead: is a worker running?"
            if stalled
            else ""
        )
        checks.append(Check("lanes", not still, still))
    return Readiness(all(check.ok for check in checks), tuple(checks))
