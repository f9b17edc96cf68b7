"""The words of the trade, many of them."""

import sys
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from crossdock.workspace import load
from crossdock.workspace.problems import Report
from crossdock.workspace.tables import rows


def _fill(folder: Path, count: int) -> None:
    ids = range(count)
    (folder / "items.csv").write_text("item,description,unit\n" + "".join(f"NW-{i},Thing {i},EA\n" for i in ids))
    (folder / "packs.csv").write_text("item,unit,quantity\n" + "".join(f"NW-{i},CA,12\n" for i in ids))
    (folder / "prices.csv").write_text(
        "list,item,price\nblue-2026,NW-1,1\n" + "".join(f"acme-2026,NW-{i},{i}.05\n" for i in ids)
    )
    (folder / "item-references.csv").write_text(
        "partner,qualifier,id,item\n" + "".join(f"acme,buyer-item,A{i},NW-{i}\n" for i in ids)
    )


def test_a_hundred_thousand_items_are_loaded_whole(wholesaler: Path) -> None:
    _fill(wholesaler, 100_000)
    words = load(wholesaler, {}).directory
    assert len(words.items) == len(words.partner_items) == 100_000
    assert words.items["NW-99999"].packs["CA"] == 12
    assert words.prices["acme-2026", "NW-99999"] == words.prices["acme-2026", "NW-99998"] + 1


def _calls(work: Callable[[], object]) -> int:
    """How many functions `work` calls: a measure of work that is the same on every machine."""
    count = 0

    def seen(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_the_work_grows_with_the_items_and_no_faster(wholesaler: Path) -> None:
    load(wholesaler, {})
    counts = []
    for size in (1000, 2000, 4000):
        _fill(wholesaler, size)
        counts.append(_calls(lambda: load(wholesaler, {})))
    first, second = counts[1] - counts[0], counts[2] - counts[1]
    assert 1.9 < second / first < 2.1, counts


def test_quoted_cells_blank_lines_and_a_byte_order_mark_are_fine(wholesaler: Path) -> None:
    (wholesaler / "sites.csv").write_bytes(
        '\ufeffsite,name\r\n\r\nRENO,"Reno, ""the biggest little city"""\r\n,\r\n COLUMBUS ,x\r\n'.encode()
    )
    assert load(wholesaler, {}).directory.sites == {"RENO": 'Reno, "the biggest little city"', "COLUMBUS": "x"}


@given(st.text(alphabet='ab,"\n\r\x00 é', max_size=60))
def test_no_text_makes_the_reader_of_tables_stumble(text: str) -> None:
    from crossdock.workspace.columns import COLUMNS

    report = Report()
    found = list(rows(f"site,name\n{text}", "sites.csv", COLUMNS["sites.csv"], report))
    lines = text.count("\n") + text.count("\r") + 2
    assert all(1 <= line <= lines for line, _ in found)
    assert all(1 <= p.line <= lines for p in report.problems())
