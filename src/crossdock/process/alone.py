"""A process about which nothing was agreed with a partner: what was told of it carries all that it goes by. `process.Process`, but for what differs."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from crossdock.facts.fact import Fact
from crossdock.process.agreed import Agreed
from crossdock.process.obligation import Effect, Obligation, Standing

S = TypeVar("S")


def owes_nothing(state: object, obligation: Obligation) -> Effect:
    """Raises KeyError: nothing is owed."""
    raise KeyError(obligation.id)


class Alone(Agreed[S]):
    """state: the type of the state, made of a key; evolve, derive, effect: the process's rules, without what only an agreement would need."""

    def __init__(
        self,
        name: str,
        state: Callable[[str], S],
        evolve: Callable[[S, Fact], S],
        derive: Callable[[S, datetime], Standing],
        effect: Callable[[S, Obligation], Effect] = owes_nothing,
    ) -> None:
        super().__init__(
            name,
            state,
            evolve,
            agreement_of=lambda state: None,
            derive=lambda state, agreement, now: derive(state, now),
            effect=lambda state, obligation, agreement, now: effect(state, obligation),
        )
