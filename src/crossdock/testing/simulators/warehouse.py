"""The 3PL warehouse: takes 940s, acknowledges them, picks, and says by 945 what left. Cancellations are answered by
what really happened. Where it keeps stock, `stockroom` has its shelves."""

from datetime import date
from pathlib import Path

import msgspec

from crossdock.testing.configs import Warehouse
from crossdock.testing.faults import Share, strikes
from crossdock.testing.simulators import confirmations, reception, x12
from crossdock.testing.simulators.confirmations import Picked, Release
from crossdock.testing.simulators.mailbox import Mailbox
from crossdock.testing.simulators.outbox import Outbox
from crossdock.testing.simulators.process import Life, run
from crossdock.testing.simulators.stockroom import Stockroom
from crossdock.testing.tallies import Released, Shipped, Tally, WarehouseTally


class Pending(msgspec.Struct):
    """A release that is being picked: what will leave, and after how many seconds from `since` (None: never)."""

    release: Release
    record: Released
    shipments: list[list[Picked]]
    since: float
    after: float | None
    gone: int = 0


class Floor:
    """The releases being picked, by depositor order."""

    def __init__(self, config: Warehouse, tally: WarehouseTally) -> None:
        self.config = config
        self.tally = tally
        mailbox = Mailbox(config.mailbox, config.keep_taken)
        self.outbox = Outbox(mailbox, config)
        self._reception = reception.Reception(mailbox, config, tally)
        self.stock = Stockroom(config, config.shelving, tally, self.outbox) if config.shelving else None
        self._serial = config.first_serial
        self._known: set[tuple[str, str]] = set()
        self._rejected: set[tuple[str, str]] = set()
        self._pending: list[Pending] = []
        self._shipments: dict[str, int] = {}
        self._releases: dict[str, int] = {}

    def receive(self, seconds: float) -> None:
        """Read what lies in the mailbox; `seconds` since the start."""
        for _, interchange in self._reception.take():
            rejected: set[str] = set()
            for group in interchange.groups:
                for transaction in group.transactions:
                    if transaction.set_id == "997":
                        verdict = x12.element(transaction.first("AK9"), 1)
                        self.tally.acknowledged[verdict] = self.tally.acknowledged.get(verdict, 0) + 1
                    elif transaction.set_id == "943" and self.stock is not None:
                        self.stock.expect(transaction, seconds)
                    elif transaction.set_id != "940":
                        self.tally.malformed.append(
                            f"interchange {interchange.control_number}: a {transaction.set_id} is not expected here"
                        )
                    elif not self._accept(confirmations.read(transaction), interchange.control_number, seconds):
                        rejected.add(f"{group.control_number}/{transaction.control_number}")
            reception.acknowledge(
                interchange,
                self.outbox,
                self.config.seed,
                self.config.faults,
                _subject,
                self._note,
                frozenset(rejected),
            )

    def _accept(self, release: Release, interchange: str, seconds: float) -> bool:
        """False if the 940 is to be refused."""
        if release.cancels:
            self._cancel(release)
            return True
        key = (release.order, release.release)
        record = Released(
            order=release.order,
            purchase_order=release.purchase_order,
            release=release.release,
            interchange=interchange,
            units=release.lines[0].unit if release.lines else "",
            lines={line.line: str(line.quantity) for line in release.lines},
        )
        if key in self._known:
            self.tally.doubled.append("/".join(key).rstrip("/"))
            return True
        nth = self._releases.get(release.order, 0) + 1
        reference = release.purchase_order or release.order
        reference = reference if nth == 1 else f"{reference}/{nth}"

        def struck(fault: str, share: Share) -> bool:
            if not strikes(self.config.seed, fault, share, reference, *((release.order,) if nth == 1 else ())):
                return False
            record.faults.append(fault)
            self._note(fault, reference)
            return True

        self.tally.releases.append(record)
        faults = self.config.faults
        if key not in self._rejected and struck("rejected", faults.rejected):
            self._rejected.add(key)
            record.fate = "rejected"
            return False
        self._known.add(key)
        self._releases[release.order] = nth
        there = self.stock.set_apart(release) if self.stock is not None else None
        shipments = confirmations.pick(release, self.config, first=nth == 1, there=there)
        if (what := _named(shipments)) and nth == 1:
            record.faults.append(what)
            self._note(what, reference)
        pick_seconds = self.config.pick_seconds
        after: float | None = pick_seconds
        if struck("lost", faults.lost):
            after = faults.lost_seconds
            record.fate = "lost" if after is None else "picking"
        elif struck("late", faults.late):
            after = pick_seconds + faults.late_seconds
        self._pending.append(Pending(release, record, shipments, seconds, after))
        if struck("unknown_order", faults.unknown_order):
            self._confirm_nobodys_order(release)
        return True

    def ship(self, seconds: float) -> None:
        """Let go what is picked."""
        for pending in self._pending:
            while pending.after is not None and pending.gone < len(pending.shipments):
                wait = pending.after + pending.gone * self.config.faults.partial_after_seconds
                if seconds < pending.since + wait:
                    break
                self._ship(pending)
        self._pending = [pending for pending in self._pending if pending.gone < len(pending.shipments)]

    def _ship(self, pending: Pending) -> None:
        release, faults, outbox = pending.release, self.config.faults, self.outbox
        picked = pending.shipments[pending.gone]
        pending.gone += 1
        pending.record.fate = "shipped" if pending.gone == len(pending.shipments) else "picking"
        more_follows = pending.gone < len(pending.shipments)
        if self.stock is not None:
            self.stock.ship(release, picked, last=not more_follows)
        body, shipment = self._advice(release, picked, release.purchase_order, more_follows)
        reference = release.purchase_order or release.order
        data = outbox.build("SW", [("945", body)])

        def struck(fault: str, share: Share) -> bool:
            if not strikes(self.config.seed, fault, share, reference, release.order, shipment):
                return False
            self._note(fault, reference)
            return True

        if struck("reordered", faults.reordered):
            outbox.hold("945", data, faults.reordered_by)
        else:
            outbox.send("945", data)
        if struck("doubled_interchange", faults.doubled_interchange):
            outbox.send("945", data, faults.doubled_after_seconds)
        if struck("doubled_document", faults.doubled_document):
            outbox.send("945", outbox.build("SW", [("945", body)]), faults.doubled_after_seconds)

    def _advice(
        self, release: Release, picked: list[Picked], purchase_order: str, more_follows: bool = False
    ) -> tuple[str, str]:
        nth = self._shipments[release.order] = self._shipments.get(release.order, 0) + 1
        shipment = f"SHP-{release.order}-{nth}"
        body, cartons = confirmations.advice(
            release,
            picked,
            shipment=shipment,
            day=date.today(),
            first_serial=self._serial,
            config=self.config,
            more_follows=more_follows,
        )
        self._serial += len(cartons)
        self.tally.shipments.append(
            Shipped(
                shipment=shipment,
                order=release.order,
                purchase_order=purchase_order,
                unit=release.lines[0].unit if release.lines else "",
                lines={each.line.line: str(each.shipped) for each in picked if each.shipped > 0},
                cartons=cartons,
            )
        )
        return body, shipment

    def _confirm_nobodys_order(self, release: Release) -> None:
        nobodys = msgspec.structs.replace(
            release, order=f"X{release.order}"[:22], purchase_order=f"X{release.purchase_order}"[:22]
        )
        body, _ = self._advice(nobodys, [Picked(line, "CC", line.quantity) for line in release.lines], "")
        self.outbox.send("945", self.outbox.build("SW", [("945", body)]))

    def _cancel(self, release: Release) -> None:
        """What is still on the floor is put back, and a 945 says that nothing leaves; what has left is confirmed
        (again, if need be)."""
        pending = next((each for each in self._pending if _meant(release, each.release)), None)
        reference = release.purchase_order or release.order
        if pending is None:
            gone = any(each.order == release.order for each in self.tally.shipments)
            self.tally.cancellations[release.order] = "shipped" if gone else "unknown"
            return
        if strikes(self.config.seed, "shipped_already", self.config.faults.shipped_already, reference, release.order):
            self._note("shipped_already", reference)
            self.tally.cancellations[release.order] = "shipped"
            while pending.gone < len(pending.shipments):
                self._ship(pending)
            return
        self.tally.cancellations[release.order] = "cancelled"
        pending.record.fate = "cancelled"
        self._pending.remove(pending)
        if self.stock is not None:
            self.stock.put_back(pending.release)
        nothing = [Picked(line, "ID", line.quantity * 0) for line in pending.release.lines]
        body, _ = confirmations.advice(
            pending.release,
            nothing,
            shipment=f"SHP-{release.order}-0",
            day=date.today(),
            first_serial=self._serial,
            config=self.config,
        )
        self.outbox.send("945", self.outbox.build("SW", [("945", body)]))

    def _note(self, fault: str, reference: str) -> None:
        noted = self.tally.faults.setdefault(fault, [])
        if reference not in noted:
            noted.append(reference)


def _meant(cancellation: Release, release: Release) -> bool:
    """A cancellation names a release, or means whatever of the order is on the floor."""
    return cancellation.order == release.order and cancellation.release in ("", release.release)


def _named(shipments: list[list[Picked]]) -> str:
    """Which pick fault it is, by the statuses."""
    if len(shipments) > 1:
        return "partial"
    names = {"CP": "short", "CM": "over", "CS": "substituted"}
    return next((names[picked.status] for picked in shipments[0] if picked.status in names), "")


def _subject(transaction: x12.Transaction) -> str:
    if transaction.set_id == "943":
        return x12.element(transaction.first("W06"), 2)
    w05 = transaction.first("W05")
    return x12.element(w05, 3) or x12.element(w05, 2)


def begin(config: Warehouse) -> tuple[Tally, Path]:
    """An empty tally, and where it goes."""
    return WarehouseTally(name=config.name), config.tally


async def live(config: Warehouse, life: Life) -> None:
    """Receive, pick and send until the stop."""
    assert isinstance(life.tally, WarehouseTally)
    floor = Floor(config, life.tally)
    life.ready()
    while True:
        floor.receive(life.seconds)
        floor.ship(life.seconds)
        if floor.stock is not None:
            floor.stock.work(life.seconds)
        floor.outbox.pump()
        if await life.wait(config.poll_seconds):
            return


if __name__ == "__main__":
    run(Warehouse, begin, live)
