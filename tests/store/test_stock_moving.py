"""Movements into the books: each once, counted as of their moment, refused where they cannot have been."""

import random
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from stock_values import NOW, folded, moved, recorded, standing, stocked

from crossdock.ledger.movement import OURS, Kind, Movement, Place
from crossdock.ports.stock import Gap
from crossdock.store.database import Database
from crossdock.store.queries import SQL
from crossdock.store.stock import StockBooks


@pytest.fixture
def books(database: Database) -> StockBooks:
    return StockBooks(database)


@pytest.mark.parametrize("name", ["add_to_stock", "add_to_balances"])
def test_what_moves_is_added_to_every_place_and_no_place_of_ours_is_left_below_nothing_unseen(name: str) -> None:
    places, ours = [place.value for place in Place], [place.value for place in Place if place in OURS]
    assert re.findall(r"(\w+) = s\.(\w+) \+ coalesce\(d\.(\w+), 0\)", SQL[name]) == [(p, p, p) for p in places]
    assert re.findall(r"\(s\.(\w+) < 0 AND d\.(\w+) < 0\)", SQL[name]) == [(p, p) for p in ours]
    (taken,) = re.findall(r"AS t \((.*)\)\n", SQL[name])
    assert taken.split(", ")[-len(places) :] == places


async def test_what_came_in_was_put_away_and_picked_stands_where_it_is(books: StockBooks) -> None:
    told = await books.record(
        [moved("receipt", 10), moved("putaway", 8), moved("pick", 3, origin=Place.STORAGE), moved("ship", 1)], NOW
    )
    assert told.new == 4
    assert await standing(books) == {("A", "S1", "receiving"): 2, ("A", "S1", "storage"): 5, ("A", "S1", "staging"): 2}
    assert await books.rebuild() == []


async def test_a_movement_told_twice_moves_once_within_a_batch_and_across(
    books: StockBooks, database: Database
) -> None:
    one, two = stocked(5), stocked(7)
    first = await books.record([one, two, one], NOW)
    again = await books.record([two, one, stocked(1)], NOW)
    assert (first.new, first.doubled, again.new, again.doubled) == (2, 1, 1, 2)
    assert await standing(books) == {("A", "S1", "storage"): 13}
    assert await database.pool.fetchval("SELECT doubled FROM streams WHERE source = 'wms'") == 3


async def test_within_a_batch_what_comes_in_counts_before_what_goes_out(books: StockBooks) -> None:
    told = await books.record([moved("ship", 4, origin=Place.STORAGE, at=-5), stocked(5)], NOW)
    assert (told.new, told.conflicts) == (2, ())


async def test_more_than_there_is_does_not_go_out_and_the_others_of_the_batch_go_on(books: StockBooks) -> None:
    big, small = moved("ship", 9, origin=Place.STORAGE, at=1), moved("ship", 2, origin=Place.STORAGE, at=2)
    told = await books.record([stocked(5), big, small, stocked(3, "B")], NOW)
    assert told.new == 3
    assert [(c.source_id, c.cause) for c in told.conflicts] == [(big.source_id, "negative")]
    assert await standing(books) == {("A", "S1", "storage"): 3, ("B", "S1", "storage"): 3}
    assert await books.rebuild() == []


async def test_a_refusal_that_takes_away_what_another_took_refuses_that_one_too(books: StockBooks) -> None:
    told = await books.record([moved("pick", 5, origin=Place.STORAGE), moved("ship", 5)], NOW)
    assert (told.new, len(told.conflicts)) == (0, 2)
    assert await standing(books) == {}


async def test_what_was_refused_is_booked_when_its_goods_have_come(books: StockBooks, database: Database) -> None:
    ship = moved("ship", 5, origin=Place.STORAGE)
    assert len((await books.record([ship], NOW)).conflicts) == 1
    told_again = await books.record([ship], NOW)
    assert (told_again.new, told_again.doubled, told_again.conflicts) == (0, 1, ())
    told = await books.record([stocked(8)], NOW)
    assert (told.new, told.retried) == (1, 1)
    assert await standing(books) == {("A", "S1", "storage"): 3}
    assert await database.pool.fetchval("SELECT count(*) FROM movement_conflicts WHERE closed_at IS NULL") == 0


async def test_policy_may_let_a_source_go_below_nothing(books: StockBooks) -> None:
    told = await books.record(
        [moved("ship", 5, origin=Place.STORAGE, source="till"), moved("ship", 5, origin=Place.STORAGE)],
        NOW,
        lambda m: m.source == "till",
    )
    assert (told.new, len(told.conflicts)) == (1, 1)
    assert await standing(books) == {("A", "S1", "storage"): -5}
    assert (await books.record([stocked(2)], NOW)).conflicts == ()


async def test_a_transfer_leaves_one_site_and_comes_to_another(books: StockBooks) -> None:
    await books.record([stocked(9), moved("transfer-out", 4, to_site="S2")], NOW)
    assert await standing(books) == {("A", "S1", "storage"): 5, ("A", "S2", "transit"): 4}
    await books.record([moved("transfer-in", 3, site="S2")], NOW)
    assert await standing(books) == {
        ("A", "S1", "storage"): 5,
        ("A", "S2", "transit"): 1,
        ("A", "S2", "storage"): 3,
    }


async def test_the_first_lot_splits_a_row_of_stock_and_each_lot_has_its_own_balance(books: StockBooks) -> None:
    await books.record([stocked(5)], NOW)
    told = await books.record(
        [stocked(4, lot="L1"), moved("ship", 5, origin=Place.STORAGE, lot="L1"), stocked(6, entity="north")], NOW
    )
    assert len(told.conflicts) == 1, "five of the lot were to go and there are four, though there are more of the item"
    by_lot = {(p.lot, p.entity): int(q) for p, q in (await books.positions()).items() if p.place is Place.STORAGE}
    assert by_lot == {("", ""): 5, ("L1", ""): 4, ("", "north"): 6}
    supply = await books.supply([("A", "S1")])
    assert supply.stock["A", "S1"].storage == 15
    assert await books.rebuild() == []


async def test_others_goods_are_kept_and_never_promised(books: StockBooks) -> None:
    await books.record([stocked(5, owner="consigned")], NOW)
    assert (await books.supply([("A", "S1")])).stock["A", "S1"].available == 0
    assert await standing(books) == {("A", "S1", "storage"): 5}
    assert await books.rebuild() == []


async def test_numbers_that_do_not_come_are_gaps_with_a_clock_and_late_ones_close_them(
    books: StockBooks, database: Database
) -> None:
    def numbered(n: int) -> Movement:
        return stocked(1, stream="main", sequence=n)

    told = await books.record([numbered(7), numbered(5), numbered(11)], NOW)
    assert (told.gaps, told.late) == (4, 0)
    later = NOW + timedelta(hours=1)
    assert await books.gaps(later, 3600) == [Gap("wms", "main", 6, 6, NOW), Gap("wms", "main", 8, 10, NOW)]
    assert await books.gaps(later, 3601) == []
    told = await books.record([numbered(9), numbered(6), numbered(12)], later)
    assert (told.gaps, told.late) == (0, 2)
    assert [(g.first, g.last, g.missing_at) for g in await books.gaps(later)] == [(8, 8, NOW), (10, 10, NOW)]
    assert await database.pool.fetchval("SELECT late FROM streams WHERE stream = 'main'") == 2


async def test_a_leap_of_numbers_is_one_gap_however_wide(books: StockBooks, database: Database) -> None:
    await books.record([stocked(1, stream="x", sequence=1), stocked(1, stream="x", sequence=10**15)], NOW)
    assert await database.pool.fetchval("SELECT count(*) FROM stream_gaps") == 1


async def test_a_count_moves_the_difference_to_what_there_was_at_its_moment(
    books: StockBooks, database: Database
) -> None:
    await books.record([stocked(10, at=0), moved("ship", 2, origin=Place.STORAGE, at=20)], NOW)
    count = moved("count", 7, at=10, source_id="c1")
    await books.record([count], NOW)
    assert await standing(books) == {("A", "S1", "storage"): 5}
    row = await database.pool.fetchrow(
        "SELECT quantity, counted, origin, destination FROM movements WHERE kind = 'count'"
    )
    assert tuple(row) == (3, 7, "storage", "adjustment")


async def test_what_happened_before_a_count_and_comes_late_leaves_the_count_true(
    books: StockBooks, database: Database
) -> None:
    await books.record([stocked(10, at=0), moved("count", 7, at=10, source_id="c1")], NOW)
    told = await books.record([moved("pick", 4, at=5, origin=Place.STORAGE), stocked(1, at=6)], NOW)
    assert (told.new, told.corrections) == (2, 2)
    assert await standing(books) == {("A", "S1", "storage"): 7, ("A", "S1", "staging"): 4}
    ids = [
        r[0] for r in await database.pool.fetch("SELECT source_id FROM movements WHERE source = 'ledger' ORDER BY 1")
    ]
    assert ids == ["wms:c1/correction/1", "wms:c1/correction/2"]
    then = await books.positions([("A", "S1")], NOW + timedelta(minutes=10))
    assert {p.place: q for p, q in then.items() if p.place is Place.STORAGE} == {Place.STORAGE: Decimal(7)}


async def test_a_count_that_comes_before_an_earlier_one_is_told_leaves_the_later_one_true(books: StockBooks) -> None:
    await books.record([stocked(10, at=0), moved("count", 7, at=10)], NOW)
    await books.record([moved("count", 9, at=5)], NOW)
    assert await standing(books) == {("A", "S1", "storage"): 7}
    then = await books.positions([("A", "S1")], NOW + timedelta(minutes=7))
    assert {int(q) for p, q in then.items() if p.place is Place.STORAGE} == {9}


async def test_any_order_of_telling_gives_the_same_balances(database_url: str, database: Database) -> None:
    books = StockBooks(database)
    history = [stocked(20, at=0), *(moved("count", n, at=10 * n) for n in (3, 9, 6))]
    history += [moved("pick", 1, at=t, origin=Place.STORAGE) for t in range(1, 100, 9)]
    seen = set()
    for seed in range(4):
        random.Random(seed).shuffle(history)
        renamed = [
            Movement(
                **{
                    **{f: getattr(m, f) for f in m.__struct_fields__},
                    "item": f"I{seed}",
                    "source_id": f"{m.source_id}-{seed}",
                }
            )
            for m in history
        ]
        for m in renamed:
            await books.record([m], NOW, lambda _: True)
        here = await standing(books)
        seen.add(tuple(sorted((place, q) for (item, _, place), q in here.items() if item == f"I{seed}")))
    assert len(seen) == 1
    assert await books.rebuild() == []


async def test_what_is_no_quantity_is_refused_before_anything_is_written(books: StockBooks, database: Database) -> None:
    for bad in ("-1", "NaN", "Infinity"):
        with pytest.raises(ValueError, match="a movement of"):
            await books.record([stocked(1), moved("ship", bad)], NOW)
    assert await recorded(database) == []


async def test_balances_are_the_fold_of_what_is_recorded_and_stand_as_of_any_moment(
    books: StockBooks, database: Database
) -> None:
    rng = random.Random(3)
    batch = []
    for n in range(300):
        item, site = f"I{rng.randrange(5)}", f"S{rng.randrange(2)}"
        batch.append(stocked(rng.randrange(1, 50), item, site, at=n, lot=rng.choice(["", "", "L1"])))
        batch.append(moved("pick", rng.randrange(1, 9), item, site, at=n, origin=Place.STORAGE))
    await books.record(batch, NOW)
    assert await books.positions() == await folded(database)
    whole = await recorded(database)
    pairs = [(f"I{n}", f"S{m}") for n in range(5) for m in range(2)]
    for minutes in (-1, 0, 60, 150, 299, 400):
        moment = NOW + timedelta(minutes=minutes)
        from crossdock.ledger.balances import balances

        then = {p: q for p, q in balances(whole, as_of=moment).items() if q}
        assert await books.positions(as_of=moment) == then
        assert await books.positions(pairs, moment) == then


async def test_a_figure_is_explained_page_by_page(books: StockBooks) -> None:
    batch = [stocked(n + 1, at=n) for n in range(25)]
    await books.record(batch, NOW)
    seen: list[str] = []
    cursor = None
    while True:
        page = await books.explain("A", "S1", None, 10, cursor)
        seen += [m.source_id for m in page.movements]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [m.source_id for m in reversed(batch)]
    assert sum(q for p, q in page.positions.items() if p.place is Place.STORAGE) == sum(range(1, 26))
    assert Kind.RECEIPT in {m.kind for m in page.movements}


async def test_stock_is_listed_by_the_beginning_of_the_item(books: StockBooks) -> None:
    await books.record([stocked(1, item, site) for item in ("AB-1", "AB-2", "AC") for site in ("S1", "S2")], NOW)
    first = await books.listed("AB", limit=3)
    rest = await books.listed("AB", (first[-1].item, first[-1].site))
    assert [(s.item, s.site) for s in (*first, *rest)] == [
        ("AB-1", "S1"),
        ("AB-1", "S2"),
        ("AB-2", "S1"),
        ("AB-2", "S2"),
    ]


async def test_a_tampered_balance_is_found(books: StockBooks, database: Database) -> None:
    await books.record([stocked(5), stocked(2, "B", lot="L")], NOW)
    await database.pool.execute("UPDATE stock SET storage = storage + 1 WHERE item = 'A'")
    await database.pool.execute("UPDATE balances SET storage = storage - 1 WHERE item = 'B' AND lot = 'L'")
    await database.pool.execute("UPDATE stock SET reserved = 3 WHERE item = 'B'")
    found = {(u.what, u.item, int(u.folded), int(u.stands)) for u in await books.rebuild()}
    assert found == {("balance", "A", 5, 6), ("balance", "B", 2, 1), ("stock", "B", 1, 2), ("reserved", "B", 0, 3)}
