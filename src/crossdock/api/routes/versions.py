"""The versions of the workspace: who brought each into force, when and why, and what it changed. Applying is the command line's."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, get
from litestar.params import Parameter

from crossdock.api.asked import Cursor, Limit
from crossdock.api.hub import Hub
from crossdock.api.paging import DEFAULT_LIMIT, Page, decode, page
from crossdock.api.permission import Permission, allowed
from crossdock.api.problem import problem
from crossdock.store.operations import Operations
from crossdock.workspace import Loaded, from_snapshot
from crossdock.workspace import compare as workspace_compare

VersionNumber = Annotated[int, Parameter(ge=1, le=2**31 - 1)]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version. digest: SHA-256 of its content; active: whether it is in force."""

    number: int
    digest: str
    applied_by: str
    applied_at: datetime
    note: str
    active: bool


class Field(msgspec.Struct, frozen=True):
    """A field that differs: its dotted name, and its value before and after."""

    name: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that differs. what: company, partner, agreement, system, site, stock, channel, routing, items, prices, ...; of long lists how many (`count`) and which first."""

    what: str
    how: Literal["added", "changed", "removed"]
    id: str
    count: int
    fields: list[Field]
    examples: list[str]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one version changed against another; `before` 0 is nothing at all."""

    before: int
    after: int
    changes: list[Change]


@get("/versions", guards=[allowed(Permission.WORKSPACE_READ)])
async def versions(hub: Hub, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> Page[Version]:
    """Versions of the workspace. Who brought each into force, when and why; the newest first."""
    bound = ("versions",)
    after = decode(cursor, bound, tuple[Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]])
    rows = await Operations(hub.database).versions(after[0] if after else None, limit + 1)
    made = page(rows, limit, bound, lambda row: [row["version"]])
    told = [Version(number=row["version"], **{k: v for k, v in row.items() if k != "version"}) for row in made.items]
    return Page(told, made.next)


@get("/versions/{number:int}/changes", guards=[allowed(Permission.WORKSPACE_READ)])
async def changes(
    number: VersionNumber,
    hub: Hub,
    against: Annotated[
        int | None,
        Parameter(ge=0, le=2**31 - 1, description="Another version; by default the one before, 0 for nothing at all."),
    ] = None,
) -> Difference:
    """What a version changed. Field by field; of items and prices how many, and which ones first."""
    base = number - 1 if against is None else against
    before = await _loaded(hub, base) if base else None
    found = workspace_compare.compare(before, await _loaded(hub, number))
    return Difference(
        before=base,
        after=number,
        changes=[
            Change(
                what=each.what,
                how=each.how,
                id=each.id,
                count=each.count,
                fields=[Field(field.name, field.before, field.after) for field in each.fields],
                examples=list(each.examples),
            )
            for each in found
        ],
    )


async def _loaded(hub: Hub, number: int) -> Loaded:
    try:
        return from_snapshot(await hub.versions.get(number), number)
    except KeyError:
        raise problem("not-found", f"there is no version {number}") from None


router = Router("/", route_handlers=[versions, changes], tags=["Workspace"])
