"""The flow on a real PostgreSQL with a clock that tests move, systems that say what a test tells them to, and a writer whose bytes a person can read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from play import AGREEMENT, START, order

from crossdock.facts import Fact
from crossdock.facts.order import CreditAnswered, DocumentSent
from crossdock.flow.dispatch import Dispatch
from crossdock.flow.fold import fold_once, wake_once
from crossdock.flow.rebuild import Difference, compare, evolve_all
from crossdock.policy import Agreement
from crossdock.ports.outbound import Absent, Accepted, Delivery, Outcome, Pace, Transmission
from crossdock.ports.translation import Composition, ControlNumbers
from crossdock.run.pacing import SystemPacing
from crossdock.store.audit import audit
from crossdock.store.database import Database
from crossdock.store.inbox import MessageInbox
from crossdock.store.log import FactLog
from crossdock.store.outbox import DeliveryOutbox

TABLES = (
    "facts, processes, obligations, exceptions, exception_intervals, names, deliveries, attempts, "
    "messages, identities, unmatched, transmitted, control_numbers, system_health"
)
ANSWERED = Accepted({"approved": False}, "200")
"""The answer to a credit check after which an order calls for nothing more."""

Row = dict[str, Any]


class Hub:
    """One database, its rooms, and the time."""

    def __init__(self, database: Database, agreement: Agreement = AGREEMENT) -> None:
        self.database, self.agreement, self.now = database, agreement, START
        self.log, self.inbox, self.outbox = FactLog(database), MessageInbox(database), DeliveryOutbox(database)
        self._told = 0

    def agreements(self, partner: str, version: int) -> Agreement | None:
        """The one agreement there is."""
        return self.agreement

    def wait(self, **by: float) -> None:
        """Time passes."""
        self.now += timedelta(**by)

    # --- facts and folds ---

    def fact(self, data: Any, key: str = "SO-1001") -> Fact:
        """A fact told a moment after the one before."""
        self._told += 1
        at = self.now + timedelta(milliseconds=self._told)
        return Fact(key=key, data=data, source="test", source_id=f"{key}/{self._told}", occurred_at=at)

    async def tell(self, *data: Any, key: str = "SO-1001") -> None:
        """Records and folds."""
        await self.log.record([self.fact(d, key) for d in data], self.now)
        await self.fold()

    async def fold(self, lanes: int = 16, per_lane: int = 500) -> None:
        """Folds until nothing is ahead."""
        while await fold_once(self.log, self.agreements, self.now, lanes, per_lane):
            pass

    async def wake(self) -> int:
        """Wakes whose clock ran out."""
        return await wake_once(self.log, self.agreements, self.now)

    async def orders(self, *keys: str) -> list[str]:
        """Orders that each call for one thing first, a credit check by the ERP; gives the deliveries' ids."""
        await self.log.record([self.fact(order(purchase_order=key), key) for key in keys], self.now)
        await self.fold()
        return [f"{key}/credit-check" for key in keys]

    async def differences(self) -> list[Difference]:
        """What `rebuild` finds."""
        found: list[Difference] = []
        for lane in range(self.database.lanes):
            async with audit(self.database, lane) as held:
                found.extend(compare(await evolve_all(held.pages()), await held.standing(), self.agreements))
        return found

    # --- the tables ---

    async def rows(self, query: str, *arguments: Any) -> list[Row]:
        """What stands in the database."""
        async with self.database.pool.acquire() as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]

    async def do(self, statement: str, *arguments: Any) -> None:
        """Does something to the database that no room would do."""
        async with self.database.pool.acquire() as connection:
            await connection.execute(statement, *arguments)

    async def delivery(self, id_: str) -> Row:
        """One delivery."""
        (row,) = await self.rows("SELECT * FROM deliveries WHERE id = $1", id_)
        return row

    async def statuses(self) -> dict[str, str]:
        """Every delivery's status, by id."""
        return {row["id"]: row["status"] for row in await self.rows("SELECT id, status FROM deliveries")}

    async def obligation(self, id_: str) -> str:
        """An obligation's status."""
        (row,) = await self.rows("SELECT status FROM obligations WHERE id = $1", id_)
        return str(row["status"])

    async def open_exceptions(self) -> set[str]:
        """Ids of the exceptions that stand open."""
        return {row["id"] for row in await self.rows("SELECT id FROM exceptions WHERE closed_at IS NULL")}

    async def facts_of_type(self, type_: str) -> list[Row]:
        """Facts of a type in the log."""
        return await self.rows("SELECT * FROM facts WHERE type = $1 ORDER BY lane, position", type_)

    async def forget(self) -> None:
        """An empty database again."""
        await self.do(f"TRUNCATE {TABLES} RESTART IDENTITY")
        await self.do("UPDATE lanes SET head = 0")
        await self.do("UPDATE cursors SET position = 0")

    # --- sending ---

    def seconds(self) -> float:
        """The time as a monotonic clock would have it."""
        return (self.now - START).total_seconds()

    def dispatch(self, sink: "ScriptedSink", writer: "PlainWriter | None" = None, **pace: Any) -> Dispatch:
        """A dispatcher to `sink`. Waits are 1, 2, 4 ... seconds unless told."""
        paced = Pace(**{"first_retry_seconds": 1, "jitter": 0, **pace})
        pacing = SystemPacing(paced, lambda: 0.0, self.seconds())
        return Dispatch(
            sink,
            writer or PlainWriter(sink.system),
            self.outbox,
            paced,
            pacing,
            lambda: self.now,
            self.seconds,
            lambda: None,
            lambda: None,
        )

    async def work(self, *dispatches: Dispatch) -> None:
        """What can be done now is done and settled, and folded."""
        for dispatch in dispatches:
            while await dispatch.step():
                await dispatch.drain()
            await dispatch.drain()
        await self.fold()


Said = Outcome | Absent | Exception
Script = Sequence[Said] | Callable[[Transmission], Said | Awaitable[Said]]


class ScriptedSink:
    """A system that says what it is told to, and remembers what it was sent and asked. At the end of a script it takes everything, and has what it was sent."""

    def __init__(self, system: str = "erp", sends: Script = (), look_ups: Script = ()) -> None:
        self.system = system
        self._sends, self._look_ups = _said(sends), _said(look_ups)
        self.sent: list[Transmission] = []
        self.asked: list[Transmission] = []
        self.closed = False

    @property
    def names(self) -> list[str]:
        """Names of the transmissions that it was sent."""
        return [transmission.name for transmission in self.sent]

    @property
    def deliveries(self) -> list[str]:
        """Deliveries that it was sent, each as often as it was."""
        return [id_ for transmission in self.sent for id_ in transmission.deliveries]

    async def send(self, transmission: Transmission) -> Outcome:
        self.sent.append(transmission)
        said = await _next(self._sends, transmission)
        assert not isinstance(said, Absent)
        return said

    async def look_up(self, transmission: Transmission) -> Any:
        self.asked.append(transmission)
        return await _next(self._look_ups, transmission)

    async def close(self) -> None:
        self.closed = True


def _said(script: Script) -> Any:
    return script if callable(script) else list(script)


async def _next(script: Any, transmission: Transmission) -> Outcome | Absent:
    said = script(transmission) if callable(script) else script.pop(0) if script else ANSWERED
    if isinstance(said, Awaitable):
        said = await said
    if isinstance(said, Exception):
        raise said
    return said


class PlainWriter:
    """Deliveries in transmissions of `batch`, each under a control number; `named` gives a request's name instead, which a retry has again."""

    def __init__(self, system: str, batch: int = 1, unwritable: Mapping[str, str] | None = None, named: bool = False):
        self._system, self._batch, self._named = system, batch, named
        self.unwritable = unwritable or {}

    def needs(self, deliveries: Sequence[Delivery]) -> Mapping[tuple[str, str], int]:
        return {(self._system, "interchange"): len(deliveries)}

    def compose(self, deliveries: Sequence[Delivery], numbers: ControlNumbers, now: datetime) -> Composition:
        writable = [d.id for d in deliveries if d.id not in self.unwritable]
        made = []
        for at in range(0, len(writable), self._batch):
            ids = tuple(writable[at : at + self._batch])
            number = f"{numbers.next(self._system, 'interchange'):09d}"
            control = {id_: f"{number}/CR/1/{place:04d}" for place, id_ in enumerate(ids, 1)}
            name = ids[0] if self._named else f"{self._system}-{number}"
            made.append(Transmission(name=name, data="\n".join(ids).encode(), deliveries=ids, control=control))
        reasons = tuple((d.id, self.unwritable[d.id]) for d in deliveries if d.id in self.unwritable)
        return Composition(transmissions=tuple(made), unwritable=reasons)

    def settle(self, delivery: Delivery, control: str, answer: Mapping[str, Any]) -> Any:
        if delivery.document != "credit-check":
            return DocumentSent(obligation=delivery.id, document=delivery.document, control=control)
        try:
            return CreditAnswered(obligation=delivery.id, approved=msgspec.convert(answer["approved"], bool))
        except KeyError:
            raise ValueError("the answer does not say whether credit is approved") from None
