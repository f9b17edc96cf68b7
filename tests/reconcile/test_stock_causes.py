"""Where the books of stock differ, and why: each cause by an example in the trade's words, and what must hold of every comparison."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.reconcile.causes import Cause
from crossdock.reconcile.evidence import Evidence, Gap, Owed, Seen, Terms, Where, leg
from crossdock.reconcile.stock import Difference, compare

NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""The moment that the snapshot speaks of."""
LOOKED = NIGHT + timedelta(hours=2)
BEFORE = NIGHT - timedelta(days=1)
"""When the books agreed last."""
MORNING = NIGHT - timedelta(hours=16)
LONG_AFTER = NIGHT + timedelta(days=3)
SHELF = Where("A-100", "EAST", Place.STORAGE)
CAGE = replace(SHELF, place=Place.QUARANTINE)


def D(text: str | int) -> Decimal:
    return Decimal(text)


def moved(
    id_: str,
    quantity: int,
    kind: Kind = Kind.ADJUST,
    origin: Place = Place.ADJUSTMENT,
    destination: Place = Place.STORAGE,
    at: datetime = MORNING,
    source: str = "wms",
    reference: str = "",
) -> Movement:
    return Movement(
        source=source,
        source_id=id_,
        kind=kind,
        item="A-100",
        site="EAST",
        quantity=D(quantity),
        origin=origin,
        destination=destination,
        occurred_at=at,
        reference=reference,
    )


def shipped(id_: str, quantity: int, at: datetime = MORNING, reference: str = "SO-1") -> Movement:
    return moved(id_, quantity, Kind.SHIP, Place.STORAGE, Place.CUSTOMER, at, reference=reference)


def differences(
    ours: int, theirs: int, evidence: Evidence | None = None, now: datetime = LOOKED, at: datetime = NIGHT
) -> list[Difference]:
    snapshot = Snapshot(
        system="wms", source_id="s", as_of=at, lines=(SnapshotLine("A-100", "EAST", Place.STORAGE, D(theirs)),)
    )
    return compare({SHELF: D(ours)}, snapshot, evidence or Evidence(since=BEFORE), now)


def around(*movements: Movement, **more: object) -> Evidence:
    return Evidence(**{"movements": {"A-100": list(movements)}, "since": BEFORE, **more})  # type: ignore[arg-type]


def the_one(found: Sequence[Difference]) -> Difference:
    assert len(found) == 1
    return found[0]


def test_books_that_agree_raise_nothing() -> None:
    assert differences(40, 40) == []


def test_a_difference_without_any_trace_is_unknown_and_says_how_much() -> None:
    found = the_one(differences(40, 37, Evidence(since=BEFORE, values={"A-100": D("2.50")})))
    assert (found.quantity, found.amount, found.cause, found.confidence) == (D(-3), D("-7.50"), Cause.UNKNOWN, 0)
    assert found.first_as_of == NIGHT
    assert found.drift


def test_an_item_that_they_do_not_list_is_one_that_they_have_none_of() -> None:
    snapshot = Snapshot(system="wms", source_id="s", as_of=NIGHT, lines=(), sites=("EAST",))
    assert the_one(compare({SHELF: D(5)}, snapshot, Evidence(), LOOKED)).quantity == -5
    assert compare({SHELF: D(5)}, replace(snapshot, whole=False), Evidence(), LOOKED) == []


def test_sites_places_and_owners_that_a_snapshot_does_not_speak_of_are_left_alone() -> None:
    elsewhere = (replace(SHELF, site="WEST"), CAGE, replace(SHELF, owner="consigned"))
    snapshot = Snapshot(system="wms", source_id="s", as_of=NIGHT, lines=(), sites=("EAST",))
    assert compare(dict.fromkeys(elsewhere, D(5)), snapshot, Evidence(), LOOKED) == []


def test_lots_are_added_up_where_a_snapshot_names_none() -> None:
    ours = {replace(SHELF, lot="L1"): D(5), replace(SHELF, lot="L2"): D(6)}
    line = SnapshotLine("A-100", "EAST", Place.STORAGE, D(11))
    snapshot = Snapshot(system="wms", source_id="s", as_of=NIGHT, lines=(line,))
    assert compare(ours, snapshot, Evidence(), LOOKED) == []
    wrong_lot = replace(
        snapshot, lines=(replace(line, quantity=D(5), lot="L1"), replace(line, quantity=D(6), lot="L3"))
    )
    found = compare(ours, wrong_lot, Evidence(since=BEFORE), LOOKED)
    assert {d.cause for d in found} == {Cause.STATUS_MIX_UP}
    assert "lot" in found[0].detail


def test_a_shipment_in_flight_is_no_drift() -> None:
    just_before = shipped("s1", 4, NIGHT - timedelta(minutes=20))
    found = the_one(differences(36, 40, around(just_before)))
    assert (found.cause, found.drift, found.quantity, found.in_flight) == (Cause.TIMING, False, 0, 4)
    assert found.evidence == ("wms:s1",)


def test_a_movement_that_they_have_already_is_in_flight_as_well() -> None:
    just_after = shipped("s1", 4, NIGHT + timedelta(minutes=20))
    assert the_one(differences(40, 36, around(just_after))).cause is Cause.TIMING


def test_all_that_happened_behind_a_moment_may_be_in_flight_together() -> None:
    ships = [shipped(f"s{n}", n, NIGHT - timedelta(minutes=5 * n)) for n in range(1, 20)]
    assert the_one(differences(0, 1 + 2 + 3 + 4 + 5 + 6 + 7, around(*ships))).cause is Cause.TIMING


def test_a_movement_of_yesterday_is_not_in_flight() -> None:
    assert the_one(differences(36, 40, around(shipped("s1", 4)))).cause is not Cause.TIMING


def test_what_stays_the_same_while_the_moment_moves_on_was_never_in_flight() -> None:
    seen = Seen(D(0), "timing", NIGHT - timedelta(days=1), NIGHT - timedelta(days=1), None, D(-4))
    again = shipped("s9", 4, NIGHT + timedelta(minutes=20))
    found = the_one(differences(40, 36, around(again, seen={SHELF: seen})))
    assert found.drift
    assert found.first_as_of == NIGHT - timedelta(days=1), "it is as old as when it was seen first"


def test_what_is_in_flight_on_top_of_drift_leaves_the_drift_as_it_was() -> None:
    seen = Seen(D(-9), "unknown", BEFORE, BEFORE)
    late = shipped("s1", 4, NIGHT - timedelta(minutes=20))
    found = the_one(differences(40, 35, around(late, seen={SHELF: seen})))
    assert (found.quantity, found.in_flight, found.cause) == (D(-9), D(4), Cause.UNKNOWN)


def test_an_adjustment_told_twice_is_doubled() -> None:
    one, two = moved("a1", 7), moved("a2", 7, at=MORNING + timedelta(hours=1))
    found = the_one(differences(47, 40, around(one, two)))
    assert found.cause is Cause.DOUBLED_ADJUSTMENT
    assert set(found.evidence) == {"wms:a1", "wms:a2"}


def test_an_adjustment_of_ours_that_they_counted_twice_is_doubled() -> None:
    assert the_one(differences(40, 47, around(moved("a1", 7, source="erp")))).cause is Cause.DOUBLED_ADJUSTMENT


def test_two_shipments_of_the_same_size_for_two_orders_are_not_one_told_twice() -> None:
    ships = (shipped("s1", 7, reference="SO-1"), shipped("s2", 7, reference="SO-2"))
    assert the_one(differences(40, 47, around(*ships))).cause is Cause.UNKNOWN


def test_cases_told_as_single_units_are_a_unit_mix_up() -> None:
    receipt = moved("r1", 5, Kind.RECEIPT, Place.SUPPLIER, reference="PO-1")
    found = the_one(differences(5, 60, around(receipt, factors={"A-100": [D(12)]})))
    assert found.cause is Cause.UNIT_MIX_UP
    assert "12" in found.detail


def test_single_units_told_as_cases_are_a_unit_mix_up() -> None:
    receipt = moved("r1", 60, Kind.RECEIPT, Place.SUPPLIER, reference="PO-1")
    found = the_one(differences(160, 105, around(receipt, factors={"A-100": [D(12)]})))
    assert (found.cause, found.evidence) == (Cause.UNIT_MIX_UP, ("wms:r1",))


def test_a_snapshot_that_tells_cases_is_a_unit_mix_up() -> None:
    assert the_one(differences(240, 20, around(factors={"A-100": [D(12)]}))).cause is Cause.UNIT_MIX_UP


def test_a_gap_in_the_stream_is_awaited_first_and_then_a_missing_message() -> None:
    gap = Gap("wms", "EAST", 812, MORNING, ("EAST",))
    young = the_one(differences(40, 33, around(gaps=[gap])))
    assert (young.cause, young.drift, young.evidence) == (Cause.TIMING, False, ("wms:EAST#812",))
    old = the_one(differences(40, 33, around(gaps=[gap]), now=LONG_AFTER))
    assert (old.cause, old.drift) == (Cause.MISSING_MESSAGE, True)


def test_a_message_that_is_missed_later_does_not_have_an_older_difference_waited_for_again() -> None:
    seen = Seen(D(-7), "timing", BEFORE, BEFORE, BEFORE - timedelta(days=1), D(0), D("0.85"), "d", ("wms:EAST#812",))
    gaps = [Gap("wms", "EAST", 812, BEFORE - timedelta(hours=9), ("EAST",)), Gap("wms", "EAST", 830, NIGHT, ("EAST",))]
    found = the_one(differences(40, 33, around(seen={SHELF: seen}, gaps=gaps)))
    assert (found.cause, found.evidence) == (Cause.MISSING_MESSAGE, ("wms:EAST#812",))


def test_an_adjustment_told_again_after_the_books_agreed_is_doubled_however_early_it_happened() -> None:
    early = BEFORE - timedelta(hours=4)
    twins = [replace(moved(f"a{n}", 7, at=early), recorded_at=early + timedelta(hours=6 * n)) for n in (0, 1)]
    found = the_one(differences(47, 40, around(*twins)))
    assert (found.cause, set(found.evidence)) == (Cause.DOUBLED_ADJUSTMENT, {"wms:a0", "wms:a1"})


def test_a_gap_of_another_site_or_from_before_the_books_agreed_explains_nothing() -> None:
    west = Gap("wms", "WEST", 812, MORNING, ("WEST",))
    old = Gap("wms", "EAST", 12, BEFORE - timedelta(days=1), ("EAST",))
    assert the_one(differences(40, 33, around(gaps=[west, old]), now=LONG_AFTER)).cause is Cause.UNKNOWN


def test_a_receipt_that_was_announced_and_never_confirmed_is_a_missing_message() -> None:
    owed = Owed("receipt", "erp:PO-1/1", "A-100", "EAST", D(60), MORNING)
    found = the_one(differences(40, 100, around(owed={"A-100": [owed]}), now=LONG_AFTER))
    assert (found.cause, found.evidence) == (Cause.MISSING_MESSAGE, ("erp:PO-1/1",))
    assert the_one(differences(40, 100, around(owed={"A-100": [owed]}))).cause is Cause.TIMING, "it may still come"


def test_a_movement_that_they_were_never_told_of_is_a_missing_message() -> None:
    found = the_one(differences(28, 40, around(replace(shipped("t1", 12), source="erp"))))
    assert (found.cause, found.evidence) == (Cause.MISSING_MESSAGE, ("erp:t1",))


def both_places(shelf: tuple[int, int], cage: tuple[int, int], evidence: Evidence) -> list[Difference]:
    lines = tuple(SnapshotLine("A-100", "EAST", w.place, D(q)) for w, q in ((SHELF, shelf[1]), (CAGE, cage[1])))
    snapshot = Snapshot(system="wms", source_id="s", as_of=NIGHT, lines=lines)
    return compare({SHELF: D(shelf[0]), CAGE: D(cage[0])}, snapshot, evidence, LONG_AFTER)


def test_goods_that_stand_in_another_place_on_one_side_are_a_status_mix_up() -> None:
    found = both_places((40, 34), (0, 6), Evidence(since=BEFORE))
    assert [(d.where.place, d.quantity, d.cause) for d in found] == [
        (Place.QUARANTINE, 6, Cause.STATUS_MIX_UP),
        (Place.STORAGE, -6, Cause.STATUS_MIX_UP),
    ]


def test_a_hold_told_twice_is_doubled_and_no_status_mix_up() -> None:
    holds = [moved(f"h{n}", 6, Kind.HOLD, Place.STORAGE, Place.QUARANTINE, reference="QC-1") for n in (1, 2)]
    found = both_places((28, 34), (12, 6), around(*holds))
    assert {d.cause for d in found} == {Cause.DOUBLED_ADJUSTMENT}


def test_a_gap_goes_to_the_item_that_has_no_other_reason() -> None:
    other = replace(SHELF, item="B-200")
    lines = (
        SnapshotLine("A-100", "EAST", Place.STORAGE, D(34)),
        SnapshotLine("A-100", "EAST", Place.QUARANTINE, D(6)),
        SnapshotLine("B-200", "EAST", Place.STORAGE, D(1)),
    )
    snapshot = Snapshot(system="wms", source_id="s", as_of=NIGHT, lines=lines)
    gap = Gap("wms", "EAST", 812, MORNING, ("EAST",))
    found = compare({SHELF: D(40), other: D(4)}, snapshot, Evidence(since=BEFORE, gaps=[gap]), LONG_AFTER)
    assert {(d.where.item, d.cause) for d in found} == {
        ("A-100", Cause.STATUS_MIX_UP),
        ("B-200", Cause.MISSING_MESSAGE),
    }


def test_a_known_difference_keeps_its_age_and_cause_and_what_is_new_of_it_is_explained_by_itself() -> None:
    seen = Seen(D(-9), "missing-message", BEFORE, BEFORE, BEFORE - timedelta(days=1), D(0), D("0.8"), "d", ("wms:E#1",))
    same = the_one(differences(40, 31, around(seen={SHELF: seen})))
    assert (same.cause, same.first_as_of, same.evidence) == (Cause.MISSING_MESSAGE, BEFORE, ("wms:E#1",))
    twins = (moved("a1", 7), moved("a2", 7))
    grown = the_one(differences(47, 31, around(*twins, seen={SHELF: seen})))
    assert (grown.quantity, grown.cause, grown.also) == (D(-16), Cause.DOUBLED_ADJUSTMENT, ("missing-message",))


quantities = st.integers(0, 60).map(Decimal)
wheres = st.builds(
    Where,
    st.sampled_from(("A", "B")),
    st.sampled_from(("EAST", "WEST")),
    st.sampled_from((Place.STORAGE, Place.QUARANTINE)),
    st.sampled_from(("", "L1")),
)
books = st.dictionaries(wheres, quantities, max_size=6)
histories = st.lists(
    st.builds(
        Movement,
        source=st.sampled_from(("wms", "erp")),
        source_id=st.uuids().map(str),
        kind=st.just(Kind.ADJUST),
        item=st.sampled_from(("A", "B")),
        site=st.sampled_from(("EAST", "WEST")),
        quantity=quantities,
        origin=st.sampled_from((Place.STORAGE, Place.QUARANTINE, Place.ADJUSTMENT)),
        destination=st.sampled_from((Place.STORAGE, Place.QUARANTINE, Place.CUSTOMER)),
        occurred_at=st.integers(-40, 4).map(lambda hours: NIGHT + timedelta(hours=hours)),
    ),
    max_size=8,
)
gaps = st.lists(st.builds(Gap, st.just("wms"), st.just("s"), st.integers(1, 9), st.just(MORNING)), max_size=2)


def snapshot_of(there: dict[Where, Decimal], whole: bool = True) -> Snapshot:
    lines = tuple(SnapshotLine(w.item, w.site, w.place, q, w.lot) for w, q in there.items())
    places = (Place.STORAGE, Place.QUARANTINE)
    return Snapshot(
        system="wms", source_id="s", as_of=NIGHT, lines=lines, sites=("EAST", "WEST"), places=places, whole=whole
    )


@given(books, histories, gaps)
def test_a_copy_of_our_books_never_differs(ours: dict[Where, Decimal], told: list[Movement], missed: list[Gap]) -> None:
    evidence = Evidence(movements={"A": told, "B": told}, gaps=missed)
    assert compare(ours, snapshot_of(ours), evidence, LOOKED) == []


@given(books, books, histories, gaps, st.booleans())
def test_differences_add_up_to_what_one_side_has_more(
    ours: dict[Where, Decimal], theirs: dict[Where, Decimal], told: list[Movement], missed: list[Gap], late: bool
) -> None:
    evidence = Evidence(
        movements={item: [m for m in told if m.item == item] for item in ("A", "B")},
        gaps=missed,
        factors={"A": [D(12)]},
        since=BEFORE,
    )
    found = compare(ours, snapshot_of(theirs), evidence, LONG_AFTER if late else LOOKED)
    total = sum((d.quantity + d.in_flight for d in found), D(0))
    assert total == sum(theirs.values(), D(0)) - sum(ours.values(), D(0))
    assert all(d.theirs - d.ours == d.quantity + d.in_flight for d in found)
    assert len({d.where for d in found}) == len(found)
    assert all(0 <= d.confidence <= 1 and (d.cause is Cause.UNKNOWN) == (d.confidence == 0) for d in found)


@given(books, st.lists(histories, max_size=1), st.integers(0, 7), st.data())
def test_one_movement_around_the_moment_that_one_side_lacks_is_always_timing(
    theirs: dict[Where, Decimal], told: list[list[Movement]], minutes: int, data: st.DataObject
) -> None:
    moving = moved("m", data.draw(st.integers(1, 9)), at=NIGHT - timedelta(minutes=minutes))
    where = SHELF
    ours = {**theirs, where: theirs.get(where, D(0)) + leg(moving, where)}
    snapshot = snapshot_of({**theirs, where: theirs.get(where, D(0)), replace(where, lot="L1"): D(0)})
    found = compare(ours, snapshot, Evidence(movements={"A-100": [moving]}), LOOKED, Terms())
    assert [d.cause for d in found] == [Cause.TIMING]
