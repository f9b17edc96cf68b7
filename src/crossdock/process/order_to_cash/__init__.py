"""A customer's order from its receipt to its invoice. Read on in the order `state`, `evolve`, `position` (with
`counters`, `lines`, `releasing`, `shipping`), `obligations`, `troubles`, `standing`, `effects`.

The state is the set of what was told (facts in any order, any number of times, the same state); everything else is derived from it.
"""

from datetime import datetime

from crossdock.facts.fact import Fact
from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Effect, Obligation, Standing
from crossdock.process.order_to_cash import standing, state
from crossdock.process.order_to_cash.effects import effect
from crossdock.process.order_to_cash.evolve import evolve
from crossdock.process.order_to_cash.standing import MILESTONES, agreement_of, counters_of, derive
from crossdock.process.order_to_cash.state import State, decode, encode, new

__all__ = [
    "MILESTONES",
    "PROCESS",
    "OrderToCash",
    "State",
    "agreement_of",
    "counters_of",
    "decode",
    "derive",
    "effect",
    "encode",
    "evolve",
    "new",
]


class OrderToCash:
    """The process as the flow sees it; see `process.Process`."""

    name = "order_to_cash"

    def new(self, key: str) -> State:
        return state.new(key)

    def evolve(self, known: State, fact: Fact) -> State:
        return evolve(known, fact)

    def agreement_of(self, known: State) -> tuple[str, int] | None:
        return standing.agreement_of(known)

    def derive(
        self, known: State, agreement: Agreement | None, now: datetime, before: Standing | None = None
    ) -> Standing:
        return standing.derive(known, agreement, now, before)

    def effect(self, known: State, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect:
        return effect(known, obligation, agreement, now)

    def encode(self, known: State) -> bytes:
        return state.encode(known)

    def decode(self, data: bytes) -> State:
        return state.decode(data)


PROCESS = OrderToCash()
