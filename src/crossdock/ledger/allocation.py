"""Who gets how much of what is short: by priority, first come first served, or a fair share. Whole units of the item's multiple, deterministic, and never more than there is."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from crossdock.ledger.demand import Demand

Sharing = Literal["priority", "first-come", "fair-share"]

ONE = Decimal(1)
NOTHING = Decimal(0)


def rank(demand: Demand, sharing: Sharing) -> tuple[int, datetime, str, str]:
    """Who comes first. By priority: the lower number, then who asked first. First come: who asked first. A fair share gives what cannot be divided to the
    same one. Order and line decide where nothing else does."""
    return demand.priority if sharing == "priority" else 0, demand.asked_at, demand.key, demand.line


def share(
    demands: Sequence[Demand], supply: Decimal, sharing: Sharing, *, multiple: Decimal = ONE
) -> dict[tuple[str, str], Decimal]:
    """What each (key, line) gets of `supply`: all that it wants where there is enough.

    A demand gets whole multiples, or all that it wants. A fair share is in proportion to what is wanted; what is left of the division goes to the largest
    remainders. The sum is never above `supply`, and of what is left over nobody could take one more multiple.
    """
    ordered = sorted(demands, key=lambda demand: rank(demand, sharing))
    names = [(demand.key, demand.line) for demand in ordered]
    wants = [max(demand.quantity, NOTHING) for demand in ordered]
    left = max(supply, NOTHING)
    if sum(wants, NOTHING) <= left:
        return dict(zip(names, wants, strict=True))
    if sharing == "fair-share":
        return dict(zip(names, proportional(wants, left, multiple), strict=True))
    given: dict[tuple[str, str], Decimal] = {}
    for name, want in zip(names, wants, strict=True):
        given[name] = whole(want, left, multiple)
        left -= given[name]
    return given


def whole(want: Decimal, there: Decimal, multiple: Decimal) -> Decimal:
    """As much of `want` as there is, in whole multiples; all of it, whatever its multiple, where there is as much."""
    if want <= there:
        return want
    return there // multiple * multiple if there > 0 else NOTHING


def proportional(wants: Sequence[Decimal], supply: Decimal, multiple: Decimal) -> list[Decimal]:
    """`supply`, which is not enough, divided in proportion to `wants` by largest remainders; equal remainders in the order given."""
    total = Fraction(sum(wants, NOTHING))
    step = Fraction(multiple)
    given: list[Decimal] = []
    remainders: list[Fraction] = []
    for want in wants:
        exact = Fraction(want) * Fraction(supply) / total
        floor = exact // step
        given.append(multiple * floor)
        remainders.append(exact - floor * step)
    left = supply - sum(given, NOTHING)
    turns = sorted(range(len(wants)), key=lambda n: (-remainders[n], n))
    while turns:
        still = []
        for n in turns:
            more = min(multiple, wants[n] - given[n])
            if 0 < more <= left:
                given[n] += more
                left -= more
                still.append(n)
        turns = still
    return given
