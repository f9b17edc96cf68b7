"""What people do about an order from its page: cancel it, hold it, let it go. Submitted as the API submits them: kept as a message under a name of its own,
read, folded, and noted in the audit log.

`once` is the form's own token: a form that is sent twice is one submission. Every function takes who does it, and has been allowed by the route's guard before.
"""

import asyncio
import time
from collections.abc import Collection
from typing import Any

import msgspec

from crossdock.api.hub import Hub
from crossdock.api.preferences import Preferences
from crossdock.api.principal import Principal
from crossdock.api.problem import problem
from crossdock.api.submitting import answered, not_found, state_of, submission, submit
from crossdock.connectors.api import ToldFact
from crossdock.dashboard.acting import note
from crossdock.process.order_to_cash import State
from crossdock.store.access import Write

OVER = ("invoiced", "complete", "cancelled")
"""Milestones at which nothing can be held any more."""
GONE = ("shipped", *OVER)
"""Milestones at which nothing can be cancelled any more."""
PATIENCE_SECONDS = 2.0
LOOK_SECONDS = 0.05

_encode = msgspec.json.encode


async def cancel(hub: Hub, who: Principal, key: str, reason: str, once: str) -> str:
    """Cancels an order; a partner its own. Gives what is answered: cancelled, or held where something has been released and a person or the warehouse has a say."""
    row, _ = await _standing(hub, who, key, GONE)
    told = submission("cancellation", who, "", partner=who.only or "", key=key)
    await submit(hub, _write(who, "cancel", once), told, _encode({"reason": reason}), key)
    said = await answered(hub, key, who.only, Preferences(0.0))
    after = {"answer": said.answer, "milestone": said.milestone, "reason": reason}
    await note(hub, who, "cancel", key, {"milestone": row["milestone"]}, after)
    return said.answer


async def hold(hub: Hub, who: Principal, key: str, name: str, reason: str, once: str) -> None:
    """Places a hold: nothing of the order leaves until the hold of that name is released. Raises Problem conflict where there is one."""
    _, state = await _standing(hub, who, key, OVER)
    if is_held(state, name):
        raise problem("conflict", f"there is a hold {name} on {key} already")
    await _tell(hub, who, key, "order.hold-placed", name, reason, once)
    await note(hub, who, "place a hold", key, None, {"hold": name, "reason": reason})


async def release(hub: Hub, who: Principal, key: str, name: str, reason: str, once: str) -> None:
    """Releases a hold. Raises Problem conflict where there is none of that name."""
    _, state = await _standing(hub, who, key, ())
    if not is_held(state, name):
        raise problem("conflict", f"there is no hold {name} on {key}")
    await _tell(hub, who, key, "order.hold-released", name, reason, once)
    await note(hub, who, "release a hold", key, {"hold": name, "reason": state.holds[name].text}, {"reason": reason})


def is_held(state: State, name: str) -> bool:
    """Whether the hold of that name stands."""
    return name in state.holds and state.holds[name].code == "placed"


async def _standing(hub: Hub, who: Principal, key: str, too_late: Collection[str]) -> tuple[dict[str, Any], State]:
    row, state = await state_of(hub, key, who.only)
    if not state.orders:
        raise not_found(key)
    if row["milestone"] in too_late:
        raise problem("conflict", f"{key} is {row['milestone']}")
    return row, state


async def _tell(hub: Hub, who: Principal, key: str, type_: str, name: str, reason: str, once: str) -> None:
    """Tells the fact in our own name; returns when it is folded, or at the latest after `PATIENCE_SECONDS`: a worker may have the order just now."""
    fact = ToldFact(key=key, type=type_, id=f"{key}/{once}", data={"hold": name, "reason": reason})
    write = _write(who, type_, once)
    await submit(hub, write, submission("facts", who, "", system="crossdock"), _encode([fact]))
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        _, state = await state_of(hub, key, who.only)
        if is_held(state, name) == (type_ == "order.hold-placed"):
            return
        await asyncio.sleep(LOOK_SECONDS)


def _write(who: Principal, what: str, once: str) -> Write:
    return Write(
        client=who.id,
        key=f"dashboard/{once}",
        digest=b"",
        what=f"dashboard: {what}",
        name=who.name,
        role=who.role.value,
    )
