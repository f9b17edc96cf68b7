"""Facts about what channels are told of our stock, and about who tells us: offers made, offers overtaken, sources heard. Quantities are in our stock unit."""

from datetime import date, datetime
from decimal import Decimal

import msgspec

from crossdock.facts.told import Told


class OfferedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """So many of `item` at `site` may be sold by the channel; `next_quantity` more are expected on `next_on`, where that is told and known."""

    item: str
    site: str
    quantity: Decimal
    unit: str = ""
    next_on: date | None = None
    next_quantity: Decimal = Decimal(0)


class StockOffered(Told, frozen=True, kw_only=True, tag="stock.offered"):
    """A channel is to be told this. `sequence` rises by one with each offer to the channel and names it. full: all that the channel is offered; what is not in it,
    it has none of (`part` of `parts` where one document cannot hold it). Otherwise `lines` are those that changed, each as it is now.
    as_of: the moment the figures speak of. system, partner, format: where it goes, and by whose guide. due_at: by when it is to be delivered."""

    channel: str
    sequence: int
    full: bool
    as_of: datetime
    system: str
    lines: tuple[OfferedLine, ...] = ()
    partner: str = ""
    due_at: datetime | None = None
    part: int = 1
    parts: int = 1


class OfferSuperseded(Told, frozen=True, kw_only=True, tag="stock.offer-superseded"):
    """A later full offer, `by`, tells all that this one did: what of this one is not delivered yet is not sent any more."""

    channel: str
    by: int


class SourceHeard(Told, frozen=True, kw_only=True, tag="source.heard"):
    """A system that tells us stock was heard, at `heard_at`. silent_at: when it is stale unless it is heard again; None: never. stops, widens: the channels whose
    feed then stops (or tells zero), and those whose buffer widens."""

    system: str
    heard_at: datetime
    silent_at: datetime | None = None
    stops: tuple[str, ...] = ()
    widens: tuple[str, ...] = ()


class SourceSilent(Told, frozen=True, kw_only=True, tag="source.silent"):
    """A system that tells us stock has not been heard since `heard_at` (None: never yet), longer than agreed. stops, widens: as in `source.heard`."""

    system: str
    heard_at: datetime | None = None
    stops: tuple[str, ...] = ()
    widens: tuple[str, ...] = ()


FeedFact = StockOffered | OfferSuperseded
SourceFact = SourceHeard | SourceSilent
