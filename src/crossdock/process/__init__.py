"""Processes: evolve(state, fact) says what has happened, derive(state, agreement, now) what should therefore be true. Both pure.

`order_to_cash` is a customer's order from its receipt to its invoice; `interchange` is a message from its receipt to its acknowledgement.
Keys that begin with one of `interchange.PREFIXES` are messages; every other key is our number of an order.
"""

from collections.abc import Mapping
from typing import get_args

from crossdock.facts.fact import Fact
from crossdock.facts.interchange import InterchangeFact
from crossdock.process import feed, interchange, order_to_cash, receipt, source, variance
from crossdock.process.obligation import CONTENT_TYPES, Effect, Name, Obligation, Standing, Status, Taken, Trouble
from crossdock.process.process import Process

__all__ = [
    "CONTENT_TYPES",
    "PROCESSES",
    "Effect",
    "Name",
    "Obligation",
    "Process",
    "Standing",
    "Status",
    "Taken",
    "Trouble",
    "process_of",
    "process_of_fact",
]

PROCESSES: Mapping[str, Process] = {
    p.name: p
    for p in (
        order_to_cash.PROCESS,
        interchange.PROCESS,
        feed.PROCESS,
        source.PROCESS,
        receipt.PROCESS,
        variance.PROCESS,
    )
}
"""Every process by its name."""

_BY_PREFIX: tuple[tuple[tuple[str, ...], Process], ...] = (
    (interchange.PREFIXES, interchange.PROCESS),
    ((feed.PREFIX,), feed.PROCESS),
    ((source.PREFIX,), source.PROCESS),
    ((receipt.PREFIX,), receipt.PROCESS),
    ((variance.PREFIX,), variance.PROCESS),
)
"""Whose keys begin with one of these words, in turn; every other key is our number of an order."""

_PREFIXES = tuple(prefix for prefixes, _ in _BY_PREFIX for prefix in prefixes)

_INTERCHANGE_FACTS = frozenset(get_args(InterchangeFact))


def process_of(key: str) -> Process:
    """The process whose instance `key` names."""
    if key.startswith(_PREFIXES):
        for prefixes, process in _BY_PREFIX:
            if key.startswith(prefixes):
                return process
    return order_to_cash.PROCESS


def process_of_fact(fact: Fact) -> Process:
    """The process that `fact` is about: by its type where that tells, else by its key."""
    return interchange.PROCESS if type(fact.data) in _INTERCHANGE_FACTS else process_of(fact.key)
