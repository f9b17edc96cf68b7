"""What every `Source` promises: every byte, at least once, under an id that stays, until it is told that the message
has been kept."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec
import pytest

from crossdock.ports.inbound import Arrival, Source

PATIENCE_SECONDS = 20.0

ODD_BYTES = (
    b"ISA*00~\r\n",
    b"\xef\xbb\xbfISA*00~\n",
    bytes(range(256)),
    b"\r\n\r\n",
    b"x" * 300_000,
)
"""Bytes that a transport is tempted to change."""


class SourceFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """What the adapter does.

    survives: what was put and not kept is shown by the next source on the same stage, without its sender doing anything
    (a folder does; a webhook is sent again
    by its sender, which the stage then plays). empty: a message may be empty.
    """

    survives: bool = True
    empty: bool = True


class SourceStage(Protocol):
    """The place that messages come from."""

    async def open(self) -> Source:
        """A source on this place; as after a restart if there was one before (which is closed, or was killed)."""
        ...

    async def put(self, name: str, data: bytes) -> None:
        """A counterpart sends this message; returns without waiting for it to be kept. Names are used once."""
        ...


@pytest.mark.asyncio
class SourceConformance(ABC):
    """Subclass it as `Test...`, set `features`, write `stage`."""

    features: SourceFeatures = SourceFeatures()

    @abstractmethod
    def stage(self) -> AbstractAsyncContextManager[SourceStage]:
        """A fresh stage for one test."""

    async def test_every_byte_arrives_as_it_was_sent(self) -> None:
        messages = [*ODD_BYTES, b""] if self.features.empty else list(ODD_BYTES)
        async with self.stage() as stage:
            source = await stage.open()
            for number, data in enumerate(messages):
                await stage.put(f"m{number}", data)
            arrived = await take(source, len(messages))
            assert sorted(arrival.data for arrival in arrived) == sorted(messages)
            assert {arrival.channel for arrival in arrived} == {source.channel}
            await source.close()

    async def test_many_arrive_each_under_an_id_of_its_own(self) -> None:
        async with self.stage() as stage:
            source = await stage.open()
            for number in range(300):
                await stage.put(f"m{number}", b"%d" % number)
            arrived = await take(source, 300)
            assert {arrival.data for arrival in arrived} == {b"%d" % number for number in range(300)}
            assert len({arrival.source_id for arrival in arrived}) == 300
            await source.close()

    async def test_ids_are_text_that_any_database_takes(self) -> None:
        async with self.stage() as stage:
            source = await stage.open()
            await stage.put("m", b"x")
            [arrival] = await take(source, 1)
            assert arrival.source_id
            for text in (arrival.source_id, arrival.name, *arrival.attributes.values()):
                assert "\0" not in text
                text.encode("utf-8")
            await source.close()

    async def test_what_was_not_kept_is_shown_again_under_the_same_id(self) -> None:
        async with self.stage() as stage:
            before = await stage.open()
            await stage.put("m", b"precious")
            [first] = await take(before, 1, keep=False)
            await before.close()
            after = await stage.open()
            if not self.features.survives:
                await stage.put("m", b"precious")
            [second] = await take(after, 1)
            assert (second.source_id, second.data) == (first.source_id, b"precious")
            await after.close()

    async def test_what_was_kept_is_not_shown_again(self) -> None:
        async with self.stage() as stage:
            before = await stage.open()
            await stage.put("m1", b"one")
            await take(before, 1)
            await before.close()
            after = await stage.open()
            await stage.put("m2", b"two")
            assert [arrival.data for arrival in await take(after, 1)] == [b"two"]
            await after.close()

    async def test_keeping_again_does_no_harm(self) -> None:
        async with self.stage() as stage:
            source = await stage.open()
            await stage.put("m1", b"one")
            batch = await take(source, 1)
            await source.keep(batch)
            await stage.put("m2", b"two")
            assert [arrival.data for arrival in await take(source, 1)] == [b"two"]
            await source.close()

    async def test_closing_ends_the_arrivals_of_one_who_waits(self) -> None:
        async with self.stage() as stage:
            source = await stage.open()
            reading = asyncio.create_task(take(source, 1))
            await asyncio.sleep(0.05)
            await source.close()
            assert await asyncio.wait_for(reading, PATIENCE_SECONDS) == []

    async def test_closing_twice_does_no_harm(self) -> None:
        async with self.stage() as stage:
            source = await stage.open()
            await source.close()
            await source.close()


async def take(source: Source, count: int, keep: bool = True) -> list[Arrival]:
    """The first `count` different messages, kept unless told otherwise; fewer if the source is closed before. Fails
    when they do not come."""
    found: dict[str, Arrival] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        batches: AsyncIterator[Sequence[Arrival]] = source.arrivals()
        async for batch in batches:
            found.update((arrival.source_id, arrival) for arrival in batch)
            if keep:
                await source.keep(batch)
            if len(found) >= count:
                break
    return list(found.values())
