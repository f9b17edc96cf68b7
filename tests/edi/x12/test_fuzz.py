"""Whatever the bytes, no exception leaves the codec, and no byte is lost.

`EVERY_FILE` and `EVERY_TRANSACTION` are hooks: whoever reads X12 further adds a callable, and it is tried on the same
mutations. EDI_MUTATIONS in the environment sets how many (100,000 unless told).
"""

import io
import os
from collections.abc import Callable

from x12_files import mutations, samples, wrapped, written
from x12_transactions import complete

from crossdock.edi.findings import errors
from crossdock.edi.x12.acknowledge import acknowledge_interchange, technical_acknowledgement
from crossdock.edi.x12.compiled import examine
from crossdock.edi.x12.delimiters import Delimiters
from crossdock.edi.x12.document import read
from crossdock.edi.x12.envelope import Index, Transaction
from crossdock.edi.x12.guide import load
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import offsets, segments
from crossdock.edi.x12.stream import stream
from crossdock.edi.x12.summaries import summary
from crossdock.edi.x12.validate import validate
from crossdock.edi.x12.verbatim import put_together, take_apart

MUTATIONS = int(os.environ.get("EDI_MUTATIONS", "100000"))
LONGEST = 4000


def account_for_every_byte(data: bytes, found: Index) -> None:
    at = 0
    for span in found.spans:
        assert span.start == at, "spans follow each other"
        assert span.end > span.start
        at = span.end
    assert at == len(data)


def take_apart_and_put_together(data: bytes, found: Index) -> None:
    assert put_together(take_apart(data, found)) == data


def answer(data: bytes, found: Index) -> None:
    for interchange in found.interchanges:
        acknowledge_interchange(interchange, found.findings)
        technical_acknowledgement(interchange, found.findings)


def explain_each_finding(data: bytes, found: Index) -> None:
    for finding in found.findings:
        assert finding.message
        assert 0 <= finding.place.offset <= len(data)


def read_in_portions(data: bytes, found: Index) -> None:
    if len(data) % 16 or any(each.delimiters.wrapped for each in found.interchanges):
        return
    count = sum(
        len(group.transactions)
        for portion in stream(io.BytesIO(data), window_bytes=700)
        for interchange in portion.interchanges
        for group in interchange.groups
    )
    assert count == len(found.transactions)


def count_segments(data: bytes, transaction: Transaction, delimiters: Delimiters, split: list[list[str]]) -> None:
    if transaction.complete:
        assert len(split) == transaction.segment_count
    assert len(offsets(data, transaction, delimiters)) == len(split)


def judge_and_read(data: bytes, transaction: Transaction, delimiters: Delimiters, split: list[list[str]]) -> None:
    """What has a guide is judged, fast and slow, and read to a document; what could be read can be said in words."""
    guide = load(transaction.set_id, transaction.version)
    if guide is None:
        return
    judged = examine(data, transaction, guide, delimiters)
    slow = validate(split, guide)
    if not transaction.binary and complete(guide, delimiters).proves(data[transaction.start : transaction.end]):
        assert len(slow) == (not guide.exact)
    assert bool(errors(judged)) == bool(errors(slow))
    document, _ = read(split, guide)
    summary(document)


EVERY_FILE: list[Callable[[bytes, Index], None]] = [
    account_for_every_byte,
    take_apart_and_put_together,
    answer,
    explain_each_finding,
    read_in_portions,
]
EVERY_TRANSACTION: list[Callable[[bytes, Transaction, Delimiters, list[list[str]]], None]] = [
    count_segments,
    judge_and_read,
]


def test_no_mutation_makes_the_codec_raise_or_lose_a_byte() -> None:
    grounds = [*written(), wrapped()] + [data for path in samples() if len(data := path.read_bytes()) <= LONGEST]
    for number, data in enumerate(mutations(20260105, MUTATIONS, grounds)):
        try:
            found = index(data)
            if number % 8 == 0:
                for check in EVERY_FILE:
                    check(data, found)
            for interchange in found.interchanges:
                for transaction in interchange.transactions:
                    split = segments(data, transaction, interchange.delimiters)
                    if number % 8 == 0:
                        for look in EVERY_TRANSACTION:
                            look(data, transaction, interchange.delimiters, split)
        except Exception as error:
            error.add_note(f"mutation {number}: {data!r}")
            raise
