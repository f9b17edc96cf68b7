"""What the counterparties write, though put together without the codec, is read by the codec's guides without a
finding."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.edi.x12 import document
from crossdock.edi.x12.guide import load
from crossdock.testing import Identity, Retailer, Style, confirmation, orders
from crossdock.testing.simulators import confirmations, conformity, x12
from crossdock.testing.simulators import orders as ordering

DAY = date(2026, 1, 15)
ORDER = next(ordering.planned(Retailer(name="acme", mailbox=Path(), tally=Path(), lines=(3, 3))))
RELEASE = (
    "W05*N*SO-1*PO1~N1*ST*STORE 7*92*0007~N3*700 MAIN~N4*COLUMBUS*OH*43004~N9*RE*R1~"
    "LX*1~W01*12*EA**VN*A1*UP*614141000012~LX*2~W01*5*EA**VN*B2~W76*17~"
)


def written(functional_id, set_id, body):
    moment = datetime(2026, 1, 15, 12, 0)
    return x12.join(
        functional_id, [(set_id, body)], control_number=1, identity=Identity(), style=Style(), moment=moment
    )


def read(data):
    transaction = x12.split(data)[0].groups[0].transactions[0]
    return document.read(transaction.segments, load(transaction.set_id))


def advised(status, shipped, **more):
    release = confirmations.read(x12.split(written("OW", "940", RELEASE))[0].groups[0].transactions[0])
    picked = [confirmations.Picked(release.lines[0], status, Decimal(shipped), **more)]
    body, _ = confirmations.advice(
        release, picked, shipment="S1", day=DAY, first_serial=1, config=confirmations.ANY_WAREHOUSE, more_follows=True
    )
    return read(written("SW", "945", body))


def test_every_interchange_is_sound_in_the_eyes_of_the_codec():
    for data in (*orders(1, 20, per_interchange=3), confirmation(written("OW", "940", RELEASE))):
        assert conformity.errors(data) == []
    acknowledgement = x12.acknowledgement(x12.split(next(orders(1, 1)))[0].groups[0])
    assert conformity.errors(written("FA", "997", acknowledgement)) == []


def test_what_is_not_sound_is_told():
    assert conformity.errors(next(orders(1, 1)).replace(b"SE*", b"SE*9"))


def test_an_order_is_read_as_it_was_planned():
    found, findings = read(written("PO", "850", ordering.purchase_order(ORDER, DAY, vendor="V1")))
    assert findings == []
    assert (found.number, found.issued, found.currency) == (ORDER.number, DAY, "USD")
    assert [(line.line, line.quantity, str(line.price)) for line in found.lines] == [
        (line.line, line.quantity, line.price) for line in ORDER.lines
    ]
    assert {item.qualifier for line in found.lines for item in line.items} == {"buyer-item", "gtin-12"}


def test_a_change_and_a_cancellation_are_read_as_such():
    changed, findings = read(written("PC", "860", ordering.change(ORDER, DAY, 3)))
    assert (findings, changed.purpose, changed.lines[0].change) == ([], "change", "change-quantity")
    assert changed.lines[0].quantity == 3
    cancelled, findings = read(written("PC", "860", ordering.cancellation(ORDER, DAY)))
    assert (findings, cancelled.purpose, cancelled.number) == ([], "cancellation", ORDER.number)


@pytest.mark.parametrize(
    ("status", "word", "shipped"),
    [("CC", "shipped", 12), ("CP", "short", 11), ("CM", "over", 13), ("BP", "backordered", 6), ("ID", "cancelled", 0)],
)
def test_a_confirmation_is_read_with_the_status_that_was_meant(status, word, shipped):
    found, findings = advised(status, shipped)
    assert (findings, found.depositor_order, found.release, found.complete) == ([], "SO-1", "R1", False)
    line = found.lines[0]
    assert (line.status, line.ordered, line.shipped, line.difference) == (word, 12, shipped, 12 - shipped)
    assert len(line.packages) == (1 if shipped else 0)


def test_a_substitution_names_what_left_instead():
    found, findings = advised("CS", 12, substitute="614141999996")
    assert (findings, found.lines[0].status) == ([], "substituted")
    assert {item.id for item in found.lines[0].items} == {"614141999996"}
