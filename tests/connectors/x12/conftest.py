"""The workspace and the messages that the X12 tests speak of. The messages stand in `data/`, written out as partners
send them."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from crossdock.connectors.x12.reader import X12Reader
from crossdock.crosswalk.directory import Directory, Identity, Item, Partner, X12Profile
from crossdock.crosswalk.resolve import Crosswalk
from crossdock.ports.translation import Message

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


@pytest.fixture(scope="session")
def crosswalk() -> Crosswalk:
    return Crosswalk(DIRECTORY)


@pytest.fixture(scope="session")
def reader(crosswalk: Crosswalk) -> X12Reader:
    return X12Reader(crosswalk)


@pytest.fixture
def sample() -> Callable[..., bytes]:
    """The bytes of a file in `data/`, with words in it put in the place of others."""

    def read(name: str, replacing: dict[str, str] | None = None) -> bytes:
        text = (DATA / f"{name}.edi").read_text("utf-8")
        for old, new in (replacing or {}).items():
            assert old in text, f"{name} does not say {old}"
            text = text.replace(old, new)
        return text.encode()

    return read


@pytest.fixture
def message() -> Callable[..., Message]:
    """A stored message."""

    def stored(data: bytes, id: int = 17, channel: str = "acme") -> Message:
        return Message(id=id, channel=channel, source_id=f"file-{id}", data=data, received_at=RECEIVED_AT)

    return stored
