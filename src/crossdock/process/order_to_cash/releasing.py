"""What was released, what each release still binds, and what should be released or taken back next.

A release that is out told its quantities itself (`DocumentSent.told`): what would be released now is another question. Its label is its number, and behind that
a checksum of its content unless it is the whole order as it came: a release with other content is another release.
"""

from crossdock.policy.agreement import Agreement
from crossdock.process.order_to_cash.counters import Position, ReleaseNow, checksum, decision, stands
from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.state import State
from crossdock.process.order_to_cash.stocking import labelled, take_promises


def releases_of(p: Position, state: State) -> list[ReleaseNow]:
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


def settle(p: Position, state: State) -> None:
    """What each release still binds, and what it left short."""
    for release in p.releases:
        label = release.label
        cancel = f"cancel-release/{label}"
        release.cancelled = cancel in state.sent and stands(state, cancel) is None
        if not release.complete:
            release.refused = stands(state, f"confirm-shipment/{label}")
            if release.refused is not None:
                release.given_up = decision(state, f"refused-by-warehouse/release/{label}") == "accept"
        going, short = release.open, release.complete and not release.cancelled
        for name, quantity in release.told.items():
            now = p.lines.get(name)
            if now is None:
                continue
            left = quantity - release.shipped.get(name, ZERO)
            now.released += quantity if going or left <= 0 else quantity - left
            if left > 0:
                if going:
                    now.outstanding += left
                elif short:
                    now.short += left


def plan(p: Position, state: State, agreement: Agreement) -> None:
    """What should be released next, which releases hold more than is wanted, and what is short."""
    as_it_came = not p.mark and not p.releases
    for name, now in p.lines.items():
        short = now.short
        if short and agreement.short != "cancel":
            now.short = ZERO
        now.count()
        if short and agreement.short != "cancel" and now.open:
            now.backordered = min(short, now.open)
            if agreement.short == "ship-complete" and decision(state, f"short-shipped/{name}") != "accept":
                p.short = (*p.short, name)
        left = now.open - now.outstanding
        if left > 0:
            p.candidate[name] = left
        elif left < 0:
            for release in reversed(p.releases):
                if release.open and release.unshipped(name):
                    if release.label not in p.surplus:
                        p.surplus = (*p.surplus, release.label)
                    break
        if as_it_came and left != now.original:
            as_it_came = False
    if p.short:
        p.candidate = {}
    if take_promises(p, state, agreement):
        as_it_came = False
    if p.candidate:
        number = 1 + max([r.number for r in p.releases], default=0)
        if as_it_came:
            p.candidate_label = "1"
        else:
            items = p.candidate_items
            content = "|".join([f"{name}={quantity}" for name, quantity in p.candidate.items()])
            if any(item != p.lines[name].line.item for name, item in items.items()):
                content += "|" + "|".join(items.values())
            p.candidate_label = f"{number}-{checksum(f'{p.mark}|{content}')}"
        p.candidate_label = labelled(p, p.candidate_label)
