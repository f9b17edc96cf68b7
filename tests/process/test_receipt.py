"""Expected goods: announced to the warehouse, received in parts, short, over and damaged; the same whatever the order in which the facts came."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.facts import Fact, decode, encode
from crossdock.facts.order import DocumentSent, EffectRefused
from crossdock.facts.receipt import (
    ConfirmedReceiptLine,
    ExpectedLine,
    ReceiptCancelled,
    ReceiptChanged,
    ReceiptClosed,
    ReceiptConfirmed,
    ReceiptExpected,
)
from crossdock.policy import Agreement
from crossdock.policy.agreement import Clocks
from crossdock.process import CONTENT_TYPES, process_of
from crossdock.process.obligation import Standing, Status
from crossdock.process.receipt import PROCESS, State, receipt_key

KEY = receipt_key("PO-1")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
AGREEMENT = Agreement(partner="quick3pl", version=3, clocks=Clocks(confirm_receipt_hours=24))


def expected(quantity: int = 100, due: date = date(2026, 1, 10)) -> ReceiptExpected:
    lines = (
        ExpectedLine(line="1", item="W-100", quantity=Decimal(quantity), unit="EA"),
        ExpectedLine(line="2", item="W-200", quantity=Decimal(10), unit="EA"),
    )
    return ReceiptExpected(
        warehouse="3pl", site="east", due_on=due, lines=lines, partner="quick3pl", workspace_version=3, sender="Maker"
    )


def came(receipt: str, *lines: tuple[str, str, int, int]) -> ReceiptConfirmed:
    told = tuple(
        ConfirmedReceiptLine(line=line, item=item, quantity=Decimal(q), damaged=Decimal(bad))
        for line, item, q, bad in lines
    )
    return ReceiptConfirmed(receipt=receipt, warehouse="3pl", lines=told)


def facts(*data: Any) -> list[Fact]:
    return [
        Fact(key=KEY, data=d, source="test", source_id=str(n), occurred_at=START + timedelta(minutes=n))
        for n, d in enumerate(data)
    ]


def after(told: list[Fact]) -> State:
    state = PROCESS.new(KEY)
    for fact in told:
        state = PROCESS.evolve(state, fact)
    return state


def standing(*data: Any, now: datetime = START) -> Standing:
    return PROCESS.derive(after(facts(*data)), AGREEMENT, now)


def statuses(found: Standing) -> dict[str, Status]:
    return {o.id.removeprefix(f"{KEY}/"): o.status for o in found.obligations}


SENT = DocumentSent(obligation=f"{KEY}/expect", document="stock-transfer-shipment-advice")
ALL = came("R1", ("1", "W-100", 100, 0), ("2", "W-200", 10, 0))


def test_what_is_expected_is_announced_and_then_waited_for() -> None:
    assert process_of(KEY) is PROCESS
    new = standing(expected())
    assert statuses(new) == {"expect": Status.READY, "confirm": Status.BLOCKED}
    assert new.milestone == "expected"
    told = standing(expected(), SENT)
    assert statuses(told) == {"expect": Status.MET, "confirm": Status.WAITING}
    (confirm,) = [o for o in told.obligations if o.kind == "confirm-receipt"]
    assert (confirm.debtor, confirm.due_at) == ("3pl", datetime(2026, 1, 12, tzinfo=UTC))
    assert told.wake_at == confirm.due_at


def test_the_announcement_says_what_is_expected_and_is_refused_for_anything_else() -> None:
    state = after(facts(expected()))
    ready, blocked = PROCESS.derive(state, AGREEMENT, START).obligations
    effect = PROCESS.effect(state, ready, AGREEMENT, START)
    assert type(effect.content) is CONTENT_TYPES[effect.document]
    assert (effect.system, effect.partner, effect.number) == ("3pl", "quick3pl", "PO-1")
    assert [(line.line, line.items[0].id, line.quantity) for line in effect.content.lines] == [
        ("1", "W-100", 100),
        ("2", "W-200", 10),
    ]
    assert effect.content.total_quantity == 110
    with pytest.raises(KeyError):
        PROCESS.effect(state, blocked, AGREEMENT, START)


def test_a_receipt_that_does_not_come_is_overdue() -> None:
    late = standing(expected(), SENT, now=datetime(2026, 1, 12, tzinfo=UTC))
    assert [t.cause for t in late.troubles] == ["overdue"]


def test_a_receipt_in_two_parts_is_short_until_the_second_comes() -> None:
    part = standing(expected(), SENT, came("R1", ("1", "W-100", 90, 0), ("2", "W-200", 10, 0)))
    assert (part.milestone, [t.cause for t in part.troubles]) == ("partial", ["short-receipt"])
    assert "90 of 100 W-100 came, 10 fewer, by receipt R1" in part.troubles[0].detail
    whole = standing(
        expected(), SENT, came("R1", ("1", "W-100", 90, 0), ("2", "W-200", 10, 0)), came("R2", ("1", "W-100", 10, 0))
    )
    assert (whole.milestone, whole.troubles) == ("complete", ())


def test_damage_and_what_is_over_stay_until_somebody_closes_the_receipt() -> None:
    bad = (expected(), SENT, came("R1", ("1", "W-100", 104, 3), ("2", "W-200", 10, 0), ("9", "ROPE", 5, 0)))
    found = standing(*bad)
    assert [t.cause for t in found.troubles] == ["over-receipt", "damaged-receipt", "wrong-item-receipt"]
    assert found.milestone == "received"
    assert found.summary["damaged"] == 3
    closed = standing(*bad, ReceiptClosed(who="ann"))
    assert (closed.milestone, closed.troubles) == ("complete", ())


def test_a_line_that_the_warehouse_numbers_otherwise_goes_to_the_line_of_its_item() -> None:
    found = standing(expected(), SENT, came("R1", ("7", "W-200", 10, 0), ("2", "W-100", 100, 0)))
    assert (found.milestone, found.troubles) == ("complete", ())


def test_a_change_is_announced_anew_and_only_then() -> None:
    same = standing(expected(), SENT, expected())
    assert statuses(same)["expect"] is Status.MET
    line = ExpectedLine(line="1", item="W-100", quantity=Decimal(80))
    changed = standing(expected(), SENT, ReceiptChanged(lines=(line,)))
    assert statuses(changed) == {"expect/2": Status.READY, "confirm": Status.BLOCKED}
    enough = came("R1", ("1", "W-100", 80, 0), ("2", "W-200", 10, 0))
    assert standing(expected(), SENT, ReceiptChanged(lines=(line,)), enough).milestone == "complete"


def test_what_is_called_off_is_owed_no_more_and_what_comes_nevertheless_is_trouble() -> None:
    off = standing(expected(), SENT, ReceiptCancelled(reason="supplier"))
    assert (off.milestone, statuses(off)) == ("cancelled", {"expect": Status.MET, "confirm": Status.VOID})
    assert [t.cause for t in standing(expected(), ReceiptCancelled(), ALL).troubles] == ["unannounced-receipt"]


def test_a_receipt_that_nobody_announced_is_trouble_until_it_is() -> None:
    assert [t.cause for t in standing(ALL).troubles] == ["unannounced-receipt"]
    assert standing(ALL, expected()).troubles == ()
    assert statuses(standing(ALL, expected()))["expect"] is Status.VOID


def test_a_refused_announcement_is_trouble() -> None:
    found = standing(expected(), EffectRefused(obligation=f"{KEY}/expect", reason="closed on Fridays"))
    assert [t.cause for t in found.troubles] == ["refused-by-warehouse"]


def test_the_order_in_which_facts_come_changes_nothing() -> None:
    line = ExpectedLine(line="1", item="W-100", quantity=Decimal(80))
    told = facts(expected(), SENT, ReceiptChanged(lines=(line,)), came("R1", ("1", "W-100", 80, 1)))
    states = {PROCESS.encode(after(list(order))) for order in permutations(told)}
    assert len(states) == 1
    state = PROCESS.decode(states.pop())
    assert PROCESS.derive(state, AGREEMENT, START) == PROCESS.derive(after(told), AGREEMENT, START)
    assert PROCESS.evolve(state, told[0]) is state


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["W-100", "W-200", "ROPE"]), st.integers(1, 60), st.sampled_from("1239")), max_size=8
    )
)
def test_nothing_that_came_is_lost(receipts: list[tuple[str, int, str]]) -> None:
    data = [came(f"R{n}", (line, item, q, 0)) for n, (item, q, line) in enumerate(receipts)]
    found = standing(expected(), *data)
    strange = sum(q for item, q, _ in receipts if item == "ROPE")
    assert found.summary["received"] + strange == sum(q for _, q, _ in receipts)


@pytest.mark.parametrize(
    "data", [expected(), ReceiptChanged(due_on=date(2026, 1, 1)), ReceiptCancelled(), ReceiptClosed(who="a"), ALL]
)
def test_the_facts_survive_being_written_down(data: Any) -> None:
    assert decode(type(data).__struct_config__.tag, 1, encode(data)) == data
