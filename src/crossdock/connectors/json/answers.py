"""What an accepted request tells: per kind of document, which keys its answer map must give and the fact that is made
of them."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from crossdock.crosswalk.amounts import uncountable_in
from crossdock.facts.order import (
    CreditAnswered,
    DocumentSent,
    ErpOrderCreated,
    ErpOrderRevised,
    ShipmentPosted,
    TaxReceived,
)


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common base of answers."""


class CreditAnswer(Answer, frozen=True):
    """credit-check: whether it is granted."""

    approved: bool
    reason: str = ""


class NumberAnswer(Answer, frozen=True):
    """sales-order: the number it has there."""

    number: str


class RevisionAnswer(Answer, frozen=True):
    """sales-order-revision: the revision's number there."""

    revision: str


class PostingAnswer(Answer, frozen=True):
    """shipment-posting: the journal reference."""

    posting: str


class TaxLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tax on one line of the request."""

    line: str
    tax: Decimal


class TaxAnswer(Answer, frozen=True):
    """tax-request: the tax, whole and per line."""

    total: Decimal
    lines: tuple[TaxLine, ...] = ()


class SentAnswer(Answer, frozen=True):
    """Any other document: it is sent; `number` is the document's own if the answer has one."""

    number: str = ""


ANSWERS: Mapping[str, type[Answer]] = {
    "credit-check": CreditAnswer,
    "sales-order": NumberAnswer,
    "sales-order-revision": RevisionAnswer,
    "shipment-posting": PostingAnswer,
    "tax-request": TaxAnswer,
}
"""By the document's kind; one that is not here answers with SentAnswer."""


class _Subject(msgspec.Struct):
    shipment: str = ""


_subject = msgspec.json.Decoder(_Subject)


def answer_keys(document: str) -> tuple[set[str], set[str]]:
    """(all, required) keys that the answer map of `document` may and must give."""
    fields = msgspec.structs.fields(ANSWERS.get(document, SentAnswer))
    return {field.name for field in fields}, {field.name for field in fields if field.required}


def tell(document: str, obligation: str, content: bytes, answer: Mapping[str, Any], control: str = "") -> Any:
    """The fact data that `answer` to the request `content` tells. Raises ValueError that names the key when the answer
    lacks what it must have."""
    kind = ANSWERS.get(document, SentAnswer)
    try:
        told = msgspec.convert(_text_for_numbers(answer, kind), kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"the answer to {document} {obligation}: {error}") from None
    if (place := uncountable_in(told)) is not None:
        raise ValueError(f"the answer to {document} {obligation}: {place} is no number that can be counted with")
    match told:
        case CreditAnswer():
            return CreditAnswered(obligation=obligation, approved=told.approved, reason=told.reason)
        case NumberAnswer():
            return ErpOrderCreated(obligation=obligation, number=told.number)
        case RevisionAnswer():
            return ErpOrderRevised(obligation=obligation, revision=told.revision)
        case PostingAnswer():
            return ShipmentPosted(obligation=obligation, shipment=_shipment(content), posting=told.posting)
        case TaxAnswer():
            lines = tuple((line.line, line.tax) for line in told.lines)
            return TaxReceived(obligation=obligation, shipment=_shipment(content), total=told.total, lines=lines)
        case SentAnswer():
            return DocumentSent(obligation=obligation, document=document, number=told.number, control=control)
    raise AssertionError(kind)


def _shipment(content: bytes) -> str:
    return _subject.decode(content).shipment


@cache
def _names(kind: type[Answer]) -> Mapping[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _text_for_numbers(answer: Mapping[str, Any], kind: type[Answer]) -> dict[str, Any]:
    # Many systems number their records with JSON numbers; for us a number that is not counted with is a name.
    # Keys that only the flow knows ("file", "status") are of no interest here.
    names = _names(kind)
    texts = {
        key: str(value) if names[key] is str and type(value) is int else value
        for key, value in answer.items()
        if key in names
    }
    if isinstance(texts.get("lines"), list):
        texts["lines"] = [
            {**line, "line": str(line["line"])} if isinstance(line, dict) and type(line.get("line")) is int else line
            for line in texts["lines"]
        ]
    return texts
