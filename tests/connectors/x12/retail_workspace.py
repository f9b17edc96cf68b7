"""The workspace that the X12 tests speak of: two retailers and a 3PL."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from crossdock.crosswalk.directory import Directory, Identity, Item, Partner, X12Profile

US = Identity("ZZ", "NORTHWHOLESALE")
RECEIVED_AT = datetime(2026, 1, 15, 8, 5, tzinfo=UTC)
DATA = Path(__file__).parent / "data"

PARTNERS = (
    Partner(id="acme", role="customer", them=(Identity("ZZ", "ACMERETAIL"),), us=US, price_list="retail"),
    Partner(
        id="bolt",
        role="customer",
        them=(Identity("01", "123456789", "BOLTDC"),),
        us=Identity("ZZ", "NORTHWHOLESALE", "NWEDI"),
        x12=X12Profile(
            version="005010",
            element_separator="+",
            component_separator=":",
            segment_terminator="'",
            repetition_separator="^",
            line_break="\n",
            usage="T",
            replace="",
            acknowledge_ta1=True,
        ),
    ),
    Partner(id="quick3pl", role="warehouse", them=(Identity("ZZ", "QUICK3PL"),), us=US),
)
ITEMS = (
    Item(
        id="W-100",
        description="Widget",
        packs={"CA": Fraction(12)},
        references=(("gtin-12", "614141000012"),),
    ),
    Item(id="W-200", description="Sprocket", references=(("gtin-12", "614141000029"),)),
    Item(id="ROPE", description="Rope", unit="FT", packs={"IN": Fraction(1, 12)}),
)
DIRECTORY = Directory(
    version=3,
    partners={partner.id: partner for partner in PARTNERS},
    items={item.id: item for item in ITEMS},
    partner_items={("acme", "buyer-item", "B1000"): "W-100", ("acme", "buyer-item", "B2000"): "W-200"},
    prices={("retail", "W-100"): Decimal("1.99")},
    default_warehouse="quick3pl",
)
