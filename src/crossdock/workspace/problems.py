"""What is wrong with a workspace, as values: each says in which file and line, what is wrong and what was probably meant. Nothing here raises but `WorkspaceError`."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One thing to mend. `file` is relative to the workspace, `line` and `column` count from 1 (column 0: the whole line).

    code: kebab-case, one of `CODES`. meant: what to write instead, "" when nobody can tell. A warning does not keep the workspace from being loaded.
    """

    file: str
    line: int
    column: int = 0
    severity: Severity = "error"
    code: str
    message: str
    meant: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"
        return f"{place}: {self.severity}: {self.message}{f'; {self.meant}' if self.meant else ''} [{self.code}]"


CODES: dict[str, str] = {
    "missing-file": "A file that every workspace needs is not there.",
    "unreadable-file": "The file is not UTF-8, or cannot be opened.",
    "bad-toml": "The file is not TOML.",
    "bad-csv": "The row has too many or too few cells, or a column is missing or unknown.",
    "unknown-key": "No such key in this table.",
    "missing-key": "A key that must be there is not.",
    "bad-value": "The value has the wrong type, or is none of those allowed.",
    "unknown-system": "No file in `systems/` has this name, or the system has another role.",
    "unknown-partner": "No file in `partners/` has this name.",
    "unknown-item": "The item is not in `items.csv`.",
    "unknown-unit": "Neither a stock unit nor a pack of any item.",
    "unknown-qualifier": "Not a qualifier of item references.",
    "unknown-site": "The site is not in `sites.csv`.",
    "unknown-price-list": "No row of `prices.csv` has this price list.",
    "bad-check-digit": "The GTIN's last digit is not its check digit (GS1 General Specifications 7.9).",
    "duplicate": "The same thing is said twice.",
    "ambiguous-channel": "Several systems carry this partner's documents, and the partner does not say which to write to.",
    "secret-in-clear": "A secret stands in the workspace itself instead of a reference.",
    "missing-secret": "The environment variable or file that a secret refers to is not there on this machine.",
    "missing-variable": "A `${NAME}` without a default names a variable that is not set on this machine.",
    "bad-setting": "The connector does not take this setting.",
    "bad-overlay": "The overlay does not fit the guide of the transaction set.",
    "bad-map": "The map is not an expression, or not a table of expressions.",
    "bad-delimiters": "Two delimiters are the same, or one is a letter or digit.",
    "bad-routing": "The decision table does not compile, or can give what is not there.",
}
"""Every code of a problem and what it means."""


_FOLLOWS: dict[str, tuple[str, ...]] = {
    "unknown-item": ("items.csv",),
    "unknown-unit": ("items.csv", "packs.csv"),
    "unknown-site": ("sites.csv",),
    "unknown-price-list": ("prices.csv", "items.csv"),
    "unknown-partner": ("partners/",),
    "unknown-system": ("systems/",),
    "bad-routing": ("sites.csv", "systems/"),
}
"""What is only not known because a file cannot be read: code to the files (or the folder of the file) that would tell."""

MOST_ALIKE = 200
"""So many problems with one code in one file are told singly; of the rest only how many they are."""


class Report:
    """Gathers problems while a workspace is read."""

    def __init__(self) -> None:
        self._problems: set[Problem] = set()
        self._alike: Counter[tuple[str, str]] = Counter()

    def add(
        self,
        code: str,
        message: str,
        *,
        file: str,
        line: int = 1,
        column: int = 0,
        meant: str | Callable[[], str] = "",
        severity: Severity = "error",
    ) -> None:
        """One problem more. `meant` may be worked out late, since looking for what is alike among 100,000 items takes its time. Raises KeyError for an undocumented code."""
        CODES[code]
        self._alike[file, code] += 1
        if self._alike[file, code] <= MOST_ALIKE:
            self._problems.add(
                Problem(
                    file=file,
                    line=line,
                    column=column,
                    severity=severity,
                    code=code,
                    message=message,
                    meant=meant() if callable(meant) else meant,
                )
            )

    def problems(self) -> list[Problem]:
        """By file and line, each once."""
        more = [
            Problem(
                file=file,
                line=max(p.line for p in self._problems if (p.file, p.code) == (file, code)),
                code=code,
                message=f"and {count - MOST_ALIKE} more like this in this file",
            )
            for (file, code), count in self._alike.items()
            if count > MOST_ALIKE
        ]
        unread = {p.file for p in self._problems if p.code in ("unreadable-file", "bad-toml")}
        return sorted(p for p in self._problems if not _follows(p, unread)) + more


def _follows(problem: Problem, unread: set[str]) -> bool:
    """Whether a problem would be none if the files that cannot be read could be: it is told when they can, and hides them until then."""
    for where in _FOLLOWS.get(problem.code, ()):
        if where in unread:
            return True
        if any(file.startswith(where) and f"`{PurePath(file).stem}`" in problem.message for file in unread):
            return True
    return False


class WorkspaceError(Exception):
    """The workspace cannot be loaded. `problems` holds every reason at once (and the warnings)."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """'did you mean `clocks`?' when something close is known; else all of `known` if they are few, else `otherwise`."""
    known = set(known)
    if len(known) > 2000:
        known = {k for k in known if abs(len(k) - len(word)) <= 2 and k[:2].casefold() == word[:2].casefold()}
    folded = {k.casefold(): k for k in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.casefold(), folded, n=3, cutoff=0.6)
    if close:
        # Of those that are as near, the one with the same letters in another order: a slip of the fingers.
        best = min(close, key=lambda each: sorted(each) != sorted(word.casefold()))
        return f"did you mean `{folded[best]}`?"
    if not otherwise and 0 < len(known) <= 12:
        return "one of " + ", ".join(f"`{k}`" for k in sorted(known))
    return otherwise
