"""What a warehouse tells of stock, in our words: receipts, adjustments and levels to movements and snapshots. Pure.

A document is understood whole or not at all: what we do not know of any of its lines is said of all of them at once
(`NotKnown`), and the document is held until the workspace has learned it. Units are converted exactly or not at all.
A movement's id is made of the document's number, the line's place and the line's own words, so that a document that is
sent again moves nothing, whatever interchange brings it.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from crossdock.crosswalk.directory import Item, Partner
from crossdock.crosswalk.numbers import digest
from crossdock.crosswalk.orders import NotUnderstood
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.facts.receipt import ConfirmedReceiptLine, ReceiptConfirmed
from crossdock.ledger.legs import usual
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine
from crossdock.trade.documents import ItemReference, PartyReference
from crossdock.trade.stock import (
    AdjustedLine,
    InventoryAdjustmentAdvice,
    InventoryAdvice,
    InventoryLine,
    ReceivedLine,
    StockLevel,
    StockTransferReceiptAdvice,
)

CONDITIONS = {
    "damaged": "damaged",
    "quality": "quarantine",
    "wrong-item": "quarantine",
    "rejected": "quarantine",
    "on-hold": "quarantine",
    "good": "",
    "short": "",
    "over": "",
}
"""Where goods stand that came in so; "" says nothing of that: what is short never came, what is over is there like the rest."""

ADJUST, HOLD, DAMAGE, RELEASE, RECOVER, SCRAP, IGNORE = (
    "adjust",
    "hold",
    "damage",
    "release",
    "recover",
    "scrap",
    "ignore",
)
ACTIONS = (ADJUST, HOLD, DAMAGE, RELEASE, RECOVER, SCRAP, IGNORE)
"""What an adjustment may mean: storage more or less (by its sign); storage to quarantine or to damaged; quarantine or damaged back to storage; damaged goods
thrown away; nothing."""

REASONS = {
    **dict.fromkeys(("AA", "AB", "AH", "AI", "AR", "AY", "CD", "04", "07", "51", "53", "56"), ADJUST),
    **dict.fromkeys(("AU", "AV"), DAMAGE),
    **dict.fromkeys(("AW", "AX", "05"), HOLD),
    "55": RELEASE,
    "52": RECOVER,
}
"""What X12's codes of a reason (element 181) mean unless the workspace says otherwise: a count, an error of the books, a loss or a find changes the quantity;
damage, a recall, the end of shelf life or a hold, and their end, change the status. A code that is not here is not guessed at."""

STATUSES = {"on-hand": "storage", "available": "storage", "expected": "", "on-order": "", "backordered": ""}
"""The place whose balance a level is to be held against. What is available is less than what is on hand by what the warehouse set apart: where both are told, on hand counts."""

_LEGS = {
    HOLD: (Kind.HOLD, Place.STORAGE, Place.QUARANTINE),
    DAMAGE: (Kind.HOLD, Place.STORAGE, Place.DAMAGED),
    RELEASE: (Kind.RELEASE, Place.QUARANTINE, Place.STORAGE),
    RECOVER: (Kind.RELEASE, Place.DAMAGED, Place.STORAGE),
    SCRAP: (Kind.ADJUST, Place.DAMAGED, Place.ADJUSTMENT),
}
TOLD_OF = 5
"""So many of the things that we do not know are named in words."""


class NotKnown(NotUnderstood):
    """Words of a document that the workspace does not know. cause: of the first: unknown-item, item-conflict, unknown-unit, inexact-unit, unknown-site,
    unknown-reason, unknown-condition, unknown-status."""

    def __init__(self, troubles: Sequence[tuple[str, str]]) -> None:
        self.cause = troubles[0][0]
        told = [f"{cause}: {detail}" for cause, detail in troubles[:TOLD_OF]]
        if len(troubles) > TOLD_OF:
            told.append(f"and {len(troubles) - TOLD_OF} more")
        super().__init__("; ".join(told))


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a document came from: the system that told it, the stored message, and when it came."""

    system: str
    message: int
    received_at: datetime


class _Understanding:
    """One document in the making: its words to ours, and what we do not know of them."""

    def __init__(self, crosswalk: Crosswalk, partner: Partner) -> None:
        self.crosswalk = crosswalk
        self.partner = partner
        self.troubles: list[tuple[str, str]] = []

    def item(self, line: str, references: tuple[ItemReference, ...]) -> Item | None:
        """The item that is meant."""
        item, trouble = self.crosswalk.items.find(self.partner, references)
        if item is None:
            told = ", ".join(f"{each.qualifier} {each.id}" for each in references) or "no number"
            self.troubles.append((trouble, f"line {line}: {told}"))
        return item

    def quantity(self, line: str, item: Item | None, quantity: Decimal, unit: str) -> Decimal:
        """So many of our stock units; nothing where that cannot be said."""
        if item is None:
            return Decimal(0)
        ratio = self.crosswalk.units.ratio(self.partner, item, unit or item.unit)
        if ratio is None:
            self.troubles.append(("unknown-unit", f"line {line}: {item.id} has no unit {unit}"))
            return Decimal(0)
        found = ratio.to_stock(quantity)
        if found is None:
            self.troubles.append(
                ("inexact-unit", f"line {line}: {quantity} {unit} are no exact number of {item.unit} of {item.id}")
            )
            return Decimal(0)
        return found

    def place(self, kind: str, line: str, word: str, usual: dict[str, str]) -> str | None:
        """The place that a condition or status stands for, "" for none, None (and a trouble) where nobody knows."""
        theirs = self.partner.movements
        told = (theirs.conditions if kind == "condition" else theirs.statuses).get(word)
        found = usual.get(word) if told is None else told
        if found is None:
            self.troubles.append((f"unknown-{kind}", f"line {line}: {kind} {word!r} stands for no place"))
        return found

    def counts(self, status: str) -> bool:
        """Whether a level of this status stands for a place."""
        return bool(self.partner.movements.statuses.get(status, STATUSES.get(status)))

    def site_of(self, parties: Iterable[PartyReference]) -> str:
        """The site that a document is about: its warehouse, where we know it by code or name; else the one that is agreed."""
        for role in ("warehouse", "ship-to"):
            for party in parties:
                if party.role == role and (found := self.known_site(party.id) or self.known_site(party.name)):
                    return found
        site = self.partner.movements.site
        if not site:
            told = ", ".join(party.id or party.name for party in parties if party.role == "warehouse") or "none"
            self.troubles.append(("unknown-site", f"its warehouse ({told}) is no site of ours"))
        return site

    def known_site(self, theirs: str) -> str:
        """Our site by their code or name for it."""
        if not theirs:
            return ""
        found = self.partner.locations.get(theirs, theirs)
        return found if found in self.crosswalk.directory.sites else ""

    def done(self) -> None:
        """Raises NotKnown where there is anything that we do not know."""
        if self.troubles:
            raise NotKnown(self.troubles)


def at(day: date | None, zone: str, received_at: datetime) -> datetime:
    """The moment of something that is known by its day alone: the end of that day there, but not after we were told."""
    if day is None:
        return received_at
    ends = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(received_at.tzinfo)
    return min(ends - timedelta(microseconds=1), received_at)


def _sequence(partner: Partner, set_id: str, number: str) -> int | None:
    pattern = partner.movements.sequences.get(set_id)
    found = re.fullmatch(pattern, number) if pattern else None
    return int(found[1]) if found and found[1].isdigit() else None


def _numbered(movements: list[Movement], partner: Partner, set_id: str, number: str) -> tuple[Movement, ...]:
    """The document's number in its series is the first movement's: one number is told once."""
    sequence = _sequence(partner, set_id, number)
    if sequence is not None and movements:
        movements[0] = msgspec.structs.replace(movements[0], stream=set_id, sequence=sequence)
    return tuple(movements)


def received(
    crosswalk: Crosswalk, partner: Partner, advice: StockTransferReceiptAdvice, origin: Origin
) -> tuple[tuple[Movement, ...], ReceiptConfirmed]:
    """What came in: a receipt movement for each line and the place where its goods stand, and the fact that our announcement was met.

    A 3PL tells of goods when it has put them away: they stand in storage, those that came in badly in damaged or quarantine. Raises NotUnderstood, NotKnown.
    """
    if advice.purpose not in ("original", ""):
        raise NotUnderstood(f"a receipt with purpose {advice.purpose!r} is not applied by itself")
    words = _Understanding(crosswalk, partner)
    site = words.site_of(advice.parties)
    moment = at(advice.received or advice.arrived, partner.movements.zone, origin.received_at)
    movements: list[Movement] = []
    lines: list[ConfirmedReceiptLine] = []
    for n, line in enumerate(advice.lines, 1):
        item = words.item(line.line, line.items)
        good, bad = _divided(words, line, item)
        if item is None or good < 0:
            continue
        reference = digest(*_line_words(line.quantity, line.unit, line.items, line.lot), characters=10)
        shares = {(Place.STORAGE, line.lot, ""): good, **bad}
        for part, ((place, lot, reason), quantity) in enumerate(shares.items()):
            if quantity:
                movements.append(
                    Movement(
                        source=origin.system,
                        source_id=f"944:{advice.receipt}/{n}{f'.{part}' if part else ''}:{reference}",
                        kind=Kind.RECEIPT,
                        item=item.id,
                        site=site,
                        quantity=quantity,
                        origin=Place.SUPPLIER,
                        destination=place,
                        occurred_at=moment,
                        lot=lot,
                        reason=reason,
                        reference=advice.depositor_order or advice.receipt,
                        line=line.line,
                        message=origin.message,
                    )
                )
        lines.append(
            ConfirmedReceiptLine(
                line=line.line,
                item=item.id,
                quantity=good + sum(bad.values()),
                damaged=sum((q for (place, _, _), q in bad.items() if place is Place.DAMAGED), Decimal(0)),
                held=sum((q for (place, _, _), q in bad.items() if place is Place.QUARANTINE), Decimal(0)),
                lot=line.lot,
            )
        )
    words.done()
    fact = ReceiptConfirmed(
        receipt=advice.receipt,
        warehouse=origin.system,
        partner=partner.id,
        site=site,
        received=advice.received,
        shipment=advice.shipment,
        lines=tuple(lines),
        workspace_version=crosswalk.directory.version,
    )
    return _numbered(movements, partner, "944", advice.receipt), fact


def _divided(
    words: _Understanding, line: ReceivedLine, item: Item | None
) -> tuple[Decimal, dict[tuple[Place, str, str], Decimal]]:
    """(what is good, what came in badly by place, lot and condition) of a line, in stock units."""
    whole = words.quantity(line.line, item, line.quantity, line.unit)
    bad: dict[tuple[Place, str, str], Decimal] = {}
    for told in line.exceptions:
        place = words.place("condition", line.line, told.condition, CONDITIONS)
        if place and item is not None:
            key = (Place(place), told.lot or line.lot, told.condition)
            quantity = words.quantity(line.line, item, told.quantity, told.unit)
            bad[key] = bad.get(key, Decimal(0)) + quantity
    good = whole if words.partner.movements.besides else whole - sum(bad.values())
    if good < 0 and not words.troubles:
        raise NotUnderstood(f"line {line.line}: more came in badly ({sum(bad.values())}) than came in ({whole})")
    return good, bad


def _line_words(quantity: Decimal, unit: str, items: tuple[ItemReference, ...], lot: str) -> list[str]:
    return [f"{quantity.normalize():f}", unit, lot, *(f"{each.qualifier}={each.id}" for each in items)]


def adjusted(
    crosswalk: Crosswalk, partner: Partner, advice: InventoryAdjustmentAdvice, origin: Origin
) -> tuple[Movement, ...]:
    """What a warehouse changed of its stock: quantities by their sign, statuses by what their reason means.

    A change of status may be told as one line or as two that cancel out (out of the old status, into the new): both move it once. Raises NotUnderstood, NotKnown.
    """
    if advice.purpose not in ("original", ""):
        raise NotUnderstood(f"an adjustment with purpose {advice.purpose!r} is not applied by itself")
    number = advice.number or advice.depositor_number
    if not number:
        raise NotUnderstood("the adjustment has no number")
    words = _Understanding(crosswalk, partner)
    site = words.site_of(advice.parties)
    moment = at(advice.adjusted, partner.movements.zone, origin.received_at)
    understood: list[tuple[int, AdjustedLine, Item, str, Decimal]] = []
    for n, line in enumerate(advice.lines, 1):
        action = partner.movements.reasons.get(line.reason) or REASONS.get(line.reason)
        if action is None:
            words.troubles.append(("unknown-reason", f"line {line.line}: reason {line.reason!r} of an adjustment"))
        item = words.item(line.line, line.items)
        quantity = words.quantity(line.line, item, line.quantity, line.unit)
        if item is not None and action is not None and action != IGNORE and quantity:
            understood.append((n, line, item, action, quantity))
    words.done()
    movements = []
    for n, line, item, action, quantity in _once(understood):
        kind, leaves, enters = _LEGS.get(action, (Kind.ADJUST, *usual(Kind.ADJUST, less=quantity < 0)))
        reference = digest(line.reason, *_line_words(line.quantity, line.unit, line.items, line.lot), characters=10)
        movements.append(
            Movement(
                source=origin.system,
                source_id=f"947:{number}/{n}:{reference}",
                kind=kind,
                item=item.id,
                site=site,
                quantity=abs(quantity),
                origin=leaves,
                destination=enters,
                occurred_at=moment,
                lot=line.lot,
                reason=line.reason,
                reference=number,
                line=line.line,
                message=origin.message,
            )
        )
    return _numbered(movements, partner, "947", number)


def _once(
    told: list[tuple[int, AdjustedLine, Item, str, Decimal]],
) -> list[tuple[int, AdjustedLine, Item, str, Decimal]]:
    """Changes of status that are told from both sides, from one side."""
    sides: dict[tuple[str, str, str, str], list[Decimal]] = {}
    for _, line, item, action, quantity in told:
        if action != ADJUST:
            sides.setdefault((action, line.reason, item.id, line.lot), []).append(quantity)
    both = {key for key, quantities in sides.items() if min(quantities) < 0 < max(quantities)}
    for key in both:
        if sum(sides[key]):
            raise NotUnderstood(
                f"{key[2]}: lines of reason {key[1]} go both ways and do not cancel out: {sum(sides[key])}"
            )
    return [
        each
        for each in told
        if each[3] == ADJUST or each[4] < 0 or (each[3], each[1].reason, each[2].id, each[1].lot) not in both
    ]


def snapshot(crosswalk: Crosswalk, partner: Partner, advice: InventoryAdvice, origin: Origin) -> Snapshot:
    """What a warehouse says that there is, as of the moment that it says. What it does not list, it has none of, unless it tells changes. Raises NotUnderstood, NotKnown."""
    if advice.purpose not in ("original", "change", ""):
        raise NotUnderstood(f"an advice of stock with purpose {advice.purpose!r} is not applied by itself")
    words = _Understanding(crosswalk, partner)
    counted = [level for line in advice.lines for level in line.levels if words.counts(level.status)]
    here = words.site_of(advice.parties) if any(not level.places for level in counted) or not counted else ""
    found: dict[tuple[str, str, Place, str], Decimal] = {}
    for line in advice.lines:
        item = words.item(line.line, line.items)
        statuses = {level.status for level in line.levels}
        for level in line.levels:
            place = words.place("status", line.line, level.status, STATUSES)
            shadowed = level.status == "available" and "on-hand" in statuses
            if not place or item is None or (shadowed and level.status not in partner.movements.statuses):
                continue
            for site, quantity, unit in _placed(words, line, level, here):
                key = (item.id, site, Place(place), line.lot)
                told = words.quantity(line.line, item, quantity, unit)
                found[key] = found.get(key, Decimal(0)) + told
    words.done()
    lines = [SnapshotLine(item, site, place, quantity, lot) for (item, site, place, lot), quantity in found.items()]
    as_of = origin.received_at
    if advice.as_of is not None:
        said = advice.as_of.replace(tzinfo=ZoneInfo(partner.movements.zone)).astimezone(as_of.tzinfo)
        # Without a time it speaks of the day.
        midnight = advice.as_of.time() == time()
        as_of = at(advice.as_of.date(), partner.movements.zone, as_of) if midnight else min(said, as_of)
    content = digest(*(f"{each}" for each in lines), characters=10)
    return Snapshot(
        system=origin.system,
        source_id=f"846:{advice.number}:{as_of:%Y%m%dT%H%M%S}:{content}",
        as_of=as_of,
        lines=tuple(lines),
        sites=tuple(sorted({line.site for line in lines} | ({here} if here else set()))),
        places=tuple(sorted({line.place for line in lines})) or (Place.STORAGE,),
        whole=advice.purpose != "change",
        message=origin.message,
    )


def _placed(words: _Understanding, line: InventoryLine, level: StockLevel, here: str) -> list[tuple[str, Decimal, str]]:
    """(site, quantity, unit) of a level."""
    if not level.places:
        return [(here, level.quantity, level.unit)]
    found = []
    for place in level.places:
        site = words.known_site(place.site)
        if not site:
            words.troubles.append(("unknown-site", f"line {line.line}: {place.site!r} is no site of ours"))
        found.append((site, place.quantity, place.unit))
    return found
