"""What others are told beside orders: acknowledgements of what came in, variances, exceptions, what is available of an item, webhooks given up. Pure."""

from datetime import datetime
from decimal import Decimal

from crossdock.events.event import Event, event
from crossdock.events.types import (
    AcknowledgementSent,
    ExceptionClosed,
    ExceptionOpened,
    StockAvailableChanged,
    SubscriptionDisabled,
    VarianceClosed,
    VarianceFound,
)
from crossdock.facts.fact import Fact
from crossdock.facts.order import DocumentSent
from crossdock.facts.variance import VarianceFound as Found
from crossdock.facts.variance import VarianceGone as Gone

_ACKNOWLEDGEMENTS = {"functional-acknowledgement": "functional", "interchange-acknowledgement": "interchange"}


def events_of(fact: Fact, partner: str = "") -> list[Event]:
    """What a fact that is about no order tells."""
    data = fact.data
    if isinstance(data, Found):
        said = VarianceFound(
            variance=fact.key,
            system=data.system,
            item=data.item,
            site=data.site,
            place=data.place,
            ours=data.ours,
            theirs=data.theirs,
            quantity=data.quantity,
            cause=data.cause,
            as_of=data.as_of,
            amount=data.amount,
        )
        return [event(fact.id, said, fact.key, fact.occurred_at, "")]
    if isinstance(data, Gone):
        return [event(fact.id, VarianceClosed(variance=fact.key, as_of=data.as_of), fact.key, fact.occurred_at, "")]
    if isinstance(data, DocumentSent) and data.document in _ACKNOWLEDGEMENTS:
        kind = _ACKNOWLEDGEMENTS[data.document]
        sent = AcknowledgementSent(about=fact.key, kind=kind, obligation=data.obligation, number=data.number)
        return [event(fact.id, sent, fact.key, fact.occurred_at, partner)]
    return []


def opened(
    id_: str,
    key: str,
    partner: str,
    category: str,
    cause: str,
    detail: str,
    action: str,
    amount: Decimal | None,
    at: datetime,
) -> Event:
    """An exception stands open since `at`."""
    said = ExceptionOpened(
        exception=id_, about=key, category=category, cause=cause, detail=detail, action=action, amount=amount
    )
    return event(f"{id_}@{at.isoformat()}", said, key, at, partner)


def closed(id_: str, key: str, partner: str, category: str, cause: str, opened_at: datetime, at: datetime) -> Event:
    """An exception that stood open since `opened_at` is closed."""
    said = ExceptionClosed(exception=id_, about=key, category=category, cause=cause, opened_at=opened_at)
    return event(f"{id_}@{opened_at.isoformat()}", said, key, at, partner)


def available(item: str, site: str, quantity: Decimal, previous: Decimal | None, times: int, now: datetime) -> Event:
    """What can be promised of an item at a site is another quantity than was told, for the `times`-th time."""
    said = StockAvailableChanged(item=item, site=site, available=quantity, previous=previous)
    key = f"{item}@{site}"
    return event(f"stock/{key}/{times}", said, key, now, "")


def disabled(subscription: str, url: str, reason: str, partner: str, at: datetime) -> Event:
    """A webhook was given up at `at`."""
    said = SubscriptionDisabled(subscription=subscription, url=url, reason=reason)
    return event(f"subscription/{subscription}/{at.isoformat()}", said, subscription, at, partner)
