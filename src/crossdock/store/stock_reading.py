"""The books of stock read: what promising goes by, balances now and as of any moment, and what stands behind each figure. Nothing here locks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.ledger.demand import Demand, ExpectedReceipt, Reservation
from crossdock.ledger.movement import Kind, Movement, Place, Position
from crossdock.ports.stock import Explained, Gap, Pair, Stock, Supply, Wanting
from crossdock.store.queries import SQL

LAST = "\U0010ffff"
"""Behind every text that anybody uses."""

_demand = msgspec.json.Decoder(Demand)

EVER = datetime(9999, 12, 31, tzinfo=UTC)


async def supply(connection: Any, pairs: Sequence[Pair]) -> Supply:
    """All that promising of these (item, site) goes by, as of one moment and in one round trip; a pair that was never heard of has nothing."""
    asked = list(dict.fromkeys(pairs))
    stock: dict[Pair, Stock] = {}
    receipts: list[ExpectedReceipt] = []
    demands: list[Wanting] = []
    for what, item, site, one, two, three, body, day in await connection.fetch(
        SQL["supply_of"], [item for item, _ in asked], [site for _, site in asked]
    ):
        if what == "s":
            stock = _stock(asked, body or "")
        elif what == "r":
            quantity, received, kind = body.split(" ", 2)
            receipts.append(
                ExpectedReceipt(
                    source=one,
                    source_id=two,
                    line=three,
                    kind=kind,
                    item=item,
                    site=site,
                    quantity=Decimal(quantity),
                    due_on=day,
                    received=Decimal(received),
                )
            )
        else:
            demands.append(Wanting(_demand.decode(body), Decimal(one), day))
    return Supply(stock, receipts, demands)


def _stock(asked: Sequence[Pair], body: str) -> dict[Pair, Stock]:
    """Rows of stock out of the text of numbers in which they came: nine a row, the first its place in what was asked. Of those without a row there is nothing."""
    parts = body.split(" ") if body else []
    numbers = list(map(Decimal, parts))
    found: dict[Pair, Stock | None] = dict.fromkeys(asked)
    for at in range(0, len(parts), 9):
        pair = asked[int(parts[at]) - 1]
        _, receiving, storage, allocated, staging, transit, quarantine, damaged, reserved = numbers[at : at + 9]
        found[pair] = Stock(
            item=pair[0],
            site=pair[1],
            receiving=receiving,
            storage=storage,
            allocated=allocated,
            staging=staging,
            transit=transit,
            quarantine=quarantine,
            damaged=damaged,
            reserved=reserved,
        )
    return {pair: stock or Stock(item=pair[0], site=pair[1]) for pair, stock in found.items()}


async def positions(
    connection: Any, pairs: Sequence[Pair] | None = None, as_of: datetime | None = None
) -> dict[Position, Decimal]:
    """What stands, or stood at `as_of` (that moment included), in each place, lot, owner and entity of these (item, site), None: of all. What is nothing is left out."""
    if pairs is not None:
        asked = sorted(set(pairs))
        parts: list[Any] = [[item for item, _ in asked], [site for _, site in asked]]
        if as_of is None:
            rows = await connection.fetch(SQL["positions_of_pairs_now"], *parts)
        else:
            rows = await connection.fetch(SQL["positions_of_pairs_then"], *parts, as_of)
    elif as_of is None:
        rows = await connection.fetch(SQL["positions_now"])
    elif await _estimate(connection, "how_many_since", as_of) <= await _estimate(connection, "how_many_up_to", as_of):
        rows = await connection.fetch(SQL["positions_then_from_now"], as_of)
    else:
        rows = await connection.fetch(SQL["positions_then_from_nothing"], as_of)
    return {
        Position(item, site, Place(place), lot, owner, entity): quantity
        for item, site, place, lot, owner, entity, quantity in rows
    }


async def _estimate(connection: Any, name: str, as_of: datetime) -> float:
    plan = msgspec.json.decode(await connection.fetchval(SQL[name], as_of))
    return float(plan[0]["Plan"]["Plan Rows"])


async def explain(
    connection: Any,
    item: str,
    site: str,
    as_of: datetime | None = None,
    limit: int = 100,
    cursor: tuple[datetime, str, str] | None = None,
) -> Explained:
    """What stands behind the figures of an item at a site: `limit` movements a page, the latest first, `cursor` as the page before gave it."""
    upto = as_of or EVER
    at = cursor or (EVER, LAST, LAST)
    rows = await connection.fetch(SQL["movements_behind"], item, site, upto, *at, limit + 1)
    page = [movement_of(row) for row in rows[:limit]]
    more = len(rows) > limit and bool(page)
    pairs = [(item, site)]
    return Explained(
        positions=await positions(connection, pairs, as_of),
        movements=page,
        reservations=[
            Reservation(key=key, line=line, item=item, site=site, quantity=quantity)
            for key, line, item, site, quantity in await connection.fetch(SQL["reservations_behind"], item, site)
        ],
        receipts=(await supply(connection, pairs)).receipts,
        cursor=(page[-1].occurred_at, page[-1].source, page[-1].source_id) if more else None,
    )


def movement_of(row: Any) -> Movement:
    """A row of `movements`; of a count: what it moved."""
    return Movement(
        source=row["source"],
        source_id=row["source_id"],
        kind=Kind(row["kind"]),
        item=row["item"],
        site=row["site"],
        to_site=row["to_site"],
        origin=Place(row["origin"]),
        destination=Place(row["destination"]),
        quantity=row["quantity"],
        lot=row["lot"],
        owner=row["owner"],
        entity=row["entity"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        stream=row["stream"],
        sequence=row["sequence"],
        reason=row["reason"],
        reference=row["reference"],
        line=row["line"],
        message=row["message"],
    )


async def listed(connection: Any, prefix: str = "", after: Pair = ("", ""), limit: int = 100) -> list[Stock]:
    """Rows of stock of items that begin with `prefix`, by item and site, those behind `after` first: the stock page."""
    rows = await connection.fetch(SQL["list_stock"], prefix, *after, limit, prefix + LAST)
    return [Stock(**dict(row)) for row in rows]


async def gaps(connection: Any, now: datetime, older_than_seconds: float = 0.0) -> list[Gap]:
    """Numbers of streams that have been missing for so long, the longest missing first."""
    before = datetime.fromtimestamp(now.timestamp() - older_than_seconds, UTC)
    return [Gap(*row) for row in await connection.fetch(SQL["overdue_gaps"], before)]
