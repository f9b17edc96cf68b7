"""One channel of webhooks as a source: the sender is answered 2xx only once its message has been kept, so what we lose
it sends again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime

from crossdock.connectors.settings import Secrets
from crossdock.connectors.webhook.signature import check_plain, check_standard, signing_key
from crossdock.connectors.webhook.spec import WebhookSpec
from crossdock.ports.inbound import Arrival
from crossdock.ports.tracing import kept_traceparent

_TOLD_HEADERS = ("user-agent", "webhook-id", "webhook-timestamp")


class NotKept(Exception):
    """The message could not be kept in time, or we are stopping; the sender should send it again."""


class WebhookSource:
    """A `Source`. `accept` is what the receiver calls for each request. `now` is a clock. Raises what `secrets` raises,
    and ValueError for an empty secret."""

    def __init__(
        self,
        channel: str,
        spec: WebhookSpec,
        secrets: Secrets,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._channel = channel
        self.spec = spec
        references = [spec.secret] + ([spec.former_secret] if spec.former_secret else [])
        self._keys = [signing_key(secrets(reference)) for reference in references]
        self._now = now
        self._waiting: dict[asyncio.Future[None], Arrival] = {}
        self._shown: dict[asyncio.Future[None], Arrival] = {}
        self._news = asyncio.Event()
        self._closed = False

    @property
    def channel(self) -> str:
        return self._channel

    def check(self, headers: Mapping[str, str], body: bytes) -> Arrival:
        """The message, if its signature is right. `headers` by lower-case name. Raises BadSignature."""
        now, spec = self._now(), self.spec
        if spec.scheme == "standard-webhooks":
            id = check_standard(self._keys, headers, body, now.timestamp(), spec.tolerance_seconds)
        else:
            id = check_plain(self._keys, headers, body, spec.header, spec.prefix, spec.encoding, spec.id_header)
        return Arrival(
            channel=self._channel,
            source_id=id,
            data=body,
            name=id,
            content_type=headers.get("content-type", ""),
            received_at=now,
            attributes={name: headers[name] for name in _TOLD_HEADERS if name in headers} | kept_traceparent(headers),
        )

    async def accept(self, arrival: Arrival) -> None:
        """Returns when the message has been kept. Raises NotKept when that takes longer than `answer_seconds`, too many
        wait already, or we are closed."""
        if self._closed:
            raise NotKept("we are stopping")
        if len(self._waiting) + len(self._shown) >= self.spec.waiting:
            raise NotKept("too many messages wait to be kept")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[kept] = arrival
        self._news.set()
        try:
            await asyncio.wait_for(kept, self.spec.answer_seconds)
        except TimeoutError:
            raise NotKept(f"the message could not be kept within {self.spec.answer_seconds:g} s") from None
        finally:
            # One that is being stored at this moment may be kept all the same; the next one of its id is then a
            # duplicate.
            self._waiting.pop(kept, None)
            self._shown.pop(kept, None)

    async def arrivals(self) -> AsyncIterator[Sequence[Arrival]]:
        """Batches for ever. A new iteration shows again what is not kept and whose sender still waits."""
        self._waiting = {**self._shown, **self._waiting}
        self._shown = {}
        while not self._closed:
            if not self._waiting:
                self._news.clear()
                await self._news.wait()
                continue
            batch = list(self._waiting.items())[: self.spec.batch]
            for kept, arrival in batch:
                del self._waiting[kept]
                self._shown[kept] = arrival
            yield [arrival for _, arrival in batch]

    async def keep(self, batch: Sequence[Arrival]) -> None:
        """Lets the senders of these go with a 2xx, also those that sent the same message again meanwhile."""
        ids = {arrival.source_id for arrival in batch}
        for place in (self._shown, self._waiting):
            for kept in [kept for kept, arrival in place.items() if arrival.source_id in ids]:
                # At once, not when its sender's task next runs: a new iteration must not show it again.
                del place[kept]
                if not kept.done():
                    kept.set_result(None)

    async def close(self) -> None:
        """Ends `arrivals`; whoever still waits is told to send again."""
        self._closed = True
        self._news.set()
        for kept in [*self._waiting, *self._shown]:
            if not kept.done():
                kept.set_exception(NotKept("we are stopping"))
