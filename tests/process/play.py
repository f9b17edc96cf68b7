"""Plays the flow and the other parties around one order: folds facts, has every ready effect answered, and tells time.

Nothing here knows the process's rules: the ERP says yes, the tax is 8 %, the warehouse ships what it was told unless a test says otherwise.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crossdock.facts import Fact
from crossdock.facts import order as facts
from crossdock.policy import Agreement
from crossdock.process import Effect, Obligation, Standing, Status, order_to_cash
from crossdock.trade.documents import Address, Invoice, ItemReference, PartyReference
from crossdock.trade.requests import CreditCheck, SalesOrderEntry, SalesOrderRevision, ShipmentPosting, TaxRequest

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "SO-1001"
AGREEMENT = Agreement(partner="bigmart", channel="bigmart-edi")
TAX = Decimal("0.08")


def ordered(
    line: str, quantity: int | Decimal, price: str = "2.50", agreed: str | None = None, **more: Any
) -> facts.OrderedLine:
    """A line in pieces, resolved, at the agreed price unless told."""
    said: dict[str, Any] = {
        "line": line,
        "item": f"ITEM-{line}",
        "quantity": Decimal(quantity),
        "unit": "EA",
        "price": Decimal(price),
        "agreed_price": Decimal(agreed or price),
        "partner_quantity": Decimal(quantity),
        "partner_unit": "EA",
        "partner_price": Decimal(price),
        "items": (
            ItemReference(qualifier="buyer-item", id=f"BM{line}"),
            ItemReference(qualifier="gtin-12", id=f"61414100{line:0>4}"),
        ),
        "description": f"Article {line}",
    }
    return facts.OrderedLine(**{**said, **more})


def order(*lines: facts.OrderedLine, **more: Any) -> facts.OrderReceived:
    """Big Mart's purchase order 4500."""
    ship_to = PartyReference(
        role="ship-to",
        name="Big Mart DC 7",
        qualifier="gln",
        id="0614141000012",
        address=Address(lines=("1 Dock Road",), city="Dayton", region="OH", country="US"),
    )
    said: dict[str, Any] = {
        "partner": "bigmart",
        "purchase_order": "4500",
        "workspace_version": 1,
        "lines": lines or (ordered("1", 10), ordered("2", 4, "10.00")),
        "warehouse": "wh-east",
        "site": "EAST",
        "currency": "USD",
        "issued": date(2026, 3, 2),
        "parties": (ship_to,),
    }
    return facts.OrderReceived(**{**said, **more})


class Play:
    """One order, the parties around it, and a clock that moves a minute with each fact."""

    def __init__(self, agreement: Agreement = AGREEMENT, key: str = KEY) -> None:
        self.agreement, self.key, self.now = agreement, key, START
        self.facts: list[Fact] = []
        self.state = order_to_cash.new(key)
        self.effects: dict[str, Effect] = {}
        self.answers: dict[str, Callable[[Effect], Iterable[Any]]] = {}
        self.acknowledging = True
        self.contents: dict[str, Any] = {}

    # --- facts ---

    def tell(self, *data: Any) -> "Play":
        """Facts in the order in which they happen, a minute apart."""
        for d in data:
            self.now += timedelta(minutes=1)
            fact = Fact(key=self.key, data=d, source="test", source_id=str(len(self.facts)), occurred_at=self.now)
            self.facts.append(fact)
            self.state = order_to_cash.evolve(self.state, fact)
        return self

    def wait(self, **by: float) -> "Play":
        self.now += timedelta(**by)
        return self

    # --- the flow ---

    @property
    def standing(self) -> Standing:
        return order_to_cash.derive(self.state, self.agreement, self.now)

    def owed(self, what: str) -> Obligation:
        return next(o for o in self.standing.obligations if o.id == f"{self.key}/{what}")

    def see(self) -> None:
        """Notes what is ready, and that it never differs under one id: content, the day of writing apart; of what a shipment calls for, which goes out
        once and at the prices that hold then, the quantities."""
        for o in self.standing.obligations:
            if o.status is Status.READY:
                effect = order_to_cash.effect(self.state, o, self.agreement, START)
                once = o.kind in ("ship-notice", "post-shipment", "tax", "invoice")
                seen = effect.told if once else effect.content
                assert self.contents.setdefault(o.id, seen) == seen, o.id

    def ready(self) -> list[Obligation]:
        return [o for o in self.standing.obligations if o.status is Status.READY and o.id not in self.effects]

    def run(self, until: Callable[["Play"], bool] = lambda _: False) -> "Play":
        """Does what is ready, and lets the others answer, until nothing moves."""
        while (todo := self.ready()) and not until(self):
            for o in todo:
                effect = order_to_cash.effect(self.state, o, self.agreement, self.now)
                self.effects[o.id] = effect
                self.tell(*self.answer(o, effect))
        return self

    def hold_back(self, what: str) -> "Play":
        """The party that gets `what` says nothing; a test will speak for it."""
        self.answers[f"{self.key}/{what}"] = lambda _: ()
        return self

    def answer(self, o: Obligation, effect: Effect) -> Iterable[Any]:
        if o.id in self.answers:
            return self.answers[o.id](effect)
        content = effect.content
        match content:
            case CreditCheck():
                return (facts.CreditAnswered(obligation=o.id, approved=True),)
            case SalesOrderEntry():
                return (facts.ErpOrderCreated(obligation=o.id, number="E-77"),)
            case SalesOrderRevision():
                return (facts.ErpOrderRevised(obligation=o.id, revision="1"),)
            case ShipmentPosting():
                return (
                    facts.ShipmentPosted(obligation=o.id, shipment=content.shipment, posting=f"J-{content.shipment}"),
                )
            case TaxRequest():
                tax = sum((line.amount or Decimal(0) for line in content.lines), Decimal(0)) * TAX
                return (facts.TaxReceived(obligation=o.id, shipment=content.shipment, total=round(tax, 2)),)
        sent = facts.DocumentSent(obligation=o.id, document=effect.document, number=effect.number, told=effect.told)
        if not self.acknowledging:
            return (sent,)
        return (sent, facts.AcknowledgementReceived(obligation=o.id, status="accepted"))

    # --- what came out ---

    def sent(self, what: str) -> Any:
        """The content of the effect of an obligation."""
        return self.effects[f"{self.key}/{what}"].content

    def invoices(self) -> list[Invoice]:
        return [e.content for e in self.effects.values() if isinstance(e.content, Invoice)]

    def causes(self) -> list[str]:
        return [t.cause for t in self.standing.troubles]


def shipped(number: str, *lines: tuple[str, int], release: str = "1", **more: Any) -> facts.ShipmentConfirmed:
    """The warehouse's word that these (line, pieces) left."""
    confirmed = tuple(facts.ConfirmedLine(line=line, quantity=Decimal(quantity)) for line, quantity in lines)
    return facts.ShipmentConfirmed(
        **{
            "shipment": number,
            "warehouse": "wh-east",
            "release": release,
            "lines": confirmed,
            "shipped": date(2026, 3, 3),
            **more,
        }
    )
