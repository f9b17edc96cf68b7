"""Resubmit: somebody mends a held message. The edit is a message of its own that points to the original, whose bytes stay as they came; the log says who did it and why. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crossdock.facts import Fact
from crossdock.facts.interchange import MessageReplaced


def replaced(
    original: Mapping[str, Any], keys: Sequence[str], number: int, who: str, reason: str, now: datetime
) -> list[Fact]:
    """The facts that message `number` stands in the place of `original`, one for each key under which it was held: they close what was open about it."""
    data = MessageReplaced(channel=original["channel"], by=number, who=who, reason=reason)
    return [
        Fact(
            key=key,
            data=data,
            source="crossdock",
            source_id=f"{key}/replaced/{number}",
            occurred_at=now,
            message=original["id"],
        )
        for key in (keys or (f"MSG-{original['id']}",))
    ]
