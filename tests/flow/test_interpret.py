"""Reading: what cannot be read is held and loses nothing, what is read twice is told once, and duplicates are told apart."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from play import order

from crossdock.edi.findings import Code, Place, find
from crossdock.facts import Fact
from crossdock.facts.interchange import MessageHeld
from crossdock.flow.interpret import FINDINGS_KEPT, PART_FACTS, interpret_once, match_once
from crossdock.ports.inbound import Arrival
from crossdock.ports.translation import Control, Identity, Message, Pending, Reading
from crossdock.store.inbox import ClaimedMessages

from .hub import Hub, ScriptedSink

Read = Callable[[Message], Iterator[Reading]]
CHANNEL = "bigmart-edi"


class ScriptedReader:
    """Reads each message as the test says, by its first word."""

    def __init__(self, **words: Read) -> None:
        self.words = words

    def read(self, message: Message) -> Iterator[Reading]:
        return self.words[message.data.split()[0].decode()](message)


async def arrive(hub: Hub, *messages: bytes, channel: str = CHANNEL) -> list[int]:
    """Messages come in; gives their numbers."""
    known = len(await hub.rows("SELECT FROM messages"))
    await hub.inbox.keep(
        [Arrival(channel=channel, source_id=f"{channel}-{known + n}", data=data) for n, data in enumerate(messages)],
        hub.now,
    )
    return [row["id"] for row in await hub.rows("SELECT id FROM messages ORDER BY id")][known:]


async def read(hub: Hub, readers: Mapping[str, Any]) -> None:
    """All that is stored is read and folded."""
    while await interpret_once(hub.inbox, readers, hub.now):
        pass
    await hub.fold()


async def message(hub: Hub, id_: int) -> dict[str, Any]:
    (row,) = await hub.rows("SELECT * FROM messages WHERE id = $1", id_)
    return row


def told(message: Message, *keys: str) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            key=key,
            data=order(purchase_order=key),
            source=message.channel,
            source_id=key,
            occurred_at=message.received_at,
            message=message.id,
        )
        for key in keys
    )


def an_order(message: Message) -> Iterator[Reading]:
    """`order SO-1`"""
    yield Reading(facts=told(message, message.data.split()[1].decode()))


def a_riddle(message: Message) -> Iterator[Reading]:
    finding = find(next(iter(Code)), "no guide for an 852", Place())
    yield Reading(held="no-guide: 852 has no guide", findings=(finding,))


async def test_what_cannot_be_read_is_held_with_its_findings_and_read_again_when_the_workspace_has_learned(
    hub: Hub,
) -> None:
    (id_,) = await arrive(hub, b"riddle SO-1")
    await read(hub, {CHANNEL: ScriptedReader(riddle=a_riddle)})
    held = await message(hub, id_)
    assert (held["status"], held["data"], held["readings"]) == ("held", b"riddle SO-1", 1)
    assert "no-guide" in held["note"]
    assert b"no guide for an 852" in held["findings"]
    assert await hub.open_exceptions() == {f"MSG-{id_}/message-held"}
    await read(hub, {CHANNEL: ScriptedReader(riddle=an_order)})
    assert (await message(hub, id_))["status"] == "held", "nobody has asked for it to be read again"

    hub.wait(hours=1)
    assert await hub.inbox.read_again(None) == 1
    await read(hub, {CHANNEL: ScriptedReader(riddle=an_order)})
    assert (await message(hub, id_))["status"] == "read"
    assert f"MSG-{id_}/message-held" not in await hub.open_exceptions()
    assert len(await hub.facts_of_type("message.understood")) == 1
    assert await hub.statuses() == {"SO-1/credit-check": "queued"}
    assert await hub.differences() == []


async def test_what_is_read_again_and_still_not_understood_stays_one_exception(hub: Hub) -> None:
    (id_,) = await arrive(hub, b"riddle")
    for _ in range(3):
        await read(hub, {CHANNEL: ScriptedReader(riddle=a_riddle)})
        hub.wait(hours=1)
        assert await hub.inbox.read_again([id_]) == 1
    await read(hub, {CHANNEL: ScriptedReader(riddle=a_riddle)})
    assert len(await hub.facts_of_type("message.held")) == 1
    assert len(await hub.rows("SELECT FROM exception_intervals")) == 1
    assert (await message(hub, id_))["readings"] == 4


async def test_a_message_of_a_channel_that_nobody_declares_is_held(hub: Hub) -> None:
    (id_,) = await arrive(hub, b"order SO-1", channel="nobody")
    await read(hub, {})
    assert ((await message(hub, id_))["status"], (await message(hub, id_))["note"]) == ("held", "no-reader")
    await hub.inbox.read_again([id_])
    await read(hub, {"nobody": ScriptedReader(order=an_order)})
    assert await hub.open_exceptions() == set()


async def test_a_defect_in_a_reader_holds_its_message_and_not_the_ones_behind(hub: Hub) -> None:
    def breaks(message: Message) -> Iterator[Reading]:
        yield Reading(facts=told(message, "SO-2"))
        raise ZeroDivisionError

    first, broken, behind = await arrive(hub, b"order SO-1", b"broken", b"order SO-3")
    await read(hub, {CHANNEL: ScriptedReader(order=an_order, broken=breaks)})
    assert [(await message(hub, id_))["status"] for id_ in (first, broken, behind)] == ["read", "held", "read"]
    assert len(await hub.facts_of_type("order.received")) == 3, "what was read before the defect is not lost"
    (fact,) = await hub.facts_of_type("message.held")
    assert b"ZeroDivisionError" in fact["body"]


async def test_a_defect_before_the_first_reading_holds_the_message_too(hub: Hub) -> None:
    class Unready:
        def read(self, message: Message) -> Iterator[Reading]:
            raise ZeroDivisionError

    broken, behind = (*await arrive(hub, b"x"), *await arrive(hub, b"order SO-1", channel="well"))
    await read(hub, {CHANNEL: Unready(), "well": ScriptedReader(order=an_order)})
    assert [(await message(hub, id_))["status"] for id_ in (broken, behind)] == ["held", "read"]


async def test_many_findings_are_kept_up_to_a_number_and_the_rest_counted(hub: Hub) -> None:
    def finds(message: Message) -> Iterator[Reading]:
        for n in range(3):
            yield Reading(findings=tuple(find(next(iter(Code)), f"{n}-{i}", Place()) for i in range(100)))

    (id_,) = await arrive(hub, b"much")
    await read(hub, {CHANNEL: ScriptedReader(much=finds)})
    assert (await message(hub, id_))["note"] == f"{300 - FINDINGS_KEPT} more findings"


# --- acknowledgements ---


def acknowledging(control: Control, **transactions: tuple[str, tuple[str, ...]]) -> Read:
    def reads(message: Message) -> Iterator[Reading]:
        yield Reading(
            pending=(
                Pending(
                    control=control,
                    status="accepted",
                    source=CHANNEL,
                    source_id=f"997-{message.id}",
                    occurred_at=message.received_at,
                    message=message.id,
                    transactions=transactions,
                ),
            )
        )

    return reads


async def test_a_997_that_comes_before_our_sending_is_written_down_waits_and_is_matched_later(hub: Hub) -> None:
    reads = acknowledging(Control("erp", "000000001", "CR", "1", "0001"))
    (id_,) = await arrive(hub, b"ack")
    await read(hub, {CHANNEL: ScriptedReader(ack=reads)})
    assert (await message(hub, id_))["status"] == "read"
    assert len(await hub.rows("SELECT FROM unmatched")) == 1
    assert await match_once(hub.inbox, hub.now) == 0
    await hub.orders("SO-1")
    await hub.work(hub.dispatch(ScriptedSink("erp")))
    assert await match_once(hub.inbox, hub.now) == 1
    assert await match_once(hub.inbox, hub.now) == 0
    assert await hub.rows("SELECT FROM unmatched") == []
    (fact,) = await hub.facts_of_type("acknowledgement.received")
    assert (fact["key"], fact["message"]) == ("SO-1", id_)


async def test_a_997_for_a_group_is_told_of_each_of_its_documents_with_its_own_fate(hub: Hub) -> None:
    await hub.orders("SO-1", "SO-2")
    from .hub import PlainWriter

    await hub.work(hub.dispatch(ScriptedSink("erp"), PlainWriter("erp", batch=2), batch=2))
    reads = acknowledging(Control("erp", "", "CR", "1", ""), **{"0002": ("rejected", ("no such item",))})
    await arrive(hub, b"ack")
    await read(hub, {CHANNEL: ScriptedReader(ack=reads)})
    facts = await hub.facts_of_type("acknowledgement.received")
    assert sorted(b"rejected" in fact["body"] for fact in facts) == [False, True]
    assert await hub.rows("SELECT FROM unmatched") == []


async def test_the_same_997_read_twice_is_told_once(hub: Hub) -> None:
    await hub.orders("SO-1")
    await hub.work(hub.dispatch(ScriptedSink("erp")))
    (id_,) = await arrive(hub, b"ack")
    for _ in range(2):
        await read(hub, {CHANNEL: ScriptedReader(ack=acknowledging(Control("erp", "000000001", "CR", "1", "0001")))})
        await hub.do("UPDATE messages SET status = 'stored' WHERE id = $1", id_)
    assert len(await hub.facts_of_type("acknowledgement.received")) == 1


# --- duplicates ---


def identified(message: Message) -> Iterator[Reading]:
    """`doc INTERCHANGE DOCUMENT`"""
    _, interchange, document, *_ = message.data.decode().split()
    yield Reading(identities=(Identity("interchange", interchange), Identity("document", document)))


@pytest.mark.parametrize("together", [True, False], ids=["in-one-batch", "one-after-the-other"])
async def test_three_kinds_of_duplicates_are_told_apart(hub: Hub, together: bool) -> None:
    readers = {CHANNEL: ScriptedReader(doc=identified)}
    sent = [b"doc I1 D1", b"doc I1 D2", b"doc I2 D1", b"doc I3 D3", b"doc I3 D3"]
    ids = []
    for data in sent:
        ids += await arrive(hub, data)
        if not together:
            await read(hub, readers)
    await read(hub, readers)
    first, same_interchange, same_document, other, same_bytes = ids
    notes = {id_: (await message(hub, id_))["note"] for id_ in ids}
    assert (notes[first], notes[other]) == ("", "")
    assert notes[same_interchange] == f"same interchange as message {first}"
    assert notes[same_document] == f"same document as message {first}"
    assert set(notes[same_bytes].split("; ")) == {
        f"same bytes as message {other}",
        f"same interchange as message {other}",
        f"same document as message {other}",
    }


async def test_the_same_bytes_on_another_channel_are_no_duplicate(hub: Hub) -> None:
    readers = {channel: ScriptedReader(order=an_order) for channel in (CHANNEL, "other")}
    await arrive(hub, b"order SO-1")
    (id_,) = await arrive(hub, b"order SO-1", channel="other")
    await read(hub, readers)
    assert (await message(hub, id_))["note"] == ""


async def test_a_message_read_again_is_no_duplicate_of_itself(hub: Hub) -> None:
    (id_,) = await arrive(hub, b"doc I1 D1")
    for _ in range(2):
        await read(hub, {CHANNEL: ScriptedReader(doc=identified)})
        assert (await message(hub, id_))["note"] == ""
        await hub.do("UPDATE messages SET status = 'stored'")


async def test_what_its_transport_shows_twice_is_stored_once(hub: Hub) -> None:
    arrival = Arrival(channel=CHANNEL, source_id="file-1", data=b"order SO-1")
    assert await hub.inbox.keep([arrival], hub.now) == 1
    assert await hub.inbox.keep([arrival, arrival], hub.now) == 0


# --- big messages ---

PARTS, EACH = 3, PART_FACTS


def a_big_one(message: Message) -> Iterator[Reading]:
    for part in range(PARTS):
        yield Reading(facts=told(message, *(f"SO-{part}-{n}" for n in range(EACH))))
    yield Reading(facts=told(message, "SO-last"), identities=(Identity("interchange", "big"),))


async def test_a_message_with_thousands_of_transactions_is_recorded_in_parts_and_a_crash_doubles_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {CHANNEL: ScriptedReader(big=a_big_one, order=an_order)}
    id_, behind = await arrive(hub, b"big", b"order SO-behind")
    with monkeypatch.context() as patched:

        async def dies(*_: object) -> int:
            raise ConnectionResetError

        patched.setattr(ClaimedMessages, "finish", dies)
        with pytest.raises(ConnectionResetError):
            await interpret_once(hub.inbox, readers, hub.now)
    assert len(await hub.facts_of_type("order.received")) == PARTS * EACH, "the parts stand, the rest does not"
    assert [(await message(hub, each))["status"] for each in (id_, behind)] == ["stored", "stored"]
    assert await interpret_once(hub.inbox, readers, hub.now) == 2
    assert len(await hub.facts_of_type("order.received")) == PARTS * EACH + 2
    assert [(await message(hub, each))["status"] for each in (id_, behind)] == ["read", "read"]
    assert (await message(hub, id_))["note"] == ""


async def test_two_who_read_at_once_take_different_messages(hub: Hub) -> None:
    await arrive(hub, *(b"order SO-%d" % n for n in range(9)))
    async with hub.inbox.reading(5) as one, hub.inbox.reading(5) as other:
        taken = {m.id for m in one.messages}, {m.id for m in other.messages}
    assert [len(each) for each in taken] == [5, 4]
    assert not taken[0] & taken[1]


async def test_a_held_fact_of_a_readers_own_is_found_by_its_message(hub: Hub) -> None:
    """A reader that knows a better key than the message's own is taken at its word, and understood under that key."""

    def holds(message: Message) -> Iterator[Reading]:
        held = MessageHeld(channel=message.channel, cause="unknown-order-reference", detail="SO-9")
        fact = Fact(
            key="IN-BIGMART-000000017",
            data=held,
            source=message.channel,
            source_id="17/held",
            occurred_at=message.received_at,
            message=message.id,
        )
        yield Reading(facts=(fact,), held="unknown-order-reference: SO-9")

    (id_,) = await arrive(hub, b"doc I1 D1")
    await read(hub, {CHANNEL: ScriptedReader(doc=holds)})
    assert await hub.open_exceptions() == {"IN-BIGMART-000000017/message-held"}
    hub.wait(hours=1)
    await hub.inbox.read_again([id_])
    await read(hub, {CHANNEL: ScriptedReader(doc=identified)})
    assert await hub.open_exceptions() == set()
