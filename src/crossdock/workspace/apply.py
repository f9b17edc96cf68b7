"""Brings a plan into force: walks its stages over the database's side of the workspace, which is told here as two Protocols and implemented in `store`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from crossdock.workspace.model import Loaded
from crossdock.workspace.plan import Plan, Stage, StageName, plan
from crossdock.workspace.snapshot import digest, from_snapshot, snapshot


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version that the database keeps: who applied it when, why, and whether it is the one in force."""

    number: int
    digest: str
    who: str
    note: str = ""
    created_at: datetime
    active: bool = False


class Overtaken(Exception):
    """Another version was activated since the plan was made. Nothing was activated; plan again."""


class Objection(Exception):
    """The plan cannot be applied; the text says why."""


class Versions(Protocol):
    """The versions that a database keeps. None is ever changed or deleted."""

    async def current(self) -> Version | None:
        """The one in force, or None before the first."""
        ...

    async def get(self, number: int) -> bytes:
        """The snapshot of a version. Raises KeyError."""
        ...

    async def put(self, snapshot: bytes, who: str, note: str, digest: str) -> int:
        """Keeps a new version, not yet in force, and says its number: 1 and up, never used twice."""
        ...

    async def activate(self, number: int, replacing: int) -> None:
        """Puts `number` in force if `replacing` (0: none) still is; raises Overtaken if not. One transaction; running workers are told."""
        ...

    async def list(self) -> Sequence[Version]:
        """All of them, the newest first."""
        ...


class Backlog(Protocol):
    """What waits for the workspace to know more. Both say how many they took up; both may be repeated."""

    async def resolve_waiting_orders(self, version: int) -> int: ...

    async def read_held_messages(self, version: int) -> int: ...


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A stage that was walked, and its result in words."""

    stage: StageName
    result: str


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a plan. version: the one in force now; 0 only where there was none and nothing to do."""

    version: int
    stages: tuple[Done, ...]


class _Walk:
    """The stages, one method each."""

    def __init__(self, plan: Plan, versions: Versions, backlog: Backlog, who: str, note: str) -> None:
        self.plan, self.versions, self.backlog, self.who, self.note = plan, versions, backlog, who, note
        self.version = plan.base

    async def validate(self) -> str:
        if digest(snapshot(from_snapshot(self.plan.snapshot))) != self.plan.digest:
            raise Objection("the workspace does not come back from its snapshot as it went in; please report this")
        return f"{len(self.plan.snapshot):,} bytes, sha256 {self.plan.digest[:12]}"

    async def compare(self) -> str:
        current = await self.versions.current()
        if (current.number if current else 0) != self.plan.base:
            by = f"version {current.number} of {current.who}" if current else "no version"
            raise Overtaken(f"{by} is in force, and the plan was made for version {self.plan.base}; plan again")
        return f"{len(self.plan.changes)} changes to version {self.plan.base}"

    async def store(self) -> str:
        self.version = await self.versions.put(self.plan.snapshot, self.who, self.note, self.plan.digest)
        return f"version {self.version}"

    async def activate(self) -> str:
        await self.versions.activate(self.version, self.plan.base)
        return f"version {self.version} is in force"

    async def resolve_waiting_orders(self) -> str:
        return f"{await self.backlog.resolve_waiting_orders(self.version)} orders"

    async def read_held_messages(self) -> str:
        return f"{await self.backlog.read_held_messages(self.version)} messages"


async def apply(
    plan: Plan,
    versions: Versions,
    backlog: Backlog,
    *,
    who: str,
    note: str = "",
    told: Callable[[Stage, str], None] = lambda stage, result: None,
) -> Applied:
    """Walks the plan; `told` hears of each stage when it is done. Raises Objection or Overtaken, and nothing is in force that was not before.

    If it breaks off after activation, the version is in force and the backlog can be taken up by applying again or by `crossdock replay`.
    """
    if plan.objections:
        raise Objection("; ".join(plan.objections))
    walk = _Walk(plan, versions, backlog, who, note)
    steps: Mapping[StageName, Callable[[], Awaitable[str]]] = {
        "validate": walk.validate,
        "compare": walk.compare,
        "store": walk.store,
        "activate": walk.activate,
        "resolve-waiting-orders": walk.resolve_waiting_orders,
        "read-held-messages": walk.read_held_messages,
    }
    done: list[Done] = []
    for stage in plan.stages:
        result = await steps[stage.name]()
        done.append(Done(stage=stage.name, result=result))
        told(stage, result)
    return Applied(version=walk.version, stages=tuple(done))


async def in_force(versions: Versions) -> Loaded | None:
    """The workspace in force, with its version number; None before the first."""
    current = await versions.current()
    return from_snapshot(await versions.get(current.number), current.number) if current else None


async def roll_back(
    versions: Versions,
    backlog: Backlog,
    number: int,
    *,
    who: str,
    note: str = "",
    told: Callable[[Stage, str], None] = lambda stage, result: None,
) -> Applied:
    """What version `number` said is in force again, as a new version whose note tells so. Raises KeyError for a number that was never used."""
    wanted = from_snapshot(await versions.get(number))
    words = f"back to version {number}" + (f": {note}" if note else "")
    return await apply(plan(await in_force(versions), wanted), versions, backlog, who=who, note=words, told=told)
