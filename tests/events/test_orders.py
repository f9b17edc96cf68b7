"""What others are told of orders: in the trade's words, once, in order, and with figures that add up."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from play import AGREEMENT, KEY, Play, order, ordered, shipped

from crossdock.events import Event
from crossdock.events.orders import events_of
from crossdock.events.standing import Seen, Told, encode, figures_of
from crossdock.facts import Fact
from crossdock.facts import order as facts
from crossdock.flow.announce import mark_of, read_off, walk
from crossdock.flow.following import Start
from crossdock.ports.events import Stands
from crossdock.process import order_to_cash


def told_of(played: list[Fact]) -> list[Event]:
    """All events of an order's facts."""
    return cut(played, [])


def cut(played: list[Fact], at: list[int], live: bool = False) -> list[Event]:
    """All events of an order's facts, announced in batches that end at these places; `live`: right behind the fold."""
    told, found, history = Told(), [], placed(played)
    ends = sorted({*[n for n in at if 0 < n < len(history)], len(history)})
    begin, start = 0, Start(order_to_cash.new(KEY))
    for end in ends:
        stands = as_folded(history[:end], told)
        steps = read_off(history[begin:end], stands) if live else None
        if steps is None:
            final = Seen(stands.milestone, figures_of(stands.summary)) if live else None
            steps, start = walk(start, history[begin:end], lambda partner, version: AGREEMENT, final)
        else:
            start = Start(start.state, (*start.since, *history[begin:end]))
        told, events = events_of(told, steps)
        if any(seen is not None for _, seen in steps):
            told = msgspec.structs.replace(told, mark=mark_of(stands))
        found += events
        begin = end
    return found


def as_folded(history: list[Fact], told: Told) -> Stands:
    """How the fold leaves an order after these facts."""
    state = order_to_cash.new(KEY)
    for fact in history:
        state = order_to_cash.evolve(state, fact)
    standing = order_to_cash.derive(state, AGREEMENT, history[-1].occurred_at)
    summary = msgspec.json.encode(standing.summary).decode()
    return Stands(0, KEY, standing.milestone, summary, history[-1].position, 0, "bigmart", False, encode(told))


def placed(played: list[Fact]) -> list[Fact]:
    """The facts as the log has them."""
    return [msgspec.structs.replace(fact, position=n, lane=0) for n, fact in enumerate(played, 1)]


def said(events: list[Event], type_: str) -> list[dict[str, Any]]:
    """What the events of a type say."""
    return [msgspec.json.decode(e.data) for e in events if e.type == type_ + ".v1"]


def demand(events: list[Event], *kinds: str) -> Counter[tuple[str, str]]:
    """The sums of demand by item and site."""
    sums: Counter[tuple[str, str]] = Counter()
    for kind in kinds:
        for data in said(events, f"demand.{kind}"):
            for line in data["lines"]:
                sums[line["item"], line["site"]] += Decimal(line["quantity"])  # type: ignore[assignment]
    return Counter({k: v for k, v in sums.items() if v})


def test_an_order_is_told_from_its_receipt_to_its_close_in_the_order_in_which_it_went() -> None:
    play = Play().tell(order()).run()
    play.tell(shipped("SHP-7", ("1", 10), ("2", 4))).run()
    types = [e.type.removesuffix(".v1") for e in told_of(play.facts)]
    assert types == [
        "order.received",
        "demand.accepted",
        "order.accepted",
        "acknowledgement.sent",
        "order.released",
        "shipment.confirmed",
        "demand.shipped",
        "order.shipped",
        "invoice.issued",
        "order.invoiced",
        "order.closed",
    ]


def test_an_event_names_its_order_its_customer_and_the_fact_that_it_tells_of() -> None:
    play = Play().tell(order())
    first = told_of(play.facts)[0]
    assert (first.key, first.partner, first.id) == (KEY, "bigmart", "test:0#order.received")
    assert first.time == play.facts[0].occurred_at
    (data,) = said([first], "order.received")
    assert data["purchase_order"] == "4500"
    assert [(x["item"], x["quantity"], x["unit"]) for x in data["lines"]] == [
        ("ITEM-1", "10", "EA"),
        ("ITEM-2", "4", "EA"),
    ]


def test_an_invoice_says_its_amount() -> None:
    play = Play().tell(order()).run()
    play.tell(shipped("SHP-7", ("1", 10), ("2", 4))).run()
    (invoice,) = said(told_of(play.facts), "invoice.issued")
    assert (invoice["shipment"], Decimal(invoice["amount"])) == ("SHP-7", Decimal("70.20"))


def test_a_change_tells_the_difference_and_demand_may_be_summed() -> None:
    change = facts.OrderChanged(
        change="1", lines=(facts.ChangedLine(line="1", change="quantity", quantity=Decimal(7)),)
    )
    play = Play().tell(order(), change)
    events = told_of(play.facts)
    (changed,) = said(events, "order.changed")
    assert [(x["line"], x["before"], x["after"]) for x in changed["lines"]] == [("1", "10", "7")]
    assert demand(events, "accepted") == {("ITEM-1", "EAST"): 10, ("ITEM-2", "EAST"): 4}
    assert demand(events, "changed") == {("ITEM-1", "EAST"): -3}
    assert demand(events, "accepted", "changed", "cancelled") == {("ITEM-1", "EAST"): 7, ("ITEM-2", "EAST"): 4}


def test_a_cancelled_order_leaves_no_demand() -> None:
    play = Play().tell(order(), facts.OrderCancelled(reason="too late")).run()
    events = told_of(play.facts)
    (cancelled,) = said(events, "order.cancelled")
    assert (cancelled["whole"], cancelled["by"], cancelled["reason"]) == (True, "customer", "too late")
    assert not demand(events, "accepted", "changed", "cancelled")
    assert said(events, "order.closed")[0]["outcome"] == "cancelled"


def test_a_corrected_shipment_is_told_as_the_difference() -> None:
    play = Play().tell(order()).run()
    play.tell(shipped("SHP-7", ("1", 10), ("2", 4)), shipped("SHP-7", ("1", 9), ("2", 4), purpose="replace"))
    events = told_of(play.facts)
    assert [x["replaces"] for x in said(events, "shipment.confirmed")] == [False, True]
    assert demand(events, "shipped") == {("ITEM-1", "EAST"): 9, ("ITEM-2", "EAST"): 4}


def test_a_line_that_cannot_be_taken_yet_is_no_demand_until_somebody_decides() -> None:
    play = Play().tell(order(ordered("1", 10, "3.00", "2.50"), ordered("2", 4)))
    assert demand(told_of(play.facts), "accepted") == {("ITEM-2", "EAST"): 4}
    play.tell(facts.PriceApproved(who="ann"))
    assert demand(told_of(play.facts), "accepted") == {("ITEM-1", "EAST"): 10, ("ITEM-2", "EAST"): 4}


def test_an_order_told_twice_is_received_once() -> None:
    play = Play().tell(order(), order())
    assert len(said(told_of(play.facts), "order.received")) == 1


def test_a_shipment_that_came_before_its_order_counts_when_the_order_is_there() -> None:
    play = Play().tell(shipped("SHP-7", ("1", 10)), order())
    events = told_of(play.facts)
    assert next(e.type for e in events) == "shipment.confirmed.v1"
    assert demand(events, "shipped") == {("ITEM-1", "EAST"): 10}


# --- Any history ---

_quantities = st.integers(0, 12).map(Decimal)
_lines = st.sampled_from(["1", "2"])
_told = st.one_of(
    st.builds(
        lambda line, quantity, change: facts.OrderChanged(
            change=str(change), lines=(facts.ChangedLine(line=line, change="quantity", quantity=quantity),)
        ),
        _lines,
        _quantities,
        st.integers(1, 4),
    ),
    st.builds(lambda line: facts.LineCancelled(who="ann", lines=(line,)), _lines),
    st.builds(
        lambda line, quantity, n: shipped(f"SHP-{n}", (line, int(quantity))), _lines, _quantities, st.integers(1, 3)
    ),
    st.builds(lambda line, quantity: shipped("SHP-1", (line, int(quantity)), purpose="replace"), _lines, _quantities),
    st.just(facts.PriceApproved(who="ann")),
    st.just(facts.OrderCancelled(by="us", who="ann", reason="closed down")),
    st.just(facts.HoldPlaced(hold="credit")),
    st.just(None),
)


@settings(max_examples=50, deadline=None)
@given(st.booleans(), st.lists(_told, max_size=8), st.lists(st.integers(1, 40), max_size=6))
def test_any_history_makes_the_same_events_however_it_is_cut_and_demand_sums_to_the_counters(
    mispriced: bool, story: list[Any], at: list[int]
) -> None:
    play = Play().tell(order(ordered("1", 10, "3.00" if mispriced else "2.50", "2.50"), ordered("2", 4)))
    for data in story:
        play = play.run() if data is None else play.tell(data)
    events = told_of(play.facts)
    assert cut(play.facts, at) == events
    assert cut(play.facts, at, live=True) == events
    assert cut(play.facts, list(range(len(play.facts))), live=True) == events
    assert len({(e.key, e.id) for e in events}) == len(events)
    counters = order_to_cash.counters_of(play.state, AGREEMENT)
    wanted = {
        (f"ITEM-{name}", "EAST"): c["accepted"] - c["cancelled"] if c["accepted"] else c["shipped"]
        for name, c in counters.items()
    }
    assert demand(events, "accepted", "changed", "cancelled") == {k: v for k, v in wanted.items() if v}
    gone = {(f"ITEM-{name}", "EAST"): c["shipped"] for name, c in counters.items() if c["shipped"]}
    assert demand(events, "shipped") == gone
