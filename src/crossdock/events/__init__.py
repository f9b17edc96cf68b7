"""Events for others: what has happened, in the trade's words, as CloudEvents that a consumer can hear by webhook, stream or feed. Pure.

Read on in the order `types` (what events say), `event` (the envelope), `standing` and `orders` (an order's events), `demand`, `others`; `schemas` and `asyncapi` describe
them, `compatibility` keeps what is published from breaking, `signing` and `retrying` are what a webhook's receiver relies on.
"""

from crossdock.events.event import CONTENT_TYPE, Event, Kept, cloud_event, short
from crossdock.events.types import PREFIX, TYPES

__all__ = ["CONTENT_TYPE", "PREFIX", "TYPES", "Event", "Kept", "cloud_event", "short"]
