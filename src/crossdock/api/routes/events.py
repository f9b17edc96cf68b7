"""Events out: a feed to be read from any place, a stream, the schemas of what is told. A partner is told of its own, whatever it asks for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, cast
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import Parameter
from litestar.response import Stream

from crossdock import __version__
from crossdock.api.asked import Word, moment
from crossdock.api.hub import Hub
from crossdock.api.paging import LONGEST
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.subscribing import Unwanted, known_types
from crossdock.events import TYPES, cloud_event
from crossdock.events.schemas import asyncapi, schema, words_of
from crossdock.store.events import EventFeed, Swept

HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 0.25
STREAMED_AT_ONCE = 200
GREATEST = 2**63 - 1

Types = Annotated[
    str | None,
    Parameter(max_length=4000, description="Only these types, with commas between: `crossdock.order.accepted.v1`."),
]
After = Annotated[
    str | None,
    Parameter(max_length=40, description="The cursor to go on behind: `next` of a page, or an event's `sequence`."),
]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as CloudEvents 1.0 has it; `data` is as the schema named by `dataschema` says. sequence: its place in the feed."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    dataschema: str
    sequence: str
    data: dict[str, Any]
    partner: str = ""


class FeedPage(msgspec.Struct, frozen=True):
    """Events in their order. next: the cursor to go on behind, of an empty page too. more: there is more already; else ask again later."""

    items: list[CloudEvent]
    next: str
    more: bool


class EventType(msgspec.Struct, frozen=True):
    """A type of event, what it tells, and where its schema is."""

    type: str
    tells: str
    schema: str


@get("/events", guards=[allowed(Permission.EVENTS_READ)], opt={"problems": [410]})
async def feed(
    hub: Hub,
    principal: Principal,
    after: After = None,
    since: datetime | None = None,
    types: Types = None,
    key: Word = None,
    limit: Annotated[int, Parameter(ge=1, le=LONGEST, description="Events of a page, at the most.")] = 100,
) -> Response[FeedPage]:
    """The feed. Events behind a cursor, in the order in which they were announced; a reader keeps `next`, and may set it back, or begin at a moment with `since`; without
    either it begins with the oldest that is kept. Nothing is ever announced behind a cursor that was handed out. A page of few types may be empty and yet say `more`. A
    cursor or moment older than what is kept is answered 410, with the first cursor that still stands."""
    wanted, begin = _types(types), await _begin(hub, after, since)
    kept, upto, more = await EventFeed(hub.database).after(begin, limit, wanted, key, principal.only)
    items = b",".join(cloud_event(each) for each in kept)
    body = b'{"items":[' + items + b'],"next":"' + str(upto).encode() + b'","more":' + (b"true" if more else b"false")
    answer: Any = Response(body + b"}", media_type="application/json", headers={"Cache-Control": "no-store"})
    return cast("Response[FeedPage]", answer)


@get(
    "/events/stream",
    guards=[allowed(Permission.EVENTS_READ)],
    media_type="text/event-stream",
    opt={"exclude_from_compression": True, "problems": [410]},
)
async def stream(
    hub: Hub,
    principal: Principal,
    request: Request[Any, Any, Any],
    after: After = None,
    since: datetime | None = None,
    types: Types = None,
    key: Word = None,
    last_event_id: Annotated[str | None, Parameter(header="Last-Event-ID", max_length=40)] = None,
) -> Stream:
    """The stream. Server-sent events as they are announced, from now on, or behind `Last-Event-ID`, a cursor or a moment; each has its `sequence` as id.
    A comment every fifteen seconds keeps the line open. It ends when the caller's key does; a reader that comes again with `Last-Event-ID` misses nothing, or is told
    so: one that comes later than events are kept is answered 410."""
    wanted, feed = _types(types), EventFeed(hub.database)
    begin = await _begin(hub, last_event_id or after, since)
    if begin is None:
        begin = await feed.head()
    await feed.stands(begin)
    shown = request.headers.get("authorization")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = _told(hub, principal, shown, begin, wanted, key)
    return Stream(told, media_type="text/event-stream", headers=headers)


async def _told(
    hub: Hub, principal: Principal, shown: str | None, cursor: int, types: tuple[str, ...] | None, key: str | None
) -> AsyncIterator[bytes]:
    feed, watch = EventFeed(hub.database), _watch(hub)
    yield b"retry: 2000\n: connected\n\n"
    while True:
        try:
            kept, cursor, more = await feed.after(cursor, STREAMED_AT_ONCE, types, key, principal.only)
        except Swept:
            return  # it reads too slowly; coming again, it is told so
        if kept:
            yield b"".join(
                b"id: %d\nevent: crossdock.%b\ndata: %b\n\n"
                % (each.sequence, each.event.type.encode(), cloud_event(each))
                for each in kept
            )
        if more or await watch.beyond(cursor, HEARTBEAT_SECONDS):
            continue
        # The id moves a reader on past what is not for it; without data it is no event.
        yield b"id: %d\n: heartbeat\n\n" % cursor
        try:
            if await hub.authentication.principal(shown) != principal:
                return
        except Problem:
            return


class HeadWatch:
    """Looks how far the feed has come, once for all streams of a server, and only while there are any."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed
        self._head = 0
        self._waiting = 0
        self._risen = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def beyond(self, sequence: int, seconds: float) -> bool:
        """Whether the feed goes beyond `sequence`; waits for that, at most so long."""
        self._waiting += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="watch the feed")
        try:
            async with asyncio.timeout(seconds):
                while self._head <= sequence:
                    await self._risen.wait()
                return True
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    async def _look(self) -> None:
        while self._waiting:
            with contextlib.suppress(Exception):  # the database is away: the streams wait, and so does this
                head = await self._feed.head()
                if head != self._head:
                    self._head = head
                    self._risen.set()
                    self._risen = asyncio.Event()
            await asyncio.sleep(LOOK_SECONDS)


_watches: WeakKeyDictionary[Hub, HeadWatch] = WeakKeyDictionary()


def _watch(hub: Hub) -> HeadWatch:
    if hub not in _watches:
        _watches[hub] = HeadWatch(EventFeed(hub.database))
    return _watches[hub]


@get("/schemas", guards=[allowed(Permission.EVENTS_READ)])
async def types() -> list[EventType]:
    """Types of events. What each tells, and where its schema is."""
    return [EventType(type_, words_of(data), f"/v1/schemas/{type_}") for type_, data in TYPES.items()]


@get("/schemas/{type:str}", guards=[allowed(Permission.EVENTS_READ)], media_type="application/schema+json")
async def schema_of(type: Annotated[str, Parameter(max_length=100)]) -> Response[dict[str, Any]]:
    """The JSON Schema of a type. Of the whole event, envelope and data; a reader passes over fields that it does not know."""
    if type not in TYPES:
        raise problem("not-found", f"there is no type {type!r}; GET /v1/schemas lists them")
    return Response(schema(type), media_type="application/schema+json", headers=_LASTING)


@get("/asyncapi.json", guards=[allowed(Permission.EVENTS_READ)])
async def asyncapi_document() -> Response[dict[str, Any]]:
    """The AsyncAPI 3.0 document. The feed, the stream and the webhooks with all types of events, for generators of code and pages."""
    return Response(asyncapi(__version__), headers=_LASTING)


_LASTING = {"Cache-Control": "private, max-age=300"}


def _types(types: str | None) -> tuple[str, ...] | None:
    if not types:
        return None
    try:
        return known_types(each for each in (part.strip() for part in types.split(",")) if each) or None
    except Unwanted as error:
        raise problem("invalid", str(error), errors=[{"parameter": error.field, "detail": str(error)}]) from None


async def _begin(hub: Hub, after: str | None, since: datetime | None) -> int | None:
    if after:
        if not (after.isascii() and after.isdigit()) or int(after) > GREATEST:
            detail = "this is no cursor of the feed"
            raise problem("bad-cursor", detail, errors=[{"parameter": "after", "detail": detail}])
        return int(after)
    at = moment(since, "since")
    return None if at is None else await EventFeed(hub.database).before(at)


router = Router("/", route_handlers=[feed, stream, types, schema_of, asyncapi_document], tags=["Events"])
