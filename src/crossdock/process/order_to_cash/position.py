"""The order's position: lines as changed and decided, their counters, what was released and what has shipped. All of it follows from the state.

Per line: ordered, accepted, released, shipped, invoiced, cancelled, backordered, in our stock unit. Quantity is conserved:
`quantity` (ordered, as changed) = open + shipped up to quantity + cancelled; invoiced <= shipped; what was released and neither shipped nor given up is `outstanding`.
"""

from datetime import date, datetime
from decimal import Decimal
from zlib import crc32

import msgspec
from msgspec.structs import replace

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.money import ZERO, amount_of
from crossdock.process.order_to_cash.packing import mispacked
from crossdock.process.order_to_cash.state import AlteredLine, Change, Line, Order, Sent, Shipment, State, Word

_SAME_PRICE = Decimal("0.0001")
"""Prices per stock unit closer than this are the same: a price per dozen is not exact per piece."""


class LineNow(msgspec.Struct, gc=False):
    """A line as it stands. undecided: the cause for which it cannot be accepted or rejected yet, "" when it can.
    partner_price: the customer's, where it is the one that holds."""

    line: Line
    original: Decimal
    quantity: Decimal
    price: Decimal | None = None
    partner_price: Decimal | None = None
    undecided: str = ""
    cancelled: Word | None = None
    price_changed: bool = False
    deleted: bool = False
    released: Decimal = ZERO
    outstanding: Decimal = ZERO
    shipped: Decimal = ZERO
    invoiced: Decimal = ZERO
    short: Decimal = ZERO
    backordered: Decimal = ZERO

    @property
    def accepted(self) -> Decimal:
        return ZERO if self.undecided or self.cancelled else self.quantity

    @property
    def open(self) -> Decimal:
        """What is still to be shipped."""
        return max(self.quantity - self.shipped, ZERO) - self.cancelled_quantity

    @property
    def cancelled_quantity(self) -> Decimal:
        unshipped = max(self.quantity - self.shipped, ZERO)
        return unshipped if self.cancelled else min(self.short, unshipped)

    def amount(self, quantity: Decimal) -> Decimal:
        """What `quantity` of it costs."""
        return amount_of(self.line, self.price, self.partner_price, quantity)


class ReleaseNow(msgspec.Struct, gc=False):
    """A release that is out. `short` holds what a complete confirmation left unshipped."""

    label: str
    number: int
    sent: Sent
    told: dict[str, Decimal]
    shipped: dict[str, Decimal]
    shipments: list[Shipment]
    refused: Word | None = None
    complete: bool = False
    cancelled: bool = False
    given_up: bool = False

    @property
    def open(self) -> bool:
        """The warehouse may still ship of it."""
        return not (self.complete or self.cancelled or self.given_up)

    def unshipped(self, line: str) -> Decimal:
        return max(self.told.get(line, ZERO) - self.shipped.get(line, ZERO), ZERO)


class ShipmentNow(msgspec.Struct, gc=False):
    """A shipment as it stands. quantities, billed: by line. over: by line, what is beyond the tolerance and not decided.
    foreign: lines of it that the order does not have, or with impossible quantities. tax_subject changes when the shipment is replaced."""

    number: str
    told: Shipment
    quantities: dict[str, Decimal]
    billed: dict[str, Decimal]
    tax_subject: str
    release: ReleaseNow | None = None
    conflict: str = ""
    over: dict[str, Decimal] = {}
    substituted: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    after_cancel: bool = False
    mispacked: str = ""
    amount: Decimal = ZERO


class Position(msgspec.Struct, gc=False):
    """All of it. mark: names what has been altered since the order came, "" for nothing: what is told again is told under another mark.
    late: changes ("cancel" for the cancellation) that came after a release and are not applied. candidate: what to release next."""

    order: Order
    lines: dict[str, LineNow]
    warehouse: str = ""
    site: str = ""
    ship_not_before: date | None = None
    ship_no_later: date | None = None
    cancel_after: date | None = None
    decided: bool = True
    decided_at: datetime | None = None
    cancelled: Word | None = None
    mark: str = ""
    applied: tuple[str, ...] = ()
    altered_at: datetime | None = None
    late: tuple[str, ...] = ()
    foreign_changes: tuple[tuple[str, str], ...] = ()
    releases: list[ReleaseNow] = []
    shipments: list[ShipmentNow] = []
    candidate: dict[str, Decimal] = {}
    candidate_label: str = ""
    surplus: tuple[str, ...] = ()
    short: bool = False
    total: Decimal = ZERO
    original_total: Decimal = ZERO


def decision(state: State, trouble: str) -> str:
    """accept, decline, or "" as long as nobody decided."""
    word = state.decided.get(trouble)
    return word.code if word is not None else ""


def stands(state: State, obligation: str) -> Word | None:
    """The refusal of `obligation` that stands, if one does."""
    refused = state.refused.get(obligation)
    if refused is None:
        return None
    retried = state.retried.get(obligation)
    return refused if retried is None or (retried.at, retried.fact) < (refused.at, refused.fact) else None


def position_of(state: State, agreement: Agreement) -> Position:
    """The position of an order that has been received."""
    order = state.orders[0]
    p = Position(order, {}, order.warehouse, order.site, order.ship_not_before, order.ship_no_later, order.cancel_after)
    p.decided_at = order.at
    for line in order.lines:
        p.lines[line.line] = LineNow(line, line.quantity, line.quantity)
    if state.resolved:
        _resolve(p, state)
    p.releases = _releases(p, state)
    if state.changes or state.cancelled or state.line_cancels:
        _alter(p, state, agreement)
    _decide(p, state, agreement)
    if state.shipments:
        _ship(p, state, agreement)
    if p.releases:
        _settle_releases(p, state)
    _plan_release(p, state, agreement)
    return p


# --- Lines -----------------------------------------------------------------------------------------------------------------


def _resolve(p: Position, state: State) -> None:
    for name, resolved in state.resolved.items():
        if name == "":
            if not p.warehouse:
                p.warehouse, p.site = resolved.warehouse, resolved.site
                p.decided_at = _latest(p.decided_at, resolved.at)
            continue
        now = p.lines.get(name)
        if now is not None and now.line.trouble and resolved.line is not None:
            now.line = resolved.line
            now.original = now.quantity = resolved.line.quantity
            p.decided_at = _latest(p.decided_at, resolved.at)


def _latest(a: datetime | None, b: datetime) -> datetime:
    return b if a is None or b > a else a


def change_order(number: str) -> tuple[int, int, str]:
    """Changes apply in the order of their numbers: as numbers where they are, else as text behind those."""
    return (0, int(number), number) if number.isdecimal() else (1, 0, number)


def _alter(p: Position, state: State, agreement: Agreement) -> None:
    """Changes and cancellations, each applied or put aside as late."""
    released_at = min((r.sent.first_at for r in p.releases), default=None)
    marks: list[str] = []
    late: list[str] = []
    foreign: list[tuple[str, str]] = []

    def applies(at: datetime, name: str, dates: bool = False) -> bool:
        if released_at is None or at <= released_at or (agreement.changes_until == "never" and not dates):
            return True
        decided = decision(state, f"change-after-release/{name}")
        if not decided:
            late.append(name)
        return decided == "accept"

    for number in sorted(state.changes, key=change_order):
        change = state.changes[number][0]
        if applies(change.at, number, _moves_dates(change)):
            marks.append(number or "change")
            p.altered_at = _latest(p.altered_at, change.at)
            foreign.extend((number, line) for line in _apply(p, change))
    for name, cut in state.line_cancels.items():
        for now in p.lines.values() if name == "" else filter(None, (p.lines.get(name),)):
            if now.cancelled is None or (cut.at, cut.fact) < (now.cancelled.at, now.cancelled.fact):
                now.cancelled = cut
        p.altered_at = _latest(p.altered_at, cut.at)
    ended = [word for by, word in state.cancelled.items() if by != "customer" or applies(word.at, "cancel")]
    if ended:
        p.cancelled = min(ended, key=lambda word: (word.at, word.fact))
        p.altered_at = _latest(p.altered_at, p.cancelled.at)
        for now in p.lines.values():
            now.cancelled = now.cancelled or p.cancelled
    p.late, p.foreign_changes, p.applied = tuple(late), tuple(foreign), tuple(marks)
    if p.altered_at is not None:
        p.decided_at = _latest(p.decided_at, p.altered_at)


def _mark(p: Position, state: State) -> None:
    """Names what was altered. A line that was cancelled before it was ever decided alters nothing: nobody was told of it."""
    cuts = sorted(n for n in state.line_cancels if n in p.lines and not p.lines[n].undecided)
    marks = (
        ["cancel"]
        if p.cancelled
        else [*[f"cancel-{n}" for n in cuts], *(["cancel-lines"] if "" in state.line_cancels else []), *p.applied]
    )
    if marks:
        p.mark = marks[-1] if len(marks) == 1 else f"{marks[-1]}-{_digest('|'.join(marks))}"


def _digest(text: str) -> str:
    return f"{crc32(text.encode()) & 0xFFFFFF:06x}"


def _moves_dates(change: Change) -> bool:
    return change.ship_not_before is not None or change.ship_no_later is not None or change.cancel_after is not None


def _apply(p: Position, change: Change) -> list[str]:
    """Applies one change; returns the lines that it speaks of and the order does not have."""
    foreign = []
    for altered in change.lines:
        now = p.lines.get(altered.line)
        if altered.change == "add" and altered.ordered is not None and now is None:
            p.lines[altered.line] = LineNow(altered.ordered, ZERO, altered.ordered.quantity)
        elif now is None:
            foreign.append(altered.line)
        else:
            _apply_line(now, altered)
    p.ship_not_before = change.ship_not_before or p.ship_not_before
    p.ship_no_later = change.ship_no_later or p.ship_no_later
    p.cancel_after = change.cancel_after or p.cancel_after
    return foreign


def _apply_line(now: LineNow, altered: AlteredLine) -> None:
    if altered.change == "delete":
        now.quantity, now.deleted = ZERO, True
        return
    line = now.line
    if altered.quantity is not None:
        now.quantity, now.deleted = altered.quantity, not altered.quantity
        partner_quantity = line.partner_quantity if altered.partner_quantity is None else altered.partner_quantity
        line = replace(line, quantity=altered.quantity, partner_quantity=partner_quantity)
    if altered.price is not None:
        line = replace(line, price=altered.price, partner_price=altered.partner_price)
    now.line = line


def _decide(p: Position, state: State, agreement: Agreement) -> None:
    """Which lines can be accepted, and at which price."""
    everything = state.approved.get("")
    for name, now in p.lines.items():
        line = now.line
        price = now.price = line.price
        now.partner_price = line.partner_price
        agreed = line.agreed_price
        approval = state.approved.get(name, everything) if state.approved else None
        if line.trouble:
            now.undecided = line.trouble
        elif approval is not None and approval.price is not None:
            now.price, now.partner_price, now.price_changed = approval.price, None, True
            p.decided_at = _latest(p.decided_at, approval.at)
        elif price is None:
            now.price, now.partner_price = agreed, None
            if agreed is None:
                now.undecided = "price-mismatch"
        elif agreed is not None and price != agreed and not within_tolerance(price, agreed, agreement):
            if approval is None:
                now.undecided = "price-mismatch"
            else:
                p.decided_at = _latest(p.decided_at, approval.at)
        if now.undecided and now.cancelled is None and not now.deleted:
            p.decided = False
        if now.cancelled is None:
            p.total += amount_of(line, now.price, now.partner_price, now.quantity)
    if p.altered_at is not None:
        _mark(p, state)
    if p.mark:
        p.original_total = sum(
            (
                amount_of(x, x.price if x.price is not None else x.agreed_price, x.partner_price, x.quantity)
                for x in p.order.lines
            ),
            ZERO,
        )
    else:
        p.original_total = p.total


def within_tolerance(price: Decimal, agreed: Decimal, agreement: Agreement) -> bool:
    """Whether the customer's price may stand: by the amount per unit, or by the percentage, whichever allows more."""
    off = abs(price - agreed)
    return (
        off < _SAME_PRICE
        or off <= agreement.price_tolerance_amount
        or off * 100 <= agreement.price_tolerance_percent * agreed
    )


# --- Releases and shipments ------------------------------------------------------------------------------------------------


def _releases(p: Position, state: State) -> list[ReleaseNow]:
    """Those that are out, in the order of their numbers."""
    found = []
    for what, sent in state.sent.items():
        if what.startswith("release/"):
            label = what[8:]
            head = label.partition("-")[0]
            told = dict(sent.told) or {line.line: line.quantity for line in p.order.lines}
            found.append(ReleaseNow(label, int(head) if head.isdecimal() else 0, sent, told, {}, []))
    if len(found) > 1:
        found.sort(key=lambda r: (r.number, r.sent.first_at, r.label))
    return found


def _holding(variants: tuple[Shipment, ...]) -> Shipment:
    """The last replacement, else what was said first."""
    for v in reversed(variants):
        if v.replaces:
            return v
    return variants[0]


def _ship(p: Position, state: State, agreement: Agreement) -> None:
    for number, variants in state.shipments.items():
        told = _holding(variants) if len(variants) > 1 else variants[0]
        quantities: dict[str, Decimal] = {}
        foreign, substituted = [], []
        for shipped in told.lines:
            now = p.lines.get(shipped.line)
            if now is None or shipped.quantity < 0:
                foreign.append(shipped.line)
                continue
            if not shipped.quantity:
                continue
            quantities[shipped.line] = quantities.get(shipped.line, ZERO) + shipped.quantity
            if shipped.item and shipped.item != now.line.item and now.line.item:
                agreed = agreement.substitution and shipped.item in now.line.substitutes
                if not agreed and shipped.line not in substituted:
                    substituted.append(shipped.line)
        ship = ShipmentNow(number, told, quantities, {}, number, substituted=tuple(substituted), foreign=tuple(foreign))
        if len(variants) > 1:
            ship.tax_subject = f"{number}-{_digest(told.fact)}"
            ship.conflict = _conflict(state, number, told)
        if (
            told.packages
            and agreement.ship_notice
            and not (state.decided and decision(state, f"pack-mismatch/{number}") == "accept")
        ):
            ship.mispacked = mispacked(told.packages, quantities)
        p.shipments.append(ship)
    p.shipments.sort(key=lambda s: (s.told.at, s.number))
    for ship in p.shipments:
        _attribute(p, ship)
        for line, quantity in ship.quantities.items():
            p.lines[line].shipped += quantity
    _bill(p, state, agreement)


def _conflict(state: State, number: str, told: Shipment) -> str:
    """Why the versions of a shipment need a person: nobody said which holds, or it was acted upon before it was replaced."""
    if decision(state, f"shipment-conflict/{number}"):
        return ""
    if not told.replaces:
        return "told twice with different content"
    notice, invoice = state.sent.get(f"ship-notice/{number}"), state.sent.get(f"invoice/{number}")
    acted = (notice, invoice, state.answers.get(f"post-shipment/{number}"))
    return "replaced after it was told on" if any(a is not None and a.at < told.at for a in acted) else ""


def _attribute(p: Position, ship: ShipmentNow) -> None:
    """To the release it names; without a name to the first that is not complete, else the last."""
    if not p.releases:
        return
    named = ship.told.release
    release = next((r for r in p.releases if r.label == named), None) if named else None
    if release is None:
        release = next((r for r in p.releases if not r.complete), p.releases[-1])
    ship.release = release
    release.shipments.append(ship.told)
    for line, quantity in ship.quantities.items():
        release.shipped[line] = release.shipped.get(line, ZERO) + quantity
    told = ship.told
    complete = told.complete if told.complete is not None else not any(x.status == "backordered" for x in told.lines)
    release.complete = release.complete or complete or not any(release.unshipped(x) for x in release.told)


def _bill(p: Position, state: State, agreement: Agreement) -> None:
    """What of each shipment is invoiced. Those invoiced already come first: what was billed once is not taken back by a confirmation that came late."""
    filled: dict[str, Decimal] = {}
    allowed = 1 + agreement.over_tolerance_percent / 100
    for ship in (
        sorted(p.shipments, key=lambda s: f"invoice/{s.number}" not in state.sent)
        if len(p.shipments) > 1
        else p.shipments
    ):
        over: dict[str, Decimal] = {}
        ship.after_cancel = any(
            (c := p.lines[x].cancelled) is not None and c.at < ship.told.at for x in ship.quantities
        )
        unbilled = ship.after_cancel and decision(state, f"shipped-after-cancel/{ship.number}") == "decline"
        for name, quantity in ship.quantities.items():
            now = p.lines[name]
            before = filled.get(name, ZERO)
            filled[name] = before + quantity
            billed = quantity
            if before + quantity > now.quantity and before + quantity > now.quantity * allowed:
                decided = decision(state, f"over-shipped/{ship.number}/{name}") if state.decided else ""
                if decided != "accept":
                    billed = min(max(now.quantity - before, ZERO), quantity)
                if not decided:
                    over[name] = quantity - billed
            if (
                name in ship.substituted
                and decision(state, f"substituted-not-allowed/{ship.number}/{name}") == "decline"
            ):
                billed = ZERO
            if unbilled:
                billed = ZERO
            if billed:
                ship.billed[name] = billed
                ship.amount += now.amount(billed)
        ship.over = over
        sent = state.sent.get(f"invoice/{ship.number}")
        if sent is not None:
            for name, quantity in sent.told or ship.billed.items():
                if name in p.lines:
                    p.lines[name].invoiced += quantity


def _settle_releases(p: Position, state: State) -> None:
    """What each release still binds, and what it left short."""
    for release in p.releases:
        label = release.label
        release.cancelled = f"cancel-release/{label}" in state.sent and stands(state, f"cancel-release/{label}") is None
        if not release.complete:
            release.refused = stands(state, f"confirm-shipment/{label}")
            release.given_up = (
                release.refused is not None and decision(state, f"refused-by-warehouse/release/{label}") == "accept"
            )
        for name, quantity in release.told.items():
            now = p.lines.get(name)
            if now is None:
                continue
            now.released += quantity
            left = release.unshipped(name)
            if not left:
                continue
            if release.open:
                now.outstanding += left
            elif release.complete and not release.cancelled:
                now.short += left


def _plan_release(p: Position, state: State, agreement: Agreement) -> None:
    """What should be released next, which releases hold more than is wanted, and what is short."""
    plain = not p.mark and not p.releases
    for name, now in p.lines.items():
        if now.short:
            if agreement.short == "ship-complete" and now.quantity > now.shipped and not now.cancelled:
                p.short = True
            if agreement.short != "cancel":
                now.backordered, now.short = now.short, ZERO
                now.backordered = min(now.backordered, now.open)
        wanted = now.open
        if now.outstanding > wanted:
            names = [r.label for r in reversed(p.releases) if r.open and r.unshipped(name) and r.label not in p.surplus]
            p.surplus = (*p.surplus, *names[:1])
        left = wanted - now.outstanding
        if left > 0:
            p.candidate[name] = left
        if plain and left != now.original:
            plain = False
    if p.short and decision(state, "short-shipped") != "accept":
        p.candidate = {}
    if p.candidate:
        number = 1 + max((r.number for r in p.releases), default=0)
        if plain and number == 1:
            p.candidate_label = "1"
        else:
            p.candidate_label = (
                f"{number}-{_digest(p.mark + '|' + '|'.join([f'{k}={v}' for k, v in p.candidate.items()]))}"
            )
