"""Facts about stock on which our books and another system's do not agree: found, gone, left alone for a while, mended. Quantities are in our stock unit."""

from datetime import datetime
from decimal import Decimal

from crossdock.facts.told import Told


class VarianceFound(Told, frozen=True, kw_only=True, tag="variance.found"):
    """A comparison (`run`) found drift at a position, or found it changed. quantity: what `system` has more than we as of `as_of`, less what was in flight; amount: its
    money. cause: missing-message, doubled-adjustment, unit-mix-up, status-mix-up, unknown, with its confidence (0 to 1), why, and the ids of movements, gaps and
    confirmations that it is read from. first_as_of: the first comparison that saw it. also: causes of what was there before it changed."""

    system: str
    run: int
    snapshot: int
    item: str
    site: str
    place: str
    ours: Decimal
    theirs: Decimal
    quantity: Decimal
    cause: str
    as_of: datetime
    first_as_of: datetime
    lot: str = ""
    owner: str = "own"
    confidence: Decimal = Decimal(0)
    detail: str = ""
    evidence: tuple[str, ...] = ()
    amount: Decimal | None = None
    also: tuple[str, ...] = ()


class VarianceGone(Told, frozen=True, kw_only=True, tag="variance.gone"):
    """A comparison found the books to agree again, or what is left to be in flight."""

    run: int
    as_of: datetime


class VarianceIgnored(Told, frozen=True, kw_only=True, tag="variance.ignored"):
    """Somebody decided to leave a difference of `quantity` alone until a moment. Another quantity is another difference, and is not ignored."""

    who: str
    reason: str
    until: datetime
    quantity: Decimal


class RepairApproved(Told, frozen=True, kw_only=True, tag="variance.repair-approved"):
    """Somebody answers for an adjustment of our books by `quantity`, as the comparison `run` found it."""

    who: str
    reason: str
    run: int
    quantity: Decimal


class VarianceRepaired(Told, frozen=True, kw_only=True, tag="variance.repaired"):
    """Our books were adjusted by `quantity`, by the movement of this id; the next comparison tells whether that was right."""

    run: int
    quantity: Decimal
    movement: str


VarianceFact = VarianceFound | VarianceGone | VarianceIgnored | RepairApproved | VarianceRepaired
