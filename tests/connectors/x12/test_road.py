"""One purchase order along the whole road in memory: X12 in, the process folded, X12 out, with nothing between but
values.

The ERP and the tax service answer at once; the warehouse answers what the 940 in its hands says.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from retail_workspace import DIRECTORY

from crossdock.connectors.x12 import X12Reader, X12Writer
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.edi.x12.index import index
from crossdock.facts import Fact
from crossdock.facts.order import (
    AcknowledgementReceived,
    CreditAnswered,
    ErpOrderCreated,
    ShipmentPosted,
    TaxReceived,
)
from crossdock.policy.agreement import Agreement
from crossdock.ports.outbound import Delivery
from crossdock.ports.translation import Message
from crossdock.process import process_of
from crossdock.process.obligation import Effect, Status
from crossdock.testing.configs import Identity
from crossdock.testing.simulators import confirmations, x12

START = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
AGREEMENT = Agreement(partner="acme", version=3, channel="acme")
RETAILER = Identity()


class Numbers:
    def __init__(self) -> None:
        self.last = 0

    def next(self, channel: str, kind: str) -> int:
        self.last += 1
        return self.last


class Hub:
    """Everything that the flow does, without a database: reads, folds, makes what is owed, writes."""

    def __init__(self) -> None:
        crosswalk = Crosswalk(DIRECTORY)
        self.reader = X12Reader(crosswalk)
        self.writers = {system: X12Writer(crosswalk, system, system) for system in ("acme", "quick3pl")}
        self.numbers = Numbers()
        self.now = START
        self.states: dict[str, object] = {}
        self.known: set[str] = set()
        self.made: set[str] = set()
        self.sent: list[tuple[str, bytes]] = []
        self.controls: dict[tuple[str, str, str, str], tuple[str, str]] = {}
        self.messages = 0

    def receive(self, channel: str, data: bytes) -> None:
        """A message comes in: everything that follows from it happens."""
        self.messages += 1
        message = Message(id=self.messages, channel=channel, source_id="f", data=data, received_at=self.now)
        for part in self.reader.read(message):
            assert part.held == "", part.facts
            for fact in part.facts:
                self.tell(fact)
            for pending in part.pending:
                asked = pending.control
                for (system, functional_id, group, transaction), (key, obligation) in self.controls.items():
                    if (system, functional_id, group) == (channel, asked.functional_id, asked.group):
                        status, errors = pending.transactions.get(transaction, (pending.status, pending.errors))
                        data_ = AcknowledgementReceived(obligation=obligation, status=status, errors=errors)
                        self._tell(key, data_, channel, f"{pending.source_id}/{obligation}")
        self.work()

    def tell(self, fact: Fact) -> None:
        if fact.id not in self.known:
            self.known.add(fact.id)
            process = process_of(fact.key)
            self.states[fact.key] = process.evolve(self.states.get(fact.key, process.new(fact.key)), fact)

    def _tell(self, key: str, data: object, source: str, source_id: str) -> None:
        self.tell(Fact(key=key, data=data, source=source, source_id=source_id, occurred_at=self.now))

    def standing(self, key: str):
        return process_of(key).derive(self.states[key], AGREEMENT, self.now)

    def work(self) -> None:
        """Does what is ready until nothing is."""
        while True:
            self.now += timedelta(seconds=1)
            ready = [
                (key, obligation)
                for key in list(self.states)
                for obligation in self.standing(key).obligations
                if obligation.status is Status.READY and obligation.debtor == "us" and obligation.id not in self.made
            ]
            if not ready:
                return
            for key, obligation in ready:
                self.made.add(obligation.id)
                effect = process_of(key).effect(self.states[key], obligation, AGREEMENT, self.now)
                self._do(key, effect)

    def _do(self, key: str, effect: Effect) -> None:
        if effect.system in self.writers:
            self._send(key, effect)
            return
        answers = {
            "credit-check": CreditAnswered(obligation=effect.obligation, approved=True),
            "sales-order": ErpOrderCreated(obligation=effect.obligation, number="E-1"),
            "shipment-posting": ShipmentPosted(
                obligation=effect.obligation, shipment=getattr(effect.content, "shipment", ""), posting="JE-1"
            ),
            "tax-request": TaxReceived(
                obligation=effect.obligation, shipment=getattr(effect.content, "shipment", ""), total=Decimal("1.25")
            ),
        }
        self._tell(key, answers[effect.document], effect.system, effect.obligation)

    def _send(self, key: str, effect: Effect) -> None:
        writer = self.writers[effect.system]
        delivery = Delivery(
            id=effect.obligation,
            key=key,
            system=effect.system,
            document=effect.document,
            content=msgspec.json.encode(effect.content),
            partner=effect.partner,
            number=effect.number,
            told=effect.told,
        )
        composition = writer.compose([delivery], self.numbers, self.now)
        assert composition.unwritable == ()
        (transmission,) = composition.transmissions
        assert index(transmission.data).findings == ()
        self.sent.append((effect.system, transmission.data))
        control = transmission.control[delivery.id]
        _, functional_id, group, transaction = control.split("/")
        self.controls[effect.system, functional_id, group, transaction] = (key, effect.obligation)
        self._tell(key, writer.settle(delivery, control, {}), effect.system, delivery.id)

    def sets(self, system: str) -> list[str]:
        """Which transaction sets went to a system, in order."""
        return [t.set_id for to, data in self.sent if to == system for t in index(data).transactions]

    def last(self, system: str, set_id: str) -> bytes:
        return [d for to, d in self.sent if to == system and index(d).transactions[0].set_id == set_id][-1]


def answered(data: bytes, control_number: int) -> bytes:
    """The retailer's 997 for what we sent it."""
    (interchange,) = x12.split(data)
    bodies = [("997", x12.acknowledgement(group)) for group in interchange.groups]
    return x12.join("FA", bodies, control_number=control_number, identity=RETAILER, style=x12.Style(), moment=START)


@pytest.fixture
def hub() -> Hub:
    return Hub()


def test_an_850_ends_as_an_810_with_every_document_between(hub, sample):
    hub.receive("acme", sample("order"))
    assert sorted(hub.sets("acme")) == ["855", "997"]
    assert hub.sets("quick3pl") == ["940"]
    hub.receive("quick3pl", confirmations.confirmation(hub.last("quick3pl", "940"), day=date(2026, 1, 16)))
    assert sorted(hub.sets("acme")) == ["810", "855", "856", "997"]
    assert hub.sets("quick3pl") == ["940", "997"]
    for number, set_id in enumerate(("855", "856", "810"), 50):
        hub.receive("acme", answered(hub.last("acme", set_id), number))
    standing = hub.standing("ACME-PO100001")
    open_ = {o.id: o.status for o in standing.obligations if o.status is not Status.MET}
    assert not standing.troubles
    assert all("functional-ack/release" in id or "/pay" in id for id in open_), open_


def test_everything_sent_twice_changes_nothing(hub, sample):
    hub.receive("acme", sample("order"))
    hub.receive("acme", sample("order"))
    advice = confirmations.confirmation(hub.last("quick3pl", "940"))
    hub.receive("quick3pl", advice)
    hub.receive("quick3pl", advice)
    assert sorted(hub.sets("acme")) == ["810", "855", "856", "997"]
    assert hub.sets("quick3pl") == ["940", "997"]


def test_the_customer_is_answered_in_its_own_words(hub, sample):
    hub.receive("acme", sample("order"))
    told = hub.last("acme", "855").decode()
    assert "PO1*1*3*CA*23.88**IN*B1000*UP*614141000012~" in told
    assert "ACK*IA*3*CA" in told
    released = hub.last("quick3pl", "940").decode()
    assert "W01*36*EA" in released
    assert "SK*W-100" in released
    assert "B1000" not in released


def test_both_processes_are_known_by_the_keys_that_reading_makes(hub, sample):
    hub.receive("acme", sample("order"))
    assert {process_of(key).name for key in hub.states} == {"order_to_cash", "interchange"}
