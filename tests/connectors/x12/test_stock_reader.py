"""What a 3PL tells of its stock by X12: receipts, adjustments and levels, as the reader understands them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.directory import Directory, Identity, Item, MovementTerms, Partner
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.interchange import MessageHeld
from crossdock.facts.receipt import ReceiptConfirmed
from crossdock.ledger.movement import Kind, Place
from crossdock.ports.translation import Message, Reading

US = Identity("ZZ", "NORTHWHOLESALE")
CAME = datetime(2026, 1, 15, 8, 5, tzinfo=UTC)
ITEMS = (
    Item(id="W-100", packs={"CA": Fraction(12)}, references=(("gtin-12", "614141000012"),)),
    Item(id="ROPE", unit="YD", packs={"EA": Fraction(1, 3)}),
)


def directory(items: tuple[Item, ...] = ITEMS, **terms: object) -> Directory:
    quick = Partner(
        id="quick3pl",
        role="warehouse",
        them=(Identity("ZZ", "QUICK3PL"),),
        us=US,
        locations={"DC9": "east"},
        movements=MovementTerms(**terms),  # type: ignore[arg-type]
    )
    return Directory(
        version=3, partners={"quick3pl": quick}, items={i.id: i for i in items}, sites={"east": "East", "west": "West"}
    )


def interchange(set_id: str, group: str, body: str, control: int = 1) -> bytes:
    segments = body.split()
    return (
        f"ISA*00*          *00*          *ZZ*QUICK3PL       *ZZ*NORTHWHOLESALE *260115*0800*U*00401*{control:09}*0*P*>~"
        f"GS*{group}*QUICK3PL*NORTHWHOLESALE*20260115*0800*{control}*X*004010~ST*{set_id}*0001~"
        + "".join(f"{segment.replace('_', ' ')}~" for segment in segments)
        + f"SE*{len(segments) + 2}*0001~GE*1*{control}~IEA*1*{control:09}~"
    ).encode()


def read(data: bytes, words: Directory | None = None, id: int = 17) -> Reading:
    message = Message(id=id, channel="3pl", source_id=f"f{id}", data=data, received_at=CAME)
    (reading,) = X12Reader(Crosswalk(words or directory())).read(message)
    return reading


RECEIPT = "W17*F*20260114*R77*PO-1*SHP9 N1*WH*DC*92*DC9 W07*10*CA**VN*W-100***L1 N9*LI*2 W13*5*EA*01**DX W14*10"


def test_a_receipt_stands_in_storage_and_what_is_damaged_apart() -> None:
    reading = read(interchange("944", "RE", RECEIPT))
    assert reading.held == ""
    assert [(m.kind, m.item, m.site, m.quantity, m.destination, m.lot) for m in reading.movements] == [
        (Kind.RECEIPT, "W-100", "east", Decimal(115), Place.STORAGE, "L1"),
        (Kind.RECEIPT, "W-100", "east", Decimal(5), Place.DAMAGED, "L1"),
    ]
    first = reading.movements[0]
    assert (first.source, first.reference, first.line, first.message) == ("3pl", "PO-1", "2", 17)
    assert first.occurred_at == datetime(2026, 1, 14, 23, 59, 59, 999999, tzinfo=UTC)
    (told,) = [fact for fact in reading.facts if isinstance(fact.data, ReceiptConfirmed)]
    assert told.key == "RECEIPT-PO-1"
    assert [(line.line, line.quantity, line.damaged) for line in told.data.lines] == [("2", 120, 5)]
    assert told.data.received == date(2026, 1, 14)


def test_the_same_receipt_in_another_interchange_is_the_same_movements_and_the_same_fact() -> None:
    one = read(interchange("944", "RE", RECEIPT))
    other = read(interchange("944", "RE", RECEIPT, control=2), id=18)
    assert [m.source_id for m in one.movements] == [m.source_id for m in other.movements]
    assert {f.source_id for f in one.facts if isinstance(f.data, ReceiptConfirmed)} == {
        f.source_id for f in other.facts if isinstance(f.data, ReceiptConfirmed)
    }


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("VN*W-100", "VN*NOBODYS", "unknown-item"),
        ("10*CA", "10*PL", "unknown-unit"),
        ("10*CA**VN*W-100", "10*EA**VN*ROPE", "inexact-unit"),
        ("92*DC9", "92*DC8", "unknown-site"),
        ("5*EA*01", "5*EA*16", "unknown-condition"),
        ("5*EA*01", "500*EA*01", "map-failed"),
    ],
)
def test_a_receipt_with_words_that_nobody_knows_is_held_whole(old: str, new: str, cause: str) -> None:
    reading = read(interchange("944", "RE", RECEIPT.replace(old, new)))
    assert reading.movements == ()
    assert reading.held == cause
    (held,) = [fact.data for fact in reading.facts if isinstance(fact.data, MessageHeld)]
    assert held.cause == cause
    assert not any(isinstance(fact.data, ReceiptConfirmed) for fact in reading.facts)


ADJUSTMENT = "W15*20260115*ADJ41 N1*WH*DC*92*DC9 "


def adjusted(lines: str, words: Directory | None = None) -> list[tuple[object, ...]]:
    reading = read(interchange("947", "AW", ADJUSTMENT + lines), words)
    assert reading.held == "", [fact.data for fact in reading.facts]
    return [(m.kind, m.quantity, m.origin, m.destination) for m in reading.movements]


def test_an_adjustment_goes_by_its_sign_and_a_status_by_its_reason() -> None:
    assert adjusted("W19*AA*-2*CA**VN*W-100 W19*AA*3*EA**VN*W-100") == [
        (Kind.ADJUST, 24, Place.STORAGE, Place.ADJUSTMENT),
        (Kind.ADJUST, 3, Place.ADJUSTMENT, Place.STORAGE),
    ]
    assert adjusted("W19*AU*-4*EA**VN*W-100 W19*05*6*EA**VN*W-100 W19*55*2*EA**VN*W-100") == [
        (Kind.HOLD, 4, Place.STORAGE, Place.DAMAGED),
        (Kind.HOLD, 6, Place.STORAGE, Place.QUARANTINE),
        (Kind.RELEASE, 2, Place.QUARANTINE, Place.STORAGE),
    ]


def test_a_change_of_status_that_is_told_from_both_sides_moves_once() -> None:
    assert adjusted("W19*05*-6*EA**VN*W-100 W19*05*6*EA**VN*W-100") == [(Kind.HOLD, 6, Place.STORAGE, Place.QUARANTINE)]


def test_a_reason_means_what_the_workspace_says() -> None:
    assert read(interchange("947", "AW", ADJUSTMENT + "W19*ZZ*1*EA**VN*W-100")).held == "unknown-reason"
    assert adjusted("W19*ZZ*-1*EA**VN*W-100", directory(reasons={"ZZ": "scrap"})) == [
        (Kind.ADJUST, 1, Place.DAMAGED, Place.ADJUSTMENT)
    ]
    assert adjusted("W19*AA*-1*EA**VN*W-100", directory(reasons={"AA": "ignore"})) == []


def test_a_number_counts_as_a_sequence_only_where_the_workspace_says_so() -> None:
    data = interchange("947", "AW", ADJUSTMENT + "W19*AA*1*EA**VN*W-100 W19*AA*2*EA**VN*W-100")
    assert [(m.stream, m.sequence) for m in read(data).movements] == [("", None), ("", None)]
    numbered = read(data, directory(sequences={"947": r"ADJ(\d+)"}))
    assert [(m.stream, m.sequence) for m in numbered.movements] == [("947", 41), ("", None)]


LEVELS = "BIA*00*DD*S1*20260115*0400 N1*WH*DC*92*DC9 LIN*1*VN*W-100*LT*L1 QTY*33*90*EA QTY*17*8*CA QTY*63*500*EA CTT*1"


def test_levels_are_a_snapshot_as_of_the_senders_moment_where_on_hand_goes_before_available() -> None:
    reading = read(interchange("846", "IB", LEVELS), directory(zone="America/Chicago", statuses={}))
    (found,) = reading.snapshots
    assert (found.system, found.whole, found.sites) == ("3pl", True, ("east",))
    assert found.as_of == CAME  # 04:00 in Chicago is after it came: a clock that goes wrong tells of no future
    assert [(line.item, line.place, line.quantity, line.lot) for line in found.lines] == [
        ("W-100", Place.STORAGE, 96, "L1")
    ]
    (utc,) = read(interchange("846", "IB", LEVELS)).snapshots
    assert utc.as_of == datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
    assert msgspec.structs.replace(utc, as_of=found.as_of).lines == found.lines


def test_levels_by_site_go_to_these_sites_and_an_unknown_status_is_held() -> None:
    body = "BIA*04*DD*S1*20260115 LIN*1*VN*W-100 QTY*33*9*EA SCH*5*EA*WH*east SCH*4*EA*WH*DC9 QTY*29*5*EA CTT*1"
    reading = read(interchange("846", "IB", body))
    assert reading.held == "", [fact.data for fact in reading.facts]
    (found,) = reading.snapshots
    assert (found.whole, [(line.site, line.quantity) for line in found.lines]) == (False, [("east", 9)])
    unknown = interchange("846", "IB", LEVELS.replace("QTY*63", "QTY*QH"))
    assert read(unknown).held == "unknown-status"
    (mapped,) = read(unknown, directory(statuses={"QH": "quarantine"})).snapshots
    assert mapped.places == (Place.QUARANTINE, Place.STORAGE)


def test_a_customer_cannot_tell_what_a_warehouse_received() -> None:
    words = directory()
    partner = msgspec.structs.replace(words.partners["quick3pl"], role="customer")
    reading = read(interchange("944", "RE", RECEIPT), msgspec.structs.replace(words, partners={"quick3pl": partner}))
    assert (reading.held, reading.movements) == ("no-guide", ())
