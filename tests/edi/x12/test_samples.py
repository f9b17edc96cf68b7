"""Other people's files, where the collection lies beside the repository: all are read, and what is broken is said."""

import csv
import re

import pytest
from x12_files import HAVE_SAMPLES, SAMPLES

from crossdock.edi.findings import Code, Severity
from crossdock.edi.x12.index import index
from crossdock.edi.x12.segments import segments

pytestmark = pytest.mark.skipif(not HAVE_SAMPLES, reason="the collection of sample files is not here")

BROKEN = {
    r"SE01=": Code.SEGMENT_COUNT_MISMATCH,
    r"SE02<>ST02": Code.TRANSACTION_CONTROL_NUMBER_MISMATCH,
    r"GE01=": Code.TRANSACTION_COUNT_MISMATCH,
    r"GE02<>GS06": Code.GROUP_CONTROL_NUMBER_MISMATCH,
    r"IEA01=": Code.GROUP_COUNT_MISMATCH,
    r"IEA02<>ISA13": Code.INTERCHANGE_CONTROL_NUMBER_MISMATCH,
    r"unterminated-tail": Code.UNTERMINATED_TAIL,
}
"""What the collection's list calls broken, and the finding that says it."""

JUDGED_OTHERWISE = {
    "031_": "ISA16 is missing and ~ is the terminator: what the list saw as part of GE02 and IEA02",
    "077_": "the ISA is not fixed-width: ISA13, found by counting, is what IEA02 says",
    "417_": "ISA16 is missing, as in 031",
    "418_": "ISA16 is missing, as in 031",
    "065_": "the terminator is one UTF-8 character; the list read its first byte and found no IEA",
    "143_": "the ISA is not fixed-width and ISA16 is missing; the list found no IEA",
    "421_": "ISA13 is not padded; the list read the wrong terminator and found no IEA",
    "422_": "ISA13 is not padded, as in 421",
    "108_": "a fixed-length file of a translator, no X12: ISA cannot be read",
}
ERRORS_BESIDES = {
    "011_": {Code.BINARY_LENGTH},
    "031_": {Code.SEGMENT_COUNT_MISMATCH, Code.DUPLICATE_TRANSACTION_CONTROL_NUMBER},
    "065_": {Code.SEGMENT_COUNT_MISMATCH, Code.TRANSACTION_COUNT_MISMATCH},
    "108_": {Code.BAD_HEADER, Code.NOT_X12},
    "143_": {
        Code.TRANSACTION_CONTROL_NUMBER_MISMATCH,
        Code.GROUP_CONTROL_NUMBER_MISMATCH,
        Code.INTERCHANGE_CONTROL_NUMBER_MISMATCH,
    },
    "145_": {Code.SEGMENT_COUNT_MISMATCH},
    "422_": {Code.SEGMENT_COUNT_MISMATCH},
    "synth_multi": {Code.DUPLICATE_INTERCHANGE},
}
"""Errors that are there and that the list does not name, looked at one by one."""


def listed() -> list[tuple[str, str]]:
    if not HAVE_SAMPLES:
        return []
    with (SAMPLES / "index.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["file"], row["oddities"] or "") for row in rows if row["file"].startswith("x12/")]


def test_the_list_names_files_that_are_there() -> None:
    assert len(listed()) > 50
    assert all((SAMPLES / name).is_file() for name, _ in listed())


@pytest.mark.parametrize(("name", "oddities"), listed())
def test_a_sample_is_read_to_its_last_byte_and_what_is_broken_is_said(name: str, oddities: str) -> None:
    data = (SAMPLES / name).read_bytes()
    found = index(data)
    assert b"".join(data[span.start : span.end] for span in found.spans) == data
    for interchange in found.interchanges:
        for transaction in interchange.transactions:
            split = segments(data, transaction, interchange.delimiters)
            assert len(split) == transaction.segment_count
            assert (split[0][0], split[-1][0]) == ("ST", "SE")
    short = name.removeprefix("x12/")
    expected: set[Code] = set()
    if not any(short.startswith(start) for start in JUDGED_OTHERWISE):
        for broken in re.findall(r"BROKEN:([^;]+)", oddities):
            (code,) = (code for pattern, code in BROKEN.items() if re.match(pattern, broken.strip()))
            expected.add(code)
    told = {finding.code for finding in found.findings if finding.severity is not Severity.NOTE}
    assert expected <= told, [finding.message for finding in found.findings]
    besides = next((codes for start, codes in ERRORS_BESIDES.items() if short.startswith(start)), set())
    errors = {finding.code for finding in found.findings if finding.severity is Severity.ERROR}
    assert errors <= expected | besides, [finding.message for finding in found.findings]
    assert besides <= errors
