"""What holds for every order, whatever is told of it, in whichever order and however often."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st
from play import AGREEMENT, KEY, START, Play, order, ordered, shipped

from crossdock.facts import Fact
from crossdock.facts import order as facts
from crossdock.policy import Agreement
from crossdock.process import CONTENT_TYPES, Status, order_to_cash

LINES = ("1", "2", "3")
OBLIGATIONS = tuple(
    f"{KEY}/{what}"
    for what in (
        "credit-check",
        "acknowledge",
        "acknowledge/7",
        "create-in-erp",
        "revise-in-erp/7",
        "release/1",
        "release/2-abcdef",
        "cancel-release/1",
        "confirm-shipment/1",
        *(f"{kind}/{s}" for kind in ("ship-notice", "post-shipment", "tax", "invoice") for s in ("S1", "S2")),
    )
)
TROUBLES = (
    "order-conflict",
    "total-mismatch",
    "credit-declined",
    "change-after-release/7",
    "change-after-release/cancel",
    "over-shipped/S1/1",
    "over-shipped/S2/1",
    "substituted-not-allowed/S1/2",
    "pack-mismatch/S1",
    "shipment-conflict/S1",
    "shipped-after-cancel/S1",
    "short-shipped",
    "refused-by-warehouse/release/1",
    "rejected-by-partner/acknowledge",
)

quantities = st.sampled_from([Decimal(x) for x in ("0", "1", "4", "9.5", "10", "12", "-3")])
lines = st.sampled_from(LINES)
obligations = st.sampled_from(OBLIGATIONS)
told = st.lists(st.tuples(lines, quantities), max_size=3, unique_by=lambda t: t[0]).map(tuple)
some_lines = st.lists(lines, max_size=2, unique=True).map(tuple)

ordered_lines = st.builds(
    lambda line, quantity, price, agreed, trouble, per: msgspec.structs.replace(
        ordered(line, quantity),
        price=price,
        agreed_price=agreed,
        trouble=trouble,
        per_partner_unit=per,
        substitutes=("ALT",),
    ),
    lines,
    quantities,
    st.sampled_from([None, Decimal("2.50"), Decimal("2.60")]),
    st.sampled_from([None, Decimal("2.50")]),
    st.sampled_from(["", "", "", "unknown-item"]),
    st.sampled_from(["1/1", "12/1", "1/3", "odd"]),
)
orders = st.builds(
    lambda found, total, window, route: order(
        *found, total=total, ship_no_later=window, cancel_after=window, warehouse=route
    ),
    st.lists(ordered_lines, min_size=1, max_size=3, unique_by=lambda x: x.line),
    st.sampled_from([None, Decimal("25.00")]),
    st.sampled_from([None, date(2026, 3, 9)]),
    st.sampled_from(["wh-east", "wh-east", ""]),
)
changed_lines = st.builds(
    lambda line, change, quantity, price, new: facts.ChangedLine(
        line=line, change=change, quantity=quantity, price=price, ordered=ordered(line, 3) if new else None
    ),
    st.sampled_from((*LINES, "9")),
    st.sampled_from(["add", "delete", "quantity", "price"]),
    st.none() | quantities,
    st.sampled_from([None, Decimal("2.70")]),
    st.booleans(),
)
confirmed_lines = st.builds(
    lambda line, quantity, item: facts.ConfirmedLine(line=line, quantity=quantity, item=item),
    st.sampled_from((*LINES, "9")),
    quantities,
    st.sampled_from(["", "ITEM-1", "ALT"]),
)
packages = st.builds(
    lambda sscc, contents: facts.ConfirmedPackage(sscc=sscc, contents=contents),
    st.sampled_from(["", "006141410000000012", "006141410000000018", "12"]),
    told,
)
data: st.SearchStrategy[Any] = st.one_of(
    orders,
    orders,
    st.builds(
        lambda number, found, day: facts.OrderChanged(change=number, lines=tuple(found), ship_no_later=day),
        st.sampled_from(["7", "10", "A"]),
        st.lists(changed_lines, max_size=2),
        st.sampled_from([None, None, date(2026, 3, 12)]),
    ),
    st.builds(lambda by: facts.OrderCancelled(by=by), st.sampled_from(["customer", "us"])),
    st.builds(
        lambda line, version: facts.LinesResolved(
            workspace_version=version, lines=(ordered(line, 10),), warehouse="wh-west"
        ),
        lines,
        st.integers(1, 3),
    ),
    st.builds(
        lambda found, price: facts.PriceApproved(who="ann", lines=found, prices=(("1", price),) if price else ()),
        some_lines,
        st.none() | st.just(Decimal("2.55")),
    ),
    st.builds(lambda found: facts.LineCancelled(who="ann", lines=found), some_lines),
    st.builds(
        lambda trouble, accept: facts.ExceptionDecided(trouble=f"{KEY}/{trouble}", accept=accept, who="ann"),
        st.sampled_from(TROUBLES),
        st.booleans(),
    ),
    st.builds(lambda hold: facts.HoldPlaced(hold=hold), st.sampled_from(["fraud", "dock"])),
    st.builds(lambda hold: facts.HoldReleased(hold=hold), st.sampled_from(["fraud", "dock"])),
    st.builds(
        lambda o, good: facts.CreditAnswered(obligation=o, approved=good),
        st.sampled_from(OBLIGATIONS[:1]),
        st.booleans(),
    ),
    st.builds(
        lambda number: facts.ErpOrderCreated(obligation=f"{KEY}/create-in-erp", number=number),
        st.sampled_from(["E1", "E2"]),
    ),
    st.builds(lambda o: facts.ErpOrderRevised(obligation=o, revision="1"), obligations),
    st.builds(
        lambda s: facts.ShipmentPosted(obligation=f"{KEY}/post-shipment/{s}", shipment=s, posting="J1"),
        st.sampled_from(["S1", "S2"]),
    ),
    st.builds(
        lambda s: facts.TaxReceived(obligation=f"{KEY}/tax/{s}", shipment=s, total=Decimal("1.10")),
        st.sampled_from(["S1", "S2"]),
    ),
    st.builds(lambda o, found: facts.DocumentSent(obligation=o, document="x", told=found), obligations, told),
    st.builds(lambda o: facts.EffectRefused(obligation=o, code="no"), obligations),
    st.builds(lambda o: facts.EffectRetried(obligation=o, who="ann"), obligations),
    st.builds(
        lambda o, status: facts.AcknowledgementReceived(obligation=o, status=status),
        obligations,
        st.sampled_from(["accepted", "rejected"]),
    ),
    st.builds(lambda cancel: facts.ReleaseRefused(release="1", cancellation=cancel), st.booleans()),
    st.builds(
        lambda number, found, packed, complete, purpose, release: facts.ShipmentConfirmed(
            shipment=number,
            warehouse="wh-east",
            lines=tuple(found),
            packages=tuple(packed),
            complete=complete,
            purpose=purpose,
            release=release,
        ),
        st.sampled_from(["S1", "S2"]),
        st.lists(confirmed_lines, max_size=3),
        st.lists(packages, max_size=2),
        st.sampled_from([None, True, False]),
        st.sampled_from(["original", "original", "replace"]),
        st.sampled_from(["", "1", f"{KEY}/release/1", "2-abcdef"]),
    ),
)
histories = st.lists(st.tuples(data, st.integers(0, 20)), max_size=24).map(
    lambda found: [
        Fact(key=KEY, data=d, source="test", source_id=f"{n}", occurred_at=START + timedelta(minutes=at))
        for n, (d, at) in enumerate(found)
    ]
)
agreements = st.builds(
    lambda short, over, changes, substitution, lead, billing, erp, tax: msgspec.structs.replace(
        AGREEMENT,
        short=short,
        over_tolerance_percent=over,
        changes_until=changes,
        substitution=substitution,
        release_lead_days=lead,
        billing=billing,
        erp=erp,
        tax=tax,
    ),
    st.sampled_from(["backorder", "cancel", "ship-complete"]),
    st.sampled_from([Decimal(0), Decimal(25)]),
    st.sampled_from(["released", "never"]),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.sampled_from([AGREEMENT.billing, (), ("ship-notice-sent", "shipment-posted")]),
    st.sampled_from(["erp", "erp", ""]),
    st.sampled_from(["tax", "tax", ""]),
)


def fold(history: list[Fact]) -> order_to_cash.State:
    state = order_to_cash.new(KEY)
    for fact in history:
        state = order_to_cash.evolve(state, fact)
    return state


@settings(max_examples=300, deadline=None)
@given(history=histories, agreement=agreements, dice=st.randoms(use_true_random=False))
def test_any_order_and_multiplicity_of_facts_gives_the_same_state_and_standing(
    history: list[Fact], agreement: Agreement, dice: Any
) -> None:
    again = [*history, *(dice.choices(history, k=5) if history else ())]
    dice.shuffle(again)
    one, other = fold(history), fold(again)
    assert one == other
    assert order_to_cash.encode(one) == order_to_cash.encode(other)
    assert order_to_cash.decode(order_to_cash.encode(one)) == one
    now = START + timedelta(hours=30)
    assert order_to_cash.derive(one, agreement, now) == order_to_cash.derive(other, agreement, now)


def derive_step_by_step(history: list[Fact], agreement: Agreement, now: datetime) -> None:
    """Derives after each fact from the standing before, and holds it against a standing that nothing was taken over for."""
    state, standing = order_to_cash.new(KEY), None
    for fact in history:
        state = order_to_cash.evolve(state, fact)
        standing = order_to_cash.derive(state, agreement, now, standing)
        anew = order_to_cash.decode(order_to_cash.encode(state))
        for o in standing.obligations:
            if o.status is Status.READY:
                effect = order_to_cash.effect(state, o, agreement, now)
                assert effect == order_to_cash.effect(anew, o, agreement, now)
        assert standing == order_to_cash.derive(anew, agreement, now)


def test_nothing_stale_is_taken_over_when_a_release_is_refused_or_taken_back_and_a_shipment_is_told_twice() -> None:
    for cut in ((), (facts.LineCancelled(who="ann", lines=("2",)),)):
        play = Play().tell(order()).run()
        play.tell(facts.ReleaseRefused(release="1", reason="no dock"))
        play.tell(facts.EffectRetried(obligation=f"{KEY}/confirm-shipment/1", who="ann"), *cut).run()
        play.tell(shipped("S1", ("1", 4), ("2", 1), release="1", complete=False)).run()
        play.tell(shipped("S1", ("1", 5), ("2", 1), release="1", complete=False, purpose="replace")).run()
        play.tell(shipped("S1", ("1", 6), ("2", 1), release="1", complete=False)).run()
        play.tell(facts.ExceptionDecided(trouble=f"{KEY}/shipment-conflict/S1", accept=True, who="ann")).run()
        derive_step_by_step(play.facts, AGREEMENT, play.now)
        sendings = [fact for fact in play.facts if isinstance(fact.data, facts.DocumentSent)]
        late = [fact for fact in play.facts if fact not in sendings]
        derive_step_by_step([*late, *sendings], AGREEMENT, play.now)


def test_a_rejection_that_is_told_after_its_retry_takes_the_invoice_out_of_the_figures() -> None:
    play = Play(Agreement(partner="bigmart", channel="bigmart-edi", functional_acks=False)).tell(order()).run()
    play.tell(shipped("S1", ("1", 10), ("2", 4), release="1")).run()
    invoice = f"{KEY}/invoice/S1"
    play.tell(facts.AcknowledgementReceived(obligation=invoice, status="rejected"))
    play.tell(facts.EffectRetried(obligation=invoice, who="ann"))
    rejected, retried = play.facts[-2:]
    assert play.owed("invoice/S1").status is Status.READY and not play.standing.summary["invoiced"]
    derive_step_by_step([*play.facts[:-2], retried, rejected], play.agreement, play.now)


@settings(max_examples=200, deadline=None)
@given(history=histories, agreement=agreements)
def test_what_is_taken_over_from_the_standing_before_changes_nothing(history: list[Fact], agreement: Agreement) -> None:
    derive_step_by_step(history, agreement, START + timedelta(hours=30))


@settings(max_examples=300, deadline=None)
@given(history=histories, agreement=agreements, hours=st.sampled_from([0, 1, 30, 300]))
def test_whatever_is_told_every_ready_effect_can_be_made_and_quantities_are_conserved(
    history: list[Fact], agreement: Agreement, hours: int
) -> None:
    state, now = fold(history), START + timedelta(hours=hours)
    standing = order_to_cash.derive(state, agreement, now)
    ids = [o.id for o in standing.obligations]
    assert len(ids) == len(set(ids))
    troubles = [t.id for t in standing.troubles]
    assert len(troubles) == len(set(troubles))
    assert standing.wake_at is None or standing.wake_at > now
    msgspec.json.encode(standing)
    for o in standing.obligations:
        assert bool(o.blocked_by) <= (o.status in (Status.BLOCKED, Status.REFUSED))
        if o.status is Status.READY:
            effect = order_to_cash.effect(state, o, agreement, now)
            assert isinstance(effect.content, CONTENT_TYPES[effect.document])
            assert effect.system
            assert msgspec.json.decode(msgspec.json.encode(effect.content), type=type(effect.content)) == effect.content
    if state.orders:
        for line in order_to_cash.counters_of(state, agreement).values():
            assert line["open"] >= 0 or line["ordered"] < 0
            assert line["cancelled"] >= 0
            assert max(line["ordered"], line["shipped"]) == line["open"] + line["shipped"] + line["cancelled"]
            assert line["accepted"] in (0, line["ordered"])
            assert line["outstanding"] <= max(line["released"], Decimal(0))
            assert line["backordered"] <= max(line["open"], Decimal(0))


@settings(max_examples=200, deadline=None)
@given(
    lifts=st.lists(
        st.one_of(
            st.tuples(st.just("ship"), st.lists(st.integers(0, 12), min_size=2, max_size=2), st.booleans()),
            st.tuples(st.just("change"), st.integers(0, 14), st.booleans()),
            st.tuples(st.just("cancel"), st.integers(0, 9), st.booleans()),
            st.tuples(st.just("late"), st.integers(0, 5), st.booleans()),
        ),
        max_size=6,
    ),
    agreement=agreements,
    dice=st.randoms(use_true_random=False),
)
def test_however_an_order_goes_what_shipped_is_invoiced_once_and_nothing_sent_is_sent_otherwise(
    lifts: list[tuple[str, Any, bool]], agreement: Agreement, dice: Any
) -> None:
    """The flow is played with answers that come late: what was queued is sent as it was, though the order has moved on."""
    play = Play(agreement).tell(order())
    pending: list[Any] = []
    for n, (what, value, flag) in enumerate(lifts):
        play.see()
        if flag:
            play.run()
        if what == "ship":
            labels = [
                e.number
                for e in play.effects.values()
                if e.document == "warehouse-order" and e.content.purpose == "original"
            ]
            if labels:
                play.tell(shipped(f"S{n}", ("1", value[0]), ("2", value[1]), release=labels[-1], complete=flag))
        elif what == "change":
            quantity = Decimal(value)
            play.tell(
                facts.OrderChanged(
                    change=str(n),
                    lines=(
                        facts.ChangedLine(line="1", change="quantity", quantity=quantity, partner_quantity=quantity),
                    ),
                )
            )
        elif what == "cancel":
            play.tell(facts.LineCancelled(who="ann", lines=("2",)) if flag else facts.OrderCancelled(by="customer"))
        else:
            for o in play.ready()[:value]:
                effect = order_to_cash.effect(play.state, o, agreement, play.now)
                play.effects[o.id] = effect
                pending.append((o, effect))
    for o, effect in pending:
        play.tell(*play.answer(o, effect))
    play.run()
    for _ in range(20):
        decided = [
            facts.ExceptionDecided(trouble=t.id, accept=True, who="ann")
            for t in play.standing.troubles
            if t.cause != "quantity-breach"
        ]
        waiting = [o for o in play.standing.obligations if o.kind == "confirm-shipment" and o.status is Status.WAITING]
        if not decided and not waiting:
            break
        play.tell(*decided)
        for o in waiting:
            content = play.sent(f"release/{o.subject}")
            play.tell(
                shipped(
                    f"X{o.subject}",
                    *((line.line, int(line.quantity)) for line in content.lines),
                    release=o.subject,
                    complete=True,
                )
            )
        play.run()
    assert play.standing.milestone in ("complete", "cancelled"), [
        o for o in play.standing.obligations if o.status not in ("met", "void")
    ]
    assert all(o.status in (Status.MET, Status.VOID) for o in play.standing.obligations)
    left: dict[str, Decimal] = {}
    for number in play.state.shipments:
        for line in play.state.shipments[number][0].lines:
            left[line.line] = left.get(line.line, Decimal(0)) + line.quantity
    for invoice in play.invoices():
        for billed in invoice.lines:
            left[billed.line] -= billed.quantity
    assert not any(left.values())
    numbers = [i.number for i in play.invoices()]
    assert len(numbers) == len(set(numbers))
    event(
        f"{play.standing.milestone}, {len(play.invoices())} invoices, {len({d for d in play.effects if '/release/' in d})} releases"
    )
    creations = [e for e in play.effects.values() if e.document == "sales-order"]
    assert len(creations) <= 1
    again = [*play.facts, *dice.choices(play.facts, k=5)]
    dice.shuffle(again)
    assert order_to_cash.derive(fold(again), agreement, play.now) == play.standing
    derive_step_by_step(play.facts, agreement, play.now)
