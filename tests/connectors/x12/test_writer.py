"""From deliveries to interchanges: who gets what in which envelope, what cannot be written, and that it reads back the
same."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from crossdock.connectors.x12.writer import X12Writer
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.edi.findings import Severity
from crossdock.edi.x12.document import read as read_document
from crossdock.edi.x12.guide import load
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments
from crossdock.facts.interchange import InterchangeReceived
from crossdock.facts.order import DocumentSent, ShipmentConfirmed
from crossdock.ports.outbound import Delivery
from crossdock.ports.translation import Composition, Message
from crossdock.testing.simulators import confirmations
from crossdock.trade.documents import (
    AcknowledgedLine,
    Address,
    Document,
    Invoice,
    InvoiceLine,
    ItemReference,
    Pack,
    PackedItem,
    PartyReference,
    PreparedSegments,
    PurchaseOrderAcknowledgement,
    PurchaseOrderAcknowledgementLine,
    ShipNotice,
    ShippedOrder,
    Terms,
    WarehouseOrder,
    WarehouseOrderLine,
)

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
STORE = PartyReference(
    role="ship-to",
    name="STORE 7",
    qualifier="assigned-by-buyer",
    id="0007",
    address=Address(lines=("700 MAIN STREET",), city="COLUMBUS", region="OH", postal_code="43004", country="US"),
)
WIDGET = (ItemReference(qualifier="buyer-item", id="B1000"), ItemReference(qualifier="gtin-12", id="614141000012"))


class Numbers:
    """Counts up from the numbers given, by kind."""

    def __init__(self, interchange: int = 123, group: int = 7) -> None:
        self._next = {"interchange": interchange, "group": group}
        self.taken: list[tuple[str, str]] = []

    def next(self, channel: str, kind: str) -> int:
        self.taken.append((channel, kind))
        self._next[kind] += 1
        return self._next[kind] - 1


def answer(po: str = "PO100001", **said) -> PurchaseOrderAcknowledgement:
    return PurchaseOrderAcknowledgement(
        **{
            "number": po,
            "status": "accepted",
            "order_issued": date(2026, 1, 15),
            "acknowledged": date(2026, 1, 15),
            "seller_order": f"ACME-{po}",
            "parties": (STORE,),
            "lines": (
                PurchaseOrderAcknowledgementLine(
                    line="1",
                    quantity=Decimal(3),
                    unit="CA",
                    price=Decimal("23.88"),
                    items=WIDGET,
                    answers=(AcknowledgedLine(status="accepted", quantity=Decimal(3), unit="CA"),),
                ),
            ),
            "line_count": 1,
        }
        | said
    )


def release(**said) -> WarehouseOrder:
    lines = [
        WarehouseOrderLine(
            line="1",
            quantity=Decimal(36),
            unit="EA",
            items=(ItemReference(qualifier="sku", id="W-100"), *WIDGET),
            description="Widget",
        )
    ]
    return WarehouseOrder(
        **{
            "depositor_order": "ACME-PO100001",
            "release": "1",
            "purchase_order": "PO100001",
            "parties": (STORE,),
            "ship_not_before": date(2026, 1, 17),
            "lines": tuple(lines),
            "total_quantity": Decimal(36),
        }
        | said
    )


def notice() -> ShipNotice:
    packed = PackedItem(line="1", quantity=Decimal(3), unit="CA", items=WIDGET, ordered=Decimal(3))
    order = ShippedOrder(
        purchase_order="PO100001",
        purchase_order_date=date(2026, 1, 15),
        packs=(Pack(sscc="006141410000000012", items=(packed,)),),
    )
    return ShipNotice(
        shipment="SHP-1",
        issued=NOW,
        shipped=date(2026, 1, 17),
        carrier="UPSN",
        packages=1,
        parties=(STORE,),
        orders=(order,),
        line_count=1,
    )


def invoice() -> Invoice:
    line = InvoiceLine(line="1", quantity=Decimal(3), unit="CA", price=Decimal("23.88"), items=WIDGET)
    return Invoice(
        number="INV-ACME-PO100001-1",
        purchase_order="PO100001",
        issued=date(2026, 1, 17),
        order_issued=date(2026, 1, 15),
        currency="USD",
        terms=Terms(net_days=30),
        parties=(STORE,),
        lines=(line,),
        tax=Decimal("5.91"),
        total=Decimal("77.55"),
        line_count=1,
    )


ACKNOWLEDGEMENT = PreparedSegments(
    transaction_set="997",
    segments=(("AK1", "PO", "1"), ("AK2", "850", "0001"), ("AK5", "A"), ("AK9", "A", "1", "1", "1")),
)
TA1 = PreparedSegments(transaction_set="TA1", segments=(("TA1", "000000001", "260115", "0800", "A", "000"),))

KINDS: dict[str, tuple[str, Document]] = {
    "855": ("purchase-order-acknowledgement", answer()),
    "940": ("warehouse-order", release()),
    "856": ("ship-notice", notice()),
    "810": ("invoice", invoice()),
    "997": ("functional-acknowledgement", ACKNOWLEDGEMENT),
}


def delivery(content: Document, document: str = "purchase-order-acknowledgement", **said) -> Delivery:
    words = {"id": "ACME-PO100001/acknowledge", "key": "ACME-PO100001", "system": "acme-edi", "partner": "acme"}
    return Delivery(**{**words, "document": document, "content": msgspec.json.encode(content), **said})


@pytest.fixture
def writer(crosswalk: Crosswalk) -> X12Writer:
    return X12Writer(crosswalk, "acme-edi", "acme")


@pytest.fixture
def composed(writer: X12Writer) -> Callable[..., Composition]:
    return lambda *deliveries: writer.compose(deliveries, Numbers(), NOW)


def sole(composition: Composition) -> bytes:
    assert composition.unwritable == ()
    (transmission,) = composition.transmissions
    return transmission.data


# --- envelopes --------------------------------------------------------------------------------------------------------


def test_one_interchange_goes_to_a_partner_with_a_group_for_each_kind(composed):
    composition = composed(
        delivery(answer(), id="a"),
        delivery(invoice(), "invoice", id="b"),
        delivery(answer("PO100002"), id="c"),
        delivery(ACKNOWLEDGEMENT, "functional-acknowledgement", id="d"),
    )
    found = index(sole(composition))
    (interchange,) = found.interchanges
    assert found.findings == ()
    assert (interchange.sender, interchange.receiver, interchange.usage) == ("NORTHWHOLESALE", "ACMERETAIL", "P")
    assert [(g.functional_id, g.control_number, len(g.transactions)) for g in interchange.groups] == [
        ("PR", "7", 2),
        ("IN", "8", 1),
        ("FA", "9", 1),
    ]
    (transmission,) = composition.transmissions
    assert transmission.name == "acme-000000123.edi"
    assert transmission.control == {
        "a": "000000123/PR/7/0001",
        "c": "000000123/PR/7/0002",
        "b": "000000123/IN/8/0001",
        "d": "000000123/FA/9/0001",
    }
    assert set(transmission.deliveries) == {"a", "b", "c", "d"}


def test_two_partners_of_one_system_get_an_interchange_each(composed):
    composition = composed(
        delivery(answer(), id="a"), delivery(release(), "warehouse-order", id="b", partner="quick3pl")
    )
    assert [t.name for t in composition.transmissions] == ["acme-000000123.edi", "quick3pl-000000124.edi"]


def test_a_partner_gets_its_own_delimiters_version_and_identities(composed):
    data = sole(composed(delivery(answer(), partner="bolt")))
    (interchange,) = index(data).interchanges
    assert data.startswith(b"ISA+00+")
    assert interchange.delimiters.segment == b"'"
    assert data.count(b"'\n") == data.count(b"'")
    assert (interchange.version, interchange.usage) == ("00501", "T")
    (group,) = interchange.groups
    assert (group.sender, group.receiver, group.version) == ("NWEDI", "BOLTDC", "005010")
    assert interchange.receiver_qualifier == "01"


def test_a_partner_of_a_later_version_without_a_repetition_separator_gets_one_that_data_does_not_hold(crosswalk):
    acme = crosswalk.directory.partners["acme"]
    later = msgspec.structs.replace(acme, x12=msgspec.structs.replace(acme.x12, version="005010"))
    writer = X12Writer(Crosswalk(msgspec.structs.replace(crosswalk.directory, partners={"acme": later})), "acme-edi")
    (interchange,) = index(sole(writer.compose([delivery(answer())], Numbers(), NOW))).interchanges
    assert interchange.delimiters.repetition == b"^"


def test_a_ta1_stands_outside_of_groups(composed):
    composition = composed(delivery(TA1, "interchange-acknowledgement", id="t"), delivery(answer(), id="a"))
    (interchange,) = index(sole(composition)).interchanges
    assert interchange.acknowledgements == (TA1.segments[0],)
    assert composition.transmissions[0].control["t"] == "000000123///"
    alone = index(sole(composed(delivery(TA1, "interchange-acknowledgement")))).interchanges[0]
    assert alone.groups == ()


def test_a_delivery_that_names_no_partner_goes_to_the_systems_own(composed):
    (interchange,) = index(sole(composed(delivery(answer(), partner="")))).interchanges
    assert interchange.receiver == "ACMERETAIL"


def test_no_more_control_numbers_are_taken_than_were_asked_for(writer):
    deliveries = [delivery(answer(f"PO{n}"), id=str(n)) for n in range(5)]
    deliveries += [delivery(release(), "warehouse-order", id="r", partner="quick3pl")]
    numbers = Numbers()
    writer.compose(deliveries, numbers, NOW)
    needs = writer.needs(deliveries)
    assert {kind: numbers.taken.count(kind) for kind in set(numbers.taken)} == needs
    assert needs == {("acme-edi", "interchange"): 2, ("acme-edi", "group"): 2}


def test_the_same_deliveries_give_the_same_bytes(composed):
    assert composed(delivery(answer())) == composed(delivery(answer()))


def test_numbers_of_nine_digits_start_again_behind_the_last(writer):
    composition = writer.compose([delivery(answer())], Numbers(1_000_000_000, 1_000_000_007), NOW)
    assert composition.transmissions[0].control == {"ACME-PO100001/acknowledge": "000000001/PR/8/0001"}


# --- what cannot be written -------------------------------------------------------------------------------------------


def test_what_cannot_be_written_is_told_with_its_reason_and_takes_nothing_else_down(composed):
    composition = composed(
        delivery(answer(), id="good"),
        delivery(answer("P" * 23), id="too-long"),
        delivery(answer(number=""), id="no-number"),
        delivery(answer(), "credit-check", id="no-word"),
        delivery(answer(), id="nobody", partner="stranger"),
        msgspec.structs.replace(delivery(answer(), id="no-content"), content=b"[]"),
    )
    (transmission,) = composition.transmissions
    assert transmission.deliveries == ("good",)
    assert index(transmission.data).findings == ()
    assert {id for id, _ in composition.unwritable} == {"too-long", "no-number", "no-word", "nobody", "no-content"}
    assert all(reason for _, reason in composition.unwritable)


def test_an_invoice_number_with_a_delimiter_in_it_is_refused_where_the_partner_wants_that(composed):
    bad = msgspec.structs.replace(answer(), number="PO'1")
    composition = composed(delivery(bad, id="bad", partner="bolt"), delivery(answer(), id="good", partner="bolt"))
    assert [id for id, _ in composition.unwritable] == ["bad"]
    assert "may not stand in data" in composition.unwritable[0][1]
    assert composition.transmissions[0].deliveries == ("good",)


def test_a_delimiter_in_a_name_is_replaced_where_the_partner_wants_that(composed):
    store = msgspec.structs.replace(STORE, name="STORE*7~")
    data = sole(composed(delivery(answer(parties=(store,)))))
    assert b"*STORE 7*" in data.replace(b"STORE 7 *", b"STORE 7*")
    assert index(data).findings == ()


def test_a_partner_without_an_identity_of_ours_cannot_be_written_to(crosswalk):
    partners = {"acme": msgspec.structs.replace(crosswalk.directory.partners["acme"], us=None)}
    lonely = Crosswalk(msgspec.structs.replace(crosswalk.directory, partners=partners))
    composition = X12Writer(lonely, "acme-edi").compose([delivery(answer())], Numbers(), NOW)
    assert composition.transmissions == ()
    assert "identities" in composition.unwritable[0][1]


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("set_id", sorted(KINDS))
def test_what_we_write_is_read_back_by_the_same_guide(composed, set_id):
    document, content = KINDS[set_id]
    data = sole(composed(delivery(content, document)))
    (interchange,) = index(data).interchanges
    (transaction,) = interchange.transactions
    assert transaction.set_id == set_id
    guide = load(set_id)
    assert guide is not None
    back, findings = read_document(segments(data, transaction, interchange.delimiters), guide)
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    if set_id == "940":
        told = content.lines[0].items[0], ItemReference(qualifier="gtin-12", id="614141000012")
        assert isinstance(back, WarehouseOrder)
        assert back.lines[0].items[: len(told)] == told
        assert msgspec.structs.replace(back, lines=()) == msgspec.structs.replace(content, lines=())
        assert (back.lines[0].line, back.lines[0].quantity, back.lines[0].unit) == ("1", 36, "EA")
    elif set_id != "997":
        said = msgspec.structs.replace(content, issued=NOW.replace(tzinfo=None)) if set_id == "856" else content
        assert back == said


def test_what_the_warehouse_answers_to_our_940_is_a_confirmation_of_our_lines(composed, reader):
    data = sole(composed(delivery(release(), "warehouse-order", partner="quick3pl")))
    advice = confirmations.confirmation(data, day=date(2026, 1, 17))
    message = Message(id=1, channel="quick3pl", source_id="f", data=advice, received_at=NOW)
    facts = [fact for part in reader.read(message) for fact in part.facts]
    (confirmed,) = [fact for fact in facts if isinstance(fact.data, ShipmentConfirmed)]
    assert confirmed.key == "ACME-PO100001"
    assert confirmed.data.release == "1"
    assert [(line.line, line.item, line.quantity) for line in confirmed.data.lines] == [("1", "W-100", 36)]


def test_the_997_that_a_reading_prepared_is_written_as_it_was_prepared(composed, reader, sample, message):
    facts = [fact for part in reader.read(message(sample("order"))) for fact in part.facts]
    (received,) = [fact.data for fact in facts if isinstance(fact.data, InterchangeReceived)]
    prepared = PreparedSegments(transaction_set="997", segments=received.groups[0].acknowledgement)
    data = sole(composed(delivery(prepared, "functional-acknowledgement")))
    assert b"AK1*PO*1~AK2*850*0001~AK5*A~AK9*A*1*1*1~SE*6*0001~" in data


def test_an_accepted_delivery_tells_that_its_document_was_sent(writer):
    sent = delivery(answer(), number="PO100001", told=(("1", Decimal(36)),))
    assert writer.settle(sent, "000000123/PR/7/0001", {}) == DocumentSent(
        obligation="ACME-PO100001/acknowledge",
        document="purchase-order-acknowledgement",
        number="PO100001",
        control="000000123/PR/7/0001",
        told=(("1", Decimal(36)),),
    )
