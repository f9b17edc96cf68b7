"""Publish: what changed of our stock is told to the channels that sell it, as deltas gathered for a while and as full offers on a schedule.

An offer is a fact, recorded in the transaction that notes what was told, under the channel's lock: two workers never tell a channel two things under one number, and a
crash loses neither. One delta is under way at a time; what changes meanwhile goes with the next, so a channel that is down is told the present when it is back. A
full offer overtakes whatever is still under way; after an offer that the channel could not take, one follows out of turn.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil

import msgspec

from crossdock.facts import Fact
from crossdock.facts.feed import OfferedLine, OfferSuperseded, SourceHeard, SourceSilent, StockOffered
from crossdock.flow.offering import Selling, changed
from crossdock.ports.channels import ChannelRow, Feeds, Held, Listening, Pair
from crossdock.process.feed import feed_key
from crossdock.process.source import source_key

SOURCE = "stock"
"""Who tells the facts of offers and sources."""

SPREAD = 5000
"""So many pairs are handed to the channels at once."""


class Outlook(msgspec.Struct, frozen=True):
    """How a channel stands as publishing sees it: which of its open offers are still to be delivered, which failed, and which stand in trouble."""

    row: ChannelRow
    open: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    in_trouble: tuple[str, ...] = ()


def outlook(row: ChannelRow, standing: Mapping[str, tuple[str, str]], trouble: Mapping[str, str]) -> Outlook:
    """What the statuses of the open offers come to. One that nobody has folded yet is open."""
    failed, open_ = [], []
    for key in row.open:
        obligation, delivery = standing.get(key, ("", ""))
        if obligation == "refused" or (obligation == "ready" and delivery in ("refused", "dead")):
            failed.append(key)
        elif obligation not in ("met", "void"):
            open_.append(key)
    failed += [key for key, cause in trouble.items() if cause != "feed-late" and key not in failed]
    return Outlook(row, tuple(open_), tuple(failed), tuple(trouble))


def full_is_due(seen: Outlook, selling: Selling, now: datetime) -> bool:
    """Whether everything is to be told: at first, when its slot has come, when what was agreed has changed, or some time after an offer failed."""
    row, channel = seen.row, selling.channel
    slot = channel.snapshot.slot(now)
    if not row.sequence or row.terms != selling.terms or (slot is not None and (row.slot is None or slot > row.slot)):
        return True
    patience = timedelta(minutes=channel.late_minutes)
    return bool(seen.failed) and row.offered_at is not None and row.offered_at + patience <= now


def delta_is_due(seen: Outlook, selling: Selling, waiting_since: datetime | None, now: datetime) -> bool:
    """Whether changes are to be told: nothing is under way, and the oldest has waited for as long as changes are gathered."""
    gathered = timedelta(seconds=selling.channel.delta_seconds)
    return not seen.open and waiting_since is not None and waiting_since + gathered <= now


async def publish_once(feeds: Feeds, sellings: Sequence[Selling], now: datetime) -> int:
    """Hands on what has changed, and tells each channel what is due; returns how many offers were made or pairs handed on."""
    by_site: dict[str, list[str]] = {}
    for selling in sellings:
        for site in selling.sites:
            by_site.setdefault(site, []).append(selling.channel.id)
    done = await feeds.spread(by_site, SPREAD, now)
    for selling in sellings:
        async with feeds.holding(selling.channel.id) as held:
            if held is not None:
                done += await _publish(held, selling, now)
    return done


async def _publish(held: Held, selling: Selling, now: datetime) -> int:
    seen = outlook(held.row, await held.standing(), await held.in_trouble())
    if full_is_due(seen, selling, now):
        return await _full(held, selling, seen, now)
    if delta_is_due(seen, selling, await held.waiting_since(), now):
        return await _delta(held, selling, now)
    return 0


async def _full(held: Held, selling: Selling, seen: Outlook, now: datetime) -> int:
    """Everything, in as many documents as it takes; what is still under way is overtaken. Who was never told anything is not told of empty books."""
    channel = selling.channel
    pairs = await held.everything(selling.sites, channel.items or None)
    if not pairs and not held.row.sequence:
        return 0
    await held.take(None)
    heard = await held.heard(selling.sources)
    first = held.row.sequence + 1
    parts = max(1, ceil(len(pairs) / channel.lines))
    keys = []
    for part in range(parts):
        lines = await _lines(held, selling, pairs[part * channel.lines : (part + 1) * channel.lines], heard, now, True)
        sequence = first + part
        fact = _offered(selling, sequence, lines, now, (part + 1, parts))
        keys.append(fact.key)
        await held.tell(lines, sequence, [fact], now)
    overtaken = sorted({*seen.open, *seen.failed, *seen.in_trouble})
    await held.tell((), first, [_superseded(channel.id, key, first, now) for key in overtaken], now)
    last = first + parts - 1
    await held.finish(last, keys, now, (first, channel.snapshot.slot(now), selling.terms))
    return parts


async def _delta(held: Held, selling: Selling, now: datetime) -> int:
    pairs = [pair for pair in await held.take(selling.channel.lines) if selling.sells(*pair)]
    lines = await _lines(held, selling, pairs, await held.heard(selling.sources), now, False) if pairs else []
    if not lines:
        return 0
    sequence = held.row.sequence + 1
    fact = _offered(selling, sequence, lines, now, None)
    await held.tell(lines, sequence, [fact], now)
    await held.finish(sequence, [fact.key], now, None)
    return 1


async def _lines(
    held: Held,
    selling: Selling,
    pairs: Sequence[Pair],
    heard: Mapping[str, datetime | None],
    now: datetime,
    full: bool,
) -> list[OfferedLine]:
    found = []
    for figure in await held.figures(pairs):
        line = selling.explain(figure, heard, now).line
        if line is not None and (full or changed(figure, line)):
            found.append(line)
    return found


def _offered(
    selling: Selling, sequence: int, lines: Sequence[OfferedLine], now: datetime, part: tuple[int, int] | None
) -> Fact:
    channel = selling.channel
    data = StockOffered(
        channel=channel.id,
        sequence=sequence,
        full=part is not None,
        as_of=now,
        system=channel.system,
        lines=tuple(lines),
        partner=channel.partner,
        due_at=now + timedelta(minutes=channel.late_minutes),
        part=part[0] if part else 1,
        parts=part[1] if part else 1,
    )
    key = feed_key(channel.id, sequence)
    return Fact(key=key, data=data, source=SOURCE, source_id=f"{key}/offered", occurred_at=now)


def _superseded(channel: str, key: str, by: int, now: datetime) -> Fact:
    data = OfferSuperseded(channel=channel, by=by)
    return Fact(key=key, data=data, source=SOURCE, source_id=f"{key}/superseded/{by}", occurred_at=now)


# --- sources ---


async def hear_once(feeds: Feeds, sellings: Sequence[Selling], now: datetime) -> int:
    """Looks when each source was heard, tells it where that changes anything, and has the channels told anew whose rule it changes; returns how many changes it made."""
    if not sellings:
        return 0
    policy = sellings[0].policy
    if not policy.sources():
        return 0
    done = 0
    async with feeds.listening(policy.sources()) as listening:
        heard = await listening.heard(tuple(listening.sources))
        for system in listening.sources:
            done += await _hear(listening, system, sellings, heard.get(system), now)
    return done


async def _hear(
    listening: Listening, system: str, sellings: Sequence[Selling], heard_at: datetime | None, now: datetime
) -> int:
    done = 0
    about = [selling for selling in sellings if system in selling.sources]
    for selling in about:
        state, _ = selling.belief(system, heard_at, now)
        if listening.states.get((selling.channel.id, system), "fresh") != state:
            sites = [site for site in selling.policy.told_by(system) if site in selling.sites]
            await listening.change(selling.channel.id, system, state, sites, now)
            done += 1
    stops = tuple(s.channel.id for s in about if (r := s.channel.stale_rule(system)) and r.action != "widen")
    widens = tuple(s.channel.id for s in about if (r := s.channel.stale_rule(system)) and r.action == "widen")
    minutes = [m for m in (_patience(selling, system) for selling in about) if m is not None]
    if sellings[0].policy.silent_after_minutes is not None:
        minutes.append(sellings[0].policy.silent_after_minutes)
    after = timedelta(minutes=min(minutes)) if minutes else None
    terms = f"{after}/{','.join(stops)}/{','.join(widens)}"
    known, was_silent, known_terms = listening.sources[system]
    silent = after is not None and (heard_at is None or heard_at + after <= now)
    # A source that is heard all the time is told twice in the time after which it would be stale, not with each word.
    moved = heard_at is not None and (known is None or (after is not None and heard_at >= known + after / 2))
    if silent == was_silent and terms == known_terms and not (moved and not silent):
        return done
    data: SourceHeard | SourceSilent
    if silent or heard_at is None:
        data, how = SourceSilent(system=system, heard_at=heard_at, stops=stops, widens=widens), "silent"
    else:
        at = heard_at + after if after is not None else None
        data, how = SourceHeard(system=system, heard_at=heard_at, silent_at=at, stops=stops, widens=widens), "heard"
    key = source_key(system)
    facts = [Fact(key=key, data=data, source=SOURCE, source_id=f"{key}/{how}/{now.isoformat()}", occurred_at=now)]
    if heard_at is None and not silent:
        facts = []
    await listening.save(system, heard_at, silent, terms, facts, now)
    return done + 1


def _patience(selling: Selling, system: str) -> float | None:
    rule = selling.channel.stale_rule(system)
    return rule.after_minutes if rule is not None else None
