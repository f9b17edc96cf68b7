"""Key figures: the sums kept by day are those that a plain recomputation over every fact comes to, however the facts came and were measured."""

import math
import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from play import AGREEMENT, START, Play, order, ordered, shipped  # type: ignore[import-not-found,unused-ignore]

from crossdock.facts import Fact
from crossdock.facts import order as told
from crossdock.flow.fold import fold_once, wake_once
from crossdock.policy import Agreement
from crossdock.store.database import Database
from crossdock.store.figures import KPIS, Figures, Measured, summed
from crossdock.store.log import FactLog
from crossdock.store.lookup import Lookup

PARTNERS = ("bigmart", "corner", "harbor")
SITES = ("EAST", "WEST")

Sums = dict[tuple[str, str, str, date, int], Decimal]


def agreements(partner: str, _version: int) -> Agreement:
    found: Agreement = replace(AGREEMENT, partner=partner, channel=f"{partner}-edi")
    return found


def history(n: int, rng: random.Random) -> list[Fact]:
    """One order's facts: in full or short, in one shipment or two, on time or late, touched by hand, rejected, confirmed anew, cancelled."""
    key, partner = f"SO-{n}", rng.choice(PARTNERS)
    at = START + timedelta(hours=rng.randint(0, 200))
    play = Play(agreements(partner, 1), key)
    play.now = at
    price = {"agreed": "2.00"} if rng.random() < 0.25 else {}
    last_day = (at + timedelta(days=rng.choice((1, 3)))).date() if rng.random() < 0.7 else None
    play.tell(
        order(
            ordered("1", 10, **price),
            ordered("2", 4, "10.00"),
            partner=partner,
            purchase_order=f"P{n}",
            site=rng.choice(SITES),
            ship_no_later=last_day,
        )
    )
    if price:
        play.wait(hours=rng.randint(1, 30)).tell(told.PriceApproved(who="ann"))
    play.acknowledging = rng.random() < 0.8
    play.run()
    if rng.random() < 0.1:
        play.tell(told.OrderCancelled(by=rng.choice(("us", "customer"))))
        cancelled: list[Fact] = play.run().facts
        return cancelled
    play.wait(hours=rng.randint(1, 120))
    if rng.random() < 0.3:
        play.tell(shipped(f"SHP-{n}a", ("1", 10), complete=False, release="")).run().wait(hours=rng.randint(1, 40))
        play.tell(shipped(f"SHP-{n}b", ("2", rng.choice((3, 4))), complete=True))
    else:
        play.tell(shipped(f"SHP-{n}a", ("1", rng.choice((7, 10))), ("2", 4), complete=True))
    play.run()
    if rng.random() < 0.15:
        play.wait(hours=2).tell(shipped(f"SHP-{n}a", ("1", 9), ("2", 4), complete=True, purpose="replace")).run()
    sent = [o for o in play.effects if "/ship-notice/" in o or "/invoice/" in o]
    if sent and not play.acknowledging:
        for each in sent:
            status = rng.choice(("accepted", "rejected"))
            play.wait(hours=rng.randint(1, 50)).tell(told.AcknowledgementReceived(obligation=each, status=status))
    told_of: list[Fact] = play.facts
    return told_of


async def tell(database: Database, facts: Iterable[Fact], now: datetime) -> None:
    log = FactLog(database)
    await log.record([replace(f, source_id=f"{f.key}/{f.source_id}") for f in facts], now)
    while await fold_once(log, agreements, now):
        pass
    await wake_once(log, agreements, now)


async def kept(database: Database) -> dict[str, Sums]:
    found: dict[str, Sums] = {"cases": defaultdict(Decimal), "total": defaultdict(Decimal)}
    async with database.pool.acquire() as connection:
        for row in await connection.fetch("SELECT kpi::text AS kpi, * FROM figures WHERE cases <> 0 OR total <> 0"):
            place = (row["cut"], row["kpi"], row["member"], row["day"], row["bucket"])
            found["cases"][place] += row["cases"]
            found["total"][place] += row["total"]
    return {name: {k: v for k, v in sums.items() if v} for name, sums in found.items()}


def bucket_of(kpi: str, total: Decimal) -> int:
    return 0 if KPIS[kpi].unit == "share" or total <= 1 else math.ceil(4 * math.log(float(total)) / math.log(2.0))


class Plain:
    """The same figures worked out order by order in the plainest way, without a look at how the store does it."""

    def __init__(self) -> None:
        self.sums: dict[str, Sums] = {"cases": defaultdict(Decimal), "total": defaultdict(Decimal)}

    def count(self, kpi: str, at: datetime, total: Any, cases: Any = 1, **members: str) -> None:
        total = Decimal(total)
        for cut, member in [("all", ""), *members.items()]:
            place = (cut, kpi, member, at.astimezone(UTC).date(), bucket_of(kpi, total))
            self.sums["cases"][place] += Decimal(cases)
            self.sums["total"][place] += total

    def span(self, kpi: str, begin: datetime, end: datetime, **members: str) -> None:
        self.count(kpi, end, max(0, (end - begin) // timedelta(milliseconds=1)), **members)

    def order(self, key: str, facts: list[Fact], process: dict[str, Any], exceptions: list[dict[str, Any]]) -> None:
        def of(*types: type) -> list[Fact]:
            return sorted((f for f in facts if isinstance(f.data, types)), key=lambda f: f.occurred_at)

        first = of(told.OrderReceived)[0]
        by = {"partner": first.data.partner, "site": first.data.site, "channel": first.source}
        shipments: dict[str, list[Fact]] = defaultdict(list)
        for fact in of(told.ShipmentConfirmed):
            shipments[fact.data.shipment].append(fact)
        sent: dict[str, datetime] = {}
        for fact in of(told.DocumentSent):
            sent.setdefault(fact.data.obligation.removeprefix(key + "/"), fact.occurred_at)
        answered: dict[str, list[Fact]] = defaultdict(list)
        for fact in of(told.AcknowledgementReceived):
            answered[fact.data.obligation.removeprefix(key + "/")].append(fact)
        rejected = {what for what, said in answered.items() if any(f.data.status == "rejected" for f in said)}
        held = {o.removeprefix(key + "/") for x in exceptions for o in x["obligations"]}
        last_shipped = max((f.occurred_at for s in shipments.values() for f in s), default=None)

        for what, at in sent.items():
            kind, _, subject = what.partition("/")
            if what in answered and kind in ("acknowledge", "ship-notice", "invoice"):
                self.span("functional-ack", at, min(f.occurred_at for f in answered[what]), **by)
            if kind == "invoice":
                self.count("invoice-exception", at, what in held, **by)
            if kind == "ship-notice":
                replaced = any(f.data.purpose == "replace" and f.occurred_at > at for f in shipments.get(subject, ()))
                self.count("asn-accuracy", at, not (what in held or what in rejected or replaced), **by)
        answers = [at for what, at in sent.items() if what.startswith("acknowledge")]
        if answers:
            self.span("acknowledgement", first.occurred_at, min(answers), **by)
        for number, said in shipments.items():
            at = said[0].occurred_at
            before = [out for what, out in sent.items() if what.startswith("release/") and out <= at]
            release = sent.get(f"release/{said[0].data.release}", max(before, default=None))
            if release is not None:
                self.span("pick-to-ship", release, at, **by)
            if (invoice := sent.get(f"invoice/{number}")) is not None:
                self.span("ship-to-invoice", at, invoice, **by)

        milestone, lines = process["milestone"], process["summary"]["lines"].values()
        pairs = [(Decimal(x["ordered"]), Decimal(x["shipped"])) for x in lines if Decimal(x["ordered"]) > 0]
        whole = all(out >= wanted for wanted, out in pairs)
        late = None
        if milestone in ("shipped", "invoiced", "complete"):
            assert last_shipped is not None
            self.span("order-cycle", first.occurred_at, last_shipped, **by)
            self.count("fill", last_shipped, sum(min(p) for p in pairs), sum(p[0] for p in pairs), **by)
            self.count("line-fill", last_shipped, sum(out >= wanted for wanted, out in pairs), len(pairs), **by)
            if first.data.ship_no_later is not None:
                late = last_shipped.date() > first.data.ship_no_later
                self.count("on-time", last_shipped, not late, **by)
        last = max(f.occurred_at for f in facts)
        if milestone == "complete":
            self.count("perfect-order", last, whole and not late and not exceptions and not rejected, **by)
        if milestone in ("complete", "cancelled"):
            us = any(f.data.by == "us" for f in of(told.OrderCancelled))
            self.count("manual-touch", last, us or bool(of(told.PriceApproved)), **by)

    def lag(self, fact: Fact, queued: dict[str, datetime]) -> None:
        assert fact.recorded_at is not None
        settles = isinstance(
            fact.data,
            told.DocumentSent
            | told.CreditAnswered
            | told.ErpOrderCreated
            | told.ErpOrderRevised
            | told.ShipmentPosted
            | told.TaxReceived,
        )
        if not settles:
            lag = max(0, (fact.recorded_at - fact.occurred_at) // timedelta(milliseconds=1))
            self.count("sync-in", fact.recorded_at, lag, channel=fact.source)
        elif fact.data.obligation in queued:
            self.span("sync-out", queued[fact.data.obligation], fact.occurred_at, channel=fact.source)


async def recomputed(database: Database) -> dict[str, Sums]:
    lookup, plain = Lookup(database), Plain()
    async with database.pool.acquire() as connection:
        rows = await connection.fetch("SELECT lane, key FROM processes")
        queued = {r["id"]: r["created_at"] for r in await connection.fetch("SELECT id, created_at FROM deliveries")}
    for row in rows:
        facts = await lookup.facts_of(row["lane"], [row["key"]])
        process = await lookup.process(row["key"])
        assert process is not None
        if any(isinstance(f.data, told.OrderReceived) for f in facts):
            plain.order(row["key"], facts, process, await lookup.exceptions_of(row["key"]))
        for fact in facts:
            plain.lag(fact, queued)
    return {name: {k: v for k, v in sums.items() if v} for name, sums in plain.sums.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_figures_kept_are_those_recomputed_from_every_fact(database: Database, seed: int) -> None:
    """Facts of forty orders in any order, measured at any moment in batches of any size; then all of it anew."""
    rng = random.Random(seed)
    facts = [fact for n in range(40) for fact in history(n, rng)]
    if seed > 1:
        rng.shuffle(facts)
    figures, now = Figures(database), START
    while facts:
        batch, facts = facts[:60], facts[60:]
        now = max([now, *(f.occurred_at for f in batch)]) + timedelta(seconds=rng.randint(0, 4000))
        await tell(database, batch, now)
        if rng.random() < 0.5:
            await figures.measure(rng.choice((1, 3, 500)))
    assert await figures.catch_up(60, rng.choice((2, 500))) == 0
    plainly = await recomputed(database)
    assert {place[1] for place in plainly["cases"]} == set(KPIS)
    assert await kept(database) == plainly

    await figures.forget()
    assert await figures.catch_up(60, 7) == 0
    assert await kept(database) == plainly


async def test_an_order_that_moves_on_is_counted_once(database: Database) -> None:
    """A shipment confirmed anew takes its first confirmation's part in the figures."""
    play = Play().tell(order()).run().wait(hours=3).tell(shipped("S1", ("1", 8), ("2", 4), complete=True)).run()
    await tell(database, play.facts, play.now)
    figures = Figures(database)
    await figures.catch_up()
    begin, end = date(2026, 1, 1), date(2026, 12, 31)
    assert summed(await figures.by_day(["fill"], begin, end))["fill"].mean == pytest.approx(12 / 14)
    play.wait(hours=1).tell(shipped("S1", ("1", 10), ("2", 4), complete=True, purpose="replace"))
    await tell(database, play.facts[-1:], play.now)
    await figures.catch_up()
    fill = summed(await figures.by_day(["fill"], begin, end))["fill"]
    assert fill.cases == 14 and fill.mean == 1.0


async def test_a_partner_sees_its_own_figures_whatever_it_asks_for(database: Database) -> None:
    rng = random.Random(5)
    facts = [fact for n in range(12) for fact in history(n, rng)]
    await tell(database, facts, max(f.occurred_at for f in facts))
    figures = Figures(database)
    await figures.catch_up()
    begin, end = date(2026, 1, 1), date(2026, 12, 31)
    own = summed(await figures.by_day(KPIS, begin, end, "partner", "corner"))
    every = summed(await figures.by_day(KPIS, begin, end))
    assert own and own["order-cycle"].cases < every["order-cycle"].cases
    for asked in (("all", ""), ("partner", "bigmart"), ("site", "EAST")):
        assert summed(await figures.by_day(KPIS, begin, end, *asked, only="corner")) == own
    assert set(await figures.by_member(KPIS, "partner", PARTNERS, begin, end, only="corner")) == {"corner"}
    assert await figures.by_member(KPIS, "site", SITES, begin, end, only="corner") == {}
    assert await figures.members("site", KPIS, only="corner") == []
    assert await figures.members("partner", KPIS, only="corner") == ["corner"]
    assert await figures.members("partner", KPIS) == sorted(PARTNERS)
    assert await figures.members("partner", KPIS, after="bigmart", limit=1) == ["corner"]


def test_a_percentile_is_within_its_bucket() -> None:
    rng = random.Random(11)
    values = sorted(rng.lognormvariate(15, 2) for _ in range(5000))
    measured = Measured()
    for value in values:
        measured.add(Decimal(1), Decimal(value), {bucket_of("order-cycle", Decimal(value)): 1.0})
    for part in (0.1, 0.5, 0.9, 0.99):
        exact = values[math.ceil(part * len(values)) - 1]
        assert measured.percentile(part) == pytest.approx(exact, rel=0.19)
    assert Measured().percentile(0.5) is None and Measured().mean is None


def test_every_key_figure_is_defined_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "kpis.md").read_text()
    for kpi in KPIS.values():
        assert f"| {kpi.name} (`{kpi.id}`) | {kpi.unit} |" in page


async def test_only_one_measures_at_a_time(database: Database) -> None:
    play = Play().tell(order()).run()
    await tell(database, play.facts, play.now)
    figures = Figures(database)
    async with database.transaction() as connection:
        assert await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", 0x4B5049)
        assert await figures.measure() == 0
    assert await figures.measure() == len(play.facts)
