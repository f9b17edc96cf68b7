"""Available to sell: what one channel is told of an item, out of what is available. The buffer comes off first, then the channel's share, its cap, and its minimum.

An offer is never above what is available and never below nothing. When what it rests on is stale the buffer is wider by the rule's factor; when it is stopped
nothing is offered.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from crossdock.ledger.atp import Promisable
from crossdock.ledger.freshness import FRESH, Belief, Freshness

NOTHING = Decimal(0)
_PERCENT = Decimal("0.01")

Limit = Literal["", "nothing-available", "buffer", "share", "cap", "minimum", "stopped"]


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a channel is offered. share_percent: of what is available behind the buffer. buffer, buffer_percent (of what is available): held back; both add up.
    cap: never more than this is told. minimum: less than this is told as nothing. multiple: told in whole multiples (an inner, a case); nothing: as it is."""

    share_percent: Decimal = Decimal(100)
    buffer: Decimal = NOTHING
    buffer_percent: Decimal = NOTHING
    cap: Decimal | None = None
    minimum: Decimal = NOTHING
    multiple: Decimal = Decimal(1)


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`quantity` may be sold. buffer: what was held back. limit: what made it less than there is, the last that did: stopped, minimum, cap, share, buffer,
    nothing-available, or "". next_on, next_quantity: from when so many more may be, where that is known."""

    quantity: Decimal
    buffer: Decimal = NOTHING
    limit: Limit = ""
    next_on: date | None = None
    next_quantity: Decimal = NOTHING


def offer(available: Decimal, rule: ChannelRule, freshness: Freshness = FRESH) -> Offer:
    """What the channel is told when so many are available."""
    if freshness.belief is Belief.STOPPED:
        return Offer(quantity=NOTHING, limit="stopped")
    if available <= 0:
        return Offer(quantity=NOTHING, limit="nothing-available")
    limit: Limit = ""
    buffer = rule.buffer + available * rule.buffer_percent * _PERCENT
    if freshness.belief is Belief.STALE:
        buffer *= freshness.factor
    buffer = min(buffer, available)
    quantity = available - buffer
    if buffer > 0:
        limit = "buffer"
    shared = quantity * rule.share_percent * _PERCENT
    if shared < quantity:
        quantity, limit = shared, "share"
    if rule.cap is not None and quantity > rule.cap:
        quantity, limit = rule.cap, "cap"
    if rule.multiple > 0:
        quantity = quantity // rule.multiple * rule.multiple
    if quantity < rule.minimum:
        quantity, limit = NOTHING, "minimum"
    return Offer(quantity=quantity, buffer=buffer, limit=limit)


def offer_with_next(
    promisable: Promisable, rule: ChannelRule, freshness: Freshness = FRESH, *, site: str | None = None
) -> Offer:
    """What the channel is told of what can be promised today, at `site` or in total, and the next day from which it would be told more, and by how much. What comes
    and is owed already is not told."""
    now = offer(promisable.quantity_on(promisable.today, site), rule, freshness)
    if freshness.belief is Belief.STOPPED:
        return now
    for day, quantity in promisable.by_day(site):
        more = offer(quantity, rule, freshness).quantity - now.quantity
        if more > 0 and day >= promisable.today + timedelta(1):
            return msgspec.structs.replace(now, next_on=day, next_quantity=more)
    return now
