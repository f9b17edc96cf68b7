"""The pure generators: the retailer's 850s and the warehouse's 945s, without any process."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hub_by_hand import NOON
from hypothesis import given
from hypothesis import strategies as st

from crossdock.testing import CatalogueItem, Identity, Retailer, RetailerFaults, Style, Warehouse, confirmation, orders
from crossdock.testing.simulators import confirmations, x12
from crossdock.testing.simulators.orders import MADE_UP_CATALOGUE, UNKNOWN_ITEM, catalogue, planned

WAREHOUSE = Warehouse(name="3pl", mailbox=Path(), tally=Path())


def retailer(**changes) -> Retailer:
    return Retailer(name="acme", mailbox=Path(), tally=Path(), **changes)


def release(*lines: tuple[str, int], order="SO-1", purchase_order="PO1") -> str:
    told = "".join(
        f"LX*{n}~W01*{quantity}*EA**VN*{item}*UP*614141000012~" for n, (item, quantity) in enumerate(lines, 1)
    )
    return f"W05*N*{order}*{purchase_order}~N1*ST*STORE 7*92*0007~N3*700 MAIN~N4*OHIO*OH*43004~N9*11*X~{told}W76*1~"


def interchange(functional_id: str, *transactions: tuple[str, str]) -> bytes:
    return x12.join(functional_id, transactions, control_number=1, identity=Identity(), style=Style(), moment=NOON)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 12), st.integers(1, 7))
def test_the_same_seed_makes_the_same_bytes_and_all_orders_are_there(seed, n, lines, batch):
    made = list(orders(seed, n, lines, per_interchange=batch))
    assert made == list(orders(seed, n, lines, per_interchange=batch))
    found = [t for data in made for each in x12.split(data) for t in each.transactions()]
    assert [t.first("BEG")[3] for t in found] == [f"PO{100001 + k}" for k in range(n)]
    for transaction in found:
        told = [segment for segment in transaction.segments if segment[0] == "PO1"]
        assert len(told) == lines == int(transaction.first("CTT")[1])
        assert len({segment[7] for segment in told}) == lines, "an item is ordered on one line only"


@given(st.sampled_from("*|\x1d^"), st.sampled_from("~\x1c'\n"), st.sampled_from(["", "\n", "\r\n"]))
def test_an_order_reads_the_same_under_any_delimiters(element, segment, line_break):
    plain = next(orders(1, 1, 3))
    styled = next(orders(1, 1, 3, style=Style(element=element, segment=segment, line_break=line_break)))
    assert x12.split(plain)[0].groups == x12.split(styled)[0].groups


def test_the_fixed_header_is_106_bytes_in_both_versions():
    for version in ("004010", "005010", "004010VICS"):
        data = next(orders(1, 1, 1, style=Style(version=version)))
        assert data[105:109] == b"~GS*"
        assert x12.split(data)[0].groups[0].version == version


def test_segments_are_counted_from_st_to_se():
    text = next(orders(1, 1, 5)).decode()
    inner = text[text.index("ST*850") : text.index("GE*")]
    assert f"SE*{inner.count('~')}*0001~" in inner


def test_the_catalogue_comes_from_a_csv_file_where_one_is_named(tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("buyer_item,upc,price,pack,unit,description\nB1,614141000012,9.25,6,EA,WIDGET\n")
    assert catalogue(retailer(catalogue_file=file)) == (
        CatalogueItem(buyer_item="B1", upc="614141000012", price="9.25", pack=6, description="WIDGET"),
    )


def test_the_made_up_items_bear_sound_gtins():
    assert all(item.upc[-1] == x12.check_digit(item.upc[:-1]) for item in MADE_UP_CATALOGUE)


def test_an_unknown_item_and_a_price_off_are_put_on_the_first_line_of_the_orders_named():
    faults = RetailerFaults(unknown_item=("PO100001",), price_off=("PO100002",), price_off_percent=10)
    sound = list(planned(retailer(orders=3)))
    spoilt = list(planned(retailer(orders=3, faults=faults)))
    assert spoilt[0].lines[0].item.buyer_item == UNKNOWN_ITEM
    assert Decimal(spoilt[1].lines[0].price) == (Decimal(sound[1].lines[0].price) * Decimal("1.1")).quantize(
        Decimal("0.01")
    )
    assert spoilt[2] == sound[2]


@given(st.lists(st.tuples(st.sampled_from(["A1", "B2"]), st.integers(1, 500)), min_size=1, max_size=8))
def test_the_quick_confirmation_says_what_the_warehouse_would(lines):
    data = interchange("OW", ("940", release(*lines)), ("940", release(*lines, order="SO-2")))
    serial, slow = 1, []
    for transaction in x12.split(data)[0].transactions():
        asked = confirmations.read(transaction)
        whole = [confirmations.Picked(line, "CC", line.quantity) for line in asked.lines]
        body, cartons = confirmations.advice(
            asked, whole, shipment=f"SHP-{asked.order}-1", day=date(2026, 1, 16), first_serial=serial, config=WAREHOUSE
        )
        serial += len(cartons)
        slow.append(body)
    quick = x12.split(confirmation(data, config=WAREHOUSE))[0].groups[0].transactions
    assert [x12.body(*transaction.segments) for transaction in quick] == slow


def test_a_confirmation_echoes_the_line_and_says_what_left_in_which_carton():
    text = x12.split(confirmation(interchange("OW", ("940", release(("A1", 12))))))[0].groups[0].transactions[0]
    assert text.first("W06")[1:] == ["F", "SO-1", "20260116", "SHP-SO-1-1", "", "PO1", "", "", "", "", "", "F"]
    assert text.first("LX")[1] == "1"
    assert text.first("W12")[1:6] == ["CC", "12", "12", "0", "EA"]
    assert text.first("W12")[7:9] == ["VN", "A1"]
    assert text.first("W12")[17:] == ["UP", "614141000012"]
    carton = text.first("MAN")[2]
    assert len(carton) == 18 and carton[-1] == x12.check_digit(carton[:-1])


@pytest.mark.parametrize("data", [b"", b"  \n", b"not X12", b"ISA*00*", next(orders(1, 1)).replace(b"IEA", b"XXX")])
def test_what_is_no_interchange_is_said_to_be_none(data):
    with pytest.raises(x12.Malformed):
        x12.split(data)


def test_the_check_digit_is_that_of_the_standards_example():
    # GS1's own example of an SSCC is 376104250021234569.
    assert x12.check_digit("37610425002123456") == "9"
