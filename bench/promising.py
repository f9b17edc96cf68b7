"""How long promising takes without a database: ATP of one item and of a 100-line order, a plan of a large order, fair shares, the fold of movements, channel offers.

    python -m bench.promising [--scale 1] [--json]

Seeded. An item stands at three sites, has four receipts expected within the horizon of 180 days (one of them overdue) and two demands that wait, one of which may come from
any site. A floor stands beside ATP: the same sums over the same dates, kept as a list of 181 days.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bench.figures import Figure, best, options, told
from crossdock.ledger.allocation import share
from crossdock.ledger.atp import HORIZON_DAYS, SiteStock, Waiting, atp
from crossdock.ledger.balances import available, balances, settled
from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ledger.explanation import explain
from crossdock.ledger.legs import usual
from crossdock.ledger.movement import Kind, Movement
from crossdock.ledger.offer import ChannelRule, offer
from crossdock.ledger.planning import Planning, plan

TODAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SITES = ("EAST", "WEST", "NORTH")

Inputs = tuple[str, list[SiteStock], list[ExpectedReceipt], list[Waiting]]


def items(count: int, seed: random.Random) -> list[Inputs]:
    """Items with their stock, receipts and waiting demands."""
    made: list[Inputs] = []
    for n in range(count):
        item = f"I{n}"
        stocks = [SiteStock(s, Decimal(seed.randint(0, 200)), reserved=Decimal(seed.randint(0, 50))) for s in SITES]
        receipts = [
            ExpectedReceipt(
                source="erp",
                source_id=f"PO-{n}-{r}",
                line="1",
                kind="purchase-order",
                item=item,
                site=seed.choice(SITES),
                quantity=Decimal(seed.randint(1, 100)),
                due_on=TODAY + timedelta(days=days),
            )
            for r, days in enumerate((-2, seed.randint(1, 20), seed.randint(10, 90), seed.randint(60, 180)))
        ]
        waits = [
            Waiting("SO-1", "1", Decimal(5), TODAY + timedelta(days=seed.randint(0, 30)), (seed.choice(SITES),)),
            Waiting("SO-2", "1", Decimal(5), TODAY + timedelta(days=seed.randint(0, 30)), SITES),
        ]
        made.append((item, stocks, receipts, waits))
    return made


def by_list(inputs: Inputs) -> list[Decimal]:
    """The floor: the sum of all sites as a list of days, from its end."""
    _, stocks, receipts, waits = inputs
    opening = sum((available(s.storage, s.allocated, s.staging, s.reserved) for s in stocks), Decimal(0))
    changes = [Decimal(0)] * (HORIZON_DAYS + 1)
    for receipt in receipts:
        changes[max((receipt.due_on - TODAY).days, 0)] += receipt.quantity
    for wait in waits:
        if wait.on is not None:
            changes[max((wait.on - TODAY).days, 0)] -= wait.quantity
    days = []
    for change in changes:
        opening += change
        days.append(opening)
    for n in range(HORIZON_DAYS - 1, -1, -1):
        days[n] = min(days[n], days[n + 1])
    return days


def each_microseconds(work: Callable[[], object], count: int) -> float:
    """Processor microseconds of one of `count` that `work` does."""
    return best(work, rounds=5, most_seconds=8).cpu_seconds / count * 1e6


def orders(inputs: list[Inputs], lines: int, count: int, seed: random.Random) -> list[float]:
    """Milliseconds of the clock, sorted, for the promise dates of each of so many orders."""
    spent = []
    for _ in range(count):
        asked = [seed.choice(inputs) for _ in range(lines)]
        began = time.perf_counter()
        for item, stocks, receipts, waits in asked:
            atp(item, stocks, receipts, waits, TODAY).promise_date(Decimal(120))
        spent.append((time.perf_counter() - began) * 1000)
    return sorted(spent)


def wanting(lines: int, among: int, seed: random.Random) -> list[Demand]:
    """Lines of one order, each of one of `among` items."""
    return [
        Demand(
            key="SO-1",
            line=str(n),
            item=f"I{seed.randrange(among)}",
            quantity=Decimal(seed.randint(1, 40)),
            sites=SITES,
            asked_at=NOW,
            split=n % 2 == 0,
        )
        for n in range(lines)
    ]


def movements(count: int, seed: random.Random) -> list[Movement]:
    """Receipts, picks, shipments and counts of 500 items, in the order in which they happened."""
    made = []
    for n in range(count):
        kind = seed.choice((Kind.RECEIPT, Kind.PUTAWAY, Kind.ALLOCATE, Kind.PICK, Kind.SHIP, Kind.COUNT))
        origin, destination = usual(kind)
        made.append(
            Movement(
                source="wms",
                source_id=str(n),
                kind=kind,
                item=f"I{seed.randrange(500)}",
                site=seed.choice(SITES),
                quantity=Decimal(seed.randint(1, 40)),
                origin=origin,
                destination=destination,
                occurred_at=NOW + timedelta(seconds=n),
            )
        )
    return made


def measured(scale: float) -> list[Figure]:
    """All figures."""
    seed = random.Random(3)
    count = max(int(2000 * scale), 20)
    known = items(count, seed)
    ours = each_microseconds(lambda: [atp(*each, TODAY).promise_date(Decimal(120)) for each in known], count)
    floor = each_microseconds(lambda: [by_list(each) for each in known], count)
    made = [atp(*each, TODAY) for each in known]
    told_why = each_microseconds(lambda: [explain(each, TODAY, "EAST") for each in made], count)
    simple: list[Inputs] = [(item, stocks[:1], [], []) for item, stocks, _, _ in known]
    bare = each_microseconds(lambda: [atp(*each, TODAY).promise_date(Decimal(120)) for each in simple], count)
    spent = orders(known, 100, max(int(400 * scale), 20), seed)
    lines = max(int(5000 * scale), 50)
    demands = wanting(lines, lines // 4 + 1, seed)
    free = {(f"I{n}", site): Decimal(60) for n in range(lines // 4 + 1) for site in SITES}
    planned = {
        sharing: each_microseconds(
            lambda sharing=sharing: plan(demands, free, now=NOW, today=TODAY, planning=Planning(sharing=sharing)),  # type: ignore[misc]
            lines,
        )
        for sharing in ("first-come", "fair-share")
    }
    shared = each_microseconds(lambda: share(demands, Decimal(lines * 5), "fair-share"), lines)
    happened = movements(max(int(50_000 * scale), 100), seed)
    folded = each_microseconds(lambda: balances(settled(happened)), len(happened))
    rule = ChannelRule(share_percent=Decimal(60), buffer=Decimal(2), cap=Decimal(500), minimum=Decimal(3))
    offered = each_microseconds(lambda: [offer(Decimal(n), rule) for n in range(count)], count)
    middle, last = spent[len(spent) // 2], spent[min(int(len(spent) * 0.99), len(spent) - 1)]
    return [
        Figure(
            name="ATP of an item: 3 sites, 4 receipts, 2 waiting",
            value=ours,
            unit="us",
            ratio=floor / ours,
            against="faster than a list of days (total alone)",
            aim="below 20",
        ),
        Figure(name="ATP of an item at one site, nothing expected", value=bare, unit="us"),
        Figure(name="explanation of one figure", value=told_why, unit="us"),
        Figure(name="promise dates of a 100-line order, p50", value=middle, unit="ms", note="by the clock"),
        Figure(name="promise dates of a 100-line order, p99", value=last, unit="ms", note="by the clock"),
        Figure(name=f"plan of {lines:,} lines, first come", value=planned["first-come"], unit="us a line"),
        Figure(name=f"plan of {lines:,} lines, fair shares", value=planned["fair-share"], unit="us a line"),
        Figure(name=f"fair shares of one item among {lines:,}", value=shared, unit="us a line"),
        Figure(name="fold of movements with counts", value=folded, unit="us a movement"),
        Figure(name="offer to a channel", value=offered, unit="us"),
    ]


def main() -> None:
    """The command."""
    parser = options(__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="smaller sizes, to see whether it works")
    given = parser.parse_args()
    told(measured(given.scale), "Promising, without a database", as_json=given.json)


if __name__ == "__main__":
    main()
