"""Which exceptions a person may decide, and what accepting or declining each means. All others close by their cause alone: mend it, have it tried again, or cancel.

The troubles themselves are in `troubles`, and what a decision changes in the rooms that ask for it (`counters.decision`).
"""

from collections.abc import Mapping

ACCEPTED: Mapping[str, str] = {
    "price-mismatch": "the customer's price is taken",
    "total-mismatch": "it passes",
    "credit-declined": "the order is taken all the same",
    "order-conflict": "what was received first holds",
    "change-conflict": "the change that was received first holds",
    "change-after-release": "the release is taken back and the change applied",
    "unknown-line": "it passes",
    "past-cancel-date": "the order is shipped all the same",
    "over-shipped": "all that was shipped is billed",
    "substituted-not-allowed": "the substitute is billed",
    "shipped-after-cancel": "what was shipped is billed",
    "shipped-unreleased": "it is billed, and more may be released",
    "short-shipped": "the rest is released",
    "pack-mismatch": "the ship notice goes out as it is",
    "shipment-conflict": "what was said first, or replaced last, holds",
    "rejected-by-partner": "it passes",
    "refused-by-warehouse": "the release is given up, and released anew",
}
"""What accepting means, by cause."""

DECLINED: Mapping[str, str] = {
    "change-after-release": "the order stays as it was released",
    "over-shipped": "no more than was ordered is billed",
    "substituted-not-allowed": "the substitute is not billed",
    "shipped-after-cancel": "it is not billed",
}
"""What declining means, by cause."""


def choices(cause: str, subject: str = "") -> dict[str, str]:
    """What may be decided of an exception, `accept` and `decline`, with what each means; empty where facts alone close it."""
    if cause == "refused-by-warehouse" and "/confirm-shipment/" not in subject:
        # A release or a cancellation that was refused as a document can only be tried again.
        return {}
    found = {"accept": ACCEPTED.get(cause), "decline": DECLINED.get(cause)}
    return {name: meaning for name, meaning in found.items() if meaning is not None}
