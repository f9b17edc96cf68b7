"""Who sent this: interchange identities to partners. A sender that nobody knows is an answer (None), not an error."""

from collections.abc import Mapping

from crossdock.crosswalk.directory import Directory, Identity, Partner


class Partners:
    """Partners by the identity that they write in ISA05-06 (and GS02, where several share one)."""

    def __init__(self, directory: Directory) -> None:
        self._by_sender: dict[tuple[str, str], list[tuple[Identity, Partner]]] = {}
        for partner in directory.partners.values():
            for identity in partner.them:
                key = (identity.qualifier.strip(), identity.id.strip())
                self._by_sender.setdefault(key, []).append((identity, partner))
        self._found: dict[tuple[str, str, str, str, str | None], Partner | None] = {}

    def find(
        self, qualifier: str, sender: str, receiver_qualifier: str, receiver: str, group_sender: str | None = None
    ) -> Partner | None:
        """The partner behind these identities, or None: unknown, meant for somebody else, or shared by several that
        nothing tells apart.

        group_sender is GS02. None: not known (a TA1 stands alone); then one partner only may bear the interchange's
        identity.
        """
        key = (qualifier.strip(), sender.strip(), receiver_qualifier.strip(), receiver.strip(), group_sender)
        try:
            return self._found[key]
        except KeyError:
            partner = self._find(*key)
            if len(self._found) < 4096:  # senders that nobody knows must not fill the memory
                self._found[key] = partner
            return partner

    def knows(self, qualifier: str, sender: str) -> bool:
        """Whether any partner bears this sender identity, whoever it wrote to."""
        return (qualifier.strip(), sender.strip()) in self._by_sender

    def _find(
        self, qualifier: str, sender: str, to_qualifier: str, to: str, group_sender: str | None
    ) -> Partner | None:
        candidates = [
            (identity, partner)
            for identity, partner in self._by_sender.get((qualifier, sender), ())
            if partner.us is None or (partner.us.qualifier.strip(), partner.us.id.strip()) == (to_qualifier, to)
        ]
        if group_sender is None:
            named = {partner.id: partner for _, partner in candidates}
        else:
            wanted = group_sender.strip()
            named = {p.id: p for i, p in candidates if i.group_id and i.group_id.strip() == wanted}
            # An identity without a group id of its own speaks for any group: partners' GS02 often differs from ISA06.
            named = named or {p.id: p for i, p in candidates if not i.group_id}
        return next(iter(named.values())) if len(named) == 1 else None


def sending_identity(partner: Partner) -> Identity | None:
    """The identity to address `partner` by when we write: the first of its own."""
    return partner.them[0] if partner.them else None


def inverse(units: Mapping[str, str]) -> dict[str, str]:
    """Our code to the partner's; of several of its codes with one meaning, the first listed is written."""
    theirs: dict[str, str] = {}
    for code, ours in units.items():
        theirs.setdefault(ours, code)
    return theirs
