"""What every `Sink` promises: one effect per transmission, an outcome that is true, and a look-up that finds what was
done."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
import pytest

from crossdock.ports.outbound import Absent, Accepted, Later, Refused, Sink, Transmission, Unknown


class SinkFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What the adapter can do, and what its stage can play.

    looks_up: `look_up` can tell done from not done. idempotent: sending what was accepted once more has no second
    effect.
    unreachable, loses_answers, refuses: the stage can play a counterpart that cannot be reached, that does it and is
    not heard of, that says a business no.
    """

    looks_up: bool
    idempotent: bool
    unreachable: bool = True
    loses_answers: bool = True
    refuses: bool = True


class SinkStage(Protocol):
    """The adapter against a real counterpart."""

    @property
    def sink(self) -> Sink: ...

    def transmission(self, number: int) -> Transmission:
        """One that the counterpart takes. The same number gives the same transmission, different ones different
        names."""
        ...

    def effects(self, transmission: Transmission) -> int:
        """How many times the counterpart has it."""
        ...

    async def become_unreachable(self) -> None:
        """From now on nothing reaches the counterpart."""
        ...

    async def lose_answers(self) -> None:
        """From now on what is sent takes effect and the adapter does not hear of it; look-ups are answered."""
        ...

    async def refuse(self) -> None:
        """From now on the counterpart says a business no to whatever is sent."""
        ...


@pytest.mark.asyncio
class SinkConformance(ABC):
    """Subclass it as `Test...`, set `features`, write `stage`."""

    features: SinkFeatures

    @abstractmethod
    def stage(self) -> AbstractAsyncContextManager[SinkStage]:
        """A fresh stage for one test."""

    def _needs(self, feature: str) -> None:
        if not getattr(self.features, feature):
            pytest.skip(f"declared without {feature}")

    async def test_what_is_accepted_has_arrived_once(self) -> None:
        async with self.stage() as stage:
            sent = stage.transmission(1)
            assert isinstance(await stage.sink.send(sent), Accepted)
            assert stage.effects(sent) == 1

    async def test_what_is_sent_at_the_same_time_arrives_once_each(self) -> None:
        async with self.stage() as stage:
            sent = [stage.transmission(number) for number in range(20)]
            outcomes = await asyncio.gather(*(stage.sink.send(each) for each in sent))
            assert all(isinstance(outcome, Accepted) for outcome in outcomes)
            assert [stage.effects(each) for each in sent] == [1] * 20

    async def test_sending_again_what_was_accepted_has_no_second_effect(self) -> None:
        self._needs("idempotent")
        async with self.stage() as stage:
            sent = stage.transmission(1)
            for _ in range(3):
                assert isinstance(await stage.sink.send(sent), Accepted)
            assert stage.effects(sent) == 1

    async def test_the_system_is_the_one_that_it_was_made_for(self) -> None:
        async with self.stage() as stage:
            assert stage.sink.system

    async def test_a_look_up_finds_what_was_sent_with_the_same_answer(self) -> None:
        self._needs("looks_up")
        async with self.stage() as stage:
            sent, other = stage.transmission(1), stage.transmission(2)
            accepted = await stage.sink.send(sent)
            found = await stage.sink.look_up(sent)
            assert isinstance(accepted, Accepted)
            assert isinstance(found, Accepted)
            assert found.answer == accepted.answer
            assert isinstance(await stage.sink.look_up(other), Absent)
            assert (stage.effects(sent), stage.effects(other)) == (1, 0)

    async def test_one_that_cannot_look_up_never_claims_to_know(self) -> None:
        if self.features.looks_up:
            pytest.skip("declared with looks_up")
        async with self.stage() as stage:
            sent = stage.transmission(1)
            assert isinstance(await stage.sink.look_up(sent), Unknown)
            await stage.sink.send(sent)
            assert isinstance(await stage.sink.look_up(sent), Unknown)

    async def test_out_of_reach_means_later_and_nothing_has_happened(self) -> None:
        self._needs("unreachable")
        async with self.stage() as stage:
            await stage.become_unreachable()
            sent = stage.transmission(1)
            assert isinstance(await stage.sink.send(sent), Later)
            assert stage.effects(sent) == 0

    async def test_done_and_not_heard_of_is_unknown_and_then_found(self) -> None:
        self._needs("loses_answers")
        async with self.stage() as stage:
            await stage.lose_answers()
            sent = stage.transmission(1)
            assert isinstance(await stage.sink.send(sent), Unknown)
            if self.features.looks_up:
                assert isinstance(await stage.sink.look_up(sent), Accepted)
            assert stage.effects(sent) == 1

    async def test_a_business_no_is_refused_and_has_no_effect(self) -> None:
        self._needs("refuses")
        async with self.stage() as stage:
            await stage.refuse()
            sent = stage.transmission(1)
            outcome = await stage.sink.send(sent)
            assert isinstance(outcome, Refused)
            assert outcome.reason
            assert stage.effects(sent) == 0

    async def test_closing_twice_does_no_harm(self) -> None:
        async with self.stage() as stage:
            await stage.sink.send(stage.transmission(1))
            await stage.sink.close()
            await stage.sink.close()
