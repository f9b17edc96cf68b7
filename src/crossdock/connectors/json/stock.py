"""What a system tells of stock in JSON objects or CSV rows, by the workspace's maps: movements, snapshots, expected receipts.

A map is a table of expressions over one object. Its words are made ours as those of documents are: items by their numbers, units exactly, sites by their codes.
What is wrong is said with the map and the field (`RowError`); nothing is guessed and nothing is rounded.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from crossdock.crosswalk.directory import Item, Partner
from crossdock.crosswalk.maps import Expression, Map, MapError
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.crosswalk.stock import STATUSES
from crossdock.facts.receipt import ExpectedLine, ReceiptCancelled, ReceiptExpected
from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.legs import usual, wrong
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import SnapshotLine
from crossdock.ports.translation import Message
from crossdock.trade.documents import ItemReference

RECEIPTS = "receipt"
"""The source under which expected receipts stand; their id there is the receipt's number."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common base of maps. when: whether an object tells it. qualifier: what kind of number `item` is; sku is ours."""

    when: str = "true"
    item: str = ""
    quantity: str = ""
    unit: str = ""
    lot: str = ""
    qualifier: str = "sku"


class MovementMap(_Table, frozen=True):
    """How an object tells a movement; all but the last three and `qualifier` are expressions. each: a list inside the message, one movement for each of its elements.
    id: the system's own id of it: told twice, it moves once. kind: of `ledger.movement.Kind`. origin, destination: places, where they are not the usual ones of the kind.
    A quantity below nothing is for adjustments. stream, sequence: the system's own numbering. puts_away: its receipts stand in storage at once. tells_picks: false
    for a system that ships without a word of picking."""

    kind: str
    id: str
    site: str
    each: str = ""
    to_site: str = ""
    origin: str = ""
    destination: str = ""
    occurred_at: str = ""
    stream: str = ""
    sequence: str = ""
    owner: str = ""
    entity: str = ""
    reason: str = ""
    reference: str = ""
    line: str = ""
    puts_away: bool = False
    tells_picks: bool = True


class SnapshotMap(_Table, frozen=True):
    """How a message tells what there is. id, as_of: over the whole message (of a CSV file: its first row); left out: the message's own id, and its receipt.
    lines: the list of its lines (a CSV file's are its rows), over which item, site, quantity, unit, status, lot, owner and entity run. status: a place, or a word of
    the partner's `statuses`; left out: storage. whole: what is not listed, there is none of. places: of which places it speaks; left out: of those of its lines."""

    site: str
    id: str = ""
    as_of: str = ""
    lines: str = ""
    status: str = ""
    owner: str = ""
    entity: str = ""
    whole: bool = True
    places: tuple[Place, ...] = ()


class ReceiptMap(_Table, frozen=True):
    """How a message tells what is expected. each: a list of receipts inside it. number, site, due_on (a date), and, where told, kind, sender, purchase_order, shipment,
    carrier: over the receipt; lines: its lines, over which line, item, quantity, unit, lot run. In a CSV file each row is a line, and rows of one number are one
    receipt, of which the first says the rest. cancelled: an expression that says that nothing of it will come."""

    number: str
    site: str = ""
    due_on: str = ""
    lines: str = ""
    line: str = ""
    each: str = ""
    kind: str = ""
    sender: str = ""
    purchase_order: str = ""
    shipment: str = ""
    carrier: str = ""
    cancelled: str = "false"


class RowError(MapError):
    """What an object tells of stock cannot be understood. cause: as of a document that is held (unknown-item, inexact-unit ...), or map-failed.
    row: which line of a receipt it is about, from 0; None: the receipt itself."""

    def __init__(self, where: str, expression: str, reason: str, cause: str = "map-failed") -> None:
        super().__init__(where, expression, reason)
        self.cause = cause
        self.row: int | None = None


class Words(msgspec.Struct, frozen=True):
    """What maps are understood with. partner: whose words they are. warehouses: by site the system that keeps it, and that system's partner."""

    crosswalk: Crosswalk
    channel: str
    partner: Partner
    warehouses: Mapping[str, tuple[str, str]] = {}


_OPTIONS = frozenset({"when", "each", "lines", "qualifier", "puts_away", "tells_picks", "whole", "places", "cancelled"})


class Compiled:
    """A map ready for use: what it says of one object, in our words."""

    def __init__(self, name: str, table: Any, words: Words, where: str, over: frozenset[str] | None = None) -> None:
        self.name, self.table, self.words, self.where = name, table, words, where
        self.when = None if table.when == "true" else Expression(table.when, f"{where}.when")
        told = {
            field.name: getattr(table, field.name)
            for field in msgspec.structs.fields(table)
            if field.name not in _OPTIONS and getattr(table, field.name)
        }
        self.expressions = {name: text for name, text in told.items() if over is None or name in over}
        self._map = Map(self.expressions, where)

    def holds(self, value: Any) -> bool:
        """Whether the object is this map's."""
        return self.when is None or self.when.holds(value)

    def told(self, value: Any) -> dict[str, str]:
        """Each field's text; one that says nothing is not there."""
        return {name: _text(each) for name, each in self._map.apply(value).items()}

    def fail(self, field: str, reason: str, cause: str = "map-failed") -> RowError:
        """The error about a field."""
        return RowError(f"{self.where}.{field}", self.expressions.get(field, ""), reason, cause)

    # --- words ---

    def item(self, told: Mapping[str, str]) -> Item:
        """The item that is meant."""
        id = told.get("item", "")
        reference = ItemReference(qualifier=self.table.qualifier, id=id)
        found, trouble = self.words.crosswalk.items.find(self.words.partner, (reference,))
        if found is None:
            raise self.fail("item", f"{trouble}: {self.table.qualifier} {id!r}", trouble)
        return found

    def site(self, told: Mapping[str, str], field: str = "site") -> str:
        """The site that is meant."""
        theirs = told.get(field, "")
        found = self.words.partner.locations.get(theirs, theirs)
        if found not in self.words.crosswalk.directory.sites:
            raise self.fail(field, f"{theirs!r} is no site of ours", "unknown-site")
        return found

    def quantity(self, told: Mapping[str, str], item: Item) -> Decimal:
        """So many stock units, signed."""
        text = told.get("quantity", "")
        try:
            quantity = Decimal(text)
        except InvalidOperation:
            raise self.fail("quantity", f"{text!r} is no number") from None
        if not quantity.is_finite() or "_" in text:
            raise self.fail("quantity", f"{text!r} is no number")
        unit = told.get("unit") or item.unit
        ratio = self.words.crosswalk.units.ratio(self.words.partner, item, unit)
        if ratio is None:
            raise self.fail("unit", f"{item.id} has no unit {unit}", "unknown-unit")
        found = ratio.to_stock(quantity)
        if found is None:
            raise self.fail("quantity", f"{text} {unit} are no exact number of {item.unit}", "inexact-unit")
        return found

    def place(self, told: Mapping[str, str], field: str, otherwise: Place) -> Place:
        """A place by its name."""
        text = told.get(field)
        try:
            return Place(text) if text else otherwise
        except ValueError:
            raise self.fail(field, f"{text!r} is no place; there are {', '.join(Place)}") from None

    def moment(self, told: Mapping[str, str], field: str, otherwise: datetime) -> datetime:
        """RFC 3339 text; without a zone it is UTC."""
        text = told.get(field)
        if not text:
            return otherwise
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise self.fail(field, f"{text!r} is not a moment as RFC 3339 writes it") from None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
    return str(value).strip()


def movement(compiled: Compiled, value: Any, message: Message) -> Movement:
    """The movement that an object tells. Raises MapError."""
    told = compiled.told(value)
    table: MovementMap = compiled.table
    if not told.get("id"):
        raise compiled.fail("id", "gives nothing, and must name the movement")
    try:
        kind = Kind(told.get("kind", ""))
    except ValueError:
        raise compiled.fail("kind", f"{told.get('kind')!r} is no kind; there are {', '.join(Kind)}") from None
    item = compiled.item(told)
    quantity = compiled.quantity(told, item)
    less, reason = quantity < 0, told.get("reason", "")
    if less and kind is not Kind.ADJUST:
        raise compiled.fail("quantity", f"a {kind} moves a quantity, not {quantity}")
    leaves, enters = usual(kind, less=less, reason=reason, puts_away=table.puts_away, tells_picks=table.tells_picks)
    sequence = told.get("sequence", "")
    if sequence and not sequence.isdigit():
        raise compiled.fail("sequence", f"{sequence!r} is no whole number")
    found = Movement(
        source=message.channel,
        source_id=told["id"],
        kind=kind,
        item=item.id,
        site=compiled.site(told),
        quantity=abs(quantity),
        origin=compiled.place(told, "origin", leaves),
        destination=compiled.place(told, "destination", enters),
        occurred_at=compiled.moment(told, "occurred_at", message.received_at),
        to_site=compiled.site(told, "to_site") if told.get("to_site") else "",
        lot=told.get("lot", ""),
        owner=told.get("owner") or "own",
        entity=told.get("entity", ""),
        stream=told.get("stream", ""),
        sequence=int(sequence) if sequence else None,
        reason=reason,
        reference=told.get("reference", ""),
        line=told.get("line", ""),
        message=message.id,
    )
    if cannot := wrong(found):
        raise compiled.fail("kind", cannot)
    return found


def snapshot_line(compiled: Compiled, value: Any) -> SnapshotLine | None:
    """The line that an object tells; None where its status stands for no place. Raises MapError."""
    told = compiled.told(value)
    status = told.get("status", "")
    statuses = compiled.words.partner.movements.statuses
    place = statuses.get(status, STATUSES.get(status, status)) if status else "storage"
    if not place:
        return None
    item = compiled.item(told)
    return SnapshotLine(
        item=item.id,
        site=compiled.site(told),
        place=compiled.place({"status": place}, "status", Place.STORAGE),
        quantity=compiled.quantity(told, item),
        lot=told.get("lot", ""),
        owner=told.get("owner") or "own",
        entity=told.get("entity", ""),
    )


def receipt_number(head: Compiled, told: Mapping[str, str]) -> str:
    """Our number of the receipt that an object is about. Raises MapError."""
    if not told.get("number"):
        raise head.fail("number", "gives nothing, and must name the receipt")
    return told["number"]


def receipt(
    head: Compiled, lines: Compiled, value: Any, rows: Sequence[Any] | None = None
) -> tuple[str, ReceiptExpected | ReceiptCancelled, tuple[ExpectedReceipt, ...]]:
    """(number, fact, what the books expect by it) of a receipt, whose lines are `rows` or, where these are None, the map's `lines`. Raises MapError."""
    told = head.told(value)
    table: ReceiptMap = head.table
    number = receipt_number(head, told)
    if table.cancelled != "false" and Expression(table.cancelled, f"{head.where}.cancelled").holds(value):
        return number, ReceiptCancelled(), (_row(number, "", "", "", "", Decimal(0), date(1, 1, 1)),)
    site = head.site(told)
    try:
        due_on = date.fromisoformat(told.get("due_on", "")[:10])
    except ValueError:
        raise head.fail("due_on", f"{told.get('due_on')!r} is no date as 2026-01-31") from None
    elements = rows if rows is not None else Expression(table.lines, f"{head.where}.lines").evaluate(value)
    if not isinstance(elements, list):
        raise head.fail("lines", f"should give a list, and gives {elements!r}")
    expected = tuple(_expected_line(lines, element, n) for n, element in enumerate(elements))
    system, partner = head.words.warehouses.get(site, ("", ""))
    kind = told.get("kind") or "purchase-order"
    fact = ReceiptExpected(
        warehouse=system,
        site=site,
        due_on=due_on,
        lines=expected,
        kind=kind,
        partner=partner,
        workspace_version=head.words.crosswalk.directory.version,
        sender=told.get("sender", ""),
        purchase_order=told.get("purchase_order", ""),
        shipment=told.get("shipment", ""),
        carrier=told.get("carrier", ""),
    )
    return number, fact, tuple(_row(number, e.line, kind, e.item, site, e.quantity, due_on) for e in expected)


def _row(number: str, line: str, kind: str, item: str, site: str, quantity: Decimal, due_on: date) -> ExpectedReceipt:
    """One row of what is expected; without a line it calls all of the receipt off."""
    return ExpectedReceipt(
        source=RECEIPTS,
        source_id=number,
        line=line,
        kind=kind,
        item=item,
        site=site,
        quantity=quantity,
        due_on=due_on,
        closed=not line,
    )


def _expected_line(lines: Compiled, value: Any, row: int) -> ExpectedLine:
    try:
        told = lines.told(value)
        item = lines.item(told)
        quantity = lines.quantity(told, item)
        if quantity < 0:
            raise lines.fail("quantity", f"less than nothing ({quantity}) cannot be expected")
    except RowError as error:
        error.row = row
        raise
    return ExpectedLine(
        line=told.get("line") or str(row + 1), item=item.id, quantity=quantity, unit=item.unit, lot=told.get("lot", "")
    )
