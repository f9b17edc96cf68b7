"""What the other side says of what we sent: its 997s, 999s and TA1s, by our control numbers.

Which obligation a control number belongs to only the store knows; a `Pending` says what to ask it for.
"""

from collections.abc import Sequence
from datetime import datetime

from crossdock.ports.translation import Control, Message, Pending
from crossdock.trade.documents import FunctionalAcknowledgement

TA1_REJECTED = "R"


def functional(acknowledgement: FunctionalAcknowledgement, message: Message, digest: str, at: datetime) -> Pending:
    """The pending answer to one group of ours. Transactions that it names have their own status, the others the
    group's.

    In a group that is accepted in part, those that are not named are accepted: senders of such 997s list only what
    they refuse.
    """
    status = acknowledgement.status
    if status == "partially-accepted":
        status = "accepted"
    return Pending(
        control=Control(
            channel=message.channel,
            functional_id=acknowledgement.functional_group,
            group=unpadded(acknowledgement.group_control_number),
        ),
        status=status,
        errors=acknowledgement.errors,
        source=message.channel,
        source_id=f"997:{acknowledgement.functional_group}:{acknowledgement.group_control_number}:{digest}",
        occurred_at=at,
        message=message.id,
        transactions={
            transaction.control_number.strip().rjust(4, "0"): (transaction.status, transaction.errors)
            for transaction in acknowledgement.transactions
        },
    )


def interchange(services: Sequence[Sequence[str]], message: Message, at: datetime) -> list[Pending]:
    """The pending answers to whole interchanges of ours that TA1s refuse.

    A TA1 that accepts says that the envelope could be read, and nothing about what is in it: the 997 is owed as before.
    """
    found = []
    for ta1 in services:
        number, day, time, status, note = (*ta1[1:6], "", "", "", "", "")[:5]
        if status == TA1_REJECTED:
            found.append(
                Pending(
                    control=Control(channel=message.channel, interchange=number.strip().rjust(9, "0")),
                    status="rejected",
                    errors=(f"TA1: the interchange is refused, note {note or 'not given'}",),
                    source=message.channel,
                    source_id=f"TA1:{number}:{day}{time}:{status}:{note}",
                    occurred_at=at,
                    message=message.id,
                )
            )
    return found


def unpadded(number: str) -> str:
    """A group control number as we write it: it is a number, and partners echo it with or without its leading zeros."""
    return number.strip().lstrip("0") or "0"
