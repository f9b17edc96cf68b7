"""The retailer as a real process: what it drops, what it takes, and every fault that can be declared, shown once."""

import pytest
from hub_by_hand import until

from crossdock.testing import Retailer, RetailerFaults, Style
from crossdock.testing.simulators import x12


@pytest.fixture
def retailer(begin, hub):
    """Start a retailer with these faults: its tally while it runs, and its stop."""

    def run(faults=None, **more):
        config = Retailer(
            name="acme",
            mailbox=hub.folder / "acme",
            tally=hub.folder / "acme.json",
            faults=faults or RetailerFaults(),
            **{"orders": 3, "lines": (2, 2), **more},
        )
        running = begin([config])

        def tally():
            return running.tally()["acme"]

        return tally, running.stop

    return run


def numbers(transactions):
    return [transaction.first("BEG")[3] for transaction in transactions]


def ship_notice(po, shipment="S1", lines=(("1", 4), ("2", 5)), carton="006141410000000012"):
    items = "".join(f"HL*{4 + n}*3*I*0~LIN*{line}*IN*B1~SN1*{line}*{qty}*EA~" for n, (line, qty) in enumerate(lines))
    head = f"BSN*00*{shipment}*20260116*1200*0001~HL*1**S*1~HL*2*1*O*1~PRF*{po}~HL*3*2*P*1~MAN*GM*{carton}~"
    return "856", f"{head}{items}CTT*{3 + len(lines)}~"


def invoice(po, number="INV1", shipment="S1", lines=(("1", 4, "1.00"), ("2", 5, "2.50"))):
    items = "".join(f"IT1*{line}*{quantity}*EA*{price}**IN*B1~" for line, quantity, price in lines)
    return "810", f"BIG*20260116*{number}*20260115*{po}~REF*SI*{shipment}~{items}TDS*1650~CTT*{len(lines)}~"


def acknowledgement(po, status="AC"):
    line = "PO1*1*4*EA*1.00**IN*B1~ACK*IA*4*EA~PO1*2*5*EA*2.50**IN*B1~ACK*IR*5*EA~"
    return "855", f"BAK*00*{status}*{po}*20260115~{line}CTT*2~"


def test_all_orders_are_placed_each_in_a_file_of_its_own(retailer, hub):
    tally, _ = retailer()
    until(lambda: tally().done)
    assert sorted(hub.files("acme")) == ["850-000001.x12", "850-000002.x12", "850-000003.x12"]
    assert numbers(hub.transactions("acme", "850")) == ["PO100001", "PO100002", "PO100003"]
    assert list(tally().orders) == ["PO100001", "PO100002", "PO100003"]


def test_several_orders_share_an_interchange_where_the_partner_does_so_in_its_own_style(retailer, hub):
    tally, _ = retailer(per_interchange=2, style=Style(element="|", segment="\n", version="005010"))
    until(lambda: tally().done)
    first, second = hub.files("acme").values()
    assert first.startswith(b"ISA|00|") and b"|^|00501|" in first
    assert [len(list(x12.split(data)[0].transactions())) for data in (first, second)] == [2, 1]


def test_it_keeps_account_of_what_it_gets_and_acknowledges_each_group(retailer, hub):
    tally, stop = retailer()
    until(lambda: tally().done)
    hub.send("acme", "ACMERETAIL", "PR", acknowledgement("PO100001"))
    hub.send("acme", "ACMERETAIL", "SH", ship_notice("PO100001"))
    hub.send("acme", "ACMERETAIL", "IN", invoice("PO100001"), invoice("PO100002", "INV2", "S2"))
    hub.send("acme", "ACMERETAIL", "FA", ("997", "AK1*PO*1~AK9*A*1*1*1~"))
    until(lambda: len(hub.transactions("acme", "997")) == 3)
    stop()
    seen = {(each.set_id, each.number): each for each in tally().documents}
    assert seen["855", "PO100001"].status == "AC"
    assert seen["855", "PO100001"].lines == {"1": "4"}, "the second line is rejected"
    assert seen["856", "S1"].lines == {"1": "4", "2": "5"}
    assert seen["856", "S1"].cartons == ["006141410000000012"]
    assert seen["810", "INV1"].lines == {"1": "4", "2": "5"}
    assert seen["810", "INV1"].prices == {"1": "1.00", "2": "2.50"}
    assert (seen["810", "INV1"].shipment, seen["810", "INV1"].total) == ("S1", "1650")
    assert tally().acknowledged == {"A": 1}
    assert tally().early_invoices == ["INV2"], "no ship notice came before it"
    answered = {(t.first("AK1")[1], t.first("AK9")[1], t.first("AK9")[2]) for t in hub.transactions("acme", "997")}
    assert answered == {("PR", "A", "1"), ("SH", "A", "1"), ("IN", "A", "2")}


def test_the_same_interchange_again_is_a_retransmission_and_not_a_second_document(retailer, hub):
    tally, stop = retailer()
    data = hub.send("acme", "ACMERETAIL", "IN", invoice("PO100001"))
    hub.drop("acme", "again.x12", data)
    until(lambda: tally().retransmissions == ["000000001"])
    stop()
    assert len(tally().documents) == 1


def test_what_is_unreadable_or_meant_for_another_is_malformed_and_nothing_stops(retailer, hub):
    tally, _ = retailer()
    hub.drop("acme", "noise.x12", b"noise")
    hub.send("acme", "SOMEBODYELSE", "IN", invoice("PO100001"))
    hub.send("acme", "ACMERETAIL", "RA", ("820", "BPR*I~"))
    hub.send("acme", "ACMERETAIL", "IN", invoice("PO100001"))
    until(lambda: tally().documents)
    told = " / ".join(tally().malformed)
    assert "noise" in told and "SOMEBODYELSE" in told and "820" in told


def test_a_doubled_interchange_is_the_same_bytes_and_a_doubled_document_is_not(retailer, hub):
    faults = RetailerFaults(
        doubled_interchange=("PO100001",), doubled_document=("PO100002",), doubled_after_seconds=0.1
    )
    tally, _ = retailer(faults)
    until(lambda: tally().done and len(hub.files("acme")) == 5)
    made = {}
    for data in hub.files("acme").values():
        made.setdefault(x12.split(data)[0].groups[0].transactions[0].first("BEG")[3], []).append(data)
    assert len(made["PO100001"]) == 2 and len(set(made["PO100001"])) == 1
    one, other = (x12.split(data)[0] for data in made["PO100002"])
    assert one.control_number != other.control_number
    assert one.groups[0].transactions[0].segments == other.groups[0].transactions[0].segments
    assert tally().orders["PO100002"].faults == ["doubled_document"]


def test_a_reordered_file_comes_after_later_ones(retailer, hub):
    tally, _ = retailer(RetailerFaults(reordered=("PO100001",), reordered_by=2))
    until(lambda: tally().done and len(hub.files("acme")) == 3)
    assert numbers(hub.transactions("acme", "850")) == ["PO100002", "PO100003", "PO100001"]


def test_minds_change_an_860_changes_one_order_and_cancels_another(retailer, hub):
    tally, stop = retailer(RetailerFaults(changed=("PO100001",), cancelled=("PO100002",), change_after_seconds=0.1))
    until(lambda: len(hub.transactions("acme", "860")) == 2)
    stop()
    told = {t.first("BCH")[3]: t for t in hub.transactions("acme", "860")}
    assert told["PO100001"].first("BCH")[1] == "04"
    assert told["PO100001"].first("POC")[3] == tally().orders["PO100001"].changed
    assert told["PO100002"].first("BCH")[1] == "01"
    assert tally().orders["PO100002"].cancelled


def test_an_acknowledgement_is_withheld_and_another_is_late(retailer, hub):
    faults = RetailerFaults(withheld_997=("855/PO100001",), late_997=("PO100002",), late_997_seconds=1.0)
    tally, stop = retailer(faults)
    for po in ("PO100001", "PO100002", "PO100003"):
        hub.send("acme", "ACMERETAIL", "PR", acknowledgement(po))
    until(lambda: len(hub.transactions("acme", "997")) == 2)
    stop()
    assert [t.first("AK1")[2] for t in hub.transactions("acme", "997")] == ["3", "2"]
    assert (tally().withheld_997, tally().late_997) == (["855/PO100001"], ["855/PO100002"])


def test_the_same_seed_spoils_the_same_orders_at_any_pace(retailer, hub, begin):
    faults = RetailerFaults(
        doubled_document=0.3, reordered=0.3, changed=0.3, cancelled=0.1, price_off=0.2, unknown_item=0.1
    )
    told = []
    for name, pace in (("quick", 0.0), ("slow", 80.0)):
        config = Retailer(
            name=name,
            mailbox=hub.folder / name,
            tally=hub.folder / f"{name}.json",
            orders=40,
            faults=faults,
            per_second=pace,
        )
        running = begin([config])
        until(lambda running=running, name=name: running.tally()[name].done)
        running.stop()
        orders = running.tally()[name].orders
        told.append({po: (sorted(order.faults), order.lines, order.prices) for po, order in orders.items()})
    assert told[0] == told[1]
    assert len({fault for faults, _, _ in told[0].values() for fault in faults}) == 6
