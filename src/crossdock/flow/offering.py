"""What a channel is offered of an item at a site, and how far the source of its figures is believed. Pure: the figures, the rules and the time are handed in."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from zlib import crc32

import msgspec

from crossdock.facts.feed import OfferedLine
from crossdock.ledger.freshness import FRESH, Belief, Freshness, FreshnessRule, freshness
from crossdock.ledger.offer import ChannelRule, Offer, offer
from crossdock.policy.stock import Channel, StockPolicy
from crossdock.ports.channels import Figure

NOTHING = Decimal(0)
ONE = Decimal(1)
State = str
"""fresh, widen, zero or stop: what a channel does about a source."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One offered figure and how it came about. state: what the channel does about the site's source (`source`, "" when nobody tells the site's stock)."""

    figure: Figure
    rule: ChannelRule
    offer: Offer
    safety: Decimal
    source: str
    state: State
    heard_at: datetime | None
    line: OfferedLine | None


class Selling(msgspec.Struct, frozen=True):
    """A channel with what the company agreed about stock, ready to be asked; `sellings` makes it. units: stock unit by item. terms: a digest of all that a figure
    depends on beside stock: when it changes, everything is told anew."""

    channel: Channel
    policy: StockPolicy
    units: Mapping[str, str]
    terms: str

    @property
    def sites(self) -> tuple[str, ...]:
        """From where it sells."""
        return self.channel.sites or tuple(self.policy.sites)

    @property
    def sources(self) -> tuple[str, ...]:
        """The systems that tell the stock of its sites."""
        return tuple(sorted({s.system for site in self.sites if (s := self.policy.sites.get(site)) and s.system}))

    def sells(self, item: str, site: str) -> bool:
        """Whether the channel is told of this at all."""
        return site in self.sites and (not self.channel.items or item in self._items)

    @property
    def _items(self) -> frozenset[str]:
        return _set_of(self.channel.items)

    def belief(self, source: str, heard_at: datetime | None, now: datetime) -> tuple[State, Freshness]:
        """What the channel does about a source that was last heard at `heard_at`."""
        rule = self.channel.stale_rule(source) if source else None
        if rule is None:
            return "fresh", FRESH
        after = timedelta(minutes=rule.after_minutes)
        if rule.action == "widen":
            found = freshness(heard_at, now, FreshnessRule(stale_after=after, buffer_factor=rule.factor))
        else:
            found = freshness(heard_at, now, FreshnessRule(stop_after=after))
        return ("fresh" if found.belief is Belief.FRESH else rule.action), found

    def explain(self, figure: Figure, heard: Mapping[str, datetime | None], now: datetime) -> Explained:
        """The offered figure; its line is None where the channel is told nothing of it for the time being and never was."""
        policy, channel = self.policy, self.channel
        site = policy.sites.get(figure.site)
        source = site.system if site is not None else ""
        state, believed = self.belief(source, heard.get(source), now)
        said = policy.items.get(figure.item)
        safety = policy.safety(figure.item)
        rule = ChannelRule(
            share_percent=channel.share_percent,
            buffer=channel.buffer + safety,
            buffer_percent=channel.buffer_percent,
            cap=channel.cap,
            minimum=channel.minimum,
            multiple=said.multiple if said is not None and said.multiple is not None else ONE,
        )
        made = offer(figure.available, rule, believed)
        if channel.receipts and believed.belief is not Belief.STOPPED:
            made = self._with_next(figure, rule, believed, made, now.date())
        line: OfferedLine | None = OfferedLine(
            item=figure.item,
            site=figure.site,
            quantity=made.quantity,
            unit=self.units.get(figure.item, ""),
            next_on=made.next_on,
            next_quantity=made.next_quantity,
        )
        if state == "stop":
            line = self._as_told(figure)
        return Explained(
            figure=figure,
            rule=rule,
            offer=made,
            safety=safety,
            source=source,
            state=state,
            heard_at=heard.get(source),
            line=line,
        )

    def _with_next(self, figure: Figure, rule: ChannelRule, believed: Freshness, now: Offer, today: date) -> Offer:
        """What is expected first covers what waits for it; the first day on which more is left than is offered now is told."""
        balance = figure.available - figure.lacking
        for due, quantity in figure.receipts:
            if (today - due).days > self.policy.receipts_late_days:
                continue
            if (due - today).days > self.policy.horizon_days:
                break
            balance += quantity
            more = offer(balance, rule, believed).quantity - now.quantity
            if more > 0:
                return msgspec.structs.replace(now, next_on=max(due, today + timedelta(1)), next_quantity=more)
        return now

    def _as_told(self, figure: Figure) -> OfferedLine | None:
        if figure.told is None:
            return None
        return OfferedLine(
            item=figure.item,
            site=figure.site,
            quantity=figure.told,
            unit=self.units.get(figure.item, ""),
            next_on=figure.told_next_on,
            next_quantity=figure.told_next_quantity,
        )


def sellings(policy: StockPolicy, channels: Mapping[str, Channel], units: Mapping[str, str]) -> list[Selling]:
    """Every channel, by its id, ready to be asked."""
    general = msgspec.json.encode(
        (policy.buffer, policy.items, policy.sites, policy.receipts_late_days), order="deterministic"
    )
    before = crc32(general)
    return [
        Selling(channel, policy, units, f"{crc32(msgspec.json.encode(channel, order='deterministic'), before):08x}")
        for _, channel in sorted(channels.items())
    ]


def changed(figure: Figure, line: OfferedLine) -> bool:
    """Whether the channel was told otherwise. Of what it was never told, nothing is nothing new."""
    if figure.told is None:
        return bool(line.quantity) or line.next_on is not None
    return (figure.told, figure.told_next_on, figure.told_next_quantity) != (
        line.quantity,
        line.next_on,
        line.next_quantity,
    )


_sets: dict[int, tuple[tuple[str, ...], frozenset[str]]] = {}


def _set_of(items: tuple[str, ...]) -> frozenset[str]:
    """A channel's list as a set, made once for the list."""
    known = _sets.get(id(items))
    if known is None or known[0] is not items:
        if len(_sets) > 100:
            _sets.clear()
        known = _sets[id(items)] = (items, frozenset(items))
    return known[1]
