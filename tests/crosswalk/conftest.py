"""A small workspace: two retailers, a 3PL and some items."""

from decimal import Decimal
from fractions import Fraction

import pytest

from crossdock.crosswalk.directory import Directory, Identity, Item, Partner, X12Profile
from crossdock.crosswalk.resolve import Crosswalk

US = Identity("ZZ", "NORTHWHOLESALE")

ACME = Partner(
    id="acme",
    role="customer",
    them=(Identity("ZZ", "ACMERETAIL"),),
    us=US,
    units={"CT": "CA"},
    price_list="retail",
)
BOLT = Partner(
    id="bolt",
    role="customer",
    them=(Identity("01", "123456789"),),
    us=US,
    x12=X12Profile(
        version="005010", segment_terminator="'", element_separator="+", repetition_separator="^", usage="T"
    ),
)
QUICK3PL = Partner(id="quick3pl", role="warehouse", them=(Identity("ZZ", "QUICK3PL"),), us=US, units={"CS": "CA"})

ITEMS = (
    Item(
        id="W-100",
        description="Widget",
        packs={"CA": Fraction(12), "PL": Fraction(480)},
        references=(("gtin-12", "614141000012"), ("gtin-14", "10614141000019")),
        weight=Decimal("0.5"),
    ),
    Item(id="W-200", description="Sprocket", references=(("gtin-12", "614141000029"),), substitutes=("W-100",)),
    Item(id="ROPE", description="Rope", unit="FT", packs={"YD": Fraction(3), "IN": Fraction(1, 12)}),
    Item(id="NAILS", description="Nails", unit="LB", packs={"OZ": Fraction(1, 16)}),
)

DIRECTORY = Directory(
    version=3,
    company="northwholesale",
    partners={partner.id: partner for partner in (ACME, BOLT, QUICK3PL)},
    items={item.id: item for item in ITEMS},
    partner_items={
        ("acme", "buyer-item", "B1000"): "W-100",
        ("acme", "buyer-item", "B2000"): "W-200",
        ("bolt", "buyer-item", "B1000"): "W-200",
    },
    prices={("retail", "W-100"): Decimal("1.99"), ("retail", "W-200"): Decimal("4.50")},
    default_warehouse="quick3pl",
    default_site="main",
)


@pytest.fixture
def directory() -> Directory:
    return DIRECTORY


@pytest.fixture
def crosswalk() -> Crosswalk:
    return Crosswalk(DIRECTORY)


@pytest.fixture
def acme() -> Partner:
    return ACME


@pytest.fixture
def quick3pl() -> Partner:
    return QUICK3PL
