"""Stock and channels in a workspace: what they load into, that a version keeps them, and that every slip is found at its line."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.crosswalk.routing import Destination, Router
from crossdock.policy.stock import Schedule, StockItem, StockOwner, StockSite
from crossdock.workspace import check, from_snapshot, load, snapshot
from crossdock.workspace.compare import compare

WHOLESALER = Path(__file__).parents[2] / "examples" / "wholesaler"

STOCK = """
[stock]
allocation = "fair-share"
soft_hours = 48
buffer = 2
negative_at = ["RENO"]
repair_free = 25.50
repair_limit = 500
split = true

[stock.reconcile]
at = ["02:00", "14:00"]
zone = "America/New_York"

[[stock.owners]]
state = "picked"
system = "quick3pl"
since = 2026-03-01

[[stock.owners]]
state = "on-hand"
system = "erp"
site = "RENO"
"""

SHOP = """system = "shop"
sites = ["RENO"]
items_csv = "shop-items.csv"
share_percent = 80
buffer = 3
cap = 100
minimum = 2
delta_seconds = 2
snapshot = { every_hours = 6 }

[[stale]]
source = "quick3pl"
after_minutes = 30
action = "widen"
factor = 3

[[stale]]
action = "zero"
"""

SHOP_SYSTEM = """role = "other"
connector = "http"

[settings]
base_url = "http://127.0.0.1:8705"

[settings.documents.inventory-advice]
path = "/v1/stock"
"""


MOVEMENTS = r"""
[movements]
site = "COLUMBUS"
zone = "America/Chicago"
reasons = { Z1 = "scrap" }
conditions = { ZZ = "quarantine", ZY = "" }
statuses = { QD = "damaged" }

[movements.sequences]
947 = 'ADJ-(\d+)'
"""


@pytest.fixture
def stockless(wholesaler: Path) -> Path:
    """The wholesaler, with no word of stock anywhere."""
    partner = wholesaler / "partners" / "quick3pl.toml"
    partner.write_text(partner.read_text().partition("[movements]")[0])
    items = (wholesaler / "items.csv").read_text().splitlines()
    (wholesaler / "items.csv").write_text("".join(f"{line.rpartition(',')[0]}\n" for line in items))
    return wholesaler


@pytest.fixture
def stocked(stockless: Path) -> Path:
    """The wholesaler, with stock kept otherwise and two channels."""
    wholesaler = stockless
    _append(wholesaler / "crossdock.toml", STOCK)
    sites = "site,name,stock,system,entity\nRENO,Reno,yes,quick3pl,NW-US\nCOLUMBUS,Columbus,,quick3pl,\n"
    (wholesaler / "sites.csv").write_text(sites + "STORE,A store,no,,\n")
    items = (wholesaler / "items.csv").read_text().splitlines()
    more = [f"{line}{',safety,value,multiple' if n == 0 else ',,,'}" for n, line in enumerate(items)]
    more[1] = items[1] + ",5,3.20,12"
    (wholesaler / "items.csv").write_text("\n".join(more) + "\n")
    (wholesaler / "channels").mkdir()
    (wholesaler / "channels" / "shop.toml").write_text(SHOP)
    (wholesaler / "channels" / "shop-items.csv").write_text("item\nNW-1001\nNW-1002\n")
    (wholesaler / "channels" / "market.toml").write_text('system = "acme"\n')
    (wholesaler / "systems" / "shop.toml").write_text(SHOP_SYSTEM)
    _append(wholesaler / "partners" / "quick3pl.toml", MOVEMENTS)
    _append(wholesaler / "partners" / "blue.toml", "\n[stock]\npriority = 10\nsplit = false\n")
    return wholesaler


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_nothing_is_wrong_with_a_workspace_that_keeps_stock(stocked: Path) -> None:
    assert [str(p) for p in check(stocked, {}) if p.severity == "error"] == []


def test_nothing_is_wrong_with_the_example_as_it_keeps_stock() -> None:
    found = [str(p) for p in check(WHOLESALER, {}) if p.severity == "error"]
    assert found == []
    loaded = load(WHOLESALER, {})
    assert loaded.stock is not None
    assert loaded.stock.sources() == ("quick3pl",)
    assert {(channel.id, channel.format) for channel in loaded.channels.values()} == {("shop", "json"), ("acme", "x12")}


def test_without_the_table_no_stock_is_kept(stockless: Path) -> None:
    loaded = load(stockless, {})
    assert loaded.stock is None
    assert loaded.channels == {}
    assert loaded.agreements["acme"].stock is None


def test_the_table_and_the_columns_make_one_policy(stocked: Path) -> None:
    stock = load(stocked, {}).stock
    assert stock is not None
    assert (stock.allocation, stock.repair_free, stock.negative_at) == ("fair-share", Decimal("25.50"), ("RENO",))
    assert stock.sites == {
        "RENO": StockSite(system="quick3pl", entity="NW-US"),
        "COLUMBUS": StockSite(system="quick3pl"),
    }
    assert stock.items == {
        "NW-1001": StockItem(safety=Decimal(5), value=Decimal("3.20"), multiple=Decimal(12)),
    }
    assert (stock.safety("NW-1001"), stock.safety("NW-1002")) == (Decimal(5), Decimal(2))
    assert stock.owners[0] == StockOwner(state="picked", system="quick3pl", since=date(2026, 3, 1))
    assert stock.sources() == ("quick3pl",)
    assert stock.told_by("quick3pl") == ("RENO", "COLUMBUS")


def test_a_partners_orders_are_promised_by_its_own_terms_over_the_companys(stocked: Path) -> None:
    agreements = load(stocked, {}).agreements
    blue, acme = agreements["blue"].stock, agreements["acme"].stock
    assert blue is not None
    assert acme is not None
    assert (acme.priority, acme.split, acme.soft_hours) == (100, True, 48)
    assert (blue.priority, blue.split, blue.soft_hours) == (10, False, 48)
    assert blue.sites == {"RENO": "quick3pl", "COLUMBUS": "quick3pl"}


def test_a_channel_takes_what_it_leaves_out_from_its_system(stocked: Path) -> None:
    channels = load(stocked, {}).channels
    assert (channels["market"].format, channels["market"].partner) == ("x12", "acme")
    shop = channels["shop"]
    assert (shop.format, shop.items, shop.cap) == ("json", ("NW-1001", "NW-1002"), Decimal(100))
    rule, other = shop.stale_rule("quick3pl"), shop.stale_rule("erp")
    assert rule is not None
    assert other is not None
    assert (rule.action, rule.factor, other.action) == ("widen", Decimal(3), "zero")


def test_a_version_keeps_all_of_it(stocked: Path) -> None:
    loaded = load(stocked, {})
    kept = from_snapshot(snapshot(loaded))
    assert (kept.stock, kept.channels) == (loaded.stock, loaded.channels)
    assert snapshot(kept) == snapshot(loaded)
    assert compare(loaded, kept) == ()


def test_a_change_of_stock_or_channel_is_seen(stocked: Path, wholesaler: Path) -> None:
    before = load(stocked, {})
    path = stocked / "channels" / "shop.toml"
    path.write_text(path.read_text().replace("share_percent = 80", "share_percent = 70"))
    crossdock = stocked / "crossdock.toml"
    crossdock.write_text(crossdock.read_text().replace("buffer = 2", "buffer = 4"))
    (stocked / "items.csv").write_text((stocked / "items.csv").read_text().replace(",5,3.20,12", ",6,3.20,12"))
    found = {(c.what, c.id): c for c in compare(before, load(stocked, {}))}
    assert set(found) == {("stock", ""), ("channel", "shop"), ("stock-items", "")}
    assert [f.name for f in found["channel", "shop"].fields] == ["share_percent"]


SLIPS = [
    (
        "crossdock.toml",
        'allocation = "fair-share"',
        'allocation = "fair-shares"',
        "bad-value",
        "did you mean `fair-share`?",
    ),
    ("crossdock.toml", "soft_hours", "soft_hour", "unknown-key", "did you mean `soft_hours`?"),
    ("crossdock.toml", "buffer = 2", "buffer = -2", "bad-value", "0 or more"),
    ("crossdock.toml", "buffer = 2", "horizon_days = 90", "bad-value", "from 180 to 3650"),
    ("crossdock.toml", '["RENO"]', '["RENNO"]', "unknown-site", "did you mean `RENO`?"),
    ("crossdock.toml", '["RENO"]', '["STORE"]', "unknown-site", "keeps no stock"),
    ("crossdock.toml", "repair_limit = 500", "repair_limit = 5", "bad-value", "less than `stock.repair_free`"),
    ("crossdock.toml", '"14:00"', '"25:00"', "bad-value", 'like "02:00"'),
    ("crossdock.toml", "America/New_York", "America/NewYork", "bad-value", "no time zone"),
    ("crossdock.toml", 'state = "picked"', 'state = "piked"', "bad-value", "did you mean `picked`?"),
    (
        "crossdock.toml",
        'state = "picked"\nsystem = "quick3pl"',
        'state = "picked"\nsystem = "quick3p"',
        "unknown-system",
        "quick3pl",
    ),
    ("crossdock.toml", "since = 2026-03-01", 'since = "yesterday"', "bad-value", "a date like"),
    ("sites.csv", "Reno,yes", "Reno,yess", "bad-value", "yes or no"),
    ("sites.csv", "yes,quick3pl", "yes,quick4pl", "unknown-system", "did you mean `quick3pl`?"),
    ("items.csv", ",5,3.20,12", ",5,3.20,0", "bad-value", "above 0"),
    ("items.csv", ",5,3.20,12", ",five,3.20,12", "bad-value", "`safety`"),
    ("channels/shop.toml", '"shop"', '"shopp"', "unknown-system", "did you mean `shop`?"),
    ("channels/shop.toml", "share_percent = 80", "share_percent = 180", "bad-value", "from 0 to 100"),
    ("channels/shop.toml", '["RENO"]', '["RENNO"]', "unknown-site", "did you mean `RENO`?"),
    ("channels/shop.toml", "every_hours = 6", "every_hours = 0", "bad-value", "1 or more"),
    ("channels/shop.toml", "shop-items.csv", "shop-item.csv", "missing-file", "channels/shop-item.csv"),
    ("channels/shop.toml", 'source = "quick3pl"', 'source = "quick4pl"', "unknown-system", "did you mean `quick3pl`?"),
    ("channels/shop.toml", "factor = 3", "factor = 0.5", "bad-value", "1 or more"),
    ("channels/shop.toml", 'action = "zero"', 'action = "nil"', "bad-value", "cannot be"),
    ("channels/shop-items.csv", "NW-1002", "NW-1OO2", "unknown-item", "NW-1"),
    ("systems/shop.toml", "inventory-advice", "inventory-advise", "missing-key", "inventory-advice"),
    ("partners/quick3pl.toml", 'site = "COLUMBUS"', 'site = "COLUMBOS"', "unknown-site", "did you mean `COLUMBUS`?"),
    ("partners/quick3pl.toml", 'zone = "America/Chicago"', 'zone = "Chicago"', "bad-value", "no time zone"),
    ("partners/quick3pl.toml", 'Z1 = "scrap"', 'Z1 = "scrapp"', "bad-value", "did you mean `scrap`?"),
    ("partners/quick3pl.toml", 'ZZ = "quarantine"', 'ZZ = "quarantene"', "bad-value", "did you mean `quarantine`?"),
    ("partners/quick3pl.toml", 'QD = "damaged"', 'QD = "customer"', "bad-value", "no place that stock is in"),
    ("partners/quick3pl.toml", r"'ADJ-(\d+)'", r"'ADJ-(\d+'", "bad-value", "no regular expression"),
    ("partners/quick3pl.toml", r"'ADJ-(\d+)'", "'ADJ-'", "bad-value", "has 0 groups"),
    ("partners/quick3pl.toml", "947 = 'ADJ", "974 = 'ADJ", "bad-value", "did you mean `947`?"),
    ("partners/blue.toml", "priority = 10", "prioritie = 10", "unknown-key", "did you mean `priority`?"),
]


@pytest.mark.parametrize(("file", "old", "new", "code", "said"), SLIPS, ids=[f"{s[0]}: {s[2]}" for s in SLIPS])
def test_every_slip_is_found_where_it_stands(
    stocked: Path, edit: Callable[[str, str, str], int], file: str, old: str, new: str, code: str, said: str
) -> None:
    edit(file, old, new)
    found = [p for p in check(stocked, {}) if p.severity == "error" and p.code == code]
    assert any(p.file == file and said in str(p) for p in found), [str(p) for p in check(stocked, {})]


def test_channels_without_stock_are_a_slip(stockless: Path) -> None:
    wholesaler = stockless
    (wholesaler / "channels").mkdir()
    (wholesaler / "channels" / "market.toml").write_text('system = "acme"\n')
    assert [(p.file, p.code) for p in check(wholesaler, {}) if p.severity == "error"] == [
        ("channels/market.toml", "missing-key")
    ]


def test_a_routing_rule_may_name_several_sites(wholesaler: Path) -> None:
    (wholesaler / "routing.json").unlink()
    path = wholesaler / "routing.csv"
    path.write_text("region,warehouse,site,sites\nCA,quick3pl,RENO,COLUMBUS RENO\n,quick3pl,COLUMBUS,\n")
    router = Router(load(wholesaler, {}).directory)
    assert router.route(Destination(customer="acme", region="CA")).sites == ("COLUMBUS",)
    assert router.route(Destination(customer="acme", region="NY")).sites == ()
    path.write_text(path.read_text().replace("COLUMBUS RENO", "COLUMBIA"))
    (problem,) = [p for p in check(wholesaler, {}) if p.severity == "error"]
    assert (problem.file, problem.line, problem.code) == ("routing.csv", 2, "bad-routing")
    assert "did you mean `COLUMBUS`?" in problem.meant


@pytest.mark.parametrize(
    ("schedule", "now", "slot"),
    [
        (Schedule(every_hours=6), "2026-03-02T09:07", "2026-03-02T06:00"),
        (Schedule(every_hours=24), "2026-03-02T00:00", "2026-03-02T00:00"),
        (Schedule(at=("02:00", "14:00"), zone="America/New_York"), "2026-03-02T09:07", "2026-03-02T07:00"),
        (Schedule(at=("02:00",), zone="America/New_York"), "2026-03-02T06:59", "2026-03-01T07:00"),
        (Schedule(at=("02:30",), zone="America/New_York"), "2026-03-08T07:31", "2026-03-08T07:30"),
    ],
)
def test_a_schedule_gives_every_machine_the_same_slot(schedule: Schedule, now: str, slot: str) -> None:
    found = schedule.slot(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(slot).replace(tzinfo=UTC)


def test_a_schedule_that_says_nothing_is_never_due() -> None:
    assert Schedule().slot(datetime(2026, 3, 2, tzinfo=UTC)) is None
