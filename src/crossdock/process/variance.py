"""A position of stock on which our books and a system's differ, from the comparison that found it until the books agree; its key is VARIANCE-{system}/{item}/{site}/{place}.

Nothing is owed. One variance is one trouble, whose cause names why the books differ: stock-missing-message, stock-doubled-adjustment, stock-unit-mix-up, stock-status-mix-up,
stock-unknown. It closes when a comparison finds the books to agree, or when a repair was made (and opens again if the next comparison
finds that it did not help). It is silent while somebody has ignored that very difference, and open again when that has run out. Milestones: open, ignored, repaired, closed.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from crossdock.facts.fact import Fact
from crossdock.facts.variance import RepairApproved, VarianceFound, VarianceGone, VarianceIgnored, VarianceRepaired
from crossdock.process.alone import Alone
from crossdock.process.obligation import Name, Standing, Trouble

PREFIX = "VARIANCE-"
"""How the keys of variances begin."""

_ACTIONS = {
    "missing-message": "have the missing message sent again, or repair it with `crossdock reconcile repair`",
    "doubled-adjustment": "take one of the two back, or repair it with `crossdock reconcile repair`",
    "unit-mix-up": "correct the unit where it was told, and repair it with `crossdock reconcile repair`",
    "status-mix-up": "ask which place is right, and move the goods there on the other side",
    "unknown": "have the place counted, repair it or ignore it with a reason",
}


def variance_key(system: str, item: str, site: str, place: str, lot: str = "", owner: str = "own") -> str:
    """The key of a position's variance. Parts are quoted, so that no two positions share one."""
    parts = [item, site, place, *([lot, owner] if owner != "own" else [lot] if lot else [])]
    return PREFIX + "/".join(_quoted(part) for part in (system, *parts))


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


class Found(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last finding; the fields of `facts.variance.VarianceFound`."""

    run: int
    fact: str
    system: str
    item: str
    site: str
    place: str
    lot: str
    owner: str
    ours: Decimal
    theirs: Decimal
    quantity: Decimal
    amount: Decimal | None
    cause: str
    confidence: Decimal
    detail: str
    evidence: tuple[str, ...]
    also: tuple[str, ...]
    as_of: datetime
    first_as_of: datetime


class Ignored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last that somebody said about leaving it alone."""

    at: datetime
    fact: str
    who: str
    reason: str
    until: datetime
    quantity: Decimal


class Repair(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last repair: of what the comparison `run` had found."""

    run: int
    fact: str
    quantity: Decimal
    movement: str


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of one position. gone_run: the last comparison that found the books to agree. approved: (run, who, reason) of the last approval."""

    key: str
    found: Found | None = None
    gone_run: int = 0
    ignored: Ignored | None = None
    repaired: Repair | None = None
    approved: tuple[int, str, str] | None = None


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new. Comparisons are numbered, so the order of arrival changes nothing."""
    d, at, name = fact.data, fact.occurred_at, fact.id
    if isinstance(d, VarianceFound):
        known = state.found
        if known is not None and (known.run, known.fact) >= (d.run, name):
            return state
        found = Found(
            d.run,
            name,
            d.system,
            d.item,
            d.site,
            d.place,
            d.lot,
            d.owner,
            d.ours,
            d.theirs,
            d.quantity,
            d.amount,
            d.cause,
            d.confidence,
            d.detail,
            d.evidence,
            d.also,
            d.as_of,
            d.first_as_of,
        )
        return replace(state, found=found)
    if isinstance(d, VarianceGone):
        return replace(state, gone_run=d.run) if d.run > state.gone_run else state
    if isinstance(d, VarianceIgnored):
        told = Ignored(at, name, d.who, d.reason, d.until, d.quantity)
        was = state.ignored
        return replace(state, ignored=told) if was is None or (was.at, was.fact) < (at, name) else state
    if isinstance(d, RepairApproved):
        approved = (d.run, d.who, d.reason)
        return replace(state, approved=approved) if state.approved is None or state.approved < approved else state
    if isinstance(d, VarianceRepaired):
        done = state.repaired
        if done is not None and (done.run, done.fact) >= (d.run, name):
            return state
        return replace(state, repaired=Repair(d.run, name, d.quantity, d.movement))
    return state


def derive(state: State, now: datetime) -> Standing:
    """How the variance stands at `now`."""
    found = state.found
    if found is None or state.gone_run >= found.run:
        return Standing("closed", summary=_summary(state))
    names = (Name("item", found.item),)
    if state.repaired is not None and state.repaired.run >= found.run:
        return Standing("repaired", names=names, summary=_summary(state))
    ignored = state.ignored
    if ignored is not None and ignored.until > now and ignored.quantity == found.quantity:
        return Standing("ignored", names=names, wake_at=ignored.until, summary=_summary(state))
    place = f"{found.place} at {found.site}" + (f", lot {found.lot}" if found.lot else "")
    detail = (
        f"{found.item} in {place}: {found.system} has {found.theirs.normalize():f}, we {found.ours.normalize():f} as of "
        f"{found.as_of:%Y-%m-%d %H:%M} UTC, first seen {found.first_as_of:%Y-%m-%d %H:%M}. {found.detail}"
    )
    if found.evidence:
        detail += f" ({', '.join(found.evidence[:4])})"
    amount = None if found.amount is None else abs(found.amount)
    # One exception whatever becomes of its cause: the id does not name it.
    trouble = Trouble(
        f"{state.key}/drift", f"stock-{found.cause}", detail, _ACTIONS.get(found.cause, ""), found.item, (), amount
    )
    return Standing("open", troubles=(trouble,), names=names, summary=_summary(state))


def _summary(state: State) -> dict[str, Any]:
    found = state.found
    if found is None:
        return {}
    told: dict[str, Any] = {
        "system": found.system,
        "item": found.item,
        "site": found.site,
        "place": found.place,
        "quantity": found.quantity,
        "cause": found.cause,
    }
    if found.amount is not None:
        told["amount"] = found.amount
    if state.ignored is not None:
        told |= {
            "ignored_by": state.ignored.who,
            "ignored_because": state.ignored.reason,
            "ignored_until": state.ignored.until.isoformat(),
        }
    if state.approved is not None:
        told |= {"repair_approved_by": state.approved[1], "repair_because": state.approved[2]}
    if state.repaired is not None:
        told["repaired_by"] = state.repaired.movement
    return told


PROCESS = Alone("variance", State, evolve, derive)
