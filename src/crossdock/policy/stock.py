"""What is agreed about stock: how it is shared out, who is of record for it, and what each channel is told of it. Values of the workspace.

Quantities are in an item's stock unit, money in the company's currency. Nothing here reads a clock: moments are arguments.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as Time
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

Allocation = Literal["priority", "first-come", "fair-share"]
State = Literal["on-hand", "available", "allocated", "picked", "in-transit", "damaged", "quarantined"]
"""A state of stock that a system may be of record for: the words of `ledger.legs.State`."""

ZERO = Decimal(0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When something is due: every so many hours from midnight UTC on 1 January 1970, or at these times of the day ("HH:MM") in `zone`. Neither: never by itself."""

    every_hours: int | None = None
    at: tuple[str, ...] = ()
    zone: str = "UTC"

    def slot(self, now: datetime) -> datetime | None:
        """The last moment, not after `now`, at which it was due; None when it never is. All machines give the same."""
        found: list[datetime] = []
        if self.every_hours:
            found.append(now - (now - _EPOCH) % timedelta(hours=self.every_hours))
        if self.at:
            zone = ZoneInfo(self.zone)
            today = now.astimezone(zone).date()
            for day in (today, today - timedelta(days=1)):
                for text in self.at:
                    hour, minute = map(int, text.split(":"))
                    at = datetime.combine(day, Time(hour, minute), zone).astimezone(now.tzinfo)
                    if at <= now:
                        found.append(at)
        return max(found, default=None)


class StockOwner(msgspec.Struct, frozen=True, kw_only=True):
    """`system` is of record for stock in `state` at `site` ("": at every site without a rule of its own) from the beginning of the day `since` (UTC) on, None: from
    ever. `ledger.ownership` says what follows."""

    state: State
    system: str
    site: str = ""
    since: date | None = None


class StockSite(msgspec.Struct, frozen=True, kw_only=True):
    """A site whose stock is kept. system: the warehouse system that tells it, "" for none. entity: the legal entity on whose books it stands."""

    system: str = ""
    entity: str = ""


class StockItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is particular about an item. safety: never promised, at any site; None: the general buffer. value: of one stock unit. multiple: it is sold in these."""

    safety: Decimal | None = None
    value: Decimal | None = None
    multiple: Decimal | None = None


class StockPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The `[stock]` table, and what the CSV files say for it. Without one no stock is kept.

    allocation: who goes first when there is not enough. horizon_days: how far ATP looks. What orders of a partner may do (split, wait, substitute) stands in its agreement.
    buffer: never promised, by item and site, where the item says no `safety`. receipts_late_days: an expected receipt that is later than that is not counted on.
    negative_at: sites whose balances may fall below nothing.
    repair_free: repairs worth at most this may be done together, without a word to each; repair_limit, repair_units: worth more than this, or of more units, one may
    not be done at all, None: no such limit.
    reconcile: when snapshots are asked for; grace_minutes: a difference younger than that may be a movement under way; patience_hours: for so long a missing message
    is waited for; look_back_days: so far back causes are looked for at a first comparison. silent_after_minutes: a system that tells
    stock and was not heard for so long is stale, None: never.
    """

    allocation: Allocation = "priority"
    horizon_days: int = 180
    buffer: Decimal = ZERO
    receipts_late_days: int = 7
    negative_at: tuple[str, ...] = ()
    repair_free: Decimal = ZERO
    repair_limit: Decimal | None = None
    repair_units: Decimal | None = None
    reconcile: Schedule = Schedule()
    grace_minutes: float = 60
    patience_hours: float = 24
    look_back_days: int = 14
    silent_after_minutes: float | None = 60
    owners: tuple[StockOwner, ...] = ()
    sites: Mapping[str, StockSite] = {}
    items: Mapping[str, StockItem] = {}

    def safety(self, item: str) -> Decimal:
        """So many of an item are kept back at each site."""
        said = self.items.get(item)
        return self.buffer if said is None or said.safety is None else said.safety

    def told_by(self, system: str) -> tuple[str, ...]:
        """The sites whose stock `system` tells."""
        return tuple(site for site, said in self.sites.items() if said.system == system)

    def sources(self) -> tuple[str, ...]:
        """The systems that tell stock, by name."""
        return tuple(sorted({said.system for said in self.sites.values() if said.system}))


class StaleRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel does when `source` ("": any) was not heard for `after_minutes`: widen its buffer by `factor`, tell zero of the sites that the source tells,
    or stop telling of them."""

    source: str = ""
    after_minutes: float = 60
    action: Literal["widen", "zero", "stop"] = "widen"
    factor: Decimal = Decimal(2)


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel is told of our stock: a file of `channels/`.

    id: its name. system: where it goes; format: x12 (an 846) or json; partner: whose 846. sites, items: of which, () for all.
    What is offered of an item at a site: share_percent of what is available behind the buffer (`buffer` units, buffer_percent of what is available, and the safety),
    at most `cap`; less than `minimum` is told as nothing. delta_seconds: changes are gathered for so long. snapshot: when everything is told anew.
    late_minutes: an offer that is not delivered by then is an exception. receipts: tell when more is expected. lines: at most so many in one document.
    """

    id: str
    system: str
    format: Literal["x12", "json"] = "json"
    partner: str = ""
    name: str = ""
    sites: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    share_percent: Decimal = Decimal(100)
    buffer: Decimal = ZERO
    buffer_percent: Decimal = ZERO
    cap: Decimal | None = None
    minimum: Decimal = ZERO
    delta_seconds: float = 5
    snapshot: Schedule = Schedule(every_hours=24)
    late_minutes: float = 15
    receipts: bool = True
    lines: int = 5000
    stale: tuple[StaleRule, ...] = ()

    def stale_rule(self, source: str) -> StaleRule | None:
        """The rule that holds for a source: its own before the one for any."""
        named = {rule.source: rule for rule in self.stale}
        return named.get(source) or named.get("")
