"""The shipments of an order as they stand: which telling of each holds, the release that it answers, and what of it is billed."""

import re
from decimal import Decimal

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.counters import Position, ShipmentNow, checksum, decision
from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.packing import mispacked
from crossdock.process.order_to_cash.state import Answer, Sent, Shipment, State

_label = re.compile(r"[0-9]+(-[0-9a-f]{6}(-.+)?)?").fullmatch
"""What our labels of releases look like; warehouses also write numbers of their own there."""


def ship(p: Position, state: State, agreement: Agreement) -> None:
    """Takes all shipments into the position and counts what they moved."""
    for number, variants in state.shipments.items():
        p.shipments.append(_shipment(p, state, agreement, number, variants))
    if len(p.shipments) > 1:
        p.shipments.sort(key=lambda s: (s.told.at, s.number))
    for shipment in p.shipments:
        _attribute(p, state, shipment)
    _bill(p, state, agreement)


def _holding(variants: tuple[Shipment, ...]) -> Shipment:
    """The last replacement, else what was said first."""
    for v in reversed(variants):
        if v.replaces:
            return v
    return variants[0]


def _shipment(
    p: Position, state: State, agreement: Agreement, number: str, variants: tuple[Shipment, ...]
) -> ShipmentNow:
    told = _holding(variants) if len(variants) > 1 else variants[0]
    quantities: dict[str, Decimal] = {}
    foreign: list[str] = []
    substituted: list[str] = []
    for shipped in told.lines:
        name, quantity = shipped.line, shipped.quantity
        now = p.lines.get(name)
        if now is None or quantity < 0:
            if name not in foreign:
                foreign.append(name)
        elif quantity:
            quantities[name] = quantities[name] + quantity if name in quantities else quantity
            ordered = now.line.item
            if shipped.item and shipped.item != ordered and ordered:
                agreed = agreement.substitution and shipped.item in now.line.substitutes
                if not agreed and name not in substituted:
                    substituted.append(name)
    shipment = ShipmentNow(number, told, quantities, {}, number)
    shipment.substituted, shipment.foreign = tuple(substituted), tuple(foreign)
    if len(variants) > 1:
        shipment.tax_subject = f"{number}-{checksum(told.fact)}" if told is not variants[0] else number
        shipment.conflict = _conflict(state, number, variants, told)
    if told.packages and agreement.ship_notice and decision(state, f"pack-mismatch/{number}") != "accept":
        shipment.mispacked = mispacked(told, quantities)
    return shipment


def _conflict(state: State, number: str, variants: tuple[Shipment, ...], told: Shipment) -> str:
    """Why the versions of a shipment need a person: nobody said which holds, or what was replaced had been acted upon.
    A posting or an invoice is not touched by a replacement that moves the same quantities."""
    if decision(state, f"shipment-conflict/{number}"):
        return ""
    if not told.replaces:
        return "told twice with different content"
    acted: list[Sent | Answer | None] = [state.sent.get(f"ship-notice/{number}")]
    if any(v.lines != told.lines for v in variants):
        acted += [state.sent.get(f"invoice/{number}"), state.answers.get(f"post-shipment/{number}")]
    return "replaced after it was told on" if any(a is not None and a.at < told.at for a in acted) else ""


def _attribute(p: Position, state: State, shipment: ShipmentNow) -> None:
    """To the release it names; without a name to the first that is not complete, else the last. One that answers a release of ours that is not known to be out
    came before we were told that it is: until then, or until somebody says otherwise, nothing more is released."""
    told = shipment.told
    for line, quantity in shipment.quantities.items():
        p.lines[line].shipped += quantity
    if not p.releases:
        shipment.unreleased = decision(state, f"shipped-unreleased/{shipment.number}") != "accept"
        return
    release = None
    for r in p.releases:
        if r.label == told.release:
            release = r
            break
    if release is None:
        if _label(told.release):
            shipment.unreleased = decision(state, f"shipped-unreleased/{shipment.number}") != "accept"
        release = next((r for r in p.releases if not r.complete), p.releases[-1])
    shipment.release = release
    release.shipments.append(told)
    known = release.shipped
    if known:
        for line, quantity in shipment.quantities.items():
            known[line] = known[line] + quantity if line in known else quantity
    else:
        known.update(shipment.quantities)
    complete = told.complete
    if complete is None:
        complete = not any(x.status == "backordered" for x in told.lines)
    release.complete = release.complete or complete or not any(release.unshipped(x) for x in release.told)


def _bill(p: Position, state: State, agreement: Agreement) -> None:
    """What of each shipment is invoiced. Those invoiced already come first: what was billed once is not taken back by a confirmation that came late."""
    filled: dict[str, Decimal] = {}
    tolerance = agreement.over_tolerance_percent
    shipments = p.shipments
    if len(shipments) > 1:
        shipments = sorted(shipments, key=lambda s: f"invoice/{s.number}" not in state.sent)
    for shipment in shipments:
        number = shipment.number
        refused = False
        if p.altered_at is not None:
            cuts = [p.lines[x].cancelled for x in shipment.quantities]
            shipment.after_cancel = any(cut is not None and cut.at < shipment.told.at for cut in cuts)
            refused = shipment.after_cancel and decision(state, f"shipped-after-cancel/{number}") == "decline"
        for name, quantity in shipment.quantities.items():
            now = p.lines[name]
            if name in filled:
                before = filled[name]
                after = before + quantity
            else:
                before, after = ZERO, quantity
            filled[name] = after
            billed = quantity
            if after > now.quantity and after > now.quantity * (1 + tolerance / 100):
                decided = decision(state, f"over-shipped/{number}/{name}")
                if decided != "accept":
                    billed = min(max(now.quantity - before, ZERO), quantity)
                if not decided:
                    shipment.over[name] = quantity - billed
            if refused or (
                name in shipment.substituted
                and decision(state, f"substituted-not-allowed/{number}/{name}") == "decline"
            ):
                billed = ZERO
            if billed:
                shipment.billed[name] = billed
                shipment.amount += now.amount(billed)
        sent = state.sent.get(f"invoice/{number}")
        if sent is not None:
            for name, quantity in sent.told or shipment.billed.items():
                if name in p.lines:
                    p.lines[name].invoiced += quantity
