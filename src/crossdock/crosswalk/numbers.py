"""Numbers that we make out of theirs, the same for the same words for ever: our order's number, the keys of
interchanges and messages.

A number that travels must fit X12 element 324 (purchase order number, at most 22 characters), which carries our
order number to the warehouse as depositor order number.
"""

import re
from base64 import b32encode
from hashlib import blake2b

ORDER_NUMBER_LENGTH = 22
_HASH_LENGTH = 8
_plain = re.compile(r"[A-Z0-9-]{1,22}").fullmatch
_odd = re.compile(r"[^A-Z0-9-]")
_odd_or_hyphen = re.compile(r"[^A-Z0-9]")

MESSAGE_PREFIXES = ("IN-", "MSG-")
"""How the keys of interchanges and messages begin, and no order's number does."""

STOCK_PREFIXES = ("FEED-", "SOURCE-", "VARIANCE-", "RECEIPT-")
"""How the keys of stock's processes begin: a channel's feed, a source's freshness, a difference of the books, an expected receipt."""


def digest(*words: str, characters: int = _HASH_LENGTH) -> str:
    """`characters` of A-Z and 2-7 that stand for `words`; at 8, one in 10**12 for two given lists of words to meet."""
    hashed = blake2b("\x1f".join(words).encode(), digest_size=20).digest()
    return b32encode(hashed)[:characters].decode()


def order_number(partner: str, purchase_order: str, release: str = "") -> str:
    """Our number of the order that `partner` calls `purchase_order` (and `release`, of a blanket order).

    "acme", "PO100001" give ACME-PO100001. Where that is longer than 22 characters or loses anything of the words
    (lower case in the order's number, other characters), its tail is a hash of them instead. A partner id with a
    hyphen has the hash too: a-b/c and a/b-c are not one order.
    """
    purchase_order, release = purchase_order.strip(), release.strip()
    number = f"{partner.upper()}-{purchase_order}"
    reserved = number.startswith((*MESSAGE_PREFIXES, *STOCK_PREFIXES))
    if _plain(number) and "-" not in partner and not release and not reserved:
        return number
    odd = _odd_or_hyphen if reserved else _odd
    kept = odd.sub("", number.upper())[: ORDER_NUMBER_LENGTH - _HASH_LENGTH - 1].rstrip("-")
    return f"{kept}-{digest(partner, purchase_order, release)}"


def interchange_key(partner: str, control_number: str, *identity: str) -> str:
    """The process key of an interchange that came in. `identity` is what makes it one: ISA05 to ISA08 and its date
    and time.
    """
    return f"IN-{partner}-{control_number}-{digest(*identity)}"


def message_key(message: int, *controls: str) -> str:
    """The process key of a message that is held, or of the one transaction in it that `controls` (interchange,
    group, transaction) name.
    """
    return "-".join(["MSG", str(message), *controls])
