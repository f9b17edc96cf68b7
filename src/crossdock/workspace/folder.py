"""The files of a workspace as they are on disk: TOML with the place of each key, CSV rows with their lines. Each file is read once, and its digest kept."""

import hashlib
import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from crossdock.workspace.columns import COLUMNS
from crossdock.workspace.model import SourceFile
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.positions import Positions, positions
from crossdock.workspace.problems import Report, Severity, did_you_mean
from crossdock.workspace.tables import Row, rows

FOLDERS = ("systems", "partners", "channels")
"""Where each TOML file declares something by its name."""

_TOML_PLACE = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")


class TomlFile(msgspec.Struct, frozen=True):
    """A TOML file that could be read. `name` is relative to the workspace."""

    name: str
    data: dict[str, Any]
    positions: Positions

    @property
    def id(self) -> str:
        """The file's name without folder and ending: the id of what it declares."""
        return Path(self.name).stem


class Folder:
    """A workspace's folder. Nothing outside of it is read."""

    def __init__(self, root: Path, report: Report) -> None:
        self.root = root
        self.report = report
        self.sources: list[SourceFile] = []

    def text(self, name: str) -> str | None:
        """A file's text without a byte order mark; None when it is not there or cannot be read (which is reported)."""
        path = self.root / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.report.add("unreadable-file", f"cannot be read: {error.strerror}", file=name)
            return None
        self.sources.append(SourceFile(name, hashlib.sha256(data).hexdigest()))
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.report.add("unreadable-file", f"not UTF-8: byte 0x{data[error.start]:02x}", file=name, line=line)
            return None

    def toml(self, name: str) -> TomlFile | None:
        """A TOML file; None when it is not there or not TOML (which is reported)."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return TomlFile(name, tomllib.loads(text, parse_float=Decimal), positions(text))
        except tomllib.TOMLDecodeError as error:
            message = str(error)
            place = _TOML_PLACE.search(message)
            line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, 0)
            self.report.add("bad-toml", _TOML_PLACE.sub("", message), file=name, line=line, column=column)
            return None

    def tomls(self, folder: str) -> Iterable[TomlFile]:
        """The TOML files right below `folder`, by name."""
        for path in sorted((self.root / folder).glob("*.toml")):
            if file := self.toml(f"{folder}/{path.name}"):
                yield file

    def rows(self, name: str) -> Iterable[Row]:
        """The rows of one of the declared CSV files; none when it is not there."""
        text = self.text(name)
        return () if text is None else rows(text, name, COLUMNS[name], self.report)

    def strangers(self) -> None:
        """Warns of files beside the known ones whose names look like a slip of the pen."""
        for path in sorted(self.root.glob("*.*")):
            known = {"crossdock.toml", "routing.json", *COLUMNS}
            if path.suffix in (".toml", ".csv", ".json") and path.name not in known:
                meant = did_you_mean(path.name, known, otherwise="nothing reads it")
                self.report.add(
                    "missing-file",
                    f"`{path.name}` is no file of a workspace",
                    file=path.name,
                    meant=meant,
                    severity="warning",
                )
        for path in sorted(each for folder in FOLDERS for each in (self.root / folder).glob("*.*")):
            if path.is_file() and path.suffix not in (".toml", ".md", ".txt") and not path.name.startswith("."):
                name = path.relative_to(self.root).as_posix()
                meant = f"did you mean `{path.stem}.toml`?" if path.suffix.startswith(".t") else "nothing reads it"
                self.report.add(
                    "missing-file",
                    f"`{name}` is no file of a workspace",
                    file=name,
                    meant=meant,
                    severity="warning",
                )

    def complain(
        self,
        file: TomlFile,
        code: str,
        message: str,
        path: KeyPath,
        meant: str = "",
        severity: Severity = "error",
    ) -> None:
        """A problem at a key of `file`."""
        line, column = file.positions.of(path)
        self.report.add(code, message, file=file.name, line=line, column=column, meant=meant, severity=severity)
