"""Decide: what a person said of an exception that facts alone cannot close, as a fact. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crossdock.facts import Fact
from crossdock.facts.order import ExceptionDecided, PriceApproved


def decided(exception: Mapping[str, Any], accept: bool, who: str, reason: str, now: datetime) -> Fact:
    """The fact that tells it: accepting a price is approving it, everything else is said of the exception by its id. `exception`: id, key, cause and subject as they stand."""
    data: Any = ExceptionDecided(trouble=exception["id"], accept=accept, who=who, reason=reason)
    if exception["cause"] == "price-mismatch" and accept:
        data = PriceApproved(who=who, lines=(exception["subject"],), reason=reason)
    return Fact(
        key=exception["key"],
        data=data,
        source="crossdock",
        source_id=f"{exception['id']}/decided/{now.isoformat()}",
        occurred_at=now,
    )
