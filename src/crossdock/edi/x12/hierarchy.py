"""The HL tree of a ship notice: where each level's content belongs in the document, and the levels that a document needs.

Standard carton (S-O-P-I), pick and pack with tares (S-O-T-P-I), item above pack (S-O-I-P), no packs (S-O-I) and a tare
above its orders (S-T-O-P-I) are read; the last becomes one pack of the same SSCC in each of its orders. A level that we
give no meaning to (kit, component) holds nothing. Parents are judged by `validate`; here the nearest fitting one is taken.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from crossdock.trade.documents import Pack, PackedItem, ShipNotice, ShippedOrder

Frame = dict[str, Any]

LEVEL_TYPES: dict[str, type] = {"S": ShipNotice, "O": ShippedOrder, "T": Pack, "P": Pack, "I": PackedItem}
"""What the segments of a level fill."""

PALLET = "pallet"


class Tree:
    """The frames of one ship notice while it is read."""

    def __init__(self, root: Frame) -> None:
        self.root = root
        self.nodes: dict[str, tuple[str, Frame, Frame]] = {}
        self.last: dict[str, str] = {}

    def enter(self, segment: Sequence[str]) -> tuple[str, Frame]:
        """The level of an HL segment and the frame that its segments fill."""
        number, parent, level = (segment[at] if at < len(segment) else "" for at in (1, 2, 3))
        above, _, into = self._parent(parent, level)
        frame: Frame = {}
        inner = frame
        if level == "S":
            frame = inner = self.root
        elif level == "O":
            self.root.setdefault("orders", []).append(frame)
            if above in ("T", "P"):
                inner = dict(into)
                frame["packs"] = [inner]
        elif level in ("T", "P"):
            if level == "T":
                frame["kind"] = PALLET
            if above != "S":
                into.setdefault("packs", []).append(frame)
        elif level == "I":
            if above == "S":
                into = self._order()
            into.setdefault("items", []).append(frame)
        self.nodes[number] = (level, frame, inner)
        self.last[level] = number
        return level, frame

    def _parent(self, number: str, level: str) -> tuple[str, Frame, Frame]:
        found = self.nodes.get(number)
        if found is None:
            likely = {"O": "S", "T": "OS", "P": "TOIS", "I": "POS"}.get(level, "S")
            found = next((self.nodes[self.last[each]] for each in likely if each in self.last), None)
        if found is None or (found[0] == "S" and level == "P" and "O" not in self.last):
            return ("S", self.root, self.root) if level != "P" else ("O", {}, self._order())
        return found

    def _order(self) -> Frame:
        """Where content without an order level belongs: an order that nobody named."""
        orders: list[Frame] = self.root.setdefault("orders", [])
        if not orders:
            orders.append({"purchase_order": ""})
        return orders[-1]


def levels(notice: ShipNotice) -> Iterator[tuple[str, int, bool, Any]]:
    """The HL levels of a notice in order: level code, index of its parent (-1: none), whether it has children, and what it tells."""
    number = 0
    made: list[list[Any]] = []

    def add(level: str, parent: int, what: Any) -> int:
        nonlocal number
        made.append([level, parent, False, what])
        if parent >= 0:
            made[parent][2] = True
        number += 1
        return number - 1

    def pack_in(pack: Pack, parent: int) -> None:
        at = add("T" if pack.kind == PALLET else "P", parent, pack)
        for inner in pack.packs:
            pack_in(inner, at)
        for item in pack.items:
            item_in(item, at)

    def item_in(item: PackedItem, parent: int) -> None:
        at = add("I", parent, item)
        for pack in item.packs:
            pack_in(pack, at)

    shipment = add("S", -1, notice)
    for order in notice.orders:
        at = add("O", shipment, order)
        for pack in order.packs:
            pack_in(pack, at)
        for item in order.items:
            item_in(item, at)
    return ((level, parent, children, what) for level, parent, children, what in made)
