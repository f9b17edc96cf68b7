"""Facts from any system: one, or many as NDJSON with a result for each line. A fact counts once by its system and id, so that sending it again is harmless."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import Parameter

from crossdock.api.body import Exact, parsed
from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.principal import Principal
from crossdock.api.problem import Problem, problem
from crossdock.api.submitting import known_system, submission, submit, trace_of
from crossdock.connectors.api import CHANNEL, ToldFact, fact_of
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.facts import Fact
from crossdock.ports.translation import Message
from crossdock.store.access import Write

Req = Request[Any, Any, Any]
WRITE = allowed(Permission.FACTS_WRITE)
BATCH_BYTES, BATCH_LINES = 16_000_000, 10_000

_encode = msgspec.json.Encoder().encode


class FactTold(ToldFact, frozen=True, kw_only=True):
    """A fact in the name of a system of the workspace."""

    system: str


class FactTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a fact. line: its place in the batch, from 1. status: recorded; known, where it had been told before; invalid, with the fault."""

    line: int
    status: Literal["recorded", "known", "invalid"]
    id: str = ""
    key: str = ""
    detail: str = ""


class FactsTaken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each. message: under which those that were recorded are kept; 0 where none was."""

    message: int
    recorded: int
    known: int
    invalid: int
    results: list[FactTaken]


@post("/", guards=[WRITE], dto=Exact[FactTold], status_code=201)
async def tell_fact(data: FactTold, request: Req, hub: Hub, principal: Principal, write: Write) -> FactTaken:
    """Tell one fact. `data` is as docs/reference/facts.md has it for its type."""
    known_system(hub, data.system)
    told = _plain(data)
    try:
        fact = _fact(hub, told, data.system)
    except ValueError as wrong:
        place = "#/data" + (wrong.place.removeprefix("#") if isinstance(wrong, NotUnderstood) else "")
        raise problem("invalid", str(wrong), errors=[{"pointer": place, "detail": str(wrong)}]) from None
    known = bool(await hub.lookup.recorded([fact]))
    if not known:
        await submit(hub, write, submission("facts", principal, trace_of(request), system=data.system), _encode([told]))
    write.subject, write.after = data.key, {"type": data.type, "id": data.id}
    return FactTaken(line=1, status="known" if known else "recorded", id=fact.id, key=fact.key)


@post(
    "/batch",
    guards=[WRITE],
    opt={"body_bytes": BATCH_BYTES},
    status_code=200,
    responses={200: ResponseSpec(data_container=FactsTaken, description="A result for each line.")},
)
async def tell_facts(
    request: Req,
    hub: Hub,
    principal: Principal,
    write: Write,
    system: Annotated[str, Parameter(description="The system in whose name they are told.")],
) -> FactsTaken:
    """Tell many facts, as NDJSON (`application/x-ndjson`): one JSON object a line. What is wrong is told line by line; the rest is recorded together."""
    known_system(hub, system)
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in ("application/x-ndjson", "application/jsonl", "application/ndjson"):
        raise problem("unsupported-media-type", f"the body is to be application/x-ndjson, and is {given or 'unnamed'}")
    lines = [line for line in (await request.body()).splitlines() if line.strip()]
    if len(lines) > BATCH_LINES:
        raise problem("too-large", f"at most {BATCH_LINES} lines are taken at once", limit=BATCH_LINES)
    told: list[tuple[int, ToldFact, Fact]] = []
    results: list[FactTaken] = []
    for place, line in enumerate(lines, 1):
        try:
            one = parsed(line, ToldFact)
            told.append((place, one, _fact(hub, one, system)))
        except (Problem, ValueError) as wrong:
            detail = wrong.detail if isinstance(wrong, Problem) else str(wrong)
            results.append(FactTaken(line=place, status="invalid", detail=detail))
    recorded = await hub.lookup.recorded([fact for _, _, fact in told])
    fresh = [one for _, one, fact in told if fact.id not in recorded]
    message = 0
    if fresh:
        attributes = submission("facts", principal, trace_of(request), system=system)
        message = (await submit(hub, write, attributes, _encode(fresh))).message
    results += [
        FactTaken(line=place, status="known" if fact.id in recorded else "recorded", id=fact.id, key=fact.key)
        for place, _, fact in told
    ]
    results.sort(key=lambda each: each.line)
    counts = _counted(results)
    write.subject, write.after = system, counts
    return FactsTaken(message=message, results=results, **counts)


def _counted(results: Sequence[FactTaken]) -> dict[str, int]:
    return {status: sum(each.status == status for each in results) for status in ("recorded", "known", "invalid")}


def _plain(data: FactTold) -> ToldFact:
    return ToldFact(key=data.key, type=data.type, id=data.id, data=data.data, occurred_at=data.occurred_at)


def _fact(hub: Hub, told: ToldFact, system: str) -> Fact:
    """Raises ValueError, as msgspec's errors are."""
    now: datetime = hub.clock()
    if not told.key or not told.id:
        raise ValueError("a fact has a key and an id")
    if told.occurred_at is not None and told.occurred_at.tzinfo is None:
        raise ValueError("occurred_at needs a zone")
    return fact_of(told, system, Message(id=0, channel=CHANNEL, source_id="", data=b"", received_at=now))


router = Router("/facts", route_handlers=[tell_fact, tell_facts], tags=["Facts"])
