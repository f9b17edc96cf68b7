"""What happened and what went wrong, in a line of plain words each: for the ticker of the live view."""

from collections.abc import Mapping
from decimal import Decimal

from crossdock.facts import Fact
from crossdock.facts.interchange import InterchangeReceived, MessageHeld
from crossdock.facts.order import (
    AcknowledgementReceived,
    CreditAnswered,
    DocumentSent,
    EffectRefused,
    ErpOrderCreated,
    ErpOrderRevised,
    HoldPlaced,
    HoldReleased,
    LinesResolved,
    OrderCancelled,
    OrderChanged,
    OrderReceived,
    ShipmentConfirmed,
    ShipmentPosted,
    TaxReceived,
)
from crossdock.facts.stock import StockReserved
from crossdock.testing.tallies import ErpTally, RetailerTally, Tally, TaxTally, WarehouseTally

DOCUMENTS = {
    "purchase-order-acknowledgement": "acknowledged (855)",
    "warehouse-order": "released to the warehouse (940)",
    "ship-notice": "ship notice (856) sent",
    "invoice": "invoiced (810)",
}

MISCHIEF = {
    "doubled_interchange": "sends the same file of {0} again",
    "doubled_document": "sends {0} again under a new control number",
    "reordered": "holds {0} back and sends later ones first",
    "unknown_item": "asks on {0} for an item that nobody sells",
    "price_off": "orders {0} at a price that was not agreed",
    "changed": "changes {0} by 860",
    "cancelled": "cancels {0} by 860",
    "short": "ships {0} short",
    "over": "ships more than ordered on {0}",
    "partial": "ships {0} in two parts",
    "lost": "loses the confirmation of {0}",
    "late": "confirms {0} late",
    "lost_adjustment": "counts, and loses the message {0} that says so",
    "declined": "declines credit for {0}",
    "refused": "refuses the sales order of {0}",
    "held": "holds {0} and says so by webhook, twice",
    "committed_500": "records {0}, then answers 500",
    "committed_cut": "records {0}, then cuts the connection",
}
"""By fault; {0} is what it strikes."""

ANSWERS = {
    "429": "answers 429, too many requests",
    "503": "answers 503, unavailable",
    "away": "is away for some seconds and refuses connections",
}


def told(fact: Fact) -> str:
    """One fact as a sentence without its subject, which is the fact's key."""
    match fact.data:
        case OrderReceived(partner=partner, lines=lines, purchase_order=number):
            return f"{partner} orders {len(lines)} line{'s' if len(lines) > 1 else ''} on {number}"
        case OrderChanged():
            return "the customer changes it (860)"
        case OrderCancelled(by=by):
            return "cancelled by the customer (860)" if by == "customer" else "cancelled by us"
        case LinesResolved(workspace_version=version):
            return f"understood with workspace version {version}"
        case CreditAnswered(approved=approved):
            return "credit is good" if approved else "credit declined"
        case ErpOrderCreated(number=number):
            return f"in the ERP as {number}"
        case ErpOrderRevised(revision=revision):
            return f"revised in the ERP, {revision}"
        case ShipmentPosted(posting=posting):
            return f"shipment posted, journal {posting}"
        case TaxReceived(total=total):
            return f"tax is {total}"
        case DocumentSent(document=document):
            return DOCUMENTS.get(document, f"{document} sent")
        case EffectRefused(reason=reason):
            return f"refused: {reason}"
        case AcknowledgementReceived(status=status):
            return f"their 997: {status}"
        case ShipmentConfirmed(lines=lines, shipment=shipment):
            units = sum((line.quantity for line in lines), Decimal(0))
            return f"the warehouse ships {units:f} units (945, {shipment})"
        case StockReserved(lines=lines):
            lacking = [f"line {line.line} lacks {line.backordered.normalize():f}" for line in lines if line.backordered]
            return f"stock is set apart; {', '.join(lacking)}" if lacking else "stock is set apart"
        case HoldPlaced(reason=reason):
            return f"held: {reason}"
        case HoldReleased():
            return "the hold is gone"
        case InterchangeReceived(channel=channel, control_number=number):
            return f"interchange {number} of {channel} read"
        case MessageHeld(cause=cause):
            return f"held to be understood: {cause}"
        case _:
            return type(fact.data).__name__


class Watch:
    """Turns tallies, look by look, into news of what the counterparties do wrong."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, str]] = set()
        self._answers: dict[tuple[str, str], int] = {}

    def news(self, tallies: Mapping[str, Tally]) -> list[str]:
        """What went wrong since the last look."""
        found: list[str] = []
        for name, tally in tallies.items():
            for fault, references in _faults(tally).items():
                for reference in references:
                    if (name, fault, reference) in self._seen:
                        continue
                    self._seen.add((name, fault, reference))
                    words = MISCHIEF.get(fault, fault.replace("_", " ") + " {0}")
                    found.append(f"{name} {words.format(reference)}")
            if isinstance(tally, ErpTally | TaxTally):
                for status, words in ANSWERS.items():
                    count, before = tally.answers.get(status, 0), self._answers.get((name, status), 0)
                    self._answers[name, status] = count
                    if count > before:
                        found.append(f"{name} {words}: {count - before} calls")
        return found


def _faults(tally: Tally) -> dict[str, list[str]]:
    if isinstance(tally, RetailerTally):
        found: dict[str, list[str]] = {}
        for number, placed in tally.orders.items():
            for fault in placed.faults:
                found.setdefault(fault, []).append(number)
        return found
    return tally.faults


def struck(tallies: Mapping[str, Tally]) -> dict[str, int]:
    """How often each fault struck, by counterparty and fault in words, and how many calls were turned away."""
    counts: dict[str, int] = {}
    for name, tally in tallies.items():
        for fault, references in _faults(tally).items():
            what = MISCHIEF.get(fault, fault).format("of stock" if fault == "lost_adjustment" else "an order")
            counts[f"{name} {what}"] = len(references)
        if isinstance(tally, ErpTally | TaxTally):
            for status, words in ANSWERS.items():
                if times := tally.answers.get(status):
                    counts[f"{name} {words}"] = times
        elif isinstance(tally, WarehouseTally | RetailerTally) and tally.retransmissions:
            counts[f"{name} got the same interchange twice"] = len(tally.retransmissions)
    return counts
