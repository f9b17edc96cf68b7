"""Transaction sets of files, split and judged, for the tests of guides."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crossdock.edi.findings import Finding, Place
from crossdock.edi.x12.compiled import Prover, examine
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.envelope import Interchange, Transaction
from crossdock.edi.x12.guide import Guide, load
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import offsets, segments
from crossdock.edi.x12.validate import validate

DATA = Path(__file__).parent / "data"


def transactions(data: bytes) -> Iterator[tuple[Interchange, Transaction, Guide]]:
    """The transaction sets of a file that there is a guide for."""
    for interchange in index(data).interchanges:
        for transaction in interchange.transactions:
            guide = load(transaction.set_id, transaction.version)
            if guide is not None:
                yield interchange, transaction, guide


def content(data: bytes, interchange: Interchange, transaction: Transaction) -> list[list[str]]:
    return segments(data, transaction, interchange.delimiters)


def walked(data: bytes, interchange: Interchange, transaction: Transaction, guide: Guide) -> list[Finding]:
    """Findings of the slow walk."""
    parts = content(data, interchange, transaction)
    number = transaction.control_number
    place = Place(transaction_set=guide.set_id, transaction=number, offset=transaction.start)
    return validate(parts, guide, place, offsets(data, transaction, interchange.delimiters))


@cache
def complete(guide: Guide, delimiters: Delimiters) -> Prover:
    """What proves all that can be proven of a guide, whatever was met before."""
    made = Prover(guide, delimiters)
    made.compile()
    return made


def examined(data: bytes, interchange: Interchange, transaction: Transaction, guide: Guide) -> list[Finding]:
    """Findings of the fast path, which falls back to the slow one; what is proven has none."""
    found = examine(data, transaction, guide, interchange.delimiters)
    if not transaction.binary and complete(guide, interchange.delimiters).proves(
        data[transaction.start : transaction.end]
    ):
        assert len(found) == (not guide.exact)
    return found


def one(name: str) -> tuple[bytes, Interchange, Transaction, Guide]:
    """The one transaction set of a file in `data`."""
    data = (DATA / name).read_bytes()
    (found,) = transactions(data)
    return data, *found
