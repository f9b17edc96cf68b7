"""The main road, from a purchase order to its invoice, told as the trade would tell it."""

from decimal import Decimal

from play import Play, order, shipped

from crossdock.process import Status


def test_an_order_goes_from_its_receipt_to_its_invoice() -> None:
    play = Play().tell(order()).run()
    assert play.standing.milestone == "released"
    assert play.sent("acknowledge").status == "accepted"
    assert play.sent("release/1").lines[0].quantity == 10
    play.tell(shipped("SHP-7", ("1", 10), ("2", 4), bill_of_lading="BOL-1")).run()
    assert play.standing.milestone == "complete"
    assert {o.status for o in play.standing.obligations} == {Status.MET}
    assert [o.id.removeprefix("SO-1001/") for o in play.standing.obligations] == [
        "credit-check",
        "acknowledge",
        "create-in-erp",
        "release/1",
        "confirm-shipment/1",
        "ship-notice/SHP-7",
        "post-shipment/SHP-7",
        "tax/SHP-7",
        "invoice/SHP-7",
        "functional-ack/acknowledge",
        "functional-ack/invoice/SHP-7",
        "functional-ack/release/1",
        "functional-ack/ship-notice/SHP-7",
    ]
    (invoice,) = play.invoices()
    assert invoice.total == Decimal("70.20")
    assert not play.standing.troubles
    assert ("bill-of-lading", "BOL-1") in {(n.kind, n.value) for n in play.standing.names}
