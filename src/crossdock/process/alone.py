"""A process about which nothing was agreed with a partner: what was told of it carries all that it goes by. `process.Process`, but for what differs."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from crossdock.facts.fact import Fact
from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Effect, Obligation, Standing

S = TypeVar("S")


def owes_nothing(state: object, obligation: Obligation) -> Effect:
    """Raises KeyError: nothing is owed."""
    raise KeyError(obligation.id)


class Alone(Generic[S]):
    """state: the type of the state, made of a key; evolve, derive, effect: the process's rules, without what only an agreement would need."""

    def __init__(
        self,
        name: str,
        state: Callable[[str], S],
        evolve: Callable[[S, Fact], S],
        derive: Callable[[S, datetime], Standing],
        effect: Callable[[S, Obligation], Effect] = owes_nothing,
    ) -> None:
        self.name = name
        self.new = state
        self.evolve = evolve
        self._derive = derive
        self._effect = effect
        self._encoder = msgspec.msgpack.Encoder(order="deterministic", decimal_format="string")
        self._decoder: msgspec.msgpack.Decoder[S] = msgspec.msgpack.Decoder(state)

    def agreement_of(self, state: S) -> tuple[str, int] | None:
        """None, always."""
        return None

    def derive(self, state: S, agreement: Agreement | None, now: datetime, before: Standing | None = None) -> Standing:
        return self._derive(state, now)

    def effect(self, state: S, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect:
        return self._effect(state, obligation)

    def encode(self, state: S) -> bytes:
        return self._encoder.encode(state)

    def decode(self, data: bytes) -> S:
        return self._decoder.decode(data)
