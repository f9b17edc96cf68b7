"""One declaration: what the validator knows, the reference tells."""

from pathlib import Path

import msgspec
import pytest

from crossdock.policy.agreement import Agreement, StockTerms
from crossdock.workspace.columns import COLUMNS
from crossdock.workspace.describe import describe
from crossdock.workspace.model import OURS_ELSEWHERE, TABLES, WORDS, PartnerStock, Policy
from crossdock.workspace.problems import CODES
from crossdock.workspace.shape import fields, words

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "workspace.md"


@pytest.mark.parametrize(("file", "shape", "key"), TABLES, ids=[f"{t[0]}-{t[2]}" for t in TABLES])
def test_every_key_has_words(file: str, shape: type[msgspec.Struct], key: str) -> None:
    told = WORDS.get({Policy: Agreement, PartnerStock: StockTerms}.get(shape, shape), {})
    for field in fields(shape):
        assert words(field.type) or told.get(field.name), f"{shape.__name__}.{field.name} has no words in model.WORDS"


def test_words_are_told_of_nothing_that_is_not_there() -> None:
    for shape, told in WORDS.items():
        assert set(told) <= {f.name for f in msgspec.structs.fields(shape)}


def test_every_field_of_an_agreement_can_be_said() -> None:
    said = {f.name for f in msgspec.structs.fields(Policy)} | set(OURS_ELSEWHERE)
    assert said == {f.name for f in msgspec.structs.fields(Agreement)}


def test_the_reference_names_every_column_and_every_code() -> None:
    text = describe()
    assert all(f"| `{c.name}` |" in text for columns in COLUMNS.values() for c in columns)
    assert all(f"| `{code}` |" in text for code in CODES)


def test_the_reference_in_docs_is_the_one_generated() -> None:
    how = "write it anew: python -m crossdock.workspace.describe > docs/reference/workspace.md"
    assert REFERENCE.read_text() == describe(), how
