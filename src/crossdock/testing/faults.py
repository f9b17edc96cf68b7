"""What the counterparties do wrong on purpose, declared as data.

Whether a fault strikes is decided by hashing the seed, the fault's name and a business reference, never by the order or
the moment of calls: the same seed strikes the same references however the run is timed. Only windows (storms and
outages) go by the clock or by the number of calls, because that is what an outage is.
"""

import hashlib
from typing import Literal

import msgspec

Share = float | tuple[str, ...]
"""How many are struck: a share from 0 to 1 of all references, or the references themselves by name."""


def chance(seed: int, fault: str, reference: str) -> float:
    """A number in [0, 1), evenly spread over references and always the same for the same three arguments."""
    digest = hashlib.blake2b(f"{seed}/{fault}/{reference}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def strikes(seed: int, fault: str, share: Share, reference: str, *names: str) -> bool:
    """True if `fault` strikes `reference`. `names` are further names of the same thing by which a list may mean it."""
    if isinstance(share, tuple):
        return reference in share or any(name in share for name in names)
    return share > 0 and chance(seed, fault, reference) < share


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common base: frozen, and an unknown field is an error, so that a misspelt fault is not silently absent."""


class Window(Declared, frozen=True):
    """From `start` up to, not including, `end`: seconds since `since`, or calls counted from 1.

    `first-call` starts the clock with the first request received, so that a demo's outage falls into its traffic.
    """

    start: float
    end: float
    measure: Literal["seconds", "calls"] = "seconds"
    since: Literal["start", "first-call"] = "start"

    def holds(self, seconds: float, seconds_since_first_call: float | None, call: int) -> bool:
        """Whether we are inside; `call` is the number of the call at hand."""
        if self.measure == "calls":
            return self.start <= call < self.end
        at = seconds if self.since == "start" else seconds_since_first_call
        return at is not None and self.start <= at < self.end


class RetailerFaults(Declared, frozen=True):
    """By purchase order number; the acknowledgement faults by the first business number in the group that they answer.

    doubled_interchange: the same bytes again under another file name. doubled_document: the same order again under a
    new control number. reordered: the file is held back until `reordered_by` later ones have been dropped.
    changed: an 860 that changes the first line's quantity; cancelled: an 860 that cancels; both `change_after_seconds`
    after the order.
    unknown_item: the first line names an item that nobody sells. price_off: the first line's price is off by
    `price_off_percent`.
    """

    doubled_interchange: Share = 0.0
    doubled_document: Share = 0.0
    doubled_after_seconds: float = 0.3
    reordered: Share = 0.0
    reordered_by: int = 3
    late_997: Share = 0.0
    late_997_seconds: float = 5.0
    withheld_997: Share = 0.0
    changed: Share = 0.0
    cancelled: Share = 0.0
    change_after_seconds: float = 0.5
    unknown_item: Share = 0.0
    price_off: Share = 0.0
    price_off_percent: float = 10.0


class WarehouseFaults(Declared, frozen=True):
    """By the customer's purchase order number (W05-03) or our order number (W05-02); a later release of the same order
    by `PO/n`.

    short, over, substituted, partial: in this order of precedence, on an order's first release. partial sends two
    confirmations.
    lost: confirmed only after `lost_seconds`, or never (None). late: `late_seconds` late. unknown_order: one more
    confirmation, for an order that nobody placed. rejected: the 997 rejects the 940, once; sent again it is taken.
    shipped_already: a cancellation finds that the goods have left, and is answered with the ship confirmation.
    """

    short: Share = 0.0
    short_by: int = 1
    over: Share = 0.0
    over_by: int = 1
    substituted: Share = 0.0
    partial: Share = 0.0
    partial_after_seconds: float = 1.0
    doubled_interchange: Share = 0.0
    doubled_document: Share = 0.0
    doubled_after_seconds: float = 0.3
    reordered: Share = 0.0
    reordered_by: int = 3
    lost: Share = 0.0
    lost_seconds: float | None = None
    late: Share = 0.0
    late_seconds: float = 5.0
    unknown_order: Share = 0.0
    rejected: Share = 0.0
    shipped_already: Share = 0.0
    withheld_997: Share = 0.0
    late_997: Share = 0.0
    late_997_seconds: float = 5.0


class ErpFaults(Declared, frozen=True):
    """Windows by clock or calls; shares by `reference`, lists also by order, customer or purchase order.

    storms: 429 with Retry-After `retry_after_seconds`. soft_outages: 503. hard_outages: not listening, open
    connections reset (seconds only).
    committed_500, committed_cut: the record is made, then the first answer is a 500, or the connection is reset
    without an answer.
    declined: credit. refused: the sales order is answered with 422, always. doubled_webhook: each event is sent twice.
    held: the order is announced as held and, `held_seconds` later, as released (needs `webhook_url`).
    """

    storms: tuple[Window, ...] = ()
    retry_after_seconds: int = 1
    soft_outages: tuple[Window, ...] = ()
    hard_outages: tuple[Window, ...] = ()
    committed_500: Share = 0.0
    committed_cut: Share = 0.0
    slow: Share = 0.0
    slow_seconds: float = 2.0
    declined: Share = 0.0
    refused: Share = 0.0
    held: Share = 0.0
    held_seconds: float = 1.0
    doubled_webhook: bool = False


class TaxFaults(Declared, frozen=True):
    """As `ErpFaults`: storms are 429, soft_outages 503, hard_outages refused connections; slow by `reference`."""

    storms: tuple[Window, ...] = ()
    retry_after_seconds: int = 1
    soft_outages: tuple[Window, ...] = ()
    hard_outages: tuple[Window, ...] = ()
    slow: Share = 0.0
    slow_seconds: float = 2.0
