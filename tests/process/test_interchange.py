"""A message that was received until its sender has every acknowledgement that it is owed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crossdock.facts import Fact
from crossdock.facts.interchange import (
    InterchangeReceived,
    MessageHeld,
    MessageReplaced,
    MessageUnderstood,
    ReceivedGroup,
)
from crossdock.facts.order import DocumentSent, EffectRefused, EffectRetried
from crossdock.policy import Agreement
from crossdock.process import PROCESSES, Status, process_of, process_of_fact
from crossdock.trade.documents import PreparedSegments

KEY = "IN-BIGMART-000000017"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGREEMENT = Agreement(partner="bigmart")
INTERCHANGE = PROCESSES["interchange"]

GROUP = ReceivedGroup(
    functional_id="PO",
    control_number="5",
    status="accepted",
    transactions=2,
    acknowledgement=(("AK1", "PO", "5"), ("AK9", "A", "2", "2", "2")),
)
REJECTED = ReceivedGroup(
    functional_id="PO",
    control_number="6",
    status="rejected",
    acknowledgement=(("AK1", "PO", "6"),),
    rejected=("850 0001: no BEG",),
)
ANSWER = ReceivedGroup(functional_id="FA", control_number="7", status="accepted")


def received(*groups: ReceivedGroup, ta1: tuple[str, ...] = ()) -> InterchangeReceived:
    return InterchangeReceived(
        channel="bigmart-edi",
        partner="bigmart",
        sender="BM",
        receiver="US",
        control_number="000000017",
        workspace_version=1,
        groups=groups,
        ta1=ta1,
    )


def fold(*data: Any) -> Any:
    state = INTERCHANGE.new(KEY)
    for n, d in enumerate(data):
        state = INTERCHANGE.evolve(
            state, Fact(key=KEY, data=d, source="t", source_id=str(n), occurred_at=NOW + timedelta(minutes=n))
        )
    return state


def test_each_group_is_owed_a_997_but_a_group_of_997s_none() -> None:
    state = fold(received(GROUP, REJECTED, ANSWER, ta1=("TA1", "000000017")))
    standing = INTERCHANGE.derive(state, AGREEMENT, NOW)
    assert [o.id for o in standing.obligations] == [f"{KEY}/ta1", f"{KEY}/997/5", f"{KEY}/997/6"]
    assert standing.wake_at == NOW + timedelta(hours=1)
    effect = INTERCHANGE.effect(state, standing.obligations[1], AGREEMENT, NOW)
    assert effect.content == PreparedSegments(transaction_set="997", segments=GROUP.acknowledgement)
    assert effect.system == "bigmart-edi"
    assert [t.cause for t in standing.troubles] == ["rejected-transactions"]


def test_it_is_complete_when_all_acknowledgements_are_out_and_overdue_when_not() -> None:
    state = fold(received(GROUP))
    late = INTERCHANGE.derive(state, AGREEMENT, NOW + timedelta(hours=2))
    assert [t.cause for t in late.troubles] == ["overdue"]
    state = fold(received(GROUP), DocumentSent(obligation=f"{KEY}/997/5", document="functional-acknowledgement"))
    assert INTERCHANGE.derive(state, AGREEMENT, NOW + timedelta(hours=2)).milestone == "complete"


def test_a_held_message_is_an_exception_until_it_is_understood() -> None:
    held = MessageHeld(channel="bigmart-edi", cause="no-guide", detail="852 has no guide")
    assert INTERCHANGE.derive(fold(held), None, NOW).milestone == "held"
    assert [t.cause for t in INTERCHANGE.derive(fold(held), None, NOW).troubles] == ["message-held"]
    assert not INTERCHANGE.derive(fold(held, MessageUnderstood(channel="bigmart-edi")), None, NOW).troubles


def test_a_held_message_that_somebody_mended_is_no_exception_any_more() -> None:
    held = MessageHeld(channel="bigmart-edi", cause="no-guide", detail="852 has no guide")
    mended = MessageReplaced(channel="bigmart-edi", by=18, who="ann", reason="the tail was cut off")
    assert not INTERCHANGE.derive(fold(held, mended), None, NOW).troubles
    # Its edit stands in its place: a later reading of the original would be news again.
    assert INTERCHANGE.derive(fold(held, mended, held), None, NOW).troubles


def test_a_refused_acknowledgement_stands_until_it_is_retried() -> None:
    refused = EffectRefused(obligation=f"{KEY}/997/5", code="quota")
    standing = INTERCHANGE.derive(fold(received(GROUP), refused), AGREEMENT, NOW)
    assert standing.obligations[0].status is Status.REFUSED
    assert [t.cause for t in standing.troubles] == ["refused-by-partner"]
    again = fold(received(GROUP), refused, EffectRetried(obligation=f"{KEY}/997/5", who="ann"))
    assert INTERCHANGE.derive(again, AGREEMENT, NOW).obligations[0].status is Status.READY


def test_a_retry_takes_back_the_refusals_of_its_round_and_no_later_one_whatever_two_clocks_say() -> None:
    refused = [EffectRefused(obligation=f"{KEY}/997/5", code="quota", round=n) for n in (1, 2)]
    retried = EffectRetried(obligation=f"{KEY}/997/5", who="ann", round=1)
    taken_back = fold(received(GROUP), retried, refused[0])
    assert INTERCHANGE.derive(taken_back, AGREEMENT, NOW).obligations[0].status is Status.READY
    refused_anew = fold(received(GROUP), *reversed(refused), retried)
    assert INTERCHANGE.derive(refused_anew, AGREEMENT, NOW).obligations[0].status is Status.REFUSED


def test_a_key_or_a_fact_leads_to_its_process() -> None:
    assert process_of(KEY) is process_of("MSG-17") is INTERCHANGE
    assert process_of("SO-1001") is PROCESSES["order_to_cash"]
    held = Fact(
        key="anything", data=MessageHeld(channel="c", cause="unreadable"), source="t", source_id="1", occurred_at=NOW
    )
    assert process_of_fact(held) is INTERCHANGE


@given(
    st.lists(
        st.sampled_from(
            [
                received(GROUP),
                received(GROUP, GROUP, REJECTED, REJECTED),
                MessageHeld(channel="c", cause="no-guide"),
                MessageUnderstood(channel="c"),
                DocumentSent(obligation=f"{KEY}/997/5", document="x"),
                EffectRefused(obligation=f"{KEY}/997/5"),
                EffectRetried(obligation=f"{KEY}/997/5", who="ann"),
            ]
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_and_multiplicity_gives_the_same_state(data: list[Any], dice: Any) -> None:
    facts = [
        Fact(key=KEY, data=d, source="t", source_id=str(n), occurred_at=NOW + timedelta(minutes=n % 3))
        for n, d in enumerate(data)
    ]
    again = [*facts, *facts[:2]]
    dice.shuffle(again)
    states = []
    for history in (facts, again):
        state = INTERCHANGE.new(KEY)
        for fact in history:
            state = INTERCHANGE.evolve(state, fact)
        states.append(state)
    assert INTERCHANGE.encode(states[0]) == INTERCHANGE.encode(states[1])
    assert INTERCHANGE.decode(INTERCHANGE.encode(states[0])) == states[0]
    standing = INTERCHANGE.derive(states[0], AGREEMENT, NOW)
    assert len({o.id for o in standing.obligations}) == len(standing.obligations)
    assert len({t.id for t in standing.troubles}) == len(standing.troubles)
