"""Receive: what a source shows is stored before the source is told that we have it. Nothing is looked into."""

from collections.abc import Callable
from datetime import datetime

from crossdock.ports.inbound import Source
from crossdock.ports.log import Inbox


async def receive(source: Source, inbox: Inbox, clock: Callable[[], datetime], stored: Callable[[], None]) -> None:
    """Takes in batches from `source` until it is closed. `stored` is called after each batch that is safe with us.

    A crash between storing and keeping shows the batch again; the inbox knows it by its source's id.
    """
    async for batch in source.arrivals():
        await inbox.keep(batch, clock())
        await source.keep(batch)
        stored()
