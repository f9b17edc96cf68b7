"""A version is stored as one document, and comes back from it as it went in."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.crosswalk.directory import Directory, Identity, Item, Partner, X12Profile
from crossdock.policy.agreement import Agreement, Clocks
from crossdock.ports.outbound import Pace
from crossdock.ports.system import System
from crossdock.workspace import Company, Loaded, SourceFile, digest, from_snapshot, load, snapshot

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = words.filter(bool)
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=0)
hours = st.none() | st.floats(0, 1e6, allow_nan=False)
plain = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | words | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
identities = st.builds(Identity, names, names, words)
partners = st.builds(
    Partner,
    id=names,
    role=st.sampled_from(["customer", "warehouse"]),
    name=words,
    them=st.lists(identities, max_size=2).map(tuple),
    us=st.none() | identities,
    x12=st.builds(
        X12Profile,
        line_break=st.sampled_from(["", "\n", "\r\n"]),
        overlays=st.dictionaries(names, st.dictionaries(words, plain, max_size=2), max_size=2),
    ),
    units=st.dictionaries(names, names, max_size=2),
    item_qualifiers=st.lists(names, max_size=3).map(tuple),
    locations=st.dictionaries(names, names, max_size=2),
    price_list=words,
)
agreements = st.builds(
    Agreement,
    partner=names,
    price_tolerance_percent=amounts,
    short=st.sampled_from(["backorder", "cancel", "ship-complete"]),
    release_lead_days=st.none() | st.integers(0, 99),
    clocks=st.builds(Clocks, acknowledge_hours=hours, invoice_hours=hours),
)
systems = st.builds(
    System,
    id=names,
    role=st.sampled_from(["erp", "partner"]),
    connector=names,
    pace=st.builds(Pace, rate_per_second=st.none() | st.floats(0.1, 1e4)),
    settings=st.dictionaries(words, plain, max_size=3),
)
items = st.builds(
    Item,
    id=names,
    description=words,
    packs=st.dictionaries(names, st.fractions(min_value=Fraction(1, 1000)), max_size=2),
    references=st.lists(st.tuples(names, names), max_size=2).map(tuple),
    substitutes=st.lists(names, max_size=2).map(tuple),
    weight=st.none() | amounts,
)


@st.composite
def workspaces(draw: st.DrawFn) -> Loaded:
    company = Company(
        name=draw(names), lanes=draw(st.integers(1, 4096)), identities=tuple(draw(st.lists(identities, max_size=2)))
    )
    directory = Directory(
        version=0,
        company=company.name,
        currency=company.currency,
        partners={p.id: p for p in draw(st.lists(partners, max_size=2))},
        items={i.id: i for i in draw(st.lists(items, max_size=3))},
        partner_items=draw(st.dictionaries(st.tuples(names, names, names), names, max_size=3)),
        prices=draw(st.dictionaries(st.tuples(names, names), amounts, max_size=3)),
        sites=draw(st.dictionaries(names, words, max_size=2)),
        default_warehouse=draw(words),
        default_site=draw(words),
        routing=draw(words).encode(),
    )
    return Loaded(
        company=company,
        directory=directory,
        agreements={a.partner: a for a in draw(st.lists(agreements, max_size=2))},
        systems={s.id: s for s in draw(st.lists(systems, max_size=2))},
        sources=tuple(SourceFile(n, digest(n.encode())) for n in draw(st.lists(names, max_size=2))),
    )


@settings(deadline=None)
@given(workspaces(), st.integers(0, 10**6))
def test_any_workspace_comes_back_from_its_snapshot(loaded: Loaded, version: int) -> None:
    data = snapshot(loaded)
    assert from_snapshot(data) == loaded
    assert snapshot(from_snapshot(data)) == data
    kept = from_snapshot(data, version)
    assert kept.version == version
    assert {a.version for a in kept.agreements.values()} <= {version}
    assert snapshot(kept) == data, "the number is the database's, no part of what is stored"


def test_the_order_of_rows_and_files_makes_no_difference(wholesaler: Path) -> None:
    before = load(wholesaler, {})
    for name in ("items.csv", "prices.csv", "packs.csv", "item-references.csv"):
        heading, *rows = (wholesaler / name).read_text().splitlines()
        (wholesaler / name).write_text("\n".join([heading, *reversed(rows)]) + "\n")
    after = load(wholesaler, {})
    assert snapshot(_without_sources(after)) == snapshot(_without_sources(before))


def _without_sources(loaded: Loaded) -> Loaded:
    import msgspec

    return msgspec.structs.replace(loaded, sources=())


def test_prices_are_kept_to_the_last_digit(wholesaler: Path, edit) -> None:
    edit("prices.csv", "acme-2026,NW-1002,2.95", "acme-2026,NW-1002,2.950000000000000000001")
    price = from_snapshot(snapshot(load(wholesaler, {}))).directory.prices["acme-2026", "NW-1002"]
    assert price == Decimal("2.950000000000000000001")


def test_no_secret_and_nothing_of_the_machine_is_in_a_snapshot(wholesaler: Path) -> None:
    data = snapshot(load(wholesaler, {"ERP_TOKEN": "hunter2", "MAILBOXES": "/srv/elsewhere"}))
    assert b"hunter2" not in data
    assert b"/srv/elsewhere" not in data
    assert str(wholesaler).encode() not in data
