"""The retailer: places orders by X12, changes and cancels some, acknowledges what it gets, and keeps account of it."""

from datetime import date
from pathlib import Path

from crossdock.testing.configs import Retailer
from crossdock.testing.faults import strikes
from crossdock.testing.simulators import books, orders, reception
from crossdock.testing.simulators.mailbox import Mailbox
from crossdock.testing.simulators.orders import PlannedOrder
from crossdock.testing.simulators.outbox import Outbox
from crossdock.testing.simulators.process import Life, run
from crossdock.testing.tallies import Placed, RetailerTally, Tally


class Shop:
    """What is still to be ordered, and the desk where answers come in."""

    def __init__(self, config: Retailer, tally: RetailerTally) -> None:
        self.config = config
        self.tally = tally
        mailbox = Mailbox(config.mailbox, config.keep_taken)
        self.outbox = Outbox(mailbox, config)
        self._reception = reception.Reception(mailbox, config, tally)
        self._day = date.fromisoformat(config.date) if config.date else date.today()
        self._planned = orders.planned(config)
        self._ordered = 0
        self._batch: list[PlannedOrder] = []

    def order(self, seconds: float) -> None:
        """Place the orders whose time has come, `seconds` after the start."""
        config = self.config
        wanted = config.orders if config.per_second <= 0 else min(config.orders, 1 + int(seconds * config.per_second))
        # A large stack is placed over several rounds, so that answers are read meanwhile.
        for _ in range(min(wanted - self._ordered, 200)):
            self._batch.append(next(self._planned))
            self._ordered += 1
            if len(self._batch) == config.per_interchange or self._ordered == config.orders:
                self._place(self._batch)
                self._batch = []
        self.tally.done = self._ordered == config.orders and not self.outbox.waits("850", "860")

    def _place(self, batch: list[PlannedOrder]) -> None:
        config, faults, outbox = self.config, self.config.faults, self.outbox
        bodies = [("850", orders.purchase_order(order, self._day, config.vendor)) for order in batch]
        for order in batch:
            self.tally.orders[order.number] = Placed(
                lines={line.line: str(line.quantity) for line in order.lines},
                prices={line.line: line.price for line in order.lines},
                unit=order.lines[0].item.unit,
                region=order.store.region,
                items={line.line: line.item.buyer_item for line in order.lines},
                faults=[name for name in ("unknown_item", "price_off") if self._struck(name, order.number)],
            )
        lead = batch[0].number
        data = outbox.build("PO", bodies)
        if self._struck("reordered", lead):
            self.tally.reordered.append(lead)
            self._note("reordered", lead)
            outbox.hold("850", data, faults.reordered_by)
        else:
            outbox.send("850", data)
        if self._struck("doubled_interchange", lead):
            self._note("doubled_interchange", lead)
            outbox.send("850", data, faults.doubled_after_seconds)
        if self._struck("doubled_document", lead):
            self._note("doubled_document", lead)
            outbox.send("850", outbox.build("PO", bodies), faults.doubled_after_seconds)
        for order in batch:
            self._change_mind(order)

    def _change_mind(self, order: PlannedOrder) -> None:
        placed, faults = self.tally.orders[order.number], self.config.faults
        placed.sent += 1
        if self._struck("cancelled", order.number):
            placed.cancelled = True
            text = orders.cancellation(order, self._day)
        elif self._struck("changed", order.number):
            before = order.lines[0].quantity
            placed.changed = str(before // 2 if before > 1 else before + 1)
            text = orders.change(order, self._day, int(placed.changed))
        else:
            return
        placed.faults.append("cancelled" if placed.cancelled else "changed")
        self.outbox.send("860", self.outbox.build("PC", [("860", text)]), faults.change_after_seconds)

    def _struck(self, fault: str, number: str) -> bool:
        return strikes(self.config.seed, fault, getattr(self.config.faults, fault), number)

    def _note(self, fault: str, number: str) -> None:
        self.tally.orders[number].faults.append(fault)

    def receive(self) -> None:
        """Read what lies in the mailbox and answer it."""
        arrived = False
        for moment, interchange in self._reception.take():
            arrived = True
            reception.acknowledge(
                interchange, self.outbox, self.config.seed, self.config.faults, books.subject, self._noted_997
            )
            books.enter(self.tally, interchange, moment)
        if arrived:
            books.note_early_invoices(self.tally)

    def _noted_997(self, fault: str, reference: str) -> None:
        (self.tally.withheld_997 if fault == "withheld_997" else self.tally.late_997).append(reference)


def begin(config: Retailer) -> tuple[Tally, Path]:
    """An empty tally, and where it goes."""
    return RetailerTally(name=config.name), config.tally


async def live(config: Retailer, life: Life) -> None:
    """Order, send and receive until the stop."""
    assert isinstance(life.tally, RetailerTally)
    shop = Shop(config, life.tally)
    life.ready()
    while True:
        shop.order(life.seconds)
        shop.outbox.pump()
        shop.receive()
        if await life.wait(config.poll_seconds):
            return


if __name__ == "__main__":
    run(Retailer, begin, live)
