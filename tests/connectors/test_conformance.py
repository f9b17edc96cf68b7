"""Every adapter of ours against the suite of its port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from http_server import Reply, Request, ScriptedServer

from crossdock.connectors.folder import FolderSink, FolderSource, folder_spec
from crossdock.connectors.http import HttpSink, http_spec
from crossdock.connectors.json import json_spec
from crossdock.connectors.webhook import WebhookReceiver, WebhookSource, webhook_spec
from crossdock.connectors.webhook.signature import standard_signature
from crossdock.ports.inbound import Source
from crossdock.ports.outbound import Pace, Sink, Transmission
from crossdock.testing.conformance import SinkConformance, SinkFeatures, SourceConformance, SourceFeatures


class FolderInbox:
    def __init__(self, folder: Path, complete: str) -> None:
        self._folder = folder
        table = {"inbound": "to-us", "complete": complete, "quiet_seconds": 0.05, "poll_seconds": 0.01}
        self._spec = folder_spec(table, folder)

    async def open(self) -> Source:
        return FolderSource("acme", self._spec)

    async def put(self, name: str, data: bytes) -> None:
        (self._folder / "to-us").mkdir(exist_ok=True)
        part = self._folder / f"to-us/.{name}.part"
        part.write_bytes(data)
        part.rename(self._folder / "to-us" / name)


class TestFolderSource(SourceConformance):
    @pytest.fixture(autouse=True, params=["rename", "quiet"])
    def _complete(self, request: pytest.FixtureRequest, tmp_path: Path) -> None:
        self.inbox = FolderInbox(tmp_path, request.param)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[FolderInbox]:
        yield self.inbox


class Hooks:
    """A sender that posts what it is told to, and gives up when it is told that we are stopping."""

    def __init__(self) -> None:
        self._receiver: WebhookReceiver | None = None
        self._posting: set[asyncio.Task[None]] = set()
        self.client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=50), timeout=30)

    async def open(self) -> Source:
        await self.stop()
        source = WebhookSource("erp-events", webhook_spec({"secret": {"env": "S"}}, Path()), lambda _: "secret")
        self._receiver = WebhookReceiver([source])
        await self._receiver.start()
        return source

    async def put(self, name: str, data: bytes) -> None:
        task = asyncio.create_task(self._post(name, data))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(self, name: str, data: bytes) -> None:
        assert self._receiver is not None
        stamp = str(int(datetime.now(UTC).timestamp()))
        signature = standard_signature(b"secret", name, stamp, data)
        headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signature}
        response = await self.client.post(f"{self._receiver.url}/erp-events", content=data, headers=headers)
        assert response.status_code in (204, 503)

    async def stop(self) -> None:
        await asyncio.gather(*self._posting)
        if self._receiver is not None:
            await self._receiver.stop()


class TestWebhookSource(SourceConformance):
    features = SourceFeatures(survives=False)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Hooks]:
        hooks = Hooks()
        yield hooks
        await hooks.stop()
        await hooks.client.aclose()


class Outbox:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sink: Sink = FolderSink("acme", folder_spec({"outbound": "from-us", "outbound_work": "work"}, folder))

    def transmission(self, number: int) -> Transmission:
        return Transmission(name=f"810-{number}.edi", data=b"ISA*", deliveries=(f"SO-{number}/invoice",))

    def effects(self, transmission: Transmission) -> int:
        return len(list((self._folder / "from-us").glob(f"{transmission.name}*")))

    async def become_unreachable(self) -> None:
        (self._folder / "work").write_bytes(b"no folder")

    async def lose_answers(self) -> None:
        raise NotImplementedError

    async def refuse(self) -> None:
        self._folder = self._folder / "elsewhere"
        spec = folder_spec({"outbound": "from-us"}, self._folder)
        self.sink = FolderSink("acme", spec)
        (self._folder / "from-us").mkdir(parents=True)
        (self._folder / "from-us/810-1.edi").write_bytes(b"theirs")
        self.effects = lambda _: 0  # type: ignore[method-assign]


class TestFolderSink(SinkConformance):
    features = SinkFeatures(looks_up=True, idempotent=True, loses_answers=False)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.outbox = Outbox(tmp_path)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Outbox]:
        yield self.outbox


class Erp:
    """A counterpart that books each reference as often as it is posted, and can misbehave."""

    def __init__(self, looks_up: bool) -> None:
        self.booked: list[str] = []
        self.mood = ""
        self._looks_up = looks_up

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Erp"]:
        look_up = {"path": "/orders?reference={reference}", "found": "len(items) > 0", "answer": {"number": "items[0]"}}
        order = {"path": "/orders", "answer": {"number": "number"}, **({"look_up": look_up} if self._looks_up else {})}
        async with ScriptedServer(self._answer) as self.server:
            spec, rest = json_spec({"base_url": self.server.url, "documents": {"sales-order": order}})
            pace = Pace(timeout_seconds=5)
            self.sink: Sink = HttpSink("erp", http_spec(rest, Path()), spec.documents, lambda _: "", pace)
            yield self
            await self.sink.close()

    def _answer(self, request: Request) -> Reply:
        if request.method == "GET":
            reference = request.path.partition("=")[2]
            return Reply(200, {"items": [f"E-{each}" for each in self.booked if each == reference]})
        if self.mood == "refuse":
            return Reply(422, {"error": "the customer is blocked"})
        self.booked.append(request.headers["idempotency-key"])
        return Reply(cut=True) if self.mood == "lose" else Reply(201, {"number": f"E-{self.booked[-1]}"})

    def transmission(self, number: int) -> Transmission:
        look_up = {"method": "GET", "path": f"/orders?reference=SO-{number}"} if self._looks_up else None
        request = {"document": "sales-order", "method": "POST", "path": "/orders", "headers": {}, "look_up": look_up}
        return Transmission(name=f"SO-{number}", data=b"{}", deliveries=(f"SO-{number}",), request=request)

    def effects(self, transmission: Transmission) -> int:
        return self.booked.count(transmission.name)

    async def become_unreachable(self) -> None:
        await self.server.__aexit__()

    async def lose_answers(self) -> None:
        self.mood = "lose"

    async def refuse(self) -> None:
        self.mood = "refuse"


class TestHttpSink(SinkConformance):
    features = SinkFeatures(looks_up=True, idempotent=False)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Erp]:
        async with Erp(looks_up=True).open() as erp:
            yield erp


class TestHttpSinkWithoutLookUp(SinkConformance):
    features = SinkFeatures(looks_up=False, idempotent=False)

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[Erp]:
        async with Erp(looks_up=False).open() as erp:
            yield erp
