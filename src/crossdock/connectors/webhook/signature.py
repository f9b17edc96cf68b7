"""Is this body from who shares the secret with us, and fresh? Signatures over the raw bytes, compared in constant time.
Pure: the time is an argument.

Sources: Standard Webhooks 1.0 (signature scheme, symmetric); the HMAC-SHA256 header that GitHub, Shopify and many
others send.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence


class BadSignature(ValueError):
    """Not to be trusted. The text tells the sender what to mend, and holds neither secret nor the right signature."""


def signing_key(secret: str) -> bytes:
    """The key in a secret: base64 after `whsec_`, else the text itself. Raises ValueError when it is empty or no
    base64."""
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("the webhook secret is no base64 after whsec_") from None
    else:
        key = secret.encode()
    if not key:
        raise ValueError("the webhook secret is empty: anybody could sign")
    return key


def standard_signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 over "id.timestamp.body"."""
    return "v1," + base64.b64encode(_mac(key, f"{id}.{timestamp}.".encode() + body)).decode()


def check_standard(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_seconds: float, tolerance_seconds: float
) -> str:
    """The message's id. `headers` by lower-case name; any one of the v1 signatures made with any one of `keys` will do.
    Raises BadSignature."""
    id, timestamp, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not id or not timestamp or not given:
        raise BadSignature("webhook-id, webhook-timestamp and webhook-signature are needed")
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise BadSignature("webhook-timestamp is not in whole seconds since 1970")
    if abs(now_seconds - int(timestamp)) > tolerance_seconds:
        raise BadSignature(f"webhook-timestamp is more than {tolerance_seconds:g} s from our time")
    expected = [standard_signature(key, id, timestamp, body) for key in keys]
    # Several, separated by blanks: the sender changes its secret. Other versions (v1a is asymmetric) are passed over.
    if not _any_equal(given.split(" "), expected):
        raise BadSignature("no v1 signature in webhook-signature is right")
    return id


def check_plain(
    keys: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    header: str,
    prefix: str,
    encoding: str,
    id_header: str,
) -> str:
    """The message's id: of `id_header` where one is declared, else the body's digest. Raises BadSignature."""
    given = headers.get(header.lower(), "")
    if not given.startswith(prefix) or given == prefix:
        raise BadSignature(f"{header} is missing or does not start with {prefix!r}")
    macs = [_mac(key, body) for key in keys]
    written = [mac.hex() if encoding == "hex" else base64.b64encode(mac).decode() for mac in macs]
    text = given.removeprefix(prefix)
    if not _any_equal([text.lower() if encoding == "hex" else text], written):
        raise BadSignature(f"the signature in {header} is not right")
    if not id_header:
        return "sha256:" + hashlib.sha256(body).hexdigest()
    id = headers.get(id_header.lower(), "")
    if not id:
        raise BadSignature(f"{id_header} is missing")
    return id


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _any_equal(given: Sequence[str], expected: Sequence[str]) -> bool:
    # Every pair is compared, so that the time taken does not tell which one was near.
    return sum(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected) > 0
