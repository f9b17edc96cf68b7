"""What a folder counterparty does with every file before it looks at the business in it: validity, address,
retransmission, and the 997 it owes."""

from collections.abc import Callable, Iterator

from crossdock.testing.configs import Retailer, Warehouse
from crossdock.testing.faults import RetailerFaults, Share, WarehouseFaults, strikes
from crossdock.testing.simulators import conformity, x12
from crossdock.testing.simulators.mailbox import Mailbox
from crossdock.testing.simulators.outbox import Outbox
from crossdock.testing.tallies import RetailerTally, WarehouseTally


class Reception:
    """Takes files, counts them, keeps out retransmissions (same ISA05-08 and ISA13), and hands on the rest."""

    def __init__(self, mailbox: Mailbox, config: Retailer | Warehouse, tally: RetailerTally | WarehouseTally) -> None:
        self._mailbox = mailbox
        self._config = config
        self._tally = tally
        self._known: set[tuple[str, str, str]] = set()

    def take(self) -> Iterator[tuple[int, x12.Interchange]]:
        """New interchanges with the moment of their writing (ns)."""
        for moment, data in self._mailbox.take():
            self._tally.malformed.extend(conformity.errors(data))
            try:
                interchanges = x12.split(data)
            except x12.Malformed as error:
                self._tally.malformed.append(str(error))
                continue
            for interchange in interchanges:
                if interchange.receiver != self._config.identity.id:
                    self._tally.malformed.append(
                        f"interchange {interchange.control_number} is addressed to {interchange.receiver}"
                    )
                    continue
                self._tally.interchanges += 1
                key = (interchange.sender, interchange.receiver, interchange.control_number)
                if key in self._known:
                    self._tally.retransmissions.append(interchange.control_number)
                    continue
                self._known.add(key)
                yield moment, interchange


def acknowledge(
    interchange: x12.Interchange,
    outbox: Outbox,
    seed: int,
    faults: RetailerFaults | WarehouseFaults,
    subject: Callable[[x12.Transaction], str],
    noted: Callable[[str, str], None],
    rejected: frozenset[str] = frozenset(),
) -> None:
    """A 997 for each group that is not itself one; `rejected` holds `group control number/transaction control
    number`."""
    for group in interchange.groups:
        if group.functional_id == "FA" or not group.transactions:
            continue
        about = subject(group.transactions[0])
        reference = f"{group.transactions[0].set_id}/{about}"

        def struck(fault: str, share: Share, reference: str = reference, about: str = about) -> bool:
            if not strikes(seed, fault, share, reference, about):
                return False
            noted(fault, reference)
            return True

        if struck("withheld_997", faults.withheld_997):
            continue
        refused = frozenset(
            t.control_number for t in group.transactions if f"{group.control_number}/{t.control_number}" in rejected
        )
        late = faults.late_997_seconds if struck("late_997", faults.late_997) else 0.0
        outbox.send("997", outbox.build("FA", [("997", x12.acknowledgement(group, refused))]), late)
