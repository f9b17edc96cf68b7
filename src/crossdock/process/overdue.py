"""Clocks that ran out: the one trouble that time alone brings, the same for every process."""

from collections.abc import Iterable
from datetime import datetime

from crossdock.process.obligation import Obligation, Status, Trouble


def overdue(key: str, obligations: Iterable[Obligation], now: datetime) -> list[Trouble]:
    """One for each open obligation whose clock ran out; a refused one has its own trouble."""
    found = []
    for o in obligations:
        if o.due_at is not None and o.due_at <= now and o.status in (Status.BLOCKED, Status.READY, Status.WAITING):
            what = o.id[len(key) + 1 :]
            who = f"{o.debtor} owes it to {o.creditor}"
            detail = f"{what} was due {o.due_at:%Y-%m-%d %H:%M}, {who}"
            action = (
                f"ask {o.debtor}" if o.debtor != "us" else "see what blocks it" if o.blocked_by else "see its delivery"
            )
            found.append(Trouble(f"{key}/overdue/{what}", "overdue", detail, action, o.id, (o.id,), o.amount))
    return found
