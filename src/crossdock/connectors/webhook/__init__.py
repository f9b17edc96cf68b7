"""Webhooks to us: `WebhookReceiver` listens for all channels of a process, a `WebhookSource` per channel checks
signatures and answers 2xx only for what
has been kept. What the bytes mean is the reader's business."""

from typing import TYPE_CHECKING, Any

from crossdock.connectors.webhook.source import WebhookSource
from crossdock.connectors.webhook.spec import WebhookSpec, webhook_spec

if TYPE_CHECKING:
    from crossdock.connectors.webhook.receiver import WebhookReceiver

__all__ = ["WebhookReceiver", "WebhookSource", "WebhookSpec", "webhook_spec"]


def __getattr__(name: str) -> Any:
    # The web server takes half a second to import; a command that listens to nobody need not wait for it.
    if name == "WebhookReceiver":
        from crossdock.connectors.webhook.receiver import WebhookReceiver

        return WebhookReceiver
    raise AttributeError(name)
