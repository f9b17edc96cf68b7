"""Announce: what the fold has made of new facts becomes events, in one sequence without gaps, told to whoever asks.

One announcer works at a time, under the lock that hands out the sequence; another that finds it taken goes away. Events follow from facts, and from how an order stood right
after each: where the fold has written that (one fact since the last time), it is read; where several facts came at once, it is worked out fact by fact with the process
itself. So a history makes the same events, however it is cut into batches. Exceptions, available stock and webhooks given up are no facts: they are told when they differ
from what was told last.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
import structlog

from crossdock.events import Event, others
from crossdock.events.orders import events_of, moves
from crossdock.events.standing import Figures, Seen, Told, decode, differs, encode, figures_of
from crossdock.facts import Fact
from crossdock.flow.fold import VersionNotRead
from crossdock.policy import Agreements
from crossdock.ports.events import Announcements, Announcing, Stands
from crossdock.process import Standing, order_to_cash, process_of_fact

PER_LANE = 25
EXCEPTIONS = 500
STOCK = 2000

Step = tuple[Fact, Seen | None]

_log = structlog.get_logger(__name__)


async def announce_once(
    announcements: Announcements, agreements: Agreements, now: datetime, per_lane: int = PER_LANE
) -> int:
    """Announces the next facts, at most `per_lane` of each lane, and exceptions; returns how many facts and exceptions were looked at. Raises VersionNotRead."""
    async with announcements.announcing() as held:
        if held is None:
            return 0
        facts = await held.facts(per_lane)
        intervals = await held.exceptions(EXCEPTIONS)
        given_up = await held.given_up()
        if not facts and not intervals and not given_up:
            return 0
        events, told = await _of_facts(held, facts, agreements) if facts else ([], {})
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
    held: Announcing, facts: Sequence[Fact], agreements: Agreements
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
    standings = await held.standings(lanes)
    known = {key: decode(s.told) if s.told is not None else Told() for key, s in standings.items() if key in orders}
    steps: dict[str, list[Step]] = {}
    for key, about in orders.items():
        steps[key] = read_off(about, standings[key], known[key]) or []
    walks = {key: (about[-1].lane, about[-1].position) for key, about in orders.items() if not steps[key]}
    if walks:
        histories = await held.histories(walks)
        for key in walks:
            steps[key] = _walked(histories[key], orders[key], agreements)
    found: list[Event] = []
    told: dict[str, tuple[int, bytes]] = {}
    for key in orders:
        after, events = events_of(known[key], steps[key])
        found += events
        if after != known[key]:
            told[key] = (lanes[key], encode(after))
    for fact in rest:
        found += others.events_of(fact, standings[fact.key].partner)
    return found, told


def read_off(about: Sequence[Fact], stands: Stands, told: Told) -> list[Step] | None:
    """An order's next facts with how it stood after each, read off how the fold left it; None where that does not tell after which fact it came to stand so."""
    if stands.aside:
        return [(fact, None) for fact in about]
    if stands.last != about[-1].position:
        return None
    seen = Seen(stands.milestone, figures_of(stands.summary))
    if not differs(told, seen):
        return [(fact, None) for fact in about]
    moving = [fact for fact in about if moves(fact)]
    if len(about) == 1:
        one = about[0]
    elif len(moving) == 1 and (told.closed or not seen.closed):
        # Only what moves an order changes more of it than whether it is closed.
        one = moving[0]
    else:
        return None
    return [(fact, seen if fact is one else None) for fact in about]


def _walked(history: Sequence[Fact], about: Sequence[Fact], agreements: Agreements) -> list[Step]:
    try:
        return walk(history, about, agreements)
    except VersionNotRead:
        raise
    except Exception as error:
        # The fold has set such an order aside, or will; what its facts say by themselves is told all the same.
        _log.warning("an order cannot be worked out", key=about[0].key, error=f"{type(error).__name__}: {error}")
        return [(fact, None) for fact in about]


def walk(history: Iterable[Fact], about: Sequence[Fact], agreements: Agreements) -> list[Step]:
    """The facts in `about`, the last of `history`, each with how the order stood after it, worked out by the process as of when the fact was recorded."""
    first = about[0].position
    state = order_to_cash.new(about[0].key)
    states = []
    for fact in history:
        state = order_to_cash.evolve(state, fact)
        if fact.position >= first:
            states.append((fact, state))
    before: Standing | None = None

    def stood(fact: Fact, state: order_to_cash.State) -> Standing:
        agreed = order_to_cash.agreement_of(state)
        now = fact.recorded_at or fact.occurred_at
        return order_to_cash.derive(state, agreements(*agreed) if agreed else None, now, before)

    steps: list[Step] = []
    # Facts since the last one that moved the order: one of them may have closed it.
    quiet: list[tuple[int, Fact, order_to_cash.State]] = []
    closed = False
    for n, (fact, state) in enumerate(states):
        steps.append((fact, None))
        last = n == len(states) - 1
        if not moves(fact) and not last:
            quiet.append((n, fact, state))
            continue
        before = stood(fact, state)
        steps[n] = (fact, seen_of(before))
        now_closed = before.milestone in ("complete", "cancelled")
        if now_closed and not closed:
            for earlier, told_by, then in reversed(quiet):
                standing = stood(told_by, then)
                if standing.milestone not in ("complete", "cancelled"):
                    break
                steps[earlier] = (told_by, seen_of(standing))
        closed, quiet = now_closed, []
    return steps


def seen_of(standing: Standing) -> Seen:
    """What of a standing events follow from."""
    return Seen(standing.milestone, msgspec.convert(standing.summary, Figures))
