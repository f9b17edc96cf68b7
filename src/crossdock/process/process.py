"""What every process is: the same few pure functions over a state of its own. The flow knows processes by this shape alone."""

from datetime import datetime
from typing import Any, Protocol

from crossdock.facts.fact import Fact
from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Effect, Obligation, Standing


class Process(Protocol):
    """`evolve` may see facts in any order and more than once; the state after a set of facts is the same. States are values and never altered in place.

    agreement_of: (partner, workspace version) whose agreement `derive` and `effect` are to be given; None as long as nobody can tell, and then `agreement` is None.
    derive: all that follows from the state at `now`. before: how the same process stood in an earlier state, to save work; it changes nothing of what is derived.
    effect: what meets an obligation that `derive` says is ready and ours; raises KeyError for any other.
    encode, decode: the state as MessagePack; equal states give equal bytes.
    """

    @property
    def name(self) -> str: ...

    def new(self, key: str) -> Any: ...

    def evolve(self, state: Any, fact: Fact) -> Any: ...

    def agreement_of(self, state: Any) -> tuple[str, int] | None: ...

    def derive(
        self, state: Any, agreement: Agreement | None, now: datetime, before: Standing | None = None
    ) -> Standing: ...

    def effect(self, state: Any, obligation: Obligation, agreement: Agreement | None, now: datetime) -> Effect: ...

    def encode(self, state: Any) -> bytes: ...

    def decode(self, data: bytes) -> Any: ...
