"""Taking an order: lines, prices, credit, changes and cancellations before and after it is released."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from play import AGREEMENT, KEY, START, Play, order, ordered, shipped

from crossdock.facts import order as facts
from crossdock.process import Status
from crossdock.trade.requests import SalesOrderRevision


def change(line: str, quantity: int, number: str = "1") -> facts.OrderChanged:
    new = Decimal(quantity)
    return facts.OrderChanged(
        change=number, lines=(facts.ChangedLine(line=line, change="quantity", quantity=new, partner_quantity=new),)
    )


def test_an_unknown_item_holds_the_order_up_until_the_workspace_learns_it() -> None:
    unknown = msgspec.structs.replace(ordered("2", 4), item="", quantity=Decimal(0), price=None, trouble="unknown-item")
    play = Play().tell(order(ordered("1", 10), unknown)).run()
    assert play.causes() == ["unknown-item"]
    assert not play.standing.troubles[0].detail.endswith("()"), "a line without a description needs no place for one"
    assert play.owed("acknowledge").blocked_by[0] == "lines-decided: line 2: unknown-item"
    play.tell(facts.LinesResolved(workspace_version=2, lines=(ordered("2", 4),))).run()
    assert not play.causes()
    assert [x.quantity for x in play.sent("release/1").lines] == [10, 4]


def test_a_line_that_nobody_can_resolve_is_cancelled_and_rejected_to_the_customer() -> None:
    unknown = msgspec.structs.replace(ordered("2", 4), item="", trouble="unknown-item")
    play = Play().tell(order(ordered("1", 10), unknown), facts.LineCancelled(who="ann", lines=("2",))).run()
    said = play.sent("acknowledge")
    assert said.status == "accepted-with-change"
    assert [x.answers[0].status for x in said.lines] == ["accepted", "rejected"]
    assert [x.line for x in play.sent("create-in-erp").lines] == ["1"]


@pytest.mark.parametrize(("price", "taken"), [("2.50", True), ("2.55", True), ("2.56", False), ("2.40", False)])
def test_a_price_within_the_partners_tolerance_is_taken(price: str, taken: bool) -> None:
    agreement = msgspec.structs.replace(AGREEMENT, price_tolerance_percent=Decimal(2))
    play = Play(agreement).tell(order(ordered("1", 10, price, agreed="2.50"))).run()
    assert (play.causes() == []) is taken


def test_another_price_that_was_settled_upon_is_told_and_billed() -> None:
    play = Play().tell(order(ordered("1", 10, "2.00", agreed="2.50"))).run()
    assert play.causes() == ["price-mismatch"]
    play.tell(facts.PriceApproved(who="ann", prices=(("1", Decimal("2.25")),))).run()
    assert play.sent("acknowledge").lines[0].answers[0].status == "price-changed"
    play.tell(shipped("S1", ("1", 10))).run()
    assert play.invoices()[0].lines[0].price == Decimal("2.25")


def test_declined_credit_stops_the_order_until_somebody_takes_it_all_the_same() -> None:
    play = Play()
    play.answers[f"{KEY}/credit-check"] = lambda e: (
        facts.CreditAnswered(obligation=f"{KEY}/credit-check", approved=False, reason="limit"),
    )
    play.tell(order()).run()
    assert play.causes() == ["credit-declined"]
    assert play.owed("release/1").status is Status.BLOCKED
    play.tell(facts.ExceptionDecided(trouble=f"{KEY}/credit-declined", accept=True, who="ann")).run()
    assert play.standing.milestone == "released"


def test_an_order_received_twice_alike_is_one_and_twice_differently_a_conflict() -> None:
    play = Play().tell(order(), order(workspace_version=2))
    assert not play.causes()
    play.tell(order(ordered("1", 11), ordered("2", 4, "10.00")))
    assert play.causes() == ["order-conflict"]
    assert play.owed("acknowledge").status is Status.BLOCKED
    play.tell(facts.ExceptionDecided(trouble=f"{KEY}/order-conflict", accept=True, who="ann")).run()
    assert play.sent("release/1").lines[0].quantity == 10


def test_a_change_before_the_release_is_applied_told_to_the_erp_and_acknowledged_again() -> None:
    hold = facts.HoldPlaced(hold="dock")
    play = Play().tell(order(), hold).run().tell(change("1", 6)).run()
    assert play.sent("acknowledge").status == "accepted"
    assert play.sent("acknowledge/1").lines[0].answers[0].status == "quantity-changed"
    assert [x.quantity for x in play.sent("revise-in-erp/1").lines] == [6, 4]
    play.tell(facts.HoldReleased(hold="dock")).run()
    (release,) = [e for e in play.effects.values() if e.document == "warehouse-order"]
    assert [x.quantity for x in release.content.lines] == [6, 4]


def test_a_change_that_makes_the_order_dearer_asks_for_credit_again() -> None:
    play = Play().tell(order(), facts.HoldPlaced(hold="dock")).run().tell(change("1", 100)).run()
    assert play.sent("credit-check").amount == 65
    assert play.sent("credit-check/1").amount == 290


def test_a_change_after_the_release_is_an_exception_until_it_is_accepted() -> None:
    play = Play().tell(order()).run().tell(change("1", 6)).run()
    assert play.causes() == ["change-after-release"]
    assert play.standing.milestone == "released"
    play.tell(facts.ExceptionDecided(trouble=f"{KEY}/change-after-release/1", accept=True, who="ann")).run()
    assert play.sent("cancel-release/1").purpose == "cancellation"
    again = next(e for e in play.effects.values() if e.document == "warehouse-order" and e.number.startswith("2-"))
    assert [x.quantity for x in again.content.lines] == [6, 4]


def test_a_cancellation_before_anything_was_done_leaves_nothing_owed() -> None:
    play = Play().tell(order(), facts.OrderCancelled(change="9")).run()
    assert play.standing.milestone == "cancelled"
    assert {o.status for o in play.standing.obligations} == {Status.VOID}


def test_an_order_that_we_cancel_after_the_release_is_taken_back_everywhere() -> None:
    play = Play().tell(order()).run().tell(facts.OrderCancelled(by="us", who="ann", reason="recall")).run()
    assert play.standing.milestone == "cancelled"
    assert play.sent("cancel-release/1").purpose == "cancellation"
    assert isinstance(play.sent("revise-in-erp/cancel"), SalesOrderRevision)
    assert play.sent("revise-in-erp/cancel").cancelled
    assert play.sent("acknowledge/cancel").status == "rejected"


def test_a_cancelled_order_that_ships_all_the_same_is_billed_only_when_somebody_says_so() -> None:
    play = (
        Play()
        .tell(order())
        .run()
        .tell(facts.OrderCancelled(by="us", who="ann"))
        .run()
        .tell(shipped("S1", ("1", 10), ("2", 4)))
        .run()
    )
    assert play.causes() == ["shipped-after-cancel"]
    assert not play.invoices()
    assert play.owed("post-shipment/S1").status is Status.MET
    play.tell(facts.ExceptionDecided(trouble=f"{KEY}/shipped-after-cancel/S1", accept=False, who="ann")).run()
    assert play.standing.milestone == "complete"
    assert not play.invoices()


def test_a_cancellation_after_all_has_shipped_needs_an_answer_and_undoes_nothing() -> None:
    """What has left and is billed stays so; a person tells the customer that it is too late, or arranges a return."""
    play = Play().tell(order()).run().tell(shipped("S1", ("1", 10), ("2", 4))).run()
    assert play.standing.milestone == "complete"
    sent = dict(play.effects)
    play.tell(facts.OrderCancelled(change="9")).run()
    assert play.causes() == ["change-after-release"]
    assert play.standing.milestone == "complete"
    play.tell(facts.ExceptionDecided(trouble=f"{KEY}/change-after-release/cancel", accept=False, who="ann")).run()
    assert play.causes() == []
    assert play.standing.milestone == "complete"
    assert play.effects == sent


@dataclass
class Late:
    what: str
    hours: int


@pytest.mark.parametrize("late", [Late("acknowledge", 24), Late("create-in-erp", 1)], ids=lambda x: x.what)
def test_what_is_not_done_in_time_is_overdue_and_wakes_the_process(late: Late) -> None:
    play = Play().hold_back(late.what).tell(order()).run()
    due = play.owed(late.what).due_at
    assert due is not None
    wake = play.standing.wake_at
    assert wake is not None
    assert wake <= due
    play.wait(hours=late.hours)
    assert [t.obligations for t in play.standing.troubles if t.subject == f"{KEY}/{late.what}"] == [
        (f"{KEY}/{late.what}",)
    ]


def test_the_release_waits_for_the_ship_window_and_wakes_when_it_opens() -> None:
    agreement = msgspec.structs.replace(AGREEMENT, release_lead_days=2)
    play = Play(agreement).tell(order(ship_not_before=date(2026, 3, 9))).run()
    assert play.owed("release/1").blocked_by == ("ship-window: the release goes out on 2026-03-07",)
    wake = play.standing.wake_at
    assert wake is not None
    play.now = START.replace(day=7, hour=0) - timedelta(seconds=1)
    assert play.standing.wake_at == play.now + timedelta(seconds=1)
    play.now += timedelta(seconds=1)
    assert play.owed("release/1").status is Status.READY


def test_without_a_route_the_order_is_taken_and_waits() -> None:
    play = Play().tell(order(warehouse="")).run()
    assert play.causes() == ["no-route"]
    assert play.standing.milestone == "in-erp"
    play.tell(facts.LinesResolved(workspace_version=2, warehouse="wh-west")).run()
    assert play.effects[f"{KEY}/release/1"].system == "wh-west"
