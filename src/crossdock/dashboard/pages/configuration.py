"""Configuration: every version of the workspace, who put it in force and when, and what differs between any two. Nothing is changed here: `crossdock apply` does."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response, Router, get

from crossdock.api.hub import Hub
from crossdock.api.permission import Permission, allowed
from crossdock.api.problem import problem
from crossdock.dashboard.render import page
from crossdock.workspace import Loaded, from_snapshot
from crossdock.workspace.compare import Change, compare

ROWS = 100
LONGEST = 160
"""Characters of a value that are shown; the rest is cut."""


class Difference(msgspec.Struct, frozen=True):
    """One field as text; "" where it is not there."""

    name: str
    before: str
    after: str


class Told(msgspec.Struct, frozen=True):
    """A change with its fields as text."""

    change: Change
    fields: Sequence[Difference]


@get("/configuration", guards=[allowed(Permission.WORKSPACE_READ)])
async def configuration(
    request: Request[Any, Any, Any], hub: Hub, before: int | None = None, after: int | None = None
) -> Response[str]:
    """The versions, and the difference between `before` (0: nothing) and `after`; left out: the version in force and the one before it."""
    rows = [dict(row) for row in await hub.versions.list()]
    numbers = [row["version"] for row in rows]
    active = next((row["version"] for row in rows if row["active"]), None)
    if after is None:
        after = active if active is not None else numbers[0] if numbers else None
    if before is None and after is not None:
        before = max((n for n in numbers if n < after), default=0)
    changes: Sequence[Change] = ()
    loaded: Loaded | None = None
    if after is not None:
        loaded = await _version(hub, after)
        changes = compare(await _version(hub, before) if before else None, loaded)
    counts = {how: sum(c.count for c in changes if c.how == how) for how in ("added", "changed", "removed")}
    return page(
        request,
        "configuration.html",
        rows=rows[:ROWS],
        more=len(rows) > ROWS,
        numbers=numbers,
        active=active,
        before=before,
        after=after,
        told=[Told(change, [_difference(f.name, f.before, f.after) for f in change.fields]) for change in changes],
        counts=counts,
        loaded=loaded,
    )


async def _version(hub: Hub, number: int) -> Loaded:
    try:
        return from_snapshot(await hub.versions.get(number), number)
    except KeyError:
        raise problem("not-found", f"there is no version {number}") from None


def _difference(name: str, before: Any, after: Any) -> Difference:
    return Difference(name, _text(before), _text(after))


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


router = Router("/", route_handlers=[configuration])
