"""Webhooks to us: `WebhookReceiver` listens for all channels of a process, a `WebhookSource` per channel checks
signatures and answers 2xx only for what
has been kept. What the bytes mean is the reader's business."""

from crossdock.connectors.webhook.receiver import WebhookReceiver
from crossdock.connectors.webhook.source import WebhookSource
from crossdock.connectors.webhook.spec import WebhookSpec, webhook_spec

__all__ = ["WebhookReceiver", "WebhookSource", "WebhookSpec", "webhook_spec"]
