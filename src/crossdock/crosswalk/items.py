"""Which of our items is meant by their numbers for it, and by which numbers they know ours."""

from collections.abc import Iterable

from crossdock.crosswalk.directory import Directory, Item, Partner
from crossdock.trade.documents import ItemReference

GTIN = "gtin"
"""One name for GTIN-8, -12, -13 and -14: the same number with leading zeros (GS1 General Specifications 3.3.2)."""

_REMEMBERED = 100_000

OUR_NUMBER = frozenset({"seller-item", "sku"})
"""Qualifiers under which a partner may write our own item id."""


def normalised(qualifier: str, id: str) -> tuple[str, str]:
    """A reference as it is compared: blanks off, and a GTIN of whatever length as 14 digits."""
    id = id.strip()
    if qualifier.startswith(GTIN):
        return GTIN, (id.zfill(14) if id.isascii() and id.isdigit() else id)
    return qualifier, id


class Items:
    """Items by reference: a partner's own cross-references, then the references that any partner may use, then our
    own number.
    """

    def __init__(self, directory: Directory) -> None:
        self.by_id = directory.items
        self._found: dict[tuple[str, tuple[ItemReference, ...]], tuple[Item | None, str]] = {}
        self._of_partner: dict[tuple[str, str, str], str] = {}
        self._of_all: dict[tuple[str, str], str | None] = {}
        self._theirs: dict[tuple[str, str], list[ItemReference]] = {}
        for (partner, qualifier, id), item_id in directory.partner_items.items():
            self._of_partner[(partner, *normalised(qualifier, id))] = item_id
            self._theirs.setdefault((partner, item_id), []).append(ItemReference(qualifier=qualifier, id=id))
        for item in directory.items.values():
            for qualifier, id in item.references:
                key = normalised(qualifier, id)
                # A number that two items share tells nothing: None.
                self._of_all[key] = item.id if self._of_all.get(key, item.id) == item.id else None

    def find(self, partner: Partner, references: tuple[ItemReference, ...]) -> tuple[Item | None, str]:
        """The item that `references` mean, or None and why: `unknown-item`, or `item-conflict` when they mean
        different ones.

        A warehouse's sku is the number that we gave it. Otherwise only qualifiers that the partner is trusted in
        (`item_qualifiers`) count. A reference that we do not know does not speak against one that we do; two that
        we know must agree, whatever the order of trust.
        """
        key = (partner.id, references)
        known = self._found.get(key)
        if known is None:
            if len(self._found) >= _REMEMBERED:  # numbers are a sender's words, and must not fill the memory
                self._found.clear()
            known = self._found[key] = self._find(partner, references)
        return known

    def _find(self, partner: Partner, references: Iterable[ItemReference]) -> tuple[Item | None, str]:
        found: str | None = None
        trusted = partner.item_qualifiers
        ours = "sku" if partner.role == "warehouse" else ""
        for reference in references:
            qualifier = reference.qualifier
            if qualifier not in trusted and qualifier != ours:
                continue
            key = normalised(qualifier, reference.id)
            id = self._of_partner.get((partner.id, *key))
            if id is None:
                id = self._of_all.get(key, "")
                if id is None:
                    return None, "item-conflict"
                if not id and qualifier in OUR_NUMBER and key[1] in self.by_id:
                    id = key[1]
            if id:
                if found is not None and found != id:
                    return None, "item-conflict"
                found = id
        item = self.by_id.get(found) if found else None
        return (item, "") if item is not None else (None, "unknown-item")

    def references(self, partner: Partner, item: Item) -> tuple[ItemReference, ...]:
        """By which numbers `partner` knows `item`, most trusted first; our own number as seller-item is always
        among them.
        """
        named = [*self._theirs.get((partner.id, item.id), ())]
        named += [ItemReference(qualifier=qualifier, id=id) for qualifier, id in item.references]
        named.append(ItemReference(qualifier="seller-item", id=item.id))
        first: dict[str, ItemReference] = {}
        for reference in named:
            first.setdefault(reference.qualifier, reference)
        rank = {qualifier: place for place, qualifier in enumerate(partner.item_qualifiers)}
        trusted = [reference for reference in first.values() if reference.qualifier in rank or reference.id == item.id]
        return tuple(sorted(trusted, key=lambda reference: rank.get(reference.qualifier, len(rank))))
