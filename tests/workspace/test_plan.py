"""Planning, applying and going back, over versions kept in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crossdock.workspace import from_snapshot, load
from crossdock.workspace.apply import Objection, Overtaken, Version, apply, in_force, roll_back
from crossdock.workspace.explain import explain
from crossdock.workspace.plan import plan


class KeptInMemory:
    """`Versions` and `Backlog` without a database."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, Version]] = []
        self.active = 0
        self.did: list[str] = []

    async def current(self) -> Version | None:
        return self._version(self.active) if self.active else None

    async def get(self, number: int) -> bytes:
        if not 1 <= number <= len(self.kept):
            raise KeyError(number)
        return self.kept[number - 1][0]

    async def put(self, snapshot: bytes, who: str, note: str, digest: str) -> int:
        number = len(self.kept) + 1
        moment = datetime(2026, 3, 1, 12, number, tzinfo=UTC)
        self.kept.append((snapshot, Version(number=number, digest=digest, who=who, note=note, created_at=moment)))
        self.did.append("store")
        return number

    async def activate(self, number: int, replacing: int) -> None:
        if self.active != replacing:
            raise Overtaken(f"version {self.active} is in force")
        self.active = number
        self.did.append("activate")

    async def list(self) -> Sequence[Version]:
        return [self._version(n) for n in range(len(self.kept), 0, -1)]

    async def resolve_waiting_orders(self, version: int) -> int:
        self.did.append("resolve-waiting-orders")
        return 2

    async def read_held_messages(self, version: int) -> int:
        self.did.append("read-held-messages")
        return 1

    def _version(self, number: int) -> Version:
        v = self.kept[number - 1][1]
        return Version(
            number=v.number,
            digest=v.digest,
            who=v.who,
            note=v.note,
            created_at=v.created_at,
            active=number == self.active,
        )


async def test_the_first_version_is_stored_and_activated(wholesaler: Path) -> None:
    database = KeptInMemory()
    wanted = load(wholesaler, {})
    applied = await apply(plan(None, wanted), database, database, who="ada", note="a start")
    assert applied.version == 1
    assert [s.stage for s in applied.stages] == ["validate", "compare", "store", "activate", "read-held-messages"]
    (version,) = await database.list()
    assert (version.who, version.note, version.active) == ("ada", "a start", True)
    assert await in_force(database) == wanted.at(1)


async def test_apply_walks_the_stages_that_the_plan_names(wholesaler: Path, edit) -> None:
    database = KeptInMemory()
    await apply(plan(None, load(wholesaler, {})), database, database, who="ada")
    edit("partners/acme.toml", "price_tolerance_percent = 1", "price_tolerance_percent = 2.5")
    planned = plan(await in_force(database), load(wholesaler, {}))
    applied = await apply(planned, database, database, who="ada")
    assert [s.stage for s in applied.stages] == [s.name for s in planned.stages]


async def test_without_a_difference_there_is_nothing_to_do(wholesaler: Path, edit) -> None:
    database = KeptInMemory()
    await apply(plan(None, load(wholesaler, {})), database, database, who="ada")
    edit("crossdock.toml", "# Who we are", "# Still who we are")
    planned = plan(await in_force(database), load(wholesaler, {}))
    assert planned.nothing_to_do
    applied = await apply(planned, database, database, who="ada")
    assert applied.version == 1
    assert len(await database.list()) == 1


def test_a_plan_names_every_field_that_differs(wholesaler: Path, edit) -> None:
    before = load(wholesaler, {}).at(7)
    edit("partners/blue.toml", "acknowledge_hours = 4", "acknowledge_hours = 6")
    edit("partners/blue.toml", 'short = "backorder"', 'short = "cancel"')
    edit("systems/tax.toml", "timeout_seconds = 5", "timeout_seconds = 8")
    edit("prices.csv", "acme-2026,NW-1002,2.95", "acme-2026,NW-1002,3.05")
    edit("items.csv", "NW-1039,Apple juice 1 l", "NW-1039,Apple juice 1 litre")
    (wholesaler / "partners/green.toml").write_text(
        'role = "customer"\n[[them]]\nqualifier = "ZZ"\nid = "GREENGROCER"\n'
    )
    text = explain(plan(before, load(wholesaler, {})))
    assert "Compared with version 7" in text
    assert "clocks.acknowledge_hours: 4.0 -> 6.0" in text
    assert 'short: "backorder" -> "cancel"' in text
    assert "pace.timeout_seconds: 5.0 -> 8.0" in text
    assert "1 prices changed: acme-2026/NW-1002" in text
    assert "1 items changed: NW-1039" in text
    assert "+ partner green" in text
    assert "resolve-waiting-orders" in text
    assert "version: " not in text


async def test_a_plan_that_was_overtaken_is_not_applied(wholesaler: Path, edit) -> None:
    database = KeptInMemory()
    await apply(plan(None, load(wholesaler, {})), database, database, who="ada")
    edit("crossdock.toml", "terms_net_days = 30", "terms_net_days = 60")
    hers = plan(await in_force(database), load(wholesaler, {}))
    edit("crossdock.toml", "terms_net_days = 60", "terms_net_days = 90")
    his = plan(await in_force(database), load(wholesaler, {}))
    await apply(his, database, database, who="bob")
    with pytest.raises(Overtaken, match="version 2 of bob is in force"):
        await apply(hers, database, database, who="ada")
    current = await in_force(database)
    assert current is not None
    assert current.agreements["acme"].terms_net_days == 90


async def test_going_back_is_a_new_version_that_says_so(wholesaler: Path, edit) -> None:
    database = KeptInMemory()
    first = load(wholesaler, {})
    await apply(plan(None, first), database, database, who="ada")
    edit("partners/acme.toml", 'short = "cancel"', 'short = "backorder"')
    await apply(plan(await in_force(database), load(wholesaler, {})), database, database, who="ada")
    applied = await roll_back(database, database, 1, who="bob", note="acme has changed its mind")
    assert applied.version == 3
    assert await in_force(database) == first.at(3)
    assert (await database.list())[0].note == "back to version 1: acme has changed its mind"
    assert from_snapshot(await database.get(2)).agreements["acme"].short == "backorder", "nothing is forgotten"


async def test_there_is_no_going_back_to_what_never_was(wholesaler: Path) -> None:
    database = KeptInMemory()
    with pytest.raises(KeyError):
        await roll_back(database, database, 5, who="bob")


async def test_the_number_of_lanes_is_fixed(wholesaler: Path, edit) -> None:
    database = KeptInMemory()
    await apply(plan(None, load(wholesaler, {})), database, database, who="ada")
    edit("crossdock.toml", "lanes = 32", "lanes = 64")
    planned = plan(await in_force(database), load(wholesaler, {}))
    assert "Cannot be applied" in explain(planned)
    with pytest.raises(Objection, match="lanes"):
        await apply(planned, database, database, who="ada")
    assert database.active == 1
