"""Which system is of record for which state of stock: the WMS for what is picked, the ERP for what is on hand. What another says of it is refused, and kept as a conflict."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from crossdock.ledger.legs import State, touched
from crossdock.ledger.movement import Movement

OURSELVES = frozenset({"ledger", "shipment"})
"""Sources that are this hub's own: what the ledger corrects, and shipments that were confirmed on the road of an order."""


class Owner(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`system` is of record for `state`, at `site` ("": at all that have no rule of their own), from `since` on (None: from ever)."""

    state: State
    system: str
    site: str = ""
    since: datetime | None = None


def owners_of(state: State, site: str, at: datetime, rules: Sequence[Owner]) -> frozenset[str]:
    """The systems of record for `state` at `site` then. A rule for the site goes before one for all sites, a younger one before an older; rules of the same
    site and moment stand together. Empty: nobody owns it, and everybody may speak of it."""
    best: tuple[bool, bool, datetime | None] | None = None
    found: set[str] = set()
    for rule in rules:
        if rule.state is not state or rule.site not in ("", site) or (rule.since is not None and rule.since > at):
            continue
        rank = (rule.site != "", rule.since is not None, rule.since)
        if best is None or _before(best, rank):
            best, found = rank, {rule.system}
        elif rank == best:
            found.add(rule.system)
    return frozenset(found)


def _before(one: tuple[bool, bool, datetime | None], other: tuple[bool, bool, datetime | None]) -> bool:
    if one[:2] != other[:2]:
        return one[:2] < other[:2]
    return one[2] is not None and other[2] is not None and one[2] < other[2]


def refused(movement: Movement, rules: Sequence[Owner], *, ours: frozenset[str] = OURSELVES) -> str:
    """Why this movement's source may not say it, in a sentence; "" where it may. Judged by every state that the movement changes, at the site where it
    does, by the rules that held when it happened."""
    if not rules or movement.source in ours:
        return ""
    for state in sorted(touched(movement)):
        site = (movement.to_site or movement.site) if state is State.IN_TRANSIT else movement.site
        owners = owners_of(state, site, movement.occurred_at, rules)
        if owners and movement.source not in owners:
            return f"{' and '.join(sorted(owners))}, not {movement.source}, is of record for {state} at {site}"
    return ""
