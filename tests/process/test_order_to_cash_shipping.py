"""Shipping and billing: short, over, substituted, in several parts, packed wrongly, told twice, told too early."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from play import AGREEMENT, KEY, Play, order, ordered, shipped

from crossdock.facts import order as facts
from crossdock.process import Status, order_to_cash
from crossdock.process.order_to_cash.packing import sscc_is_valid


def agreed(**more: Any) -> Play:
    return Play(msgspec.structs.replace(AGREEMENT, **more)).tell(order()).run()


def billed(play: Play) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for invoice in play.invoices():
        for line in invoice.lines:
            found[line.line] = found.get(line.line, Decimal(0)) + line.quantity
    return found


def decide(play: Play, trouble: str, accept: bool = True) -> Play:
    return play.tell(facts.ExceptionDecided(trouble=f"{KEY}/{trouble}", accept=accept, who="ann")).run()


def test_a_short_pick_with_backorder_is_released_again_and_invoiced_twice_each_quantity_once() -> None:
    play = agreed(short="backorder").tell(shipped("S1", ("1", 7), ("2", 4), complete=True)).run()
    assert play.standing.milestone == "partly-shipped"
    (second,) = [e for e in play.effects.values() if e.document == "warehouse-order" and e.number != "1"]
    assert [(x.line, x.quantity) for x in second.content.lines] == [("1", 3)]
    assert order_to_cash.counters_of(play.state, play.agreement)["1"]["backordered"] == 3
    assert play.standing.summary["lines"]["1"]["released"] == 10, "seven that have left, and three that are out anew"
    play.tell(shipped("S2", ("1", 3), release=second.number)).run()
    assert play.standing.milestone == "complete"
    assert [sum(x.quantity for x in i.lines) for i in play.invoices()] == [11, 3]
    assert len({i.number for i in play.invoices()}) == 2


def test_a_short_pick_without_backorder_cancels_the_rest() -> None:
    play = agreed(short="cancel").tell(shipped("S1", ("1", 7), ("2", 0), complete=True)).run()
    assert play.standing.milestone == "complete"
    assert billed(play) == {"1": 7}
    assert play.standing.summary["lines"]["1"]["released"] == 7, "what the warehouse did not find has come back"
    assert order_to_cash.counters_of(play.state, play.agreement)["2"]["cancelled"] == 4
    assert not play.standing.troubles


def test_where_shipments_must_be_complete_a_short_one_needs_a_person() -> None:
    play = agreed(short="ship-complete").tell(shipped("S1", ("1", 7), ("2", 4), complete=True)).run()
    assert play.causes() == ["short-shipped"]
    decide(play, "short-shipped/2")
    assert play.causes() == ["short-shipped"], "another line was decided on"
    decide(play, "short-shipped/1")
    assert any(e.number.startswith("2-") for e in play.effects.values() if e.document == "warehouse-order")


def test_a_release_that_ships_in_parts_is_confirmed_when_all_of_it_has_left() -> None:
    play = agreed().tell(shipped("S1", ("1", 4), complete=False)).run()
    assert play.owed("confirm-shipment/1").status is Status.WAITING
    play.tell(shipped("S2", ("1", 6), ("2", 4), complete=False)).run()
    assert play.owed("confirm-shipment/1").status is Status.MET
    assert billed(play) == {"1": 10, "2": 4}


def test_a_little_over_is_billed_and_more_waits_for_a_decision() -> None:
    play = agreed(over_tolerance_percent=Decimal(10)).tell(shipped("S1", ("1", 11), ("2", 5))).run()
    assert play.causes() == ["over-shipped"]
    assert play.owed("invoice/S1").blocked_by[0].startswith("over-shipped: line 2 by 1")
    assert play.owed("ship-notice/S1").status is Status.MET
    decide(play, "over-shipped/S1/2", accept=False)
    assert billed(play) == {"1": 11, "2": 4}


def test_another_item_is_billed_only_where_it_was_agreed() -> None:
    lines = (msgspec.structs.replace(ordered("1", 10), substitutes=("ALT",)), ordered("2", 4))
    confirmed = shipped("S1")
    swapped = msgspec.structs.replace(
        confirmed,
        lines=(
            facts.ConfirmedLine(line="1", quantity=Decimal(10), item="ALT"),
            facts.ConfirmedLine(line="2", quantity=Decimal(4), item="ALT"),
        ),
    )
    play = Play(msgspec.structs.replace(AGREEMENT, substitution=True)).tell(order(*lines)).run().tell(swapped).run()
    assert [t.id for t in play.standing.troubles] == [f"{KEY}/substituted-not-allowed/S1/2"]
    decide(play, "substituted-not-allowed/S1/2")
    (invoice,) = play.invoices()
    assert invoice.lines[0].items[0].id == "ALT"


def test_a_ship_notice_waits_when_what_was_packed_is_not_what_was_confirmed() -> None:
    packed = facts.ConfirmedPackage(sscc="006141410000000012", contents=(("1", Decimal(9)), ("2", Decimal(4))))
    play = agreed().tell(shipped("S1", ("1", 10), ("2", 4), packages=(packed,))).run()
    assert play.owed("ship-notice/S1").blocked_by == ("pack-mismatch: line 1: 9 packed, 10 confirmed",)
    assert play.causes() == ["pack-mismatch"]
    assert not play.invoices()
    right = msgspec.structs.replace(packed, sscc="", contents=(("1", Decimal(10)), ("2", Decimal(4))))
    play.tell(shipped("S1", ("1", 10), ("2", 4), packages=(right,), purpose="replace")).run()
    assert play.standing.milestone == "complete"
    assert play.sent("ship-notice/S1").orders[0].packs[0].items[0].quantity == 10


def test_an_sscc_is_known_by_its_check_digit() -> None:
    assert sscc_is_valid("106141411234567897")
    assert not sscc_is_valid("106141411234567898")
    assert not sscc_is_valid("10614141123456789")


def test_a_confirmation_told_twice_is_one_and_told_otherwise_a_conflict() -> None:
    play = agreed().tell(shipped("S1", ("1", 10), ("2", 4)), shipped("S1", ("1", 10), ("2", 4)))
    assert not play.causes()
    play.tell(shipped("S1", ("1", 9), ("2", 4))).run()
    assert play.causes() == ["shipment-conflict"]
    assert play.owed("ship-notice/S1").status is Status.BLOCKED
    decide(play, "shipment-conflict/S1")
    assert billed(play) == {"1": 10, "2": 4}


def test_a_confirmation_replaced_after_it_was_invoiced_is_never_invoiced_again() -> None:
    play = agreed().tell(shipped("S1", ("1", 10), ("2", 4))).run()
    play.tell(shipped("S1", ("1", 9), ("2", 4), purpose="replace")).run()
    assert play.causes() == ["shipment-conflict", "quantity-breach"]
    assert len(play.invoices()) == 1


def test_a_late_confirmation_waits_for_its_order() -> None:
    play = Play().tell(shipped("S1", ("1", 10), ("2", 4)))
    assert play.standing.milestone == "waiting-for-order"
    assert not play.standing.troubles
    play.wait(hours=5)
    assert play.causes() == ["shipment-for-unknown-order"]
    play.tell(order()).run()
    assert play.causes() == ["shipped-unreleased"]
    told = (("1", Decimal(10)), ("2", Decimal(4)))
    play.tell(facts.DocumentSent(obligation=f"{KEY}/release/1", document="warehouse-order", told=told)).run()
    assert not play.causes()
    assert billed(play) == {"1": 10, "2": 4}


def test_a_part_that_left_before_we_knew_that_its_release_was_out_is_not_released_twice() -> None:
    play = Play().hold_back("release/1").tell(order()).run()
    play.tell(shipped("S1", ("1", 7), complete=False)).run()
    assert [e.number for e in play.effects.values() if e.document == "warehouse-order"] == ["1"]
    play.tell(
        facts.DocumentSent(
            obligation=f"{KEY}/release/1", document="warehouse-order", told=play.effects[f"{KEY}/release/1"].told
        )
    ).run()
    assert [e.number for e in play.effects.values() if e.document == "warehouse-order"] == ["1"]
    assert play.owed("confirm-shipment/1").status is Status.WAITING


def test_a_line_that_the_order_does_not_have_is_a_breach_and_stops_the_shipment() -> None:
    play = agreed().tell(shipped("S1", ("1", 10), ("9", 4))).run()
    assert play.causes() == ["quantity-breach"]
    assert play.owed("post-shipment/S1").status is Status.BLOCKED


def test_the_invoice_names_every_checkpoint_that_it_waits_for() -> None:
    play = Play(msgspec.structs.replace(AGREEMENT, billing=(*AGREEMENT.billing, "ship-notice-sent", "shipment-posted")))
    for what in ("tax/S1", "ship-notice/S1", "post-shipment/S1"):
        play.hold_back(what)
    play.tell(order()).run().tell(shipped("S1", ("1", 10), ("2", 4))).run()
    waiting = [x.partition(":")[0] for x in play.owed("invoice/S1").blocked_by]
    assert waiting == ["tax-received", "ship-notice-sent", "shipment-posted"]


def test_the_customer_reads_its_own_unit_and_an_inexact_quantity_in_ours() -> None:
    cases = msgspec.structs.replace(
        ordered("1", 120),
        partner_quantity=Decimal(10),
        partner_unit="CA",
        partner_price=Decimal("30.00"),
        per_partner_unit="12/1",
    )
    play = Play(msgspec.structs.replace(AGREEMENT, short="backorder")).tell(order(cases)).run()
    play.tell(shipped("S1", ("1", 60))).run()
    (invoice,) = play.invoices()
    assert (invoice.lines[0].quantity, invoice.lines[0].unit, invoice.lines[0].price) == (5, "CA", Decimal("30.00"))
    assert invoice.total == Decimal("162.00")
    (second,) = [e for e in play.effects.values() if e.document == "warehouse-order" and e.number != "1"]
    play.tell(shipped("S2", ("1", 7), release=second.number, complete=False)).run()
    assert (play.invoices()[1].lines[0].quantity, play.invoices()[1].lines[0].unit) == (7, "EA")


def test_a_rejected_document_holds_up_its_obligation_until_it_is_sent_again() -> None:
    play = Play()
    play.acknowledging = False
    play.tell(order()).run()
    document = f"{KEY}/acknowledge"
    play.tell(facts.AcknowledgementReceived(obligation=document, status="rejected", errors=("BAK[2]: 02: missing",)))
    (trouble,) = [t for t in play.standing.troubles if t.cause == "rejected-by-partner"]
    assert document in trouble.obligations
    play.tell(facts.EffectRetried(obligation=document, who="ann"))
    assert play.owed("acknowledge").status is Status.READY
    play.tell(
        facts.DocumentSent(obligation=document, document="x"),
        facts.AcknowledgementReceived(obligation=document, status="accepted"),
    )
    assert play.owed("acknowledge").status is Status.MET
    assert play.owed("functional-ack/acknowledge").status is Status.MET


def test_a_refusal_stands_until_somebody_retries() -> None:
    play = Play().hold_back("create-in-erp").tell(order()).run()
    play.tell(facts.EffectRefused(obligation=f"{KEY}/create-in-erp", code="E17", reason="customer blocked"))
    assert play.causes() == ["refused-by-erp"]
    assert play.owed("create-in-erp").status is Status.REFUSED
    play.tell(facts.EffectRetried(obligation=f"{KEY}/create-in-erp", who="ann"))
    assert not play.causes()
    assert play.owed("create-in-erp").status is Status.READY


def test_a_retry_and_a_refusal_are_ordered_by_their_rounds_whatever_two_clocks_say() -> None:
    what = f"{KEY}/create-in-erp"
    first = facts.EffectRefused(obligation=what, code="E17", round=1)
    second = facts.EffectRefused(obligation=what, code="E18", round=2)
    again = facts.EffectRetried(obligation=what, who="ann", round=1)
    for early_retry in ((again, first), (first, again)):
        play = Play().hold_back("create-in-erp").tell(order()).run().tell(*early_retry)
        assert play.owed("create-in-erp").status is Status.READY
    for late_retry in ((first, second, again), (second, again, first), (again, second, first)):
        play = Play().hold_back("create-in-erp").tell(order()).run().tell(*late_retry)
        assert play.owed("create-in-erp").status is Status.REFUSED
        (trouble,) = play.standing.troubles
        assert "E18" in trouble.detail


def test_a_refused_release_waits_for_a_person_and_is_released_anew_when_given_up() -> None:
    play = agreed().tell(facts.ReleaseRefused(release="1", reason="no stock")).run()
    assert play.causes() == ["refused-by-warehouse"]
    decide(play, "refused-by-warehouse/release/1")
    assert play.owed("confirm-shipment/1").status is Status.VOID
    assert any(e.number.startswith("2-") for e in play.effects.values() if e.document == "warehouse-order")


def test_their_functional_acknowledgement_is_owed_and_runs_out() -> None:
    play = Play()
    play.acknowledging = False
    play.tell(order()).run()
    assert play.owed("functional-ack/release/1").debtor == "wh-east"
    play.now += timedelta(hours=25)
    assert f"{KEY}/overdue/functional-ack/acknowledge" in [t.id for t in play.standing.troubles]


def test_an_order_of_five_lines_stays_small() -> None:
    lines = tuple(ordered(str(n), 10 * n) for n in range(1, 6))
    play = Play().tell(order(*lines)).run().tell(shipped("S1", *((str(n), 10 * n) for n in range(1, 6)))).run()
    assert play.standing.milestone == "complete"
    assert len(order_to_cash.encode(play.state)) < 2048
