"""What has to happen to bring a workspace into force: a list of small named stages, which `explain` tells and `apply` walks."""

from typing import Literal

import msgspec

from crossdock.workspace.compare import Change, compare
from crossdock.workspace.model import Loaded
from crossdock.workspace.snapshot import digest, snapshot

StageName = Literal["validate", "compare", "store", "activate", "resolve-waiting-orders", "read-held-messages"]

WORDS: dict[StageName, str] = {
    "validate": "see that what is stored can be read again",
    "compare": "see that nobody has applied another version in the meantime",
    "store": "store the whole workspace as a new version",
    "activate": "make it the version in force for what arrives from now on; orders keep the version they were taken under",
    "resolve-waiting-orders": "look again at orders that wait for an item, a unit or a route",
    "read-held-messages": "read held messages again",
}
"""Every stage, in the order in which they happen."""


class Stage(msgspec.Struct, frozen=True):
    """One step; what it does stands in `WORDS`."""

    name: StageName

    @property
    def words(self) -> str:
        return WORDS[self.name]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to get from the version in force, `base` (0: none), to `snapshot`. With `objections` it cannot be applied; without stages beyond comparing there is nothing to do."""

    base: int
    snapshot: bytes
    digest: str
    changes: tuple[Change, ...]
    stages: tuple[Stage, ...]
    objections: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """Whether what is wanted means the same as what is in force."""
        return not self.changes


def plan(current: Loaded | None, wanted: Loaded) -> Plan:
    """The stages that bring `wanted` into force where `current` is."""
    data = snapshot(wanted)
    changes = compare(current, wanted)
    return Plan(
        base=current.version if current else 0,
        snapshot=data,
        digest=digest(data),
        changes=changes,
        stages=tuple(Stage(name) for name in _stages(current, changes)),
        objections=_objections(current, wanted),
    )


def _stages(current: Loaded | None, changes: tuple[Change, ...]) -> list[StageName]:
    stages: list[StageName] = ["validate", "compare"]
    if changes:
        stages += ["store", "activate"]
    touched = {c.what for c in changes}
    # Without a version before this one nothing can have been read, so nothing waits.
    if current and touched - {"company", "system", "stock", "stock-items", "channel"}:
        stages.append("resolve-waiting-orders")
    if touched & {"partner", "system", "company"}:
        stages.append("read-held-messages")
    return stages


def _objections(current: Loaded | None, wanted: Loaded) -> tuple[str, ...]:
    if current and current.company.lanes != wanted.company.lanes:
        return (
            f"`lanes` is {current.company.lanes} in this database and fixed, since every row carries its lane; "
            f"crossdock.toml says {wanted.company.lanes}",
        )
    return ()
