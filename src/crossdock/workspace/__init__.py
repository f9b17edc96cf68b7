"""Configuration as code: a folder of TOML and CSV files, checked without a database, planned, applied and kept in versions.

`load` gives a `Loaded` workspace or raises `WorkspaceError` with every problem at once; `check` gives the problems alone. `snapshot` and
`from_snapshot` are the one document in which the database keeps a version whole. `connected` fills in what is the machine's own.
"""

from crossdock.workspace.environment import connected
from crossdock.workspace.load import check, load
from crossdock.workspace.model import Company, Loaded, SourceFile
from crossdock.workspace.problems import Problem, WorkspaceError
from crossdock.workspace.snapshot import digest, from_snapshot, snapshot

__all__ = [
    "Company",
    "Loaded",
    "Problem",
    "SourceFile",
    "WorkspaceError",
    "check",
    "connected",
    "digest",
    "from_snapshot",
    "load",
    "snapshot",
]
