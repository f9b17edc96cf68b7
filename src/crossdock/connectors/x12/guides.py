"""The guides by which a partner's transaction sets are read and written: ours, with the partner's overlay, made
once each.
"""

from crossdock.crosswalk.directory import Partner
from crossdock.edi.x12 import overlay
from crossdock.edi.x12.guide import Guide, load


class Guides:
    """Guides by partner, transaction set and version, for one version of the workspace."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str], Guide | None] = {}

    def find(self, partner: Partner, set_id: str, version: str) -> Guide | None:
        """The guide, or None when there is none for the set. Raises GuideError when the partner's overlay does not
        fit it.
        """
        key = (partner.id, set_id, version)
        try:
            return self._made[key]
        except KeyError:
            guide = load(set_id, version)
            told = partner.x12.overlays.get(set_id)
            if guide is not None and told:
                guide = overlay.apply(guide, dict(told))
            if len(self._made) >= 4096:  # versions are a sender's words, and must not fill the memory
                self._made.clear()
            self._made[key] = guide
            return guide
