"""The warehouse as a real process: what it confirms, and every fault that can be declared, shown once."""

import pytest
from hub_by_hand import until

from crossdock.testing import Warehouse, WarehouseFaults


@pytest.fixture
def warehouse(begin, hub):
    """Start a warehouse with these faults: its tally while it runs, and its stop."""

    def run(faults=None, **more):
        config = Warehouse(
            name="3pl",
            mailbox=hub.folder / "3pl",
            tally=hub.folder / "3pl.json",
            faults=faults or WarehouseFaults(),
            **{"pick_seconds": 0.1, **more},
        )
        running = begin([config])

        def tally():
            return running.tally()["3pl"]

        return tally, running.stop

    return run


def release(order="SO-1", po="PO1", purpose="N", number=""):
    lines = "LX*1~W01*12*EA**VN*A1*UP*614141000012~LX*2~W01*5*EA**VN*B2*UP*614141000029~"
    head = f"W05*{purpose}*{order}*{po}*{number}".rstrip("*")
    return "940", f"{head}~N1*ST*STORE 7*92*0007~N3*700 MAIN~N4*COLUMBUS*OH*43004~{lines}W76*17~"


def send(hub, *releases):
    return hub.send("3pl", "QUICK3PL", "OW", *releases)


def confirmed(hub):
    """What each 945 says: order, shipment, and status and quantity by line."""
    told = []
    for transaction in hub.transactions("3pl", "945"):
        place, lines = "", {}
        for segment in transaction.segments:
            if segment[0] == "LX":
                place = segment[1]
            elif segment[0] == "W12":
                lines[place] = (segment[1], segment[3])
        w06 = transaction.first("W06")
        told.append((w06[2], w06[4], lines))
    return told


ALL = {"1": ("CC", "12"), "2": ("CC", "5")}


def test_a_release_is_acknowledged_and_confirmed_in_full(warehouse, hub):
    tally, stop = warehouse()
    send(hub, release())
    until(lambda: confirmed(hub))
    assert confirmed(hub) == [("SO-1", "SHP-SO-1-1", ALL)]
    assert [t.first("AK9")[1] for t in hub.transactions("3pl", "997")] == ["A"]
    advice = hub.transactions("3pl", "945")[0]
    assert advice.first("W06")[6] == "PO1" and advice.first("N4") == ["N4", "COLUMBUS", "OH", "43004"]
    assert advice.first("W03")[1] == "17"
    hub.send("3pl", "QUICK3PL", "FA", ("997", "AK1*SW*1~AK9*A*1*1*1~"))
    until(lambda: tally().acknowledged == {"A": 1})
    stop()
    assert [each.fate for each in tally().releases] == ["shipped"]
    assert tally().shipments[0].lines == {"1": "12", "2": "5"}
    assert len(set(tally().shipments[0].cartons)) == 2


@pytest.mark.parametrize(
    ("fault", "line"),
    [("short", ("CP", "11")), ("over", ("CM", "13")), ("substituted", ("CS", "12"))],
)
def test_a_first_line_is_picked_short_over_or_something_else(warehouse, hub, fault, line):
    tally, _ = warehouse(WarehouseFaults(**{fault: 1.0}))
    send(hub, release())
    until(lambda: confirmed(hub))
    assert confirmed(hub)[0][2] == ALL | {"1": line}
    if fault == "substituted":
        assert hub.transactions("3pl", "945")[0].first("W12")[6:9] == ["614141999996", "UP", "614141999996"]
    until(lambda: tally().faults == {fault: ["PO1"]})


def test_a_balance_released_later_is_picked_whole(warehouse, hub):
    warehouse(WarehouseFaults(short=1.0))
    send(hub, release(number="1"))
    until(lambda: len(confirmed(hub)) == 1)
    send(hub, release(number="2"))
    until(lambda: len(confirmed(hub)) == 2)
    assert confirmed(hub)[1] == ("SO-1", "SHP-SO-1-2", ALL)


def test_a_partial_shipment_is_two_confirmations_that_add_up(warehouse, hub):
    warehouse(WarehouseFaults(partial=1.0, partial_after_seconds=0.1))
    send(hub, release())
    until(lambda: len(confirmed(hub)) == 2)
    first, second = confirmed(hub)
    assert first[1] == "SHP-SO-1-1" and first[2] == {"1": ("BP", "6"), "2": ("BP", "2")}
    assert second[1] == "SHP-SO-1-2" and second[2] == {"1": ("CC", "6"), "2": ("CC", "3")}


def test_a_confirmation_comes_doubled_as_the_same_bytes_or_under_a_new_number(warehouse, hub):
    faults = WarehouseFaults(doubled_interchange=("PO1",), doubled_document=("PO2",), doubled_after_seconds=0.05)
    warehouse(faults)
    send(hub, release("SO-1", "PO1"), release("SO-2", "PO2"))
    until(lambda: len(confirmed(hub)) == 4)
    files = [data for name, data in hub.files("3pl").items() if name.startswith("945")]
    assert len(set(files)) == 3
    assert sorted(order for order, _, _ in confirmed(hub)) == ["SO-1", "SO-1", "SO-2", "SO-2"]


def test_a_confirmation_is_overtaken_by_later_ones(warehouse, hub):
    warehouse(WarehouseFaults(reordered=("PO1",), reordered_by=2), pick_seconds=0.3)
    send(hub, release("SO-1", "PO1"), release("SO-2", "PO2"), release("SO-3", "PO3"))
    until(lambda: len(confirmed(hub)) == 3)
    assert [order for order, _, _ in confirmed(hub)] == ["SO-2", "SO-3", "SO-1"]


def test_a_confirmation_is_lost_for_good_another_found_again_and_a_third_late(warehouse, hub):
    tally, stop = warehouse(WarehouseFaults(lost=("PO1",), late=("PO2",), late_seconds=0.5))
    send(hub, release("SO-1", "PO1"), release("SO-2", "PO2"), release("SO-3", "PO3"))
    until(lambda: len(confirmed(hub)) == 2)
    assert [order for order, _, _ in confirmed(hub)] == ["SO-3", "SO-2"]
    stop()
    assert {each.purchase_order: each.fate for each in tally().releases} == {
        "PO1": "lost",
        "PO2": "shipped",
        "PO3": "shipped",
    }


def test_a_lost_confirmation_turns_up_after_its_time(warehouse, hub):
    warehouse(WarehouseFaults(lost=1.0, lost_seconds=0.5))
    send(hub, release())
    until(lambda: confirmed(hub) == [("SO-1", "SHP-SO-1-1", ALL)])


def test_an_order_that_nobody_placed_is_confirmed(warehouse, hub):
    warehouse(WarehouseFaults(unknown_order=1.0))
    send(hub, release())
    until(lambda: len(confirmed(hub)) == 2)
    assert sorted(order for order, _, _ in confirmed(hub)) == ["SO-1", "XSO-1"]


def test_a_rejected_release_is_refused_once_and_taken_when_sent_again(warehouse, hub):
    tally, stop = warehouse(WarehouseFaults(rejected=("PO1",)))
    send(hub, release("SO-1", "PO1"), release("SO-2", "PO2"))
    until(lambda: hub.transactions("3pl", "997"))
    answer = hub.transactions("3pl", "997")[0]
    assert [s[1] for s in answer.segments if s[0] == "AK5"] == ["R", "A"]
    assert answer.first("AK9")[1:] == ["P", "2", "2", "1"]
    send(hub, release("SO-1", "PO1"))
    until(lambda: {order for order, _, _ in confirmed(hub)} == {"SO-1", "SO-2"})
    stop()
    assert [each.fate for each in tally().releases] == ["rejected", "shipped", "shipped"]
    assert tally().doubled == []


def test_a_release_that_comes_twice_is_counted_and_shipped_once(warehouse, hub):
    tally, stop = warehouse()
    data = send(hub, release(number="7"))
    send(hub, release(number="7"))
    hub.drop("3pl", "again.x12", data)
    until(lambda: tally().doubled and tally().retransmissions and confirmed(hub))
    stop()
    assert (tally().doubled, tally().retransmissions) == (["SO-1/7"], ["000000001"])
    assert len(confirmed(hub)) == 1


def test_a_cancellation_in_time_is_answered_with_nothing_shipped(warehouse, hub):
    tally, stop = warehouse(pick_seconds=30)
    send(hub, release())
    until(lambda: tally().releases)
    send(hub, release(purpose="F"))
    until(lambda: confirmed(hub))
    assert confirmed(hub) == [("SO-1", "SHP-SO-1-0", {"1": ("ID", "0"), "2": ("ID", "0")})]
    stop()
    assert (tally().cancellations, tally().shipments) == ({"SO-1": "cancelled"}, [])


def test_a_cancellation_finds_the_goods_gone(warehouse, hub):
    tally, stop = warehouse(WarehouseFaults(shipped_already=1.0), pick_seconds=30)
    send(hub, release())
    until(lambda: tally().releases)
    send(hub, release(purpose="F"))
    until(lambda: confirmed(hub) == [("SO-1", "SHP-SO-1-1", ALL)])
    stop()
    assert tally().cancellations == {"SO-1": "shipped"}


def test_acknowledgements_are_withheld_or_late(warehouse, hub):
    warehouse(WarehouseFaults(withheld_997=("PO1",), late_997=("PO2",), late_997_seconds=0.5))
    for n in (1, 2, 3):
        send(hub, release(f"SO-{n}", f"PO{n}"))
    until(lambda: len(hub.transactions("3pl", "997")) == 2)
    assert [t.first("AK1")[2] for t in hub.transactions("3pl", "997")] == ["3", "2"]


def test_the_same_seed_spoils_the_same_releases_in_any_order(warehouse, hub, begin):
    faults = WarehouseFaults(short=0.2, over=0.2, substituted=0.2, partial=0.2, late=0.3, late_seconds=0.1)
    told = []
    for name, order in (("one", range(40)), ("other", reversed(range(40)))):
        hub_name = hub.folder / name
        running = begin(
            [
                Warehouse(
                    name=name,
                    mailbox=hub_name,
                    tally=hub.folder / f"{name}.json",
                    seed=3,
                    pick_seconds=0,
                    faults=faults,
                )
            ]
        )
        for n in order:
            hub.send(name, "QUICK3PL", "OW", release(f"SO-{n}", f"PO{n}"))
        until(lambda running=running, name=name: len(running.tally()[name].releases) == 40)
        running.stop()
        told.append({each.purchase_order: sorted(each.faults) for each in running.tally()[name].releases})
    assert told[0] == told[1]
    assert {fault for each in told[0].values() for fault in each} == {"short", "over", "substituted", "partial", "late"}


def test_a_cancellation_that_names_a_release_leaves_the_others_alone(warehouse, hub):
    tally, stop = warehouse(pick_seconds=30)
    send(hub, release(number="1"), release(number="2"))
    until(lambda: len(tally().releases) == 2)
    send(hub, release(purpose="F", number="2"))
    until(lambda: tally().cancellations)
    stop()
    assert [(each.release, each.fate) for each in tally().releases] == [("1", "picking"), ("2", "cancelled")]
