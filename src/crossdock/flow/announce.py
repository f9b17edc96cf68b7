"""Announce: what the fold has made of new facts becomes events, in one sequence without gaps, told to whoever asks.

One announcer works at a time, under the lock that hands out the sequence; another that finds it taken goes away. Events follow from facts, and from how an order stood right
after each: where the fold has written that (one fact since the last time), it is read; where several facts came at once, it is worked out fact by fact with the process
itself, from where it was left off. So a history makes the same events, however it is cut into batches. Exceptions, available stock and webhooks given up are no facts:
they are told when they differ from what was told last.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from zlib import crc32

import msgspec
import structlog
from msgspec.structs import replace

from crossdock.events import Event, others
from crossdock.events.orders import events_of, moves, tells
from crossdock.events.standing import CLOSED, Figures, Seen, Told, decode, encode, figures_of, mark
from crossdock.facts import Fact
from crossdock.flow.fold import VersionNotRead
from crossdock.flow.following import Followed, Start
from crossdock.policy import Agreements
from crossdock.ports.events import Announcements, Announcing, Stands
from crossdock.process import Standing, order_to_cash, process_of_fact

PER_LANE = 8
"""Small batches: what is worked out here shares a thread with those that fold and send, and nobody waits for an event as a partner waits for an answer."""
ORDERS_A_TURN = 10
EXCEPTIONS = 500
STOCK = 2000

Step = tuple[Fact, Seen | None]

_log = structlog.get_logger(__name__)


async def announce_once(
    announcements: Announcements,
    agreements: Agreements,
    now: datetime,
    per_lane: int = PER_LANE,
    followed: Followed | None = None,
) -> int:
    """Announces the next facts, at most `per_lane` of each lane, and exceptions; returns how many facts and exceptions were looked at. Raises VersionNotRead.
    followed: what this process remembers of the orders of these `announcements`."""
    async with announcements.announcing() as held:
        if held is None:
            return 0
        facts = await held.facts(per_lane)
        intervals = await held.exceptions(EXCEPTIONS)
        given_up = await held.given_up()
        if not facts and not intervals and not given_up:
            return 0
        events, told = (
            await _of_facts(held, facts, agreements, followed if followed is not None else Followed())
            if facts
            else ([], {})
        )
        for x in intervals:
            if x.opening:
                events.append(
                    others.opened(x.id, x.key, "", x.category, x.cause, x.detail, x.action, x.amount, x.opened_at)
                )
            if x.closed_at is not None:
                events.append(others.closed(x.id, x.key, "", x.category, x.cause, x.opened_at, x.closed_at))
        events += [others.disabled(g.id, g.url, g.reason, g.partner, g.at) for g in given_up]
        heads = {fact.lane: fact.position for fact in facts}
        await held.save(events, now, told, heads, exceptions=intervals, given_up=given_up)
        return len(facts) + len(intervals) + len(given_up)


async def announce_stock_once(announcements: Announcements, now: datetime) -> int:
    """Tells of items at sites of which another quantity is available than was told; returns of how many."""
    async with announcements.announcing() as held:
        found = await held.stock(STOCK) if held is not None else ()
        if held is not None and found:
            events = [others.available(s.item, s.site, s.available, s.previous, s.times, now) for s in found]
            await held.save(events, now, stock=found)
        return len(found)


async def _of_facts(
    held: Announcing, facts: Sequence[Fact], agreements: Agreements, followed: Followed
) -> tuple[list[Event], dict[str, tuple[int, bytes]]]:
    """The events of these facts in their order lane by lane, and what is told of each order with them."""
    orders: dict[str, list[Fact]] = {}
    rest: list[Fact] = []
    for fact in facts:
        if process_of_fact(fact) is order_to_cash.PROCESS:
            orders.setdefault(fact.key, []).append(fact)
        else:
            rest.append(fact)
    lanes = {fact.key: fact.lane for fact in facts}
    standings = await held.standings({fact.key: (fact.lane, fact.position) for fact in reversed(facts)})
    steps = await _steps(held, orders, standings, agreements, followed)
    found: list[Event] = []
    told: dict[str, tuple[int, bytes]] = {}
    for n, key in enumerate(orders):
        if n % ORDERS_A_TURN == 0:
            await asyncio.sleep(0)
        stands, read = standings[key], steps[key]
        if not any(seen is not None or tells(fact) for fact, seen in read):
            continue
        known = decode(stands.told) if stands.told is not None else Told()
        # Events that were swept are worked out, because what comes after follows from them, and are not told again.
        swept = sum(1 for fact, _ in read if held.swept(fact))
        before, _ = events_of(known, read[:swept])
        after, events = events_of(before, read[swept:])
        found += events
        if stands.last == orders[key][-1].position and any(seen is not None for _, seen in read):
            after = replace(after, mark=mark_of(stands))
        if after != known:
            told[key] = (lanes[key], encode(after))
    for fact in rest:
        if not held.swept(fact):
            found += others.events_of(fact, standings[fact.key].partner)
    return found, told


async def _steps(
    held: Announcing,
    orders: Mapping[str, Sequence[Fact]],
    standings: Mapping[str, Stands],
    agreements: Agreements,
    followed: Followed,
) -> dict[str, list[Step]]:
    """The next facts of each order with how it stood after each."""
    read = {key: read_off(about, standings[key]) for key, about in orders.items()}
    starts = {key: followed.at(key, standings[key].before) for key in orders}
    unknown = {key: about[-1] for key, about in orders.items() if read[key] is None and starts[key] is None}
    if unknown:
        histories = await held.histories({key: (fact.lane, fact.position) for key, fact in unknown.items()})
        for key, history in histories.items():
            starts[key] = Start(order_to_cash.new(key), history[: -len(orders[key])])
    steps: dict[str, list[Step]] = {}
    for key, about in orders.items():
        stands, start, done, last = standings[key], starts[key], read[key], about[-1].position
        if done is None:
            await asyncio.sleep(0)  # others of this thread have their turn
            assert start is not None
            final = Seen(stands.milestone, figures_of(stands.summary)) if stands.last == last else None
            done, start = _walked(start, about, agreements, final)
        elif start is not None:
            start = Start(start.state, (*start.since, *about))
        steps[key] = done
        if start is None or (stands.last == last and stands.milestone in CLOSED):
            followed.drop(key)
        else:
            followed.keep(key, last, start)
    return steps


def mark_of(stands: Stands) -> int:
    """A check sum of how the fold left an order: the same as long as it stands so."""
    return crc32(stands.summary.encode(), crc32(stands.milestone.encode())) or 1


def read_off(about: Sequence[Fact], stands: Stands) -> list[Step] | None:
    """An order's next facts with how it stood after each, read off how the fold left it; None where that does not tell after which fact it came to stand so."""
    if stands.aside:
        return [(fact, None) for fact in about]
    if stands.last != about[-1].position:
        return None
    moving = [fact for fact in about if moves(fact)]
    closing = stands.milestone in CLOSED
    as_before = stands.told is not None and mark(stands.told) == mark_of(stands)
    if len(moving) < 2 and (as_before or not (moving or closing)):
        return [(fact, None) for fact in about]
    if len(about) > 1:
        may_close = moving[:1] != [about[0]] and stands.told is not None and decode(stands.told).may_close
        if len(moving) != 1 or closing or may_close:
            return None
    one = moving[0] if moving else about[0]
    seen = Seen(stands.milestone, figures_of(stands.summary))
    return [(fact, seen if fact is one else None) for fact in about]


def _walked(
    start: Start, about: Sequence[Fact], agreements: Agreements, final: Seen | None
) -> tuple[list[Step], Start | None]:
    try:
        return walk(start, about, agreements, final)
    except VersionNotRead:
        raise
    except Exception as error:
        # The fold has set such an order aside, or will; what its facts say by themselves is told all the same.
        _log.warning("an order cannot be worked out", key=about[0].key, error=f"{type(error).__name__}: {error}")
        return [(fact, None) for fact in about], None


def walk(
    start: Start, about: Sequence[Fact], agreements: Agreements, final: Seen | None = None
) -> tuple[list[Step], Start]:
    """The facts in `about`, which follow on `start`, each with how the order stood after it, worked out by the process as of when the fact was recorded; and where
    to start from next. final: how it stands after the last, where that is known."""
    state = start.state
    for fact in start.since:
        state = order_to_cash.evolve(state, fact)
    states = []
    for fact in about:
        state = order_to_cash.evolve(state, fact)
        states.append((fact, state))
    before: Standing | None = None

    def stood(fact: Fact, state: order_to_cash.State) -> Standing:
        agreed = order_to_cash.agreement_of(state)
        now = fact.recorded_at or fact.occurred_at
        return order_to_cash.derive(state, agreements(*agreed) if agreed else None, now, before)

    steps: list[Step] = []
    # Facts since the last one that moved the order: where it has nothing left to ship, one of them may have closed it.
    quiet: list[tuple[int, Fact, order_to_cash.State]] = []
    seen: Seen | None = None

    def closing() -> None:
        if seen is not None and (seen.closed or not seen.figures.served):
            return
        for n, fact, state in reversed(quiet):
            after = seen_of(stood(fact, state))
            if not after.closed:
                return
            steps[n] = (fact, after)

    moving = [n for n, (fact, _) in enumerate(states) if moves(fact)]
    known = final is not None and (not final.closed or moving[-1:] == [len(states) - 1])
    for n, (fact, state) in enumerate(states):
        steps.append((fact, None))
        if moves(fact):
            closing()
            if known and final is not None and n == moving[-1]:
                # What comes behind it only meets obligations, and closes nothing.
                seen = final
            else:
                before = stood(fact, state)
                seen = seen_of(before)
            steps[n] = (fact, seen)
            quiet = []
        else:
            quiet.append((n, fact, state))
    if final is None or final.closed:
        closing()
    return steps, Start(state)


def seen_of(standing: Standing) -> Seen:
    """What of a standing events follow from."""
    return Seen(standing.milestone, msgspec.convert(standing.summary, Figures))
