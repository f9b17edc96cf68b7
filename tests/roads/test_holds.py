"""A hold that comes when a release is ready and has not left: its delivery is withdrawn, and made again when the hold is gone."""

from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from crossdock.facts import Fact
from crossdock.facts import order as facts
from crossdock.flow.fold import fold
from crossdock.policy import Agreement
from crossdock.ports.log import Folded, Stored

KEY = "BIGMART-4500"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGREEMENT = Agreement(partner="bigmart", channel="bigmart-edi", credit_check=False)


class Log:
    """Folds what it is told, one fact after the other, as the store would."""

    def __init__(self) -> None:
        self.stored: dict[str, Stored] = {}
        self.position = 0

    def tell(self, data: facts.OrderFact) -> Folded:
        self.position += 1
        told = Fact(key=KEY, data=data, source="test", source_id=str(self.position), occurred_at=NOW)
        told = replace(told, lane=0, position=self.position, recorded_at=NOW)
        (folded,) = fold([told], self.stored, lambda partner, version: AGREEMENT, NOW)
        self.stored[KEY] = Stored(0, KEY, folded.state, folded.known, folded.positions, folded.created_at)
        return folded


def _order() -> facts.OrderReceived:
    line = facts.OrderedLine(
        line="1",
        item="A",
        quantity=Decimal(10),
        unit="EA",
        price=Decimal(1),
        agreed_price=Decimal(1),
        partner_quantity=Decimal(10),
    )
    return facts.OrderReceived(
        partner="bigmart", purchase_order="4500", workspace_version=1, lines=(line,), warehouse="3pl"
    )


def test_an_order_held_before_its_release_has_left_is_released_when_the_hold_is_gone() -> None:
    log = Log()
    log.tell(_order())
    made = log.tell(facts.ErpOrderCreated(obligation=f"{KEY}/create-in-erp", number="E-1"))
    release = f"{KEY}/release/1"
    assert release in [effect.obligation for effect in made.queue]
    assert log.tell(facts.HoldPlaced(hold="erp")).cancel == [release]
    again = log.tell(facts.HoldReleased(hold="erp"))
    assert [effect.obligation for effect in again.revive] == [release]
    assert again.queue == []


def test_it_may_be_held_more_than_once() -> None:
    log = Log()
    log.tell(_order())
    log.tell(facts.ErpOrderCreated(obligation=f"{KEY}/create-in-erp", number="E-1"))
    for hold in ("credit", "export"):
        assert log.tell(facts.HoldPlaced(hold=hold)).cancel
        assert log.tell(facts.HoldReleased(hold=hold)).revive
