"""The account: what the counterparties saw, held against each other. Each kind of wrong is found, and a sound run has
none."""

import msgspec
import pytest

from crossdock.testing import reconcile
from crossdock.testing.tallies import (
    ErpTally,
    Placed,
    Recorded,
    Released,
    RetailerTally,
    Seen,
    Shipped,
    WarehouseTally,
)


def seen(set_id, number="", interchange="1", moment=1, **more):
    more = {"lines": {"1": "10"}} | more
    return Seen(set_id=set_id, interchange=interchange, number=number, purchase_order="PO1", moment=moment, **more)


def acknowledgement(**more):
    return seen("855", **({"status": "AC", "digest": "d"} | more))


def notice(**more):
    return seen("856", **({"shipment": "S1"} | more))


def invoice(number="INV1", **more):
    return seen("810", number, **({"shipment": "S1", "prices": {"1": "2.50"}} | more))


def retailer(*documents, **order):
    placed = Placed(**({"lines": {"1": "10"}, "prices": {"1": "2.50"}, "unit": "EA"} | order))
    return RetailerTally(name="acme", orders={"PO1": placed}, documents=list(documents))


def warehouse(*shipped, doubled=()):
    shipments = [
        Shipped(shipment=f"S{n}", order="SO-1", purchase_order="PO1", unit="EA", lines={"1": quantity})
        for n, quantity in enumerate(shipped, 1)
    ]
    return WarehouseTally(name="3pl", shipments=shipments, doubled=list(doubled))


def erp(orders=("r",), postings=("p",)):
    return ErpTally(
        name="erp",
        orders=[Recorded(number=str(n), reference=r, order="SO-1") for n, r in enumerate(orders)],
        postings=[Recorded(number=str(n), reference=r, order="SO-1", shipment="S1") for n, r in enumerate(postings)],
    )


SOUND = (acknowledgement(), notice(), invoice())


def test_an_order_shipped_announced_and_invoiced_once_is_complete():
    account = reconcile([retailer(*SOUND), warehouse("10"), erp()])
    assert (account.complete, account.problems(), account.doubled_count) == (("PO1",), [], 0)
    assert (account.orders, account.lines) == (1, 1)


def test_an_order_shipped_in_two_goes_is_complete_when_both_are_invoiced():
    second = notice(shipment="S2", lines={"1": "6"}), invoice("INV2", shipment="S2", lines={"1": "6"})
    mine = retailer(notice(lines={"1": "4"}), invoice(lines={"1": "4"}), *second)
    assert reconcile([mine, warehouse("4", "6")]).problems() == []


def test_an_order_of_which_the_warehouse_found_nothing_is_cancelled_and_not_lost():
    nothing = Shipped(shipment="S1", order="SO-1", purchase_order="PO1", unit="EA", lines={})
    account = reconcile([retailer(acknowledgement()), WarehouseTally(name="3pl", shipments=[nothing])])
    assert (account.lost, account.cancelled, account.problems()) == ((), ("PO1",), [])


def test_decimal_places_make_no_difference():
    mine = retailer(notice(lines={"1": "10.0"}), invoice(prices={"1": "2.5"}))
    assert reconcile([mine, warehouse("10")]).problems() == []


@pytest.mark.parametrize("documents", [(), (acknowledgement(),), (acknowledgement(), notice())])
def test_an_order_without_an_invoice_is_lost_unless_it_is_explained(documents):
    assert reconcile([retailer(*documents)]).lost == ("PO1",)
    account = reconcile([retailer(*documents)], explained={"PO1"})
    assert (account.lost, account.explained) == ((), ("PO1",))


def test_a_rejected_or_cancelled_order_is_not_lost_unless_it_was_shipped():
    rejected, cancelled = retailer(acknowledgement(status="RD")), retailer(cancelled=True)
    assert reconcile([rejected, warehouse()]).rejected == ("PO1",)
    assert reconcile([cancelled, warehouse()]).cancelled == ("PO1",)
    assert reconcile([rejected, warehouse("10")]).lost == reconcile([cancelled, warehouse("10")]).lost == ("PO1",)


@pytest.mark.parametrize(
    ("kind", "tallies"),
    [
        ("invoice", [retailer(*SOUND, invoice(interchange="2"))]),
        ("invoice", [retailer(*SOUND, invoice("INV2", lines={}))]),
        ("ship-notice", [retailer(*SOUND, notice(interchange="2"))]),
        ("acknowledgement", [retailer(*SOUND, acknowledgement(interchange="2"))]),
        ("release", [retailer(*SOUND), warehouse("10", doubled=("SO-1",))]),
        ("erp-order", [retailer(*SOUND), erp(orders=("r", "r"))]),
        ("erp-order", [retailer(*SOUND), erp(orders=("r", "r2"))]),
        ("erp-posting", [retailer(*SOUND), erp(postings=("p", "p"))]),
        ("erp-posting", [retailer(*SOUND), erp(postings=("p", "p2"))]),
    ],
)
def test_what_is_done_twice_is_counted_once_by_its_kind(kind, tallies):
    account = reconcile(tallies)
    assert {kind: len(these) for kind, these in account.doubled.items()} == {kind: 1}
    assert account.doubled_count == 1


@pytest.mark.parametrize(
    ("documents", "shipped", "told"),
    [
        ((notice(), invoice(lines={"1": "9"})), "10", "PO1 line 1: announced 10, invoiced 9"),
        ((notice(), invoice(lines={"1": "11"})), "10", "PO1 line 1: announced 10, invoiced 11"),
        ((invoice(),), "10", "PO1 line 1: announced 0, invoiced 10"),
        ((notice(), invoice()), "8", "PO1 in total: shipped 8, announced 10"),
        (
            (acknowledgement(), notice(lines={"1": "8"}), invoice(lines={"1": "8"})),
            "8",
            "PO1 in total: acknowledged 10, shipped 8",
        ),
        ((notice(lines={"1": "12"}), invoice(lines={"1": "12"})), "12", "PO1 in total: ordered 10, shipped 12"),
        ((notice(lines={"9": "10"}), invoice(lines={"9": "10"})), "10", "PO1 line 9 was never ordered"),
    ],
)
def test_quantities_that_do_not_agree_are_wrong_and_the_order_is_not_complete(documents, shipped, told):
    account = reconcile([retailer(*documents), warehouse(shipped)])
    assert told in account.wrong_quantities
    assert account.complete == ()


@pytest.mark.parametrize(("fault", "quantity"), [("short", "8"), ("over", "12")])
def test_what_the_warehouse_itself_did_is_not_held_against_the_hub(fault, quantity):
    three_pl = warehouse(quantity)
    three_pl.releases.append(Released(order="SO-1", purchase_order="PO1", release="", interchange="1", faults=[fault]))
    mine = retailer(acknowledgement(), notice(lines={"1": quantity}), invoice(lines={"1": quantity}))
    assert reconcile([mine, three_pl]).problems() == []


def test_a_price_that_was_not_ordered_is_wrong():
    account = reconcile([retailer(notice(), invoice(prices={"1": "2.60"}))])
    assert account.wrong_prices == ("PO1 line 1: ordered at 2.50, invoiced at 2.60 on INV1",)


def test_a_shipment_without_a_posting_is_told():
    account = reconcile([retailer(*SOUND), warehouse("10"), erp(postings=())])
    assert account.unposted == ("PO1 order SO-1: 1 shipments, 0 postings",)


def test_a_document_for_an_order_that_nobody_placed_is_a_stranger():
    mine = retailer(*SOUND, msgspec.structs.replace(invoice("INV9"), purchase_order="PO9"))
    assert reconcile([mine]).strangers == ("PO9 in 810 INV9",)


def test_two_retailers_with_the_same_number_cannot_be_reconciled():
    with pytest.raises(ValueError, match="PO1"):
        reconcile([retailer(), retailer()])


def test_malformed_files_and_early_invoices_are_problems_and_retransmissions_are_not():
    mine = retailer(*SOUND)
    mine.retransmissions = ["7"]
    account = reconcile([mine, warehouse("10")])
    assert (account.retransmissions, account.problems()) == (1, [])
    mine.malformed, mine.early_invoices = ["noise"], ["INV1"]
    assert reconcile([mine, warehouse("10")]).problems() == ["early invoices: INV1", "malformed: noise"]


def test_a_tally_survives_its_file(tmp_path):
    from crossdock.testing import tallies

    written = WarehouseTally(
        name="3pl", releases=[Released(order="SO-1", purchase_order="PO1", release="", interchange="1")]
    )
    tallies.write(written, tmp_path / "tally.json")
    assert tallies.read(tmp_path / "tally.json") == written
