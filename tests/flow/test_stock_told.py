"""What messages tell of stock, from the bytes of a 3PL to the books: once, whole, and read again when the workspace has learned."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.directory import Directory, Identity, Item, Partner
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.flow.interpret import interpret_once
from crossdock.flow.ownership import OwnedReader
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.legs import State
from crossdock.ledger.ownership import Owner
from crossdock.ports.inbound import Arrival
from crossdock.ports.translation import Message, Reading

from .hub import Hub

CHANNEL = "3pl"
US = Identity("ZZ", "NORTHWHOLESALE")
WIDGET = Item(id="W-100", packs={"CA": Fraction(12)})
GADGET = Item(id="G-7")
PARTNER = Partner(id="quick3pl", role="warehouse", them=(Identity("ZZ", "QUICK3PL"),), us=US)
RECEIPT = "W17*F*20260114*R77*PO-1 N1*WH*east W07*10*CA**VN*W-100 W13*5*EA*01**DX W14*10"
TABLES = "movements, stock, balances, stock_changed, expected_receipts, movement_conflicts, streams, stream_gaps"


def interchange(set_id: str, group: str, body: str, control: int = 1) -> bytes:
    segments = body.split()
    return (
        f"ISA*00*          *00*          *ZZ*QUICK3PL       *ZZ*NORTHWHOLESALE *260115*0800*U*00401*{control:09}*0*P*>~"
        f"GS*{group}*QUICK3PL*NORTHWHOLESALE*20260115*0800*{control}*X*004010~ST*{set_id}*0001~"
        + "".join(f"{segment}~" for segment in segments)
        + f"SE*{len(segments) + 2}*0001~GE*1*{control}~IEA*1*{control:09}~"
    ).encode()


def reader(*items: Item) -> X12Reader:
    return X12Reader(
        Crosswalk(
            Directory(version=3, partners={"quick3pl": PARTNER}, items={i.id: i for i in items}, sites={"east": "East"})
        )
    )


class ToldReader:
    """Says what a test wants to have been read."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def read(self, message: Message) -> Any:
        yield self.reading


@pytest.fixture
async def books(hub: Hub) -> Hub:
    """The flow with empty books."""
    await hub.do(f"TRUNCATE {TABLES}")
    await hub.do("TRUNCATE snapshots, snapshot_lines")
    return hub


async def tell(hub: Hub, data: bytes, read: Any) -> None:
    known = len(await hub.rows("SELECT FROM messages"))
    await hub.inbox.keep([Arrival(channel=CHANNEL, source_id=f"file-{known}", data=data)], hub.now)
    await interpret(hub, read)


async def interpret(hub: Hub, read: Any) -> None:
    while await interpret_once(hub.inbox, {CHANNEL: read}, hub.now):
        pass
    await hub.fold()


async def balances(hub: Hub) -> dict[tuple[str, str, str], Decimal]:
    rows = await hub.rows(
        "SELECT item, place, lot, quantity FROM positions WHERE quantity <> 0 AND place <> 'supplier'"
    )
    return {(row["item"], row["place"], row["lot"]): row["quantity"] for row in rows if row["place"] != "adjustment"}


async def test_a_receipt_that_is_told_twice_is_on_the_books_once(books: Hub) -> None:
    for control in (1, 2):
        await tell(books, interchange("944", "RE", RECEIPT, control), reader(WIDGET))
        assert await balances(books) == {("W-100", "storage", ""): 115, ("W-100", "damaged", ""): 5}
    assert len(await books.facts_of_type("receipt.confirmed")) == 1
    assert "RECEIPT-PO-1/unannounced-receipt" in await books.open_exceptions()


async def test_a_receipt_with_an_unknown_item_is_held_and_read_again_when_it_is_known(books: Hub) -> None:
    body = RECEIPT.replace(" W14", " W07*3*EA**VN*G-7 W14")
    await tell(books, interchange("944", "RE", body), reader(WIDGET))
    assert await balances(books) == {}
    (row,) = await books.rows("SELECT id, status FROM messages")
    assert row["status"] == "held"
    await books.inbox.read_again([row["id"]])
    await interpret(books, reader(WIDGET, GADGET))
    assert await balances(books) == {
        ("W-100", "storage", ""): 115,
        ("W-100", "damaged", ""): 5,
        ("G-7", "storage", ""): 3,
    }
    (row,) = await books.rows("SELECT id, status FROM messages")
    assert row["status"] == "read"


async def test_an_adjustment_of_a_lot_moves_that_lot(books: Hub) -> None:
    await tell(books, interchange("944", "RE", RECEIPT.replace("VN*W-100", "VN*W-100***L1")), reader(WIDGET))
    adjusted = "W15*20260115*ADJ1 N1*WH*east W19*AA*-5*EA**VN*W-100***L1 W19*05*10*EA**VN*W-100***L1"
    await tell(books, interchange("947", "AW", adjusted, 2), reader(WIDGET))
    assert await balances(books) == {
        ("W-100", "storage", "L1"): 100,
        ("W-100", "quarantine", "L1"): 10,
        ("W-100", "damaged", "L1"): 5,
    }


async def test_levels_are_kept_as_a_snapshot_once(books: Hub) -> None:
    levels = "BIA*00*DD*S1*20260115*0400 N1*WH*east LIN*1*VN*W-100 QTY*17*8*CA CTT*1"
    for control in (1, 2):
        await tell(books, interchange("846", "IB", levels, control), reader(WIDGET))
    (row,) = await books.rows("SELECT system, as_of FROM snapshots")
    assert (row["system"], row["as_of"]) == ("3pl", datetime(2026, 1, 15, 4, tzinfo=UTC))
    (line,) = await books.rows("SELECT item, site, quantity FROM snapshot_lines")
    assert (line["item"], line["site"], line["quantity"]) == ("W-100", "east", 96)


async def test_what_is_expected_becomes_less_by_what_came_whichever_is_told_first(books: Hub) -> None:
    def line(number: str, quantity: int) -> ExpectedReceipt:
        return ExpectedReceipt(
            source="receipt",
            source_id="PO-1",
            line=number,
            kind="purchase-order",
            item="W-100",
            site="east",
            quantity=Decimal(quantity),
            due_on=date(2026, 1, 20),
        )

    expected = Reading(expected=(line("1", 100), line("2", 50)))
    await tell(books, interchange("944", "RE", RECEIPT), reader(WIDGET))
    await tell(books, b"po", ToldReader(expected))

    async def received() -> dict[str, tuple[Decimal, bool]]:
        rows = await books.rows("SELECT line, received, closed FROM expected_receipts")
        return {row["line"]: (row["received"], row["closed"]) for row in rows}

    assert await received() == {"1": (100, False), "2": (20, False)}
    await tell(books, interchange("944", "RE", RECEIPT.replace("R77", "R78"), 3), reader(WIDGET))
    assert await received() == {"1": (100, False), "2": (140, False)}
    off = msgspec.structs.replace(line("", 0), item="", site="")
    await tell(books, b"off", ToldReader(Reading(expected=(off,))))
    assert await received() == {"1": (100, True), "2": (140, True)}


async def test_a_movement_of_a_system_that_is_not_of_record_is_kept_as_a_conflict_with_the_rule(books: Hub) -> None:
    rules = (Owner(state=State.DAMAGED, system="erp"),)
    for _ in range(2):
        await tell(books, interchange("944", "RE", RECEIPT), OwnedReader(reader(WIDGET), rules))
    assert await balances(books) == {("W-100", "storage", ""): 115}
    (row,) = await books.rows("SELECT source, cause, detail FROM movement_conflicts")
    assert (row["source"], row["cause"]) == ("3pl", "not-owner")
    assert row["detail"] == "erp, not 3pl, is of record for damaged at east"
