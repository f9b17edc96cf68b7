"""What the order obliges us and others to, from its position. Ids are `{order}/{kind}[/{subject}]`:

credit-check (us to the ERP; again under the order's mark when a change made it dearer), acknowledge (us to the customer, 855; `acknowledge/{mark}` after each
alteration), create-in-erp, revise-in-erp/{mark}, release/{n} (us to the warehouse, 940; a release that differs from the order as it came carries a mark of its
content: `release/2-1f03ab`), cancel-release/{n}, confirm-shipment/{n} (the warehouse to us), ship-notice/{shipment} (856), post-shipment/{shipment},
tax/{shipment}, invoice/{shipment} (810), functional-ack/{obligation} (their 997 for a document of ours),
backorder/{line} (what stock lacks). `pay` is not derived yet: nothing tells of remittances.

A mark names what was altered since the order came (a change's number, `cancel-3`, `cancel`, or the last of several with a checksum of all): other content, other id.
What was sent stays met whatever happens after.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from crossdock.policy.agreement import Agreement
from crossdock.process.obligation import Obligation, Status
from crossdock.process.order_to_cash.answering import acknowledge_id
from crossdock.process.order_to_cash.counters import LineNow, Position, ReleaseNow, ShipmentNow, decision, stands
from crossdock.process.order_to_cash.lines import total_mismatch
from crossdock.process.order_to_cash.state import Answer, Sent, State
from crossdock.process.order_to_cash.stocking import (
    UNANSWERED,
    backordered,
    in_words,
    site_of,
    waits_for,
    warehouse_of,
)

BLOCKED, READY, WAITING, MET, REFUSED, VOID = (
    Status.BLOCKED,
    Status.READY,
    Status.WAITING,
    Status.MET,
    Status.REFUSED,
    Status.VOID,
)

_CUSTOMER_DOCUMENTS = frozenset(("acknowledge", "ship-notice", "invoice"))
_WAREHOUSE_DOCUMENTS = frozenset(("release", "cancel-release"))
_NOT_IN_ERP = "in-erp: the ERP has not given an order number"
_NO_ROUTE = "route: no routing rule names a warehouse"
_NO_CHANNEL = "channel: no channel to the partner is agreed"
_CREDIT_UNANSWERED = "credit: the ERP has not answered"
_CREDIT_DECLINED = "credit: the ERP declined"
_ORDER_CONFLICT = "order-conflict: the order was received twice with different content"


@lru_cache(maxsize=256)
def _delay(hours: float) -> timedelta:
    return timedelta(hours=hours)


def _hours(at: datetime, hours: float | None) -> datetime | None:
    return None if hours is None else at + _delay(hours)


def _minutes(at: datetime, minutes: float | None) -> datetime | None:
    return None if minutes is None else at + _delay(minutes / 60)


def opens_at(p: Position, agreement: Agreement) -> datetime | None:
    """When a release may go to the warehouse: midnight UTC, so many days before the ship window; None: at once."""
    day = p.ship_not_before or p.ship_no_later
    if agreement.release_lead_days is None or day is None:
        return None
    return datetime.combine(day, time(), UTC) - timedelta(days=agreement.release_lead_days)


def credit_id(p: Position) -> str:
    """The credit check that counts: a change that made the order dearer asks again."""
    return f"credit-check/{p.mark}" if p.mark and p.total > p.original_total else "credit-check"


class Owing:
    """Collects the obligations of one order."""

    def __init__(self, state: State, p: Position, agreement: Agreement, now: datetime) -> None:
        self.state, self.p, self.agreement, self.now = state, p, agreement, now
        self.clocks = agreement.clocks
        self.prefix = state.key + "/"
        self.found: list[Obligation] = []
        self.opens: datetime | None = None
        self.undecided = _undecided(p)
        self.conflict = len(state.orders) > 1 and decision(state, "order-conflict") != "accept"
        self.credit = ""

    def all(self) -> list[Obligation]:
        """In the order in which an order goes its way."""
        self._credit()
        self._acknowledge()
        self._erp()
        self._releases()
        for ship in self.p.shipments:
            if ship.quantities:
                self._shipment(ship)
        self._functional_acks()
        return self.found

    # --- How an obligation stands ---

    def _add(
        self,
        what: str,
        kind: str,
        creditor: str,
        done: Answer | Sent | None,
        blocked: tuple[str, ...],
        due: datetime | None,
        subject: str = "",
        amount: Decimal | None = None,
    ) -> bool:
        """One of ours. True when it is met."""
        state = self.state
        if done is not None and not (state.retried and self._again(what, done)):
            self.found.append(
                Obligation(self.prefix + what, kind, "us", creditor, MET, due, (), (done.fact,), subject, amount)
            )
            return True
        refusal = stands(state, what) if state.refused else None
        evidence = (refusal.fact,) if refusal is not None else ()
        status = REFUSED if refusal is not None else BLOCKED if blocked else READY
        self.found.append(
            Obligation(self.prefix + what, kind, "us", creditor, status, due, blocked, evidence, subject, amount)
        )
        return False

    def _again(self, what: str, done: Answer | Sent) -> bool:
        """Whether it is to be done once more: somebody said so after the other side had said no (a declined credit, a rejected document)."""
        retried = self.state.retried.get(what)
        if retried is None or (retried.at, retried.fact) < (done.at, done.fact):
            return False
        if isinstance(done, Answer):
            return not done.good
        said = self.state.acknowledged.get(what)
        return said is not None and said.code == "rejected" and said.at <= retried.at

    def _void(self, what: str, kind: str, creditor: str) -> None:
        self.found.append(Obligation(self.prefix + what, kind, "us", creditor, VOID))

    # --- Taking the order ---

    def _credit(self) -> None:
        p, agreement, state = self.p, self.agreement, self.state
        if not (agreement.credit_check and agreement.erp):
            return
        what = credit_id(p)
        if what != "credit-check" and (first := state.answers.get("credit-check")) is not None:
            self._add("credit-check", "credit-check", agreement.erp, first, (), None)
        answer = state.answers.get(what)
        if answer is None and p.cancelled is not None:
            self._void(what, "credit-check", agreement.erp)
            return
        due = _minutes(p.decided_at or p.order.at, self.clocks.credit_minutes)
        met = self._add(
            what,
            "credit-check",
            agreement.erp,
            answer,
            self.undecided,
            due,
            p.mark if "/" in what else "",
            p.total if "/" in what else p.original_total,
        )
        if decision(state, "credit-declined") == "accept":
            return
        if answer is None or not met:
            self.credit = _CREDIT_UNANSWERED
        elif not answer.good:
            self.credit = _CREDIT_DECLINED

    def _taken(self) -> tuple[str, ...]:
        """What keeps us from saying yes or no to the customer."""
        if not (self.undecided or self.credit or self.conflict):
            return ()
        credit = (self.credit,) if self.credit else ()
        return (*self.undecided, *credit, _ORDER_CONFLICT) if self.conflict else (*self.undecided, *credit)

    def _acknowledge(self) -> None:
        p, agreement, state = self.p, self.agreement, self.state
        if not agreement.acknowledge:
            return
        current = acknowledge_id(p, state)
        partner = p.order.partner
        told = sorted([w for w in state.sent if w.startswith("acknowledge")])
        for what in told:
            if what != current:
                self._add(what, "acknowledge", partner, state.sent[what], (), None, what[12:], p.total)
        if (
            p.cancelled is not None
            and not told
            and p.cancelled is state.cancelled.get("customer")
            and not state.sent
            and not state.answers
        ):
            self._void("acknowledge", "acknowledge", partner)
            return
        blocked = self._taken() if p.cancelled is None else ()
        if not p.promised:
            blocked = (*blocked, UNANSWERED)
        if not agreement.channel:
            blocked = (*blocked, _NO_CHANNEL)
        due = _hours(p.altered_at if p.mark and p.altered_at else p.order.at, self.clocks.acknowledge_hours)
        self._add(current, "acknowledge", partner, state.sent.get(current), blocked, due, current[12:], p.total)

    def _erp(self) -> None:
        p, erp, answers = self.p, self.agreement.erp, self.state.answers
        if not erp:
            return
        created = answers.get("create-in-erp")
        if created is None and p.cancelled is not None:
            self._void("create-in-erp", "create-in-erp", erp)
            return
        credit = answers.get(credit_id(p))
        since = p.decided_at or p.order.at
        if credit is not None and credit.at > since:
            since = credit.at
        self._add(
            "create-in-erp",
            "create-in-erp",
            erp,
            created,
            self._taken(),
            _minutes(since, self.clocks.erp_minutes),
            "",
            p.total,
        )
        for what in sorted([a for a in answers if a.startswith("revise-in-erp/")]):
            if what != f"revise-in-erp/{p.mark}":
                self._add(what, "revise-in-erp", erp, answers[what], (), None, what[14:])
        if p.mark:
            what = f"revise-in-erp/{p.mark}"
            blocked = self._taken() if p.cancelled is None else ()
            if created is None:
                blocked = (_NOT_IN_ERP, *blocked)
            due = _minutes(max(since, created.at if created else since), self.clocks.erp_minutes)
            self._add(what, "revise-in-erp", erp, answers.get(what), blocked, due, p.mark, p.total)

    # --- Releasing it ---

    def _releases(self) -> None:
        p, state = self.p, self.state
        for release in p.releases:
            what = f"release/{release.label}"
            warehouse = warehouse_of(p, self.agreement, site_of(p, release))
            self._add(what, "release", warehouse, release.sent, (), None, release.label)
            self._confirm(release)
            cancel = f"cancel-release/{release.label}"
            sent = state.sent.get(cancel)
            if sent is not None or (release.label in p.surplus and release.open):
                due = _minutes(p.altered_at or release.sent.first_at, self.clocks.release_minutes)
                blocked = () if warehouse else (_NO_ROUTE,)
                self._add(cancel, "cancel-release", warehouse, sent, blocked, due, release.label)
        if p.candidate:
            self._release(p.candidate_label)
        for name, quantity, day in backordered(p):
            due = datetime.combine(day, time(), UTC) + timedelta(days=1) if day is not None else None
            amount = p.lines[name].amount(quantity)
            lacking = f"reserved: {in_words(p, name, quantity)}"
            self._add(f"backorder/{name}", "backorder", p.order.partner, None, (lacking,), due, name, amount)

    def _release(self, label: str) -> None:
        p, agreement, state = self.p, self.agreement, self.state
        blocked = list(self._taken())
        since = p.decided_at or p.order.at
        if agreement.erp:
            created = state.answers.get("create-in-erp")
            if created is None:
                blocked.append(_NOT_IN_ERP)
            elif created.at > since:
                since = created.at
        for name in sorted(state.holds):
            hold = state.holds[name]
            if hold.code == "placed":
                blocked.append(f"hold: {name}{': ' if hold.text else ''}{hold.text}")
            since = max(since, hold.at)
        if not p.warehouse:
            blocked.append(_NO_ROUTE)
        opens = opens_at(p, agreement)
        if opens is not None:
            if self.now < opens:
                blocked.append(f"ship-window: the release goes out on {opens:%Y-%m-%d}")
                self.opens = opens
            since = max(since, opens)
        if (
            p.cancel_after is not None
            and past(p.cancel_after, self.now)
            and decision(state, "past-cancel-date") != "accept"
        ):
            blocked.append(f"cancel-date: the customer takes nothing after {p.cancel_after}")
        if any(s.unreleased and s.quantities for s in p.shipments):
            blocked.append("shipped-unreleased: something left under a release that is not known to be out")
        if p.stocked:
            blocked.extend(waits_for(p))
        if p.surplus:
            blocked.append("cancel-release: an earlier release holds more than is wanted")
        for release in p.releases:
            if release.shipments:
                since = max(since, release.shipments[-1].at)
        amount = (
            sum([p.lines[n].amount(q) for n, q in p.candidate.items()], Decimal(0)) if p.releases or p.mark else p.total
        )
        due = _minutes(since, self.clocks.release_minutes)
        warehouse = warehouse_of(p, agreement, p.candidate_site or p.site)
        self._add(f"release/{label}", "release", warehouse, None, tuple(blocked), due, label, amount)

    def _confirm(self, release: ReleaseNow) -> None:
        """What the warehouse owes for a release that is out; the clock starts with the release, or with the ship window where that is later."""
        p = self.p
        sent = release.sent.first_at
        day = p.ship_no_later or p.ship_not_before
        if day is not None:
            sent = max(sent, datetime.combine(day, time(), UTC))
        due = _hours(sent, self.clocks.confirm_shipment_hours)
        evidence = tuple([s.fact for s in release.shipments])
        status = WAITING
        if release.complete:
            status = MET
        elif release.cancelled or release.given_up:
            status = VOID
        elif release.refused is not None:
            status, evidence = REFUSED, (*evidence, release.refused.fact)
        what = f"{self.prefix}confirm-shipment/{release.label}"
        warehouse = warehouse_of(p, self.agreement, site_of(p, release))
        self.found.append(
            Obligation(what, "confirm-shipment", warehouse, "us", status, due, (), evidence, release.label)
        )

    # --- What a shipment calls for ---

    def _shipment(self, ship: ShipmentNow) -> None:
        p, agreement, state, clocks = self.p, self.agreement, self.state, self.clocks
        number, at, partner = ship.number, ship.told.at, p.order.partner
        answers, sent = state.answers, state.sent
        wrong = _wrong_with(ship)
        noticed = posted = True
        if agreement.ship_notice:
            what = f"ship-notice/{number}"
            blocked = wrong
            if ship.mispacked:
                blocked = (*blocked, f"pack-mismatch: {ship.mispacked}")
            if not agreement.channel:
                blocked = (*blocked, _NO_CHANNEL)
            due = _minutes(at, clocks.ship_notice_minutes)
            noticed = self._add(what, "ship-notice", partner, sent.get(what), blocked, due, number, ship.amount)
        if agreement.erp:
            what = f"post-shipment/{number}"
            created = answers.get("create-in-erp")
            blocked = wrong if created is not None else (*wrong, _NOT_IN_ERP)
            since = max(at, created.at) if created is not None else at
            posted = self._add(
                what,
                "post-shipment",
                agreement.erp,
                answers.get(what),
                blocked,
                _minutes(since, clocks.posting_minutes),
                number,
                ship.amount,
            )
        if not agreement.invoice:
            return
        what = f"invoice/{number}"
        doubts = self._doubts(ship, wrong)
        if not ship.billed and not doubts and what not in sent:
            self._void(what, "invoice", partner)
            return
        tax = None
        if agreement.tax:
            tax_id = f"tax/{ship.tax_subject}"
            tax = answers.get(tax_id)
            self._add(tax_id, "tax", agreement.tax, tax, doubts, _minutes(at, clocks.tax_minutes), number, ship.amount)
        gate = self._gate(ship, doubts, tax, noticed, posted)
        amount = ship.amount + tax.amount if tax is not None and tax.amount is not None else ship.amount
        self._add(what, "invoice", partner, sent.get(what), gate, _hours(at, clocks.invoice_hours), number, amount)

    def _doubts(self, ship: ShipmentNow, wrong: tuple[str, ...]) -> tuple[str, ...]:
        """Why it is not settled yet what of the shipment is to be billed, or at which price."""
        state = self.state
        if not (wrong or ship.over or ship.substituted or ship.after_cancel or self.undecided):
            return ()
        doubts = list(wrong)
        doubts.extend(
            [f"over-shipped: line {line} by {quantity} beyond the tolerance" for line, quantity in ship.over.items()]
        )
        unsettled = [x for x in ship.substituted if not decision(state, f"substituted-not-allowed/{ship.number}/{x}")]
        doubts.extend([f"substituted: line {x} was shipped with another item" for x in unsettled])
        if ship.after_cancel and not decision(state, f"shipped-after-cancel/{ship.number}"):
            doubts.append("shipped-after-cancel: it left after the cancellation")
        doubts.extend([f"price-validated: line {n} is not decided" for n in ship.quantities if _open(self.p.lines[n])])
        return tuple(doubts)

    def _gate(
        self, ship: ShipmentNow, doubts: tuple[str, ...], tax: Answer | None, noticed: bool, posted: bool
    ) -> tuple[str, ...]:
        """The agreement's billing checkpoints that are not passed. A shipment that is not settled is never billed, whatever is agreed."""
        _p, agreement = self.p, self.agreement
        gate: list[str] = list(doubts)
        for checkpoint in agreement.billing:
            if checkpoint == "release-approved":
                if ship.unreleased:
                    gate.append("release-approved: the release that it answers is not known to be out")
            elif checkpoint == "tax-received":
                if agreement.tax and tax is None:
                    gate.append("tax-received: the tax is not known")
            elif checkpoint == "no-open-exception":
                gate.extend(self._open_exceptions(ship))
            elif checkpoint == "ship-notice-sent":
                if not noticed:
                    gate.append("ship-notice-sent: the ship notice is not out")
            elif checkpoint == "shipment-posted" and not posted:
                gate.append("shipment-posted: the ERP has not posted the shipment")
        if not agreement.channel:
            gate.append(_NO_CHANNEL)
        return tuple(gate)

    def _open_exceptions(self, ship: ShipmentNow) -> list[str]:
        p, state = self.p, self.state
        found = []
        if self.conflict:
            found.append("no-open-exception: the order was received twice with different content")
        if ship.mispacked:
            found.append(f"no-open-exception: {ship.mispacked}")
        if p.order.expects_total and total_mismatch(p, state) is not None:
            found.append("no-open-exception: the customer's total is another")
        found.extend(
            [
                f"no-open-exception: {f'change {c}' if c != 'cancel' else 'the cancellation'} came after the release"
                for c in p.late
            ]
        )
        return found

    def _functional_acks(self) -> None:
        p, agreement, state = self.p, self.agreement, self.state
        hours = self.clocks.functional_ack_hours
        for what in sorted(state.sent):
            head = what.partition("/")[0]
            if head in _CUSTOMER_DOCUMENTS:
                if not agreement.functional_acks:
                    continue
                debtor = p.order.partner
            elif head in _WAREHOUSE_DOCUMENTS and agreement.warehouse_functional_acks:
                debtor = p.warehouse
            else:
                continue
            due = _hours(state.sent[what].at, hours)
            said = state.acknowledged.get(what)
            status = WAITING
            if said is not None:
                retried = state.retried.get(what) if state.retried else None
                if said.code != "rejected":
                    status = MET
                elif decision(state, f"rejected-by-partner/{what}") == "accept":
                    status = VOID
                elif retried is None or retried.at < said.at:
                    status = REFUSED
            evidence = (said.fact,) if said is not None and status is not WAITING else ()
            self.found.append(
                Obligation(
                    f"{self.prefix}functional-ack/{what}",
                    "functional-ack",
                    debtor,
                    "us",
                    status,
                    due,
                    (),
                    evidence,
                    what,
                )
            )


def _open(line: LineNow) -> bool:
    return bool(line.undecided) and line.cancelled is None and not line.deleted


def _undecided(p: Position) -> tuple[str, ...]:
    if p.decided:
        return ()
    return tuple([f"lines-decided: line {n}: {x.undecided}" for n, x in p.lines.items() if _open(x)])


def _wrong_with(ship: ShipmentNow) -> tuple[str, ...]:
    """Why nobody can be told of the shipment: it contradicts itself or the order."""
    if not (ship.conflict or ship.foreign):
        return ()
    conflict = (f"shipment-conflict: {ship.conflict}",) if ship.conflict else ()
    return (*conflict, *[f"quantity-breach: line {line} cannot be of this order" for line in ship.foreign])


def past(day: date, now: datetime) -> bool:
    """Whether `day` is over, UTC."""
    return now.date() > day
