"""Orders and the stock ledger in one database: promised in the transaction that folds them, planned anew when stock moves, never oversold."""

import asyncio
import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from play import AGREEMENT, order, ordered, shipped

from crossdock.facts.order import CreditAnswered, DocumentSent, ErpOrderCreated, OrderCancelled
from crossdock.flow.fold import fold_once
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.policy import StockTerms
from crossdock.store.database import connect
from crossdock.store.log import FactLog
from crossdock.store.stock_moving import move
from crossdock.store.stock_plans import StockPlans

from .hub import Hub

KEPT = replace(AGREEMENT, stock=StockTerms(sites={"EAST": "wh-east"}), short="backorder")
STOCK = "movements, stock, balances, stock_changed, demands, reservations, waits, expected_receipts, streams, stream_gaps, movement_conflicts"


async def stocked(hub: Hub, **goods: int) -> None:
    """An empty ledger, and then so many of each item in storage."""
    await hub.do(f"TRUNCATE {STOCK}")
    hub.agreement = KEPT
    await receive(hub, "opening", **goods)


async def receive(hub: Hub, name: str, **goods: int) -> None:
    """The warehouse tells a receipt, or with a quantity below nothing a loss."""
    told = [
        Movement(
            source="wh-east",
            source_id=f"{name}/{item}",
            kind=Kind.RECEIPT if quantity > 0 else Kind.ADJUST,
            item=item,
            site="EAST",
            quantity=Decimal(abs(quantity)),
            origin=Place.SUPPLIER if quantity > 0 else Place.STORAGE,
            destination=Place.STORAGE if quantity > 0 else Place.ADJUSTMENT,
            occurred_at=hub.now,
        )
        for item, quantity in goods.items()
    ]
    async with hub.database.transaction() as connection:
        await move(connection, told, hub.now)
    while await StockPlans(hub.database).replan(100, hub.now):
        await hub.fold()


async def buy(hub: Hub, key: str, quantity: int, item: str = "TEA") -> None:
    await hub.tell(order(ordered("1", quantity, item=item), purchase_order=key), key=key)


async def reserved(hub: Hub) -> dict[str, int]:
    rows = await hub.rows("SELECT key, sum(quantity) AS n FROM reservations GROUP BY key")
    return {row["key"]: int(row["n"]) for row in rows}


async def stock_of(hub: Hub, item: str = "TEA") -> dict[str, Any]:
    (row,) = await hub.rows("SELECT * FROM stock WHERE item = $1", item)
    return row


async def released(hub: Hub, key: str) -> str:
    """Has the order accepted and released; gives the release's label."""
    await hub.tell(CreditAnswered(obligation=f"{key}/credit-check", approved=True), key=key)
    await hub.tell(ErpOrderCreated(obligation=f"{key}/create-in-erp", number="E-1"), key=key)
    (row,) = await hub.rows("SELECT id, told FROM deliveries WHERE key = $1 AND document = 'warehouse-order'", key)
    told = DocumentSent(
        obligation=row["id"], document="warehouse-order", number="1", told=(("1", await _told(hub, row["id"])),)
    )
    await hub.tell(told, key=key)
    return str(row["id"]).rpartition("/")[2]


async def _told(hub: Hub, id_: str) -> Decimal:
    (row,) = await hub.rows("SELECT convert_from(told, 'UTF8')::json->0->>1 AS n FROM deliveries WHERE id = $1", id_)
    return Decimal(row["n"])


async def test_an_order_is_promised_in_the_transaction_that_folds_it(hub: Hub) -> None:
    await stocked(hub, TEA=10)
    await buy(hub, "SO-1", 6)
    await buy(hub, "SO-2", 6)
    assert await reserved(hub) == {"SO-1": 6, "SO-2": 4}
    assert (await stock_of(hub))["reserved"] == 10
    (row,) = await hub.rows("SELECT status, blocked_by FROM obligations WHERE id = 'SO-2/backorder/1'")
    assert row["blocked_by"] == ["reserved: line 1 lacks 2 EA of TEA, and no receipt is expected"]
    assert await hub.differences() == []


async def test_a_receipt_serves_who_waits_and_a_loss_takes_from_who_came_last(hub: Hub) -> None:
    await stocked(hub, TEA=10)
    await buy(hub, "SO-1", 6)
    await buy(hub, "SO-2", 6)
    await receive(hub, "second", TEA=2)
    assert await reserved(hub) == {"SO-1": 6, "SO-2": 6}
    assert await hub.obligation("SO-2/backorder/1") == "void"
    await receive(hub, "count", TEA=-5)
    assert await reserved(hub) == {"SO-1": 6, "SO-2": 1}
    assert await hub.obligation("SO-2/backorder/1") == "blocked"
    assert await hub.differences() == []


async def test_what_is_not_there_is_cut_where_nobody_waits_and_the_order_goes_on_without_it(hub: Hub) -> None:
    await stocked(hub, TEA=10)
    hub.agreement = replace(KEPT, short="cancel")
    await buy(hub, "SO-1", 6)
    await buy(hub, "SO-2", 6)
    assert await reserved(hub) == {"SO-1": 6, "SO-2": 4}
    label = await released(hub, "SO-2")
    rows = await hub.rows("SELECT told FROM deliveries WHERE id = $1", f"SO-2/release/{label}")
    assert rows and await _told(hub, f"SO-2/release/{label}") == 4
    await receive(hub, "second", TEA=10)
    assert await reserved(hub) == {"SO-1": 6, "SO-2": 4}
    assert await hub.differences() == []


async def test_a_cancelled_order_gives_back_and_the_next_has_it(hub: Hub) -> None:
    await stocked(hub, TEA=10)
    await buy(hub, "SO-1", 10)
    await buy(hub, "SO-2", 4)
    await hub.tell(OrderCancelled(change="1"), key="SO-1")
    await StockPlans(hub.database).replan(100, hub.now)
    await hub.fold()
    assert await reserved(hub) == {"SO-2": 4}


async def test_what_ships_leaves_the_books_and_its_reservation_with_it(hub: Hub) -> None:
    await stocked(hub, TEA=10)
    await buy(hub, "SO-1", 10)
    label = await released(hub, "SO-1")
    await hub.tell(shipped("S1", ("1", 7), release=label, complete=True), key="SO-1")
    row = await stock_of(hub)
    assert (row["storage"], row["quarantine"]) == (0, 3)
    while await StockPlans(hub.database).replan(100, hub.now):
        await hub.fold()
    assert await reserved(hub) == {}
    assert await hub.obligation("SO-1/backorder/1") == "blocked"
    await receive(hub, "found", TEA=3)
    assert await reserved(hub) == {"SO-1": 3}
    assert await hub.differences() == []


async def test_64_orders_at_once_for_the_last_100_are_promised_exactly_100(hub: Hub, flow_url: str) -> None:
    chance = random.Random(7)
    items = [f"ITEM-{n}" for n in range(10)]
    await stocked(hub, TEA=100, **dict.fromkeys(items, 100))
    facts = []
    for n in range(64):
        wanted = ["TEA", *chance.sample(items, len(items))]
        lines = [ordered(str(at), 3, item=item) for at, item in enumerate(wanted, 1)]
        facts.append(hub.fact(order(*lines, purchase_order=f"SO-{n}"), f"SO-{n}"))
    await hub.log.record(facts, hub.now)
    databases = [await connect(flow_url, 2) for _ in range(8)]

    async def worker(log: FactLog) -> None:
        idle = 0
        while idle < 3:
            did = await fold_once(log, hub.agreements, hub.now + timedelta(seconds=1), lanes=1, per_lane=3)
            idle = 0 if did else idle + 1
            await asyncio.sleep(0)

    try:
        await asyncio.gather(*[worker(FactLog(database)) for database in databases])
    finally:
        for database in databases:
            await database.close()
    await hub.fold()
    rows = await hub.rows("SELECT item, sum(quantity) AS n FROM reservations GROUP BY item")
    assert {row["item"]: int(row["n"]) for row in rows} == dict.fromkeys(("TEA", *items), 100)
    rows = await hub.rows("SELECT item, reserved FROM stock")
    assert all(row["reserved"] == 100 for row in rows)
    assert await hub.differences() == []
