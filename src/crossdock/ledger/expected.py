"""What is expected to come, by the day on which it counts. A receipt that is overdue counts from today, or by rule not at all when it is overdue too long."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from crossdock.ledger.demand import ExpectedReceipt


def open_quantity(receipt: ExpectedReceipt) -> Decimal:
    """What is still to come of it: never less than nothing, and nothing once it is closed."""
    if receipt.closed:
        return Decimal(0)
    return max(receipt.quantity - receipt.received, Decimal(0))


def arrivals(
    receipts: Iterable[ExpectedReceipt], today: date, *, overdue_days: int | None = None
) -> Iterator[tuple[int, Decimal, ExpectedReceipt]]:
    """Each receipt of which something is still to come: days from today, how many, and the receipt.

    overdue_days: one that is overdue by more days is not believed in any more; None: always believed in.
    """
    for receipt in receipts:
        if receipt.closed:
            continue
        quantity = receipt.quantity - receipt.received
        if quantity <= 0:
            continue
        days = (receipt.due_on - today).days
        if days < 0:
            if overdue_days is not None and -days > overdue_days:
                continue
            days = 0
        yield days, quantity, receipt
