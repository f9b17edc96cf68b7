"""A process that goes by what is agreed with one partner, as the flow sees it; see `process.Process`. It keeps its whole state and is derived anew each time."""

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from crossdock.facts.fact import Fact
from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Effect, Obligation, Standing

S = TypeVar("S")


class Agreed(Generic[S]):
    """state: the type of the state, made of a key; agreement_of: (partner, version of the workspace) that hold for a state, None as long as nobody can tell;
    evolve, derive, effect: the process's rules."""

    def __init__(
        self,
        name: str,
        state: Callable[[str], S],
        evolve: Callable[[S, Fact], S],
        agreement_of: Callable[[S], tuple[str, int] | None],
        derive: Callable[[S, Agreement | None, datetime], Standing],
        effect: Callable[[S, Obligation, Agreement | None, datetime], Effect],
    ) -> None:
        self.name = name
        self.new = state
        self.evolve = evolve
        self.agreement_of = agreement_of
        self.effect = effect
        self._derive = derive
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._decoder: msgspec.msgpack.Decoder[S] = msgspec.msgpack.Decoder(state)

    def derive(self, state: S, agreement: Agreement | None, now: datetime, before: Standing | None = None) -> Standing:
        return self._derive(state, agreement, now)

    def encode(self, state: S) -> bytes:
        return self._encoder.encode(state)

    def decode(self, data: bytes) -> S:
        return self._decoder.decode(data)
