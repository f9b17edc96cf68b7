"""Whether a partner's overlays fit the guides of the transaction sets that they change: each entry by itself, so that one slip does not hide another."""

from collections.abc import Iterator, Mapping
from typing import Any

from crossdock.edi.x12 import guide as guides
from crossdock.edi.x12 import overlay as overlaid
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.problems import did_you_mean
from crossdock.workspace.shape import plain

Fault = tuple[KeyPath, str, str]
"""(key path within [x12.overlays], message, what was meant)."""

_BY_ENTRY = ("segments", "elements", "words", "meaning")
"""Tables of an overlay that hold one table for each thing they change."""


def faults(version: str, overlays: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with `overlays`, by transaction set."""
    for set_id, overlay in overlays.items():
        guide = guides.load(set_id, version)
        if guide is None:
            yield (
                (set_id,),
                f"there is no guide for transaction set {set_id}",
                did_you_mean(set_id, guides.known_sets()),
            )
        elif not isinstance(overlay, Mapping):
            yield (set_id,), f"the overlay of {set_id} must be a table", ""
        elif whole := _refused(guide, plain(dict(overlay))):
            found = list(_entries(guide, set_id, plain(dict(overlay))))
            # Entries that are right by themselves may still contradict each other.
            yield from found or [((set_id,), whole, "")]


def _entries(guide: guides.Guide, set_id: str, overlay: Mapping[str, Any]) -> Iterator[Fault]:
    for table, told in overlay.items():
        if table in _BY_ENTRY and not isinstance(told, Mapping):
            yield (set_id, table), f"`{table}` must be a table", ""
        elif table in _BY_ENTRY:
            for name, entry in told.items():
                if not isinstance(entry, Mapping):
                    yield (set_id, table, name), f"`{table}.{name}` must be a table", ""
                elif reason := _refused(guide, {table: {name: entry}}):
                    yield (set_id, table, name), reason, ""
        elif reason := _refused(guide, {table: told}):
            yield (set_id, table), reason, ""


def _refused(guide: guides.Guide, overlay: dict[str, Any]) -> str:
    """Why the guide cannot take it; "" when it can."""
    try:
        overlaid.apply(guide, overlay)
    except ValueError as error:
        return str(error)
    except (TypeError, AttributeError, KeyError) as error:
        # A value of a type that the overlay's own checks did not look for.
        return f"cannot be read: {error}"
    return ""
