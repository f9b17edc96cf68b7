"""An order and the stock ledger: what is promised, said to the customer, released and taken, in the trade's words.

The ledger here is a list of goods by site: it answers each demand with what there is, as the real one does in the database.
"""

from datetime import date
from decimal import Decimal

from msgspec.structs import replace
from play import AGREEMENT, Play, order, ordered, shipped

from crossdock.facts.order import OrderCancelled
from crossdock.facts.stock import ReservedLine, StockReserved
from crossdock.ledger.demand import Demand
from crossdock.ledger.movement import Kind
from crossdock.policy import Agreement, StockTerms
from crossdock.process import Status

TERMS = StockTerms(sites={"EAST": "wh-east", "WEST": "wh-west"})
KEPT = replace(AGREEMENT, stock=TERMS, short="backorder")
SOON = date(2026, 3, 20)


class Ledger(Play):
    """Goods by (item, site), promised first come first served; `expected` is the day of the next receipt."""

    def __init__(self, agreement: Agreement = KEPT, **goods: int) -> None:
        super().__init__(agreement)
        self.goods = {tuple(k.split("_")): Decimal(v) for k, v in goods.items()}
        self.expected: date | None = SOON
        self.told: dict[str, ReservedLine] = {}
        self.revision = 0

    def promise(self) -> "Ledger":
        """Answers the demands as they are now, all that differ in one fact; nothing when none does."""
        changed = []
        demands = {d.line: d for d in self.standing.demands}
        for line in sorted({*demands, *self.told}):
            demand = demands.get(line)
            now = self._serve(demand) if demand is not None else ReservedLine(line=line)
            if self.told.get(line, ReservedLine(line=line)) != now:
                self.told[line] = now
                changed.append(now)
        if changed:
            self.revision += 1
            self.tell(StockReserved(revision=self.revision, lines=tuple(changed)))
        return self

    def _serve(self, demand: Demand) -> ReservedLine:
        left, found = demand.quantity, []
        for item in (demand.item, *demand.substitutes):
            for site in demand.sites if demand.split else demand.sites[:1]:
                take = min(left, self.there(item, site))
                if take:
                    found.append((item, site, take))
                    left -= take
        return ReservedLine(
            line=demand.line, reserved=tuple(found), backordered=left, promised_on=self.expected if left else None
        )

    def there(self, item: str, site: str) -> Decimal:
        gone = sum((t.quantity for t in self.standing.taken if (t.item, t.site) == (item, site)), Decimal(0))
        return max(self.goods.get((item, site), Decimal(0)) - gone, Decimal(0))

    def settle(self) -> "Ledger":
        """Promises and does what is ready, in turn, until nothing moves."""
        while True:
            before = len(self.facts)
            self.promise().run()
            if len(self.facts) == before:
                return self


def ten(**more: object) -> object:
    return order(ordered("1", 10, item="TEA"), **more)


def statuses(play: Play, what: str = "acknowledge") -> list[tuple[str, int, date | None]]:
    return [(a.status, int(a.quantity or 0), a.ship_date) for line in play.sent(what).lines for a in line.answers]


def test_an_order_is_answered_and_released_only_when_the_ledger_has_promised_it() -> None:
    play = Ledger(TEA_EAST=10).tell(ten()).run()
    assert play.owed("acknowledge").blocked_by == ("stock-promised: the ledger has not answered yet",)
    assert "stock-promised: the ledger has not answered yet" in play.owed("release/1").blocked_by
    play.settle()
    assert statuses(play) == [("accepted", 10, None)]
    assert play.sent("release/1").lines[0].quantity == 10


def test_what_is_not_there_is_backordered_with_its_day_and_what_is_there_goes_out() -> None:
    play = Ledger(TEA_EAST=6).tell(ten()).settle()
    told = next(what for what in play.effects if "/acknowledge" in what).removeprefix("SO-1001/")
    assert statuses(play, told) == [("accepted", 6, None), ("backordered", 4, SOON)]
    assert play.sent(told).status == "accepted-with-change"
    released = [e.content for what, e in play.effects.items() if "/release/" in what]
    assert [int(line.quantity) for r in released for line in r.lines] == [6]
    owed = play.owed("backorder/1")
    assert owed.status is Status.BLOCKED
    assert owed.blocked_by == ("reserved: line 1 lacks 4 EA of TEA, expected on 2026-03-20",)


def test_a_receipt_releases_the_backorder_and_the_customer_is_told() -> None:
    play = Ledger(TEA_EAST=6).tell(ten()).settle()
    play.goods[("TEA", "EAST")] = Decimal(10)
    play.settle()
    released = [int(line.quantity) for w, e in play.effects.items() if "/release/" in w for line in e.content.lines]
    assert released == [6, 4]
    assert statuses(play, "acknowledge") == [("accepted", 10, None)]


def test_what_becomes_true_again_is_told_again() -> None:
    play = Ledger(TEA_EAST=10).tell(ten())
    play.hold_back("release/1")
    play.settle()
    play.goods[("TEA", "EAST")] = Decimal(3)
    play.settle()
    play.goods[("TEA", "EAST")] = Decimal(10)
    play.settle()
    answers = [what.removeprefix("SO-1001/") for what in play.effects if "/acknowledge" in what]
    assert len(answers) == 3
    assert statuses(play, answers[0]) == statuses(play, answers[2]) == [("accepted", 10, None)]
    assert answers[2] == "acknowledge~2"


def test_an_order_that_ships_complete_waits_until_all_of_it_is_there() -> None:
    play = Ledger(replace(KEPT, short="ship-complete"), TEA_EAST=6).tell(ten()).settle()
    assert not [what for what in play.effects if "/release/" in what]
    assert "reserved: line 1 lacks 4 EA of TEA, expected on 2026-03-20" in play.owed("release/1").blocked_by
    play.goods[("TEA", "EAST")] = Decimal(10)
    play.settle()
    assert play.sent("release/1").lines[0].quantity == 10


def test_what_nobody_waits_for_is_cancelled_and_the_order_ends() -> None:
    play = Ledger(replace(KEPT, short="cancel"), TEA_EAST=6).tell(ten()).settle()
    told = next(what for what in play.effects if "/acknowledge" in what).removeprefix("SO-1001/")
    assert statuses(play, told) == [("accepted", 6, None), ("cancelled", 4, None)]
    release = next(what for what in play.effects if "/release/" in what).removeprefix("SO-1001/release/")
    play.tell(shipped("S1", ("1", 6), release=release, complete=True)).settle()
    assert play.standing.milestone == "complete"


def test_a_line_may_come_from_two_sites_each_with_a_release_of_its_own() -> None:
    split = replace(KEPT, stock=replace(TERMS, split=True))
    play = Ledger(split, TEA_EAST=6, TEA_WEST=4).tell(ten(sites=("EAST", "WEST"))).settle()
    released = {e.system: int(e.content.lines[0].quantity) for what, e in play.effects.items() if "/release/" in what}
    assert released == {"wh-east": 6, "wh-west": 4}
    labels = {e.system: e.number for what, e in play.effects.items() if "/release/" in what}
    play.tell(
        shipped("E1", ("1", 6), release=labels["wh-east"], complete=True),
        shipped("W1", ("1", 4), release=labels["wh-west"], complete=True, warehouse="wh-west"),
    ).settle()
    assert play.standing.milestone == "complete"
    assert {(t.site, int(t.quantity)) for t in play.standing.taken} == {("EAST", 6), ("WEST", 4)}


def test_a_substitute_that_was_promised_is_released_and_billed() -> None:
    line = ordered("1", 10, item="TEA", substitutes=("MINT",))
    play = Ledger(replace(KEPT, substitution=True), MINT_EAST=10).tell(order(line)).settle()
    release = next(e for what, e in play.effects.items() if "/release/" in what)
    assert release.content.lines[0].items[0].id == "MINT"


def test_a_short_pick_puts_what_was_not_found_on_hold_and_plans_the_rest_anew() -> None:
    play = Ledger(TEA_EAST=10).tell(ten()).settle()
    play.tell(shipped("S1", ("1", 6), complete=True)).settle()
    taken = {(t.kind, int(t.quantity)) for t in play.standing.taken}
    assert taken == {(Kind.SHIP, 6), (Kind.HOLD, 4)}
    assert [int(d.quantity) for d in play.standing.demands] == [4]
    assert play.owed("backorder/1").status is Status.BLOCKED
    assert sum(int(line.quantity) for i in play.invoices() for line in i.lines) == 6
    last = [what for what in play.effects if "/acknowledge" in what][-1].removeprefix("SO-1001/")
    assert ("backordered", 4, SOON) in statuses(play, last)


def test_a_replaced_confirmation_changes_what_was_taken() -> None:
    play = Ledger(TEA_EAST=10).tell(ten()).settle()
    play.tell(shipped("S1", ("1", 10)))
    assert [int(t.quantity) for t in play.standing.taken] == [10]
    play.tell(shipped("S1", ("1", 7), purpose="replace", complete=False))
    assert [int(t.quantity) for t in play.standing.taken if t.kind is Kind.SHIP] == [7]


def test_a_cancelled_order_wants_nothing() -> None:
    play = Ledger(TEA_EAST=10).tell(ten()).promise()
    assert [int(d.quantity) for d in play.standing.demands] == [10]
    play.tell(OrderCancelled(change="1"))
    assert play.standing.demands == ()


def test_a_site_whose_stock_is_not_kept_asks_nobody() -> None:
    play = Ledger().tell(ten(site="SOUTH")).run()
    assert play.standing.demands == ()
    assert play.sent("release/1").lines[0].quantity == 10


def test_a_release_tells_the_warehouse_from_which_of_its_sites_it_ships() -> None:
    def sites(play: Play, what: str) -> list[tuple[str, str]]:
        return [(party.role, party.name) for party in play.sent(what).parties if party.role == "warehouse"]

    split = replace(KEPT, stock=replace(TERMS, split=True))
    play = Ledger(split, TEA_EAST=6, TEA_WEST=4).tell(ten(warehouse="wh-east", site="EAST", sites=("WEST",))).settle()
    first, second = [o.subject for o in play.standing.obligations if o.kind == "release"]
    assert sites(play, f"release/{first}") == [("warehouse", "EAST")]
    assert sites(play, f"release/{second}") == [("warehouse", "WEST")]
    unkept = Play(replace(KEPT, stock=None)).tell(ten(warehouse="wh-east", site="EAST")).run()
    assert sites(unkept, "release/1") == []


def test_what_was_told_as_cancelled_is_not_told_as_accepted_once_the_rest_is_released_and_shipped() -> None:
    play = Ledger(replace(KEPT, short="cancel"), TEA_EAST=6).tell(ten()).settle()
    release = next(what for what in play.effects if "/release/" in what).removeprefix("SO-1001/release/")
    play.goods[("TEA", "EAST")] = Decimal(50)
    play.settle()
    play.tell(shipped("S1", ("1", 6), release=release, complete=True)).settle()
    answers = [what.removeprefix("SO-1001/") for what in play.effects if "/acknowledge" in what]
    assert [statuses(play, what) for what in answers] == [[("accepted", 6, None), ("cancelled", 4, None)]]


def test_an_answer_stands_the_same_whether_it_is_the_last_or_not() -> None:
    play = Ledger(TEA_EAST=6).tell(ten()).settle()
    told = next(what for what in play.effects if "/acknowledge" in what).removeprefix("SO-1001/")
    before = play.owed(told)
    play.goods[("TEA", "EAST")] = Decimal(10)
    play.settle()
    assert (play.owed(told).subject, play.owed(told).evidence) == (before.subject, before.evidence)
