"""Telling three kinds of duplicate apart: the same bytes, the same interchange, the same business document.

Here are the keys by which a store remembers what came, and the verdict once it says which of them it knew. What is the
same within one file is found by the index itself.
"""

import hashlib

import msgspec

from crossdock.edi.findings import Code, Finding, Place, find
from crossdock.edi.x12.delimiters import BLANKS
from crossdock.edi.x12.envelope import Interchange, InterchangeKey, Transaction
from crossdock.edi.x12.segments import segments


class DocumentKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What makes a business document the same one, whatever envelope it comes in.

    sender is the interchange's (ISA06); set_id with the document's own number, such as a purchase order number; purpose
    tells an original from a change that carries the same number.
    """

    sender: str
    set_id: str
    number: str
    purpose: str = ""


class TransmissionKeys(msgspec.Struct, frozen=True):
    """All by which an interchange can be known again. content: SHA-256 of its bytes, blanks around it left out."""

    content: str
    interchange: InterchangeKey
    documents: tuple[DocumentKey, ...] = ()


def keys(data: bytes, interchange: Interchange, documents: tuple[DocumentKey, ...] = ()) -> TransmissionKeys:
    """The keys of an interchange. data: the file it lies in; documents: told by who has read the content."""
    content = hashlib.sha256(data[interchange.start : interchange.end].rstrip(BLANKS)).hexdigest()
    return TransmissionKeys(content, interchange.key, documents)


def content_of(data: bytes, transaction: Transaction, interchange: Interchange) -> str:
    """SHA-256 of what a transaction set says: its segments between ST and SE, whatever delimiters they came with."""
    digest = hashlib.sha256(transaction.set_id.encode())
    for segment in segments(data, transaction, interchange.delimiters)[1:-1]:
        digest.update("\x1d".join(segment).encode() + b"\x1e")
    return digest.hexdigest()


def duplicates(
    interchange: Interchange, of: TransmissionKeys, *, content: bool, number: bool, documents: frozenset[DocumentKey]
) -> list[Finding]:
    """What is double about an interchange. content, number: its bytes or its key were known; documents: those known.

    The same bytes are said once, as that; only where the bytes differ is the number or a document worth a word.
    """
    place = Place(offset=interchange.start, interchange=interchange.control_number, segment="ISA", element=13)
    if content:
        return [find(Code.DUPLICATE_CONTENT, f"The same bytes came before, as {of.interchange.control_number}", place)]
    found = []
    if number:
        told = f"ISA-13 {interchange.control_number} came before from {interchange.sender}, with other content"
        found.append(find(Code.DUPLICATE_INTERCHANGE, told, place, found=interchange.control_number))
    for document in of.documents:
        if document in documents:
            told = f"{document.set_id} {document.number} of {document.sender} came before"
            found.append(find(Code.DUPLICATE_DOCUMENT, told, place, found=document.number))
    return found


def check_usage(interchange: Interchange, expected: str) -> Finding | None:
    """ISA15 against what is agreed for the channel: "P" or "T"; "" takes either. I (information) goes as test."""
    usage = "T" if interchange.usage == "I" else interchange.usage
    if not expected or usage == expected:
        return None
    words = {"P": "production", "T": "test"}
    told = f"ISA-15 is {interchange.usage or 'empty'}, this channel is for {words.get(expected, expected)}"
    place = Place(offset=interchange.start, interchange=interchange.control_number, segment="ISA", element=15)
    return find(Code.TEST_INDICATOR, told, place, expected=expected, found=interchange.usage)
