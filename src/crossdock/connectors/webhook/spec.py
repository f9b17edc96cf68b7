"""The settings of a webhook channel, as the workspace declares them. Where the receiver listens is the process's
setting, not a channel's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from crossdock.connectors.settings import Secret, SettingsError, read


class WebhookSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sender of webhooks, which posts to /hooks/{channel}.

    scheme: "standard-webhooks" (webhook-id, webhook-timestamp, webhook-signature) or "hmac-sha256" (one header with the
    HMAC over the body, as GitHub and Shopify send it).
    secret: the shared one; `whsec_` and base64, or plain text. former_secret: still taken, while the sender changes
    over.
    tolerance_seconds: how old or early the signed timestamp may be: the replay window (standard-webhooks alone has
    one).
    header, prefix, encoding: for hmac-sha256, where the signature stands and how it is written ("X-Hub-Signature-256",
    "sha256=", "hex").
    id_header: for hmac-sha256, the header with the message's id. It is not signed, so whoever replays a body can change
    it: without it the body's digest is the id, which no replay escapes.
    body_bytes: longest body. answer_seconds: how long the sender waits for us to keep a message before it gets a 503.
    waiting: messages that may wait at once.
    batch: messages that are shown at once.
    """

    secret: Secret
    former_secret: Secret | None = None
    scheme: Literal["standard-webhooks", "hmac-sha256"] = "standard-webhooks"
    tolerance_seconds: float = 300
    header: str = "X-Hub-Signature-256"
    prefix: str = "sha256="
    encoding: Literal["hex", "base64"] = "hex"
    id_header: str = ""
    body_bytes: int = 1_000_000
    answer_seconds: float = 10
    waiting: int = 1000
    batch: int = 200


def webhook_spec(settings: Mapping[str, Any], base: Path, where: str = "settings") -> WebhookSpec:
    """The settings. Raises SettingsError."""
    spec = read(settings, WebhookSpec, where)
    for name in ("tolerance_seconds", "body_bytes", "answer_seconds", "waiting", "batch"):
        if getattr(spec, name) <= 0:
            raise SettingsError(f"{where}.{name}: must be above 0")
    if spec.scheme == "hmac-sha256" and not spec.header:
        raise SettingsError(f"{where}.header: hmac-sha256 needs the name of the header with the signature")
    return spec
