"""Whether what a partner's `[movements]` table says can mean anything: its sites, zone, places, what reasons stand for, and how documents are numbered."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crossdock.crosswalk.stock import ACTIONS
from crossdock.ledger.movement import OURS
from crossdock.workspace.check import Draft
from crossdock.workspace.folder import TomlFile
from crossdock.workspace.problems import did_you_mean

NUMBERED = ("944", "947")
"""The documents whose numbers are followed."""


def check_movements(draft: Draft) -> None:
    """Every value of every partner's `[movements]`; problems go to the folder's report."""
    for partner in draft.partners.values():
        if partner.declared and partner.declared.movements:
            _table(draft, partner.file, partner.declared.movements)


def _table(draft: Draft, file: TomlFile, said: Mapping[str, Any]) -> None:
    complain = draft.folder.complain
    site, zone = said.get("site"), said.get("zone")
    if isinstance(site, str) and site and site not in draft.catalogue.sites:
        meant = did_you_mean(site, draft.catalogue.sites)
        complain(file, "unknown-site", f"no site `{site}` in sites.csv", ("movements", "site"), meant)
    if isinstance(zone, str) and not _is_zone(zone):
        message = f"there is no time zone `{zone}`"
        complain(file, "bad-value", message, ("movements", "zone"), "like America/New_York")
    places = sorted(place.value for place in OURS)
    _values(draft, file, said, "reasons", ACTIONS, "stands for nothing that can be done to stock")
    _values(draft, file, said, "conditions", ("", *places), "is no place that stock is in")
    _values(draft, file, said, "statuses", ("", *places), "is no place that stock is in")
    sequences = said.get("sequences")
    for document, pattern in sequences.items() if isinstance(sequences, Mapping) else ():
        path = ("movements", "sequences", document)
        if document not in NUMBERED:
            message = f"numbers of a `{document}` are not followed"
            complain(file, "bad-value", message, path, did_you_mean(document, NUMBERED))
        elif isinstance(pattern, str) and (wrong := _not_a_number(pattern)):
            complain(file, "bad-value", f"`{pattern}` {wrong}", path, r"like ADJ-(\d+)")


def _values(
    draft: Draft, file: TomlFile, said: Mapping[str, Any], key: str, allowed: Iterable[str], wrong: str
) -> None:
    table = said.get(key)
    for code, value in table.items() if isinstance(table, Mapping) else ():
        if isinstance(value, str) and value not in allowed:
            meant = did_you_mean(value, [each for each in allowed if each])
            draft.folder.complain(file, "bad-value", f"`{value}` {wrong}", ("movements", key, code), meant)


def _not_a_number(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        return f"is no regular expression: {error}"
    return "" if groups == 1 else f"has {groups} groups, and the one group must hold the number"


def _is_zone(zone: str) -> bool:
    try:
        ZoneInfo(zone).utcoffset(datetime(2026, 1, 1))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
