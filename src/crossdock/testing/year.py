"""A year of one distributor's stock, drawn from a seed: what happens in its warehouses, what of that we are told and when, and what the warehouses say every night that they have.

Faults are planted where they would happen: a message lost, an adjustment sent twice, cases told as single units, a message hours late, goods put into quarantine without a word.
Around them goes on what is no fault: receipts, shipments over four channels, transfers, counts, movements in flight while the snapshot is taken. Knows nothing of reconciliation.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import msgspec

from crossdock.ledger.demand import ExpectedReceipt
from crossdock.ledger.movement import Kind, Movement, Place
from crossdock.ledger.snapshot import Snapshot, SnapshotLine

BEGIN = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
SYSTEM = "wms"
CHANNELS = ("counter", "web", "edi", "market")
SITES = ("EAST", "NORTH", "WEST")
UNNUMBERED = "WEST"
"""Its messages bear no numbers, as those of many a warehouse; only what was announced can be missed there."""
FACTORS = (6, 12, 24)
QUIET_DAYS = 5
"""Before the end no more faults are planted; and so long an item with one is not counted, which would mend it unseen, and gets no other."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of it. moves: movements a day at a site; faults: planted a day, over all sites."""

    items: int = 20_000
    days: int = 365
    moves: int = 250
    faults: float = 1.5


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A fault and where it stands. fault: lost, doubled, units, status, late. cause: what it should be called; "": it comes right by itself and should be called nothing."""

    fault: str
    cause: str
    item: str
    site: str
    quantity: Decimal
    at: datetime


class Told(msgspec.Struct, frozen=True):
    """A movement and when we hear of it."""

    at: datetime
    movement: Movement


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What comes between two nights, and the snapshots at the end of it. told: in the order in which it is heard, up to
    two hours after `end`."""

    end: datetime
    told: tuple[Told, ...]
    announced: tuple[ExpectedReceipt, ...]
    received: tuple[ExpectedReceipt, ...]
    snapshots: tuple[Snapshot, ...]
    planted: tuple[Planted, ...]


def factor_of(item: str) -> int:
    """Single units in a case of the item."""
    return FACTORS[int(item[2:]) % len(FACTORS)]


class Year:
    """One distributor. `opening` is what its books begin with; `days()` is what happens."""

    def __init__(self, seed: int, size: Size | None = None) -> None:
        self.size = size or Size()
        self._random = Random(seed)
        self._items = [f"I-{n:05d}" for n in range(self.size.items)]
        self._shelf: dict[tuple[str, str], int] = {}
        self._cage: dict[tuple[str, str], int] = {}
        self._numbers = dict.fromkeys(SITES, 0)
        self._ids = 0
        self._frozen: dict[tuple[str, str], datetime] = {}
        self._later: list[Told] = []
        self._on_the_way: list[tuple[str, str, int, str]] = []
        for item in self._items:
            for site in SITES:
                self._shelf[item, site] = self._random.randrange(150, 900)

    def opening(self) -> Iterator[Movement]:
        """What stands in the warehouses when the year begins."""
        for (item, site), quantity in self._shelf.items():
            yield Movement(
                source="opening",
                source_id=f"{item}/{site}",
                kind=Kind.RECEIPT,
                item=item,
                site=site,
                quantity=Decimal(quantity),
                origin=Place.SUPPLIER,
                destination=Place.STORAGE,
                occurred_at=BEGIN - timedelta(days=30),
            )

    def days(self) -> Iterator[Day]:
        """Each day in turn. The year is drawn once: ask once."""
        for n in range(self.size.days):
            yield self._day(BEGIN + timedelta(days=n), n < self.size.days - QUIET_DAYS)

    def _day(self, begin: datetime, faulty: bool) -> Day:
        random, end = self._random, begin + timedelta(days=1)
        happened: list[tuple[datetime, str, str]] = []
        for site in SITES:
            happened += [
                (begin + timedelta(seconds=random.randrange(86_400)), site, "plain") for _ in range(self.size.moves)
            ]
        if faulty:
            count = int(self.size.faults) + (random.random() < self.size.faults % 1)
            for _ in range(count):
                fault = random.choice(("lost", "lost", "doubled", "units", "status", "late"))
                happened.append((begin + timedelta(seconds=random.randrange(86_400)), random.choice(SITES), fault))
        happened.sort()
        self._told: list[Told] = []
        self._announced: list[ExpectedReceipt] = []
        self._received: list[ExpectedReceipt] = []
        self._planted: list[Planted] = []
        arriving, self._on_the_way = self._on_the_way, []
        for item, site, quantity, reference in arriving:
            at = begin + timedelta(seconds=random.randrange(3600, 40_000))
            happened.append((at, site, f"arrive {item} {quantity} {reference}"))
        happened.sort()
        # A warehouse takes its snapshot a little before or after the moment that it says.
        cuts = {site: end + timedelta(minutes=random.randint(-25, 25)) for site in SITES}
        taken: dict[str, Snapshot] = {}
        held_back = []
        for at, site, what in happened:
            if at <= cuts[site]:
                self._happen(at, site, what)
            else:
                held_back.append((at, site, what))
        for site in SITES:
            taken[site] = self._snapshot(site, end)
        for at, site, what in held_back:
            self._happen(at, site, what)
        said, looked = [*self._told, *self._later], end + timedelta(hours=2)
        heard = tuple(sorted((each for each in said if each.at <= looked), key=lambda each: each.at))
        self._later = [each for each in said if each.at > looked]
        return Day(
            end=end,
            told=heard,
            announced=tuple(self._announced),
            received=tuple(self._received),
            snapshots=tuple(taken.values()),
            planted=tuple(self._planted),
        )

    def _snapshot(self, site: str, as_of: datetime) -> Snapshot:
        lines = [
            SnapshotLine(item, site, place, Decimal(quantity))
            for place, book in ((Place.STORAGE, self._shelf), (Place.QUARANTINE, self._cage))
            for (item, at), quantity in book.items()
            if at == site and quantity
        ]
        return Snapshot(
            system=SYSTEM,
            source_id=f"{site}/{as_of:%Y%m%d}",
            as_of=as_of,
            lines=tuple(lines),
            sites=(site,),
            places=(Place.STORAGE, Place.QUARANTINE),
        )

    def _happen(self, at: datetime, site: str, what: str) -> None:
        if what == "plain":
            self._plain(at, site)
        elif what.startswith("arrive "):
            _, item, quantity, reference = what.split(" ")
            self._shelf[item, site] += int(quantity)
            self._tell(
                at, Kind.TRANSFER_IN, item, site, int(quantity), Place.TRANSIT, Place.STORAGE, reference=reference
            )
        else:
            self._fault(at, site, what)

    def _plain(self, at: datetime, site: str) -> None:
        random = self._random
        item = self._items[int(len(self._items) * random.random() ** 2)]
        here, drawn = self._shelf[item, site], random.random()
        if drawn < 0.70:
            self._ship(at, item, site, min(here, random.randint(1, 12)))
        elif drawn < 0.84:
            self._receive(at, item, site, factor_of(item) * random.randint(2, 20))
        elif drawn < 0.90:
            self._adjust(at, item, site, max(-here, random.choice((-5, -3, -2, -1, 1, 2, 4))))
        elif drawn < 0.94:
            self._hold(at, item, site, min(here, random.randint(1, 6)))
        elif drawn < 0.96 and site != SITES[-1]:
            self._transfer(at, item, site, min(here, random.randint(5, 30)))
        elif self._frozen.get((item, site), BEGIN) <= at:
            self._tell(at, Kind.COUNT, item, site, here, Place.ADJUSTMENT, Place.STORAGE, reason="cycle-count")

    def _ship(self, at: datetime, item: str, site: str, quantity: int, lost: bool = False, delay: float = 0.0) -> None:
        self._shelf[item, site] -= quantity
        reference = f"{self._random.choice(CHANNELS)}-SO-{self._ids}"
        if quantity:
            self._tell(
                at,
                Kind.SHIP,
                item,
                site,
                quantity,
                Place.STORAGE,
                Place.CUSTOMER,
                reference=reference,
                lost=lost,
                delay=delay,
            )

    def _receive(
        self, at: datetime, item: str, site: str, quantity: int, lost: bool = False, told: int | None = None
    ) -> None:
        self._shelf[item, site] += quantity
        reference = f"PO-{self._ids}"
        expected = ExpectedReceipt(
            source="erp",
            source_id=reference,
            line="1",
            kind="purchase-order",
            item=item,
            site=site,
            quantity=Decimal(quantity),
            due_on=at.date(),
        )
        self._announced.append(expected)
        if not lost:
            self._received.append(expected)
        self._tell(
            at,
            Kind.RECEIPT,
            item,
            site,
            quantity if told is None else told,
            Place.SUPPLIER,
            Place.STORAGE,
            reference=reference,
            lost=lost,
        )

    def _adjust(
        self,
        at: datetime,
        item: str,
        site: str,
        quantity: int,
        lost: bool = False,
        delay: float = 0.0,
        again: bool = False,
    ) -> None:
        if not quantity:
            return
        self._shelf[item, site] += quantity
        places = (Place.ADJUSTMENT, Place.STORAGE) if quantity > 0 else (Place.STORAGE, Place.ADJUSTMENT)
        reason = self._random.choice(("found", "lost", "broken"))
        self._tell(at, Kind.ADJUST, item, site, abs(quantity), *places, reason=reason, lost=lost, delay=delay)
        if again:
            wait = self._random.uniform(0.2, 6)
            self._tell(at, Kind.ADJUST, item, site, abs(quantity), *places, reason=reason, delay=wait)

    def _hold(
        self, at: datetime, item: str, site: str, quantity: int, lost: bool = False, silent: bool = False
    ) -> None:
        self._shelf[item, site] -= quantity
        self._cage[item, site] = self._cage.get((item, site), 0) + quantity
        if quantity and not silent:
            reference = f"QC-{self._ids}"
            self._tell(
                at,
                Kind.HOLD,
                item,
                site,
                quantity,
                Place.STORAGE,
                Place.QUARANTINE,
                reference=reference,
                lost=lost,
            )

    def _transfer(self, at: datetime, item: str, site: str, quantity: int) -> None:
        to_site, reference = SITES[SITES.index(site) + 1], f"TR-{self._ids}"
        if quantity:
            self._shelf[item, site] -= quantity
            self._on_the_way.append((item, to_site, quantity, reference))
            self._tell(
                at,
                Kind.TRANSFER_OUT,
                item,
                site,
                quantity,
                Place.STORAGE,
                Place.TRANSIT,
                to_site=to_site,
                reference=reference,
            )

    def _fault(self, at: datetime, site: str, fault: str) -> None:
        random = self._random
        item = random.choice(self._items)
        while self._frozen.get((item, site), BEGIN) > at or self._shelf[item, site] < 60:
            item = random.choice(self._items)
        self._frozen[item, site] = at + timedelta(days=QUIET_DAYS)
        quantity, cause = random.randint(3, 40), ""
        if fault == "lost":
            cause = "missing-message"
            kind = "receive" if site == UNNUMBERED else random.choice(("receive", "ship", "adjust", "hold"))
            if kind == "receive":
                self._receive(at, item, site, quantity, lost=True)
            elif kind == "ship":
                self._ship(at, item, site, quantity, lost=True)
            elif kind == "adjust":
                self._adjust(at, item, site, -quantity, lost=True)
            else:
                self._hold(at, item, site, quantity, lost=True)
        elif fault == "doubled":
            cause = "doubled-adjustment"
            self._adjust(at, item, site, random.choice((-1, 1)) * quantity, again=True)
        elif fault == "units":
            cause = "unit-mix-up"
            self._receive(at, item, site, quantity * factor_of(item), told=quantity)
        elif fault == "status":
            cause = "status-mix-up"
            self._hold(at, item, site, quantity, silent=True)
        elif site != UNNUMBERED:
            self._ship(at, item, site, quantity, delay=random.uniform(4, 18))
        self._planted.append(Planted(fault=fault, cause=cause, item=item, site=site, quantity=Decimal(quantity), at=at))

    def _tell(
        self,
        at: datetime,
        kind: Kind,
        item: str,
        site: str,
        quantity: int,
        origin: Place,
        destination: Place,
        *,
        to_site: str = "",
        reason: str = "",
        reference: str = "",
        lost: bool = False,
        delay: float = 0.0,
    ) -> None:
        """The warehouse sends a message about what it has done; whether and when it comes is another matter. `delay`: hours."""
        self._ids += 1
        number = None
        if site != UNNUMBERED:
            self._numbers[site] += 1
            number = self._numbers[site]
        if lost:
            return
        movement = Movement(
            source=SYSTEM,
            source_id=f"{site}-{self._ids}",
            kind=kind,
            item=item,
            site=site,
            quantity=Decimal(quantity),
            origin=origin,
            destination=destination,
            occurred_at=at,
            to_site=to_site,
            stream=site,
            sequence=number,
            reason=reason,
            reference=reference,
        )
        heard = at + timedelta(hours=delay, seconds=self._random.uniform(5, 900))
        self._told.append(Told(heard, movement))
