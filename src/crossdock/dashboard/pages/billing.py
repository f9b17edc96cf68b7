"""Billing: what is owed and not invoiced, by the checkpoint that it waits for and by customer, with the money in it; the first due first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request, Response, Router, get

from crossdock.api.hub import Hub
from crossdock.api.paging import decode, encode
from crossdock.api.permission import Permission, allowed
from crossdock.dashboard.filtering import only_of
from crossdock.dashboard.remembered import Remembered
from crossdock.dashboard.render import page
from crossdock.store.trading import Row, Trading, place_of

ROWS = 50
NOTHING = Decimal(0)

CHECKPOINTS: Mapping[str, str] = {
    "release-approved": "the release that was shipped is known to be out",
    "shipment-confirmed": "the warehouse confirms the shipment",
    "price-validated": "the price of a line is settled",
    "tax-received": "the tax service answers",
    "no-open-exception": "somebody decides an open exception",
    "ship-notice-sent": "the ship notice goes out",
    "shipment-posted": "the ERP posts the shipment",
    "over-shipped": "somebody decides about what was shipped too much",
    "substituted": "somebody decides about another item than ordered",
    "shipped-after-cancel": "somebody decides about goods that left after the cancellation",
    "shipment-conflict": "somebody decides which of two confirmations holds",
    "lines-decided": "a line is understood or priced",
    "ready": "nothing: it is being sent",
    "refused": "somebody looks at a refusal and tries again",
}
"""What an invoice waits until, by the checkpoint's name; any other is told by its name."""


class Waiting(msgspec.Struct, kw_only=True):
    """Invoices that wait for one checkpoint, or at one customer. amounts: by currency; alone: those that wait for nothing else."""

    name: str
    words: str = ""
    count: int = 0
    amounts: dict[str, Decimal] = {}
    since: datetime | None = None
    alone: int = 0
    late: int = 0
    late_amounts: dict[str, Decimal] = {}
    part: float = 0.0

    def add(self, currency: str, row: Mapping[str, Any]) -> None:
        """The figures of one customer beside those there are."""
        self.count += row["count"]
        self.amounts[currency] = self.amounts.get(currency, NOTHING) + (row["amount"] or NOTHING)
        self.since = min([each for each in (self.since, row["since"]) if each is not None], default=None)
        self.alone += row.get("alone", 0)
        if row.get("late"):
            self.late += row["late"]
            self.late_amounts[currency] = self.late_amounts.get(currency, NOTHING) + (row["late_amount"] or NOTHING)


Summaries = Remembered[tuple[list[Row], list[Row]]]
_summaries: WeakKeyDictionary[Hub, Summaries] = WeakKeyDictionary()


def _all_that_waits(hub: Hub) -> Summaries:
    """By customer, and by checkpoint and customer: this server's."""
    found = _summaries.get(hub)
    if found is None:
        trading, clock = Trading(hub.database), hub.clock

        async def work() -> tuple[list[Row], list[Row]]:
            return await trading.to_bill_by_partner(clock()), await trading.to_bill_by_checkpoint()

        found = _summaries[hub] = Remembered(work)
    return found


@get("/billing", guards=[allowed(Permission.FIGURES_READ)])
async def billing(
    request: Request[Any, Any, Any], hub: Hub, partner: str = "", waits: str = "", cursor: str | None = None
) -> Response[str]:
    """All that waits to be billed, narrowed to a customer or a checkpoint where asked."""
    only, loaded = only_of(request), hub.book.current
    trading = Trading(hub.database)
    bound = ("billing", partner, waits, only)
    after = decode(cursor, bound, tuple[datetime, str])
    by_partner, by_checkpoint = (
        [row for row in rows if only in (None, row["partner"])] for rows in await _all_that_waits(hub).told()
    )
    # What nothing waits for need not be looked for among all that waits.
    any_waits = not waits or any(row["checkpoint"] == waits for row in by_checkpoint)
    rows = await trading.to_bill(partner or None, waits or None, after, ROWS + 1, only) if any_waits else []
    agreements = loaded.agreements if loaded is not None else {}
    ours = loaded.company.currency if loaded is not None else ""

    def currency(of: str) -> str:
        return agreements[of].currency if of in agreements else ours

    partners = _gathered((row["partner"], currency(row["partner"]), row) for row in by_partner)
    checkpoints = _gathered(
        (row["checkpoint"], currency(row["partner"]), row) for row in by_checkpoint if partner in ("", row["partner"])
    )
    for each in checkpoints:
        each.words = CHECKPOINTS.get(each.name, each.name.replace("-", " "))
    total = Waiting(name="all")
    for row in by_partner:
        total.add(currency(row["partner"]), row)
    return page(
        request,
        "billing.html",
        rows=rows[:ROWS],
        next=encode(place_of(rows[ROWS - 1]), bound) if len(rows) > ROWS else None,
        first=cursor is None,
        partners=partners,
        checkpoints=checkpoints,
        total=total,
        ready=sum(row["ready"] for row in by_partner),
        refused=sum(row["refused"] for row in by_partner),
        partner=partner,
        waits=waits,
        names={id_: each.name for id_, each in loaded.directory.partners.items()} if loaded is not None else {},
        at=lambda **more: _at({"partner": partner, "waits": waits, **more}),
        words=CHECKPOINTS,
    )


def _at(values: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in values.items() if value})
    return f"/billing?{query}" if query else "/billing"


def _gathered(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[Waiting]:
    """The rows of one name as one, the most money first."""
    found: dict[str, Waiting] = {}
    for name, currency, row in rows:
        found.setdefault(name, Waiting(name=name)).add(currency, row)
    most = max((sum(each.amounts.values(), NOTHING) for each in found.values()), default=NOTHING)
    for each in found.values():
        each.part = float(sum(each.amounts.values(), NOTHING) / most) if most else 0.0
    return sorted(found.values(), key=lambda each: (-each.part, each.name))


router = Router("/", route_handlers=[billing])
