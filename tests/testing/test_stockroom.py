"""A warehouse with shelves, and a web shop, as real processes: what they tell, what they keep, and what they note when they are asked for more than there is."""

import httpx
import pytest
from hub_by_hand import until

from crossdock.testing import Shelving, Shop, Warehouse
from crossdock.testing.configs import Adjustment
from crossdock.testing.faults import WarehouseFaults


@pytest.fixture
def stockroom(begin, hub):
    """Start a warehouse that keeps stock: its tally while it runs."""

    def run(faults=None, **shelving):
        config = Warehouse(
            name="3pl",
            mailbox=hub.folder / "3pl",
            tally=hub.folder / "3pl.json",
            pick_seconds=0.1,
            faults=faults or WarehouseFaults(),
            shelving=Shelving(site="CMH1", **{"receive_seconds": 0.0, "snapshot_seconds": None, **shelving}),
        )
        running = begin([config])
        return lambda: running.tally()["3pl"]

    return run


def announced(hub, number="BUY-1", **items):
    lines = "".join(f"W04*{n}*EA**SK*{item}~N9*LI*{place}~" for place, (item, n) in enumerate(items.items(), 10))
    body = f"W06*N*{number}~N1*WH*COLUMBUS*92*CMH1~{lines}W03*1~"
    hub.send("3pl", "QUICK3PL", "AR", ("943", body))


def asked(hub, order, quantity, item="TEA", purpose="N", site="CMH1"):
    body = (
        f"W05*{purpose}*{order}*PO-{order}~N1*ST*STORE 7*92*0007~N1*WH*COLUMBUS*92*{site}~LX*1~"
        f"W01*{quantity}*EA**SK*{item}~W76*{quantity}~"
    )
    hub.send("3pl", "QUICK3PL", "OW", ("940", body))


def told(hub, set_id, tag):
    return [segment for t in hub.transactions("3pl", set_id) for segment in t.segments if segment[0] == tag]


def test_what_was_announced_is_put_away_and_told_with_our_lines(stockroom, hub):
    tally = stockroom()
    announced(hub, TEA=40, ROPE=5)
    until(lambda: tally().received)
    assert tally().shelves == {"CMH1/TEA": "40", "CMH1/ROPE": "5"}
    assert [(s[1], s[5]) for s in told(hub, "944", "W07")] == [("40", "TEA"), ("5", "ROPE")]
    assert [s[2] for s in told(hub, "944", "N9")] == ["10", "11"]
    assert told(hub, "944", "W17")[0][3:5] == ["RCV-000001", "BUY-1"]


def test_a_shipment_takes_from_the_shelves_and_no_more_than_is_there(stockroom, hub):
    tally = stockroom()
    announced(hub, TEA=40)
    until(lambda: tally().received)
    asked(hub, "SO-1", 30)
    until(lambda: tally().shipments)
    assert tally().oversold == []
    asked(hub, "SO-2", 12)
    until(lambda: len(tally().shipments) == 2)
    assert tally().oversold == ["PO-SO-2 line 1: 12 of TEA at CMH1, where 10 were left"]
    assert [s[3] for s in told(hub, "945", "W12")] == ["30", "10"]
    until(lambda: tally().shelves["CMH1/TEA"] == "0")


def test_what_is_set_apart_for_one_release_is_not_there_for_the_next_until_it_is_taken_back(stockroom, hub):
    tally = stockroom(faults=WarehouseFaults(late=("PO-SO-1",), late_seconds=30.0))
    announced(hub, TEA=40)
    until(lambda: tally().received)
    asked(hub, "SO-1", 40)
    asked(hub, "SO-2", 1)
    until(lambda: tally().oversold)
    asked(hub, "SO-1", 40, purpose="F")
    until(lambda: tally().cancellations)
    asked(hub, "SO-3", 40)
    until(lambda: any(each.order == "SO-3" and each.lines for each in tally().shipments))
    assert len(tally().oversold) == 1


def test_what_was_not_found_is_counted_and_told(stockroom, hub):
    tally = stockroom(faults=WarehouseFaults(short=("PO-SO-1",), short_by=12))
    announced(hub, TEA=40)
    until(lambda: tally().received)
    asked(hub, "SO-1", 30)
    until(lambda: tally().changes)
    assert tally().shelves["CMH1/TEA"] == "10"
    until(lambda: told(hub, "947", "W19"))
    assert told(hub, "947", "W19")[0][1:3] == ["AA", "-12"]


def test_a_lost_adjustment_uses_up_its_number_and_is_owned_up_to(stockroom, hub):
    tally = stockroom(
        adjustments=(
            Adjustment(after_seconds=0.0, site="CMH1", item="TEA", quantity=-4, reason="AV"),
            Adjustment(after_seconds=0.1, site="CMH1", item="TEA", quantity=-7, lost=True),
            Adjustment(after_seconds=0.2, site="CMH1", item="TEA", quantity=2),
        )
    )
    announced(hub, TEA=40)
    until(lambda: len(tally().changes) == 3)
    until(lambda: len(told(hub, "947", "W15")) == 2)
    assert [s[2] for s in told(hub, "947", "W15")] == ["ADJ-000001", "ADJ-000003"]
    assert (tally().shelves, tally().unusable) == ({"CMH1/TEA": "31"}, {"CMH1/TEA": "4"})
    (drift,) = tally().drifts
    assert (drift.number, drift.quantity, drift.cause) == ("ADJ-000002", "-7", "missing-message")


def test_a_snapshot_says_what_there_is_at_each_site(stockroom, hub):
    tally = stockroom(
        snapshot_seconds=0.2,
        adjustments=(Adjustment(after_seconds=0.0, site="CMH1", item="TEA", quantity=-4, reason="AU"),),
    )
    announced(hub, TEA=40)
    until(lambda: tally().snapshots >= 1)
    until(lambda: [s[1:3] for s in told(hub, "846", "QTY")][:2] == [["17", "36"], ["20", "4"]])
    assert {s[4] for s in told(hub, "846", "N1")} == {"CMH1"}


# --- the shop ---


@pytest.fixture
def shop(begin, hub):
    """A running shop: what calls it, and its tally."""
    running = begin([Shop(name="shop", tally=hub.folder / "shop.json", token="t")])

    def tell(number, purpose="change", token="t", **levels):
        lines = [
            {
                "items": [{"id": item}],
                "levels": [{"status": "available", "places": [{"site": "RENO", "quantity": str(n)}]}],
            }
            for item, n in levels.items()
        ]
        body = {"number": str(number), "purpose": purpose, "lines": lines}
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{running.url('shop')}/v1/stock", json=body, headers=headers, trust_env=False).status_code

    return tell, lambda: running.tally()["shop"]


def test_a_shop_sells_by_the_last_it_was_told_and_counts_what_came_again_or_not_at_all(shop):
    tell, tally = shop
    assert tell(1, "original", TEA=5, ROPE=2) == 200
    assert tell(2, TEA=3) == 200
    assert tell(2, TEA=9) == 200
    assert tell(4, ROPE=1) == 200
    until(lambda: len(tally().numbers) == 3)
    assert tally().levels == {"RENO/TEA": "3", "RENO/ROPE": "1"}
    assert (tally().repeated, tally().fulls, tally().missed) == ([2], 1, ["offer 4 came after 2"])
    assert tell(5, "original", TEA=1) == 200
    until(lambda: tally().levels == {"RENO/TEA": "1"})


def test_a_shop_answers_nobody_without_its_token(shop):
    tell, tally = shop
    assert tell(1, token="other") == 401
    assert tally().numbers == []
