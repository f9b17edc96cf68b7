"""Webhooks as people and programs ask for them, by HTTP or by command: what is wanted is checked here, once, before the store has it."""

import os
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from crossdock.connectors.events.guard import Allowed, Forbidden, target_of
from crossdock.events import PREFIX, short, signing
from crossdock.store.webhooks import Subscription, WebhookStore

OVERLAP_HOURS = 24
"""How long a secret that was replaced signs as well, unless told."""
LONGEST_OVERLAP_HOURS = 24 * 14


class Unwanted(ValueError):
    """What was asked for cannot be. `field` names the part of it that is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class Made(msgspec.Struct, frozen=True):
    """A webhook with its secret, which is shown this once."""

    subscription: Subscription
    secret: str


def known_types(types: Iterable[str]) -> tuple[str, ...]:
    """Types as events keep them, each once. Raises Unwanted for one that there is not."""
    found = []
    for type_ in types:
        try:
            found.append(short(type_))
        except KeyError:
            raise Unwanted("types", f"there is no type {type_!r}; GET /v1/schemas lists them") from None
    return tuple(dict.fromkeys(found))


def full_types(types: Iterable[str]) -> list[str]:
    """Types by their full names."""
    return [PREFIX + type_ for type_ in types]


def callable_url(url: str, allowed: Allowed) -> str:
    """`url`, if a webhook may lead there. Raises Unwanted."""
    try:
        target_of(url, allowed)
    except Forbidden as error:
        raise Unwanted("url", str(error)) from None
    return url


async def subscribe(
    store: WebhookStore,
    url: str,
    types: Iterable[str],
    allowed: Allowed,
    now: datetime,
    *,
    by: str,
    partner: str = "",
    description: str = "",
    after: int | None = None,
) -> Made:
    """A new webhook with a secret of its own. after: the sequence behind which the feed is told; None: from now on. Raises Unwanted."""
    secret = signing.secret_of(os.urandom(signing.SECRET_BYTES))
    made = await store.add(
        f"sub_{os.urandom(8).hex()}",
        callable_url(url, allowed),
        secret,
        now,
        by=by,
        types=known_types(types),
        partner=partner,
        description=description,
        after=after,
    )
    return Made(made, secret)


async def replace_secret(store: WebhookStore, id_: str, overlap_hours: float, now: datetime) -> str | None:
    """A new secret for a webhook; the one before signs as well for so long. None when there is no such webhook."""
    secret = signing.secret_of(os.urandom(signing.SECRET_BYTES))
    return secret if await store.rotate(id_, secret, now + timedelta(hours=overlap_hours)) else None
