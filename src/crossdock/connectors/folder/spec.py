"""The settings of a folder connection, as the workspace declares them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from crossdock.connectors.settings import SettingsError, read

WORK = ".crossdock"
"""Our own folder inside a partner's, unless another is declared."""


class FolderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `inbound` and `outbound`, or both.

    inbound: the folder that we watch. outbound: the folder that we drop into. Both are made when they are missing
    (create = false: an error instead).
    complete: how we know that a file is whole: "quiet": its size and time have not changed for `quiet_seconds`;
    "rename": it has appeared under its final name.
    ignore: names that are no messages (shell patterns). match: names that are.
    keep: what becomes of a file once it is kept by us: "archive" (`archive`/YYYY-MM-DD/name, nothing is ever
    overwritten) or "delete".
    inbound_work, outbound_work: where files under way stand, on the same file system as their folder; default:
    `.crossdock` inside it. archive: default `archive` in inbound_work.
    batch_files, batch_bytes: what one batch holds at the most (at least one file). largest_bytes: a file above it is
    reported and left where it is.
    poll_seconds: how often we look. reshow_seconds: after so long without being kept a batch is shown again. fsync: off
    only where loss by power cut does not matter.
    ledger_days: how long the ledger remembers what was dropped; must exceed the longest time for which a delivery may
    be retried.
    """

    inbound: Path | None = None
    outbound: Path | None = None
    create: bool = True
    complete: Literal["quiet", "rename"] = "quiet"
    quiet_seconds: float = 2.0
    match: tuple[str, ...] = ("*",)
    ignore: tuple[str, ...] = (".*", "*.part", "*.tmp", "*.filepart", "*.swp", "*~")
    keep: Literal["archive", "delete"] = "archive"
    inbound_work: Path | None = None
    outbound_work: Path | None = None
    archive: Path | None = None
    batch_files: int = 200
    batch_bytes: int = 16_000_000
    largest_bytes: int = 1_000_000_000
    poll_seconds: float = 0.5
    reshow_seconds: float = 60.0
    fsync: bool = True
    ledger_days: float = 90.0


def folder_spec(settings: Mapping[str, Any], base: Path, where: str = "settings") -> FolderSpec:
    """The settings with every path made absolute (relative ones are below `base`, the workspace). Raises
    SettingsError."""
    spec = read(settings, FolderSpec, where)
    if spec.inbound is None and spec.outbound is None:
        raise SettingsError(f"{where}: a folder connection needs `inbound`, `outbound` or both")
    for name in ("batch_files", "batch_bytes", "largest_bytes", "poll_seconds", "reshow_seconds", "ledger_days"):
        if getattr(spec, name) <= 0:
            raise SettingsError(f"{where}.{name}: must be above 0")
    if spec.quiet_seconds < 0:
        raise SettingsError(f"{where}.quiet_seconds: must not be below 0")
    inbound = base / spec.inbound if spec.inbound else None
    outbound = base / spec.outbound if spec.outbound else None
    if inbound and inbound == outbound:
        raise SettingsError(f"{where}.outbound: is the same folder as `inbound`; we would take what we drop")
    inbound_work = base / spec.inbound_work if spec.inbound_work else inbound and inbound / WORK
    return msgspec.structs.replace(
        spec,
        inbound=inbound,
        outbound=outbound,
        inbound_work=inbound_work,
        outbound_work=base / spec.outbound_work if spec.outbound_work else outbound and outbound / WORK,
        archive=base / spec.archive if spec.archive else inbound_work and inbound_work / "archive",
    )
