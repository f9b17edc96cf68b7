"""Search by any reference people have in hand, and the lineage of what it leads to."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get
from litestar.params import Parameter

from crossdock.api.asked import LONGEST_WORD, PLAIN, whole
from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.facts.codec import encode
from crossdock.store.lineage import lineage
from crossdock.store.operations import Operations
from crossdock.store.reading import Reading


class Found(msgspec.Struct, frozen=True):
    """A process and the reference that leads to it. kind: purchase-order, shipment, invoice, tracking, control-number, ...; key: ours. match: whether the reference is what was
    asked for, begins so or ends so."""

    value: str
    kind: str
    key: str
    match: Literal["whole", "begins", "ends"]
    process: str
    partner: str | None
    milestone: str
    updated_at: datetime


MATCHES: tuple[Literal["whole", "begins", "ends"], ...] = ("whole", "begins", "ends")


class Hits(msgspec.Struct, frozen=True):
    """What was found, the best first, each process once. more: there may be others; ask for more of the reference."""

    items: list[Found]
    more: bool


@get("/search", guards=[allowed(Permission.ORDERS_READ)])
async def search(
    hub: Hub,
    principal: Principal,
    q: Annotated[
        str,
        Parameter(
            min_length=1,
            max_length=LONGEST_WORD,
            pattern=PLAIN,
            description="A PO, order, shipment, BOL, PRO, tracking, SSCC, invoice, ERP or control number, or how one begins or ends.",
        ),
    ],
    limit: Annotated[int, Parameter(ge=1, le=100, description="Processes, at the most.")] = 20,
) -> Hits:
    """Search. Processes that a reference leads to: those that it names whole, then those whose references begin so, then those whose references end so."""
    rows = await Reading(hub.database).search(q, principal.only, limit + 1)
    items = [
        Found(**{name: row[name] for name in Found.__struct_fields__ if name != "match"}, match=MATCHES[row["rank"]])
        for row in rows[:limit]
    ]
    return Hits(items, len(rows) > limit)


class ToldFact(msgspec.Struct, frozen=True):
    """A fact in the log. source: who said so. message: the one it was read from, or whose sending it tells of. data: as in docs/reference/facts.md."""

    id: str
    type: str
    source: str
    occurred_at: datetime
    recorded_at: datetime | None
    message: int | None
    data: dict[str, Any]


class Lineage(msgspec.Struct, frozen=True):
    """All that belongs to one process, in the order in which it happened."""

    key: str
    process: str
    milestone: str
    summary: dict[str, Any]
    facts: list[ToldFact]
    messages: list[dict[str, Any]]
    obligations: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    exceptions: list[dict[str, Any]]


@get("/lineage/{key:path}", guards=[allowed(Permission.OPERATIONS_READ)])
async def lineage_of(key: str, hub: Hub, principal: Principal, request: Request[Any, Any, Any]) -> Lineage:
    """Lineage. Every fact, message, obligation, delivery, attempt and exception of a process, with times and systems."""
    name = whole(request, "/v1/lineage/")
    owner = await Operations(hub.database).owner(name, principal.only)
    found = await lineage(hub.lookup, name) if owner is not None else {}
    if not found:
        raise problem("not-found", f"there is no process {name}")
    told = [
        ToldFact(
            **{**fact, "data": {k: v for k, v in msgspec.json.decode(encode(fact["data"])).items() if k != "type"}}
        )
        for fact in found["facts"]
    ]
    return Lineage(**{**found, "facts": told})


router = Router("/", route_handlers=[search, lineage_of], tags=["Search"])
