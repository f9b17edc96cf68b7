"""Signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA256 over "id.timestamp.body", base64, by a secret that begins with whsec_. While a secret is being
replaced, both sign. Pure: randomness and time are arguments.

Source: Standard Webhooks specification 1.0, "Signature scheme" and "Rotating secrets".
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from crossdock.events.event import CONTENT_TYPE

SECRET_BYTES = 24
"""How long a secret is; the standard asks for 24 to 64 bytes."""


def secret_of(random: bytes) -> str:
    """A secret made of at least SECRET_BYTES random bytes. Raises ValueError when there are fewer."""
    if len(random) < SECRET_BYTES:
        raise ValueError(f"a secret needs {SECRET_BYTES} random bytes")
    return "whsec_" + base64.b64encode(random).decode()


def message_id(event_id: str) -> str:
    """The `webhook-id` of an event: the same at every attempt, and without the full stop that separates what is signed."""
    return "evt_" + hashlib.blake2b(event_id.encode(), digest_size=16).hexdigest()


def headers(event_id: str, body: bytes, secrets: Sequence[str], now_seconds: int) -> dict[str, str]:
    """The headers of one attempt to tell an event. secrets: as `secret_of` makes them, the present one first."""
    id_, timestamp = message_id(event_id), str(now_seconds)
    return {
        "Content-Type": CONTENT_TYPE,
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, id_, timestamp, body) for secret in secrets),
    }


def _signature(secret: str, id_: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()
