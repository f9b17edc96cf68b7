"""A system that tells us stock, and whether it still does; its key is SOURCE-{system}. Nothing is owed: a source that falls silent is a trouble, and time alone opens it.

Trouble: stale-source, from the moment that was agreed when it was last heard until it is heard again. What channels do about it meanwhile (a wider buffer, zero, or
silence) is their own rule, and the trouble names them. Milestones: heard, silent.
"""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from crossdock.facts.fact import Fact
from crossdock.facts.feed import SourceHeard, SourceSilent
from crossdock.process.alone import Alone
from crossdock.process.obligation import Standing, Trouble

PREFIX = "SOURCE-"
"""How the keys of sources begin."""


def source_key(system: str) -> str:
    """The key of a system that tells us stock."""
    return PREFIX + system


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last that was said of the source: heard at `heard_at`, stale from `silent_at` on (silent: it is already); which channels that stops or widens."""

    at: datetime
    fact: str
    silent: bool
    heard_at: datetime | None
    silent_at: datetime | None
    stops: tuple[str, ...]
    widens: tuple[str, ...]


class State(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was told of one source: the last."""

    key: str
    said: Said | None = None


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new."""
    d, at, name = fact.data, fact.occurred_at, fact.id
    known = state.said
    if known is not None and (known.at, known.fact) >= (at, name):
        return state
    if isinstance(d, SourceHeard):
        return replace(state, said=Said(at, name, False, d.heard_at, d.silent_at, d.stops, d.widens))
    if isinstance(d, SourceSilent):
        return replace(state, said=Said(at, name, True, d.heard_at, None, d.stops, d.widens))
    return state


def derive(state: State, now: datetime) -> Standing:
    """How the source stands at `now`."""
    said = state.said
    if said is None:
        return Standing("heard")
    system = state.key.removeprefix(PREFIX)
    silent = said.silent or (said.silent_at is not None and said.silent_at <= now)
    summary = {"system": system, "heard_at": said.heard_at.isoformat() if said.heard_at else ""}
    if not silent:
        return Standing("heard", wake_at=said.silent_at, summary=summary)
    since = f"since {said.heard_at:%Y-%m-%d %H:%M}" if said.heard_at else "ever"
    detail = f"{system} has told no stock {since}"
    if said.stops:
        detail += f"; stopped: {', '.join(said.stops)}"
    if said.widens:
        detail += f"; buffer widened: {', '.join(said.widens)}"
    action = f"see why {system} is silent; this closes when it is heard again"
    trouble = Trouble(f"{state.key}/stale-source", "stale-source", detail, action, system)
    return Standing("silent", troubles=(trouble,), summary=summary)


PROCESS = Alone("source", State, evolve, derive)
