"""Whether a partner's overlays fit the guides of the transaction sets that they change."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from crossdock.edi.x12 import guide as guides
from crossdock.workspace.positions import Path as KeyPath
from crossdock.workspace.problems import did_you_mean
from crossdock.workspace.shape import plain

Fault = tuple[KeyPath, str, str]
"""(key path within [x12.overlays], message, what was meant)."""


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
        else:
            yield from _against(guide, set_id, plain(dict(overlay)))


def _against(guide: guides.Guide, set_id: str, overlay: Mapping[str, Any]) -> Iterator[Fault]:
    with contextlib.suppress(ImportError):
        from crossdock.edi.x12 import overlay as applied

        try:
            applied.apply(guide, overlay)
        except guides.GuideError as error:
            yield (set_id,), str(error), ""
