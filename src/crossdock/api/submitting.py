"""What a route does to submit something: it is taken in under the write's own key, and where an order is to be answered, its answer is waited for."""

import asyncio
import time
from typing import Any

from litestar import Request

from crossdock.api.answers import OrderAnswer, answer
from crossdock.api.hub import Hub
from crossdock.api.intake import Taken
from crossdock.api.preferences import Preferences
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.connectors.api import CHANNEL, Submission
from crossdock.ports.inbound import Arrival
from crossdock.process.order_to_cash import State, agreement_of, decode
from crossdock.store.access import Write

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 0.5


def source_id(write: Write) -> str:
    """The id of a submission on the channel `api`: the same whenever the same write is sent."""
    return f"{write.client}/{write.key}"


async def submit(hub: Hub, write: Write, submission: Submission, body: bytes, key: str = "") -> Taken:
    """Keeps `body`, has it read and folded. Raises Problem invalid when it is held, which a route is to foresee as far as it can."""
    arrival = Arrival(
        channel=CHANNEL,
        source_id=source_id(write),
        data=body,
        name=f"{submission.kind}.json",
        content_type="application/json",
        attributes=submission.attributes(),
    )
    taken = await hub.intake.take(arrival, key)
    if taken.held:
        raise problem("invalid", f"it is kept as message {taken.message} and held: {taken.held}", message=taken.message)
    return taken


def submission(kind: str, principal: Principal, traceparent: str, **more: str) -> Submission:
    """What a message's attributes say of where it came from."""
    return Submission(kind=kind, who=principal.id, traceparent=traceparent, **more)


async def state_of(hub: Hub, key: str, only: str | None) -> tuple[dict[str, Any], State]:
    """An order's row and state. Raises Problem not-found."""
    row = await hub.lookup.process(key)
    if row is None or row["process"] != "order_to_cash" or row["defect"]:
        raise not_found(key)
    if only is not None and row["summary"].get("customer") != only:
        raise not_found(key)
    state: State = decode(row["state"])
    return row, state


def not_found(key: str) -> Exception:
    """The answer for what is not there and for what is not yours."""
    return problem("not-found", f"there is no order {key}")


async def answered(hub: Hub, key: str, only: str | None, wait: Preferences) -> OrderAnswer:
    """The answer to an order; waits as long as the caller prefers for systems that must be asked."""
    until = time.monotonic() + wait.wait_seconds
    pause = FIRST_LOOK_SECONDS
    while True:
        _, state = await state_of(hub, key, only)
        agreed = agreement_of(state)
        said = answer(state, await hub.agreement(*agreed) if agreed else None, hub.clock())
        left = until - time.monotonic()
        if said.answer != "pending" or left <= 0:
            return said
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 1.6, LONGEST_LOOK_SECONDS)


def known_system(hub: Hub, system: str) -> None:
    """Raises Problem invalid for a system that the workspace does not declare: nobody tells in a made-up name."""
    if system not in hub.loaded.systems:
        detail = f"the workspace declares no system {system!r}"
        raise problem("invalid", detail, errors=[{"pointer": "#/system", "detail": detail}])


def trace_of(request: Request[Any, Any, Any]) -> str:
    """The `traceparent` of a request, to be kept with what it brings."""
    traceparent: str = request.scope["state"]["crossdock"]["traceparent"]
    return traceparent
