"""The order's side of the stock ledger: what it wants, what of it may be released now, and what its shipments took.

The ledger answers a demand with a promise (`StockReserved`); until it has answered the demand as it stands now, nothing is said to the customer or the warehouse
that depends on it. Where the agreement keeps no stock, all of this is left out.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Kind
from crossdock.policy.agreement import Agreement, StockTerms
from crossdock.process.obligation import Taken
from crossdock.process.order_to_cash.counters import LineNow, Position, ReleaseNow, checksum
from crossdock.process.order_to_cash.money import ZERO
from crossdock.process.order_to_cash.state import State

UNANSWERED = "stock-promised: the ledger has not answered yet"


def terms_of(p: Position, agreement: Agreement) -> StockTerms | None:
    """How this order is promised; None: its site's stock is not kept by us."""
    terms = agreement.stock
    return terms if terms is not None and p.site in terms.sites else None


def site_of(p: Position, release: ReleaseNow) -> str:
    """The site that a release ships from."""
    return site_labelled(p, release.label)


def site_labelled(p: Position, label: str) -> str:
    """The site in the label of a release: its third part, else the order's."""
    return label.split("-", 2)[2] if label.count("-") >= 2 else p.site


def warehouse_of(p: Position, agreement: Agreement, site: str) -> str:
    """The system that ships from `site`."""
    if site == p.site or agreement.stock is None:
        return p.warehouse
    return agreement.stock.sites.get(site, p.warehouse)


def _wanted(now: LineNow) -> Decimal:
    """What is still to be shipped of a line, whether it is there or not."""
    if now.undecided:
        return ZERO
    return now.open if now.final else now.open + now.unavailable


def demands_of(state: State, p: Position, agreement: Agreement) -> tuple[Demand, ...]:
    """One demand a line of which something is to be shipped; where there is none any more, the ledger takes back what it had set apart."""
    terms = terms_of(p, agreement)
    if terms is None:
        return ()
    bound = {name for release in p.releases if release.open for name in release.told}
    sites = (p.site, *[site for site in p.order.sites if site != p.site and site in terms.sites])
    expires_at = None
    if terms.soft_hours is not None and not p.releases:
        expires_at = p.order.at + timedelta(hours=terms.soft_hours)
    return tuple(
        [
            Demand(
                key=state.key,
                line=name,
                item=now.line.item,
                quantity=wanted,
                sites=sites,
                asked_at=p.order.at,
                split=terms.split,
                substitutes=now.line.substitutes if agreement.substitution else (),
                short=agreement.short,
                needed_on=p.ship_not_before or p.ship_no_later,
                priority=terms.priority,
                firm=name in bound,
                expires_at=expires_at,
            )
            for name, now in p.lines.items()
            if (wanted := _wanted(now)) > 0
        ]
    )


def take_promises(p: Position, state: State, agreement: Agreement) -> bool:
    """Lays what the ledger promised beside the lines, cuts what nobody waits for, and narrows the next release to what is there at one site.
    True when the next release is another than without the ledger."""
    terms = terms_of(p, agreement)
    if terms is None:
        return False
    candidate = dict(p.candidate)
    p.stocked = True
    for name, now in p.lines.items():
        if now.undecided or not now.open:
            continue
        if agreement.short == "cancel" and p.releases and not p.applied and name in state.reserved:
            # What was not there when the order was released was told as cancelled: a later receipt does not bring it back.
            _give_up(p, name, now.open - now.outstanding)
            now.final = True
            continue
        promise = state.reserved.get(name)
        now.promise = promise if promise is not None and promise.wanted == now.open else None
        if now.promise is None:
            p.promised = False
        elif agreement.short == "cancel" and now.promise.backordered:
            _give_up(p, name, min(now.promise.backordered, now.open))
    if p.candidate and p.promised:
        _narrow(p, agreement, terms)
    return p.candidate != candidate or any(i != p.lines[n].line.item for n, i in p.candidate_items.items())


def _give_up(p: Position, name: str, quantity: Decimal) -> None:
    now = p.lines[name]
    if quantity <= 0:
        return
    now.unavailable = quantity
    now.open -= quantity
    now.cut += quantity
    left = p.candidate.get(name, ZERO) - quantity
    if left > 0:
        p.candidate[name] = left
    else:
        p.candidate.pop(name, None)


def _narrow(p: Position, agreement: Agreement, terms: StockTerms) -> None:
    """Of what should be released next, what is reserved and not yet given to the warehouse at the first site that has any."""
    short = {name: left - there for name, left in p.candidate.items() if (there := _there(p, name, left)) < left}
    p.waiting_for = short
    if short and (terms.release == "when-complete" or agreement.short == "ship-complete"):
        return
    sites = [p.site, *sorted({site for name in p.candidate for _, site, _ in _reserved(p, name)} - {p.site})]
    for site in sites:
        found: dict[str, Decimal] = {}
        items: dict[str, str] = {}
        for name, left in p.candidate.items():
            for item, quantity in _free(p, name, site):
                found[name], items[name] = min(quantity, left), item
                break
        if found:
            p.candidate, p.candidate_items, p.candidate_site = found, items, site
            return


def _there(p: Position, name: str, left: Decimal) -> Decimal:
    """How many of a line can be released now, over all sites."""
    sites = {site for _, site, _ in _reserved(p, name)}
    return min(left, sum([q for site in sites for _, q in _free(p, name, site)], ZERO))


def _reserved(p: Position, name: str) -> tuple[tuple[str, str, Decimal], ...]:
    promise = p.lines[name].promise
    return promise.lines if promise is not None else ()


def _free(p: Position, name: str, site: str) -> Iterator[tuple[str, Decimal]]:
    """(item, quantity) reserved for a line at a site and not in the warehouse's hands, the ordered item first."""
    out = sum([r.unshipped(name) for r in p.releases if r.open and site_of(p, r) == site], ZERO)
    ordered = p.lines[name].line.item
    for item, _, quantity in sorted(
        [one for one in _reserved(p, name) if one[1] == site], key=lambda one: (one[0] != ordered, one[0])
    ):
        used = min(out, quantity)
        out -= used
        if quantity > used:
            yield item, quantity - used


def labelled(p: Position, label: str) -> str:
    """The label of the next release, with its site where that is not the order's own."""
    site = p.candidate_site
    if not site or site == p.site:
        return label
    return f"{label}-{site}" if "-" in label else f"{label}-{checksum(site)}-{site}"


def waits_for(p: Position) -> tuple[str, ...]:
    """What keeps a release back, in words."""
    if not p.promised:
        return (UNANSWERED,)
    if p.candidate_site:
        return ()
    return tuple([f"reserved: {in_words(p, name, missing)}" for name, missing in p.waiting_for.items()])


def in_words(p: Position, name: str, missing: Decimal) -> str:
    """`line 2 lacks 5 EA of NW-1001, expected on 2026-12-01`."""
    line = p.lines[name].line
    promise = p.lines[name].promise
    day = promise.promised_on if promise is not None else None
    expected = f"expected on {day}" if day is not None else "and no receipt is expected"
    return f"line {name} lacks {missing} {line.unit} of {line.item}, {expected}"


def promise_mark(p: Position) -> str:
    """Names what the customer has to be told beyond the order as it came: what is not there, and by when; "" when all is."""
    if not p.stocked:
        return ""
    told = [
        f"{name}={missing.normalize():f}@{None if now.unavailable or now.promise is None else now.promise.promised_on}"
        for name, now in p.lines.items()
        if (missing := lacking(now))
    ]
    return f"stock-{checksum('|'.join(told))}" if told else ""


def lacking(now: LineNow) -> Decimal:
    """How many of a line are not there: given up, once that is final, or as the ledger answered."""
    if now.unavailable:
        return now.unavailable
    return now.promise.backordered if now.promise is not None else ZERO


def backordered(p: Position) -> Iterator[tuple[str, Decimal, date | None]]:
    """(line, quantity, day) of what is owed and not there."""
    for name, now in p.lines.items():
        promise = now.promise
        if promise is not None and promise.backordered and not now.unavailable:
            yield name, promise.backordered, promise.promised_on


def taken_of(p: Position, agreement: Agreement) -> tuple[Taken, ...]:
    """What left by the shipments as they are told now, and what a complete confirmation left unpicked and is held."""
    terms = terms_of(p, agreement)
    if terms is None:
        return ()
    found: dict[str, Taken] = {}
    for ship in p.shipments:
        site = site_of(p, ship.release) if ship.release is not None else p.site
        for told in ship.told.lines:
            now = p.lines.get(told.line)
            if now is None or told.quantity <= 0:
                continue
            item = told.item or now.line.item
            what = f"ship/{ship.number}/{told.line}/{item}"
            if item:
                before = found[what].quantity if what in found else ZERO
                found[what] = Taken(what, Kind.SHIP, item, site, before + told.quantity, ship.told.at)
    if terms.short_pick == "hold":
        for release in p.releases:
            if release.complete and not release.cancelled and release.shipments:
                for name in release.told:
                    short = release.unshipped(name)
                    now = p.lines.get(name)
                    if short > 0 and now is not None and now.line.item:
                        what = f"short/{release.label}/{name}/{now.line.item}"
                        at = release.shipments[-1].at
                        found[what] = Taken(what, Kind.HOLD, now.line.item, site_of(p, release), short, at)
    return tuple(found.values())
