"""The account of stock: promises held against what had come, the shop against the shelves; each kind of wrong is found, and a sound run has none."""

from decimal import Decimal

from crossdock.testing.stock_account import Planted, Words, account_of_stock
from crossdock.testing.tallies import (
    Drift,
    Placed,
    Received,
    RetailerTally,
    Seen,
    ShelfChange,
    ShopTally,
    Tally,
    WarehouseTally,
)

WORDS = Words(
    items={("acme", "A1"): "TEA", ("blue", "B1"): "TEA"},
    packs={"TEA": 12},
    sites={"CMH1": "COLUMBUS"},
    regions={"": "COLUMBUS", "WA": "RENO"},
)


def received(quantity: int, moment: int) -> Received:
    return Received(receipt=f"R{moment}", moment=moment, order="BUY", site="CMH1", items={"TEA": str(quantity)})


def warehouse(*receipts: Received, **more: object) -> WarehouseTally:
    return WarehouseTally(name="3pl", received=list(receipts), **more)  # type: ignore[arg-type]


def retailer(name: str, orders: dict[str, int], *answers: tuple[str, int, int], unit: str = "EA") -> RetailerTally:
    """`answers`: purchase order, quantity promised, moment."""
    item = "A1" if name == "acme" else "B1"
    placed = {
        po: Placed(lines={"1": str(n)}, prices={}, unit=unit, items={"1": item}, region="OH")
        for po, n in orders.items()
    }
    told = [
        Seen(set_id="855", interchange="1", number=po, purchase_order=po, moment=moment, lines={"1": str(n)})
        for po, n, moment in answers
    ]
    return RetailerTally(name=name, orders=placed, documents=told)


def problems(*tallies: Tally) -> list[str]:
    return account_of_stock(tallies, WORDS).problems()


def test_what_is_promised_up_to_what_had_come_is_sound() -> None:
    acme = retailer("acme", {"PO1": 10, "PO2": 20}, ("PO1", 10, 2), ("PO2", 5, 3))
    account = account_of_stock([warehouse(received(15, 1)), acme], WORDS)
    assert account.problems() == []
    (short,) = account.short
    assert (short.item, short.wanted, short.there, short.promised) == ("TEA", 30, 15, 15)


def test_one_unit_too_many_is_an_oversell_at_its_moment_even_if_more_comes_later() -> None:
    acme = retailer("acme", {"PO1": 10, "PO2": 20}, ("PO1", 10, 2), ("PO2", 6, 3))
    assert problems(warehouse(received(15, 1), received(100, 4)), acme) == [
        "oversold: 16 of TEA at COLUMBUS were promised, where 15 had come"
    ]


def test_a_later_answer_takes_the_place_of_the_first_and_packs_count_as_units() -> None:
    acme = retailer("acme", {"PO1": 10}, ("PO1", 10, 2), ("PO1", 3, 3))
    blue = retailer("blue", {"BM1": 1}, ("BM1", 1, 4), unit="CT")
    assert problems(warehouse(received(15, 1)), acme, blue) == []
    assert problems(warehouse(received(14, 1)), acme, blue) != []


def test_what_the_warehouse_lost_cannot_be_promised_any_more() -> None:
    lost = ShelfChange(number="ADJ-1", moment=2, site="CMH1", item="TEA", quantity="-5", reason="AA")
    acme = retailer("acme", {"PO1": 10}, ("PO1", 10, 3))
    assert problems(warehouse(received(10, 1), changes=[lost]), acme) != []


def test_a_release_that_asks_for_more_than_there_is_and_a_shop_that_offers_it_are_told() -> None:
    shop = ShopTally(name="shop", numbers=[1], levels={"COLUMBUS/TEA": "9"}, missed=["offer 3 came after 1"])
    told = problems(warehouse(shelves={"CMH1/TEA": "8"}, oversold=["PO1 line 1: 9 of TEA at CMH1"]), shop)
    assert told == [
        "oversold: PO1 line 1: 9 of TEA at CMH1",
        "offered and not there: shop may sell 9 of TEA at COLUMBUS, where 8 are",
        "the shop missed something: offer 3 came after 1",
    ]


def test_our_books_are_held_against_the_shelves_by_place() -> None:
    drift = Drift(number="ADJ-2", site="CMH1", item="TEA", quantity="-2", cause="missing-message")
    account = account_of_stock(
        [warehouse(shelves={"CMH1/TEA": "8"}, unusable={"CMH1/TEA": "1"}, drifts=[drift])], WORDS
    )
    tea = ("TEA", "COLUMBUS")
    assert account.planted == (Planted(item="TEA", site="COLUMBUS", quantity=Decimal(-2), cause="missing-message"),)
    assert account.unlike({tea: Decimal(8)}, {tea: Decimal(1)}) == []
    assert account.unlike({tea: Decimal(10)}, {}) == [
        "TEA at COLUMBUS: our books have 10 good, the warehouse has 8",
        "TEA at COLUMBUS: our books have 0 damaged, the warehouse has 1",
    ]
