"""From a stored message to facts: each way in which a transaction set can end, and the three kinds of duplicate."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retail_workspace import DATA, DIRECTORY, RECEIVED_AT

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.directory import Identity, Partner, X12Profile
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.edi.x12.index import index
from crossdock.facts import Fact, decode, encode
from crossdock.facts.codec import type_of
from crossdock.facts.interchange import InterchangeReceived, MessageHeld
from crossdock.facts.order import OrderCancelled, OrderChanged, OrderReceived, ShipmentConfirmed
from crossdock.ports.translation import Control, Message, Reading
from crossdock.testing.configs import Style
from crossdock.testing.simulators.orders import orders

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "x12"
CROSSWALK = Crosswalk(DIRECTORY)


def whole(reader: X12Reader, message: Message) -> Reading:
    """All parts of a reading as one."""
    parts = list(reader.read(message))
    return Reading(
        facts=tuple(fact for part in parts for fact in part.facts),
        pending=tuple(each for part in parts for each in part.pending),
        findings=tuple(each for part in parts for each in part.findings),
        identities=tuple(each for part in parts for each in part.identities),
        names=tuple(each for part in parts for each in part.names),
        held=next((part.held for part in parts if part.held), ""),
    )


def of(reading: Reading, kind: type) -> list[Fact]:
    return [fact for fact in reading.facts if isinstance(fact.data, kind)]


def only(reading: Reading, kind: type) -> Fact:
    (fact,) = of(reading, kind)
    return fact


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_becomes_a_fact_about_our_order_number(reader, sample, message):
    fact = only(whole(reader, message(sample("order"))), OrderReceived)
    assert fact.key == "ACME-PO100001"
    assert (fact.source, fact.message) == ("acme", 17)
    order = fact.data
    assert (order.partner, order.purchase_order, order.warehouse) == ("acme", "PO100001", "quick3pl")
    assert order.issued == date(2026, 1, 15)
    assert [(line.item, line.quantity, line.unit) for line in order.lines] == [
        ("W-100", 36, "EA"),
        ("W-200", 24, "EA"),
        ("W-200", 24, "EA"),
    ]
    assert order.lines[0].price == order.lines[0].agreed_price == Decimal("1.99")
    assert order.lines[2].price == Decimal("4.5")
    assert not any(line.trouble for line in order.lines)


def test_lines_that_cannot_be_understood_say_why_and_the_order_is_taken_all_the_same(reader, sample, message):
    fact = only(whole(reader, message(sample("order-with-troubles"))), OrderReceived)
    assert [line.trouble for line in fact.data.lines] == [
        "unknown-item",
        "unknown-unit",
        "item-conflict",
        "inexact-unit",
    ]


def test_an_order_can_be_found_by_its_purchase_order_and_control_numbers(reader, sample, message):
    reading = whole(reader, message(sample("order")))
    assert {
        ("ACME-PO100001", "purchase-order", "PO100001"),
        ("ACME-PO100001", "control-number", "000000001"),
        ("ACME-PO100001", "control-number", "000000001/1/0001"),
    } <= set(reading.names)


def test_the_interchange_owes_its_sender_a_997(reader, sample, message):
    fact = only(whole(reader, message(sample("order"))), InterchangeReceived)
    assert fact.key.startswith("IN-acme-000000001-")
    assert fact.source_id == fact.key
    (group,) = fact.data.groups
    assert (group.functional_id, group.control_number, group.status) == ("PO", "1", "accepted")
    assert [segment[0] for segment in group.acknowledgement if segment[0] not in ("ST", "SE")] == [
        "AK1",
        "AK2",
        "AK5",
        "AK9",
    ]
    assert fact.data.ta1 == ()


def test_a_change_and_a_cancellation_are_facts_about_the_same_order(reader, sample, message):
    change = only(whole(reader, message(sample("change"))), OrderChanged)
    cancellation = only(whole(reader, message(sample("cancellation"))), OrderCancelled)
    assert change.key == cancellation.key == "ACME-PO100001"
    assert [(line.line, line.change) for line in change.data.lines] == [
        ("1", "quantity"),
        ("2", "delete"),
        ("4", "add"),
    ]
    assert change.data.lines[0].quantity == 24
    assert (change.data.change, cancellation.data.change) == ("1", "2")


def test_an_order_with_the_purpose_of_a_cancellation_cancels(reader, sample, message):
    reading = whole(reader, message(sample("order", {"BEG*00*": "BEG*01*"})))
    assert only(reading, OrderCancelled).key == "ACME-PO100001"


# --- shipments --------------------------------------------------------------------------------------------------------


def test_a_ship_confirmation_is_a_fact_about_the_order_that_it_echoes(reader, sample, message):
    fact = only(whole(reader, message(sample("confirmation"), channel="quick3pl")), ShipmentConfirmed)
    told = fact.data
    assert fact.key == "ACME-PO100001"
    assert (told.shipment, told.warehouse, told.release) == ("SHP-ACME-PO100001-1", "quick3pl", "1")
    assert [(line.line, line.item, line.quantity) for line in told.lines] == [("1", "W-100", 30), ("2", "W-200", 24)]
    assert [package.contents for package in told.packages] == [(("1", 24),), (("1", 6),), (("2", 24),)]
    assert (told.bill_of_lading, told.pro, told.carrier) == ("BOL778", "PRO555", "UPSN")


def test_a_confirmation_that_echoes_no_order_is_held(reader, sample, message):
    data = sample("confirmation", {"W06*F*ACME-PO100001*": "W06*F**"})
    held = only(whole(reader, message(data, channel="quick3pl")), MessageHeld)
    assert held.data.cause == "unknown-order-reference"


# --- acknowledgements -------------------------------------------------------------------------------------------------


def test_a_997_is_pending_until_the_store_has_said_what_it_answers(reader, sample, message):
    (pending,) = whole(reader, message(sample("acknowledgement"))).pending
    assert pending.control == Control("acme", functional_id="PR", group="7")
    assert pending.status == "accepted"
    assert pending.transactions["0001"] == ("accepted", ())
    status, errors = pending.transactions["0002"]
    assert status == "rejected"
    assert any("PO1" in error for error in errors)
    assert pending.message == 17


def test_a_997_owes_no_997(reader, sample, message):
    assert not of(whole(reader, message(sample("acknowledgement"))), InterchangeReceived)


def test_a_ta1_that_refuses_is_pending_for_the_whole_interchange(reader, sample, message):
    (pending,) = whole(reader, message(sample("interchange-refused"))).pending
    assert pending.control == Control("acme", interchange="000000123")
    assert pending.status == "rejected"
    assert "018" in pending.errors[0]


def test_a_ta1_that_accepts_stands_for_no_997(reader, sample, message):
    reading = whole(reader, message(sample("interchange-refused", {"*R*018": "*A*000"})))
    assert reading.pending == ()
    assert reading.facts == ()


# --- held -------------------------------------------------------------------------------------------------------------


def test_an_unknown_sender_is_held_whole(reader, sample, message):
    reading = whole(reader, message(sample("order", {"*ACMERETAIL     *": "*NOBODYKNOWS    *"})))
    held = only(reading, MessageHeld)
    assert held.data.cause == reading.held == "unknown-sender"
    assert "ZZ/NOBODYKNOWS" in held.data.detail
    assert len(reading.facts) == 1


def test_a_test_message_on_a_channel_for_production_is_held(reader, sample, message):
    reading = whole(reader, message(sample("order", {"*0*P*>": "*0*T*>"})))
    held = only(reading, MessageHeld)
    assert (held.data.cause, held.data.partner) == ("test-indicator", "acme")
    assert len(reading.facts) == 1
    assert "test-indicator" in [finding.code for finding in reading.findings]


@pytest.mark.parametrize(
    ("said", "instead", "finding"),
    [
        ("SE*15*", "SE*14*", "segment-count-mismatch"),
        ("BEG*00*SA*PO100001*", "BEG*00*SA**", "missing-element"),
        ("*3*CA*23.88*", "*three*CA*23.88*", "bad-number"),
        ("CTT*3~", "CTT*4~", "line-count-mismatch"),
    ],
)
def test_a_document_with_errors_is_held_and_refused_in_the_997(reader, sample, message, said, instead, finding):
    reading = whole(reader, message(sample("order", {said: instead})))
    held = only(reading, MessageHeld)
    assert held.data.cause == "rejected-document"
    assert held.key == "MSG-17-000000001-1-0001"
    assert finding in [each.code for each in reading.findings]
    (group,) = only(reading, InterchangeReceived).data.groups
    assert group.status == "rejected"
    assert len(group.rejected) == 1
    assert any(segment[:2] == ("AK5", "R") for segment in group.acknowledgement)
    assert not of(reading, OrderReceived)


def test_a_bad_document_takes_no_good_one_down(reader, message):
    (data,) = orders(1, 3, per_interchange=3)
    reading = whole(
        reader,
        message(
            data.replace(b"BEG*00*SA*PO100002**", b"BEG*00*SA*PO100002*toolongarelease", 1).replace(
                b"PO100002", b"PO100002" + b"X" * 30
            )
        ),
    )
    assert [fact.data.purchase_order for fact in of(reading, OrderReceived)] == ["PO100001", "PO100003"]
    (group,) = only(reading, InterchangeReceived).data.groups
    assert group.status == "partially-accepted"


def test_a_set_that_we_have_no_guide_for_is_held_and_nothing_lost(reader, sample, message):
    reading = whole(reader, message(sample("order", {"ST*850*": "ST*832*"})))
    held = only(reading, MessageHeld)
    assert held.data.cause == "no-guide"
    assert "832" in held.data.detail


def test_a_set_that_nothing_is_done_with_is_held(reader, message):
    (order,) = orders(1, 1)
    invoice = b"BIG*20260115*INV1*20260110*PO1~IT1*1*1*EA*9.25**UP*614141000012~TDS*925~CTT*1~SE*6*0001~"
    head, _, tail = order.partition(b"ST*850*0001~")
    data = head.replace(b"GS*PO*", b"GS*IN*") + b"ST*810*0001~" + invoice + tail[tail.index(b"GE*") :]
    held = only(whole(reader, message(data)), MessageHeld)
    assert held.data.cause == "no-guide"
    assert "Invoice" in held.data.detail


def test_a_customer_cannot_confirm_a_shipment(reader, sample, message):
    data = sample("confirmation", {"*QUICK3PL       *": "*ACMERETAIL     *"})
    held = only(whole(reader, message(data)), MessageHeld)
    assert held.data.cause == "no-guide"
    assert "acme is a customer" in held.data.detail


def test_bytes_that_are_no_x12_are_held_as_they_are(reader, message):
    reading = whole(reader, message(b"PK\x03\x04 this is a zip"))
    assert only(reading, MessageHeld).data.cause == "unreadable"
    assert whole(reader, message(b"")).held == "unreadable"


def test_what_stands_after_a_good_interchange_is_held_and_the_interchange_is_read(reader, sample, message):
    reading = whole(reader, message(sample("order") + b"something else"))
    assert len(of(reading, OrderReceived)) == 1
    assert reading.held == "unreadable"


def test_a_change_that_means_nothing_to_us_is_held(reader, sample, message):
    reading = whole(reader, message(sample("change", {"*QD*": "*CT*"})))
    held = only(reading, MessageHeld)
    assert held.data.cause == "map-failed"
    assert "change-date" in held.data.detail
    (group,) = only(reading, InterchangeReceived).data.groups
    assert group.status == "accepted"


def test_an_interchange_whose_trailer_is_cut_off_is_refused_whole(reader, sample, message):
    data = sample("order")
    reading = whole(reader, message(data[: data.index(b"IEA*")]))
    assert only(reading, MessageHeld).data.cause == "rejected-document"
    assert not of(reading, OrderReceived)


def test_a_group_whose_count_is_wrong_is_refused_and_the_other_groups_are_read(reader, sample, message):
    text = sample("order").decode()
    begin, end = text.index("GS*"), text.index("IEA*")
    other = text[begin:end].replace("*0800*1*X", "*0800*2*X").replace("GE*1*1~", "GE*2*2~").replace("PO100001", "PO9")
    data = text[:end] + other + text[end:].replace("IEA*1*", "IEA*2*")
    reading = whole(reader, message(data.encode()))
    assert [fact.data.purchase_order for fact in of(reading, OrderReceived)] == ["PO100001"]
    assert only(reading, MessageHeld).key == "MSG-17-000000001-2"
    good, bad = only(reading, InterchangeReceived).data.groups
    assert (good.status, bad.status) == ("accepted", "rejected")
    assert bad.acknowledgement[-1][:2] == ("AK9", "R")


def test_a_partner_that_asks_for_a_ta1_is_owed_one(reader, sample, message):
    asked = {"*000000001*0*P*>": "*000000001*1*P*>"}
    fact = only(whole(reader, message(sample("order", asked))), InterchangeReceived)
    assert fact.data.ta1 == ("TA1", "000000001", "260115", "0800", "A", "000")


def test_a_refused_interchange_is_told_so_in_the_ta1_where_one_is_wanted(reader, sample, message):
    wrong = {"*000000001*0*P*>": "*000000001*1*P*>", "IEA*1*000000001": "IEA*1*000000002"}
    fact = only(whole(reader, message(sample("order", wrong))), InterchangeReceived)
    assert fact.data.ta1[4:] == ("R", "001")
    assert fact.data.groups == ()


# --- duplicates -------------------------------------------------------------------------------------------------------


def told(reading: Reading) -> set[tuple[str, str]]:
    return {(fact.source, fact.source_id) for fact in reading.facts}


def test_the_same_interchange_again_tells_nothing_new(reader, sample, message):
    once, again = (whole(reader, message(sample("order"), id=id)) for id in (17, 18))
    assert told(once) == told(again)
    assert once.identities == again.identities
    assert [identity.kind for identity in once.identities] == ["interchange", "document"]


def test_the_same_document_in_another_interchange_is_the_same_fact(reader, sample, message):
    other = sample(
        "order", {"000000001": "000000099", "0001~": "0042~", "GE*1*1~": "GE*1*9~", "*0800*1*X": "*0800*9*X"}
    )
    once, again = whole(reader, message(sample("order"))), whole(reader, message(other, id=18))
    assert only(once, OrderReceived).source_id == only(again, OrderReceived).source_id
    assert only(once, InterchangeReceived).source_id != only(again, InterchangeReceived).source_id
    documents = [[i for i in reading.identities if i.kind == "document"] for reading in (once, again)]
    assert documents[0] == documents[1]


def test_other_content_under_the_same_number_is_another_fact_about_the_same_order(reader, sample, message):
    once = whole(reader, message(sample("order")))
    other = whole(reader, message(sample("order", {"PO1*1*3*CA": "PO1*1*4*CA"}), id=18))
    first, second = only(once, OrderReceived), only(other, OrderReceived)
    assert first.key == second.key
    assert first.source_id != second.source_id


def test_an_order_told_again_as_a_duplicate_is_the_same_fact(reader, sample, message):
    once = whole(reader, message(sample("order")))
    again = whole(reader, message(sample("order", {"BEG*00*": "BEG*07*"}), id=18))
    assert only(once, OrderReceived).source_id == only(again, OrderReceived).source_id


def test_a_message_read_twice_gives_the_same_facts(reader, sample, message):
    assert whole(reader, message(sample("order"))) == whole(reader, message(sample("order")))


# --- ways of writing --------------------------------------------------------------------------------------------------


def test_other_delimiters_and_line_breaks_make_no_other_fact(crosswalk, message):
    reader = X12Reader(crosswalk)
    readings = [
        whole(reader, message(b"".join(orders(5, 2, per_interchange=2, style=style))))
        for style in (Style(), Style(element="|", segment="\n"), Style(segment="'", line_break="\r\n", component="<"))
    ]
    assert {frozenset(f.source_id for f in of(each, OrderReceived)) for each in readings} == {
        frozenset(f.source_id for f in of(readings[0], OrderReceived))
    }


def test_a_partners_overlay_changes_what_it_may_send(crosswalk, sample, message):
    overlays = {"850": {"segments": {"REF": {"usage": "unused"}}}}
    acme = crosswalk.directory.partners["acme"]
    strict = msgspec.structs.replace(acme, x12=msgspec.structs.replace(acme.x12, overlays=overlays))
    partners = {**crosswalk.directory.partners, "acme": strict}
    reader = X12Reader(Crosswalk(msgspec.structs.replace(crosswalk.directory, partners=partners)))
    assert only(whole(reader, message(sample("order"))), MessageHeld).data.cause == "rejected-document"
    assert only(whole(X12Reader(crosswalk), message(sample("order"))), OrderReceived)


def test_an_overlay_that_does_not_fit_its_guide_holds_what_it_is_for(crosswalk, sample, message):
    overlays = {"850": {"segments": {"NOSUCH": {"usage": "unused"}}}}
    acme = crosswalk.directory.partners["acme"]
    wrong = msgspec.structs.replace(acme, x12=msgspec.structs.replace(acme.x12, overlays=overlays))
    partners = {**crosswalk.directory.partners, "acme": wrong}
    reader = X12Reader(Crosswalk(msgspec.structs.replace(crosswalk.directory, partners=partners)))
    held = only(whole(reader, message(sample("order"))), MessageHeld)
    assert held.data.cause == "no-guide"
    assert "NOSUCH" in held.data.detail


def test_a_big_interchange_is_read_in_parts_that_keep_their_order(crosswalk, message):
    (data,) = orders(1, 450, lines=2, per_interchange=450)
    parts = list(X12Reader(crosswalk, chunk=200).read(message(data)))
    sizes = [len([fact for fact in part.facts if isinstance(fact.data, OrderReceived)]) for part in parts]
    assert sizes == [200, 200, 50]
    facts = [fact for part in parts for fact in part.facts]
    assert [fact.occurred_at for fact in facts] == sorted(fact.occurred_at for fact in facts)
    assert len({fact.source_id for fact in facts}) == len(facts)
    (received,) = [fact for fact in facts if isinstance(fact.data, InterchangeReceived)]
    assert received.data.groups[0].transactions == 450


def test_a_reader_holds_nothing_of_one_workspace_for_another(crosswalk, sample, message):
    directory = msgspec.structs.replace(crosswalk.directory, version=4, partner_items={})
    fact = only(whole(X12Reader(Crosswalk(directory)), message(sample("order"))), OrderReceived)
    assert fact.data.workspace_version == 4
    assert fact.data.lines[1].trouble == "unknown-item"


@pytest.fixture(scope="module")
def kinds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(DATA.glob("*.edi"))]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_done_to_a_message_it_is_read_or_held_and_never_an_error(kinds, data):
    raw = bytearray(data.draw(st.sampled_from(kinds)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert", "double"])):
            case "set":
                raw[at] = data.draw(st.sampled_from(b"*~>\n A0\xff"))
            case "cut":
                del raw[at : at + data.draw(st.integers(1, 60))]
            case "insert":
                raw[at:at] = data.draw(st.binary(max_size=6))
            case "double":
                raw[at:at] = raw[at : at + data.draw(st.integers(1, 80))]
        if not raw:
            break
    reader = X12Reader(CROSSWALK)
    for channel in ("acme", "quick3pl"):
        message = Message(id=1, channel=channel, source_id="f", data=bytes(raw), received_at=RECEIVED_AT)
        reading = whole(reader, message)
        assert whole(reader, message) == reading
        assert reading.facts or reading.pending or reading.held or b"TA1" in raw or b"ISA" in raw
        for fact in reading.facts:
            assert decode(*type_of(fact.data), encode(fact.data)) == fact.data


@pytest.mark.skipif(not SAMPLES.exists(), reason="other people's messages are not part of this repository")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.edi")), ids=lambda path: path.stem)
def test_a_real_message_ends_as_facts_answers_or_held(path):
    data = path.read_bytes()
    partners: dict[str, Partner] = {}
    for interchange in index(data).interchanges:
        identity = Identity(interchange.sender_qualifier, interchange.sender)
        if identity not in [partner.them[0] for partner in partners.values()]:
            usage = "P" if interchange.usage == "P" else "T"
            id = f"partner{len(partners)}"
            partners[id] = Partner(id=id, role="customer", them=(identity,), x12=X12Profile(usage=usage))
    reader = X12Reader(Crosswalk(msgspec.structs.replace(DIRECTORY, partners=partners)))
    reading = whole(reader, Message(id=1, channel="c", source_id="f", data=data, received_at=RECEIVED_AT))
    ended = len(reading.pending) + sum(not isinstance(fact.data, InterchangeReceived) for fact in reading.facts)
    sets = sum(len(interchange.transactions) for interchange in index(data).interchanges)
    assert ended >= (1 if reading.held else sets)
