"""The retailer's account of what it received: acknowledgements, ship notices and invoices, by purchase order. Pure:
bytes read, tally changed."""

import hashlib
from decimal import Decimal

from crossdock.testing.simulators import x12
from crossdock.testing.simulators.x12 import element
from crossdock.testing.tallies import RetailerTally, Seen


def enter(tally: RetailerTally, interchange: x12.Interchange, moment: int) -> None:
    """Enter what an interchange holds."""
    tally.interchange_acknowledgements += len(interchange.acknowledgements)
    for transaction in interchange.transactions():
        reader = _READERS.get(transaction.set_id)
        if transaction.set_id == "997":
            verdict = element(transaction.first("AK9"), 1)
            tally.acknowledged[verdict] = tally.acknowledged.get(verdict, 0) + 1
        elif transaction.set_id == "846":
            tally.advised += 1
        elif reader is None:
            tally.malformed.append(
                f"interchange {interchange.control_number}: a {transaction.set_id} is not expected here"
            )
        else:
            text = "~".join("*".join(segment) for segment in transaction.segments)
            digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
            tally.documents.extend(reader(transaction, interchange.control_number, moment, digest))


def _acknowledgement(transaction: x12.Transaction, interchange: str, moment: int, digest: str) -> list[Seen]:
    bak = transaction.first("BAK")
    lines: dict[str, Decimal] = {}
    prices: dict[str, str] = {}
    line = ""
    for segment in transaction.segments:
        if segment[0] == "PO1":
            line = element(segment, 1)
            prices[line] = element(segment, 4)
        elif segment[0] == "ACK" and element(segment, 1) in _ACCEPTING:
            lines[line] = lines.get(line, Decimal(0)) + Decimal(element(segment, 2) or "0")
    return [
        Seen(
            set_id="855",
            interchange=interchange,
            number=element(bak, 8) or element(bak, 3),
            purchase_order=element(bak, 3),
            moment=moment,
            status=element(bak, 2),
            digest=digest,
            lines=_text(lines),
            prices=prices,
        )
    ]


_ACCEPTING = frozenset({"AA", "AC", "BP", "DR", "IA", "IC", "IP", "IQ", "IS"})


def _ship_notice(transaction: x12.Transaction, interchange: str, moment: int, digest: str) -> list[Seen]:
    """One entry for each order in the shipment. A carton belongs to the order whose HL is above it; an SN1 to the line
    of the LIN before it."""
    shipment = element(transaction.first("BSN"), 2)
    found: list[Seen] = []
    totals: list[dict[str, Decimal]] = []
    line = ""
    for segment in transaction.segments:
        match segment[0]:
            case "PRF":
                totals.append({})
                found.append(
                    Seen(
                        set_id="856",
                        interchange=interchange,
                        number=shipment,
                        purchase_order=element(segment, 1),
                        moment=moment,
                        shipment=shipment,
                        digest=digest,
                    )
                )
            case "LIN":
                line = element(segment, 1)
            case "SN1" if found:
                at = element(segment, 1) or line
                totals[-1][at] = totals[-1].get(at, Decimal(0)) + Decimal(element(segment, 2) or "0")
            case "MAN" if found:
                found[-1].cartons.append(element(segment, 2))
            case _:
                pass
    for seen, lines in zip(found, totals, strict=True):
        seen.lines = _text(lines)
    return found


def _invoice(transaction: x12.Transaction, interchange: str, moment: int, digest: str) -> list[Seen]:
    big = transaction.first("BIG")
    lines: dict[str, Decimal] = {}
    prices: dict[str, str] = {}
    shipment = ""
    for segment in transaction.segments:
        if segment[0] == "IT1":
            line = element(segment, 1)
            lines[line] = lines.get(line, Decimal(0)) + Decimal(element(segment, 2) or "0")
            prices[line] = element(segment, 4)
        elif segment[0] == "REF" and element(segment, 1) in ("SI", "2I", "MA"):
            shipment = element(segment, 2)
    return [
        Seen(
            set_id="810",
            interchange=interchange,
            number=element(big, 2),
            purchase_order=element(big, 4),
            moment=moment,
            shipment=shipment,
            digest=digest,
            lines=_text(lines),
            prices=prices,
            total=element(transaction.first("TDS"), 1),
        )
    ]


def note_early_invoices(tally: RetailerTally) -> None:
    """Find invoices written before the first ship notice of their order. Files of the same moment count as in order."""
    noticed: dict[str, int] = {}
    for seen in tally.documents:
        if seen.set_id == "856":
            noticed[seen.purchase_order] = min(seen.moment, noticed.get(seen.purchase_order, seen.moment))
    tally.early_invoices = [
        seen.number
        for seen in tally.documents
        if seen.set_id == "810" and seen.moment < noticed.get(seen.purchase_order, seen.moment + 1)
    ]


def _text(lines: dict[str, Decimal]) -> dict[str, str]:
    return {line: str(quantity) for line, quantity in lines.items()}


_READERS = {"855": _acknowledgement, "856": _ship_notice, "810": _invoice}


def subject(transaction: x12.Transaction) -> str:
    """The purchase order that a document speaks of (the first one), empty for others."""
    match transaction.set_id:
        case "855":
            return element(transaction.first("BAK"), 3)
        case "856":
            return element(transaction.first("PRF"), 1)
        case "810":
            return element(transaction.first("BIG"), 4)
        case _:
            return ""
