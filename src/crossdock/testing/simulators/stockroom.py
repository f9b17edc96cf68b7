"""What a warehouse keeps on its shelves, and what it tells of them: 944s for what came in, 947s for what it changed, 846s of what there is. Its books are its own.

It takes 943s as what to expect, sets apart what a 940 asks for, and notes every 940 that asks for more than there is: whoever sent that has sold what it had not.
"""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from crossdock.testing.configs import Shelving, Warehouse
from crossdock.testing.simulators import x12
from crossdock.testing.simulators.confirmations import Picked, Release
from crossdock.testing.simulators.outbox import Outbox
from crossdock.testing.simulators.x12 import element
from crossdock.testing.tallies import Drift, Received, ShelfChange, WarehouseTally

Shelf = tuple[str, str]
"""(site, item), in the warehouse's words for the site and the depositor's for the item."""

NONE = Decimal(0)
COUNTED, ON_HAND, UNUSABLE = "AA", "17", "20"
DAMAGES = frozenset({"AU", "AV"})
"""Reasons by which goods leave the shelf for the place of what is damaged, as the workspace reads them."""


class Announced(msgspec.Struct, frozen=True):
    """A 943: what is on its way, by the depositor's line: (item, quantity)."""

    order: str
    site: str
    lines: dict[str, tuple[str, Decimal]]


def announced(transaction: x12.Transaction) -> Announced:
    """A 943 as the warehouse understands it."""
    site = ""
    lines: dict[str, tuple[str, Decimal]] = {}
    w04: list[str] = []
    for segment in transaction.segments:
        if segment[0] == "N1" and element(segment, 1) == "WH":
            site = element(segment, 4) or element(segment, 2)
        elif segment[0] == "W04":
            w04 = segment
            lines[str(len(lines) + 1)] = (_sku(segment[4:8]), Decimal(element(segment, 1)))
        elif segment[0] == "N9" and w04 and element(segment, 1) == "LI":
            place = str(len(lines))
            lines[element(segment, 2)] = lines.pop(place)
    return Announced(element(transaction.first("W06"), 2), site, lines)


def _sku(pairs: Sequence[str]) -> str:
    return next((pairs[n + 1] for n in range(0, len(pairs) - 1, 2) if pairs[n] == "SK"), "")


class Stockroom:
    """The shelves of all its sites."""

    def __init__(self, config: Warehouse, shelving: Shelving, tally: WarehouseTally, outbox: Outbox) -> None:
        self._config = config
        self._shelving = shelving
        self._tally = tally
        self._outbox = outbox
        self._shelves: dict[Shelf, Decimal] = {}
        self._unusable: dict[Shelf, Decimal] = {}
        self._apart: dict[tuple[str, str], dict[Shelf, Decimal]] = {}
        self._on_the_way: dict[str, tuple[float, Announced]] = {}
        self._known: set[str] = set()
        self._adjustments = sorted(shelving.adjustments, key=lambda each: each.after_seconds)
        self._opened: float | None = None
        self._told: float | None = None
        self._receipts = self._changes = 0

    # --- goods in ---

    def expect(self, transaction: x12.Transaction, seconds: float) -> None:
        """Takes in a 943. The same order again is what is expected instead, until it has come."""
        goods = announced(transaction)
        if goods.order in self._known:
            return
        late = self._shelving.late_receipts.get(goods.order, self._shelving.receive_seconds)
        before = self._on_the_way.get(goods.order)
        self._on_the_way[goods.order] = (before[0] if before else seconds + late, goods)

    def _receive(self, goods: Announced) -> None:
        self._known.add(goods.order)
        self._receipts += 1
        number, today = f"RCV-{self._receipts:06d}", _today()
        body = [f"W17*F*{today:%Y%m%d}*{number}*{goods.order}~", self._here(goods.site)]
        for line, (item, quantity) in goods.lines.items():
            self._put((goods.site, item), quantity)
            body.append(f"W07*{quantity}*EA**SK*{item}~N9*LI*{line}~")
        total = sum((quantity for _, quantity in goods.lines.values()), NONE)
        body.append(f"W14*{total}~")
        items: dict[str, str] = {}
        for item, quantity in goods.lines.values():
            items[item] = str(Decimal(items.get(item, "0")) + quantity)
        told = Received(receipt=number, moment=time.time_ns(), order=goods.order, site=goods.site, items=items)
        self._tally.received.append(told)
        self._outbox.send("944", self._outbox.build("RE", [("944", "".join(body))]))

    def _put(self, shelf: Shelf, quantity: Decimal) -> None:
        self._shelves[shelf] = self._shelves.get(shelf, NONE) + quantity
        self._note(shelf)

    def _note(self, shelf: Shelf) -> None:
        key = "/".join(shelf)
        self._tally.shelves[key] = str(self._shelves.get(shelf, NONE))
        if shelf in self._unusable:
            self._tally.unusable[key] = str(self._unusable[shelf])

    # --- goods out ---

    def set_apart(self, release: Release) -> dict[str, Decimal]:
        """How many there are of each line of a 940; what is there is set apart for it. A line that asks for more is noted as oversold."""
        found: dict[str, Decimal] = {}
        mine = self._apart.setdefault((release.order, release.release), {})
        for line in release.lines:
            shelf = (release.site or self._shelving.site, _sku(line.items))
            taken = sum((each.get(shelf, NONE) for each in self._apart.values()), NONE)
            there = max(self._shelves.get(shelf, NONE) - taken, NONE)
            found[line.line] = min(line.quantity, there)
            mine[shelf] = mine.get(shelf, NONE) + found[line.line]
            if there < line.quantity:
                self._tally.oversold.append(
                    f"{release.purchase_order or release.order} line {line.line}: {line.quantity} of {shelf[1]} at {shelf[0]}, "
                    f"where {there} were left"
                )
        return found

    def ship(self, release: Release, picked: Sequence[Picked], *, last: bool) -> None:
        """Takes what leaves off the shelves. With the last shipment goes what was still set apart; what could not be found is counted, and told by a 947."""
        mine = self._apart.get((release.order, release.release), {})
        for at in picked:
            shelf = (release.site or self._shelving.site, _sku(at.line.items))
            self._put(shelf, -at.shipped)
            mine[shelf] = max(mine.get(shelf, NONE) - at.shipped, NONE)
        if not last:
            return
        for shelf, missing in mine.items():
            if missing:
                self._change(shelf, -missing, COUNTED, after_seconds=0.3)
        self.put_back(release)

    def put_back(self, release: Release) -> None:
        """Sets nothing apart for a release any more."""
        self._apart.pop((release.order, release.release), None)

    # --- what it changes by itself, and what it says that there is ---

    def work(self, seconds: float) -> None:
        """Does what is due, `seconds` after the start: puts away, counts, and says what there is."""
        for order, (due, goods) in list(self._on_the_way.items()):
            if seconds >= due:
                del self._on_the_way[order]
                self._receive(goods)
                self._opened = seconds if self._opened is None else self._opened
        if self._opened is None:
            return
        while self._adjustments and seconds - self._opened >= self._adjustments[0].after_seconds:
            due_now = self._adjustments.pop(0)
            self._change((due_now.site, due_now.item), Decimal(due_now.quantity), due_now.reason, lost=due_now.lost)
        every = self._shelving.snapshot_seconds
        if every is not None and (self._told is None or seconds - self._told >= every):
            self._told = seconds
            self._tell()

    def _change(
        self, shelf: Shelf, quantity: Decimal, reason: str, *, lost: bool = False, after_seconds: float = 0.0
    ) -> None:
        self._changes += 1
        number = f"ADJ-{self._changes:06d}"
        if reason in DAMAGES:
            self._unusable[shelf] = self._unusable.get(shelf, NONE) - quantity
        self._put(shelf, quantity)
        self._tally.changes.append(
            ShelfChange(
                moment=time.time_ns(),
                number=number,
                site=shelf[0],
                item=shelf[1],
                quantity=str(quantity),
                reason=reason,
                told=not lost,
            )
        )
        if lost:
            self._tally.drifts.append(
                Drift(number=number, site=shelf[0], item=shelf[1], quantity=str(quantity), cause="missing-message")
            )
            self._tally.faults.setdefault("lost_adjustment", []).append(number)
            return
        body = f"W15*{_today():%Y%m%d}*{number}~{self._here(shelf[0])}W19*{reason}*{quantity}*EA**SK*{shelf[1]}~"
        self._outbox.send("947", self._outbox.build("AW", [("947", body)]), after_seconds)

    def _tell(self) -> None:
        """One 846 a site, of the present moment."""
        now = datetime.now(UTC)
        self._tally.snapshots += 1
        bodies = []
        for site in sorted({site for site, _ in self._shelves}):
            parts = [f"BIA*00*DD*INV-{self._tally.snapshots:06d}*{now:%Y%m%d}*{now:%H%M%S}~{self._here(site)}"]
            items = sorted(item for at, item in self._shelves if at == site)
            for n, item in enumerate(items, 1):
                parts.append(f"LIN*{n}*SK*{item}~QTY*{ON_HAND}*{self._shelves[site, item]}*EA~")
                if unusable := self._unusable.get((site, item)):
                    parts.append(f"QTY*{UNUSABLE}*{unusable}*EA~")
            bodies.append(("846", "".join([*parts, f"CTT*{len(items)}~"])))
        self._outbox.send("846", self._outbox.build("IB", bodies))

    def _here(self, site: str) -> str:
        return f"N1*WH*{self._config.identity.id}*92*{site}~"


def _today() -> date:
    return datetime.now(UTC).date()
