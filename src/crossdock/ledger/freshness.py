"""Whether what a source said may still be believed: fresh, stale (its figures are taken with a wider buffer) or stopped (they are not used). A pure rule of age."""

import enum
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec


class Belief(enum.StrEnum):
    """How far a source is believed."""

    FRESH = "fresh"
    STALE = "stale"
    STOPPED = "stopped"


class FreshnessRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """stale_after: the age up to which a source is fresh; None: always. buffer_factor: how many times as wide the buffer is when it is stale. stop_after: the age
    from which nothing is offered on its word; None: never; equal to stale_after: at once."""

    stale_after: timedelta | None = None
    buffer_factor: Decimal = Decimal(1)
    stop_after: timedelta | None = None


class Freshness(msgspec.Struct, frozen=True, gc=False):
    """How far a source is believed now; `factor` widens the buffer. changes_at: when time alone changes this; None: never."""

    belief: Belief
    factor: Decimal = Decimal(1)
    changes_at: datetime | None = None


FRESH = Freshness(Belief.FRESH)


def freshness(heard_at: datetime | None, now: datetime, rule: FreshnessRule) -> Freshness:
    """How far a source last heard at `heard_at` is believed. One that was never heard (None) has told nothing that could be believed, and is stopped where the
    rule stops, else stale; without any rule it is fresh."""
    stops = rule.stop_after
    if rule.stale_after is None and stops is None:
        return FRESH
    if heard_at is None:
        return Freshness(Belief.STOPPED if stops is not None else Belief.STALE, rule.buffer_factor)
    if stops is not None and now >= heard_at + stops:
        return Freshness(Belief.STOPPED, rule.buffer_factor)
    stopped_at = None if stops is None else heard_at + stops
    if rule.stale_after is not None and now > heard_at + rule.stale_after:
        return Freshness(Belief.STALE, rule.buffer_factor, stopped_at)
    moments = [stopped_at] if stopped_at is not None else []
    if rule.stale_after is not None:
        # Stale is older than allowed, so the first stale moment is one tick later.
        moments.append(heard_at + rule.stale_after + timedelta(microseconds=1))
    return Freshness(Belief.FRESH, Decimal(1), min(moments))


def least(sources: Iterable[Freshness]) -> Freshness:
    """What a figure that rests on several sources is worth: the least believed of them, the widest factor, the earliest change. Of none: fresh."""
    order = (Belief.FRESH, Belief.STALE, Belief.STOPPED)
    found = FRESH
    for each in sources:
        changes = [at for at in (found.changes_at, each.changes_at) if at is not None]
        found = Freshness(
            max(found.belief, each.belief, key=order.index),
            max(found.factor, each.factor),
            min(changes, default=None),
        )
    return found
