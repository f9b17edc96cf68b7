"""What has happened: each fact finds its place in the state. One small function per fact type, looked up in `_EVOLVE`.

Of things told twice, the first by (occurred_at, fact id) holds where a second telling would be a contradiction (an order, a change, a shipment, an
ERP number); the last holds where it is news (credit, holds, refusals, acknowledgements, decisions). A fact of a type that is not listed changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import astuple, replace

from crossdock.facts import order as facts
from crossdock.facts.fact import Fact
from crossdock.facts.stock import StockReserved
from crossdock.process.order_to_cash.packing import mislabelled, packed_in
from crossdock.process.order_to_cash.state import (
    AlteredLine,
    Answer,
    Approval,
    Change,
    Line,
    Order,
    Package,
    Reserved,
    Resolved,
    Retried,
    Sent,
    Shipment,
    ShippedLine,
    State,
    Told,
    Word,
)

_T = TypeVar("_T", bound=Told)


def evolve(state: State, fact: Fact) -> State:
    """`state` with `fact`; the very same object when it says nothing new."""
    handle = _EVOLVE.get(type(fact.data))
    if handle is None:
        return state
    state = handle(state, fact.data, fact.occurred_at, fact.id)
    if state.since is None or fact.occurred_at < state.since:
        state = replace(state, since=fact.occurred_at)
    return state


# --- How tellings of the same thing are joined ---------------------------------------------------------------------------


def _earlier(known: Told | None, at: datetime, fact: str) -> bool:
    return known is None or (at, fact) < (known.at, known.fact)


def _later(known: Told | None, at: datetime, fact: str) -> bool:
    return known is None or (at, fact) > (known.at, known.fact)


def _with(state: State, field: str, key: str, value: Any) -> State:
    return replace(state, **{field: {**getattr(state, field), key: value}})


def _differing(known: tuple[_T, ...], told: _T, same: Callable[[_T, _T], bool]) -> tuple[_T, ...]:
    """`known` with `told`: one of each content, told first, in the order in which they were first told."""
    for one in known:
        if same(one, told):
            if not _earlier(one, told.at, told.fact):
                return known
            known = tuple(k for k in known if k is not one)
            break
    return tuple(sorted((*known, told), key=lambda v: (v.at, v.fact)))


def _same_content(a: Told, b: Told) -> bool:
    return astuple(a)[2:] == astuple(b)[2:]


def _same_order(a: Order, b: Order) -> bool:
    """Whether the customer said the same; what we made of it may differ with the workspace."""
    return (a.partner, a.purchase_order, a.issued, len(a.lines)) == (
        b.partner,
        b.purchase_order,
        b.issued,
        len(b.lines),
    ) and all(
        (x.line, x.partner_quantity, x.partner_unit, x.partner_price, x.items)
        == (y.line, y.partner_quantity, y.partner_unit, y.partner_price, y.items)
        for x, y in zip(a.lines, b.lines, strict=True)
    )


def _said(state: State, obligation: str) -> str:
    """The obligation without the order's key."""
    return obligation.removeprefix(state.key + "/")


# --- The order and its changes -------------------------------------------------------------------------------------------


def _line(o: facts.OrderedLine) -> Line:
    return Line(
        o.line,
        o.item,
        o.quantity,
        o.unit,
        o.price,
        o.agreed_price,
        o.trouble,
        o.partner_quantity,
        o.partner_unit,
        o.partner_price,
        o.per_partner_unit,
        tuple([(i.qualifier, i.id) for i in o.items]),
        o.description,
        o.substitutes,
    )


def _received(state: State, d: facts.OrderReceived, at: datetime, fact: str) -> State:
    order = Order(
        at,
        fact,
        d.partner,
        d.purchase_order,
        d.workspace_version,
        tuple([_line(line) for line in d.lines]),
        d.warehouse,
        d.site,
        d.currency,
        d.issued,
        d.kind,
        d.contract,
        d.parties,
        d.references,
        d.notes,
        d.ship_not_before,
        d.ship_no_later,
        d.cancel_after,
        d.requested_delivery,
        d.total,
        d.total is not None and not d.allowances,
        d.sites,
    )
    orders = _differing(state.orders, order, _same_order)
    return state if orders is state.orders else replace(state, orders=orders)


def _changed(state: State, d: facts.OrderChanged, at: datetime, fact: str) -> State:
    lines = tuple(
        [
            AlteredLine(
                c.line,
                c.change,
                c.quantity,
                c.price,
                c.partner_quantity,
                c.partner_price,
                _line(c.ordered) if c.ordered is not None else None,
            )
            for c in d.lines
        ]
    )
    change = Change(at, fact, lines, d.ship_not_before, d.ship_no_later, d.cancel_after)
    known = state.changes.get(d.change, ())
    versions = _differing(known, change, _same_content)
    return state if versions is known else _with(state, "changes", d.change, versions)


def _cancelled(state: State, d: facts.OrderCancelled, at: datetime, fact: str) -> State:
    if _earlier(state.cancelled.get(d.by), at, fact):
        return _with(state, "cancelled", d.by, Word(at, fact, d.change, d.reason))
    return state


def _resolved(state: State, d: facts.LinesResolved, at: datetime, fact: str) -> State:
    """The lowest workspace version that could tell holds: what was decided on it may already be under way."""
    found: dict[str, Resolved] = {}
    for line in d.lines:
        if not line.trouble:
            found[line.line] = Resolved(at, fact, d.workspace_version, _line(line), "", "")
    if d.warehouse:
        found[""] = Resolved(at, fact, d.workspace_version, None, d.warehouse, d.site)
    better = {
        k: v
        for k, v in found.items()
        if (known := state.resolved.get(k)) is None or (v.version, at, fact) < (known.version, known.at, known.fact)
    }
    return replace(state, resolved={**state.resolved, **better}) if better else state


def _price_approved(state: State, d: facts.PriceApproved, at: datetime, fact: str) -> State:
    prices = dict(d.prices)
    lines = {*d.lines, *prices} or {""}
    better = {n: Approval(at, fact, prices.get(n)) for n in lines if _earlier(state.approved.get(n), at, fact)}
    return replace(state, approved={**state.approved, **better}) if better else state


def _line_cancelled(state: State, d: facts.LineCancelled, at: datetime, fact: str) -> State:
    word = Word(at, fact, d.who, d.reason)
    better = {n: word for n in d.lines or ("",) if _earlier(state.line_cancels.get(n), at, fact)}
    return replace(state, line_cancels={**state.line_cancels, **better}) if better else state


def _decided(state: State, d: facts.ExceptionDecided, at: datetime, fact: str) -> State:
    trouble = _said(state, d.trouble)
    if _later(state.decided.get(trouble), at, fact):
        return _with(state, "decided", trouble, Word(at, fact, "accept" if d.accept else "decline", d.who))
    return state


def _hold_placed(state: State, d: facts.HoldPlaced, at: datetime, fact: str) -> State:
    return (
        _with(state, "holds", d.hold, Word(at, fact, "placed", d.reason))
        if _later(state.holds.get(d.hold), at, fact)
        else state
    )


def _hold_released(state: State, d: facts.HoldReleased, at: datetime, fact: str) -> State:
    return (
        _with(state, "holds", d.hold, Word(at, fact, "released", d.reason))
        if _later(state.holds.get(d.hold), at, fact)
        else state
    )


# --- Answers -------------------------------------------------------------------------------------------------------------


def _credit(state: State, d: facts.CreditAnswered, at: datetime, fact: str) -> State:
    said = _said(state, d.obligation)
    if said.startswith("credit-check") and _later(state.answers.get(said), at, fact):
        return _with(state, "answers", said, Answer(at, fact, d.approved, d.reason, None))
    return state


def _answered(state: State, kind: str, obligation: str, answer: Answer) -> State:
    """The first answer holds. An answer to an obligation of another kind answers nothing."""
    said = _said(state, obligation)
    if said.startswith(kind) and _earlier(state.answers.get(said), answer.at, answer.fact):
        return _with(state, "answers", said, answer)
    return state


def _erp_created(state: State, d: facts.ErpOrderCreated, at: datetime, fact: str) -> State:
    return _answered(state, "create-in-erp", d.obligation, Answer(at, fact, True, d.number, None))


def _erp_revised(state: State, d: facts.ErpOrderRevised, at: datetime, fact: str) -> State:
    return _answered(state, "revise-in-erp/", d.obligation, Answer(at, fact, True, d.revision, None))


def _posted(state: State, d: facts.ShipmentPosted, at: datetime, fact: str) -> State:
    return _answered(state, "post-shipment/", d.obligation, Answer(at, fact, True, d.posting, None))


def _taxed(state: State, d: facts.TaxReceived, at: datetime, fact: str) -> State:
    return _answered(state, "tax/", d.obligation, Answer(at, fact, True, "", d.total))


def _sent(state: State, d: facts.DocumentSent, at: datetime, fact: str) -> State:
    """The last sending, and when the first one was. What it told cannot differ: another content has another obligation."""
    said = _said(state, d.obligation)
    known = state.sent.get(said)
    if known is None:
        return _with(state, "sent", said, Sent(at, fact, at, d.number, d.told))
    first_at = min(known.first_at, at)
    if _later(known, at, fact):
        return _with(state, "sent", said, Sent(at, fact, first_at, d.number, d.told))
    return state if first_at == known.first_at else _with(state, "sent", said, replace(known, first_at=first_at))


def _word(field: str, state: State, obligation: str, word: Word) -> State:
    said = _said(state, obligation)
    return _with(state, field, said, word) if _later(getattr(state, field).get(said), word.at, word.fact) else state


def _refused(state: State, d: facts.EffectRefused, at: datetime, fact: str) -> State:
    said = _said(state, d.obligation)
    known = state.refused.get(said)
    if known is not None and (known.round, known.at, known.fact) >= (d.round, at, fact):
        return state
    return _with(state, "refused", said, Word(at, fact, d.code, d.reason, d.round))


def _release_refused(state: State, d: facts.ReleaseRefused, at: datetime, fact: str) -> State:
    label = label_of(state.key, d.release)
    what = f"cancel-release/{label}" if d.cancellation else f"confirm-shipment/{label}"
    return _word("refused", state, what, Word(at, fact, "", d.reason))


def _retried(state: State, d: facts.EffectRetried, at: datetime, fact: str) -> State:
    said = _said(state, d.obligation)
    known = state.retried.get(said)
    if known is not None and (known.round, known.at, known.fact) >= (d.round, at, fact):
        return state
    return _with(state, "retried", said, Retried(at, fact, d.round))


def _acknowledged(state: State, d: facts.AcknowledgementReceived, at: datetime, fact: str) -> State:
    return _word("acknowledged", state, d.obligation, Word(at, fact, d.status, "; ".join(d.errors)))


# --- Shipments -----------------------------------------------------------------------------------------------------------


def label_of(key: str, release: str) -> str:
    """The release's label, however much of `SO-1001/release/1` the warehouse echoes."""
    for start in (f"{key}/release/", f"{key}/", f"{key}-"):
        if release.startswith(start):
            return release[len(start) :]
    return release


def _shipped(state: State, d: facts.ShipmentConfirmed, at: datetime, fact: str) -> State:
    packages = tuple([Package(p.sscc, p.tracking, p.contents) for p in d.packages])
    shipment = Shipment(
        at,
        fact,
        d.purpose == "replace",
        d.warehouse,
        label_of(state.key, d.release),
        tuple([ShippedLine(i.line, i.quantity, i.item, i.status, i.lot) for i in d.lines]),
        packages,
        d.complete,
        d.shipped,
        d.bill_of_lading,
        d.pro,
        d.carrier,
        d.service,
        d.tracking,
        d.weight,
        d.weight_unit,
        packed_in(packages),
        mislabelled(packages),
    )
    known = state.shipments.get(d.shipment, ())
    versions = _differing(known, shipment, _same_content)
    return state if versions is known else _with(state, "shipments", d.shipment, versions)


def _promised(state: State, d: StockReserved, at: datetime, fact: str) -> State:
    """What the ledger promised last, line by line: its revisions rise, whatever its clock says."""
    better: dict[str, Reserved] = {}
    for line in d.lines:
        known = state.reserved.get(line.line)
        if known is None or (d.revision, fact) > (known.revision, known.fact):
            better[line.line] = Reserved(at, fact, d.revision, line.reserved, line.backordered, line.promised_on)
    return replace(state, reserved={**state.reserved, **better}) if better else state


_EVOLVE: dict[type, Callable[[State, Any, datetime, str], State]] = {
    facts.OrderReceived: _received,
    facts.OrderChanged: _changed,
    facts.OrderCancelled: _cancelled,
    facts.LinesResolved: _resolved,
    facts.PriceApproved: _price_approved,
    facts.LineCancelled: _line_cancelled,
    facts.ExceptionDecided: _decided,
    facts.HoldPlaced: _hold_placed,
    facts.HoldReleased: _hold_released,
    facts.CreditAnswered: _credit,
    facts.ErpOrderCreated: _erp_created,
    facts.ErpOrderRevised: _erp_revised,
    facts.ShipmentPosted: _posted,
    facts.TaxReceived: _taxed,
    facts.DocumentSent: _sent,
    facts.EffectRefused: _refused,
    facts.ReleaseRefused: _release_refused,
    facts.EffectRetried: _retried,
    facts.AcknowledgementReceived: _acknowledged,
    facts.ShipmentConfirmed: _shipped,
    StockReserved: _promised,
}
