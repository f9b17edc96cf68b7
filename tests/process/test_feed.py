"""An offer to a channel, and a source that tells us stock: what is owed, and what troubles, in whatever order facts come."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from crossdock.facts import Fact
from crossdock.facts.feed import OfferedLine, OfferSuperseded, SourceHeard, SourceSilent, StockOffered
from crossdock.facts.order import AcknowledgementReceived, DocumentSent, EffectRefused, EffectRetried
from crossdock.process import Standing, Status, process_of
from crossdock.process.feed import feed_key
from crossdock.process.source import source_key

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = feed_key("shop", 17)
OFFER = f"{KEY}/offer"
OFFERED = StockOffered(
    channel="shop",
    sequence=17,
    full=False,
    as_of=NOW,
    system="shop",
    lines=(OfferedLine(item="NW-1", site="RENO", quantity=Decimal(7), unit="EA"),),
    due_at=NOW + timedelta(minutes=15),
)
SENT = DocumentSent(obligation=OFFER, document="inventory-advice", number="17")
REFUSED = EffectRefused(obligation=OFFER, code="422", reason="no such item")
OVERTAKEN = OfferSuperseded(channel="shop", by=18)


def standing(*told: Any, key: str = KEY, at: datetime = NOW) -> Standing:
    """How the process stands after these facts, a second apart."""
    process = process_of(key)
    state = process.new(key)
    for n, data in enumerate(told):
        fact = Fact(key=key, data=data, source="test", source_id=str(n), occurred_at=NOW + timedelta(seconds=n))
        state = process.evolve(state, fact)
    assert process.decode(process.encode(state)) == state
    return process.derive(state, None, at)


def causes(stands: Standing) -> list[str]:
    return [trouble.cause for trouble in stands.troubles]


def test_an_offer_is_owed_to_the_channels_system_and_wakes_when_it_is_late() -> None:
    stands = standing(OFFERED)
    (owed,) = stands.obligations
    assert (owed.id, owed.kind, owed.creditor, owed.status) == (OFFER, "offer", "shop", Status.READY)
    assert stands.wake_at == OFFERED.due_at
    assert causes(standing(OFFERED, at=NOW + timedelta(minutes=15))) == ["feed-late"]


@pytest.mark.parametrize(
    ("told", "status", "trouble"),
    [
        ((OFFERED, SENT), Status.MET, []),
        ((OFFERED, REFUSED), Status.REFUSED, ["offer-refused"]),
        ((OFFERED, REFUSED, EffectRetried(obligation=OFFER, who="me")), Status.READY, []),
        ((OFFERED, OVERTAKEN), Status.VOID, []),
        ((OFFERED, REFUSED, OVERTAKEN), Status.VOID, []),
        ((OFFERED, SENT, OVERTAKEN), Status.MET, []),
    ],
)
def test_what_became_of_it_says_how_it_stands(told: tuple[Any, ...], status: Status, trouble: list[str]) -> None:
    stands = standing(*told)
    assert [o.status for o in stands.obligations] == [status]
    assert causes(stands) == trouble


def test_an_offer_that_they_could_not_use_troubles_until_a_full_one_overtakes_it() -> None:
    rejected = AcknowledgementReceived(obligation=OFFER, status="rejected", errors=("LIN03",))
    assert causes(standing(OFFERED, SENT, rejected)) == ["offer-rejected"]
    assert causes(standing(OFFERED, SENT, rejected, OVERTAKEN)) == []


def test_the_order_in_which_facts_are_told_makes_no_difference() -> None:
    facts = [
        Fact(key=KEY, data=data, source="t", source_id=str(n), occurred_at=NOW + timedelta(seconds=n))
        for n, data in enumerate((OFFERED, REFUSED, EffectRetried(obligation=OFFER, who="me"), SENT))
    ]
    process = process_of(KEY)
    found = set()
    for order in permutations([*facts, facts[1]]):
        state = process.new(KEY)
        for fact in order:
            state = process.evolve(state, fact)
        found.add(process.encode(state))
    assert len(found) == 1


def test_the_document_tells_each_line_with_its_site_and_what_is_expected() -> None:
    process = process_of(KEY)
    line = OfferedLine(
        item="NW-1",
        site="RENO",
        quantity=Decimal(0),
        unit="EA",
        next_on=NOW.date(),
        next_quantity=Decimal(40),
    )
    data = StockOffered(channel="shop", sequence=17, full=True, as_of=NOW, system="shop", lines=(line,))
    state = process.evolve(process.new(KEY), Fact(key=KEY, data=data, source="t", source_id="1", occurred_at=NOW))
    (owed,) = process.derive(state, None, NOW).obligations
    made = process.effect(state, owed, None, NOW)
    assert (made.document, made.ordering_key, made.content.purpose) == ("inventory-advice", "FEED-shop", "original")
    (told,) = made.content.lines
    now, expected = told.levels
    assert (told.items[0].id, now.status, now.quantity) == ("NW-1", "available", Decimal(0))
    assert [(place.site, place.quantity) for place in now.places] == [("RENO", Decimal(0))]
    assert (expected.status, expected.on, expected.quantity) == ("expected", NOW.date(), Decimal(40))


SOURCE = source_key("quick3pl")
HEARD = SourceHeard(system="quick3pl", heard_at=NOW, silent_at=NOW + timedelta(hours=1), widens=("shop",))


def test_a_source_falls_silent_by_the_clock_and_is_back_when_it_is_heard() -> None:
    assert standing(HEARD, key=SOURCE).wake_at == HEARD.silent_at
    silent = standing(HEARD, key=SOURCE, at=NOW + timedelta(hours=1))
    assert (silent.milestone, causes(silent)) == ("silent", ["stale-source"])
    assert "buffer widened: shop" in silent.troubles[0].detail
    later = SourceHeard(system="quick3pl", heard_at=NOW + timedelta(hours=2), silent_at=NOW + timedelta(hours=3))
    assert causes(standing(HEARD, later, key=SOURCE, at=NOW + timedelta(hours=2))) == []


def test_a_source_that_was_never_heard_is_silent_until_it_is() -> None:
    never = SourceSilent(system="quick3pl", stops=("market",))
    assert "stopped: market" in standing(never, key=SOURCE).troubles[0].detail
    assert causes(standing(never, HEARD, key=SOURCE)) == []
