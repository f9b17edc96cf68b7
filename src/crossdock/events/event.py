"""An event and its envelope: CloudEvents 1.0 in structured JSON. The id follows from the fact that it tells of, so that the same history makes the same events.

Source: CloudEvents 1.0.2, sections "Required Attributes" and "Optional Attributes"; the extension attributes are `partner` (whose data it is) and
`sequence` (its place in the feed, which a reader goes on from).
"""

from datetime import datetime

import msgspec

from crossdock.events.types import NAMES, PREFIX, TYPES, Said

SOURCE = "/crossdock"
CONTENT_TYPE = "application/cloudevents+json"
SCHEMAS = "/v1/schemas/"

_encode = msgspec.json.Encoder(decimal_format="string").encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that others may want to know of.

    id: unique. type: without the prefix, "order.accepted.v1". key: the process that it is about, which is its subject. time: when it happened.
    partner: whose data it is; "": of no partner, and no partner is shown it. data: its struct as JSON.
    """

    id: str
    type: str
    key: str
    time: datetime
    partner: str
    data: bytes


class Kept(msgspec.Struct, frozen=True, gc=False):
    """An event with its place in the feed. announced_at: when it was told."""

    sequence: int
    event: Event
    announced_at: datetime


class _Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    dataschema: str
    sequence: str
    data: msgspec.Raw
    partner: str = ""


def event(about: str, data: Said, key: str, time: datetime, partner: str) -> Event:
    """An event that tells `data`; `about` names what it tells of: a fact's id, or that of an exception."""
    type_ = NAMES[type(data)]
    return Event(f"{about}#{type_[: type_.rindex('.')]}", type_, key, time, partner, _encode(data))


def cloud_event(kept: Kept) -> bytes:
    """The event as a CloudEvent in structured JSON."""
    told = kept.event
    type_ = PREFIX + told.type
    return _encode(
        _Envelope(
            "1.0",
            told.id,
            SOURCE,
            type_,
            told.key,
            told.time,
            "application/json",
            SCHEMAS + type_,
            str(kept.sequence),
            msgspec.Raw(told.data),
            told.partner,
        )
    )


def short(type_: str) -> str:
    """A type's name as events keep it. Raises KeyError for a type that there is not."""
    full = type_ if type_.startswith(PREFIX) else PREFIX + type_
    if full not in TYPES:
        raise KeyError(type_)
    return full.removeprefix(PREFIX)
