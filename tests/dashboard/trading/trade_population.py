"""A distributor's last forty days in a database: orders of two customers at every stage, invoices that wait, acknowledgements that are missing, stock that moved.

Drawn from a seed, and told as the log would be: facts in their order, folded under the example workspace's agreements, without its stock policy, so that an order
calls for no promise; stock beside it in books of its own.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from play import Play, order, ordered, shipped  # type: ignore[import-not-found,unused-ignore]

from crossdock.facts import Fact
from crossdock.facts import order as told
from crossdock.flow.fold import fold_once, wake_once
from crossdock.ledger.demand import Demand, ExpectedReceipt
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.policy import Agreement
from crossdock.store.database import Database
from crossdock.store.figures import Figures
from crossdock.store.log import FactLog
from crossdock.store.stock import StockBooks
from crossdock.store.versions import WorkspaceVersions
from crossdock.wiring import AgreementBook

DAYS = 40
ITEMS = ("NW-1001", "NW-1002", "NW-1003", "NW-1004")
SITES = ("RENO", "COLUMBUS")
SOURCES: dict[type, str] = {
    told.ShipmentConfirmed: "quick3pl",
    told.CreditAnswered: "erp",
    told.ErpOrderCreated: "erp",
    told.ShipmentPosted: "erp",
    told.TaxReceived: "tax",
}


async def trade(database: Database, now: datetime, orders: int = 160, seed: int = 4) -> None:
    """Fills the database and counts its figures. Version 1 of the workspace must be in force."""
    book = AgreementBook(WorkspaceVersions(database))
    await book.refresh()

    def agreements(partner: str, version: int) -> Agreement | None:
        found = book(partner, version)
        return replace(found, stock=None) if found is not None else None

    rng = random.Random(seed)
    facts: list[Fact] = []
    for n in range(orders):
        partner = rng.choice(("acme", "acme", "blue"))
        agreement = agreements(partner, 1)
        assert agreement is not None
        begin = now - timedelta(days=DAYS * (1 - n / orders) + 0.02, hours=rng.random() * 3)
        facts += [f for f in _story(n, partner, agreement, begin, now, rng) if f.occurred_at <= now]
    facts.sort(key=lambda f: f.occurred_at)
    log = FactLog(database)
    for at in range(0, len(facts), 25):
        batch = facts[at : at + 25]
        recorded = min(now, batch[-1].occurred_at + timedelta(seconds=rng.lognormvariate(2, 1)))
        await log.record(batch, recorded)
        while await fold_once(log, agreements, recorded, 32, 500):
            pass
    await wake_once(log, agreements, now, 5000)
    await _settled(database)
    await _messages(database, now, rng)
    await stock(database, now)
    await Figures(database).catch_up(120)


def _story(
    n: int, partner: str, agreement: Agreement, begin: datetime, now: datetime, rng: random.Random
) -> list[Fact]:
    key = f"SO-{20001 + n}"
    play = Play(agreement, key)
    play.now = begin
    site = rng.choice(SITES)
    dear = {"agreed": "2.40"} if rng.random() < 0.08 else {}
    lines = [
        ordered(str(i + 1), rng.choice((6, 12, 24, 48)), "2.50", item=item, **dear)
        for i, item in enumerate(rng.sample(ITEMS, rng.choice((1, 2, 3))))
    ]
    last_day = (begin + timedelta(days=rng.choice((2, 3, 5)))).date()
    play.tell(
        order(
            *lines, partner=partner, purchase_order=f"45{n:05}", site=site, warehouse="quick3pl", ship_no_later=last_day
        )
    )
    if dear and rng.random() < 0.7:
        play.wait(hours=rng.randint(1, 20)).tell(
            told.PriceApproved(who="ann@north.example", reason="agreed by telephone")
        )
    play.acknowledging = False
    held = rng.random()
    if held < 0.25:
        for x in "ab":
            _keep(play, f"{key}/tax/SHP-{n}{x}")
    play.run()
    play.wait(hours=rng.lognormvariate(3.2, 0.5))
    cut = rng.random() < 0.12
    if len(lines) > 1 and rng.random() < 0.2:
        first = (lines[0].line, int(lines[0].quantity))
        play.tell(shipped(f"SHP-{n}a", first, complete=False)).run().wait(hours=rng.lognormvariate(2.5, 0.6))
        rest, number = lines[1:], f"SHP-{n}b"
    else:
        rest, number = lines, f"SHP-{n}a"
    play.tell(
        shipped(
            number,
            *[(x.line, int(x.quantity) - (3 if cut else 0) + (9 if held > 0.97 else 0)) for x in rest],
            complete=True,
        )
    )
    play.wait(minutes=rng.lognormvariate(3, 0.8)).run()
    acknowledged = sorted(
        o for o in play.effects if o.split("/")[1] in ("acknowledge", "ship-notice", "invoice", "release")
    )
    silent = partner == "blue" and rng.random() < 0.2
    for each in acknowledged:
        sent = next(f for f in play.facts if isinstance(f.data, told.DocumentSent) and f.data.obligation == each)
        if silent and "/invoice/" in each:
            continue
        status = "rejected" if rng.random() < 0.02 else "accepted"
        delay = timedelta(minutes=rng.lognormvariate(3.5 if partner == "acme" else 5, 0.8))
        play.facts.append(
            Fact(
                key=key,
                data=told.AcknowledgementReceived(obligation=each, status=status),
                source=partner,
                source_id=f"997/{each}",
                occurred_at=sent.occurred_at + delay,
            )
        )
    return [replace(f, source_id=f"{key}/{f.source_id}", source=SOURCES.get(type(f.data), partner)) for f in play.facts]


def _keep(play: Any, what: str) -> None:
    """Nobody answers this."""
    nobody: Callable[[Any], Any] = lambda _: ()  # noqa: E731 - a name for its type
    play.answers[what] = nobody
    held = play.answer
    play.answer = lambda o, effect: () if o.kind == "tax" and play.key in o.id else held(o, effect)


async def _settled(database: Database) -> None:
    """What was met has been delivered: no dispatcher has been at work here."""
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE deliveries d SET status = 'accepted', settled_at = o.updated_at, attempts = 1 FROM obligations o"
            " WHERE o.lane = d.lane AND o.id = d.id AND o.status = 'met'"
        )
        await connection.execute(
            "INSERT INTO system_health (system, breaker, detail, updated_at) VALUES ('acme', 'closed', '', now()),"
            " ('blue', 'closed', '', now()), ('erp', 'half-open', 'two of five answered', now()), ('quick3pl', 'closed', '', now()),"
            " ('tax', 'open', 'HTTP 503, tried again in 40 s', now()) ON CONFLICT DO NOTHING"
        )


async def _messages(database: Database, now: datetime, rng: random.Random) -> None:
    async with database.transaction() as connection:
        for n in range(120):
            channel = rng.choice(("acme", "acme", "blue", "quick3pl", "erp", "shop"))
            way = rng.choice(("in", "out"))
            status = "sent" if way == "out" else "held" if n % 40 == 7 else "read"
            await connection.execute(
                "INSERT INTO messages (direction, channel, source_id, sha256, data, name, content_type, received_at, status)"
                " VALUES ($1, $2, $3, ''::bytea, $4, $5, 'application/edi-x12', $6, $7)",
                way,
                channel,
                f"m{n}",
                b"ISA*" * rng.randint(40, 900),
                f"{channel}-{n:09}.edi",
                now - timedelta(minutes=(119 - n) * 1.4),
                status,
            )


async def stock(database: Database, now: datetime) -> None:
    """Books of four items at two sites: receipts, shipments, reservations, what is expected, and one variance."""
    books = StockBooks(database)
    moved: list[Movement] = []

    def move(
        n: int, kind: Kind, item: str, site: str, origin: Place, to: Place, quantity: int, days: float, ref: str = ""
    ) -> None:
        moved.append(
            Movement(
                source="quick3pl",
                source_id=f"mv-{n}-{item}-{site}",
                kind=kind,
                item=item,
                site=site,
                to_site="",
                origin=origin,
                destination=to,
                quantity=Decimal(quantity),
                occurred_at=now - timedelta(days=days),
                recorded_at=now - timedelta(days=days) + timedelta(minutes=4),
                stream="947",
                reference=ref,
            )
        )

    for i, item in enumerate(ITEMS):
        for j, site in enumerate(SITES):
            move(1, Kind.RECEIPT, item, site, Place.SUPPLIER, Place.STORAGE, 400 - 90 * i + 40 * j, 30, f"PO-77{i}{j}")
            move(2, Kind.SHIP, item, site, Place.STORAGE, Place.CUSTOMER, 48, 12, "SO-20031")
            move(3, Kind.SHIP, item, site, Place.STORAGE, Place.CUSTOMER, 24 + 6 * i, 3, "SO-20110")
            move(4, Kind.ALLOCATE, item, site, Place.STORAGE, Place.ALLOCATED, 12, 0.4, "SO-20158")
    move(5, Kind.HOLD, "NW-1001", "COLUMBUS", Place.STORAGE, Place.QUARANTINE, 20, 5, "QA-9")
    await books.record(moved, now)
    await books.expect(
        [
            ExpectedReceipt(
                source="purchasing",
                source_id=f"PO-88{n}",
                line="1",
                kind="purchase-order",
                item=item,
                site=site,
                quantity=Decimal(quantity),
                due_on=(now + timedelta(days=days)).date(),
            )
            for n, (item, site, quantity, days) in enumerate(
                [
                    ("NW-1001", "RENO", 240, 6),
                    ("NW-1001", "COLUMBUS", 120, 15),
                    ("NW-1004", "RENO", 600, 9),
                    ("NW-1004", "COLUMBUS", 90, -2),
                ]
            )
        ],
        now,
    )
    await books.reserve(
        [
            Demand(
                key=f"SO-201{n}",
                line="1",
                item=item,
                quantity=Decimal(quantity),
                sites=SITES,
                asked_at=now - timedelta(hours=n),
                split=True,
            )
            for n, (item, quantity) in enumerate(
                [("NW-1001", 60), ("NW-1001", 48), ("NW-1004", 30), ("NW-1004", 190), ("NW-1002", 24)], 50
            )
        ],
        now,
    )
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO variances (lane, key, system, item, site, place, lot, owner, status, ours, theirs, quantity, in_flight, amount, cause, confidence, detail, evidence,"
            " since, first_as_of, as_of, snapshot, run) VALUES (1, 'variance:quick3pl/NW-1001/RENO/storage', 'quick3pl', 'NW-1001', 'RENO', 'storage', '', 'own', 'open',"
            " 328, 316, -12, 0, 23.04, 'lost-message', 0.8, 'number 1204 of stream 947 has not come, and 12 are missing', '', $1, $1, $1, 1, 1)",
            now - timedelta(hours=9),
        )
        await connection.execute(
            "INSERT INTO stock_sources (system, heard_at, silent) VALUES ('quick3pl', $1, true) ON CONFLICT DO NOTHING",
            now - timedelta(hours=3),
        )


def present() -> datetime:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
