"""What systems tell of stock in JSON and CSV, by the workspace's maps."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from crossdock.connectors.csv import CsvReader
from crossdock.connectors.json import JsonReader, json_spec
from crossdock.connectors.json.stock import Words
from crossdock.connectors.json.stock_reader import StockMaps
from crossdock.crosswalk.directory import Directory, Item, Partner
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.receipt import ReceiptCancelled, ReceiptExpected
from crossdock.ledger.movement import Kind, Place
from crossdock.ports.translation import Message, Reading

CAME = datetime(2026, 1, 15, 8, 5, tzinfo=UTC)
DIRECTORY = Directory(
    version=4,
    items={"W-100": Item(id="W-100", packs={"CA": Fraction(12)}), "ROPE": Item(id="ROPE", unit="YD")},
    sites={"east": "East", "west": "West"},
)
WMS = Partner(id="wms", role="warehouse", locations={"E1": "east"})
MOVEMENTS = {
    "kind": "kind",
    "id": "id",
    "item": "sku",
    "site": "site",
    "quantity": "qty",
    "unit": "uom",
    "lot": "lot",
    "occurred_at": "at",
}
SNAPSHOT = {"item": "sku", "site": "site", "quantity": "qty", "status": "status"}


def reader(format: str = "json", **settings: Any) -> JsonReader | CsvReader:
    spec, _ = json_spec(settings)
    maps = StockMaps(spec, Words(Crosswalk(DIRECTORY), "wms", WMS, {"east": ("3pl", "quick3pl")}), "settings")
    if format == "csv":
        return CsvReader(maps, spec.csv)
    return JsonReader("wms", spec.facts, spec.tells_nothing, stock=maps)


def read(by: Any, told: Any) -> list[Reading]:
    data = told.encode() if isinstance(told, str) else msgspec.json.encode(told)
    return list(by.read(Message(id=7, channel="wms", source_id="f7", data=data, received_at=CAME)))


def held(readings: Sequence[Reading]) -> str:
    return next((reading.held for reading in readings if reading.held), "")


def detail(readings: Sequence[Reading]) -> str:
    return str(next(fact.data.detail for reading in readings if reading.held for fact in reading.facts))


def test_a_json_message_tells_movements_in_our_words() -> None:
    by = reader(movements={"moved": {**MOVEMENTS, "each": "moves", "when": "qty != '0'"}})
    moves = [
        {
            "kind": "receipt",
            "id": "M1",
            "sku": "W-100",
            "site": "E1",
            "qty": 2,
            "uom": "CA",
            "at": "2026-01-14T10:00:00Z",
        },
        {"kind": "adjust", "id": "M2", "sku": "W-100", "site": "west", "qty": "-1.5", "uom": None, "lot": "L1"},
        {"kind": "adjust", "id": "M3", "sku": "W-100", "site": "west", "qty": "0"},
    ]
    (reading,) = read(by, {"moves": moves})
    assert [(m.source_id, m.kind, m.site, m.quantity, m.origin, m.destination, m.lot) for m in reading.movements] == [
        ("M1", Kind.RECEIPT, "east", 24, Place.SUPPLIER, Place.RECEIVING, ""),
        ("M2", Kind.ADJUST, "west", Decimal("1.5"), Place.STORAGE, Place.ADJUSTMENT, "L1"),
    ]
    assert [m.occurred_at for m in reading.movements] == [datetime(2026, 1, 14, 10, tzinfo=UTC), CAME]


@pytest.mark.parametrize(
    ("change", "cause", "said"),
    [
        ({"sku": "NONE"}, "unknown-item", "movements.moved.item"),
        ({"uom": "XX"}, "unknown-unit", "movements.moved.unit"),
        ({"site": "north"}, "unknown-site", "movements.moved.site"),
        ({"qty": "many"}, "map-failed", "is no number"),
        ({"qty": "-1"}, "map-failed", "a receipt moves a quantity"),
        ({"kind": "vanish"}, "map-failed", "is no kind"),
        ({"id": None}, "map-failed", "must name the movement"),
        ({"at": "yesterday"}, "map-failed", "is not a moment"),
    ],
)
def test_a_message_that_is_not_understood_is_held_whole_with_the_field(change: Any, cause: str, said: str) -> None:
    good = {"kind": "receipt", "id": "M1", "sku": "W-100", "site": "E1", "qty": "2", "uom": "CA"}
    by = reader(movements={"moved": {**MOVEMENTS, "each": "moves"}})
    readings = read(by, {"moves": [good, {**good, **change}]})
    assert held(readings) == cause
    assert said in detail(readings)
    assert not any(reading.movements for reading in readings)


def test_a_message_that_no_map_knows_is_held() -> None:
    by = reader(movements={"moved": {**MOVEMENTS, "when": "type == 'moved'"}})
    assert held(read(by, {"type": "other"})) == "map-failed"


def test_a_json_snapshot_and_its_moment() -> None:
    by = reader(snapshots={"levels": {**SNAPSHOT, "lines": "rows", "id": "no", "as_of": "taken"}})
    rows = [{"sku": "W-100", "site": "E1", "qty": 5, "status": "damaged"}, {"sku": "W-100", "site": "E1", "qty": 7}]
    (reading,) = read(by, {"no": "S9", "taken": "2026-01-15T06:00:00Z", "rows": rows})
    (found,) = reading.snapshots
    assert (found.source_id, found.as_of) == ("S9", datetime(2026, 1, 15, 6, tzinfo=UTC))
    assert [(line.place, line.quantity) for line in found.lines] == [(Place.DAMAGED, 5), (Place.STORAGE, 7)]


def test_a_purchase_order_is_an_expected_receipt_and_its_end_calls_it_off() -> None:
    order = {
        "number": "id", "site": "to", "due_on": "due", "lines": "items", "line": "no", "item": "sku", "quantity": "qty",
        "unit": "uom", "sender": "vendor", "cancelled": "status == 'void'",
    }  # fmt: skip
    by = reader(receipts={"po": order})
    lines = [{"no": 10, "sku": "W-100", "qty": 3, "uom": "CA"}]
    (reading,) = read(
        by, {"id": "PO-9", "status": "open", "to": "E1", "due": "2026-02-01", "items": lines, "vendor": "M"}
    )
    (fact,) = reading.facts
    assert fact.key == "RECEIPT-PO-9"
    assert isinstance(fact.data, ReceiptExpected)
    assert (fact.data.warehouse, fact.data.partner, fact.data.due_on) == ("3pl", "quick3pl", date(2026, 2, 1))
    assert [(row.line, row.quantity, row.site, row.closed) for row in reading.expected] == [("10", 36, "east", False)]
    (off,) = read(by, {"id": "PO-9", "status": "void"})
    assert isinstance(off.facts[0].data, ReceiptCancelled)
    assert [(row.line, row.closed) for row in off.expected] == [("", True)]


CSV = "kind,id,sku,site,qty,uom,lot,at\n"


def test_a_csv_file_tells_what_can_be_understood_and_is_held_for_the_rest_by_line() -> None:
    by = reader("csv", movements={"moved": MOVEMENTS})
    text = CSV + "receipt,M1,W-100,E1,2,CA,,\nreceipt,M2,NONE,E1,1,EA,,\nreceipt,M3,W-100,E1,1,EA,,\n"
    readings = read(by, text)
    assert [m.source_id for reading in readings for m in reading.movements] == ["M1", "M3"]
    assert held(readings) == "unknown-item"
    assert detail(readings).startswith("line 3: settings.movements.moved.item: unknown-item")


def test_a_csv_snapshot_is_understood_whole_or_not_at_all() -> None:
    by = reader("csv", snapshots={"levels": SNAPSHOT}, csv={"delimiter": ";"})
    good = "sku;site;qty;status\nW-100;E1;5;\nROPE;E1;2.5;quarantine\n"
    (found,) = [snapshot for reading in read(by, good) for snapshot in reading.snapshots]
    assert [(line.item, line.place, line.quantity) for line in found.lines] == [
        ("W-100", Place.STORAGE, 5),
        ("ROPE", Place.QUARANTINE, Decimal("2.5")),
    ]
    bad = read(by, good + "NONE;E1;1;\n")
    assert held(bad) == "unknown-item"
    assert not any(reading.snapshots for reading in bad)


RECEIPTS = {
    "number": "po", "site": "to", "due_on": "due", "line": "no", "item": "sku", "quantity": "qty", "unit": "uom",
    "sender": "vendor", "cancelled": "status == 'void'",
}  # fmt: skip
EXPECTED = "po,to,due,no,sku,qty,uom,vendor,status\n"


def test_rows_of_one_number_are_one_expected_receipt() -> None:
    by = reader("csv", receipts={"po": RECEIPTS})
    text = EXPECTED + (
        "PO-9,E1,2026-02-01,10,W-100,3,CA,M,open\nPO-10,west,2026-03-01,,ROPE,2.5,YD,,open\n"
        "PO-9,E1,2026-02-01,20,ROPE,7,YD,M,open\nPO-8,,,,,,,,void\n"
    )
    readings = read(by, text)
    facts = {fact.key: fact.data for reading in readings for fact in reading.facts}
    assert list(facts) == ["RECEIPT-PO-9", "RECEIPT-PO-10", "RECEIPT-PO-8"]
    assert isinstance(facts["RECEIPT-PO-9"], ReceiptExpected)
    assert (facts["RECEIPT-PO-9"].warehouse, facts["RECEIPT-PO-9"].sender) == ("3pl", "M")
    assert isinstance(facts["RECEIPT-PO-8"], ReceiptCancelled)
    rows = [(e.source_id, e.line, e.item, e.quantity) for reading in readings for e in reading.expected]
    assert rows == [
        ("PO-9", "10", "W-100", 36),
        ("PO-9", "20", "ROPE", 7),
        ("PO-10", "1", "ROPE", Decimal("2.5")),
        ("PO-8", "", "", 0),
    ]
    assert held(readings) == ""


def test_a_receipt_with_a_row_that_is_not_understood_is_held_with_its_line_and_the_others_are_told() -> None:
    by = reader("csv", receipts={"po": RECEIPTS})
    text = EXPECTED + (
        "PO-9,E1,2026-02-01,10,W-100,3,CA,M,open\nPO-9,E1,2026-02-01,20,NONE,7,YD,M,open\n"
        "PO-10,west,soon,,ROPE,2,YD,,open\nPO-11,west,2026-03-01,,ROPE,2,YD,,open\n"
    )
    readings = read(by, text)
    assert [fact.key for reading in readings if not reading.held for fact in reading.facts] == ["RECEIPT-PO-11"]
    assert [e.source_id for reading in readings for e in reading.expected] == ["PO-11"]
    assert held(readings) == "unknown-item"
    assert detail(readings).startswith("line 3: settings.receipts.po.item: unknown-item")
    assert "line 4: settings.receipts.po.due_on" in detail(readings)


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", CSV + "receipt,M1\n"])
def test_a_file_that_is_no_table_is_held(text: str) -> None:
    assert held(read(reader("csv", movements={"moved": MOVEMENTS}), text)) == "unreadable"


def test_a_large_file_comes_in_parts() -> None:
    by = reader("csv", movements={"moved": MOVEMENTS})
    rows = "".join(f"receipt,M{n},W-100,E1,1,EA,,\n" for n in range(2500))
    parts = [len(reading.movements) for reading in read(by, CSV + rows)]
    assert parts == [1000, 1000, 500, 0]
