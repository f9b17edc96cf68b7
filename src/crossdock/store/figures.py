"""Key figures: measured from the log as it is folded, kept by day, and read as averages, percentiles and shares. docs/kpis.md defines each.

`measure` is a batch of that work, made by whoever comes first (a worker, a page that is read); what it writes follows from the log alone, so that
`forget` and measuring anew end with the same figures. Days are UTC. Nothing here is asked of every order: pages read sums.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec

from crossdock.store.database import Database
from crossdock.store.queries import SQL

Cut = Literal["all", "partner", "site", "channel"]

MEASURING_LOCK = 0x4B5049
FACTS_A_LANE = 500
"""Facts of each lane in one batch: some thousands in all, a second's work at most."""

OUR_OWN = ("crossdock", "order", "stock", "reconcile", "repair")
"""Sources of facts that are conclusions of ours, not told by anybody."""
SETTLING = (
    "document.sent",
    "credit.answered",
    "erp.order-created",
    "erp.order-revised",
    "erp.shipment-posted",
    "tax.received",
)
"""Facts that say that the other side has taken what we sent."""
BY_HAND = (
    "order.price-approved",
    "order.line-cancelled",
    "order.exception-decided",
    "order.lines-resolved",
    "effect.retried",
)
"""Facts by which a person stepped in; an order cancelled by us is another."""

STEPS_AN_OCTAVE = 4
"""Into how many buckets a doubling of a duration is divided; `figure_bucket` in the schema has the same."""


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """What a key figure is. unit: duration, or share of cases. better: whether less or more of it is good. cuts: by what it is kept.
    words: what it says, in a sentence."""

    id: str
    name: str
    unit: Literal["duration", "share"]
    better: Literal["less", "more"]
    words: str
    cuts: tuple[Cut, ...] = ("all", "partner", "site", "channel")


KPIS: Mapping[str, Kpi] = {
    kpi.id: kpi
    for kpi in (
        Kpi(
            id="perfect-order",
            name="Perfect orders",
            unit="share",
            better="more",
            words="Completed orders that were shipped in full and on time, without an exception or a rejected document.",
        ),
        Kpi(
            id="fill",
            name="Fill rate",
            unit="share",
            better="more",
            words="Units shipped of the units ordered, of orders of which nothing more will ship.",
        ),
        Kpi(
            id="line-fill",
            name="Line fill rate",
            unit="share",
            better="more",
            words="Order lines shipped in full, of orders of which nothing more will ship.",
        ),
        Kpi(
            id="on-time",
            name="Shipped on time",
            unit="share",
            better="more",
            words="Orders with a last ship date whose last shipment left by it.",
        ),
        Kpi(
            id="order-cycle",
            name="Order cycle time",
            unit="duration",
            better="less",
            words="From the order to the last shipment, of orders of which nothing more will ship.",
        ),
        Kpi(
            id="pick-to-ship",
            name="Pick to ship",
            unit="duration",
            better="less",
            words="From the release to the warehouse to its confirmation, by shipment.",
        ),
        Kpi(
            id="ship-to-invoice",
            name="Ship to invoice",
            unit="duration",
            better="less",
            words="From the shipment to the invoice that bills it, by invoice.",
        ),
        Kpi(
            id="invoice-exception",
            name="Invoice exceptions",
            unit="share",
            better="less",
            words="Invoices sent that an exception had held up.",
        ),
        Kpi(
            id="manual-touch",
            name="Manual touches",
            unit="share",
            better="less",
            words="Orders that came to their end and that a person had to step into on the way.",
        ),
        Kpi(
            id="asn-accuracy",
            name="ASN accuracy",
            unit="share",
            better="more",
            words="Ship notices sent that were neither held up, rejected, nor overtaken by another confirmation.",
        ),
        Kpi(
            id="acknowledgement",
            name="Our acknowledgement",
            unit="duration",
            better="less",
            words="From the order to our first answer to it (855).",
        ),
        Kpi(
            id="functional-ack",
            name="Their acknowledgement",
            unit="duration",
            better="less",
            words="From a document to the customer to the customer's functional acknowledgement of it (997).",
        ),
        Kpi(
            id="sync-in",
            name="Sync lag, in",
            unit="duration",
            better="less",
            words="From when something happened elsewhere to when it was recorded here, by fact.",
            cuts=("all", "channel"),
        ),
        Kpi(
            id="sync-out",
            name="Sync lag, out",
            unit="duration",
            better="less",
            words="From when something was queued for a system to when that had taken it, by delivery.",
            cuts=("all", "channel"),
        ),
    )
}
"""Every key figure by id, in the order in which they are shown."""


class Measured(msgspec.Struct):
    """Cases of one key figure, summed. buckets: of durations, how many cases by quarter octave, as far as percentiles need it exact."""

    cases: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    buckets: dict[int, float] = {}

    def add(self, cases: Decimal, total: Decimal, buckets: Mapping[int, float]) -> None:
        """Adds cases with the buckets that they are in."""
        self.cases += cases
        self.total += total
        for bucket, here in buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0.0) + here

    @property
    def mean(self) -> float | None:
        """Average milliseconds, or the share, 0 to 1; None without a case."""
        return float(self.total / self.cases) if self.cases else None

    def percentile(self, part: float) -> float | None:
        """Milliseconds that `part` (0 to 1) of the cases do not exceed; within a bucket cases are taken as evenly spread, so it is off by less than
        a bucket's width, 19 %. None without a case."""
        if not self.cases:
            return None
        wanted = float(self.cases) * part
        below = 0.0
        for bucket in sorted(self.buckets):
            here = self.buckets[bucket]
            if here and below + here >= wanted:
                low, high = _bounds(bucket)
                return low + (high - low) * (wanted - below) / here
            below += here
        return _bounds(max(self.buckets))[1]


def _bounds(bucket: int) -> tuple[float, float]:
    high: float = 2 ** (bucket / STEPS_AN_OCTAVE)
    return (0.0 if bucket <= 0 else high / 2 ** (1 / STEPS_AN_OCTAVE), high)


class DayFigure(msgspec.Struct, frozen=True):
    """One key figure on one day."""

    kpi: str
    day: date
    measured: Measured


class Figures:
    """The key figures in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def measure(self, facts_a_lane: int = FACTS_A_LANE) -> int:
        """Measures the next facts of every lane, in one transaction; returns how many there were. 0 too while another process is at it."""
        async with self._database.repeatable() as connection:
            if not await connection.fetchval(SQL["hold_measuring"], MEASURING_LOCK):
                return 0
            rows = await connection.fetch(SQL["lanes_to_measure"], facts_a_lane)
            if not rows:
                return 0
            lanes, done, upto = [r["lane"] for r in rows], [r["done"] for r in rows], [r["upto"] for r in rows]
            await connection.execute(SQL["plan_measuring"])
            await connection.execute(SQL["measure_lags"], lanes, done, upto, SETTLING, OUR_OWN)
            await connection.execute(SQL["measure_orders"], lanes, done, upto, BY_HAND)
            await connection.execute(SQL["save_measuring"], lanes, upto)
            measured: int = sum(upto) - sum(done)
            return measured

    async def catch_up(
        self, seconds: float = 0.2, facts_a_lane: int = FACTS_A_LANE, clock: Callable[[], float] = time.monotonic
    ) -> int:
        """Measures batch by batch until nothing is ahead or the time is over; returns how many facts are left."""
        until = clock() + seconds
        while await self.measure(facts_a_lane) and clock() < until:
            pass
        return await self.ahead()

    async def ahead(self) -> int:
        """How many facts are folded and not measured."""
        async with self._database.pool.acquire() as connection:
            left: int = await connection.fetchval(SQL["facts_to_measure"])
            return left

    async def forget(self) -> None:
        """Throws the figures away; the next measuring begins with the log's first fact."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["forget_figures"])

    async def by_day(
        self,
        kpis: Iterable[str],
        begin: date,
        end: date,
        cut: Cut = "all",
        member: str = "",
        only: str | None = None,
    ) -> list[DayFigure]:
        """Each key figure on each day from `begin` to `end` that has cases. only: the one partner whose figures may be seen, whatever cut was asked for."""
        if only is not None:
            cut, member = "partner", only
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["figures_by_day"], cut, list(kpis), member, begin, end)
        return [DayFigure(row["kpi"], row["day"], _measured(row)) for row in rows]

    async def by_member(
        self,
        kpis: Iterable[str],
        cut: Cut,
        members: Sequence[str],
        begin: date,
        end: date,
        only: str | None = None,
    ) -> dict[str, dict[str, Measured]]:
        """Each key figure of each of these members over the days from `begin` to `end`; those without cases are left out."""
        if only is not None:
            cut, members = "partner", [m for m in members if m == only]
        found: dict[str, dict[str, Measured]] = {}
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["figures_by_member"], cut, list(kpis), list(members), begin, end)
        for row in rows:
            found.setdefault(row["member"], {})[row["kpi"]] = _measured(row)
        return found

    async def members(
        self, cut: Cut, kpis: Iterable[str], after: str = "", limit: int = 100, only: str | None = None
    ) -> list[str]:
        """Partners, sites or channels that have figures, in order, those behind `after` first."""
        if only is not None:
            return [only] if cut == "partner" else []
        async with self._database.pool.acquire() as connection:
            rows = await connection.fetch(SQL["figure_members"], cut, list(kpis), after, limit)
        return [row["member"] for row in rows]


def _measured(row: Any) -> Measured:
    return Measured(row["cases"], row["total"], dict(zip(row["buckets"], row["counts"], strict=True)))


def summed(figures: Iterable[DayFigure]) -> dict[str, Measured]:
    """The days of each key figure as one."""
    found: dict[str, Measured] = {}
    for each in figures:
        found.setdefault(each.kpi, Measured()).add(each.measured.cases, each.measured.total, each.measured.buckets)
    return found


def days_until(end: date, days: int) -> tuple[date, date]:
    """The period of so many days that ends with `end`, that day included."""
    return end - timedelta(days=days - 1), end
